package heavytail

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
)

// network returns a small network for points with random weights.
func network(t *testing.T) *nn.Net {
	t.Helper()
	net, err := nn.New(kernels.New(1), nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 8, Blocks: 1, TimeEmb: 4, TimeScale: 100}})
	require.NoError(t, err)
	numtest.NewRand(3).Fill(net.Params().Flat.Data(), 0.3)
	net.Params().Touch()
	return net
}

// of returns a recipe of the kind, ddpm being dlpm at α = 2.
func of(t *testing.T, kind string) recipe.Recipe {
	t.Helper()
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	r.Data.Shape = []int{2}
	if kind == "ddpm" {
		r.Process.Alpha = 2
		return r
	}
	if kind == withSpread {
		r.Network.MLP.Spread, r.Train.Loss.Kind = true, diffusion.Weighted
		return r
	}
	require.NoError(t, r.Use(kind))
	return r
}

// withSpread is the kind of models of dlpm with a second output.
const withSpread = "dlpm -spread"

var kinds = append(recipe.Kinds(), "ddpm")

// modelOf is New without its checks: these recipes are of other networks.
func modelOf(net *nn.Net, r recipe.Recipe, more ...*nn.Net) *Model {
	return &Model{net: net, recipe: r, more: more}
}

// stream is Stream without Resolve, so that points may be clipped.
func (m *Model) stream(ctx context.Context, seeds []uint64, o Options, emit func(first int, x []float32) error) error {
	o.Seeds, o.N = seeds, len(seeds)
	return m.run(ctx, o, func(u *units, first int, x []float32) error {
		y, err := u.samples32(first, x)
		if err != nil {
			return err
		}
		return emit(first, y)
	})
}

func draw(t *testing.T, net *nn.Net, r recipe.Recipe, seeds []uint64, o Options) []float32 {
	t.Helper()
	return drawOn(t, modelOf(net, r), seeds, o)
}

func drawOn(t *testing.T, m *Model, seeds []uint64, o Options) []float32 {
	t.Helper()
	var out []float32
	per := count(m.Shape())
	require.NoError(t, m.stream(t.Context(), seeds, o, func(first int, x []float32) error {
		require.Equal(t, len(out), per*first)
		out = append(out, x...)
		return nil
	}))
	return out
}

// A sample depends on its seed only, whatever the process, the method and the
// batches; and Step sees Moves+1 states, of which the last is the sample.
func TestEveryMethodIsIndependentOfBatches(t *testing.T) {
	net := network(t)
	seeds := []uint64{5, 6, 7, 8, 9}
	for _, kind := range kinds {
		r := of(t, kind)
		for _, method := range methodsOf(r) {
			o := Options{Method: method, Steps: 6, Batch: 5}
			want := draw(t, net, r, seeds, o)
			require.Len(t, want, 10)
			o.Batch = 2
			numtest.SameBits(t, want, draw(t, net, r, seeds, o), kind+" "+method)
			numtest.SameBits(t, want[4:6], draw(t, net, r, seeds[2:3], o), kind+" "+method+" alone")
			calls := 0
			o.Step = func(first, left int, x []float32) error {
				require.Equal(t, modelOf(net, r).Moves(o)-calls, left)
				if calls++; left == 0 {
					numtest.SameBits(t, want[4:6], x, "the last state")
				}
				return nil
			}
			draw(t, net, r, seeds[2:3], o)
			require.Equal(t, modelOf(net, r).Moves(o)+1, calls, "%s %s", kind, method)
		}
	}
}

// Sampling is the samplers of package diffusion, with the network behind them.
func TestMethodsAreTheSamplers(t *testing.T) {
	net := network(t)
	seeds := []uint64{3, 4, 5}
	ws, err := net.NewWorkspace(3, 0, 0, false)
	require.NoError(t, err)
	raw := predict(net, ws, nil, nil)
	ctx := context.Background()
	r := of(t, recipe.TEDM)
	D, err := dataOf(r, raw)
	require.NoError(t, err)
	p := *r.EDM
	p.SigmaMax, p.Rho = 20, 5
	for name, s := range map[string]interface {
		Sample(context.Context, diffusion.DataDenoiser, []uint64, int) ([]float32, error)
	}{
		"edm":            diffusion.EDMSampler{Process: p, Steps: 7},
		"tedm-ancestral": diffusion.TEDMAncestral{Process: p, Steps: 7, Eta: 1},
		"tedm-sde":       diffusion.TEDMSDE{Process: p, Steps: 7, Beta: 1},
		"dpm":            diffusion.DPMSolver{Process: p, Steps: 7},
	} {
		want, err := s.Sample(ctx, D, seeds, 2)
		require.NoError(t, err)
		got := draw(t, net, r, seeds, Options{Method: name, Steps: 7, Batch: 3, Settings: Settings{SigmaMax: 20, Rho: 5}})
		numtest.SameBits(t, want, got, name)
	}
	f, start, v, err := Options{}.field(r, raw)
	require.NoError(t, err)
	require.InDelta(t, 1.0/81, start, 1e-12)
	want, err := diffusion.FlowSampler{Process: f, Steps: 7, Start: start, Solver: diffusion.RK4}.Sample(ctx, v, seeds, 2)
	require.NoError(t, err)
	numtest.SameBits(t, want, draw(t, net, r, seeds, Options{Method: "flow", Steps: 7, Batch: 3, Settings: Settings{Solver: "rk4"}}), "flow")

	r = of(t, recipe.LIM)
	s := diffusion.LIMSampler{Process: *r.LIM, Steps: 7, Clamps: diffusion.LIMClamps{A: 3, Norm: 9}, PublishedStart: true}
	want, err = s.Sample(ctx, r.LIM.FromScore(raw), seeds, 2)
	require.NoError(t, err)
	set := Settings{ClampA: 3, LIMClamps: &diffusion.LIMClamps{Norm: 9}, PublishedStart: true}
	numtest.SameBits(t, want, draw(t, net, r, seeds, Options{Method: "lim", Steps: 7, Batch: 3, Settings: set}), "lim")
}

// With Clip every method of every process ends within the range of images,
// those without a denoising end near it.
func TestClipHoldsEveryMethod(t *testing.T) {
	net := network(t)
	flat := net.Params().Flat.Data()
	for i := range flat {
		flat[i] *= 8 // estimates far beyond the range
	}
	net.Params().Touch()
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	for _, kind := range kinds {
		r := of(t, kind)
		for _, method := range methodsOf(r) {
			bound := 1.0
			switch method {
			case "lim", "lim-mended", "lim-ode": // one Euler step of noise from the data
				bound = 40
			case "flow": // half of Heun's last slope is that of the end itself
				bound = 1.05
			}
			o := Options{Method: method, Steps: 40, Batch: 8, Clip: On}
			clipped := draw(t, net, r, seeds, o)
			for _, v := range clipped {
				require.LessOrEqual(t, math.Abs(float64(v)), bound+1e-3, "%s %s", kind, method)
			}
			o.Clip = Off
			require.NotEqual(t, clipped, draw(t, net, r, seeds, o), "%s %s: the estimates were in range", kind, method)
		}
	}
}

func TestDefaults(t *testing.T) {
	for kind, want := range map[string]struct {
		method string
		steps  int
	}{
		recipe.DLPM: {"dlim", 24}, recipe.LIM: {"lim-ode", 50}, recipe.EDM: {"edm", 18}, recipe.TEDM: {"edm", 64}, recipe.Flow: {"flow", 25}, recipe.TFlow: {"flow", 25}, recipe.Jump: {"edm", 64},
	} {
		o := modelOf(network(t), of(t, kind)).defaults(Options{})
		require.Equal(t, want.method, o.Method, kind)
		require.Equal(t, want.steps, o.Steps, kind)
	}
	require.Equal(t, 64, modelOf(network(t), of(t, recipe.TFlow)).defaults(Options{Method: "edm"}).Steps)
}

func TestImpossibleOptions(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		kind string
		o    Options
		want string
	}{
		{recipe.DLPM, Options{Method: "euler"}, "want dlpm, dlim"},
		{recipe.DLPM, Options{Method: "edm"}, "method edm with a model of dlpm, α = 1.8; want dlpm, dlim"},
		{recipe.DLPM, Options{Method: "dlpm-posterior"}, "second output for the variance, which training with setting spread gives networks of points; want dlpm, dlim"},
		{recipe.EDM, Options{Method: "dlpm-posterior"}, "with a model of edm; want edm"},
		{recipe.LIM, Options{Method: "dlim"}, "want lim, lim-mended, lim-ode"},
		{recipe.EDM, Options{Method: "dlpm"}, "want edm, tedm-ancestral, tedm-sde, dpm, flow"},
		{recipe.Jump, Options{Method: "flow"}, "method flow with a model of jump, λ = 2; want edm, dpm, jump"},
		{recipe.EDM, Options{Method: "jump"}, "method jump with a model of edm; want edm"},
		{recipe.EDM, Options{Settings: Settings{Eta: 0.5}}, "it belongs to dlim"},
		{recipe.DLPM, Options{Settings: Settings{Eta: 2}}, "eta 2"},
		{recipe.DLPM, Options{Settings: Settings{ClampA: -1}}, "positive"},
		{recipe.LIM, Options{Settings: Settings{Solver: "heun"}}, "belongs to edm, flow"},
		{recipe.EDM, Options{Settings: Settings{Solver: "rk4"}}, "of flow also rk4"},
		{recipe.EDM, Options{Settings: Settings{Churn: diffusion.Churn{S: -1}}}, "churn"},
		{recipe.EDM, Options{Settings: Settings{Churn: diffusion.Churn{S: 4}, IndependentNoise: true}}, "model of edm, whose noise is always independent"},
		{recipe.Jump, Options{Settings: Settings{Churn: diffusion.Churn{S: 4}, IndependentNoise: true}}, "model of jump, λ = 2, whose noise is always independent"},
		{recipe.TEDM, Options{Settings: Settings{IndependentNoise: true}}, "where none is added"},
		{recipe.TEDM, Options{Edit: &Edit{Resample: 1}, Settings: Settings{IndependentNoise: true}}, "where none is added"},
		{recipe.TEDM, Options{Method: "dpm", Settings: Settings{IndependentNoise: true}}, "belongs to edm, tedm-ancestral"},
		{recipe.EDM, Options{Settings: Settings{SigmaMax: 1e-4}}, "sigma_min"},
		{recipe.EDM, Options{Method: "flow", Settings: Settings{SigmaMax: inf}}, "sigma_max"},
		{recipe.Flow, Options{Method: "flow", Settings: Settings{SigmaMax: 3}}, "leave it out"},
		{recipe.EDM, Options{Method: "dpm", Settings: Settings{LIMClamps: &diffusion.LIMClamps{}}}, "belongs to lim, lim-mended, lim-ode"},
		{recipe.TEDM, Options{Method: "tedm-sde", Settings: Settings{NuCoeff: diffusion.Nu{1}}}, "nu"},
		{recipe.DLPM, Options{Steps: -1}, "sampling steps"},
		{recipe.Flow, Options{Steps: -1}, "steps"},
		{recipe.DLPM, Options{Batch: -1}, "batch"},
	} {
		if c.o.Batch == 0 {
			c.o.Batch = 1
		}
		err := modelOf(network(t), of(t, c.kind)).stream(context.Background(), []uint64{1}, c.o, func(int, []float32) error { return nil })
		require.ErrorContains(t, err, c.want, "%s %+v", c.kind, c.o)
	}
}

// Independent noise reaches both samplers that have it: churn and visits without an
// estimate of their own.
func TestIndependentNoiseIsMade(t *testing.T) {
	for _, o := range []Options{
		{Method: "edm", Steps: 9, Settings: Settings{Churn: diffusion.Churn{S: 2}, IndependentNoise: true}},
		{Method: "tedm-ancestral", Steps: 9, Edit: &Edit{Resample: 2}, Settings: Settings{IndependentNoise: true}},
	} {
		r := of(t, recipe.TEDM)
		s, err := o.sampler(r)
		require.NoError(t, err)
		require.NoError(t, o.checkNoise(r))
		require.Equal(t, r.EDM.Nu.IndependentNoiseBytes(), o.tables(r))
		require.Positive(t, o.tables(r))
		o.IndependentNoise = false
		require.Zero(t, o.tables(r))
		posterior, err := o.sampler(r)
		require.NoError(t, err)
		require.Less(t, s.Evaluations(), posterior.Evaluations(), o.Method)
	}
}
