package gen

// The fills of package simd: whole blocks of Philox4x32-10, thread i makes block
// first+i. Grid: ⌈blocks/256⌉.

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

// normal is simd.noiseNormal.
func (b *builder) normal(w0, w1, scale string) (x, y string) {
	v := b.halfUnit(w0)
	w := b.def('f', "min.f32 %s, %s", v, b.sub(lit(0.5), v))
	t := b.mul(w, w)
	p, c := b.mul(b.horner(t, noiseSin), w), b.horner(t, noiseCos)
	far := b.test("setp.gt.f32 %s, %s", v, lit(0.25))
	sin := b.def('f', "selp.f32 %s, %s, %s", c, p, far)
	cos := b.def('f', "selp.f32 %s, %s, %s", p, c, far)
	r := b.def('f', "sqrt.rn.f32 %s", b.mul(b.negLog2(w1), lit(0x1.62e430p+0)))
	x = b.signed(b.mul(b.mul(r, cos), scale), b.def('r', "shl.b32 %s, 31", w1))
	return x, b.signed(b.mul(b.mul(r, sin), scale), w0)
}

var noiseParams = []Param{{"u64", "pY"}, {"u32", "blocks"}, {"u32", "first"},
	{"u32", "k0"}, {"u32", "k1"}, {"u32", "c1"}, {"u32", "c2"}, {"u32", "c3"}}

// noise is the frame of a fill: make turns the words of a block into what it stores.
func noise(name string, extra []Param, make func(b *builder, w [4]string, v map[string]string) []string) string {
	b := newBuilder()
	params := append(append([]Param{}, noiseParams...), extra...)
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["blocks"]))
	w := b.philox([4]string{b.def('r', "add.u32 %s, %s", i, v["first"]), v["c1"], v["c2"], v["c3"]}, [2]string{v["k0"], v["k1"]})
	x := make(b, w, v)
	at := b.def('d', "add.u64 %s, %s", v["pY"], b.def('d', "mul.wide.u32 %s, %d", i, 4*len(x)))
	b.emit("st.global%s [%s], %s;", vector(len(x)), at, list(x))
	b.emit("ret;")
	return module70(false, b.entry(name, params, 256, 0))
}

// Normal fills four normal variates to a block, times scale: simd.NoiseNormal.
func Normal() string {
	return noise("normal", []Param{{"f32", "scale"}}, func(b *builder, w [4]string, v map[string]string) []string {
		x0, x1 := b.normal(w[0], w[1], v["scale"])
		x2, x3 := b.normal(w[2], w[3], v["scale"])
		return []string{x0, x1, x2, x3}
	})
}

// Symmetric fills two symmetric stable variates to a block, for α > 1 if high:
// simd.NoiseSymmetricLow and NoiseSymmetricHigh. The parameters are those of
// simd.NoiseParams; half is K, α/2, and rest K1.
func Symmetric(high bool) string {
	name, params := "symmetric_low", []Param{{"f32", "alpha"}, {"f32", "half"}, {"f32", "rest"}, {"f32", "eps"}, {"f32", "least"}, {"f32", "expo"}, {"f32", "expolo"}, {"f32", "bias"}}
	if high {
		name = "symmetric_high"
	}
	return noise(name, params, func(b *builder, w [4]string, v map[string]string) []string {
		return []string{b.symmetric(w[0], w[1], v, high), b.symmetric(w[2], w[3], v, high)}
	})
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

// scaled is simd.noiseScaled with biasN 0.
func (b *builder) scaled(head, r string, v map[string]string) string {
	ei, f := b.split(r)
	e := b.toFloat(ei)
	t := b.fma(b.mul(b.horner(f, noiseLog), f), v["expo"], v["bias"])
	n := b.def('f', "cvt.rni.f32.f32 %s", b.fma(e, v["expo"], t))
	d := b.add(b.fma(e, v["expo"], b.neg(n)), b.fma(e, v["expolo"], t))
	d = b.def('f', "min.f32 %s, %s", b.def('f', "max.f32 %s, %s", d, lit(-0.51)), lit(0.51))
	p := b.horner(d, noiseExp)
	n = b.def('f', "min.f32 %s, %s", b.def('f', "max.f32 %s, %s", n, lit(-126)), lit(127))
	power := b.def('r', "shl.b32 %s, 23", b.def('r', "cvt.rzi.s32.f32 %s", n))
	x := b.mul(head, b.def('f', "mov.b32 %s", b.def('r', "add.s32 %s, %s", b.def('r', "mov.b32 %s", p), power)))
	const most = 0x1.fffffep127
	return b.def('f', "max.f32 %s, %s", b.def('f', "min.f32 %s, %s", x, lit(most)), lit(-most))
}

// noiseHead is simd.noiseHead.
func (b *builder) noiseHead(s, e, sv string) (head, inv string) {
	inv = b.div(lit(1), b.mul(e, sv))
	return b.mul(b.mul(s, e), inv), inv
}
