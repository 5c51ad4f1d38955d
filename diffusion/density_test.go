package diffusion

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// linearData is the exact D = K(σ)·x for data N(0, S), S = s² on the diagonal and
// s²·r beside it in two dimensions, with its (symmetric) derivative.
func linearData(s, r float64) DataDerivative {
	return func(_ context.Context, data, product, x, probe, sigma []float64) error {
		for i, t := range sigma {
			a, b := s*s+t*t, s*s*r // S + σ²I
			det := a*a - b*b
			same, cross := (s*s*a-b*b)/det, (b*a-s*s*b)/det
			for j := range 2 {
				data[2*i+j] = same*x[2*i+j] + cross*x[2*i+1-j]
				product[2*i+j] = same*probe[2*i+j] + cross*probe[2*i+1-j]
			}
		}
		return nil
	}
}

func correlated(x []float64, s, r float64) float64 {
	q := (x[0]*x[0] - 2*r*x[0]*x[1] + x[1]*x[1]) / (s * s * (1 - r*r))
	return -q/2 - math.Log(2*math.Pi*s*s*math.Sqrt(1-r*r))
}

// The density of correlated normal data under the exact denoiser: right to the
// order of σ_min² and (s/σ_max)², and of order 2 in the steps against the limit.
func TestDensityOfGaussianData(t *testing.T) {
	x := []float64{0, 0, 1, -0.5, 2.5, 2, -3, 1}
	p, s, r := EDM{}, 1.0, 0.6
	at := func(steps int) []LogDensity {
		got, err := Density{Steps: steps}.EDM(context.Background(), p, linearData(s, r), x, 2)
		require.NoError(t, err)
		return got
	}
	coarse, fine, limit := at(40), at(80), at(1280)
	for i := range coarse {
		a, b := coarse[i].Value-limit[i].Value, fine[i].Value-limit[i].Value
		require.InDelta(t, 4, a/b, 0.5, "point %d: errors %v and %v", i, a, b)
		// the law at the end lacks the data: ½·tr S/σ_max² per point and as much of
		// the exponent, at the start σ_min²·tr S⁻¹; and 1/16² of the error of 80 steps
		require.InDelta(t, correlated(x[2*i:2*i+2], s, r), limit[i].Value, 1e-3+math.Abs(b)/100)
		require.Zero(t, limit[i].Error)
	}
}

func student3Derivative(_ context.Context, data, product, x, probe, sigma []float64) error {
	for j, v := range x {
		h := 1e-5 * (1 + math.Abs(v) + sigma[j])
		up, _ := student3(v+h, sigma[j])
		down, _ := student3(v-h, sigma[j])
		data[j], _ = student3(v, sigma[j])
		product[j] = (up - down) / (2 * h) * probe[j]
	}
	return nil
}

// The t_3 target and noise: the log-density far into the tail, and its integral.
func TestDensityOfStudentData(t *testing.T) {
	law := stable.StudentT{Nu: 3, Scale: 1 / math.Sqrt(3)}
	var x []float64
	const h = 0.02
	for w := -12.0; w <= 12; w += h {
		x = append(x, 0.2*math.Sinh(w)) // to ±16000
	}
	var off [2]float64 // of the integral from 1
	var worst [2]float64
	for k, steps := range []int{64, 256} {
		got, err := Density{Steps: steps}.EDM(context.Background(), TEDM(3), student3Derivative, x, 1)
		require.NoError(t, err)
		for i, v := range x {
			worst[k] = max(worst[k], math.Abs(got[i].Value-law.LogDensity(v)))
			off[k] += h * math.Exp(got[i].Value) * math.Hypot(0.2, v) // trapezoid, whose ends vanish
		}
		off[k] = math.Abs(off[k] - 1)
	}
	t.Logf("64 and 256 steps: ln p off by %.2g, the integral by %.2g", worst, off)
	// Of order 2, 256 steps have 1/16 of the error of 64, but for what the start at
	// σ_max = 80 leaves, of order 1/80² in scale and so in ln p, with a factor of few.
	require.Less(t, worst[1], worst[0]/16*1.5+1e-3)
	require.Less(t, worst[1], 0.02)
	require.Less(t, off[1], off[0]/16*1.5+1e-4)
	require.Less(t, off[1], 2e-3)
}

// stableNoise is the exact ε̂ for isotropic stable data of scale s, which is linear:
// E[ε | y] = τ^{α−1}/(s^α+τ^α)·y, for x = γ̄·y and the levels of a network's time.
func stableNoise(alpha, s float64, level func(t float32) (gamma, sigma float64)) Derivative {
	return func(_ context.Context, eps, product, x, probe, times []float32) error {
		d := len(x) / len(times)
		for i, u := range times {
			g, sigma := level(u)
			tau := sigma / g
			k := math.Pow(tau, alpha-1) / (math.Pow(s, alpha) + math.Pow(tau, alpha)) / g
			for j := i * d; j < (i+1)*d; j++ {
				eps[j], product[j] = float32(k*float64(x[j])), float32(k*float64(probe[j]))
			}
		}
		return nil
	}
}

// Stable data in one and eight dimensions under DLPM and LIM: known densities.
func TestDensityOfStableData(t *testing.T) {
	const alpha, s, steps = 1.6, 0.5, 400
	p := Default(alpha, steps+2) // level 0 is without noise: Steps+1 above it
	sched, err := p.Schedule(0)
	require.NoError(t, err)
	dlpm := stableNoise(alpha, s, func(u float32) (float64, float64) {
		k := int(math.Round(float64(u) * float64(steps+2)))
		return sched.GammaBar[k], sched.SigmaBar[k]
	})
	l := LIM{Alpha: alpha, Isotropic: true}
	lim := stableNoise(alpha, s, func(u float32) (float64, float64) { return l.Gamma(float64(u)), l.Sigma(float64(u)) })
	for _, d := range []int{1, 8} {
		x := make([]float64, 5*d)
		for i, r := range []float64{0, 0.3, 1, 20, 3000} {
			for j := range d {
				x[i*d+j] = r / math.Sqrt(float64(d))
			}
		}
		shape := make([]float64, d*d)
		for j := range d {
			shape[j*d+j] = s * s
		}
		law, err := stable.NewElliptical(alpha, make([]float64, d), shape)
		require.NoError(t, err)
		a, err := Density{Steps: steps}.DLPM(context.Background(), p, dlpm, x, d)
		require.NoError(t, err)
		b, err := Density{Steps: steps}.LIM(context.Background(), l, lim, x, d)
		require.NoError(t, err)
		for i := range a {
			want := law.LogDensity(x[i*d : (i+1)*d])
			// d times the logarithm of the scale: what the lowest level adds to it,
			// (τ_1/s)^α/α = 0.0003 (DLPM), the ODE's error, and at the end (s/τ_T)^α
			require.InDelta(t, want, a[i].Value, 2e-3*float64(d+1), "DLPM %d dimensions, point %d", d, i)
			require.InDelta(t, want, b[i].Value, 2e-3*float64(d+1), "LIM %d dimensions, point %d", d, i)
		}
	}
}

// One step of DLPM is a step: with ε̂ = k·x Heun's method and the trapezoid rule of two
// levels give the value by hand.
func TestDensityOfOneStep(t *testing.T) {
	const k = 0.3
	p := Default(2, 10)
	den := func(_ context.Context, eps, product, x, probe, _ []float32) error {
		for j := range x {
			eps[j], product[j] = k*x[j], k*probe[j]
		}
		return nil
	}
	sched, err := p.Schedule(3)
	require.NoError(t, err)
	a, b := sched.SigmaBar[1]/sched.GammaBar[1], sched.SigmaBar[2]/sched.GammaBar[2]
	ka, kb := k*sched.GammaBar[1], k*sched.GammaBar[2] // the derivatives of n̂ by y
	const y = 0.7
	end := y + (b-a)/2*(ka*y+kb*(y+(b-a)*ka*y))
	want := p.UnitNoise(1).LogDensity([]float64{end / b}) - math.Log(b) + math.Log(b/a)/2*(a*ka+b*kb)
	got, err := Density{Steps: 1}.DLPM(context.Background(), p, den, []float64{y}, 1)
	require.NoError(t, err)
	require.InDelta(t, want, got[0].Value, 1e-5) // float32 states
}

// Hutchinson's estimate is that of the exact trace within its stated error, which
// is neither 0 nor too large: over 200 points the ratio has a root mean square of 1.
func TestHutchinsonStatesItsError(t *testing.T) {
	x := make([]float64, 400)
	stable.Key{Seed: 4}.Normal64(x, 0)
	exact, err := Density{Steps: 20}.EDM(context.Background(), EDM{}, linearData(1, 0.6), x, 2)
	require.NoError(t, err)
	got, err := Density{Steps: 20, Probes: 40, Seed: 1}.EDM(context.Background(), EDM{}, linearData(1, 0.6), x, 2)
	require.NoError(t, err)
	sum := 0.0
	for i := range got {
		require.Positive(t, got[i].Error)
		z := (got[i].Value - exact[i].Value) / got[i].Error
		sum += z * z / float64(len(got))
	}
	// the mean of 200 squares of nearly normal values has the deviation 0.1
	require.InDelta(t, 1, sum, 0.4)
	_, err = Density{Steps: 20, Probes: 1}.EDM(context.Background(), EDM{}, linearData(1, 0.6), x, 2)
	require.ErrorContains(t, err, "probes is 1")
}

// A network in float32 behind EDM's and flow's wrappers: values are those of the
// wrappers without a derivative, products those of differences.
func TestDerivativesOfWrappers(t *testing.T) {
	value := func(_ context.Context, out, x, times []float32) error {
		d := len(x) / len(times)
		for i := range times {
			for j := range d {
				next := x[i*d+(j+1)%d]
				out[i*d+j] = float32(math.Sin(float64(x[i*d+j])) + 0.5*float64(next*next) + float64(times[i]))
			}
		}
		return nil
	}
	with := func(ctx context.Context, out, product, x, probe, times []float32) error {
		d := len(x) / len(times)
		for i := range times {
			for j := range d {
				before := i*d + (j+d-1)%d
				product[i*d+j] = float32(math.Cos(float64(x[i*d+j])))*probe[i*d+j] + x[i*d+j]*probe[before]
			}
		}
		return value(ctx, out, x, times)
	}
	x, v := []float64{0.3, -1, 0.7, 2, 0.1, -0.4}, []float64{1, -2, 0.5, 0.3, 0, 1}
	sigma := []float64{0.7, 3}
	edm := EDM{Nu: Nu{3, 5, 7}, SigmaData: []float64{1}}
	cases := map[string][2]any{"edm": {edm.Precondition(value), edm.PreconditionDerivative(with)}}
	for _, target := range []Target{TargetData, TargetNoise, TargetVelocity} {
		f := Flow{Target: target, SigmaMin: 0.01}
		cases[string(target)] = [2]any{f.DataDenoiser(f.Velocity(value)), f.DataDerivative(with)}
	}
	for name, c := range cases {
		D, J := c[0].(DataDenoiser), c[1].(DataDerivative)
		want, data, product := make([]float64, 6), make([]float64, 6), make([]float64, 6)
		require.NoError(t, D(context.Background(), want, x, sigma))
		require.NoError(t, J(context.Background(), data, product, x, v, sigma))
		up, down := make([]float64, 6), make([]float64, 6)
		for j := range x {
			// float32 at both ends of the difference: 1e-7/h, and h² of its own
			const h = 1e-2
			moved := append([]float64(nil), x...)
			moved[j] += h
			require.NoError(t, D(context.Background(), up, moved, sigma))
			moved[j] -= 2 * h
			require.NoError(t, D(context.Background(), down, moved, sigma))
			sum := 0.0
			for k := j / 3 * 3; k < j/3*3+3; k++ {
				sum += v[k] * (up[k] - down[k]) / (2 * h)
			}
			require.InDelta(t, sum, product[j], 1e-3*(1+math.Abs(sum)), "%s, element %d", name, j)
			require.InDelta(t, want[j], data[j], 1e-5*(1+math.Abs(want[j])), "%s, element %d", name, j)
		}
	}
}

// The laws of the noise against independent ones: products of Student's t for
// groups of one value, differences of survival functions.
func TestUnitNoise(t *testing.T) {
	u := EDM{Nu: Nu{20, 4}}.UnitNoise(2)
	x := []float64{0.3, -7}
	require.InDelta(t, stable.StudentT{Nu: 20, Scale: 1}.LogDensity(0.3)+stable.StudentT{Nu: 4, Scale: 1}.LogDensity(-7), u.LogDensity(x), 1e-12)
	require.Equal(t, []float64{20, 4}, u.TailIndices())
	p := Default(1.5, 10)
	p.Isotropic = false
	require.InDelta(t, stable.Symmetric(1.5).LogDensity(0.3)+stable.Symmetric(1.5).LogDensity(-7), p.UnitNoise(2).LogDensity(x), 1e-9)
	require.InDelta(t, -0.5*(0.09+49)-math.Log(2*math.Pi), LIM{Alpha: 2}.UnitNoise(2).LogDensity(x), 1e-12)
	require.InDelta(t, -0.25*(0.09+49)-math.Log(4*math.Pi), Default(2, 10).UnitNoise(2).LogDensity(x), 1e-10)
	// a multivariate t in two dimensions: P(|n| > r) = (1+r²/ν)^{−ν/2}, so the density
	// is that of the ring over its circumference
	nu, r, h := 3.5, 2.0, 1e-5
	tail := func(r float64) float64 { return math.Pow(1+r*r/nu, -nu/2) }
	want := math.Log((tail(r-h) - tail(r+h)) / (2 * h) / (2 * math.Pi * r))
	require.InDelta(t, want, EDM{Nu: Nu{nu}}.UnitNoise(2).LogDensity([]float64{r, 0}), 1e-8)
}

// A law takes as many values as it has, and there is none of no values.
func TestUnitNoiseOfOtherLengths(t *testing.T) {
	for name, unit := range map[string]func(d int) UnitNoise{
		"edm": TEDM(3).UnitNoise, "jump": EDM{Jump: Jump{Rate: 2}}.UnitNoise, "flow": Flow{Target: TargetVelocity}.UnitNoise,
		"dlpm": Default(1.5, 10).UnitNoise, "lim": LIM{Alpha: 1.8}.UnitNoise, "lim 2": LIM{Alpha: 2}.UnitNoise,
	} {
		u := unit(2)
		require.Equal(t, 2, u.Dim(), name)
		require.PanicsWithValue(t, "diffusion: UnitNoise.LogDensity of 3 values, by the law of 2", func() { u.LogDensity(make([]float64, 3)) }, name)
		require.PanicsWithValue(t, "diffusion: UnitNoise.Draw of 1 values, by the law of 2", func() { u.Draw(make([]float64, 1), stable.Key{}) }, name)
		for _, d := range []int{0, -1} {
			require.PanicsWithValue(t, fmt.Sprintf("diffusion: UnitNoise of %d values: want 1 or more", d), func() { unit(d) }, name)
		}
	}
	require.PanicsWithValue(t, "diffusion: UnitNoise.LogDensity of the zero value: a process's UnitNoise makes one", func() { UnitNoise{}.LogDensity(nil) })
	require.Zero(t, UnitNoise{}.Dim())
}
