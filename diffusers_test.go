package heavytail_test

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
)

// TestOpenDir: a folder of diffusers and a zip of it are one model, which every method of
// dlpm and of edm samples from, and whose recipe is known.
func TestOpenDir(t *testing.T) {
	const dir = "internal/diffusers/testdata/heads"
	m, err := heavytail.OpenDir(os.DirFS(dir))
	require.NoError(t, err)
	require.Equal(t, []string{"dlpm", "dlim", "dlim-sde", "dlim2", "edm", "tedm-ancestral", "tedm-sde", "dpm", "flow"}, m.Methods())
	require.Equal(t, []int{8, 8, 3}, m.Shape())
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	require.NoError(t, w.AddFS(os.DirFS(filepath.Dir(dir))))
	require.NoError(t, w.Close())
	_, err = heavytail.Open(b.Bytes())
	require.Error(t, err, "several models")
	b.Reset()
	w = zip.NewWriter(&b)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	zipped, err := heavytail.Open(b.Bytes())
	require.NoError(t, err)
	for _, method := range m.Methods() {
		o := heavytail.Options{N: 3, Seed: 4, Method: method, Steps: 4}
		x, err := m.Sample(t.Context(), o)
		require.NoError(t, err, method)
		y, err := zipped.Sample(t.Context(), o)
		require.NoError(t, err, method)
		require.Equal(t, x.Float32(), y.Float32(), method)
		for _, v := range x.Float32() {
			require.LessOrEqual(t, math.Abs(float64(v)), 4.0, method)
		}
		o.Seeds, o.N, o.Batch = []uint64{5, 6}, 0, 1 // a sample is its seed's
		y, err = m.Sample(t.Context(), o)
		require.NoError(t, err, method)
		require.Equal(t, x.Float32()[8*8*3:], y.Float32(), method)
	}
	_, err = heavytail.Loader{Alpha: 1.8}.OpenDir(os.DirFS(dir))
	require.ErrorIs(t, err, &heavytail.OptionError{Field: "Alpha"})
	_, err = heavytail.OpenDir(os.DirFS("docs"))
	require.ErrorContains(t, err, "heavytail: no model of diffusers")
	require.Panics(t, func() { _, _ = heavytail.OpenDir(nil) })
}

// TestOpenDirClips: the scheduler says whether estimates are clamped where nobody does.
func TestOpenDirClips(t *testing.T) {
	for name, clipped := range map[string]bool{"classes": false, "shift": true} {
		m, err := heavytail.OpenDir(os.DirFS("internal/diffusers/testdata/" + name))
		require.NoError(t, err)
		same := func(s heavytail.Switch) bool {
			draw := func(s heavytail.Switch) []float32 {
				x, err := m.Sample(t.Context(), heavytail.Options{Steps: 6, Clip: s})
				require.NoError(t, err)
				return x.Float32()
			}
			return bytes.Equal(floatBytes(draw(s)), floatBytes(draw(heavytail.Auto)))
		}
		require.Equal(t, []bool{clipped, !clipped}, []bool{same(heavytail.On), same(heavytail.Off)}, name)
	}
}

func floatBytes(x []float32) (b []byte) {
	for _, v := range x {
		u := math.Float32bits(v)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b
}

// TestOpenDirDensity: a model of diffusers has densities and ways, as others do.
func TestOpenDirDensity(t *testing.T) {
	m, err := heavytail.OpenDir(os.DirFS("internal/diffusers/testdata/timestep"))
	require.NoError(t, err)
	d, err := m.Denoiser(heavytail.Options{N: 1})
	require.NoError(t, err)
	require.True(t, d.Noise != nil && d.Data != nil && d.Velocity != nil)
	x := make([]float32, 8*8*3)
	eps, wide, D := make([]float32, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for j := range x {
		x[j] = float32(j%5)/5 - 0.4
	}
	// The noise and the data are two forms of one estimate: at a level, x = γ̄·y,
	// D = y − σ·ε̂/√2.
	p := m.Recipe().Process
	s, err := p.Schedule(0)
	require.NoError(t, err)
	const level = 300
	g := s.GammaBar[level]
	sigma := math.Sqrt2 * s.SigmaBar[level] / g
	for j := range x {
		wide[j] = float64(x[j]) / g
	}
	require.NoError(t, d.Noise(t.Context(), eps, x, []float32{p.Time(level, s.T())}))
	require.NoError(t, d.Data(t.Context(), D, wide, []float64{sigma}))
	for j := range x {
		want := wide[j] - sigma*float64(eps[j])/math.Sqrt2
		require.InDelta(t, want, D[j], 1e-4*(1+math.Abs(want)), "float32 of both, and of the time between levels")
	}
}
