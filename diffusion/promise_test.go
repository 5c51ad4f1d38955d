package diffusion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/simd"
	"heavytail/stable"
)

// A drawer draws samples with a sampler and a denoiser of its own: whatever the
// kind of denoiser, one signature.
type drawer func(ctx context.Context, net Denoiser, seeds []uint64, d int) ([]float32, error)

// drawers are all samplers of this family, with the network behind the wrapper
// that belongs to them.
func drawers(N int) map[string]drawer {
	iso, two := TEDM(3.5), EDM{Nu: Nu{20, 4}, SigmaData: []float64{1, 0.5}}
	out := map[string]drawer{}
	edm := func(name string, p EDM, s odeSampler) {
		out[name] = func(ctx context.Context, net Denoiser, seeds []uint64, d int) ([]float32, error) {
			return s.Sample(ctx, p.Precondition(net), seeds, d)
		}
	}
	churn := Churn{S: 3, Noise: 1.003, Min: 0.05, Max: 50}
	edm("edm", EDM{}, EDMSampler{Process: EDM{}, Steps: N})
	edm("edm churn", EDM{}, EDMSampler{Process: EDM{}, Steps: N, Churn: churn})
	edm("t-edm", iso, EDMSampler{Process: iso, Steps: N, Euler: true})
	edm("t-edm churn", two, EDMSampler{Process: two, Steps: N, Churn: churn})
	edm("t-edm independent", two, EDMSampler{Process: two, Steps: N, Churn: churn, IndependentNoise: true})
	edm("ancestral", iso, TEDMAncestral{Process: iso, Steps: N, Eta: 1})
	edm("ancestral two", two, TEDMAncestral{Process: two, Steps: N, Eta: 0.5})
	edm("sde", two, TEDMSDE{Process: two, Steps: N, Beta: 1})
	jump := EDM{Jump: Jump{Rate: 3, Share: 0.1}, SigmaData: []float64{1}}
	edm("jump", jump, JumpSampler{Process: jump, Steps: N})
	edm("jump churn", jump, EDMSampler{Process: jump, Steps: N, Churn: churn})
	edm("dpm", iso, DPMSolver{Process: iso, Steps: N})
	for _, m := range []Solver{Euler, Heun, RK4} {
		f := Flow{Nu: Nu{4, inf}, Target: TargetVelocity}
		out["flow "+string(m)] = func(ctx context.Context, net Denoiser, seeds []uint64, d int) ([]float32, error) {
			return FlowSampler{Process: f, Steps: N, Solver: m, Rho: 7}.Sample(ctx, f.Velocity(net), seeds, d)
		}
		out["flow edm "+string(m)] = func(ctx context.Context, net Denoiser, seeds []uint64, d int) ([]float32, error) {
			return FlowSampler{Process: f, Steps: N, Solver: m}.Sample(ctx, f.FromData(iso.Precondition(net)), seeds, d)
		}
	}
	for _, p := range []LIM{{Alpha: 1.7, Isotropic: true}, {Alpha: 1.6}, {Alpha: 2}} {
		for name, s := range map[string]LIMSampler{
			"sde": {Process: p, Steps: N}, "ode": {Process: p, Steps: N, ODE: true},
			"clamped": {Process: p, Steps: N, Clamps: LIMClamps{Skewed: 20, Norm: 30, Eps: 50}, PublishedStart: true},
		} {
			out[fmt.Sprint("lim ", name, p.Alpha)] = s.Sample
		}
	}
	return out
}

func TestProcessesOneSeedOneResult(t *testing.T) {
	const d, N = 38, 5
	ctx, all := context.Background(), []uint64{9, 2, 1 << 40, 4, 3}
	want := map[string][]float32{}
	numtest.EachLevel(t, func(t *testing.T) {
		for name, draw := range drawers(N) {
			x, err := draw(ctx, shrink, all, d)
			require.NoError(t, err, name)
			if want[name] == nil {
				want[name] = x
			}
			numtest.SameBits(t, want[name], x, name)
			for _, cut := range [][2]int{{0, 1}, {1, 3}, {3, 5}} {
				part, err := draw(ctx, shrink, all[cut[0]:cut[1]], d)
				require.NoError(t, err)
				at := cut[0] * d
				numtest.SameBits(t, want[name][at:at+len(part)], part, name)
			}
		}
	})
}

func TestProcessesAreSafeForConcurrentUse(t *testing.T) {
	for name, draw := range drawers(3) {
		want, err := draw(context.Background(), shrink, seeds(3), 8)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				got, err := draw(context.Background(), shrink, seeds(3), 8)
				if err != nil {
					t.Error(err)
					return
				}
				numtest.SameBits(t, want, got, name)
			})
		}
		wg.Wait()
	}
}

// The number of allocations of a run does not depend on the number of steps.
func TestProcessStepsDoNotAllocate(t *testing.T) {
	for name := range drawers(2) {
		count := func(N int) float64 {
			draw := drawers(N)[name]
			return testing.AllocsPerRun(2, func() {
				if _, err := draw(context.Background(), shrink, []uint64{1, 2}, 300); err != nil {
					t.Error(err)
				}
			})
		}
		require.Equal(t, count(3), count(20), name)
	}
}

func TestProcessesStop(t *testing.T) {
	boom := errors.New("boom")
	for name, draw := range drawers(30) {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		_, err := draw(ctx, func(ctx context.Context, eps, x, times []float32) error {
			if calls++; calls == 3 {
				cancel()
			}
			return shrink(ctx, eps, x, times)
		}, seeds(2), 4)
		require.ErrorIs(t, err, context.Canceled, name)
		require.Equal(t, 3, calls, "%s: no call after the end", name)
		_, err = draw(context.Background(), func(context.Context, []float32, []float32, []float32) error { return boom }, seeds(2), 4)
		require.ErrorIs(t, err, boom, name)
		_, err = draw(context.Background(), func(_ context.Context, eps, _, _ []float32) error {
			clear(eps)
			eps[5] = float32(math.NaN())
			return nil
		}, []uint64{7, 8}, 4)
		require.ErrorContains(t, err, "seed 8", name)
		x, err := draw(context.Background(), shrink, nil, 4)
		require.NoError(t, err, name)
		require.Empty(t, x)
	}
	bad := func(_ context.Context, data, _, _ []float64) error {
		data[0] = 1e308
		return nil
	}
	_, err := DPMSolver{Process: EDM{}, Steps: 3}.Sample(context.Background(), bad, seeds(1), 1)
	require.NoError(t, err, "large, but finite")
	_, err = EDMSampler{Process: EDM{SigmaMax: 0.5}, Steps: 3, Euler: true}.Sample(context.Background(), func(_ context.Context, data, _, _ []float64) error {
		data[0] = -math.MaxFloat64
		return nil
	}, []uint64{77}, 1)
	require.ErrorContains(t, err, "state of seed 77 is not finite after 1 of 3")
	_, err = NewEDMNoiser(EDM{Rho: -1}, 1)
	require.Error(t, err)
	_, err = NewFlowNoiser(Flow{}, 1)
	require.Error(t, err)
	_, err = NewLIMNoiser(LIM{}, 1)
	require.Error(t, err)
	require.Panics(t, func() {
		for range (DPMSolver{Process: EDM{}, Steps: 3}).Trajectory(context.Background(), bad, make([]float64, 3), seeds(2)) {
		}
	})
}

// Heun and Euler of [Karras et al. 2022], Algorithm 2, written out without any
// of t-EDM's parts: at ν = ∞ the samplers give these bits.
func TestInfiniteNuIsEDMBitForBit(t *testing.T) {
	const n, d, N = 3, 10, 8
	den := (EDM{}).Precondition(shrink)
	churn := Churn{S: 2, Noise: 1.003, Min: 0.01, Max: 60}
	for _, nu := range []Nu{nil, {inf}, {inf, inf}} {
		p := EDM{Nu: nu}
		sigma := p.Sigmas(N)
		x, z := make([]float64, n*d), make([]float32, d)
		D, next := make([]float64, n*d), make([]float64, n*d)
		normal := func(i int, step uint32) {
			stable.Key{Seed: uint64(i), Step: step}.Normal(z, 0)
		}
		denoise := func(D, x []float64, s float64) {
			require.NoError(t, den(context.Background(), D, x, []float64{s, s, s}))
		}
		for i := range n {
			normal(i, startStep)
			for j, v := range z {
				x[i*d+j] = float64(v) * sigma[0]
			}
		}
		for k := range N {
			gamma := 0.0
			if sigma[k] >= churn.Min && sigma[k] <= churn.Max {
				gamma = min(churn.S/N, math.Sqrt2-1)
			}
			hat := float64(sigma[k] * (1 + gamma))
			for i := range n {
				normal(i, uint32(k))
				for j, v := range z {
					x[i*d+j] += float64(float64(math.Sqrt(float64(hat*hat)-float64(sigma[k]*sigma[k]))*churn.Noise) * float64(v))
				}
			}
			denoise(D, x, hat)
			slope := make([]float64, n*d)
			for j, v := range x {
				slope[j] = (v - D[j]) / hat
				next[j] = v + float64((sigma[k+1]-hat)*slope[j])
			}
			if k < N-1 {
				denoise(D, next, sigma[k+1])
				for j, v := range x {
					mean := float64((slope[j] + (next[j]-D[j])/sigma[k+1]) * 0.5)
					next[j] = v + float64((sigma[k+1]-hat)*mean)
				}
			}
			copy(x, next)
		}
		require.Equal(t, x, endAt2(t, EDMSampler{Process: p, Steps: N, Churn: churn}, p.Precondition(shrink), n, d))
	}
	for name, both := range map[string][2]odeSampler{
		"heun":      {EDMSampler{Process: EDM{}, Steps: N}, EDMSampler{Process: EDM{Nu: Nu{inf}}, Steps: N}},
		"dpm":       {DPMSolver{Process: EDM{}, Steps: N}, DPMSolver{Process: EDM{Nu: Nu{inf, inf}}, Steps: N}},
		"ancestral": {TEDMAncestral{Process: EDM{}, Steps: N, Eta: 1}, TEDMAncestral{Process: EDM{Nu: Nu{inf, inf}}, Steps: N, Eta: 1}},
		"sde":       {TEDMSDE{Process: EDM{}, Steps: N, Beta: 1, Constant: true}, TEDMSDE{Process: EDM{Nu: Nu{inf}}, Steps: N, Beta: 1}},
	} {
		require.Equal(t, endAt2(t, both[0], den, n, d), endAt2(t, both[1], (EDM{Nu: Nu{inf}}).Precondition(shrink), n, d), name)
	}
}

// endAt2 is endAt for samples of d values.
func endAt2(t *testing.T, s odeSampler, den DataDenoiser, n, d int) []float64 {
	t.Helper()
	x := make([]float64, n*d)
	stop(t, s.Trajectory(context.Background(), den, x, seeds(n)), 0)
	return x
}

// At ν = ∞ the ancestral step is DDPM's posterior in its variance-exploding
// form, x_s = D + (s²/t²)(x−D) + s·√(1−s²/t²)·z.
func TestAncestralIsDDPM(t *testing.T) {
	s := TEDMAncestral{Process: EDM{SigmaMin: 1, SigmaMax: 2}, Steps: 2, Eta: 1}
	den := func(_ context.Context, data, x, _ []float64) error {
		for j := range x {
			data[j] = 0.25 * x[j]
		}
		return nil
	}
	first, second := endAt(t, s, den, 3, 2), endAt(t, s, den, 3, 1)
	for i, x := range first {
		var z [1]float32
		stable.Key{Seed: uint64(i)}.Normal(z[:], 0)
		require.InDelta(t, 0.25*x+0.25*0.75*x+math.Sqrt(0.75)*float64(z[0]), second[i], 1e-14)
	}
}

// Wrappers leave what they are given alone, σ above all, and keep per-channel
// coefficients apart.
func TestWrappersKeepTheirInput(t *testing.T) {
	x, sigma := []float64{1, -2, 3, 4}, []float64{0.7, 5}
	x0, s0 := append([]float64(nil), x...), append([]float64(nil), sigma...)
	data := make([]float64, 4)
	p := EDM{Nu: Nu{3, 8}, SigmaData: []float64{1, 2}}
	var in []float32
	den := p.Precondition(func(_ context.Context, eps, x, times []float32) error {
		in = append([]float32(nil), x...)
		require.Equal(t, []float32{float32(math.Log(0.7) / 4), float32(math.Log(5) / 4)}, times)
		copy(eps, x)
		return nil
	})
	ddpm, err := DDPM(100).Process.DataDenoiser(halve)
	require.NoError(t, err)
	f := Flow{Target: TargetNoise}
	for _, den := range []DataDenoiser{den, ddpm, f.DataDenoiser(f.Velocity(halve)), f.DataDenoiser(f.FromData(den))} {
		require.NoError(t, den(context.Background(), data, x, sigma))
		require.Equal(t, x0, x)
		require.Equal(t, s0, sigma)
	}
	require.NoError(t, den(context.Background(), data, x, sigma))
	for j, v := range x {
		k := p.Preconditioning(j%2, sigma[j/2])
		require.Equal(t, float32(k.In*v), in[j])
		require.Equal(t, float64(k.Skip*v)+float64(k.Out*float64(in[j])), data[j])
	}
}

// halve stands for a network.
func halve(_ context.Context, eps, x, _ []float32) error {
	simd.Scale(eps, x, 0.5)
	return nil
}

// The law of n: for d = 2, P(|n|²/ν > r) = (1+r)^{−ν/2}; one κ for all elements
// or one per channel.
func TestStudentNoise(t *testing.T) {
	const n, nu = 20000, 3.3
	r := make([]float64, n)
	row := make([]float64, 2)
	for i := range r {
		Nu{nu}.Noise(row, stable.Key{Seed: uint64(i)}, 2)
		r[i] = math.Pow(1+(row[0]*row[0]+row[1]*row[1])/(4*nu), -nu/2) // U(0, 1)
	}
	for _, p := range []float64{0.001, 0.01, 0.1, 0.5, 0.9} {
		below := 0
		for _, u := range r {
			if u < p {
				below++
			}
		}
		require.InDelta(t, p, float64(below)/n, 4*math.Sqrt(p*(1-p)/n))
	}
	s, z := stable.Key{Seed: 4, Step: 2}, make([]float32, 600)
	s.Normal(z, 0)
	joint, split := make([]float64, 600), make([]float64, 600)
	Nu{3}.Noise(joint, s, 1)
	Nu{3, inf}.Noise(split, s, 1)
	for j, v := range z {
		require.InEpsilon(t, joint[0]/float64(z[0]), joint[j]/float64(v), 1e-12)
		if j%2 == 1 {
			require.Equal(t, float64(v), split[j])
		} else {
			require.Equal(t, joint[j], split[j])
		}
	}
	Nu{3, 3}.Noise(split, s, 1)
	require.Equal(t, joint[0], split[0])
	require.NotEqual(t, joint[1], split[1], "each channel has its own draw")
	require.Panics(t, func() { Nu{3, 4}.Noise(make([]float64, 3), s, 1) })
}

// Impossible configurations are named, with what to use instead.
func TestProcessesRefuse(t *testing.T) {
	nan := math.NaN()
	for _, e := range []struct {
		v    interface{ Validate() error }
		want string
	}{
		{EDM{Nu: Nu{2}}, "nu is 2"}, {EDM{Nu: Nu{3, nan}}, "nu is NaN"},
		{EDM{SigmaData: []float64{0}}, "sigma_data is 0"},
		{EDM{Nu: Nu{3, 4}, SigmaData: []float64{1, 2, 3}}, "as many as nu"},
		{EDM{Nu: Nu{3, 4}, ScaledTime: true}, "scaled_time"},
		{EDM{PMean: nan, PStd: 1}, "p_mean"}, {EDM{PStd: -1}, "p_std"},
		{EDM{SigmaMin: 90}, "sigma_min"}, {EDM{SigmaMax: 1e9}, "sigma_max"}, {EDM{Rho: -1}, "rho"},
		{EDMSampler{}, "0 steps"}, {EDMSampler{Steps: 3, Churn: Churn{S: nan}}, "churn's S"},
		{EDMSampler{Steps: 3, Process: EDM{Rho: -1}}, "rho"},
		{TEDMAncestral{Steps: 1, Eta: 2}, "eta is 2"}, {TEDMAncestral{}, "0 steps"}, {TEDMAncestral{Steps: 1, Process: EDM{Rho: -1}}, "rho"},
		{TEDMSDE{Steps: 1, Beta: -1}, "beta"}, {TEDMSDE{Steps: 1, NuCoeff: Nu{1}}, "nu_coeff"}, {TEDMSDE{Steps: 1, Process: TEDM(3, 4), NuCoeff: Nu{3, 4, 5}}, "2 channels"}, {TEDMSDE{}, "0 steps"}, {TEDMSDE{Steps: 1, Process: EDM{Rho: -1}}, "rho"},
		{DPMSolver{}, "0 steps"}, {DPMSolver{Process: EDM{Rho: -1}, Steps: 1}, "rho"},
		{EDM{Jump: Jump{Rate: 0.01}}, "rate is 0.01: use 0.1 to 1000"}, {EDM{Jump: Jump{Rate: 1e9}}, "rate"}, {EDM{Jump: Jump{Rate: nan}}, "rate is NaN"}, {EDM{Jump: Jump{Share: 0.5}}, "rate is 0"},
		{EDM{Jump: Jump{Rate: 2, Share: 1.5}}, "share is 1.5: use 0"}, {EDM{Jump: Jump{Rate: 2, Share: nan}}, "share"}, {EDM{Jump: Jump{Rate: 2}, Nu: Nu{3}}, "leave one out"},
		{JumpSampler{}, "0 steps"}, {JumpSampler{Steps: 1}, "use a process of jump noise"}, {JumpSampler{Steps: 1, Process: EDM{Jump: Jump{Rate: 2}, Rho: -1}}, "rho"},
		{TEDMAncestral{Steps: 1, Process: EDM{Jump: Jump{Rate: 2}}}, "use JumpSampler"}, {TEDMSDE{Steps: 1, Process: EDM{Jump: Jump{Rate: 2}}}, "use JumpSampler"},
		{Flow{}, "target"}, {Flow{Target: TargetData, SigmaMin: 1}, "sigma_min"},
		{Flow{Target: TargetData, Mean: []float64{inf}}, "mean"}, {Flow{Target: TargetData, Nu: Nu{1}}, "nu is 1"},
		{FlowSampler{Solver: "dopri5"}, "solver"}, {FlowSampler{Start: 1}, "start"}, {FlowSampler{Rho: nan}, "rho"},
		{FlowSampler{}, "0 steps"}, {FlowSampler{Steps: 1}, "target"},
		{LIM{Alpha: 1}, "alpha is 1"}, {LIM{Alpha: 1.5, Clamps: LIMClamps{Norm: -1}}, "norm"},
		{LIMSampler{}, "0 steps"}, {LIMSampler{Steps: 1, ODE: true, Mended: true}, "leave out one"}, {LIMSampler{Steps: 1, Clamps: LIMClamps{Eps: nan}}, "eps"}, {LIMSampler{Steps: 1}, "alpha is 0"},
	} {
		require.ErrorContains(t, e.v.Validate(), e.want, "%+v", e.v)
	}
	one := context.Background()
	_, err := EDMSampler{}.Sample(one, student3Data, seeds(1), 1)
	require.ErrorContains(t, err, "0 steps")
	for _, s := range []odeSampler{
		EDMSampler{Process: TEDM(3, 4), Steps: 2}, DPMSolver{Process: TEDM(3, 4), Steps: 2}, TEDMSDE{Process: TEDM(3, 4), Steps: 2}, TEDMAncestral{Process: TEDM(3, 4), Steps: 2},
	} {
		_, err := s.Sample(one, student3Data, seeds(1), 3)
		require.ErrorContains(t, err, "2 channels")
	}
	_, err = FlowSampler{Process: Flow{Nu: Nu{3, 4}, Target: TargetData}, Steps: 2}.Sample(one, nil, seeds(1), 3)
	require.ErrorContains(t, err, "2 channels")
	require.Panics(t, func() { (EDM{Rho: -1}).Precondition(shrink) })
	require.Panics(t, func() { (Flow{}).Velocity(shrink) })
}
