package heavytail_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/recipe"
	"heavytail/tensor"
)

// run is what every sampler of package diffusion has.
type run[F any, T float32 | float64] interface {
	Trajectory(ctx context.Context, f F, x []T, seeds []uint64) iter.Seq2[int, error]
}

// own runs a sampler in a loop of its own on one of a model's functions.
func own[F any, T float32 | float64](t *testing.T, s run[F, T], f F, d int, seeds []uint64) []float32 {
	t.Helper()
	x := make([]T, d*len(seeds))
	for _, err := range s.Trajectory(t.Context(), f, x, seeds) {
		require.NoError(t, err)
	}
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// TestDenoiserIsWhatSampleAsks: an own loop of every sampler over a model's
// functions gives the bits of Sample, and the other functions are nil.
func TestDenoiserIsWhatSampleAsks(t *testing.T) {
	seeds := []uint64{5, 9, 1 << 40}
	for _, kind := range append(recipe.Kinds(), "ddpm") {
		for preset, d := range map[string]int{"toy": 2, "fashion": 64} {
			clip := preset == "fashion"
			m := open(t, heavytail.Loader{}, fileOf(t, preset, func(r *recipe.Recipe) {
				r.Train.LabelDrop = 0.1
				if kind == "ddpm" {
					r.Process.Alpha = 2
				} else {
					require.NoError(t, r.Use(kind))
				}
			}))
			r := m.Recipe()
			o := heavytail.Options{Seeds: seeds}
			if clip {
				o.Classes, o.Guidance = []int{2, 0, 1}, 2
			}
			f, err := m.Denoiser(o)
			require.NoError(t, err, "%s %s", kind, preset)
			data := kind != recipe.DLPM && kind != recipe.LIM
			require.Equal(t, !data || kind == "ddpm", f.Noise != nil, kind)
			require.Equal(t, data, f.Data != nil, kind)
			require.Equal(t, data, f.Velocity != nil, kind)
			check := func(method string, steps int, got []float32) {
				o.Method, o.Steps = method, steps
				numtest.SameBits(t, values(t, m, o), got, kind+" "+preset+" "+method)
			}
			if r.LIM != nil {
				noise := f.Noise
				if clip {
					noise = r.LIM.Clamp(noise, 1)
				}
				check("lim", 4, own(t, diffusion.LIMSampler{Process: *r.LIM, Steps: 4, Clamps: r.LIM.Clamps}, noise, d, seeds))
				continue
			}
			if r.EDM == nil && r.Flow == nil {
				check("dlpm", 4, own(t, diffusion.DLPMSampler{Process: r.Process, Steps: 4, Clip: clip, ConsistentStart: true}, f.Noise, d, seeds))
				check("dlim", 5, own(t, diffusion.DLIM{Process: r.Process, Steps: 5, Clip: clip, ConsistentStart: true}, f.Noise, d, seeds))
			}
			if !data {
				continue
			}
			D, v := f.Data, f.Velocity
			var p diffusion.EDM
			var flow diffusion.Flow
			start := 0.0
			switch {
			case r.EDM != nil:
				p, flow = *r.EDM, diffusion.Flow{Target: diffusion.TargetData, Nu: r.EDM.Nu}
				start = flow.Time(p.Sigmas(1)[0])
			case r.Flow != nil:
				p.Nu, flow = r.Flow.Nu, *r.Flow
			default:
				p.SigmaMin, p.SigmaMax, err = r.Process.SigmaRange()
				require.NoError(t, err)
				flow = diffusion.Flow{Target: diffusion.TargetData}
				start = flow.Time(p.Sigmas(1)[0])
			}
			if clip {
				D, v = D.Clamp(1), flow.Clamp(v, 1)
			}
			check("edm", 4, own(t, diffusion.EDMSampler{Process: p, Steps: 4}, D, d, seeds))
			check("dpm", 4, own(t, diffusion.DPMSolver{Process: p, Steps: 4}, D, d, seeds))
			if kind == recipe.Jump { // of whose noise flow knows nothing
				check("jump", 4, own(t, diffusion.JumpSampler{Process: p, Steps: 4}, D, d, seeds))
				continue
			}
			check("flow", 4, own(t, diffusion.FlowSampler{Process: flow, Steps: 4, Start: start}, v, d, seeds))
		}
	}
}

// A denoiser takes fewer rows than it is for, and no more.
func TestDenoiserRows(t *testing.T) {
	m := modelOf(t, recipe.DLPM, "fashion")
	f, err := m.Denoiser(heavytail.Options{N: 3, Classes: []int{2, 1}})
	require.NoError(t, err)
	x, all, two := make([]float32, 3*64), make([]float32, 3*64), make([]float32, 2*64)
	numtest.NewRand(1).Fill(x, 1)
	require.NoError(t, f.Noise(t.Context(), all, x, []float32{0.5, 0.2, 0.1}))
	require.NoError(t, f.Noise(t.Context(), two, x[:128], []float32{0.5, 0.2}))
	numtest.SameBits(t, all[:128], two, "two of three rows")
	require.Contains(t, panicText(func() { _ = f.Noise(t.Context(), make([]float32, 256), make([]float32, 256), make([]float32, 4)) }), "heavytail: a denoiser of 3 samples")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, f.Noise(ctx, all, x, []float32{0.5, 0.2, 0.1}), context.Canceled)
	for _, o := range []heavytail.Options{{N: -1}, {N: math.MaxInt}, {Classes: []int{9}}, {Seeds: []uint64{}}} {
		_, err := m.Denoiser(o)
		require.ErrorIs(t, err, &heavytail.OptionError{}, "%+v", o)
	}
}

// TestStepsYieldsWhatStepSees: every batch, at its start and after every step, the
// last time with its samples; a loop that is left ends the run.
func TestStepsYieldsWhatStepSees(t *testing.T) {
	images, points := modelOf(t, recipe.DLPM, "fashion"), pointModel(t, &recipe.Scaling{Kind: recipe.Robust, Center: []float64{1e9, -2}, Scale: []float64{0.5, 4}})
	several := open(t, heavytail.Loader{Device: kernels.New(1), More: []tensor.Device{kernels.New(1)}}, fileOf(t, "toy", func(*recipe.Recipe) {}))
	for name, m := range map[string]*heavytail.Model{"images": images, "points": points, "two devices": several} {
		for _, estimates := range []bool{false, true} {
			o := heavytail.Options{N: 5, Seed: 3, Steps: 3, Batch: 2, Estimates: estimates}
			want := map[[2]int][]float64{}
			with := o
			with.Step64 = func(first, left int, x []float64) error {
				want[[2]int{first, left}] = append([]float64(nil), x...)
				return nil
			}
			all, err := m.Sample(t.Context(), with)
			require.NoError(t, err)
			seen := 0
			for s, err := range m.Steps(t.Context(), o) {
				require.NoError(t, err)
				require.Equal(t, want[[2]int{s.First, s.Left}], s.Samples.Float64(), "%s: sample %d, %d left", name, s.First, s.Left)
				require.Equal(t, m.Shape(), s.Samples.Shape()[1:])
				if s.Left == 0 {
					per := len(all.Float64()) / all.Len()
					require.Equal(t, all.Float64()[s.First*per:][:s.Samples.Len()*per], s.Samples.Float64(), name)
				}
				seen++
			}
			require.Equal(t, len(want), seen, name)
		}
		seen := 0
		for range m.Steps(t.Context(), heavytail.Options{N: 5, Steps: 3, Batch: 2}) {
			if seen++; seen == 2 {
				break
			}
		}
		require.Equal(t, 2, seen, name)
		require.Equal(t, "boom", panicText(func() {
			for range m.Steps(t.Context(), heavytail.Options{N: 5, Steps: 3, Batch: 2}) {
				panic("boom")
			}
		}), name)
		var errs []error
		for s, err := range m.Steps(t.Context(), heavytail.Options{Steps: -1}) {
			require.Nil(t, s.Samples)
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], &heavytail.OptionError{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		errs = nil
		for _, err := range m.Steps(ctx, heavytail.Options{N: 5, Steps: 3}) {
			cancel()
			errs = append(errs, err)
		}
		require.ErrorIs(t, errs[len(errs)-1], context.Canceled, name)
		require.LessOrEqual(t, len(errs), 3, name)
	}
	for _, err := range images.Steps(t.Context(), heavytail.Options{Step: func(int, int, []float32) error { return errors.New("no") }}) {
		require.ErrorContains(t, err, "heavytail: Step with Steps")
	}
}
