package diffusion

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/stable"
)

// An editor runs a sampler of N steps with an edit over n samples of d values
// and returns the states with the given number of steps left; those at the
// start for left = −1.
type editor func(e *Edit, seeds []uint64, d, left int) []float64

// at runs a trajectory to where left steps are left.
func at64[T float32 | float64](t testing.TB, x []T, steps iter.Seq2[int, error], left int) []float64 {
	t.Helper()
	for k, err := range steps {
		require.NoError(t, err)
		if k == left || left < 0 {
			break
		}
	}
	out := make([]float64, len(x))
	for j, v := range x {
		out[j] = float64(v)
	}
	return out
}

// editors are all samplers of N steps, with the network shrink behind them, and
// what their start is: at step i of N, gain·image + scale·noise.
func editors(t testing.TB, N int) (map[string]editor, map[string]func(i int) (gain, scale float64)) {
	t.Helper()
	ctx := context.Background()
	run, law := map[string]editor{}, map[string]func(i int) (float64, float64){}
	const sde = 2 // in place of DLIM's η; below 0: DLPM
	chain := func(name string, p DLPM, clip, consistent bool, eta float64) {
		p.Steps = N + 1
		sched, err := p.Schedule(0)
		require.NoError(t, err)
		run[name] = func(e *Edit, seeds []uint64, d, left int) []float64 {
			x := make([]float32, len(seeds)*d)
			if eta < 0 {
				return at64(t, x, DLPMSampler{Process: p, Clip: clip, ConsistentStart: consistent, Edit: e}.Trajectory(ctx, shrink, x, seeds), left)
			}
			if eta == sde {
				return at64(t, x, DLIMSDE{Process: p, Clip: clip, ConsistentStart: consistent, Edit: e}.Trajectory(ctx, shrink, x, seeds), left)
			}
			return at64(t, x, DLIM{Process: p, Eta: eta, Clip: clip, ConsistentStart: consistent, Edit: e}.Trajectory(ctx, shrink, x, seeds), left)
		}
		law[name] = func(i int) (float64, float64) { return sched.GammaBar[N-i], sched.SigmaBar[N-i] }
	}
	chain("dlpm", Default(1.7, 2), false, false, -1)
	chain("dlpm consistent", Default(1.7, 2), true, true, -1)
	chain("dlpm elements", DLPM{Alpha: 1.6, Scale: Exploding, SigmaMax: 20}, false, true, -1)
	chain("ddpm", Default(2, 2), false, false, -1)
	chain("dlim", Default(1.7, 2), false, false, 0)
	chain("dlim noisy", Default(1.7, 2), false, false, 0.6)
	chain("dlim noisy consistent", Default(1.7, 2), false, true, 0.6)
	chain("dlim sde", Default(1.7, 2), false, true, sde)
	second := func(name string, p DLPM, s DLIM2) {
		p.Steps = 2*N + 1
		sched, err := p.Schedule(0)
		require.NoError(t, err)
		run[name] = func(e *Edit, seeds []uint64, d, left int) []float64 {
			s := s
			s.Process, s.Steps, s.Edit = p, N, e
			x := make([]float32, len(seeds)*d)
			return at64(t, x, s.Trajectory(ctx, shrink, x, seeds), left)
		}
		law[name] = func(i int) (float64, float64) { return sched.GammaBar[2*(N-i)], sched.SigmaBar[2*(N-i)] }
	}
	second("dlim2", Default(1.7, 2), DLIM2{})
	second("dlim2 consistent", DLPM{Alpha: 1.6, Scale: Exploding, SigmaMax: 20}, DLIM2{ConsistentStart: true, Clip: true})

	p := TEDM(3.5)
	den := p.Precondition(shrink)
	sigma := p.Sigmas(N)
	jumps := EDM{Jump: Jump{Rate: 1, Share: 0.2}, SigmaData: []float64{1}}
	data := func(name string, with func(e *Edit) odeSampler) {
		run[name] = func(e *Edit, seeds []uint64, d, left int) []float64 {
			x := make([]float64, len(seeds)*d)
			return at64(t, x, with(e).Trajectory(ctx, den, x, seeds), left)
		}
		law[name] = func(i int) (float64, float64) { return 1, sigma[i] }
	}
	data("edm", func(e *Edit) odeSampler { return EDMSampler{Process: p, Steps: N, Edit: e} })
	data("edm churn", func(e *Edit) odeSampler { return EDMSampler{Process: p, Steps: N, Edit: e, Churn: Churn{S: 2}} })
	data("edm independent", func(e *Edit) odeSampler {
		return EDMSampler{Process: p, Steps: N, Edit: e, Churn: Churn{S: 2}, IndependentNoise: true}
	})
	data("ancestral", func(e *Edit) odeSampler { return TEDMAncestral{Process: p, Steps: N, Eta: 1, Edit: e} })
	data("sde", func(e *Edit) odeSampler { return TEDMSDE{Process: p, Steps: N, Beta: 1, Edit: e} })
	data("jump", func(e *Edit) odeSampler { return JumpSampler{Process: jumps, Steps: N, Edit: e} })
	data("jump churn", func(e *Edit) odeSampler {
		return EDMSampler{Process: jumps, Steps: N, Edit: e, Churn: Churn{S: 2}}
	})
	data("dpm", func(e *Edit) odeSampler { return DPMSolver{Process: p, Steps: N, Edit: e} })
	for _, m := range []Solver{Euler, Heun, RK4} {
		f := Flow{Nu: Nu{4}, Target: TargetVelocity}
		run["flow "+string(m)] = func(e *Edit, seeds []uint64, d, left int) []float64 {
			x := make([]float64, len(seeds)*d)
			s := FlowSampler{Process: f, Steps: N, Solver: m, Edit: e}
			return at64(t, x, s.Trajectory(ctx, f.Velocity(shrink), x, seeds), left)
		}
		law["flow "+string(m)] = func(i int) (float64, float64) { return float64(i) / float64(N), 1 - float64(i)/float64(N) }
	}
	for name, s := range map[string]LIMSampler{"lim": {}, "lim ode": {ODE: true}} {
		s.Process, s.Steps = LIM{Alpha: 1.7, Isotropic: true}, N
		run[name] = func(e *Edit, seeds []uint64, d, left int) []float64 {
			s := s
			s.Edit = e
			x := make([]float32, len(seeds)*d)
			return at64(t, x, s.Trajectory(ctx, shrink, x, seeds), left)
		}
		law[name] = func(i int) (float64, float64) { return s.Process.Gamma(s.time(i)), s.Process.Sigma(s.time(i)) }
	}
	return run, law
}

// resamples are the editors that can go back.
var resamples = []string{"dlpm", "dlpm consistent", "dlpm elements", "ddpm", "dlim", "dlim noisy", "dlim noisy consistent", "dlim sde", "dlim2", "dlim2 consistent", "edm", "edm churn", "edm independent", "ancestral", "jump", "jump churn"}

// ramp is an image of d values.
func ramp(d int) []float32 {
	x := make([]float32, d)
	for j := range x {
		x[j] = float32(j%7)/4 - 0.75
	}
	return x
}

// Strengths of 0 and 1 are plain sampling, in every bit. Others run the last
// ⌈strength·N⌉ steps, from the image noised by the forward law of the level at
// which they begin with the noise that plain sampling starts from.
func TestStrength(t *testing.T) {
	const N, d = 20, 6
	ids := []uint64{4, 9, 2}
	img := ramp(d)
	all, laws := editors(t, N)
	for name, draw := range all {
		want := draw(nil, ids, d, 0)
		for _, s := range []float64{0, 1} {
			require.Equal(t, want, draw(&Edit{Image: img, Strength: s}, ids, d, 0), "%s at strength %v", name, s)
		}
		start := draw(nil, ids, d, -1)
		for s, steps := range map[float64]int{1e-9: 1, 0.05: 1, 0.051: 2, 0.5: 10, 0.96: 20} {
			e := &Edit{Image: img, Strength: s}
			got := draw(e, ids, d, steps)
			require.Equal(t, draw(e, ids, d, -1), got, "%s: strength %v begins with %d steps left", name, s, steps)
			if slices.Contains([]string{"dlpm consistent", "dlpm elements", "dlim noisy consistent", "dlim sde", "dlim2 consistent"}, name) {
				continue // the noise of their start is that of its level's A
			}
			_, whole := laws[name](0)
			gain, scale := laws[name](N - steps)
			for j, v := range got {
				want := gain*float64(img[j%d]) + scale/whole*start[j]
				require.InDelta(t, want, v, 1e-6*(1+math.Abs(v)), "%s at strength %v", name, s)
			}
		}
	}
}

// The consistent start from an image is √Σ_t·z around γ̄_t·image with the A of
// the chain's own steps.
func TestConsistentStartFromAnImage(t *testing.T) {
	const T, steps = 11, 4
	p := Default(1.7, T)
	sched, err := p.Schedule(0)
	require.NoError(t, err)
	x := make([]float32, 3)
	s := DLPMSampler{Process: p, ConsistentStart: true, Edit: &Edit{Image: []float32{2, 0, -1}, Strength: 0.4}}
	at64(t, x, s.Trajectory(context.Background(), shrink, x, []uint64{5}), steps)
	a, z := make([]float64, T), make([]float32, 3)
	for k := range a {
		a[k] = stable.Noise{Alpha: 1.7, Isotropic: true}.A(stable.Key{Seed: 5, Step: uint32(k)})
	}
	sched.Variances(a, a)
	stable.Key{Seed: 5, Step: startStep}.Normal(z, 0)
	for j, v := range x {
		want := sched.GammaBar[steps]*float64(s.Edit.Image[j]) + math.Sqrt(a[steps])*float64(z[j])
		require.InDelta(t, want, float64(v), 1e-5*(1+math.Abs(want)))
	}
}

// A vanishing strength returns the image but for the noise of the lowest level.
func TestVanishingStrengthReturnsTheImage(t *testing.T) {
	const N, d = 1000, 6
	all, laws := editors(t, N)
	img := ramp(d)
	for name, draw := range all {
		if name == "dlpm elements" { // shrink is no denoiser at the levels of an exploding process
			continue
		}
		_, scale := laws[name](N - 1)
		for j, v := range draw(&Edit{Image: img, Strength: 1e-12}, seeds(20), d, 0) {
			// the noise is heavy-tailed: 20·6 draws stay below 30 times its scale
			require.InDelta(t, float64(img[j%d]), v, 30*scale+0.005, name)
		}
	}
}

// Known elements end equal to the image in every bit, whatever the network
// says, and unknown ones do not; without known elements nothing changes.
func TestKnownElementsAreExact(t *testing.T) {
	const N, d = 7, 6
	ids := []uint64{4, 9, 2}
	two := append(ramp(d), ramp(2 * d)[d:]...)
	many := append(two, 1, 2, 3, 4, 5, 6)
	all, _ := editors(t, N)
	for name, draw := range all {
		plain := draw(nil, ids, d, 0)
		require.Equal(t, plain, draw(&Edit{Image: ramp(d), Known: make([]bool, 0)}, ids, d, 0), name)
		known := []bool{true, false, true, false, false, true}
		for _, strength := range []float64{0, 0.5} {
			got := draw(&Edit{Image: many, Known: known, Strength: strength}, ids, d, 0)
			for j, v := range got {
				if known[j%d] {
					require.Equal(t, float64(many[j]), v, "%s: element %d", name, j)
				} else {
					require.NotEqual(t, float64(many[j]), v, "%s: element %d", name, j)
				}
			}
			// The rows have their own image: one row alone is the same.
			alone := draw(&Edit{Image: many[d : 2*d], Known: known, Strength: strength}, ids[1:2], d, 0)
			require.Equal(t, got[d:2*d], alone, "%s: one of a batch", name)
		}
	}
}

// On the way a known element has the law of the forward process, γ·y + σ·ε,
// whatever the network says of the other; with the noise of t-EDM, where κ is
// taken from both, if it is right there. (LIM's is set before each step. DLPM's
// published start does not belong to the chain of its steps.)
func TestKnownElementsFollowTheForwardLaw(t *testing.T) {
	const N, d = 12, 2
	n := 3000
	if testing.Short() {
		n = 400
	}
	all, laws := editors(t, N)
	p := TEDM(3.5)
	exact := func(name string, with func(e *Edit) odeSampler) {
		den := func(_ context.Context, data, _, _ []float64) error { // the other is 0 in all data
			clear(data)
			return nil
		}
		all[name] = func(e *Edit, seeds []uint64, d, left int) []float64 {
			x := make([]float64, len(seeds)*d)
			return at64(t, x, with(e).Trajectory(context.Background(), den, x, seeds), left)
		}
	}
	exact("edm churn", func(e *Edit) odeSampler { return EDMSampler{Process: p, Steps: N, Edit: e, Churn: Churn{S: 2}} })
	exact("edm independent", func(e *Edit) odeSampler {
		return EDMSampler{Process: p, Steps: N, Edit: e, Churn: Churn{S: 2}, IndependentNoise: true}
	})
	exact("ancestral", func(e *Edit) odeSampler { return TEDMAncestral{Process: p, Steps: N, Eta: 1, Edit: e} })
	alpha, student := stable.Symmetric(1.7).CDF, stable.StudentT{Nu: 3.5, Scale: 1}.CDF
	for name, F := range map[string]func(float64) float64{
		"dlpm consistent": alpha, "dlim": alpha, "dlim2": alpha, "dlim sde": alpha, "dlim noisy": alpha, "dlim noisy consistent": alpha, "dlpm elements": stable.Symmetric(1.6).CDF,
		"edm": student, "edm churn": student, "edm independent": student, "ancestral": student, "flow heun": stable.StudentT{Nu: 4, Scale: 1}.CDF,
	} {
		for _, left := range []int{9, 4} {
			e := &Edit{Image: []float32{1.5, 0}, Known: []bool{true, false}}
			if slices.Contains(resamples, name) && name != "edm" { // edm's network is wrong about the other
				e.Resample = 2
			}
			x := all[name](e, seeds(n), d, left)
			gain, scale := laws[name](N - left)
			u := make([]float64, n)
			for i := range u {
				u[i] = F((x[i*d] - gain*1.5) / scale)
			}
			slices.Sort(u)
			D := 0.0
			for i, v := range u {
				D = max(D, math.Abs(v-float64(i)/float64(n)), math.Abs(v-float64(i+1)/float64(n)))
			}
			require.Less(t, D, 1.95/math.Sqrt(float64(n)), "%s: Kolmogorov's distance with %d steps left", name, left) // p = 0.001
		}
	}
}

// LIM's network sees the known elements as γ(t)·y + σ(t)·e at every step, e being
// the noise of the start.
func TestKnownElementsOfLIM(t *testing.T) {
	for _, ode := range []bool{false, true} {
		s := LIMSampler{Process: LIM{Alpha: 1.6, Isotropic: true}, Steps: 9, ODE: ode, Edit: &Edit{Image: []float32{0.75, 0}, Known: []bool{true, false}}}
		var e []float64
		_, err := s.Sample(context.Background(), func(ctx context.Context, eps, x, times []float32) error {
			u := float64(times[0])
			e = append(e, (float64(x[0])-s.Process.Gamma(u)*0.75)/s.Process.Sigma(u))
			return shrink(ctx, eps, x, times)
		}, []uint64{11}, 2)
		require.NoError(t, err)
		require.Len(t, e, 9)
		var unit [2]float32
		s.Process.noise(LIMClamps{}).fill(unit[:], stable.Key{Seed: 11, Step: startStep})
		for _, v := range e {
			require.InDelta(t, float64(unit[0]), v, 1e-4*(1+math.Abs(v)))
		}
	}
}

// The noise of every repetition of a step is its own, also that of going back.
func TestResampleKeysDiffer(t *testing.T) {
	r := &run[float64]{seeds: []uint64{3}}
	seen := map[uint32]bool{startStep: true}
	for r.repeat = range maxResample {
		for _, step := range []uint32{0, 1, maxSteps - 1, backward, backward + maxSteps - 1} {
			k := r.stream(0, step).Step
			require.False(t, seen[k])
			seen[k] = true
		}
	}
}

func TestEditsAreRefused(t *testing.T) {
	ctx := context.Background()
	for want, e := range map[string]*Edit{
		"strength is -1": {Image: ramp(2), Strength: -1}, "strength is 1.5": {Image: ramp(2), Strength: 1.5}, "strength is NaN": {Image: ramp(2), Strength: math.NaN()},
		"resample is -1": {Image: ramp(2), Resample: -1}, "resample is 1001": {Image: ramp(2), Resample: 1001},
		"element 1 of the image is +Inf": {Image: []float32{0, float32(math.Inf(1))}},
	} {
		for _, s := range []interface {
			Sample(context.Context, DataDenoiser, []uint64, int) ([]float32, error)
		}{
			EDMSampler{Steps: 3, Edit: e}, TEDMAncestral{Steps: 3, Edit: e}, TEDMSDE{Steps: 3, Edit: e}, DPMSolver{Steps: 3, Edit: e}, JumpSampler{Steps: 3, Edit: e},
		} {
			_, err := s.Sample(ctx, nil, seeds(1), 2)
			require.ErrorContains(t, err, want)
		}
		_, err := FlowSampler{Process: Flow{Target: TargetData}, Steps: 3, Edit: e}.Sample(ctx, nil, seeds(1), 2)
		require.ErrorContains(t, err, want)
		_, err = LIMSampler{Process: LIM{Alpha: 1.5}, Steps: 3, Edit: e}.Sample(ctx, nil, seeds(1), 2)
		require.ErrorContains(t, err, want)
		_, err = DLPMSampler{Process: Default(1.7, 5), Edit: e}.Sample(ctx, nil, seeds(1), 2)
		require.ErrorContains(t, err, want)
	}
	again := &Edit{Image: ramp(2), Known: []bool{true, false}, Resample: 2}
	_, err := DPMSolver{Steps: 3, Edit: again}.Sample(ctx, nil, seeds(1), 2)
	require.ErrorContains(t, err, "cannot go back")
	for _, e := range []*Edit{{Image: ramp(3)}, {Strength: 0.5}, {Known: make([]bool, 2)}, {Image: ramp(2), Known: make([]bool, 3)}} {
		require.Panics(t, func() { _, _ = EDMSampler{Steps: 3, Edit: e}.Sample(ctx, nil, seeds(4), 2) })
		require.Panics(t, func() { _, _ = DLPMSampler{Process: Default(1.7, 5), Edit: e}.Sample(ctx, nil, seeds(4), 2) })
	}
}

// A sample with an edit depends on its seed only, at every level, and is held
// to one digest on every architecture; so are guided samples.
func TestEditBits(t *testing.T) {
	const N, d = 6, 37
	known := make([]bool, d)
	for j := range known {
		known[j] = j%3 == 0
	}
	edits := []*Edit{{Image: ramp(d), Known: known}, {Image: ramp(d), Strength: 0.7}, {Image: ramp(d), Known: known, Resample: 3, Strength: 0.8}}
	ids := []uint64{5, 8, 1 << 50}
	var first, second, third, fourth, fifth uint64
	numtest.EachLevel(t, func(t *testing.T) {
		h, h2, h3, h4, h5 := fnv.New64a(), fnv.New64a(), fnv.New64a(), fnv.New64a(), fnv.New64a() // dlim2 came later, then dlim sde, independent noise, jump
		all, _ := editors(t, N)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			for _, e := range edits {
				if e.Resample > 1 && !slices.Contains(resamples, name) {
					continue
				}
				x := all[name](e, ids, d, 0)
				require.Equal(t, x[d:2*d], all[name](e, ids[1:2], d, 0), "%s alone", name)
				to := h
				if strings.HasPrefix(name, "dlim2") {
					to = h2
				}
				if name == "dlim sde" {
					to = h3
				}
				if strings.HasPrefix(name, "jump") {
					to = h5
				}
				if name == "edm independent" {
					to = h4
				}
				require.NoError(t, binary.Write(to, binary.LittleEndian, x))
			}
		}
		p := TEDM(4)
		for _, den := range []DataDenoiser{p.Precondition(Guide(Denoiser(shrink), Denoiser(other), 2.7)), Guide(p.Precondition(shrink), p.Precondition(other), 2.7)} {
			x, err := EDMSampler{Process: p, Steps: N}.Sample(context.Background(), den, ids, d)
			require.NoError(t, err)
			require.NoError(t, binary.Write(h, binary.LittleEndian, x))
		}
		if first == 0 {
			first, second, third, fourth, fifth = h.Sum64(), h2.Sum64(), h3.Sum64(), h4.Sum64(), h5.Sum64()
		}
		require.Equal(t, first, h.Sum64())
		require.Equal(t, second, h2.Sum64())
		require.Equal(t, third, h3.Sum64())
		require.Equal(t, fourth, h4.Sum64())
		require.Equal(t, fifth, h5.Sum64())
	})
	require.Equal(t, uint64(0xfa9f3c614c65d085), fifth)
	require.Equal(t, uint64(0xb9295619e9480b4d), second)
	require.Equal(t, uint64(0x649648dda017efdc), third)
	require.Equal(t, uint64(0xa380dec05a74ed2f), fourth)
	require.Equal(t, uint64(0xbd00c1c794c65a37), first)
}

// Steps with an edit, and those of guidance, allocate nothing.
func TestEditStepsDoNotAllocate(t *testing.T) {
	e := &Edit{Image: ramp(300), Known: make([]bool, 300), Strength: 0.9}
	for j := range e.Known {
		e.Known[j] = j < 100
	}
	few, _ := editors(t, 10)
	many, _ := editors(t, 40)
	for name := range few {
		count := func(draw editor) float64 {
			return testing.AllocsPerRun(2, func() { draw(e, []uint64{1, 2}, 300, 0) })
		}
		a, b := count(few[name]), count(many[name])
		require.LessOrEqual(t, b, a, name)
	}
	den := Guide(Denoiser(shrink), Denoiser(other), 2)
	x, out, times := make([]float32, 300), make([]float32, 300), make([]float32, 2)
	require.Zero(t, testing.AllocsPerRun(5, func() {
		if den(context.Background(), out, x, times) != nil {
			t.Error("no error wanted")
		}
	}))
}

// Elements that are not known need no value where samples start from noise alone: they
// change nothing. Others do, and the error says which.
func TestUnknownElementsNeedNoValue(t *testing.T) {
	nan := float32(math.NaN())
	known := []bool{true, false}
	draw := func(e *Edit) ([]float32, error) {
		return EDMSampler{Process: EDM{}, Steps: 5, Edit: e}.Sample(t.Context(), func(_ context.Context, data, x, _ []float64) error {
			for i := 0; i < len(x); i += 2 {
				data[i], data[i+1] = x[i]/2, x[i]/4
			}
			return nil
		}, []uint64{1, 2}, 2)
	}
	want, err := draw(&Edit{Image: []float32{0.5, 3}, Known: known})
	require.NoError(t, err)
	for _, e := range []*Edit{{Image: []float32{0.5, nan}, Known: known}, {Image: []float32{0.5, nan}, Known: known, Strength: 1}, {Image: []float32{0.5, nan, 0.5, float32(math.Inf(1))}, Known: known}, {Image: []float32{0.5, nan}, Known: []bool{true, false, true, false}}} {
		got, err := draw(e)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, e := range map[string]*Edit{
		"diffusion: EDM: element 1 of the image is NaN: give a finite value":                              {Image: []float32{0.5, nan}, Known: known, Strength: 0.5},
		"diffusion: EDM: element 0 of the image is NaN: give a finite value, or do not mark it as known":  {Image: []float32{nan, 1}, Known: known},
		"diffusion: EDM: element 1 of the image is NaN: give a finite value, or do not mark it as known":  {Image: []float32{0.5, nan}, Known: []bool{true, false, false, true}},
		"diffusion: EDM: element 2 of the image is +Inf: give a finite value, or do not mark it as known": {Image: []float32{0.5, 0, float32(math.Inf(1)), 0}, Known: known},
	} {
		_, err := draw(e)
		require.EqualError(t, err, text)
		require.ErrorIs(t, err, &OptionError{Field: "Edit.Image"})
	}
}
