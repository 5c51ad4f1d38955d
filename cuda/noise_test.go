package cuda_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/cudatest"
	"heavytail/stable"
)

var noiseStream = stable.Key{Seed: 0x123456789abcdef0, Sample: 1<<40 + 7, Step: 3}

// Every family of float32 variates has the bits of stable.Key, from whole blocks
// and from the middle of one.
func TestNoise(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{Seed: 1})
	s := noiseStream
	sampler, err := stable.NewSampler(stable.Law{Alpha: 1.6, Beta: 0.5, Scale: 1, Param: stable.S0})
	require.NoError(t, err)
	heavy, err := stable.NewSampler(stable.Law{Alpha: 1.7, Scale: 1}) // of which a row has eight terms
	require.NoError(t, err)
	for name, c := range map[string]struct {
		family stable.Family
		fill   func(dst []float32, off int)
	}{
		"uniform":      {stable.UniformFamily(), s.Uniform},
		"exponential":  {stable.ExponentialFamily(), s.Exponential},
		"normal":       {stable.NormalFamily(1), s.Normal},
		"symmetric":    {stable.SymmetricFamily(0.8), func(x []float32, off int) { s.Symmetric(x, 0.8, off) }},
		"symmetric 2":  {stable.SymmetricFamily(1.8), func(x []float32, off int) { s.Symmetric(x, 1.8, off) }},
		"skewed":       {stable.SkewedFamily(1.2, 0.9, stable.S1), func(x []float32, off int) { s.Skewed(x, 1.2, 0.9, stable.S1, off) }},
		"skewed shift": {stable.SkewedFamily(1.8, -1, stable.S0), func(x []float32, off int) { s.Skewed(x, 1.8, -1, stable.S0, off) }},
		"skewed S0":    {stable.SkewedFamily(1, 1, stable.S0), func(x []float32, off int) { s.Skewed(x, 1, 1, stable.S0, off) }},
		"value":        {stable.PositiveFamily(0.4, stable.Value), func(x []float32, off int) { s.Positive(x, 0.4, stable.Value, off) }},
		"root":         {stable.PositiveFamily(0.9, stable.Root), func(x []float32, off int) { s.Positive(x, 0.9, stable.Root, off) }},
		"log":          {stable.PositiveFamily(0.3, stable.Log), func(x []float32, off int) { s.Positive(x, 0.3, stable.Log, off) }},
		"value 2":      {stable.PositiveFamily(0.7, stable.Value), func(x []float32, off int) { s.Positive(x, 0.7, stable.Value, off) }},
		"log 2":        {stable.PositiveFamily(0.7, stable.Log), func(x []float32, off int) { s.Positive(x, 0.7, stable.Log, off) }},
		"table 2":      {heavy.Family(), func(x []float32, off int) { heavy.Fill(x, s, off) }},
		"table":        {sampler.Family(), func(x []float32, off int) { sampler.Fill(x, s, off) }},
	} {
		for _, at := range [][2]int{{64, 16}, {37, 5}} {
			x, want := d.New(at[0]), make([]float32, at[0])
			c.fill(want, at[1])
			d.Noise(x, s, c.family, at[1])
			got := make([]float32, at[0])
			d.Download(got, x)
			require.Equal(t, want, got, "%s, %d from %d on", name, at[0], at[1])
		}
	}
	d.Noise(d.New(0), s, stable.UniformFamily(), 0)
	beyond := uint64(1<<34 - 7) // negative where an int has 32 bits, as wrong there
	require.Panics(t, func() { d.Noise(d.New(8), s, stable.UniformFamily(), int(beyond)) })
	require.Panics(t, func() { d.Noise(d.New(2, 8).Columns(0, 4), s, stable.UniformFamily(), 0) })
	require.Panics(t, func() { d.Noise(d.New(8), stable.Key{Sample: 1 << 56}, stable.UniformFamily(), 0) })
	require.NoError(t, d.Err())
}

// Float64 variates and those of gamma laws, of which some are left open.
func TestNoise64(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{Seed: 2})
	s := noiseStream
	for name, c := range map[string]struct {
		family stable.Family64
		fill   func(dst []float64, off int)
	}{
		"uniform":     {stable.Uniform64Family(), s.Uniform64},
		"exponential": {stable.Exponential64Family(), s.Exponential64},
		"normal":      {stable.Normal64Family(), s.Normal64},
		"symmetric":   {stable.Symmetric64Family(0.8), func(x []float64, off int) { s.Symmetric64(x, 0.8, off) }},
		"symmetric 2": {stable.Symmetric64Family(1.8), func(x []float64, off int) { s.Symmetric64(x, 1.8, off) }},
		"skewed S0":   {stable.Skewed64Family(1, 0.5, stable.S0), func(x []float64, off int) { s.Skewed64(x, 1, 0.5, stable.S0, off) }},
		"skewed S1":   {stable.Skewed64Family(0.7, -1, stable.S1), func(x []float64, off int) { s.Skewed64(x, 0.7, -1, stable.S1, off) }},
		"student":     {stable.StudentTFamily(2.5), func(x []float64, off int) { s.StudentT(x, 2.5, off) }},
		"gamma":       {fill: func(x []float64, off int) { s.GammaFill(x, 0.004, off) }},
		"kappa":       {fill: func(x []float64, off int) { s.KappaFill(x, 3, off) }},
	} {
		for _, at := range [][2]int{{32, 8}, {301, 5}} {
			got, want := make([]float64, at[0]), make([]float64, at[0])
			c.fill(want, at[1])
			switch name {
			case "gamma":
				d.Gamma(got, s, 0.004, at[1])
			case "kappa":
				d.Kappa(got, s, 3, at[1])
			default:
				d.Noise64(got, s, c.family, at[1])
			}
			require.Equal(t, want, got, "%s, %d from %d on", name, at[0], at[1])
		}
	}
	beyond := uint64(1<<32 - 1)
	require.Panics(t, func() { d.Noise64(make([]float64, 2), s, stable.StudentTFamily(1), int(beyond)) })
	require.Panics(t, func() { d.Gamma(make([]float64, 2), s, 1, 1<<26-1) })
	require.Panics(t, func() { d.Gamma(make([]float64, 2), s, math.NaN(), 0) })
}

// The noise of samples is that of stable.Noise, one multiplier to a sample or one to
// an element, clamped or not.
func TestStableNoise(t *testing.T) {
	d := cudatest.Open(t, cudatest.Config{Seed: 3})
	for _, n := range []stable.Noise{
		{Alpha: 1.7, Isotropic: true}, {Alpha: 0.03, Isotropic: true}, {Alpha: 1.2, Isotropic: true, ClampA: 3, ClampEps: 2},
		{Alpha: 2, ClampA: 1}, {Alpha: 0.004, Isotropic: true}, {Alpha: 0.004}, {Alpha: 1.7}, {Alpha: 0.3}, {Alpha: 1.2, ClampA: 3, ClampEps: 2},
	} {
		for _, shape := range [][2]int{{3, 8}, {2, 11}} {
			x := d.New(shape[0], shape[1])
			want, got := make([]float32, x.Len()), make([]float32, x.Len())
			for j := range shape[0] {
				s := noiseStream
				s.Sample += uint64(j)
				n.Fill(want[j*shape[1]:][:shape[1]], s)
			}
			d.StableNoise(x, noiseStream, n)
			d.Download(got, x)
			require.Equal(t, want, got, fmt.Sprintf("%+v %v", n, shape))
		}
	}
	require.Panics(t, func() {
		d.StableNoise(d.New(2, 3), stable.Key{Sample: 1<<56 - 1}, stable.Noise{Alpha: 1, Isotropic: true})
	})
	require.Panics(t, func() { d.StableNoise(d.New(2, 3), noiseStream, stable.Noise{Alpha: 2.1}) })
	require.NoError(t, d.Err())
}
