package simd

import (
	"math"

	"heavytail/internal/dmath"
)

// Minimax polynomials (Remez exchange or Lawson's iteration in 60 digits,
// coefficients rounded to float64 one after the other, the rest fitted again).
// The stated errors are of the polynomial alone; 2^-53 is half a unit in the
// last place.
var (
	// sin(πw)/w in t = w², |w| ≤ ¼: relative error 2^-54.5, that of π itself.
	noise64Sin = [7]float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625bdaep+2, 0x1.466bc6774afcep+1, -0x1.32d2ccd46a482p-1,
		0x1.507821d4ee124p-4, -0x1.e2f3f10519cb1p-8, 0x1.dfc5c10c115e6p-12,
	}
	// The same for |w| ≤ ½.
	noise64SinWide = [9]float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625be0fp+2, 0x1.466bc67757ff6p+1, -0x1.32d2cce4ddd03p-1,
		0x1.507833e7526b0p-4, -0x1.e306fb7beb896p-8, 0x1.e8db775042985p-12, -0x1.6bda94aa348d4p-16,
		0x1.2aceaa99135edp-21,
	}
	// (cos(πw) − 1)/t, |w| ≤ ¼: error 2^-60 of the cosine.
	noise64Cos = [7]float64{
		-0x1.3bd3cc9be45dep+2, 0x1.03c1f081b5a39p+2, -0x1.55d3c7e3bc17cp+0, 0x1.e1f5066eec61dp-3,
		-0x1.a6d1dc9674721p-6, 0x1.f9c03baf53c0dp-10, -0x1.aedc4bd0d1a42p-14,
	}
	// log2((1+s)/(1−s))/s in t = s², |s| ≤ tan²(π/8): relative error 2^-56.
	noise64Log = [8]float64{
		0x1.71547652b82fep+1, 0x1.ec709dc3a08f8p-1, 0x1.2776c50e48e5dp-1, 0x1.a61763d01ac90p-2,
		0x1.484a9be3fc4fep-2, 0x1.0cb423c0b3dd4p-2, 0x1.c0c8477492050p-3, 0x1.d931c6907cb53p-3,
	}
	// (2^f − 1)/f, |f| ≤ ½: error 2^-57 of the power.
	noise64Exp = [11]float64{
		0x1.62e42fefa39efp-1, 0x1.ebfbdff82c59dp-3, 0x1.c6b08d704a0d6p-5, 0x1.3b2ab6fba0fddp-7,
		0x1.5d87fe78b312cp-10, 0x1.4309130c5d158p-13, 0x1.ffcbfbfcc597fp-17, 0x1.62bfcd11d99c7p-20,
		0x1.b52604239e7dap-24, 0x1.e612df9a3d2fep-28, 0x1.e81e5cf3ca570p-32,
	}
)

const (
	noise64Half  = 0x3fe6a09e667f3bcd // bits of √½
	noise64Low   = 1<<52 - 1          // the bits of a fraction
	noise64One   = 0x3ff << 52        // bits of 1
	noise64Magic = 0x1.8p52           // x + Magic − Magic is x rounded to an integer
	noise64Ln2   = 0x1.62e42fefa39efp-1
	noise64TwoL2 = 0x1.62e42fefa39efp+0
)

// poly64 returns Σ c[i]·x^i by Horner's rule, fused.
func poly64(x float64, c []float64) float64 {
	r := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		r = dmath.FMA(r, x, c[i])
	}
	return r
}

// noise64Unit returns u = (k+½)/2^52, k the high 52 bits of w: exact.
func noise64Unit(w uint64) float64 {
	return math.Float64frombits(noise64One|w>>12) - (1 - 0x1p-53)
}

// noise64HalfUnit returns v = (k+½)/2^53, k the bits 11 to 62 of w: exact.
func noise64HalfUnit(w uint64) float64 {
	return math.Float64frombits(0x3fe<<52|w>>11&noise64Low) - (0.5 - 0x1p-54)
}

// noise64SinCosPi returns sin πy and cos πy for 0 ≤ y ≤ ½, with full relative
// precision at both ends.
func noise64SinCosPi(y float64) (s, c float64) {
	w := min(y, 0.5-y)
	t := float64(w * w)
	p := float64(poly64(t, noise64Sin[:]) * w)
	q := dmath.FMA(poly64(t, noise64Cos[:]), t, 1)
	if y > 0.25 {
		return q, p
	}
	return p, q
}

// noise64Split returns e, s and p with log2 x = e + s·p for a normal x > 0:
// x = 2^e·(1+f), √½ ≤ 1+f < √2, s = f/(2+f).
func noise64Split(x float64) (e, s, p float64) {
	b := math.Float64bits(x)
	d := b - noise64Half
	f := math.Float64frombits(d&noise64Low+noise64Half) - 1
	s = f / (f + 2)
	return float64(int64(d) >> 52), s, poly64(float64(s*s), noise64Log[:])
}

// noise64NegLog2 returns −log2 u(w): an exponential variate in units of ln 2,
// with full relative precision at both ends, as u is exact; it lies in [1.6e-16,
// 53].
func noise64NegLog2(w uint64) float64 {
	e, s, p := noise64Split(noise64Unit(w))
	return dmath.FMA(-s, p, -e)
}

// noise64Power splits 2^(Expo·log2 x + Bias) = 2^n·2^f, |f| ≤ ½: it returns n as
// bits to add to an exponent, n, f and log2 x. The exponent is a sum of an exact
// product and a small rest, so that the power has full relative precision however
// large it is. x must be such that 2^n is a normal number.
func noise64Power(x float64, q *Noise64Params) (pow uint64, n, f, log float64) {
	e, s, p := noise64Split(x)
	l := float64(s * p)
	g := dmath.FMA(q.Expo, l, dmath.FMA(q.ExpoLo, e, q.Bias))
	z := dmath.FMA(q.ExpoHi, e, g) + noise64Magic
	n = z - noise64Magic
	return math.Float64bits(z) << 52, n, dmath.FMA(q.ExpoHi, e, -n) + g, l + e
}

// noise64Signed returns x with its sign flipped where bit 63 of w is set.
func noise64Signed(x float64, w uint64) float64 {
	return math.Float64frombits(math.Float64bits(x) ^ w&(1<<63))
}

// noise64Normals makes two normal variates.
func noise64Normals(w0, w1 uint64) (a, b float64) {
	s, c := noise64SinCosPi(noise64HalfUnit(w0))
	r := math.Sqrt(float64(noise64NegLog2(w1) * noise64TwoL2))
	return noise64Signed(float64(r*c), w1<<63), noise64Signed(float64(r*s), w0)
}

// noise64Symmetric is Chambers, Mallows and Stuck for β = 0, written with the
// distance v of U = σ(½−v)π from the end of its interval, so that no sum
// cancels; see noiseSymmetric, which it follows.
func noise64Symmetric(w0, w1 uint64, q *Noise64Params, high bool) float64 {
	v := noise64HalfUnit(w0)
	sv, cv := noise64SinCosPi(v)
	sy, cy := noise64SinCosPi(dmath.FMA(v, q.A, q.K))
	var s, c float64
	if high {
		s, c = dmath.FMA(cv, sy, float64(sv*cy)), sy
	} else {
		s, c = sy, dmath.FMA(sv, cy, float64(cv*sy))
	}
	e := noise64NegLog2(w1)
	inv := 1 / float64(e*sv)
	pow, _, f, _ := noise64Power(float64(c*inv), q)
	r := dmath.FMA(poly64(f, noise64Exp[:]), f, 1)
	x := float64(float64(float64(s*e)*inv) * math.Float64frombits(math.Float64bits(r)+pow))
	return noise64Signed(x, w0)
}

// noise64Skewed is the general case. With U = σ|U|, |U| = (½−v)π, the signed
// β' = σβ, ε = 1−α, κ = ε·cot(πε/2), E ~ Exp(1) and
//
//	s1 = sin(ε|U|)/ε = 2·s2·cos h, s2 = sin(h)/ε, h = ε|U|/2, c = cos ε|U|
//	P  = cos εU + β'κ·s1 = [sin(πεv)/ε]·[ε/sin(πε/2)] + (1+β')κ·s1
//	Q  = P·tan|U| − ε·s1,  L = ln(P/(E cos U)),  y = (ε/α)L
//
// the variates are, the first for ε ≠ 0,
//
//	X1 = σ·e^y·[Q + β'·cot(πε/2)·c]
//	X0 = σ·[e^y·Q + β'κ·(c·(e^y−1)/ε − 2ε·s2²)]
//
// P is a sum of terms that are not negative, and every quotient by ε is a
// polynomial, so that X0 is regular at α = 1: (e^y−1)/ε is (2^f−1)/f·log2(…)/α
// for |y| < ½ln 2 and else formed from the power.
func noise64Skewed(w0, w1 uint64, q *Noise64Params, s0 bool) float64 {
	v := noise64HalfUnit(w0)
	b, k := q.Bp, q.Kp
	if w0>>63 != 0 {
		b, k = q.Bm, q.Km
	}
	sv, cv := noise64SinCosPi(v)
	rest := 0.5 - v
	t, h := float64(v*q.Eps), float64(rest*q.HalfEps)
	t, h = float64(t*t), float64(h*h)
	sb := float64(poly64(t, noise64SinWide[:]) * v)
	s2 := float64(poly64(h, noise64Sin[:]) * float64(rest*0.5))
	ch := dmath.FMA(poly64(h, noise64Cos[:]), h, 1)
	sh := float64(s2 * q.Eps)
	twice := float64(sh * 2)
	s1 := float64(float64(s2*ch) * 2)
	c := dmath.FMA(-twice, sh, 1)
	p := dmath.FMA(sb, q.InvSin, float64(b*s1))
	e := float64(noise64NegLog2(w1) * noise64Ln2)
	inv := 1 / float64(e*sv)
	tan := float64(float64(cv*e) * inv)
	qq := dmath.FMA(tan, p, -float64(s1*q.Eps))
	pow, n, f, log := noise64Power(float64(p*inv), q)
	pe := poly64(f, noise64Exp[:])
	m1 := float64(pe * f) // 2^f − 1
	two := math.Float64frombits(noise64One + pow)
	x := dmath.FMA(two, m1, two) // e^y
	if s0 {
		d := float64(float64(log*q.InvAlpha) * pe)
		if n != 0 {
			d = float64(dmath.FMA(two, m1, two-1) * q.InvEps)
		}
		d = dmath.FMA(c, d, -float64(twice*s2))
		x = dmath.FMA(qq, x, float64(d*k))
	} else {
		x = float64(dmath.FMA(c, k, qq) * x)
	}
	x = noise64Signed(x, w0)
	if !(x > q.Lo) {
		x = q.Lo
	}
	if !(x < q.Hi) {
		x = q.Hi
	}
	return x
}

// noise64Student is Bailey's form of Box and Muller (1994): for uniform u and v,
// √(ν(u^(−2/ν) − 1))·cos 2πv has Student's law. With u^(−1/ν) = 2^(n+f) the root
// is 2^n·√(ν(2^f − 2^−n)(2^f + 2^−n)), so that only the result can overflow,
// which becomes the largest float64.
func noise64Student(w0, w1 uint64, q *Noise64Params) float64 {
	_, cv := noise64SinCosPi(noise64HalfUnit(w0))
	e, s, p := noise64Split(noise64Unit(w1))
	g := dmath.FMA(q.Expo, float64(s*p), dmath.FMA(q.ExpoLo, e, q.Bias))
	z := min(dmath.FMA(q.ExpoHi, e, g), 1023) + noise64Magic
	n := z - noise64Magic
	f := dmath.FMA(q.ExpoHi, e, -n) + g
	m1 := float64(poly64(f, noise64Exp[:]) * f)
	pow := math.Float64bits(z) << 52
	i := math.Float64frombits(noise64One - pow)
	a, b := m1+(1-i), m1+(1+i)
	r := math.Sqrt(float64(float64(a*b) * q.Nu))
	x := float64(float64(r*cv) * math.Float64frombits(noise64One+pow))
	return noise64Signed(min(x, math.MaxFloat64), w0)
}

// noise64TransformGeneric turns whole blocks of words into the variates dst, which
// may begin where the words do.
func noise64TransformGeneric(dst []float64, words []uint32, op Noise64Op, q *Noise64Params) {
	per := int(op.perBlock())
	for ; len(words) > 0; dst, words = dst[per:], words[4:] {
		w0, w1 := noise64Numbers(words)
		switch op {
		case Noise64Uniform:
			dst[0], dst[1] = noise64Unit(w0), noise64Unit(w1)
		case Noise64Exponential:
			dst[0], dst[1] = float64(noise64NegLog2(w0)*noise64Ln2), float64(noise64NegLog2(w1)*noise64Ln2)
		case Noise64Normal:
			dst[0], dst[1] = noise64Normals(w0, w1)
		case Noise64SymmetricLow, Noise64SymmetricHigh:
			dst[0] = noise64Symmetric(w0, w1, q, op == Noise64SymmetricHigh)
		case Noise64SkewedS0, Noise64SkewedS1:
			dst[0] = noise64Skewed(w0, w1, q, op == Noise64SkewedS0)
		case Noise64StudentT:
			dst[0] = noise64Student(w0, w1, q)
		}
	}
}

// noise64Numbers returns the numbers of the first block of words.
func noise64Numbers(w []uint32) (w0, w1 uint64) {
	return uint64(w[0])<<32 | uint64(w[1]), uint64(w[2])<<32 | uint64(w[3])
}
