package gen

// scores multiplies the queries with the keys of the tile.
func (a *flash) scores() {
	for i := range a.s {
		a.clear(a.s[i])
	}
	for k := range 4 {
		at := a.def('r', "add.u32 %s, %s", a.offK[k], a.current)
		for j := range 4 {
			x := a.regs('r', 4)
			a.emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 %s, [%s+%d];", list(x), at, flashK+j*2048)
			for h := range 2 {
				s := list(a.s[2*j+h])
				a.emit("%s %s, %s, %s, %s;", mmaBF16, s, list(a.q[k]), list(x[2*h:2*h+2]), s)
			}
		}
	}
}

// mask takes the keys past the end out.
func (a *flash) mask(next string) {
	whole := a.label("WHOLE")
	a.jump(whole, "setp.le.u32 %s, %s", next, a.v["T"])
	for j := range 8 {
		for e := range 2 {
			key := a.def('r', "add.u32 %s, %s", a.key, a.def('r', "add.u32 %s, %d", a.pair, 8*j+e))
			past := a.test("setp.ge.u32 %s, %s", key, a.v["T"])
			a.emit("@%s mov.f32 %s, 0fFF800000;", past, a.s[j][e])
			a.emit("@%s mov.f32 %s, 0fFF800000;", past, a.s[j][2+e])
		}
	}
	a.mark(whole)
}

// fourLanes joins the lanes that share a row.
func (a *builder) fourLanes(x string, join func(x, y string) string) string {
	for _, d := range []int{1, 2} {
		y := a.reg('f')
		a.emit("shfl.sync.bfly.b32 %s, %s, %d, 31, 0xFFFFFFFF;", y, x, d)
		x = join(x, y)
	}
	return x
}

// softmax turns the scores of row g + 8i into powers, and corrects what was summed
// by the power of what the largest score grew by.
func (a *flash) softmax(i int) {
	larger := func(x, y string) string { return a.def('f', "max.f32 %s, %s", x, y) }
	top := a.s[0][2*i]
	for j := range 8 {
		for e := range 2 {
			if j+e > 0 {
				top = larger(top, a.s[j][2*i+e])
			}
		}
	}
	top = larger(a.top[i], a.fourLanes(top, larger))
	fix := a.def('f', "ex2.approx.ftz.f32 %s", a.mul(a.sub(a.top[i], top), scaleLog2))
	a.emit("mov.f32 %s, %s;", a.top[i], top)
	shift := a.neg(a.mul(top, scaleLog2))
	a.emit("mul.rn.f32 %s, %s, %s;", a.sum[i], a.sum[i], fix)
	for j := range 8 {
		for e := range 2 {
			x, o := a.s[j][2*i+e], a.out[j][2*i+e]
			a.emit("fma.rn.f32 %s, %s, %s, %s;", x, x, scaleLog2, shift)
			a.emit("ex2.approx.ftz.f32 %s, %s;", x, x)
			a.emit("add.rn.f32 %s, %s, %s;", a.sum[i], a.sum[i], x)
			a.emit("mul.rn.f32 %s, %s, %s;", o, o, fix)
		}
	}
}

// values multiplies the powers, as bfloat16, with the values of the tile.
func (a *flash) values() {
	for k := range 4 {
		var p []string
		for _, s := range a.s[2*k : 2*k+2] {
			for i := range 2 {
				p = append(p, a.def('r', "cvt.rn.bf16x2.f32 %s, %s", s[2*i+1], s[2*i]))
			}
		}
		for j := range 4 {
			at := a.def('r', "add.u32 %s, %s", a.offV[j], a.current)
			x := a.regs('r', 4)
			a.emit("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 %s, [%s+%d];", list(x), at, flashV+k*2048)
			for h := range 2 {
				o := list(a.out[2*j+h])
				a.emit("%s %s, %s, %s, %s;", mmaBF16, o, list(p), list(x[2*h:2*h+2]), o)
			}
		}
	}
}

// finish divides by the sums and stores.
func (a *flash) finish() {
	g := a.def('r', "shr.u32 %s, 2", a.lane)
	for i := range 2 {
		inv := a.div(lit(1), a.fourLanes(a.sum[i], a.add))
		row := a.def('r', "add.u32 %s, %d", a.def('r', "mad.lo.u32 %s, 16, %s", a.warp, g), 8*i)
		row = a.def('r', "add.u32 %s, %s", a.q0, row)
		in := a.test("setp.lt.u32 %s, %s", row, a.v["T"])
		e := a.def('d', "mul.wide.u32 %s, %s", a.def('r', "mad.lo.u32 %s, %s, %s", a.n, a.v["T"], row), a.v["pitchY"])
		e = a.def('d', "add.u64 %s, %s", e, a.def('d', "cvt.u64.u32 %s", a.def('r', "mad.lo.u32 %s, 64, %s", a.h, a.pair)))
		at := a.def('d', "add.u64 %s, %s", a.v["pY"], a.def('d', "shl.b64 %s, 2", e))
		for j, o := range a.out {
			a.emit("@%s st.global.v2.f32 [%s+%d], {%s, %s};", in, at, 32*j, a.mul(o[2*i], inv), a.mul(o[2*i+1], inv))
		}
	}
	a.emit("ret;")
}
