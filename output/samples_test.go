package output

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
)

// A part of the samples is no set of samples: Of would draw all of them.
func TestOfRefusesAPart(t *testing.T) {
	m := trained(t)["run"]
	for _, o := range []heavytail.Options{{N: 5, First: 1}, {N: 5, Count: 2}} {
		_, err := Of(m, o)
		require.ErrorIs(t, err, &heavytail.OptionError{Field: "First"})
		require.ErrorContains(t, err, "WritePart")
	}
}

// Impossible frames and shares are mistakes of the program, said at the door.
func TestPanics(t *testing.T) {
	s, err := Of(trained(t)["run"], heavytail.Options{N: 2, Steps: 2})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "parts")
	for _, share := range []Share{{}, {Index: 2, Of: 2}, {Index: -1, Of: 2}} {
		require.PanicsWithValue(t, "output: WritePart of share "+share.String()+": the first of two is 0/2", func() { _, _ = s.WritePart(t.Context(), dir, share, false) })
	}
	_, err = s.WritePart(t.Context(), dir, Share{Of: 1}, true)
	require.NoError(t, err)
	merged, err := Open(t.Context(), dir)
	require.NoError(t, err)
	for _, f := range []func(){func() { s.Film(0) }, func() { merged.Film(2) }} {
		require.Panics(t, f)
	}
	require.Equal(t, s.Frames, merged.Frames)
	s.Film(1)
	require.Equal(t, 1, s.Frames)
}
