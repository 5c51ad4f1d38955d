package data

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every value, class and shape is in the sum, the last digits of float64 too; the
// name of the file is not. Enough values to fill the buffer more than once.
func TestSum(t *testing.T) {
	wide := make([]float64, 3*8192)
	for i := range wide {
		wide[i] = 1e9 + float64(i)
	}
	base := Set{Shape: []int{3}, wide: wide}
	seen := map[string]string{base.Sum(): "base"}
	differs := func(what string, s Set) {
		t.Helper()
		sum := s.Sum()
		require.Len(t, sum, 32)
		require.NotContains(t, seen, sum, what)
		seen[sum] = what
	}
	differs("another shape", Set{Shape: []int{6}, wide: wide})
	differs("classes", Set{Shape: []int{3}, wide: wide, Labels: make([]int, 8192)})
	for _, i := range []int{0, 8190, 8191, 8192, len(wide) - 1} {
		changed := append([]float64(nil), wide...)
		changed[i] += 1e-6
		differs("a digit", Set{Shape: []int{3}, wide: changed})
	}
	differs("images", Set{Shape: []int{1, 1, 3}, bytes: []byte{1, 2, 3}})
	differs("other images", Set{Shape: []int{1, 1, 3}, bytes: []byte{1, 2, 4}})
	differs("numbers", Set{Shape: []int{1}, floats: []float32{1, 2}})
	differs("other numbers", Set{Shape: []int{1}, floats: []float32{1, 3}})
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "b.csv"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x,y\n1,2\n3,4\n"), 0o644))
	}
	a, err := Open(t.Context(), "csv:"+filepath.Join(dir, "a.csv"), Options{Rules: FirstRules})
	require.NoError(t, err)
	b, err := Open(t.Context(), "csv:"+filepath.Join(dir, "b.csv"), Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, a.Sum(), b.Sum())
}
