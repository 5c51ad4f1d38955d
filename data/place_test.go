package data

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

// The place of a sample is that in its file, whatever was left out above it.
func TestPlace(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	// A title, a comment, an empty line, a cell of two lines, rows without value.
	s, err := Open(t.Context(), "csv:"+write("a.csv", "# by\n\na,text,b\n1,x,2\nNA,x,2\n3,\"x\ny\",4\n5,x,NA\n\n7,x,8\n"), Options{Rules: Rules})
	require.NoError(t, err)
	require.Equal(t, 3, s.Len())
	require.Equal(t, "line 4", s.Place(0))
	require.Equal(t, "line 6", s.Place(1))
	require.Equal(t, `line 10, column "b"`, s.PlaceOf(2, 1))
	// Classes of 4 and 2 samples, thinned out by a half: 4 and 2 of them stay, or 1.
	s, err = Open(t.Context(), "csv:"+write("b.csv", "a,class\n1,1\n2,0\n3,0\n4,1\n5,0\n6,0\n"), Options{Rules: Rules, LongTail: 0.25})
	require.NoError(t, err)
	require.Equal(t, 5, s.Len())
	for i, want := range []string{"line 2", "line 3", "line 4", "line 6", "line 7"} {
		require.Equal(t, want, s.Place(i))
	}
	var b bytes.Buffer
	require.NoError(t, npy.WriteHeader(&b, 2, 2))
	require.NoError(t, npy.WriteValues(&b, []float32{1, 2, 3, 4}))
	s, err = Open(t.Context(), "npy:"+write("c.npy", b.String()), Options{Rules: Rules})
	require.NoError(t, err)
	require.Equal(t, "row 1 (from 0), column 0", s.PlaceOf(1, 0))
	b.Reset()
	require.NoError(t, npy.WriteHeader(&b, 2, 2, 2))
	require.NoError(t, npy.WriteValues(&b, []float32{0, 1, 10, 30, 0, 1, 10, 40}))
	s, err = Open(t.Context(), "npy:"+write("d.npy", b.String()), Options{Rules: Rules, Range: []float64{10, 50}})
	require.NoError(t, err)
	x := make([]float64, 4)
	s.Float64(x, 1)
	require.Equal(t, "image 1 (from 0)", s.PlaceOf(1, 3))
	require.Equal(t, 40.0, s.Told(x[3]))
}
