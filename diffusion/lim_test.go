package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/simd"
	"heavytail/stable"
)

// LIM's starts: scaled by σ(t_0) and of variance 1 at α = 2, or as published.
func TestLIMStart(t *testing.T) {
	for _, alpha := range []float64{1.7, 2} {
		p := LIM{Alpha: alpha, Isotropic: true}
		x, unit := make([]float32, 50), make([]float32, 50)
		first := func(s LIMSampler) []float32 {
			s.Process, s.Steps = p, 3
			for range s.Trajectory(context.Background(), shrink, x, []uint64{6}) {
				break
			}
			return x
		}
		p.noise(LIMClamps{}).fill(unit, stable.Key{Seed: 6, Step: startStep})
		want := make([]float32, 50)
		simd.Scale(want, unit, float32(p.Sigma(limLast)))
		numtest.SameBits(t, want, first(LIMSampler{}), "right")
		scale := float32(1)
		if alpha == 2 {
			scale = math.Sqrt2
		}
		simd.Scale(want, unit, scale)
		numtest.SameBits(t, want, first(LIMSampler{PublishedStart: true}), "published")
	}
}

// The clamps: A at 2·20·cos(πα/4)^{2/α}, |ε| and the norm.
func TestLIMClamps(t *testing.T) {
	p := LIM{Alpha: 1.5, Isotropic: true}
	bound := 40 * math.Pow(math.Cos(math.Pi*1.5/4), 2/1.5)
	n := p.noise(LIMClamps{Skewed: 20})
	require.InDelta(t, bound, n.ClampA, 1e-12)
	reached := false
	for i := range 2000 {
		a := n.A(stable.Key{Seed: uint64(i)})
		require.LessOrEqual(t, a, bound*(1+1e-12))
		reached = reached || a == n.ClampA
	}
	require.True(t, reached)
	for _, alpha := range []float64{1.5, 2} {
		p := LIM{Alpha: alpha}
		free, e := make([]float32, 100), make([]float32, 100)
		p.noise(LIMClamps{}).fill(free, stable.Key{Seed: 1})
		p.noise(LIMClamps{Eps: 1.5}).fill(e, stable.Key{Seed: 1})
		for j, v := range free {
			require.Equal(t, min(max(v, -1.5), 1.5), e[j])
		}
		p.noise(LIMClamps{Norm: 2}).fill(e, stable.Key{Seed: 1})
		norm := 0.0
		for _, v := range e {
			norm += float64(v) * float64(v)
		}
		require.InDelta(t, 2, math.Sqrt(norm), 1e-5)
		require.InEpsilon(t, free[0]/free[1], e[0]/e[1], 1e-5)
	}
	s := func(_ context.Context, eps, x, _ []float32) error { copy(eps, x); return nil }
	out := make([]float32, 2)
	require.NoError(t, p.FromScore(s)(context.Background(), out, []float32{1, 2}, []float32{0.5}))
	require.Equal(t, []float32{-1.5, -3}, out)
}
