package stable

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A proven sampler is one float32 sampler of the unit law.
type proven struct {
	name string
	fill func(dst []float32, l Law)
	has  func(l Law) bool
}

var provenSamplers = []proven{
	{"table", func(dst []float32, l Law) {
		s, err := NewSampler(l)
		if err != nil {
			panic(err)
		}
		s.Fill(dst, proofStream(l), 0)
	}, func(Law) bool { return true }},
	{"isotropic", func(dst []float32, l Law) { proofStream(l).SubGaussian(dst, 1, l.Alpha) }, func(l Law) bool { return l.Beta == 0 }},
	{"symmetric", func(dst []float32, l Law) { proofStream(l).Symmetric(dst, l.Alpha, 0) }, func(l Law) bool { return l.Beta == 0 }},
	{"skewed", func(dst []float32, l Law) { proofStream(l).Skewed(dst, l.Alpha, l.Beta, l.Param, 0) }, func(Law) bool { return true }},
	// K(α)·cos(πα/2)^(−1/α) is S1(α, 1).
	{"positive", func(dst []float32, l Law) {
		proofStream(l).Positive(dst, l.Alpha, Value, 0)
		c := float32(math.Pow(math.Cos(math.Pi*l.Alpha/2), -1/l.Alpha))
		for i := range dst {
			dst[i] *= c
		}
	}, func(l Law) bool { return l.Beta == 1 && l.Alpha < 0.85 && l.Param == S1 }},
}

// proofStream gives every law words of its own.
func proofStream(l Law) Key { return Key{Seed: 21, Step: uint32(1000*l.Alpha + 10*l.Beta + 10)} }

// proofGrid returns the laws that the samplers are held to: α from 0.5 to 2 and
// β from −1 to 1, in S1 away from α = 1 and in S0 near it; some of them unless
// HEAVYTAIL_EXHAUSTIVE is set.
func proofGrid(t *testing.T) (laws []Law, n int) {
	alphas, betas, n := []float64{0.5, 0.95, 1, 1.7, 2}, []float64{-1, 0, 0.5}, 200_000
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		alphas = []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 1.95, 2}
		betas, n = []float64{-1, -0.5, 0, 0.5, 1}, 10_000_000
	} else if testing.Short() {
		alphas, betas, n = []float64{0.5, 1.7}, []float64{0, 1}, 20_000
	}
	for _, a := range alphas {
		for _, b := range betas {
			l := Law{Alpha: a, Beta: b, Scale: 1, Param: S1}
			if math.Abs(a-1) < 0.2 {
				l.Param = S0
			}
			laws = append(laws, l)
		}
	}
	return laws, n
}

// TestSamplerProof holds every sampler to its law: Kolmogorov and Smirnov over
// all sorted draws, tail counts down to a probability of 10^-6 on both sides,
// the mean and the variance of ln|X|, and the end of the support.
func TestSamplerProof(t *testing.T) {
	laws, n := proofGrid(t)
	x := make([]float32, n)
	worstKS, worstTail := 0.0, 1.0
	for _, l := range laws {
		tab, err := NewTable(l)
		require.NoError(t, err)
		for _, s := range provenSamplers {
			if !s.has(l) {
				continue
			}
			name := fmt.Sprintf("%s, α %v, β %v", s.name, l.Alpha, l.Beta)
			s.fill(x, l)
			proveLogMoments(t, name, x, l)
			slices.Sort(x)
			require.False(t, x[0] != x[0] || x[n-1] != x[n-1], "%s: NaN", name)
			ks := kolmogorov(x, tab.CDF)
			worstKS = max(worstKS, ks)
			require.Less(t, ks, 2.8, "%s: √n·D, exceeded once in 3 million", name)
			worstTail = min(worstTail, proveTails(t, name, x, l))
			if l.Alpha < 1 && math.Abs(l.Beta) == 1 && l.Param == S1 {
				require.False(t, x[0] < 0 && l.Beta > 0 || x[n-1] > 0 && l.Beta < 0, "%s leaves its support", name)
			}
		}
	}
	t.Logf("%d laws, %d draws each: greatest √n·D %.2f, least probability of a tail count %.2g", len(laws), n, worstKS, worstTail)
}

// kolmogorov returns √n·sup|F_n − F| of sorted draws.
func kolmogorov(x []float32, cdf func(float64) float64) float64 {
	d, n := 0.0, float64(len(x))
	for i, v := range x {
		p := cdf(float64(v))
		d = max(d, p-float64(i)/n, float64(i+1)/n-p)
	}
	return d * math.Sqrt(n)
}

// proveTails compares the numbers of sorted draws beyond exact quantiles with
// the binomial law, and returns the least probability of such a deviation.
func proveTails(t *testing.T, name string, x []float32, l Law) float64 {
	least, n := 1.0, float64(len(x))
	for _, q := range []float64{1e-2, 1e-3, 1e-4, 1e-5, 1e-6} {
		lo, hi := l.Quantile(q), l.SurvivalQuantile(q)
		below, _ := slices.BinarySearchFunc(x, lo, func(v float32, q float64) int { return compare(float64(v) <= q) })
		above, _ := slices.BinarySearchFunc(x, hi, func(v float32, q float64) int { return compare(float64(v) <= q) })
		for i, k := range []int{below, len(x) - above} {
			p := deviation(float64(k), n, q)
			least = min(least, p)
			require.Greater(t, p, 1e-7, "%s: %d draws in tail %d of %g, want %g", name, k, i, q, n*q)
		}
	}
	return least
}

// compare makes a binary search find the first element for which in is false.
func compare(in bool) int {
	if in {
		return -1
	}
	return 1
}

// deviation returns the two-sided probability that a binomial count of n trials
// lies as far from n·q as k: normal for large counts, else Poisson.
func deviation(k, n, q float64) float64 {
	mean := n * q
	if mean > 1000 {
		return math.Erfc(math.Abs(k-mean) / math.Sqrt(2*mean*(1-q)))
	}
	at := func(i float64) float64 { g, _ := math.Lgamma(i + 1); return math.Exp(i*math.Log(mean) - mean - g) }
	below, above := 0.0, at(k)
	for i := 0.0; i <= k; i++ {
		below += at(i)
	}
	for i := k + 1; i < k+200+10*mean; i++ {
		above += at(i)
	}
	return min(1, 2*min(below, above))
}

// proveLogMoments checks E ln|X| and Var ln|X| of S1 with tan θ = β tan(πα/2):
// γ(1/α − 1) − ln|cos θ|/α and π²/6·(½ + 1/α²) − θ²/α².
func proveLogMoments(t *testing.T, name string, x []float32, l Law) {
	if l.Param == S0 && l.Beta != 0 {
		return
	}
	theta := math.Atan(l.Beta * math.Tan(math.Pi*l.Alpha/2))
	if l.Alpha == 2 || l.Beta == 0 {
		theta = 0
	}
	mean := 0.5772156649015329*(1/l.Alpha-1) - math.Log(math.Cos(theta))/l.Alpha
	variance := math.Pi*math.Pi/6*(0.5+1/(l.Alpha*l.Alpha)) - theta*theta/(l.Alpha*l.Alpha)
	n, s1, s2, s4 := float64(len(x)), 0.0, 0.0, 0.0
	for _, v := range x {
		if v == 0 {
			t.Fatalf("%s: a zero", name)
		}
		d := math.Log(math.Abs(float64(v))) - mean
		s1, s2, s4 = s1+d, s2+d*d, s4+d*d*d*d
	}
	z := s1 / math.Sqrt(n*variance)
	require.Less(t, math.Abs(z), 5.2, "%s: E ln|X| is %v standard errors off", name, z)
	z = (s2 - n*variance) / math.Sqrt(max(s4-s2*s2/n, 1e-300))
	require.Less(t, math.Abs(z), 5.2, "%s: Var ln|X| is %v standard errors off", name, z)
}

// TestSamplerProofCanFail: a law that is off by little is rejected.
func TestSamplerProofCanFail(t *testing.T) {
	x := make([]float32, 200_000)
	Key{Seed: 24}.Symmetric(x, 1.7, 0)
	slices.Sort(x)
	tab, err := NewTable(Symmetric(1.7))
	require.NoError(t, err)
	require.Less(t, kolmogorov(x, tab.CDF), 1.95)
	for i := range x {
		x[i] *= 1.05
	}
	require.Greater(t, kolmogorov(x, tab.CDF), 2.8)
	require.Less(t, deviation(40, 1e7, 1e-6), 1e-7)
	require.Less(t, deviation(0, 2e7, 1e-6), 1e-7)
	require.Greater(t, deviation(12, 1e7, 1e-6), 0.4)
	require.InDelta(t, 2*0.0227501, deviation(1e5+2*math.Sqrt(1e5*0.99), 1e7, 1e-2), 1e-4)
}
