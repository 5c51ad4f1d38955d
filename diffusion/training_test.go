package diffusion

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/stable"
)

// noised runs a DLPMNoiser over B samples of d values numbered from first.
func noised(t *testing.T, p DLPM, l Loss, x0 []float32, d int, first uint64) (x, target, times []float32) {
	t.Helper()
	n, err := NewNoiser(p, l, 42)
	require.NoError(t, err)
	c := n.Copies()
	x, target = make([]float32, c*len(x0)), make([]float32, c*len(x0))
	times = make([]float32, c*len(x0)/d)
	n.Noise(x, target, times, x0, first)
	return x, target, times
}

// x_t = γ̄·x_0 + σ̄·target at the level that times names, for every copy, scaled
// for the network where the process says so.
func TestNoiseIsTheClosedForm(t *testing.T) {
	const B, d, T = 7, 33, 20
	r := numtest.NewRand(2)
	x0 := r.Fill(make([]float32, B*d), 1)
	for _, p := range []DLPM{
		Default(1.7, T),
		{Alpha: 1.5, Scale: Preserving, Steps: T, ClampA: 20},
		{Alpha: 2, Scale: Exploding, InputScaling: true, Steps: T},
	} {
		l := Loss{Kind: Root, Median: true, Outer: 3, Inner: 2}
		x, target, times := noised(t, p, l, x0, d, 5)
		s, err := p.Schedule(0)
		require.NoError(t, err)
		for i, v := range x {
			row, b := i/d, i/d%B
			require.Equal(t, times[b], times[row], "copies share t")
			k := step(s, times[row])
			require.True(t, k >= 1 && k < T)
			want := s.GammaBar[k]*float64(x0[b*d+i%d]) + s.SigmaBar[k]*float64(target[i])
			if p.InputScaling {
				want /= 1 + s.SigmaBar[k]
			}
			require.InDelta(t, want, v, 4e-7*(1+math.Abs(want)))
		}
	}
}

// Inner copies of a group share A and differ in z; groups differ in A. With one
// element per sample A·z² would hide it, so A is read from the norm of many.
func TestCopiesShareAWithinAGroup(t *testing.T) {
	const B, d = 4, 4000
	_, target, _ := noised(t, Default(1.5, 10), Loss{Kind: Root, Outer: 2, Inner: 3}, make([]float32, B*d), d, 0)
	a := func(o, k, b int) (sum float64) {
		row := (o*3+k)*B + b
		for _, v := range target[row*d : (row+1)*d] {
			sum += float64(v) * float64(v)
		}
		return sum / d
	}
	for b := range B {
		for k := 1; k < 3; k++ {
			require.InEpsilon(t, a(0, 0, b), a(0, k, b), 0.15)
			require.InEpsilon(t, a(1, 0, b), a(1, k, b), 0.15)
			require.NotEqual(t, a(0, 0, b), a(0, k, b))
		}
		require.Greater(t, math.Abs(a(0, 0, b)/a(1, 0, b)-1), 1e-3)
	}
}

// Sample i is a function of its number: any split of a batch, any level.
func TestNoiseIsKeyedByTheSample(t *testing.T) {
	const B, d = 6, 21
	x0 := numtest.NewRand(3).Fill(make([]float32, B*d), 1)
	for _, p := range []DLPM{Default(1.7, 50), {Alpha: 1.6, Scale: Preserving, Steps: 50}} {
		var want, wantX []float32
		numtest.EachLevel(t, func(t *testing.T) {
			x, target, times := noised(t, p, Loss{Kind: Root}, x0, d, 100)
			if want == nil {
				want, wantX = target, x
			}
			numtest.SameBits(t, want, target, "target")
			numtest.SameBits(t, wantX, x, "x")
			for b := range B {
				px, pt, ptime := noised(t, p, Loss{Kind: Root}, x0[b*d:(b+1)*d], d, 100+uint64(b))
				numtest.SameBits(t, x[b*d:(b+1)*d], px, "x")
				numtest.SameBits(t, target[b*d:(b+1)*d], pt, "target")
				require.Equal(t, times[b], ptime[0])
			}
		})
	}
}

// t is uniform on 1…T−1 and the target unit SαS, also per element.
func TestTrainingLaws(t *testing.T) {
	const n, T = 20000, 6
	for _, p := range []DLPM{Default(1.7, T), {Alpha: 1.4, Scale: Preserving, Steps: T}} {
		x0 := make([]float32, 2*n)
		_, target, times := noised(t, p, Loss{Kind: Root}, x0, 2, 0)
		var count [T]int
		s, err := p.Schedule(0)
		require.NoError(t, err)
		second := make([]float64, n)
		for i := range n {
			count[step(s, times[i])]++
			second[i] = float64(target[2*i+1])
		}
		require.Zero(t, count[0])
		for _, c := range count[1:] {
			require.InDelta(t, n/(T-1), c, 5*math.Sqrt(n/(T-1)))
		}
		for _, u := range []float64{0.3, 1, 2} {
			got, se := charFunc(second, u)
			require.InDelta(t, math.Exp(-math.Pow(u, p.Alpha)), got, 4*se)
		}
	}
}

// One copy of a target is stable's noise at its stream, long rows included.
func TestTargetIsTheNoise(t *testing.T) {
	const d = 700
	for _, p := range []DLPM{Default(1.7, 10), {Alpha: 1.7, Scale: Preserving, Steps: 10}} {
		_, target, _ := noised(t, p, Loss{Kind: Root}, make([]float32, d), d, 8)
		want := make([]float32, d)
		p.noise().Fill(want, stable.Key{Seed: 42, Sample: 9, Step: 1})
		for i, v := range want {
			require.InEpsilon(t, v, target[i], 1e-6)
		}
	}
}

func TestNoiseDoesNotAllocate(t *testing.T) {
	const B, d = 3, 300
	for _, p := range []DLPM{Default(1.7, 10), {Alpha: 1.7, Scale: Preserving, Steps: 10}} {
		n, err := NewNoiser(p, Loss{Kind: Root, Outer: 2, Inner: 2}, 1)
		require.NoError(t, err)
		x, target, times, x0 := make([]float32, 4*B*d), make([]float32, 4*B*d), make([]float32, 4*B), make([]float32, B*d)
		require.Zero(t, testing.AllocsPerRun(20, func() { n.Noise(x, target, times, x0, 0) }))
		require.Panics(t, func() { n.Noise(x, target, times, x0[1:], 0) })
	}
}

// The two-variable elements agree with the chain's at the same variances, and
// the weight is that of the divergence between two Gaussians.
func TestPair(t *testing.T) {
	s, err := Default(1.7, 10).Schedule(0)
	require.NoError(t, err)
	p := s.Pair(4, 1.3, 2.5)
	require.InDelta(t, s.SigmaBar[3]*s.SigmaBar[3]*1.3, p.SumPrev, 1e-15)
	require.InDelta(t, s.Sigma[4]*s.Sigma[4]*2.5+s.Gamma[4]*s.Gamma[4]*p.SumPrev, p.Sum, 1e-15)
	c := s.DLPM(4, p.SumPrev, p.Sum)
	require.InDelta(t, c.Eps*c.Eps/(2*c.Z*c.Z), p.Weight, 1e-12)
	require.InDelta(t, c.Z*c.Z, p.Var, 1e-15)
	require.True(t, math.IsInf(s.Pair(1, 1.3, 2.5).Weight, 1))
}

func TestProcessValidate(t *testing.T) {
	base := Default(1.7, 100)
	require.NoError(t, base.Validate())
	for want, edit := range map[string]func(*DLPM){
		"alpha is 1: use a value above 1": func(p *DLPM) { p.Alpha = 1 },
		"alpha is NaN":                    func(p *DLPM) { p.Alpha = math.NaN() },
		`scale is "": use "preserving", "exploding" or "betas"`: func(p *DLPM) { p.Scale = "" },
		`grid is "cubic"`:                             func(p *DLPM) { p.Grid = "cubic" },
		"steps is 1: use 2 to 1048576":                func(p *DLPM) { p.Steps = 1 },
		"steps is 2000000000":                         func(p *DLPM) { p.Steps = 2000000000 },
		"clamp_a is -1: use a positive bound":         func(p *DLPM) { p.ClampA = -1 },
		"clamp_eps is NaN":                            func(p *DLPM) { p.ClampEps = math.NaN() },
		"input_scaling is true: it needs scale":       func(p *DLPM) { p.InputScaling = true },
		"rho is 7: it needs scale":                    func(p *DLPM) { p.Rho = 7 },
		"sigma_min is 90: use a positive value below": func(p *DLPM) { p.Scale, p.SigmaMin = Exploding, 90 },
		"sigma_max is +Inf: use at most":              func(p *DLPM) { p.Scale, p.SigmaMax = Exploding, math.Inf(1) },
		"rho is -1: use a positive value up to 100":   func(p *DLPM) { p.Scale, p.Rho = Exploding, -1 },
	} {
		p := base
		edit(&p)
		require.ErrorContains(t, p.Validate(), want)
		_, err := p.Schedule(0)
		require.Error(t, err)
	}
}

func TestProcessJSON(t *testing.T) {
	p := Default(1.7, 100)
	p.ClampA = 20
	data, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"alpha":1.7,"isotropic":true,"scale":"preserving","steps":100,"clamp_a":20}`, string(data))
	var q DLPM
	require.NoError(t, json.Unmarshal(data, &q))
	require.Equal(t, p, q)
}

// The identities γ̄ = Πγ, γ̄^α + σ̄^α = 1 and σ_t^α = σ̄_t^α − (γ_t·σ̄_{t−1})^α
// hold to rounding, also where plain differences would lose digits.
func TestScheduleIdentities(t *testing.T) {
	for _, p := range []DLPM{
		Default(1.1, 4000), Default(1.8, 4000),
		{Alpha: 1.7, Scale: Preserving, Grid: Quadratic, Steps: 1000},
		{Alpha: 1.7, Scale: Exploding, Steps: 4000}, {Alpha: 1.7, Scale: Exploding, Grid: Quadratic, Steps: 4000},
	} {
		s, err := p.Schedule(0)
		require.NoError(t, err)
		prod, sum := 1.0, math.Pow(s.SigmaBar[0], p.Alpha)
		for k := 1; k < p.Steps; k++ {
			prod *= s.Gamma[k]
			require.InEpsilon(t, prod, s.GammaBar[k], 1e-11)
			sum = math.Pow(s.Gamma[k], p.Alpha)*sum + math.Pow(s.Sigma[k], p.Alpha)
			require.InEpsilon(t, math.Pow(sum, 1/p.Alpha), s.SigmaBar[k], 1e-11)
			if p.Scale == Preserving {
				require.InDelta(t, 1, math.Pow(s.GammaBar[k], p.Alpha)+math.Pow(s.SigmaBar[k], p.Alpha), 1e-13)
			}
		}
	}
}
