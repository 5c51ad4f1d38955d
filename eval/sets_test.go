package eval

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/npy"
	"heavytail/output"
	"heavytail/recipe"
	"heavytail/train"
)

// trained is a model of points, and its set.
func trained(t *testing.T) (*heavytail.Model, *data.Set) {
	t.Helper()
	set, err := data.Open(t.Context(), "toy:rings", data.Options{N: 90})
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	require.NoError(t, recipe.Values{"steps": "3", "batch": "8"}.Set(&r))
	_, err = train.Prepare(&r, set)
	require.NoError(t, err)
	tr, err := train.Fit(t.Context(), r, set, train.Options{Threads: 1})
	require.NoError(t, err)
	b, err := tr.Model()
	require.NoError(t, err)
	m, err := heavytail.Loader{Threads: 1}.Open(b)
	require.NoError(t, err)
	return m, set
}

// Samples of a model, of a set, of parts and of an array are compared as one, where they
// are the same.
func TestPairs(t *testing.T) {
	m, set := trained(t)
	o := heavytail.Options{Steps: 3, Seed: 4}
	last := 0.0
	drawn, err := Draw(t.Context(), set, m, o, 0, "rings", "m", func(done float64, of int) { require.Equal(t, 90, of); last = done })
	require.NoError(t, err)
	require.Equal(t, 90, drawn.N)
	require.Equal(t, 90.0, last)
	require.False(t, drawn.AsReal)

	o.N = 90
	s, err := output.Of(m, o)
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = s.WritePart(t.Context(), dir, output.Share{Index: 0, Of: 1}, false)
	require.NoError(t, err)
	parts, err := output.Open(t.Context(), dir)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, s.WriteArray(t.Context(), &b))
	path := filepath.Join(dir, "x.npy")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	read, err := OpenArray(t.Context(), path)
	require.NoError(t, err)
	for n, want := range map[int]int{0: 90, 40: 40, 200: 90} {
		var all []*Pair
		for _, gen := range []*Generated{OfParts(t.Context(), parts), OfSet(read)} {
			p, err := Beside(set, gen, n, "rings", "g")
			require.NoError(t, err)
			require.Equal(t, want, p.N)
			all = append(all, p)
		}
		require.Equal(t, all[0].Generated, all[1].Generated)
		require.Equal(t, all[0].Real, all[1].Real)
		if n == 0 {
			require.Equal(t, drawn.Generated, all[0].Generated)
			a, err := drawn.Scores(t.Context(), []int{0}, Defaults())
			require.NoError(t, err)
			b, err := all[1].Scores(t.Context(), []int{0}, Defaults())
			require.NoError(t, err)
			require.Equal(t, a, b)
		}
	}
	same, err := Beside(set, OfSet(set), 0, "a", "b")
	require.NoError(t, err)
	require.Equal(t, same.Real, same.Generated)
	_, err = Beside(set, OfSet(set), 5, "a", "b")
	require.ErrorContains(t, err, "want at least 20 of each")
	line, err := data.FromPoints(make([]float32, 90), 3)
	require.NoError(t, err)
	_, err = Beside(set, OfSet(line), 0, "a", "b")
	require.ErrorContains(t, err, "a has points of 2 columns, b of 3")
	_, err = Draw(t.Context(), line, m, o, 0, "a", "m", nil)
	require.ErrorContains(t, err, "the model m makes [2]")
	_, err = Draw(t.Context(), set, m, heavytail.Options{Method: "none"}, 0, "a", "m", nil)
	require.ErrorAs(t, err, new(*heavytail.OptionError))
	require.Panics(t, func() { OfParts(t.Context(), s) })
}

// Arrays that package data must read are left to it.
func TestOpenArray(t *testing.T) {
	dir := t.TempDir()
	write := func(x []float32, shape ...int) string {
		var b bytes.Buffer
		require.NoError(t, npy.Write(&b, x, shape...))
		path := filepath.Join(dir, "x.npy")
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
		return path
	}
	x := []float32{-1, 0.5, 1, 0}
	for _, c := range []struct {
		shape []int
		x     []float32
		want  bool
	}{{[]int{2, 2}, x, true}, {[]int{4}, x, true}, {[]int{1, 2, 2, 1}, x, true}, {[]int{2, 2, 1}, x, false}, {[]int{1, 2, 1, 2}, x, false},
		{[]int{1, 2, 2, 1}, []float32{0, 0.5, 1, 0}, false}, {[]int{1, 2, 2, 1}, []float32{-2, 0.5, 1, 0}, false}} {
		g, err := OpenArray(t.Context(), write(c.x, c.shape...))
		require.NoError(t, err)
		require.Equal(t, c.want, g != nil, "%v", c)
	}
	g, err := OpenArray(t.Context(), filepath.Join(dir, "none"))
	require.NoError(t, err)
	require.Nil(t, g)
}

// An array that somebody cuts off while it is compared is an error, and no set of black
// pictures.
func TestCutArray(t *testing.T) {
	for _, shape := range [][]int{{2}, {64, 64, 1}} {
		n, per := 40, 1
		for _, v := range shape {
			per *= v
		}
		if per == 2 {
			n = 40_000 // beyond what is read at a time
		}
		x := make([]float32, n*per)
		for i := range x {
			x[i] = float32(i%17)/8 - 1
		}
		var b bytes.Buffer
		require.NoError(t, npy.Write(&b, x, append([]int{n}, shape...)...))
		path := filepath.Join(t.TempDir(), "x.npy")
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
		set, err := OpenArray(t.Context(), path)
		require.NoError(t, err)
		whole, err := OpenArray(t.Context(), path)
		require.NoError(t, err)
		p, err := Beside(whole, OfSet(whole), 20, "a", "b")
		require.NoError(t, err)
		require.NoError(t, os.Truncate(path, int64(b.Len()/2)))
		p2, err := Beside(set, OfSet(set), 20, "a", "b")
		if per > 2 {
			require.NoError(t, err)
			_, err = p2.Scores(t.Context(), nil, Defaults())
			require.ErrorContains(t, err, "cannot be read")
			_, err = p.Scores(t.Context(), nil, Defaults())
		}
		require.ErrorContains(t, err, "leave the file as it is")
	}
}

// The densities of a set are those of the model, however many points there are at once.
func TestDensities(t *testing.T) {
	m, _ := trained(t)
	x := make([]float32, 2*1030)
	for i := range x {
		x[i] = float32(i%17)/8 - 1
	}
	set, err := data.FromPoints(x, 2)
	require.NoError(t, err)
	o := heavytail.DensityOptions{Steps: 1}
	var got []heavytail.LogDensity
	require.NoError(t, Densities(t.Context(), m, set, o, func(first int, p []heavytail.LogDensity) error {
		require.Equal(t, len(got), first)
		got = append(got, p...)
		return nil
	}))
	require.Len(t, got, 1030)
	want, err := m.LogDensity(t.Context(), []float64{float64(x[2058]), float64(x[2059])}, o)
	require.NoError(t, err)
	require.Equal(t, want[0], got[1029])
	line, err := data.FromPoints(x[:30], 3)
	require.NoError(t, err)
	require.ErrorContains(t, Densities(t.Context(), m, line, o, nil), "the model was trained on [2]")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, Densities(ctx, m, set, o, nil), context.Canceled)
}
