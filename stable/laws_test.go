package stable

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

const draws = 1 << 20

// z checks that the mean of n values with the given sum and sum of squares is
// within 4.5 standard errors of want.
func zTest(t *testing.T, name string, x []float64, want float64) {
	t.Helper()
	s, q := 0.0, 0.0
	for _, v := range x {
		s += v
		q += v * v
	}
	n := float64(len(x))
	mean := s / n
	sd := math.Sqrt((q/n - mean*mean) / n)
	z := (mean - want) / sd
	t.Logf("%s: mean %.6g, want %.6g, z %.2f", name, mean, want, z)
	if !(math.Abs(z) < 4.5) {
		t.Errorf("%s: mean %g, want %g, z %.2f", name, mean, want, z)
	}
}

func mapTo(x []float32, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(float64(v))
	}
	return y
}

func count(t *testing.T) int {
	if testing.Short() {
		return draws / 8
	}
	return draws
}

func TestSymmetricLaw(t *testing.T) {
	x := make([]float32, count(t))
	for _, alpha := range []float64{0.5, 0.9, 1, 1.3, 1.7, 2} {
		Key{Seed: 3}.Symmetric(x, alpha, 0)
		for _, u := range []float64{0.3, 1, 2} {
			zTest(t, "cf", mapTo(x, func(v float64) float64 { return math.Cos(u * v) }), math.Exp(-math.Pow(u, alpha)))
		}
		zTest(t, "sin", mapTo(x, math.Sin), 0)
		ln := 0.5772156649015329 * (1/alpha - 1)
		zTest(t, "ln", mapTo(x, func(v float64) float64 { return math.Log(math.Abs(v)) }), ln)
		zTest(t, "var ln", mapTo(x, func(v float64) float64 { d := math.Log(math.Abs(v)) - ln; return d * d }),
			math.Pi*math.Pi/6*(0.5+1/(alpha*alpha)))
	}
}

func TestSkewedLaw(t *testing.T) {
	x := make([]float32, count(t))
	for _, c := range [][2]float64{{0.5, 1}, {0.7, -0.5}, {0.85, 1}, {0.95, 0.5}, {1, 0.5}, {1, -1}, {1.05, 0.5}, {1.5, 0.5}, {1.7, -1}, {2, 0.5}} {
		alpha, beta := c[0], c[1]
		n := x
		if math.Abs(alpha-1) < 0.2 {
			n = x[:len(x)/8]
		}
		Key{Seed: 4}.Skewed(n, alpha, beta, S0, 0)
		for _, u := range []float64{0.3, 1, 2} {
			arg := -beta * math.Tan(math.Pi*alpha/2) * (math.Pow(u, 1-alpha) - 1)
			if alpha == 1 {
				arg = -beta * 2 / math.Pi * math.Log(u)
			}
			if alpha == 2 {
				arg = 0
			}
			g := math.Pow(u, alpha)
			zTest(t, "re", mapTo(n, func(v float64) float64 { return math.Cos(u * v) }), math.Exp(-g)*math.Cos(g*arg))
			zTest(t, "im", mapTo(n, func(v float64) float64 { return math.Sin(u * v) }), math.Exp(-g)*math.Sin(g*arg))
		}
	}
}

func TestPositiveLaw(t *testing.T) {
	x := make([]float32, count(t))
	for _, a := range []float64{0.3, 0.5, 0.75, 0.85, 0.95} {
		Key{Seed: 5}.Positive(x, a, Value, 0)
		for _, s := range []float64{0.25, 0.5, 1, 2} {
			zTest(t, "laplace", mapTo(x, func(v float64) float64 { return math.Exp(-s * v) }), math.Exp(-math.Pow(s, a)))
		}
		zTest(t, "1/A", mapTo(x, func(v float64) float64 { return 1 / v }), math.Gamma(1+1/a))
		Key{Seed: 6}.Positive(x, a, Log, 0)
		ln := 0.5772156649015329 * (1/a - 1)
		zTest(t, "ln", mapTo(x, func(v float64) float64 { return v }), ln)
		zTest(t, "var ln", mapTo(x, func(v float64) float64 { return (v - ln) * (v - ln) }), math.Pi*math.Pi/6*(1/(a*a)-1))
		Key{Seed: 6}.Positive(x, a, Root, 0)
		zTest(t, "root", mapTo(x, func(v float64) float64 { return math.Exp(-v * v) }), math.Exp(-1))
	}
}

func TestNormalLaw(t *testing.T) {
	x := make([]float32, count(t))
	Key{Seed: 7}.Normal(x, 0)
	for p, want := range map[float64]float64{1: 0, 2: 1, 3: 0, 4: 3, 6: 15} {
		zTest(t, "moment", mapTo(x, func(v float64) float64 { return math.Pow(v, p) }), want)
	}
	for lag := 1; lag < 5; lag++ {
		y := make([]float64, len(x)-lag)
		for i := range y {
			y[i] = float64(x[i]) * float64(x[i+lag])
		}
		zTest(t, "autocorrelation", y, 0)
	}
	Key{Seed: 8}.Uniform(x, 0)
	zTest(t, "uniform", mapTo(x, func(v float64) float64 { return v }), 0.5)
	Key{Seed: 8}.Exponential(x, 0)
	zTest(t, "exponential", mapTo(x, func(v float64) float64 { return v * v }), 2)
}

// TestMultiplierLaw checks DLPM's A: Laplace transform and the table of its
// quantiles from 2·10^6 draws of the reference implementation.
func TestMultiplierLaw(t *testing.T) {
	quantiles := map[float64][3]float64{1.5: {0.645, 1.78, 9.59}, 1.7: {0.997, 1.76, 5.31}, 1.9: {1.531, 1.83, 2.85}}
	a := make([]float64, count(t)/8)
	for alpha, q := range quantiles {
		for i := range a {
			a[i] = Key{Seed: 1, Sample: uint64(i)}.Multiplier(alpha)
		}
		for _, s := range []float64{0.25, 0.5, 1} {
			y := make([]float64, len(a))
			for i := range y {
				y[i] = math.Exp(-s * a[i])
			}
			zTest(t, "laplace", y, math.Exp(-math.Pow(2*s, alpha/2)))
		}
		for i, p := range []float64{0.01, 0.5, 0.9} {
			y := make([]float64, len(a))
			for j, v := range a {
				if v < q[i] {
					y[j] = 1
				}
			}
			// ±1 % of the table's value in addition to the sampling error.
			mean := 0.0
			for _, v := range y {
				mean += v
			}
			require.InDelta(t, p, mean/float64(len(y)), 0.012+0.1*p*(1-p), "α = %v, q%v", alpha, p)
		}
	}
	require.Equal(t, 2.0, Key{}.Multiplier(2))
}

// TestKanterGolden compares with the numbers of the papers' implementation.
func TestKanterGolden(t *testing.T) {
	b, err := os.ReadFile("testdata/kanter.json")
	require.NoError(t, err)
	var v []struct{ Alpha, V, E, A float64 }
	require.NoError(t, json.Unmarshal(b, &v))
	require.Len(t, v, 9)
	for _, c := range v {
		require.InEpsilon(t, c.A, 2*PositiveStable(c.Alpha/2, c.V, c.E), 1e-12)
	}
}
