package stable

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// sets is the number of simulated sets: 1000 with HEAVYTAIL_EXHAUSTIVE=1, a
// sample of them otherwise.
func sets(t *testing.T) int {
	switch {
	case os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "":
		return 1000
	case testing.Short():
		return 40
	}
	return 150
}

// An estimatorProof compares the estimates from many simulated sets with the
// asymptotic standard errors at the truth.
type estimatorProof struct {
	name          string
	truth, theory []float64
	names         []string
	// estimate returns the estimates from set i, and whether the 95 %
	// interval of each holds the truth.
	estimate func(t *testing.T, i uint64) (v []float64, held []bool)
}

// run fails the test for what complaints finds.
func (p *estimatorProof) run(t *testing.T, n int) {
	for _, c := range p.complaints(t, n) {
		t.Error(c)
	}
}

// complaints demands that the bias is below a tenth of the spread, the spread
// within a tenth of theory, and that intervals of 95 % hold the truth in
// 95 ± 2.5 %, each up to three standard errors of what n sets can tell.
func (p *estimatorProof) complaints(t *testing.T, n int) (bad []string) {
	got := make([][]float64, len(p.truth))
	covered := make([]int, len(p.truth))
	for i := range n {
		v, held := p.estimate(t, uint64(i))
		for k := range p.truth {
			got[k] = append(got[k], v[k])
			if held[k] {
				covered[k]++
			}
		}
	}
	root := math.Sqrt(float64(n))
	for k, name := range p.names {
		mean, sd := moments(got[k])
		bias, ratio, cover := (mean-p.truth[k])/sd, sd/p.theory[k], float64(covered[k])/float64(n)
		t.Logf("%-24s %s = %-6.4g bias %+.3f sd, spread/theory %.3f, coverage %.3f", p.name, name, p.truth[k], bias, ratio, cover)
		if !(math.Abs(bias) <= 0.1+3/root) {
			bad = append(bad, fmt.Sprintf("%s %s: the bias is %.3f of the spread", p.name, name, bias))
		}
		if !(math.Abs(ratio-1) <= 0.1+3/(math.Sqrt2*root)) {
			bad = append(bad, fmt.Sprintf("%s %s: the spread is %.3f of theory", p.name, name, ratio))
		}
		if !(math.Abs(cover-0.95) <= 0.025+3*math.Sqrt(0.95*0.05)/root) {
			bad = append(bad, fmt.Sprintf("%s %s: intervals of 95 %% hold the truth in %.3f", p.name, name, cover))
		}
	}
	return bad
}

// stableProof is the proof of an estimator of stable laws in S0.
func stableProof(name string, alpha, beta float64, n int, theory [4]float64, fit func(x []float64) (StableFit, error)) *estimatorProof {
	truth := [4]float64{alpha, beta, 1, 0}
	p := &estimatorProof{name: name}
	var use []int
	for k, s := range [4]string{"α", "β", "γ", "δ"} {
		if theory[k] > 0 {
			use = append(use, k)
			p.names, p.truth, p.theory = append(p.names, s), append(p.truth, truth[k]), append(p.theory, theory[k])
		}
	}
	p.estimate = func(t *testing.T, i uint64) (v []float64, held []bool) {
		f, err := fit(stableSet(alpha, beta, n, i))
		require.NoError(t, err)
		all := [4]float64{f.Alpha, f.Beta, f.Scale, f.Loc}
		for _, k := range use {
			v, held = append(v, all[k]), append(held, math.Abs(all[k]-truth[k]) <= z95*f.SE[k])
		}
		return v, held
	}
	return p
}

// TestLogMomentsSpread: by Zolotarev's cumulants of ln|X|.
func TestLogMomentsSpread(t *testing.T) {
	const n = 3000
	for _, alpha := range []float64{0.8, 1.2, 1.5} {
		k2, k3, k4 := logCumulants(alpha)
		near(t, Symmetric(alpha).LogVariance(), k2, 1e-14)
		dv := -3 / (math.Pi * math.Pi) * math.Pow(alpha, 3) // dα/dv
		c := euler / (alpha * alpha) * dv                   // d ln γ/dv
		v4 := k4 + 2*k2*k2
		theory := [4]float64{-dv * math.Sqrt(v4/n), 0, math.Sqrt((k2 + c*c*v4 + 2*c*k3) / n), 0}
		stableProof("log-moments", alpha, 0, n, theory, LogMoments).run(t, sets(t))
	}
}

// TestKogonWilliamsSpread: by the covariance of the empirical characteristic
// function about the law's own, standardised as the values are.
func TestKogonWilliamsSpread(t *testing.T) {
	const n = 2000
	for _, c := range [][2]float64{{0.8, 0.3}, {1, 0.5}, {1.3, 0}, {1.6, -0.5}} {
		truth := StableFit{Alpha: c[0], Beta: c[1], Scale: 1}
		l := truth.Law()
		scale := (l.Quantile(0.75) - l.Quantile(0.25)) / 2
		truth.Scale, truth.Loc = 1/scale, -l.Quantile(0.5)/scale
		var e ecf
		for k := range ecfPoints {
			e.re[k], e.im[k] = truth.phi(float64(k+1) / ecfPoints)
		}
		theory := e.errors(truth, n, 1)
		theory[2] *= scale
		theory[3] *= scale
		stableProof("Kogon–Williams", c[0], c[1], n, theory, KogonWilliams).run(t, sets(t))
	}
}

// TestMcCullochSpread: by the covariance of quantiles, at the law's own.
func TestMcCullochSpread(t *testing.T) {
	const n = 4000
	for i, c := range [][2]float64{{0.9, 0.3}, {1.3, 0.6}, {1.5, -0.4}} {
		if testing.Short() && i > 0 {
			break
		}
		truth := StableFit{Alpha: c[0], Beta: c[1], Scale: 1, N: n}
		var q [5]float64
		for k, p := range mccullochP {
			q[k] = truth.Law().Quantile(p)
		}
		stableProof("McCulloch", c[0], c[1], n, quantileErrors(truth, q), McCulloch).run(t, sets(t))
	}
}

// lawInformation returns Fisher's information of one value of S0(α, β) on α,
// ln γ, δ and, unless symmetric, β: the integral of the products of derivatives
// of ln f, by differences of the exact law.
func lawInformation(alpha, beta float64, symmetric bool) (info matrix, n int) {
	const h = 1e-4
	if n = 4; symmetric {
		n = 3
	}
	for side := -1.0; side <= 1; side += 2 {
		for y, d := -12.0, 0.0; y < 40/alpha; y += d {
			if d = 1; math.Abs(y) < 4 {
				d = 0.25
			}
			for i, u := range coarse.x {
				ln := y + 0.5*d*(1+u)
				x := side * math.Exp(ln)
				var g, none vector
				for k := range n {
					at := func(e float64) float64 {
						l := Law{Alpha: alpha, Beta: beta, Scale: 1, Param: S0}
						switch k {
						case 0:
							l.Alpha += e
						case 1:
							l.Scale = math.Exp(e)
						case 2:
							l.Loc = e * min(1, max(math.Abs(x), 0.01)) // f bends on this scale
							return l.LogDensity(x) / min(1, max(math.Abs(x), 0.01))
						case 3:
							l.Beta += e
						}
						return l.LogDensity(x)
					}
					g[k] = (at(h) - at(-h)) / (2 * h)
				}
				w := math.Sqrt(0.5 * d * coarse.w[i] * math.Exp(ln+Law{alpha, beta, 1, 0, S0}.LogDensity(x)))
				for k := range n {
					g[k] *= w
				}
				g.add(n, &none, &info)
			}
		}
	}
	info.mirror(n)
	return info, n
}

// likelihoodErrors returns the standard errors of α, β, γ and δ from n values
// at the Cramér–Rao bound.
func likelihoodErrors(alpha, beta float64, symmetric bool, n int) (se [4]float64) {
	info, k := lawInformation(alpha, beta, symmetric)
	inv := info.inverse(k, [maxParams]bool{true, true, true, !symmetric})
	r := inv.roots(k)
	for i, j := range [4]int{0, 3, 1, 2} {
		se[i] = r[j] / math.Sqrt(float64(n))
	}
	return se
}

// TestFitStableSpread: at the bound of Cramér and Rao.
func TestFitStableSpread(t *testing.T) {
	for _, c := range []struct {
		alpha, beta float64
		symmetric   bool
		n, less     int // of that many sets
	}{{1.4, 0, true, 2000, 2}, {1.7, 0, true, 4000, 2}, {1.3, 0.5, false, 2000, 4}, {0.8, 0.3, false, 1000, 8}} {
		fit := func(x []float64) (StableFit, error) { return FitStable(x, FitOptions{Symmetric: c.symmetric}) }
		n := sets(t)
		if n < 1000 {
			n /= c.less
		}
		if testing.Short() && c.alpha != 1.4 {
			continue
		}
		theory := likelihoodErrors(c.alpha, c.beta, c.symmetric, c.n)
		stableProof("likelihood", c.alpha, c.beta, c.n, theory, fit).run(t, n)
	}
}

// TestFitStudentSpread: by the information of Lange, Little and Taylor (1989),
// in 1/ν.
func TestFitStudentSpread(t *testing.T) {
	const n = 2000
	for _, nu := range []float64{1.5, 4} {
		_, info := studentInfo(nu)
		p := &estimatorProof{name: "Student", names: []string{"1/ν"}, truth: []float64{1 / nu},
			theory: []float64{1 / (nu * nu) / math.Sqrt(n*info)}}
		p.estimate = func(t *testing.T, i uint64) ([]float64, []bool) {
			f, err := FitStudent(studentSet(nu, n, i))
			require.NoError(t, err)
			return []float64{1 / f.Nu}, []bool{f.Interval.Contains(nu)}
		}
		p.run(t, sets(t))
	}
}

// TestHillSpread: of a Pareto tail, 1/α̂ has the standard error 1/(α√k).
func TestHillSpread(t *testing.T) {
	const n, k = 2000, 400
	p := &estimatorProof{name: "Hill, Pareto", names: []string{"1/α"}, truth: []float64{1 / 1.5}, theory: []float64{1 / 1.5 / math.Sqrt(k)}}
	p.estimate = func(t *testing.T, i uint64) ([]float64, []bool) {
		f, err := Hill(paretoSet(1.5, n, i), k)
		require.NoError(t, err)
		return []float64{1 / f.Alpha}, []bool{f.Interval.Contains(1.5)}
	}
	p.run(t, sets(t))
}

// TestProofSees: estimators that are biased, too wide, or whose intervals are too
// short fail.
func TestProofSees(t *testing.T) {
	for name, c := range map[string]struct{ shift, widen, interval float64 }{
		"right": {0, 1, 1.96}, "biased": {0.4, 1, 1.96}, "wide": {0, 1.35, 1.35 * 1.96}, "short": {0, 1, 1.5},
	} {
		p := &estimatorProof{name: name, names: []string{"x"}, truth: []float64{0}, theory: []float64{1}}
		p.estimate = func(_ *testing.T, i uint64) ([]float64, []bool) {
			var z [1]float32
			Key{Seed: 2, Sample: i}.Normal(z[:], 0)
			v := c.widen*float64(z[0]) + c.shift
			return []float64{v}, []bool{math.Abs(float64(c.widen*float64(z[0]))) < c.interval}
		}
		require.Equal(t, name == "right", len(p.complaints(t, 1000)) == 0, name)
	}
}

// BenchmarkFit times the estimators on 10^5 values.
func BenchmarkFit(b *testing.B) {
	x := stableSet(1.7, 0, 100000, 3)
	skew := stableSet(1.3, 0.5, 100000, 3)
	for _, c := range []struct {
		name string
		fit  func() error
	}{
		{"stable", func() error { _, err := FitStable(x, FitOptions{Symmetric: true}); return err }},
		{"stable with β", func() error { _, err := FitStable(skew, FitOptions{}); return err }},
		{"Student", func() error { _, err := FitStudent(x); return err }},
		{"McCulloch", func() error { _, err := McCulloch(x); return err }},
		{"log-moments", func() error { _, err := LogMoments(x); return err }},
		{"tail index", func() error { _, err := TailIndex(x); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.fit(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
