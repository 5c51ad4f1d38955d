package simd

import "math"

// Minimax polynomials (Remez exchange, coefficients rounded to float32 one
// after the other). The stated errors are of the polynomial alone.
var (
	// sin(πw)/w in t = w², |w| ≤ ¼: relative error 2.8e-8.
	noiseSin = [4]float32{0x1.921fb6p+1, -0x1.4abc24p+2, 0x1.4680a4p+1, -0x1.331986p-1}
	// (cos(πw) − 1)/t: error 4.1e-10 of the cosine.
	noiseCos = [4]float32{-0x1.3bd3ccp+2, 0x1.03c1aep+2, -0x1.55b146p+0, 0x1.d47d66p-3}
	// log2(1+f)/f, √½ ≤ 1+f ≤ √2: relative error 4.5e-8.
	noiseLog = [9]float32{
		0x1.715476p+0, -0x1.715470p-1, 0x1.ec73d6p-2, -0x1.715c4cp-2, 0x1.26d380p-2,
		-0x1.e95c1ep-3, 0x1.b9c99ep-3, -0x1.a87bf6p-3, 0x1.01b444p-3,
	}
	// 2^f, |f| ≤ ½: relative error 1.3e-8.
	noiseExp = [7]float32{
		1, 0x1.62e430p-1, 0x1.ebfb94p-3, 0x1.c6af9ep-5, 0x1.3b681ap-7, 0x1.5ef4dep-10, 0x1.17956ap-13,
	}
)

const (
	noiseHalf = 0x3f3504f3 // bits of √½
	noiseHigh = 1518500249 // 2^31·√½: above, −log2 u is taken from 1−u
	noiseLn2  = 0x1.62e430p-1
	noise2Ln2 = 0x1.62e430p+0
	noiseSign = 1 << 31
)

// noiseLeast stands for the distance of y from ½ where float32 rounds it to 0:
// the middle of (0, 2^-26).
const noiseLeast = 0x1p-27

// noiseSinCosPi returns sin πy and cos πy for 0 ≤ y ≤ ½, with full relative
// precision at both ends; the cosine of ½ is that of the numbers which round to
// it, not 0.
func noiseSinCosPi(y float32) (s, c float32) {
	w := min(y, max(0.5-y, noiseLeast))
	t := float32(w * w)
	p := FMA(FMA(FMA(noiseSin[3], t, noiseSin[2]), t, noiseSin[1]), t, noiseSin[0])
	q := FMA(FMA(FMA(FMA(noiseCos[3], t, noiseCos[2]), t, noiseCos[1]), t, noiseCos[0]), t, 1)
	p = float32(p * w)
	if y > 0.25 {
		return q, p
	}
	return p, q
}

// noiseLog1p returns log2(1+f)/f for √½ ≤ 1+f ≤ √2.
func noiseLog1p(f float32) float32 {
	r := noiseLog[8]
	for i := 7; i >= 0; i-- {
		r = FMA(r, f, noiseLog[i])
	}
	return r
}

// noiseSplit returns e and f with x = 2^e·(1+f), √½ ≤ 1+f ≤ √2, for normal x > 0.
func noiseSplit(x float32) (e int32, f float32) {
	b := math.Float32bits(x)
	e = int32(b-noiseHalf) >> 23
	return e, math.Float32frombits(b-uint32(e)<<23) - 1
}

// noiseLog2 returns the binary logarithm of a normal x > 0.
func noiseLog2(x float32) float32 {
	e, f := noiseSplit(x)
	return FMA(noiseLog1p(f), f, float32(e))
}

// noiseExp2 returns 2^x, x clamped to [−126, 127].
func noiseExp2(x float32) float32 {
	x = min(max(x, -126), 127)
	n := float32(math.RoundToEven(float64(x)))
	f := x - n
	r := noiseExp[6]
	for i := 5; i >= 0; i-- {
		r = FMA(r, f, noiseExp[i])
	}
	return math.Float32frombits(math.Float32bits(r) + uint32(int32(n))<<23)
}

// noiseHalfUnit returns v = (k+½)/2^32 in [2^-33, ½], k the low 31 bits of w.
func noiseHalfUnit(w uint32) float32 {
	return FMA(float32(int32(w&^noiseSign)), 0x1p-32, 0x1p-33)
}

// noiseUnit returns u = (k+½)/2^31 in [2^-32, 1], k the high 31 bits of w.
func noiseUnit(w uint32) float32 { return FMA(float32(int32(w>>1)), 0x1p-31, 0x1p-32) }

// noiseNegLog2 returns −log2 u, u = (k+½)/2^31 unrounded, with full relative
// precision for u → 0 and u → 1: an exponential variate in units of ln 2. It
// lies in [3.3e-10, 32].
func noiseNegLog2(w uint32) float32 {
	k := w >> 1
	e, f := noiseSplit(noiseUnit(w))
	if k > noiseHigh {
		e, f = 0, FMA(float32(int32(k^0x7fffffff)), -0x1p-31, -0x1p-32)
	}
	return FMA(-noiseLog1p(f), f, -float32(e))
}

// noiseSigned returns x with its sign flipped where bit 31 of w is set.
func noiseSigned(x float32, w uint32) float32 {
	return math.Float32frombits(math.Float32bits(x) ^ w&noiseSign)
}

// noiseNormal makes two normal variates of two words.
func noiseNormal(w0, w1 uint32, scale float32) (a, b float32) {
	s, c := noiseSinCosPi(noiseHalfUnit(w0))
	r := float32(math.Sqrt(float64(float32(noiseNegLog2(w1) * noise2Ln2)))) // correctly rounded
	return noiseSigned(float32(float32(r*c)*scale), w1<<31), noiseSigned(float32(float32(r*s)*scale), w0)
}

// noiseHead returns inv = 1/(e·sv) and (s·e)·inv, that is s/sv rounded in the
// order that keeps it finite.
func noiseHead(s, e, sv float32) (head, inv float32) {
	inv = 1 / float32(e*sv)
	return float32(float32(s*e) * inv), inv
}

// noisePower returns head·2^l, at most the largest float32 and at least the
// smallest.
func noisePower(head, l float32) float32 {
	return max(min(float32(head*noiseExp2(l)), math.MaxFloat32), math.SmallestNonzeroFloat32)
}

// noiseLogZero stands for a logarithm that is 0 where its two terms cancel, of
// about 1 and so of a spacing of 2^-24: a quarter of that.
const noiseLogZero = 0x1p-26

// noisePositive is Kanter's law for θ = πv (bit 31 of wu clear) or π(1−v): with
// b = A = min(a, 1−a) the angle bθ is formed without cancellation, the sine of
// the other multiple is sin θ cos bθ − cos θ sin bθ, and
//
//	ln A = ln(sin aθ/sin θ) + Expo·ln(sin (1−a)θ/(E sin θ)).
//
// op tells which of the two sines is sin aθ and the form of the result.
func noisePositive(wu, we uint32, q *NoiseParams, op NoiseOp) float32 {
	v := noiseHalfUnit(wu)
	sv, cv := noiseSinCosPi(v)
	add := q.A
	if wu&noiseSign == 0 {
		add = 0
	}
	sb, cb := noiseSinCosPi(FMA(v, noiseSigned(q.A, wu), add))
	s, c := sb, FMA(sv, cb, -float32(noiseSigned(cv, wu)*sb))
	if op == NoisePositiveHigh || op == NoiseRootHigh || op == NoiseLogHigh {
		s, c = c, s
	}
	head, inv := noiseHead(s, noiseNegLog2(we), sv)
	r := float32(c * inv)
	if op == NoisePositiveLow || op == NoisePositiveHigh {
		return noiseScaled(head, r, 0, q)
	}
	l := FMA(q.Expo, noiseLog2(r), q.Bias)
	if op == NoiseLogLow || op == NoiseLogHigh {
		x := float32((l + noiseLog2(head)) * noiseLn2)
		if x == 0 {
			return noiseLogZero
		}
		return x
	}
	return noisePower(float32(math.Sqrt(float64(head))), l)
}

// noiseTransformGeneric turns whole blocks of words into the variates dst, which
// may begin where the words do.
func noiseTransformGeneric(dst []float32, words []uint32, op NoiseOp, q *NoiseParams) {
	per := int(op.perBlock())
	for ; len(words) > 0; dst, words = dst[per:], words[4:] {
		noiseBlock(dst, op, [4]uint32(words), q)
	}
}

// noiseBlock makes the variates of a block.
func noiseBlock(dst []float32, op NoiseOp, w [4]uint32, q *NoiseParams) {
	switch op {
	case NoiseUniform:
		for j, x := range w {
			dst[j] = noiseUnit(x)
		}
	case NoiseExponential:
		for j, x := range w {
			dst[j] = float32(noiseNegLog2(x) * noiseLn2)
		}
	case NoiseNormal:
		dst[0], dst[1] = noiseNormal(w[0], w[1], q.Scale)
		dst[2], dst[3] = noiseNormal(w[2], w[3], q.Scale)
	case NoiseTable:
		for j, x := range w {
			dst[j] = noiseTabular(x, q.Table)
		}
	default:
		dst[0] = noiseStable(w[0], w[1], op, q)
		dst[1] = noiseStable(w[2], w[3], op, q)
	}
}
