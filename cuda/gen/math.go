package gen

// The elementary functions of package simd, step by step in the same order.

func (b *builder) fma(x, y, z string) string { return b.def('f', "fma.rn.f32 %s, %s, %s", x, y, z) }
func (b *builder) mul(x, y string) string    { return b.def('f', "mul.rn.f32 %s, %s", x, y) }
func (b *builder) add(x, y string) string    { return b.def('f', "add.rn.f32 %s, %s", x, y) }
func (b *builder) sub(x, y string) string    { return b.def('f', "sub.rn.f32 %s, %s", x, y) }
func (b *builder) div(x, y string) string    { return b.def('f', "div.rn.f32 %s, %s", x, y) }
func (b *builder) neg(x string) string       { return b.def('f', "neg.f32 %s", x) }

// atLeast is lo if x < lo, else x, and atMost hi if x > hi, else x: NaN stays.
func (b *builder) atLeast(x, lo string) string {
	return b.def('f', "selp.f32 %s, %s, %s", lo, x, b.test("setp.lt.f32 %s, %s", x, lo))
}

func (b *builder) atMost(x, hi string) string {
	return b.def('f', "selp.f32 %s, %s, %s", hi, x, b.test("setp.gt.f32 %s, %s", x, hi))
}

// horner is c[0] + c[1]·x + … with fused steps.
func (b *builder) horner(x string, c []float32) string {
	r := lit(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		r = b.fma(r, x, lit(c[i]))
	}
	return r
}

// Constants of simd/act_generic.go.
const (
	magic = 12582912 // 1.5·2²³: adding it rounds to an integer in the low bits
	log2e = 1.44269504
	ln2Hi = 0.693147182
	ln2Lo = -1.90465421e-9
)

var expC = []float32{0.49999994, 0.166665211, 0.0416682772, 0.00836868677, 0.00138198235}

// rounded is the integer of a sum with magic.
func (b *builder) rounded(u string) string {
	return b.def('r', "sub.s32 %s, 0x4B400000", b.def('r', "mov.b32 %s", u))
}

// pow2 is 2^k for an integer −127 < k < 128.
func (b *builder) pow2(k string) string {
	return b.def('f', "mov.b32 %s", b.def('r', "shl.b32 %s, 23", b.def('r', "add.s32 %s, 127", k)))
}

// scale2 is p·2^k for |k| ≤ 252. (For a NaN k is some integer, and p is NaN.)
func (b *builder) scale2(p, k string) string {
	h := b.def('r', "shr.s32 %s, 1", k)
	return b.mul(b.mul(p, b.pow2(h)), b.pow2(b.def('r', "sub.s32 %s, %s", k, h)))
}

// expm1 is e^r − 1 for |r| ≤ ln 2/2.
func (b *builder) expm1(r string) string { return b.fma(b.mul(r, r), b.horner(r, expC), r) }

// exp1 is simd.exp1.
func (b *builder) exp1(x string) string {
	x = b.atLeast(b.atMost(x, lit(89)), lit(-104))
	u := b.fma(x, lit(log2e), lit(magic))
	n := b.sub(u, lit(magic))
	r := b.fma(n, lit(-ln2Hi), x)
	t := b.expm1(b.fma(n, lit(-ln2Lo), r))
	return b.scale2(b.add(t, lit(1)), b.rounded(u))
}

// sigParts is simd.sigParts, with m as an integer.
func (b *builder) sigParts(x string) (m, t, d string) {
	u := b.fma(x, lit(log2e), lit(magic))
	n := b.sub(u, lit(magic))
	m = b.rounded(u)
	r := b.fma(n, lit(ln2Hi), b.neg(x))
	t = b.expm1(b.fma(n, lit(ln2Lo), r))
	return m, t, b.add(b.add(lit(1), b.scale2(lit(1), m)), t)
}

// silu is simd.silu1.
func (b *builder) silu(x string) string {
	x = b.atLeast(x, lit(-110))
	m, _, d := b.sigParts(b.atMost(x, lit(30)))
	return b.scale2(b.div(x, d), m)
}

// siluGrad is simd.siluGrad1.
func (b *builder) siluGrad(x string) string {
	x = b.atMost(b.atLeast(x, lit(-110)), lit(30))
	m, t, d := b.sigParts(x)
	w := b.div(lit(1), d)
	inner := b.fma(x, b.mul(b.add(lit(1), t), w), lit(1))
	return b.scale2(b.mul(w, inner), m)
}
