package gen

// Boxes writes the sums of images over boxes of 2×2 pixels that gradients of a
// convolution read which doubles its image (conv.Shape.Grad): element (r, s) of T is
// (Y[r−1,s−1] + Y[r,s−1]) + (Y[r−1,s] + Y[r,s]). What lies outside Y is −0, to which any
// number can be added and stays what it is. A thread has one of count elements of an
// image of T, which is H×W×C and dense; Y is (H−1)×(W−1)×C. Grid: (⌈count/256⌉, images).
func Boxes() string {
	b := newBuilder()
	params := []Param{{"u64", "pT"}, {"u64", "pY"}, {"u32", "count"}, {"u32", "H"}, {"u32", "W"}, {"u32", "C"}, {"u32", "pitchY"}}
	v := b.load(params)
	i, n := b.thread(), b.def('r', "mov.u32 %%ctaid.y")
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["count"]))
	pixel := b.def('r', "div.u32 %s, %s", i, v["C"])
	row := b.def('r', "div.u32 %s, %s", pixel, v["W"])
	c, col := b.rest(i, pixel, v["C"]), b.rest(pixel, row, v["W"])
	high, wide := b.def('r', "sub.u32 %s, 1", v["H"]), b.def('r', "sub.u32 %s, 1", v["W"])
	line := b.def('d', "mad.lo.u64 %s, %s, %s", b.def('d', "mul.wide.u32 %s, %s", n, high), b.def('d', "cvt.u64.u32 %s", wide),
		b.def('d', "mad.wide.u32 %s, %s, %s", row, wide, b.def('d', "cvt.u64.u32 %s", col)))
	step := b.def('d', "mul.wide.u32 %s, 4", v["pitchY"])
	at := b.def('d', "mad.lo.u64 %s, %s, %s", line, step, b.item(v["pY"], c)) // of Y[r,s]
	down := b.def('d', "mul.lo.u64 %s, %s", step, b.def('d', "cvt.u64.u32 %s", wide))
	above := b.def('d', "sub.u64 %s, %s", at, down)
	in := [2]string{b.test("setp.ne.u32 %s, 0", row), b.test("setp.lt.u32 %s, %s", row, high)} // rows r−1 and r
	sum := func(ok string, back bool) string {                                                 // of a column
		var x [2]string
		for i, from := range [2]string{above, at} {
			if back {
				from = b.def('d', "sub.u64 %s, %s", from, step)
			}
			x[i] = b.def('f', "mov.f32 0f80000000")
			b.emit("@%s ld.global.f32 %s, [%s];", b.def('p', "and.pred %s, %s", in[i], ok), x[i], from)
		}
		return b.add(x[0], x[1])
	}
	left := sum(b.test("setp.ne.u32 %s, 0", col), true)
	right := sum(b.test("setp.lt.u32 %s, %s", col, wide), false)
	to := b.def('d', "mad.wide.u32 %s, %s, %s", n, v["count"], b.def('d', "cvt.u64.u32 %s", i))
	b.emit("st.global.f32 [%s], %s;", b.def('d', "add.u64 %s, %s", v["pT"], b.def('d', "shl.b64 %s, 2", to)), b.add(left, right))
	b.emit("ret;")
	return module70(false, b.entry("boxes", params, 256, 0))
}
