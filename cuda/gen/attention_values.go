package gen

// values is the product of the probabilities with v, keys ascending: a thread
// has queries rg + step·i and columns 4·ex … 4·ex+3.
func (a *attention) values() {
	chunks := a.d / 4
	step, rows := 128/chunks, attentionQueries*chunks/128
	ex, rg := a.def('r', "and.b32 %s, %d", a.tid, chunks-1), a.def('r', "shr.u32 %s, %d", a.tid, log2(chunks))
	y := make([][]string, rows)
	for i := range y {
		for range 4 {
			y[i] = append(y[i], a.def('f', "mov.f32 0f00000000"))
		}
	}
	vAt := a.def('r', "add.u32 %s, %s", a.smem, a.def('r', "shl.b32 %s, 4", ex))
	pAt := a.def('r', "mad.lo.u32 %s, %s, %s", rg, a.scoresStep, a.scores)
	a.emit("mov.u32 %s, 0;", a.k0)
	loop := a.label("VALUES")
	a.mark(loop)
	a.tile(2, "")
	left := a.def('r', "min.u32 %s, %d", a.def('r', "sub.u32 %s, %s", a.v["T"], a.k0), attentionKeys)
	a.addValues(y, left, a.def('r', "mov.u32 %s", vAt), a.def('r', "mad.lo.u32 %s, 4, %s", a.k0, pAt), step)
	a.emit("add.u32 %s, %s, %d;", a.k0, a.k0, attentionKeys)
	a.jump(loop, "setp.lt.u32 %s, %s", a.k0, a.v["T"])
	for i := range rows {
		row := a.def('r', "add.u32 %s, %s", a.q0, a.def('r', "add.u32 %s, %d", rg, i*step))
		in := a.test("setp.lt.u32 %s, %s", row, a.v["T"])
		e := a.def('d', "mul.wide.u32 %s, %s", a.def('r', "mad.lo.u32 %s, %s, %s", a.n, a.v["T"], row), a.v["pitchY"])
		col := a.def('r', "mad.lo.u32 %s, %d, %s", a.h, a.d, a.def('r', "shl.b32 %s, 2", ex))
		e = a.def('d', "shl.b64 %s, 2", a.def('d', "add.u64 %s, %s", e, a.def('d', "cvt.u64.u32 %s", col)))
		a.emit("@%s st.global.v4.f32 [%s], %s;", in, a.def('d', "add.u64 %s, %s", a.v["pY"], e), list(y[i]))
	}
}

// addValues adds the left keys of a tile, four at a time, then one by one.
func (a *attention) addValues(y [][]string, left, va, pa string, step int) {
	four, one, end := a.label("FOUR"), a.label("ONE"), a.label("ONEEND")
	k := a.def('r', "mov.u32 0")
	add := func(n int) {
		p := make([][]string, len(y))
		for i := range p {
			p[i] = a.regs('f', n)
			a.emit("ld.shared%s %s, [%s];", vector(n), group(p[i]), a.def('r', "mad.lo.u32 %s, %d, %s", a.scoresStep, i*step, pa))
		}
		for x := range n {
			w := a.regs('f', 4)
			a.emit("ld.shared.v4.f32 %s, [%s+%d];", list(w), va, (attentionQueries+x)*a.pitch)
			for i, row := range y {
				for j := range row {
					a.emit("fma.rn.f32 %s, %s, %s, %s;", row[j], p[i][x], w[j], row[j])
				}
			}
		}
		a.emit("add.u32 %s, %s, %d;", k, k, n)
		a.emit("add.u32 %s, %s, %d;", pa, pa, 4*n)
		a.emit("add.u32 %s, %s, %d;", va, va, n*a.pitch)
	}
	a.mark(four)
	a.jump(one, "setp.gt.u32 %s, %s", a.def('r', "add.u32 %s, 4", k), left)
	add(4)
	a.emit("bra %s;", four)
	a.mark(one)
	a.jump(end, "setp.ge.u32 %s, %s", k, left)
	add(1)
	a.emit("bra %s;", one)
	a.mark(end)
}
