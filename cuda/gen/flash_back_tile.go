package gen

import "math"

const mmaTF32 = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"

// multiply adds the product of two fragments to c.
func (a *flashBack) multiply(c, x, y []string) {
	op := mmaBF16
	if a.TF32 {
		op = mmaTF32
	}
	a.emit("%s %s, %s, %s, %s;", op, list(c), list(x), list(y), list(c))
}

// ownRows loads the warp's 16 rows of the operand at an offset of the second buffer.
func (a *flashBack) ownRows(at int) (x [][]string) {
	for k := range a.chunks() / 2 {
		x = append(x, a.regs('r', 4))
		a.emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 %s, [%s+%d];", list(x[k]), a.atA, a.bufferBytes()+at+32*k)
	}
	return x
}

// sums are n registers of 16×8 zeros.
func (a *flashBack) sums(n int) (x [][]string) {
	for range n {
		x = append(x, a.regs('f', 4))
		a.clear(x[len(x)-1])
	}
	return x
}

// products multiplies the own rows with rows 16j … 16j+15 of the tile: both products,
// scores and dp, as two of 16×8 each. Rows of the tile are their columns.
func (a *flashBack) products(j int) (s, dp [][]string) {
	s, dp = a.sums(2), a.sums(2)
	at := a.def('r', "add.u32 %s, %s", a.atB, a.current)
	for k := range a.chunks() / 2 {
		for i, own := range a.own {
			c := [][][]string{s, dp}[i]
			x := a.regs('r', 4)
			a.emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 %s, [%s+%d];", list(x), at, i*a.tileBytes()+16*j*a.rowBytes()+32*k)
			a.multiply(c[0], own[k], x[:2])
			a.multiply(c[1], own[k], x[2:])
		}
	}
	return s, dp
}

// gather adds to out what rows 16j … 16j+15 of operand i of the tile give, weighed
// with the columns of w.
func (a *flashBack) gather(out, w [][]string, i, j int) {
	at := a.def('r', "add.u32 %s, %s", a.atC, a.current)
	if a.TF32 {
		a.gatherWords(out, w, at, i*a.tileBytes()+16*j*a.rowBytes())
		return
	}
	var p []string
	for _, c := range w {
		p = append(p, a.def('r', "cvt.rn.bf16x2.f32 %s, %s", c[1], c[0]), a.def('r', "cvt.rn.bf16x2.f32 %s, %s", c[3], c[2]))
	}
	for e := range a.Head / 16 {
		x := a.regs('r', 4)
		a.emit("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 %s, [%s+%d];", list(x), at, i*a.tileBytes()+16*j*a.rowBytes()+32*e)
		a.multiply(out[2*e], p, x[:2])
		a.multiply(out[2*e+1], p, x[2:])
	}
}

// gatherWords is gather for words of 32 bits, eight rows at a time. A lane has columns
// 2t and 2t+1 of the weights, and would need t and t+4: the rows are taken in an order
// in which it has them.
func (a *flashBack) gatherWords(out, w [][]string, at string, first int) {
	for k, c := range w {
		var p []string
		for _, i := range []int{0, 2, 1, 3} {
			p = append(p, a.def('r', "mov.b32 %s", c[i]))
		}
		for e := range a.Head / 8 {
			x := a.regs('r', 2)
			for h, r := range x {
				a.emit("ld.shared.b32 %s, [%s+%d];", r, at, first+(8*k+h)*a.rowBytes()+32*e)
			}
			a.multiply(out[e], p, x)
		}
	}
}

// mask takes the keys past the end out of the scores of a whole tile.
func (a *flashBack) mask(s [][]string, next string) {
	whole := a.label("WHOLE")
	a.jump(whole, "setp.le.u32 %s, %s", next, a.v["T"])
	first := a.def('r', "add.u32 %s, %s", a.at, a.def('r', "shl.b32 %s, 1", a.def('r', "and.b32 %s, 3", a.lane)))
	for j, c := range s {
		for e := range 2 {
			past := a.test("setp.ge.u32 %s, %s", a.def('r', "add.u32 %s, %d", first, 8*j+e), a.v["T"])
			a.emit("@%s mov.f32 %s, 0fFF800000;", past, c[e])
			a.emit("@%s mov.f32 %s, 0fFF800000;", past, c[2+e])
		}
	}
	a.mark(whole)
}

// tileProducts are the products with the whole tile, masked.
func (a *flashBack) tileProducts(next string) (s, dp [][]string) {
	for j := range FlashRows / 16 {
		x, y := a.products(j)
		s, dp = append(s, x...), append(dp, y...)
	}
	a.mask(s, next)
	return s, dp
}

func (a *builder) power2(x string) string { return a.def('f', "ex2.approx.ftz.f32 %s", x) }

// queries goes over the keys twice.
func (a *flashBack) queries(keys []operand) {
	a.top, a.sum, a.d = a.regs('f', 2), a.regs('f', 2), a.regs('f', 2)
	for _, x := range a.top {
		a.emit("mov.f32 %s, %s;", x, lit(-math.MaxFloat32)) // not −∞, of which a lane of masked keys only made NaN
	}
	a.clear(a.sum)
	a.clear(a.d)
	a.over(keys, false, func(next string) {
		s, dp := a.tileProducts(next)
		for i := range 2 {
			a.know(i, s, dp)
		}
	})
	a.known()
	dq := a.sums(a.Head / 8)
	a.emit("mov.u32 %s, 0;", a.at)
	a.over(keys, true, func(next string) {
		s, dp := a.tileProducts(next)
		for j, c := range s {
			for i, x := range c {
				a.emit("fma.rn.f32 %s, %s, %s, %s;", x, x, a.scale, a.shift[i/2])
				a.emit("mul.rn.f32 %s, %s, %s;", dp[j][i], a.power2(x), a.sub(dp[j][i], a.d[i/2]))
			}
		}
		for j := range FlashRows / 16 {
			a.gather(dq, dp[2*j:2*j+2], 0, j)
		}
	})
	a.store(dq, 0, a.Head)
}

// know takes what the lane has of row g + 8i into its largest score, its sum of powers
// and that of powers times dp. The lanes of a row know nothing of each other until the
// end.
func (a *flashBack) know(i int, s, dp [][]string) {
	top := a.top[i]
	for _, c := range s {
		for e := range 2 {
			top = a.def('f', "max.f32 %s, %s", top, c[2*i+e])
		}
	}
	fix := a.power2(a.mul(a.sub(a.top[i], top), a.scale))
	a.emit("mov.f32 %s, %s;", a.top[i], top)
	shift := a.neg(a.mul(top, a.scale))
	for _, x := range []string{a.sum[i], a.d[i]} {
		a.emit("mul.rn.f32 %s, %s, %s;", x, x, fix)
	}
	for j, c := range s {
		for e := range 2 {
			p := a.power2(a.fma(c[2*i+e], a.scale, shift))
			a.emit("add.rn.f32 %s, %s, %s;", a.sum[i], a.sum[i], p)
			a.emit("fma.rn.f32 %s, %s, %s, %s;", a.d[i], p, dp[j][2*i+e], a.d[i])
		}
	}
}

// known joins the four lanes of a row, and leaves the negative logarithm of the sum and
// D for the keys: of queries past the end −∞ and 0, which make every p and ds zero.
func (a *flashBack) known() {
	larger := func(x, y string) string { return a.def('f', "max.f32 %s, %s", x, y) }
	t0 := a.test("setp.eq.u32 %s, 0", a.def('r', "and.b32 %s, 3", a.lane))
	for i := range 2 {
		top := a.fourLanes(a.top[i], larger)
		fix := a.power2(a.mul(a.sub(a.top[i], top), a.scale))
		sum := a.fourLanes(a.mul(a.sum[i], fix), a.add)
		a.emit("div.rn.f32 %s, %s, %s;", a.d[i], a.fourLanes(a.mul(a.d[i], fix), a.add), sum)
		a.shift = append(a.shift, a.neg(a.fma(top, a.scale, a.def('f', "lg2.approx.ftz.f32 %s", sum))))
		row := a.ownRow(i)
		in := a.test("setp.lt.u32 %s, %s", row, a.v["T"])
		shift, d := a.def('f', "selp.f32 %s, 0fFF800000, %s", a.shift[i], in), a.def('f', "selp.f32 %s, 0f00000000, %s", a.d[i], in)
		at := a.def('d', "add.u64 %s, %s", a.v["pStats"], a.def('d', "mul.wide.u32 %s, 8", a.stat(row)))
		a.emit("@%s st.global.v2.f32 [%s], {%s, %s};", t0, at, shift, d)
	}
}

// ownRow is the number of row g + 8i of the warp.
func (a *flashBack) ownRow(i int) string {
	row := a.def('r', "mad.lo.u32 %s, 16, %s", a.warp, a.def('r', "shr.u32 %s, 2", a.lane))
	return a.def('r', "add.u32 %s, %s", a.own0, a.def('r', "add.u32 %s, %d", row, 8*i))
}

// keys goes over the queries: the rows of its products are keys, their columns queries.
func (a *flashBack) keys(queries []operand) {
	dk, dv := a.sums(a.Head/8), a.sums(a.Head/8)
	a.over(queries, true, func(string) {
		for j := range FlashRows / 16 {
			s, dp := a.products(j)
			at := a.def('r', "add.u32 %s, %s", a.atD, a.current)
			for h, c := range s {
				x := a.regs('f', 4) // −l and D of two queries
				a.emit("ld.shared.v4.f32 %s, [%s+%d];", list(x), at, 2*a.tileBytes()+8*(16*j+8*h))
				for i := range c {
					p := a.power2(a.fma(c[i], a.scale, x[i%2*2]))
					dp[h][i] = a.mul(p, a.sub(dp[h][i], x[i%2*2+1]))
					c[i] = p
				}
			}
			a.gather(dv, s, 1, j)
			a.gather(dk, dp, 0, j)
		}
	})
	a.store(dk, 1, a.Head)
	a.store(dv, 2, 1)
}

// store divides by √root and stores part 0, 1 or 2 of the gradient.
func (a *flashBack) store(out [][]string, part, root int) {
	pair := a.def('r', "shl.b32 %s, 1", a.def('r', "and.b32 %s, 3", a.lane))
	col := a.def('r', "mad.lo.u32 %s, %d, %s", a.h, 3*a.Head, pair)
	for i := range 2 {
		row := a.ownRow(i)
		in := a.test("setp.lt.u32 %s, %s", row, a.v["T"])
		e := a.def('d', "mul.wide.u32 %s, %s", a.def('r', "mad.lo.u32 %s, %s, %s", a.n, a.v["T"], row), a.v["pitchOut"])
		e = a.def('d', "add.u64 %s, %s", e, a.def('d', "cvt.u64.u32 %s", col))
		at := a.def('d', "add.u64 %s, %s", a.v["pOut"], a.def('d', "shl.b64 %s, 2", e))
		for j, o := range out {
			x, y := o[2*i], o[2*i+1]
			if root > 1 {
				f := lit(float32(1 / math.Sqrt(float64(root))))
				x, y = a.mul(x, f), a.mul(y, f)
			}
			a.emit("@%s st.global.v2.f32 [%s+%d], {%s, %s};", in, at, 4*(part*a.Head+8*j), x, y)
		}
	}
}
