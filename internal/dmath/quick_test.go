package dmath

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// TestQuick compares the quick functions with the exact ones of this package.
func TestQuick(t *testing.T) {
	r := numtest.NewRand(3)
	worst := 0.0
	near := func(name string, x, got, want float64) {
		ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want)
		e := math.Abs(got-want) / ulp
		worst = max(worst, e)
		limit := 2.5
		if name == "QuickLog1p" {
			limit = 3.5
		}
		require.LessOrEqual(t, e, limit, "%s(%x) = %x, want %x", name, x, got, want)
	}
	for range 5000 {
		x := math.Abs(r.Float64())
		near("QuickExp", x*700, QuickExp(x*700), Exp(x*700))
		near("QuickExp", x, QuickExp(-x), Exp(-x))
		e, c := QuickExpNeg(3 * x)
		near("e^-g", 3*x, e, Exp(-3*x))
		near("1-e^-g", 3*x, c, -Expm1(-3*x))
		p := math.Ldexp(1+x, int(r.Uint64()%1000)-500)
		near("QuickLog", p, QuickLog(p), Log(p))
		near("QuickLog", 0.7+x, QuickLog(0.7+x), Log(0.7+x))
		near("QuickLog1p", x/3, QuickLog1p(x/3), Log1p(x/3))
		near("QuickLog1p", -0.99*x, QuickLog1p(-0.99*x), Log1p(-0.99*x))
		near("QuickLog1p", 50*x, QuickLog1p(50*x), Log1p(50*x))
		near("QuickExpm1", 0.41+9*x, QuickExpm1(0.41+9*x), Expm1(0.41+9*x))
		near("QuickExpm1", 0.34*x, QuickExpm1(0.34*x), Expm1(0.34*x))
		near("QuickExpm1", -3*x, QuickExpm1(-3*x), Expm1(-3*x))
		y := x * (math.Pi / 2)
		s, k := QuickSinCos(y)
		near("sin", y, s, Sin(y))
		near("cos", y, k, Cos(y))
		near("QuickSin", y, QuickSin(y), Sin(y))
	}
	t.Log("worst error in ulp:", worst)
}

// TestGamma compares with factorials, half-integers, the reflection formula
// and package math.
func TestGamma(t *testing.T) {
	f := 1.0
	for n := 1; n < 170; n++ {
		require.InEpsilon(t, f, Gamma(float64(n)), 3e-15, n)
		f *= float64(n)
	}
	require.InEpsilon(t, math.SqrtPi, Gamma(0.5), 1e-15)
	for x := 0.013; x < 1; x += 0.017 {
		require.InEpsilon(t, math.Pi/SinPi(x), float64(Gamma(x)*Gamma(1-x)), 4e-15, x)
	}
	for x := 0.3; x < 1e7; x *= 1.7 {
		want, _ := math.Lgamma(x)
		require.InDelta(t, want, float64((x-0.5)*math.Log(x))-x+halfLn2Pi+StirlingRest(x), 2e-15*max(1, math.Abs(want)), x)
		// two terms of up to (x−½)ln x, each rounded to 2^−53 of itself, and their difference
		require.InDelta(t, want, LogGamma(x), 2e-15*max(1, math.Abs(want))+math.Abs((x-0.5)*math.Log(x))*0x1p-52, x)
		// Γ(x+½)/Γ(x) · Γ(x+1)/Γ(x+½) = x
		require.InEpsilon(t, x, float64(GammaHalf(x)*GammaHalf(x+0.5)), 4e-15, x)
	}
	require.InEpsilon(t, 1/math.SqrtPi, GammaHalf(0.5), 3e-15)
	require.True(t, math.IsNaN(Gamma(-1)) && math.IsInf(Gamma(172), 1))
}

// TestDigamma: ψ(1) = −C, ψ(½) = −C − 2 ln 2, ψ'(1) = π²/6, ψ'(½) = π²/2, the
// recurrences, and differences of ln Γ.
func TestDigamma(t *testing.T) {
	const euler = 0.57721566490153286061
	require.InDelta(t, -euler, Digamma(1), 2e-15)
	require.InDelta(t, -euler-2*math.Ln2, Digamma(0.5), 4e-15)
	require.InEpsilon(t, math.Pi*math.Pi/6, Trigamma(1), 2e-15)
	require.InEpsilon(t, math.Pi*math.Pi/2, Trigamma(0.5), 2e-15)
	for x := 0.013; x < 1e6; x *= 1.31 {
		require.InDelta(t, Digamma(x)+1/x, Digamma(x+1), 4e-15*max(1, 1/x, math.Abs(Digamma(x))), x)
		require.InEpsilon(t, Trigamma(x+1)+1/(x*x), Trigamma(x), 4e-15, x)
		h := 1e-4 * x
		require.InEpsilon(t, (Digamma(x+h)-Digamma(x-h))/(2*h), Trigamma(x), 1e-6, x)
		require.InDelta(t, (lgamma(x*1.001)-lgamma(x*0.999))/(0.002*x), Digamma(x), 2e-6*max(1, 1/x), x)
		// Γ(x+2)/Γ(x), and two ratios that make a third.
		require.InEpsilon(t, x*(x+1), GammaRatio(x, 2), 1e-14, x)
		require.InEpsilon(t, GammaHalf(x), GammaRatio(x, 0.5), 1e-14, x)
		require.InEpsilon(t, 1.0, GammaRatio(x, 0.7)*GammaRatio(x+0.7, -0.7), 2e-14, x)
	}
	require.True(t, math.IsNaN(Digamma(-1)) && math.IsNaN(Trigamma(-1)) && math.IsInf(Trigamma(0), 1) && Trigamma(inf) == 0)
}

func lgamma(x float64) float64 { y, _ := math.Lgamma(x); return y }
