package modelfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/fashion"
	"heavytail/output"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// run is a training of points that can go on.
func run(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	b, err := train.Start{Data: "toy:rings", Values: recipe.Values{"steps": "3", "batch": "8", "points": "60", "warmup": "1", "ema": "0.5,0.9"}}.In(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	return filepath.Join(dir, train.ModelFile)
}

func TestInfo(t *testing.T) {
	f, err := Open(t.Context(), run(t))
	require.NoError(t, err)
	defer f.Close()
	i, err := f.Info()
	require.NoError(t, err)
	require.True(t, i.Resumable && i.HasRecipe)
	require.Equal(t, []string{"0.5", "0.9"}, i.Averages)
	require.Positive(t, i.Memory["32"])
	var said strings.Builder
	n, err := i.WriteTo(&said)
	require.NoError(t, err)
	require.Equal(t, said.Len(), int(n))
	require.Contains(t, said.String(), "averages     raw, 0.5, 0.9\nresumable    true\n{\n")
	i.HasRecipe = false
	_, err = i.WriteTo(&said)
	require.NoError(t, err)
	require.Contains(t, said.String(), "resumable    true\nrecipe       none in the file; assumed:\n{\n")
	sum, err := f.Sum(t.Context())
	require.NoError(t, err)
	require.Len(t, sum, 64)
	_, ok, err := f.Picture()
	require.NoError(t, err)
	require.False(t, ok)

	m, err := Bytes("built-in", fashion.File()).Model(heavytail.Loader{})
	require.NoError(t, err)
	s, err := output.Of(m, heavytail.Options{N: 1, Steps: 1})
	require.NoError(t, err)
	picture, err := output.To(filepath.Join(t.TempDir(), "x.png"))
	require.NoError(t, err)
	require.NoError(t, picture.Write(t.Context(), s))
	p, err := Open(t.Context(), picture.Path)
	require.NoError(t, err)
	defer p.Close()
	text, ok, err := p.Picture()
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, string(text), `"seeds":"0"`)

	_, err = Open(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "is a folder")
	junk := filepath.Join(t.TempDir(), "junk")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o666))
	j, err := Open(t.Context(), junk)
	require.NoError(t, err)
	defer j.Close()
	_, err = j.Info()
	require.ErrorContains(t, err, junk+": ")
}

// Every form holds the weights that the conversion asks for.
func TestConvert(t *testing.T) {
	in := run(t)
	dir := t.TempDir()
	write := func(c Conversion, out string) (Converted, error) {
		f, err := Open(t.Context(), in)
		require.NoError(t, err)
		defer f.Close()
		return c.Write(f, filepath.Join(dir, out))
	}
	first := func(path string) heavytail.LogDensity {
		m, err := heavytail.OpenFile(path)
		require.NoError(t, err)
		p, err := m.LogDensity(t.Context(), []float64{0.3, 0.1}, heavytail.DensityOptions{Steps: 2})
		require.NoError(t, err)
		return p[0]
	}
	want := first(in)
	for out, c := range map[string]Conversion{"a.safetensors": {}, "b.safetensors": {EMA: true}, "c.pt": {EMA: true, Rate: "0.9"}} {
		w, err := write(c, out)
		require.NoError(t, err)
		require.Equal(t, tensor.F32, w.Type)
		require.Positive(t, w.Parameters)
		require.False(t, w.Lost)
		if out != "c.pt" { // which has no recipe
			require.Equal(t, want, first(filepath.Join(dir, out)), out)
		}
	}
	w, err := write(Conversion{}, "d.pt")
	require.NoError(t, err)
	require.True(t, w.Lost)
	w, err = write(Conversion{Type: tensor.F16}, "e.onnx")
	require.NoError(t, err)
	require.Equal(t, tensor.F16, w.Type)
	for out, c := range map[string]Conversion{"x.doc": {}, "r.pt": {Rate: "0.5"}, "s.pt": {Height: 8, Width: 8}, "w.onnx": {EMA: true, WeightsOnly: true}, "p.onnx": {Height: 8, Width: 8}, "q.pt": {EMA: true, Rate: "0.1"}} {
		_, err := write(c, out)
		require.Error(t, err, out)
		require.NoFileExists(t, filepath.Join(dir, out))
	}
	kind, err := ParseType("bfloat16")
	require.NoError(t, err)
	require.Equal(t, tensor.BF16, kind)
	_, err = ParseType("f7")
	require.ErrorContains(t, err, "want f32, f16 or bf16")
}
