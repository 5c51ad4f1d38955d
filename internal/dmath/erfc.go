package dmath

import "math"

const (
	twoOverRootPi = 0x1.20dd750429b6dp+0 // 2/√π
	rootPi        = 0x1.c5bf891b4ef6bp+0 // √π
)

// erfC are the coefficients of erf(x)·√π/(2x) in x², (−1)^n/(n!·(2n+1)): for
// x < ½ the first that is left out is below 10⁻¹⁸.
var erfC = func() (c [13]float64) {
	f := 1.0 // n!, exact
	for n := range c {
		c[n] = 1 / (f * float64(2*n+1))
		if n%2 == 1 {
			c[n] = -c[n]
		}
		f *= float64(n + 1)
	}
	return c
}()

// gaussians are e^(−n²/4): the next, n = 13, is below 10⁻¹⁸.
var gaussians = func() (g [13]float64) {
	for n := range g {
		g[n] = Exp(-float64(n*n) / 4)
	}
	return g
}()

// erfcx returns e^(x²)·erfc(x) for x ≥ ½, as the trapezoidal rule of step h = ½ has
// its integral (x/π)·∫e^(−t²)/(t²+x²)dt, less what the poles at ±ix leave:
//
//	(h/π)·(1/x + 2x·Σ_{n≥1} e^(−n²h²)/(n²h²+x²)) − 2e^(x²)/(e^(2πx/h) − 1)
//
// (Chiarella and Reichel 1968); the rule's own error is e^(−π²/h²), 7·10⁻¹⁸. From
// x = 6 on what the poles leave is below that.
func erfcx(x float64) float64 {
	xx, sum := float64(x*x), 0.0
	for n := len(gaussians) - 1; n > 0; n-- {
		sum += gaussians[n] / (float64(float64(n*n)/4) + xx)
	}
	v := (1/x + float64(2*x*sum)) / (2 * piHi)
	if x < 6 {
		v -= 2 * Exp(xx) / Expm1(float64(4*piHi*x))
	}
	return v
}

// logErfc returns ln erfc(x) for x ≥ 0 and its slope, −(2/√π)·e^(−x²)/erfc(x).
func logErfc(x float64) (l, slope float64) {
	xx := float64(x * x)
	if x < 0.5 {
		erf := float64(twoOverRootPi * float64(x*poly(xx, erfC[:])))
		return Log1p(-erf), -twoOverRootPi * Exp(-xx) / (1 - erf)
	}
	v := erfcx(x)
	return Log(v) - xx, -twoOverRootPi / v
}

// LogErfc returns ln erfc(x) for x ≥ 0, where erfc itself is 0 from 27 on; NaN
// below. The worst of the references is off by 1.4 ulp.
func LogErfc(x float64) float64 {
	switch {
	case !(x >= 0):
		return nan
	case x == inf:
		return -inf
	}
	l, _ := logErfc(x)
	return l
}

// LogErfcInv returns the x ≥ 0 with ln erfc(x) = l, for l ≤ 0; NaN above. The worst of
// the references is off by 1.8 ulp.
func LogErfcInv(l float64) float64 {
	switch {
	case !(l <= 0):
		return nan
	case l > -0x1p-54: // the line through 0
		return float64(-l * (rootPi / 2))
	case l == -inf:
		return inf
	}
	// −ln erfc is convex and both of these lie right of the root, so that Newton's
	// steps go left until rounding stops them.
	x := min(math.Sqrt(-l), float64(-l*(rootPi/2)))
	for {
		v, slope := logErfc(x)
		next := x - (v-l)/slope
		if !(next < x) {
			return x
		}
		x = next
	}
}
