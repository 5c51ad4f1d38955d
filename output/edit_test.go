package output

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
)

// The files of an edit become options, one for all samples or one for each, and the
// recipe says which they were.
func TestEdit(t *testing.T) {
	m, dir := trained(t)["run"], t.TempDir()
	path := func(n int) string {
		s, err := Of(m, heavytail.Options{N: n, Steps: 2})
		require.NoError(t, err)
		f, err := To(filepath.Join(dir, "x.npy"))
		require.NoError(t, err)
		if n == 1 {
			f, err = To(filepath.Join(dir, "one.png"))
			require.NoError(t, err)
		}
		require.NoError(t, f.Write(t.Context(), s))
		return f.Path
	}
	one, three := path(1), path(3)
	for _, c := range []struct {
		e        Edit
		o        heavytail.Options
		fit      bool
		n        int
		strength float64
		resample int
		err      string
	}{
		{e: Edit{Init: one}, n: 0, strength: 0.6},
		{e: Edit{Init: one}, o: heavytail.Options{N: 7}, fit: true, n: 7, strength: 0.6},
		{e: Edit{Init: three, Strength: 0.3}, fit: true, n: 3, strength: 0.3},
		{e: Edit{Init: three}, o: heavytail.Options{N: 2}, err: "3 samples in it, 2 to draw"},
		{e: Edit{Init: three}, o: heavytail.Options{Seeds: []uint64{1, 2, 3}}, strength: 0.6},
		{e: Edit{Init: one, Mask: one}, strength: 1, resample: maskResample},
		{e: Edit{Init: one, Mask: one, Resample: 2}, strength: 1, resample: 2},
		{e: Edit{Init: one, Mask: three}, err: "3 masks in it for the samples to draw, 1"},
		{e: Edit{Resample: 2}, resample: 2},
		{e: Edit{Resample: 1}, err: "leave it out"}, {e: Edit{Strength: 0.5}, err: "name it with Edit.Init"}, {e: Edit{Init: one, Strength: 2}, err: "Edit.Strength 2: want"},
		{e: Edit{Init: filepath.Join(dir, "none.png")}, err: "Edit.Init "},
	} {
		o := c.o
		as, _, err := c.e.Load(t.Context(), m, &o, c.fit)
		if c.err != "" {
			require.ErrorContains(t, err, c.err)
			continue
		}
		require.NoError(t, err, "%+v", c)
		require.Equal(t, c.n, o.N, "%+v", c)
		require.Equal(t, c.strength, o.Edit.Strength, "%+v", c)
		require.Equal(t, c.resample, o.Edit.Resample, "%+v", c)
		require.Equal(t, c.strength, as.Strength)
		if c.e.Init != "" {
			require.Equal(t, filepath.Base(c.e.Init), as.Init)
			require.Len(t, as.InitSHA256, 64)
			require.Equal(t, c.e.Mask != "", o.Edit.Known != nil)
		}
		_, err = m.Resolve(o)
		require.NoError(t, err)
	}
	var none Edit
	as, notes, err := none.Load(t.Context(), m, &heavytail.Options{}, true)
	require.NoError(t, err)
	require.Nil(t, as)
	require.Empty(t, notes)
}
