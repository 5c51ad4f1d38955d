package dmath

import (
	"math"
	"math/bits"
)

// (sin y/y − 1)/y² in t = y², |y| ≤ 0.79, error 2^-68.
var sinC = []float64{
	-0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ab2p-13, 0x1.71de3a53355aep-19,
	-0x1.ae645292d6234p-26, 0x1.61208f2d0d84bp-33, -0x1.aaa37dfda2ddfp-41,
}

// (cos y − 1 + y²/2)/y⁴ in t = y², |y| ≤ 0.79, error 2^-75.
var cosC = []float64{
	0x1.5555555555555p-5, -0x1.6c16c16c16c10p-10, 0x1.a01a01a018dbfp-16, -0x1.27e4fb75fa949p-22,
	0x1.1eed8ca06114ep-29, -0x1.9393347c69abcp-37, 0x1.aac3f4bf3e2dcp-45,
}

// (atan x/x − 1)/x² in t = x², |x| ≤ tan π/8, error 2^-69.
var atanC = []float64{
	-0x1.5555555555555p-2, 0x1.9999999999970p-3, -0x1.2492492490a36p-3, 0x1.c71c71c60e14fp-4,
	-0x1.745d1712a03d4p-4, 0x1.3b13aafd1943dp-4, -0x1.11108d08977f4p-4, 0x1.e1d2a71c5be36p-5,
	-0x1.ae892ecddc7bbp-5, 0x1.817b73d1e2fd8p-5, -0x1.4c3021d91f5bap-5, 0x1.e51de2a44d58dp-6,
	-0x1.a93dd30fa7606p-7,
}

// sinKernel returns sin(y+l) as hi + lo, |y| ≤ π/4.
func sinKernel(y, l float64) (hi, lo float64) {
	t := y * y
	return y, FMA(t*y, poly(t, sinC), FMA(-0.5*t, l, l)) // the last: l·cos y to the order that counts
}

// cosKernel returns cos(y+l) as hi + lo, |y| ≤ π/4.
func cosKernel(y, l float64) (hi, lo float64) {
	t := y * y
	tl := FMA(y, y, -t)
	h := float64(0.5 * t)
	w := 1 - h
	e := float64(float64(1-w)-h) - FMA(y, l, float64(0.5*tl))
	return w, FMA(float64(t*t), poly(t, cosC), e)
}

const (
	pio2A = 0x1.921fb54400000p+0  // π/2, first 33 bits
	pio2B = 0x1.0b4611a600000p-34 // next 33
	pio2C = 0x1.3198a2e037073p-69 // rest
)

// reducePio2 returns the quadrant q mod 4 and y + l = x − q·π/2, |y| ≤ π/4.
func reducePio2(x float64) (q int, y, l float64) {
	if math.Abs(x) >= 0x1p20 {
		return reduceHuge(x)
	}
	n := math.RoundToEven(x * (2 / math.Pi))
	r := FMA(-n, pio2A, x) // exact
	s, e := twoSum(r, -float64(n*pio2B))
	y, f := twoSum(s, -float64(n*pio2C))
	l = f + e
	z := y + l
	return int(int64(n) & 3), z, float64(y-z) + l
}

// twoOverPi holds 2/π in binary, most significant first, after 64 zero bits.
var twoOverPi = [21]uint64{
	0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
	0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
	0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
	0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab,
	0xf0cfbc209af4361d,
}

// reduceHuge is reducePio2 for |x| ≥ 2^20 (Payne and Hanek): with x = m·2^e it
// multiplies m by those 192 bits of 2/π whose weight in x·2/π is below 4.
func reduceHuge(x float64) (q int, y, l float64) {
	b := math.Float64bits(x)
	e := int(b>>52&0x7ff) - 1075
	m := b&(1<<52-1) | 1<<52
	at := uint(e - 2 + 64) // bits to skip
	word := func(i uint) uint64 {
		w, s := at/64+i, at%64
		return twoOverPi[w]<<s | twoOverPi[w+1]>>(64-s)
	}
	// (h, n, _) = m·W mod 2^192
	h2, _ := bits.Mul64(m, word(2))
	h1, l1 := bits.Mul64(m, word(1))
	mid, c := bits.Add64(l1, h2, 0)
	top := m*word(0) + h1 + c
	q = int(top >> 62)
	top, mid = top<<2|mid>>62, mid<<2
	if top>>63 != 0 {
		q++
	}
	f := float64(float64(int64(top)>>11) * 0x1p-53)
	g := float64(float64(top&(1<<11-1))*0x1p-64) + float64(float64(mid>>11)*0x1p-117)
	fh, fl := twoSum(f, g)
	y, l = mulDD(fh, fl, pio2Hi, pio2Lo)
	if x < 0 {
		return -q & 3, -y, -l
	}
	return q & 3, y, l
}

// quadrant returns the sine of q·π/2 + y + l as hi + lo.
func quadrant(q int, y, l float64) (hi, lo float64) {
	if q&1 == 0 {
		hi, lo = sinKernel(y, l)
	} else {
		hi, lo = cosKernel(y, l)
	}
	if q&2 != 0 {
		return -hi, -lo
	}
	return hi, lo
}

// Sin returns the sine of x radians.
func Sin(x float64) float64 {
	if x == 0 || x-x != 0 {
		return x * (x - x + 1)
	}
	hi, lo := quadrant(reducePio2(x))
	return hi + lo
}

// Cos returns the cosine of x radians.
func Cos(x float64) float64 {
	if x-x != 0 {
		return nan
	}
	q, y, l := reducePio2(x)
	hi, lo := quadrant(q+1, y, l)
	return hi + lo
}

// Tan returns the tangent of x radians.
func Tan(x float64) float64 {
	if x == 0 || x-x != 0 {
		return x * (x - x + 1)
	}
	q, y, l := reducePio2(x)
	sh, sl := quadrant(q, y, l)
	ch, cl := quadrant(q+1, y, l)
	t := sh / ch
	return t + float64(FMA(-t, cl, sl)+FMA(-t, ch, sh))/(ch+cl)
}

// reduceHalf returns q mod 4 and y + l = π·(x − q/2), |y| ≤ π/4, for finite x.
func reduceHalf(x float64) (q int, y, l float64) {
	x = math.Mod(x, 2) // exact
	n := math.RoundToEven(2 * x)
	y, l = mulDD(x-float64(0.5*n), 0, piHi, piLo)
	return int(n) & 3, y, l
}

// SinPi returns sin πx; it is exact at multiples of ½.
func SinPi(x float64) float64 {
	if x == 0 || x-x != 0 {
		return x * (x - x + 1)
	}
	hi, lo := quadrant(reduceHalf(x))
	return hi + lo
}

// CosPi returns cos πx; it is exact at multiples of ½.
func CosPi(x float64) float64 {
	if x-x != 0 {
		return nan
	}
	q, y, l := reduceHalf(x)
	hi, lo := quadrant(q+1, y, l)
	return hi + lo
}

// Atan returns the angle in (−π/2, π/2) whose tangent is x.
func Atan(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a < 0x1p-27 || x != x:
		return x
	case a > 0x1p60:
		return math.Copysign(pio2Hi, x)
	}
	var r float64
	switch {
	case a <= tanPi8:
		r = FMA(float64(a*a)*a, poly(a*a, atanC), a)
	case a < 1/tanPi8: // π/4 + atan((a−1)/(a+1))
		d, dl := twoSum(a, 1)
		r = atanSum(pio4Hi, pio4Lo, a-1, d, dl)
	default: // π/2 − atan(1/a)
		r = atanSum(pio2Hi, pio2Lo, -1, a, 0)
	}
	return math.Copysign(r, x)
}

// atanSum returns ch + cl + atan(n/(d+dl)) for |n/d| ≤ tan π/8 (a−1 below is
// exact for a < 2 and its rounding is below ¼ ulp of the result above).
func atanSum(ch, cl, n, d, dl float64) float64 {
	t := n / d
	tl := FMA(-t, dl, FMA(-t, d, n)) / d
	u := float64(t * t)
	s, e := twoSum(ch, t)
	return s + (FMA(float64(u*t), poly(u, atanC), float64(e+cl)) + tl/(1+u))
}
