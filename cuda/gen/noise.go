package gen

// What the fills of package simd are made of, step by step in the same order.

// philox is the words of the block with that counter under the key.
func (b *builder) philox(c [4]string, k [2]string) [4]string {
	mul := func(part, x, by string) string { return b.def('r', "mul.%s.u32 %s, %s", part, x, by) }
	xor := func(x, y, z string) string { return b.def('r', "lop3.b32 %s, %s, %s, 0x96", x, y, z) }
	for r := range 10 {
		h0, l0 := mul("hi", c[0], "0xD2511F53"), mul("lo", c[0], "0xD2511F53")
		h1, l1 := mul("hi", c[2], "0xCD9E8D57"), mul("lo", c[2], "0xCD9E8D57")
		c = [4]string{xor(h1, c[1], k[0]), l1, xor(h0, c[3], k[1]), l0}
		if r < 9 {
			k = [2]string{b.def('r', "add.u32 %s, 0x9E3779B9", k[0]), b.def('r', "add.u32 %s, 0xBB67AE85", k[1])}
		}
	}
	return c
}

// Polynomials of simd/noise_generic.go and noise_stable_generic.go.
var (
	noiseSin     = []float32{0x1.921fb6p+1, -0x1.4abc24p+2, 0x1.4680a4p+1, -0x1.331986p-1}
	noiseCos     = []float32{1, -0x1.3bd3ccp+2, 0x1.03c1aep+2, -0x1.55b146p+0, 0x1.d47d66p-3}
	noiseLog     = []float32{0x1.715476p+0, -0x1.715470p-1, 0x1.ec73d6p-2, -0x1.715c4cp-2, 0x1.26d380p-2, -0x1.e95c1ep-3, 0x1.b9c99ep-3, -0x1.a87bf6p-3, 0x1.01b444p-3}
	noiseExp     = []float32{1, 0x1.62e430p-1, 0x1.ebfb94p-3, 0x1.c6af9ep-5, 0x1.3b681ap-7, 0x1.5ef4dep-10, 0x1.17956ap-13}
	noiseSinHalf = []float32{-0x1.bf2e18p-24, -0x1.4abbc2p+02, 0x1.4668c6p+01, -0x1.324eep-01, 0x1.3dceecp-04}
)

func (b *builder) toFloat(k string) string { return b.def('f', "cvt.rn.f32.s32 %s", k) }

// halfUnit is simd.noiseHalfUnit.
func (b *builder) halfUnit(w string) string {
	return b.fma(b.toFloat(b.def('r', "and.b32 %s, 0x7FFFFFFF", w)), lit(0x1p-32), lit(0x1p-33))
}

// split returns an integer e and f with x = 2^e·(1+f).
func (b *builder) split(x string) (e, f string) {
	w := b.def('r', "mov.b32 %s", x)
	e = b.def('r', "shr.s32 %s, 23", b.def('r', "sub.s32 %s, 0x3F3504F3", w))
	f = b.def('f', "mov.b32 %s", b.def('r', "sub.s32 %s, %s", w, b.def('r', "shl.b32 %s, 23", e)))
	return e, b.sub(f, lit(1))
}

// negLog2 is simd.noiseNegLog2.
func (b *builder) negLog2(w string) string {
	k := b.def('r', "shr.u32 %s, 1", w)
	e, f := b.split(b.fma(b.toFloat(k), lit(0x1p-31), lit(0x1p-32)))
	high := b.test("setp.gt.u32 %s, 1518500249", k)
	e = b.def('r', "selp.b32 0, %s, %s", e, high)
	near := b.fma(b.toFloat(b.def('r', "xor.b32 %s, 0x7FFFFFFF", k)), lit(-0x1p-31), lit(-0x1p-32))
	f = b.def('f', "selp.f32 %s, %s, %s", near, f, high)
	return b.fma(b.neg(b.horner(f, noiseLog)), f, b.neg(b.toFloat(e)))
}

// signed is x with its sign flipped where bit 31 of w is set: a ^ (b & c).
func (b *builder) signed(x, w string) string {
	return b.def('f', "mov.b32 %s", b.def('r', "lop3.b32 %s, %s, 0x80000000, 0x78", b.def('r', "mov.b32 %s", x), w))
}

// sinCosPi is simd.noiseSinCosPi.
func (b *builder) sinCosPi(y string) (sin, cos string) {
	w := b.def('f', "min.f32 %s, %s", y, b.def('f', "max.f32 %s, %s", b.sub(lit(0.5), y), lit(0x1p-27)))
	t := b.mul(w, w)
	p, c := b.mul(b.horner(t, noiseSin), w), b.horner(t, noiseCos)
	far := b.test("setp.gt.f32 %s, %s", y, lit(0.25))
	return b.def('f', "selp.f32 %s, %s, %s", c, p, far), b.def('f', "selp.f32 %s, %s, %s", p, c, far)
}

// normal is simd.noiseNormal.
func (b *builder) normal(w0, w1, scale string) (x, y string) {
	sin, cos := b.sinCosPi(b.halfUnit(w0))
	r := b.def('f', "sqrt.rn.f32 %s", b.mul(b.negLog2(w1), lit(0x1.62e430p+0)))
	x = b.signed(b.mul(b.mul(r, cos), scale), b.def('r', "shl.b32 %s, 31", w1))
	return x, b.signed(b.mul(b.mul(r, sin), scale), w0)
}

// sine is simd.noiseSine.
func (b *builder) sine(w, z string) string {
	r := b.horner(b.mul(w, w), noiseSinHalf)
	return b.fma(z, lit(0x1.921fb6p+1), b.mul(r, z))
}

// symmetric is simd.noiseSymmetric.
func (b *builder) symmetric(wu, we string, v map[string]string, high bool) string {
	u := b.halfUnit(wu)
	w := b.def('f', "max.f32 %s, %s", b.fma(u, b.neg(v["alpha"]), v["half"]), v["least"])
	k := v["half"]
	if high {
		k = v["rest"]
		w = b.def('f', "selp.f32 %s, %s, %s", b.fma(u, v["alpha"], k), w, b.test("setp.gt.f32 %s, %s", w, lit(0.5)))
	}
	y := b.fma(u, v["eps"], k)
	sv := b.sine(u, u)
	head, inv := b.noiseHead(b.sine(w, w), b.negLog2(we), sv)
	return b.signed(b.scaled(head, b.mul(b.sine(y, y), inv), v), wu)
}

// scaled is simd.noiseScaled; biasN is none for families without.
func (b *builder) scaled(head, r string, v map[string]string) string {
	ei, f := b.split(r)
	e := b.toFloat(ei)
	t := b.fma(b.mul(b.horner(f, noiseLog), f), v["expo"], v["bias"])
	n := b.def('f', "cvt.rni.f32.f32 %s", b.fma(e, v["expo"], t))
	d := b.add(b.fma(e, v["expo"], b.neg(n)), b.fma(e, v["expolo"], t))
	d = b.def('f', "min.f32 %s, %s", b.def('f', "max.f32 %s, %s", d, lit(-0.51)), lit(0.51))
	p := b.horner(d, noiseExp)
	if v["biasn"] != "" {
		n = b.add(n, v["biasn"])
	}
	n = b.def('f', "min.f32 %s, %s", b.def('f', "max.f32 %s, %s", n, lit(-126)), lit(127))
	power := b.def('r', "shl.b32 %s, 23", b.def('r', "cvt.rzi.s32.f32 %s", n))
	x := b.mul(head, b.def('f', "mov.b32 %s", b.def('r', "add.s32 %s, %s", b.def('r', "mov.b32 %s", p), power)))
	const most = 0x1.fffffep127
	x = b.def('f', "max.f32 %s, %s", b.def('f', "min.f32 %s, %s", x, lit(most)), lit(-most))
	return b.lifted(x)
}

// lifted is x, and for 0 the smallest number with its sign.
func (b *builder) lifted(x string) string {
	small := b.def('f', "mov.b32 %s", b.def('r', "or.b32 %s, 1", b.def('r', "mov.b32 %s", x)))
	return b.def('f', "selp.f32 %s, %s, %s", small, x, b.test("setp.eq.f32 %s, 0f00000000", x))
}

// nonzero is simd.noiseNonzero.
func (b *builder) nonzero(x, size, w string) string {
	s := b.signed(size, b.def('r', "shl.b32 %s, 31", w))
	return b.def('f', "selp.f32 %s, %s, %s", s, x, b.test("setp.eq.f32 %s, 0f00000000", x))
}

// noiseHead is simd.noiseHead.
func (b *builder) noiseHead(s, e, sv string) (head, inv string) {
	inv = b.div(lit(1), b.mul(e, sv))
	return b.mul(b.mul(s, e), inv), inv
}

// skewed is simd.noiseSkewed. Parameters of U > 0 end in 0, of U < 0 in 1.
func (b *builder) skewed(wu, we string, v map[string]string) string {
	u := b.halfUnit(wu)
	minus := b.test("setp.lt.s32 %s, 0", wu)
	side := func(name string) string {
		return b.def('f', "selp.f32 %s, %s, %s", v[name+"1"], v[name+"0"], minus)
	}
	k, rest := side("near"), side("rest")
	near := func(x, other string) string { // the distance from 1 where that is nearer
		return b.def('f', "selp.f32 %s, %s, %s", other, x, b.test("setp.gt.f32 %s, %s", x, lit(0.5)))
	}
	y := near(b.fma(u, v["eps"], k), b.fma(u, b.neg(v["eps"]), rest))
	w := b.add(b.fma(u, b.neg(v["alpha"]), k), b.fma(u, b.neg(v["alphalo"]), side("klo")))
	zero := b.test("setp.eq.f32 %s, 0f00000000", w)
	w = near(w, b.fma(u, v["alpha"], rest))
	w = b.def('f', "selp.f32 %s, %s, %s", v["least"], w, zero)
	head, inv := b.noiseHead(b.sine(w, w), b.negLog2(we), b.sine(u, u))
	x := b.add(b.signed(b.scaled(head, b.mul(b.sine(y, y), inv), v), wu), v["shift"])
	return b.nonzero(x, v["zero"], we)
}

// log2f is simd.noiseLog2.
func (b *builder) log2f(x string) string {
	e, f := b.split(x)
	return b.fma(b.horner(f, noiseLog), f, b.toFloat(e))
}

// power is simd.noisePower.
func (b *builder) power(head, l string) string {
	l = b.def('f', "min.f32 %s, %s", b.def('f', "max.f32 %s, %s", l, lit(-126)), lit(127))
	n := b.def('f', "cvt.rni.f32.f32 %s", l)
	r := b.def('r', "mov.b32 %s", b.horner(b.sub(l, n), noiseExp))
	r = b.def('r', "add.s32 %s, %s", r, b.def('r', "shl.b32 %s, 23", b.def('r', "cvt.rzi.s32.f32 %s", n)))
	x := b.def('f', "min.f32 %s, %s", b.mul(head, b.def('f', "mov.b32 %s", r)), lit(0x1.fffffep127))
	return b.def('f', "max.f32 %s, %s", x, lit(0x1p-149))
}

// positive is simd.noisePositive in the form value, root or log.
func (b *builder) positive(wu, we string, v map[string]string, form string, high bool) string {
	u := b.halfUnit(wu)
	sv, cv := b.sinCosPi(u)
	add := b.def('f', "selp.f32 %s, 0f00000000, %s", v["a"], b.test("setp.lt.s32 %s, 0", wu))
	s, cb := b.sinCosPi(b.fma(u, b.signed(v["a"], wu), add))
	c := b.fma(sv, cb, b.neg(b.mul(b.signed(cv, wu), s)))
	if high {
		s, c = c, s
	}
	head, inv := b.noiseHead(s, b.negLog2(we), sv)
	r := b.mul(c, inv)
	if form == "value" {
		return b.scaled(head, r, v)
	}
	l := b.fma(v["expo"], b.log2f(r), v["bias"])
	if form == "log" {
		x := b.mul(b.add(l, b.log2f(head)), lit(0x1.62e430p-1))
		return b.def('f', "selp.f32 %s, %s, %s", lit(0x1p-26), x, b.test("setp.eq.f32 %s, 0f00000000", x))
	}
	return b.power(b.def('f', "sqrt.rn.f32 %s", head), l)
}
