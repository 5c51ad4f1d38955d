package diffusion

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// other is a network for the same inputs as shrink.
func other(_ context.Context, eps, x, _ []float32) error {
	for j, v := range x {
		eps[j] = float32(0.3*v) - 0.1
	}
	return nil
}

// Guiding the network, the estimate of the data or the field is the same.
func TestGuidanceIsTheSameForEveryPrediction(t *testing.T) {
	const d, w = 12, 3.5
	ctx := context.Background()
	net := Guide(Denoiser(shrink), Denoiser(other), w)
	ids := seeds(4)
	near := func(name string, want, got []float32) {
		t.Helper()
		for j, v := range want {
			require.InDelta(t, v, got[j], 1e-4*(1+math.Abs(float64(v))), "%s: element %d", name, j)
		}
	}
	sample := func(name string, den DataDenoiser) []float32 {
		x, err := EDMSampler{Process: TEDM(4), Steps: 6}.Sample(ctx, den, ids, d)
		require.NoError(t, err, name)
		return x
	}
	p := TEDM(4)
	near("edm", sample("network", p.Precondition(net)), sample("data", Guide(p.Precondition(shrink), p.Precondition(other), w)))
	for _, target := range []Target{TargetNoise, TargetVelocity, TargetData} {
		f := Flow{Nu: Nu{4}, Target: target}
		a := sample("network", f.DataDenoiser(f.Velocity(net)))
		near(string(target), a, sample("field", f.DataDenoiser(Guide(f.Velocity(shrink), f.Velocity(other), w))))
		near(string(target), a, sample("data", Guide(f.DataDenoiser(f.Velocity(shrink)), f.DataDenoiser(f.Velocity(other)), w)))
	}
	l := LIM{Alpha: 1.7, Isotropic: true}
	s := LIMSampler{Process: l, Steps: 6}
	a, err := s.Sample(ctx, l.FromScore(net), ids, d)
	require.NoError(t, err)
	b, err := s.Sample(ctx, Guide(l.FromScore(shrink), l.FromScore(other), w), ids, d)
	require.NoError(t, err)
	near("lim", a, b)
}

// w = 1 is the conditional function itself, w = 0 has the other's values, and
// where both agree every w has them, in every bit.
func TestGuidanceAtItsEnds(t *testing.T) {
	x, times := []float32{1, -2.5, 3, 1e6}, []float32{0.5}
	at := func(den Denoiser) []float32 {
		out := make([]float32, 4)
		require.NoError(t, den(context.Background(), out, x, times))
		return out
	}
	called := false
	spy := Denoiser(func(ctx context.Context, out, x, times []float32) error {
		called = true
		return other(ctx, out, x, times)
	})
	require.Equal(t, at(shrink), at(Guide(Denoiser(shrink), spy, 1)))
	require.False(t, called, "w = 1 asks the condition only")
	require.Equal(t, at(other), at(Guide(Denoiser(shrink), spy, 0)))
	require.True(t, called)
	require.Equal(t, at(other), at(Guide(spy, spy, 7.3)))
	boom := errors.New("boom")
	bad := Denoiser(func(context.Context, []float32, []float32, []float32) error { return boom })
	for _, den := range []Denoiser{Guide(bad, spy, 2), Guide(spy, bad, 2)} {
		require.ErrorIs(t, den(context.Background(), make([]float32, 4), x, times), boom)
	}
}

// Two Gaussians of one variance at ±1: guidance makes a Gaussian of that
// variance at −1 + 2w.
func TestGuidanceOfGaussians(t *testing.T) {
	const n, s = 2000, 0.5
	for _, w := range []float64{0, 0.5, 1, 3} {
		den := Guide(gaussianData(1, s), gaussianData(-1, s), w)
		x := endAt(t, EDMSampler{Process: EDM{}, Steps: 32}, den, n, 0)
		mean, second := 0.0, 0.0
		for _, v := range x {
			mean += v / n
			second += v * v / n
		}
		require.InDelta(t, -1+2*w, mean, 4*s/math.Sqrt(n)+0.01, "w %v", w)
		require.InEpsilon(t, s*s, second-mean*mean, 0.15, "w %v", w)
	}
}
