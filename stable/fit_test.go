package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// studentSet returns n values of Student's t law.
func studentSet(nu float64, n int, sample uint64) []float64 {
	y := make([]float32, n)
	s := Key{Seed: 41, Sample: sample}
	s.Normal(y, 0)
	x := make([]float64, n)
	for i, v := range y {
		x[i] = float64(v) / math.Sqrt(s.Kappa(nu, i))
	}
	return x
}

// studentInfo returns the information per value on ν without and with a scale
// to be estimated too (Lange, Little and Taylor 1989), trigamma by differences.
func studentInfo(nu float64) (alone, joint float64) {
	const h = 1e-4
	_, up := gammaStep(nu/2 + h)
	_, down := gammaStep(nu/2 - h)
	trigamma := -(up - down) / (2 * h) // ψ'(ν/2) − ψ'((ν+1)/2)
	alone = trigamma/4 - (nu+5)/(2*nu*(nu+1)*(nu+3))
	cross := -2 / ((nu + 1) * (nu + 3)) // with ln σ
	scale := 2 * nu / (nu + 3)
	return alone, alone - cross*cross/scale
}

func TestFitStudentAtTheNormalLaw(t *testing.T) {
	open := 0
	for i := range 40 {
		f, err := FitStudent(mapBoth(studentSet(math.Inf(1), 2000, uint64(i)), func(v float64) float64 { return 5 + 3*v }))
		require.NoError(t, err)
		require.InDelta(t, 5, f.Loc, 0.4)
		require.InDelta(t, 3, f.Scale, 0.3)
		require.Greater(t, f.Nu, 10.0)
		if math.IsInf(f.Interval.Hi, 1) {
			open++
		}
	}
	require.Greater(t, open, 34)
}

// TestGammaStep: Γ(1)/Γ(½) = 1/√π, Γ(½+20)/Γ(20) by Lgamma, ψ(1) − ψ(½) = 2 ln 2.
func TestGammaStep(t *testing.T) {
	v, d := gammaStep(0.5)
	require.InDelta(t, -0.5*math.Log(math.Pi), v, 5e-14)
	require.InDelta(t, 2*math.Ln2, d, 1e-13)
	for _, x := range []float64{0.05, 1, 3.3, 15.9, 20, 1e5} {
		a, _ := math.Lgamma(x + 0.5)
		b, _ := math.Lgamma(x)
		v, _ := gammaStep(x)
		require.InDelta(t, a-b, v, 1e-12*max(1, b))
	}
}

// TestStudentSlope compares the gradient with differences of the sum.
func TestStudentSlope(t *testing.T) {
	y := studentSet(3, 50, 1)
	for _, p := range []vector{{0.3, 0.1, -0.2}, {2, -1, 0.5}, {0.01, 0.4, 0}} {
		ll, g, _ := studentSlope(y, p)
		require.InDelta(t, studentSum(y, p), ll, 1e-9)
		for i := range 3 {
			up, down := p, p
			up[i] += 1e-6
			down[i] -= 1e-6
			require.InDelta(t, (studentSum(y, up)-studentSum(y, down))/2e-6, g[i], 1e-4*max(1, math.Abs(g[i])), "%v, %d", p, i)
		}
	}
}
