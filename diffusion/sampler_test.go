package diffusion

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/simd"
	"heavytail/stable"
)

// shrink is a cheap denoiser that depends on x, t and the element.
func shrink(_ context.Context, eps, x []float32, times []float32) error {
	d := len(x) / len(times)
	for i, v := range x {
		eps[i] = simd.FMA(times[i/d], v, float32(i%d)*0.01)
	}
	return nil
}

// variants covers both samplers with and without every option that changes how
// randomness is used.
func variants(T int) map[string]sampler {
	iso := Default(1.7, T)
	iso.ClampA, iso.ClampEps = 20, 200
	each := DLPM{Alpha: 1.6, Scale: Preserving, Steps: T}
	return map[string]sampler{
		"dlpm":            DLPMSampler{Process: iso},
		"dlpm clip":       DLPMSampler{Process: iso, Clip: true, ConsistentStart: true},
		"dlpm each":       DLPMSampler{Process: each},
		"dlpm each start": DLPMSampler{Process: each, ConsistentStart: true},
		"dlpm gauss each": DLPMSampler{Process: DLPM{Alpha: 2, Scale: Preserving, Steps: T}},
		"dlim":            DLIM{Process: iso},
		"dlim eta":        DLIM{Process: iso, Eta: 0.5, Clip: true},
		"dlim each":       DLIM{Process: each, Eta: 1},
		"ddim":            DDIM(T, 0),
	}
}

func TestOneSeedOneResult(t *testing.T) {
	const d, T = 37, 9
	ctx, all := context.Background(), []uint64{9, 2, 1 << 40, 4, 3}
	want := map[string][]float32{}
	numtest.EachLevel(t, func(t *testing.T) {
		for name, s := range variants(T) {
			x, err := s.Sample(ctx, shrink, all, d)
			require.NoError(t, err, name)
			if want[name] == nil {
				want[name] = x
			}
			numtest.SameBits(t, want[name], x, name)
			for _, cut := range [][2]int{{0, 1}, {1, 3}, {3, 4}, {4, 5}} { // splits of the batch
				part, err := s.Sample(ctx, shrink, all[cut[0]:cut[1]], d)
				require.NoError(t, err)
				at := cut[0] * d
				numtest.SameBits(t, want[name][at:at+len(part)], part, name)
			}
		}
	})
}

func TestSamplersAreSafeForConcurrentUse(t *testing.T) {
	for name, s := range variants(6) {
		want, err := s.Sample(context.Background(), shrink, seeds(3), 8)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				got, err := s.Sample(context.Background(), shrink, seeds(3), 8)
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
func TestStepsDoNotAllocate(t *testing.T) {
	for name := range variants(2) {
		count := func(T int) float64 {
			s := variants(T)[name]
			return testing.AllocsPerRun(3, func() {
				if _, err := s.Sample(context.Background(), shrink, []uint64{1, 2}, 300); err != nil {
					t.Error(err)
				}
			})
		}
		require.Equal(t, count(5), count(60), name)
	}
}

// The network sees t/T at T−1 levels; another number of steps rebuilds the same
// schedule, scale included.
func TestNetworkTimesAndSteps(t *testing.T) {
	times := func(p DLPM, steps int) (out []float32) {
		s := DLPMSampler{Process: p, Steps: max(steps-1, 0)}
		_, err := s.Sample(context.Background(), func(_ context.Context, eps, _, t []float32) error {
			out = append(out, t[0])
			clear(eps)
			return nil
		}, []uint64{1}, 2)
		require.NoError(t, err)
		return out
	}
	p := Default(1.8, 100)
	require.Equal(t, []float32{.8, .6, .4, .2}, times(p, 5))
	p.IntegerTime, p.Steps = true, 4
	require.Equal(t, []float32{3, 2, 1}, times(p, 0))

	q := DLPM{Alpha: 1.8, Scale: Exploding, Steps: 100}
	s, err := q.Schedule(7)
	require.NoError(t, err)
	require.Equal(t, 7, s.T())
	require.InDelta(t, 80, s.SigmaBar[6], 1e-10)
	q.Grid = Quadratic
	s, err = q.Schedule(7)
	require.NoError(t, err)
	require.InDelta(t, 80, s.SigmaBar[6], 1e-10)
}

// start returns x_{T−1}/σ̄_{T−1} of many samples.
func start(t *testing.T, p DLPM, consistent bool) []float32 {
	x := make([]float32, 600)
	s := DLPMSampler{Process: p, ConsistentStart: consistent}
	for _, err := range s.Trajectory(context.Background(), shrink, x, seeds(200)) {
		require.NoError(t, err)
		break // leaving the loop stops the chain
	}
	sched, err := p.Schedule(0)
	require.NoError(t, err)
	simd.Scale(x, x, float32(1/sched.SigmaBar[p.Steps-1]))
	return x
}

func TestInitialNoise(t *testing.T) {
	p, q := Default(1.5, 10), Default(1.5, 33)
	free := start(t, p, false)
	require.InDeltaSlice(t, free, start(t, q, false), 1e-5*float64(slices.Max(free)), "the same for any number of steps")
	p.ClampA = 0.1
	numtest.SameBits(t, free, start(t, p, false), "ClampA does not reach the published start")
	p.ClampEps = 2
	for i, v := range start(t, p, false) {
		require.InDelta(t, min(max(free[i], -2), 2), v, 1e-6)
	}
	for _, iso := range []bool{true, false} {
		p := DLPM{Alpha: 1.5, Isotropic: iso, Scale: Preserving, Steps: 10, ClampA: 0.1}
		const most = 6.7 // |z|
		bound := most * math.Sqrt(0.1) * 10
		for _, v := range start(t, p, true) {
			require.Less(t, math.Abs(float64(v)), bound, "ClampA bounds the consistent one")
		}
		p.ClampA, p.ClampEps = 0, 2
		require.InDelta(t, 2, slices.Max(start(t, p, true)), 1e-6)
	}
}

// Elements keep their A however the row is cut into chunks.
func TestMultipliersPerElement(t *testing.T) {
	p := DLPM{Alpha: 1.5, Scale: Preserving, Steps: 10}
	s := stable.Key{Seed: 3, Step: 4}
	want := make([]float32, 700)
	p.noise().Multipliers(want, s, 0)
	got, tail := make([]float64, 700), make([]float64, 600)
	fillMultipliers(got, p.noise(), s, 0)
	fillMultipliers(tail, p.noise(), s, 100)
	for i, v := range want {
		require.Equal(t, float64(v), got[i])
	}
	require.Equal(t, got[100:], tail)
}

func TestTrajectoryYieldsEveryLevel(t *testing.T) {
	x := make([]float32, 4)
	var levels []int
	for k, err := range (DLIM{Process: Default(1.7, 5)}).Trajectory(context.Background(), shrink, x, []uint64{1, 2}) {
		require.NoError(t, err)
		levels = append(levels, k)
	}
	require.Equal(t, []int{4, 3, 2, 1, 0}, levels)
}

func TestSampleStops(t *testing.T) {
	s := DLPMSampler{Process: Default(1.7, 50)}
	t.Run("when the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		_, err := s.Sample(ctx, func(ctx context.Context, eps, x, times []float32) error {
			if calls++; calls == 3 {
				cancel()
			}
			return shrink(ctx, eps, x, times)
		}, seeds(2), 3)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "DLPM: stopped at step 4 of 49")
		require.Equal(t, 3, calls)
	})
	t.Run("when the denoiser fails", func(t *testing.T) {
		broken := errors.New("no such class")
		_, err := s.Sample(context.Background(), func(context.Context, []float32, []float32, []float32) error { return broken }, seeds(2), 3)
		require.ErrorIs(t, err, broken)
	})
	t.Run("when the denoiser returns NaN", func(t *testing.T) {
		for _, clip := range []bool{false, true} {
			s := DLPMSampler{Process: Default(1.7, 50), Clip: clip}
			_, err := s.Sample(context.Background(), func(_ context.Context, eps, _, _ []float32) error {
				eps[4] = float32(math.NaN())
				return nil
			}, []uint64{70, 71}, 3)
			require.ErrorContains(t, err, "stopped at step 1 of 49: the denoiser's output for seed 71 at 0.98 is not finite")
		}
	})
	t.Run("when the state overflows", func(t *testing.T) {
		s := DLPMSampler{Process: Default(1.7, 3)}
		_, err := s.Sample(context.Background(), func(_ context.Context, eps, _, _ []float32) error {
			simd.Fill(eps, math.MaxFloat32)
			return nil
		}, []uint64{7}, 3)
		require.ErrorContains(t, err, "of seed 7 is not finite")
		require.ErrorContains(t, err, "set clamp_a")
	})
	t.Run("when an option is impossible", func(t *testing.T) {
		_, err := DLIM{Process: Default(1.7, 50), Eta: 1.5}.Sample(context.Background(), shrink, seeds(1), 1)
		require.ErrorContains(t, err, "eta is 1.5: use 0 (deterministic) to 1")
		_, err = DLPMSampler{Process: Default(1.7, 50), Steps: -1}.Sample(context.Background(), shrink, seeds(1), 1)
		require.ErrorContains(t, err, "DLPM: steps is -1: use 1 to 1048575")
		p := Default(1.7, 50)
		p.IntegerTime = true
		_, err = DLPMSampler{Process: p, Steps: 9}.Sample(context.Background(), shrink, seeds(1), 1)
		require.ErrorContains(t, err, "steps is 9: the network knows 50 levels of noise only; use 49")
	})
	t.Run("with no samples", func(t *testing.T) {
		x, err := s.Sample(context.Background(), shrink, nil, 3)
		require.NoError(t, err)
		require.Empty(t, x)
	})
	require.Panics(t, func() {
		for range s.Trajectory(context.Background(), shrink, make([]float32, 5), seeds(2)) {
		}
	})
}

// KeepSigmaMin ends where the published sampler does; a scale-preserving chain
// does not notice, because its level 0 is clean.
func TestKeepSigmaMin(t *testing.T) {
	run := func(p DLPM, keep bool) []float32 {
		x, err := DLIM{Process: p, KeepSigmaMin: keep}.Sample(context.Background(), shrink, seeds(3), 4)
		require.NoError(t, err)
		return x
	}
	p := Default(1.7, 12)
	numtest.SameBits(t, run(p, false), run(p, true), "preserving")
	p.Scale = Exploding
	require.NotEqual(t, run(p, false), run(p, true))
}

// The rows that sums makes again between its marks are those of one recursion.
func TestSumsEqualTheRecursion(t *testing.T) {
	const d = 5
	for _, T := range []int{2, 3, 4, 10, 17, 101} {
		for _, iso := range []bool{true, false} {
			p := DLPM{Alpha: 1.5, Isotropic: iso, Scale: Exploding, SigmaMax: 2, Steps: T}
			c, err := newChain(context.Background(), "test", p, chainOptions{}, 1, nil, make([]float32, 2*d), []uint64{5, 6})
			require.NoError(t, err)
			var s sums
			s.init(c)
			w := p.multipliers(d)
			want := make([][]float64, T)
			for k := range want {
				want[k] = make([]float64, 2*w)
				for i := range 2 {
					fillMultipliers(want[k][i*w:(i+1)*w], c.noise, c.stream(i, uint32(k)), 0)
				}
			}
			col := make([]float64, T)
			for j := range 2 * w {
				for k := range col {
					col[k] = want[k][j]
				}
				c.sched.Variances(col, col)
				for k := range col {
					want[k][j] = col[k]
				}
			}
			for k := T - 1; k >= 1; k-- {
				for i := range 2 {
					prev, sum := s.at(k, i)
					require.Equal(t, want[k-1][i*w:(i+1)*w], prev)
					require.Equal(t, want[k][i*w:(i+1)*w], sum)
				}
			}
		}
	}
}
