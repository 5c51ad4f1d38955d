package data

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Windows are all runs of rows that follow each other in their part of the table: none
// holds a row of the other part, and none bridges a line that was left out.
func TestWindows(t *testing.T) {
	var b strings.Builder
	b.WriteString("r,vol\n")
	for i := range 20 {
		if i == 7 {
			b.WriteString("NA,0\n") // line 9
			continue
		}
		fmt.Fprintf(&b, "%d,%d\n", i, 100+i)
	}
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	read := func(o Options) *Set {
		s, err := Open(t.Context(), "csv:"+path, o)
		require.NoError(t, err)
		return s
	}
	firsts := func(s *Set) (out []int) {
		row, given, narrow := make([]float64, s.Per()), make([]float64, len(s.Given)), make([]float32, s.Per())
		for i := range s.Len() {
			s.Float64(row, i)
			s.Get(narrow, i, false)
			for k, v := range row {
				require.Equal(t, row[0]+float64(k), v)
				require.Equal(t, float32(v), narrow[k])
			}
			if len(given) > 0 {
				s.Conditions(given, i)
				require.Equal(t, 100+row[0], given[0], "the conditions of a window are those of its first row")
			}
			require.Equal(t, fmt.Sprintf("lines %d to %d", int(row[0])+2, int(row[0])+1+s.Window), s.Place(i))
			out = append(out, int(row[0]))
		}
		return out
	}
	o := Options{Columns: []string{"r"}, Given: []string{"vol"}, Window: 4, Held: 0.3} // of 19 rows the last 6
	trained := read(o)
	require.Equal(t, []int{0, 1, 2, 3, 8, 9, 10}, firsts(trained), "rows 0 to 6 and 8 to 13")
	require.Equal(t, []string{"r_1", "r_2", "r_3", "r_4"}, trained.Columns)
	require.Equal(t, []int{13, 1}, []int{trained.Rows(), trained.RowLen()})
	o.HeldOut = true
	held := read(o)
	require.Equal(t, []int{14, 15, 16}, firsts(held), "rows 14 to 19")

	require.Equal(t, 19, read(Options{}).Len())
	require.Equal(t, 13, read(Options{Held: 0.3}).Len())
	require.Equal(t, 6, read(Options{Held: 0.3, HeldOut: true}).Len())
	sums := map[string]bool{}
	for _, o := range []Options{{}, {Window: 2}, {Window: 3}, {Held: 0.3}, {Held: 0.3, HeldOut: true}, {Held: 0.3, Window: 2}} {
		sums[read(o).Sum()] = true
	}
	require.Len(t, sums, 6, "what is read is part of the sum")
	row := make([]float64, 2)
	two := read(Options{Window: 2})
	two.Row(row, 6)
	require.Equal(t, []float64{6, 106}, row)
	require.Equal(t, "line 8", two.RowPlace(6))

	for want, o := range map[string]Options{
		"Options.Window 1: want 2 to 4096": {Window: 1}, "Options.Window 5000": {Window: 5000}, "Options.Window 13: nowhere in 19 rows": {Window: 13}, "Options.Held 1: want a share": {Held: 1},
		"Options.Held -0.1": {Held: -0.1}, "Options.Held 0.99 of 19 rows is all": {Held: 0.99}, "Options.Held 0.1 of 19 rows is 2, and a window has 3": {Held: 0.1, Window: 3}, "Options.HeldOut: the model was trained on all rows": {HeldOut: true}, "Options.LongTail: a window": {Window: 2, LongTail: 0.5},
	} {
		_, err := Open(t.Context(), "csv:"+path, o)
		require.ErrorContains(t, err, want)
	}
	for _, o := range []Options{{Window: 2}, {Held: 0.5}, {HeldOut: true}} {
		_, err := Open(t.Context(), "toy:rings", o)
		require.ErrorContains(t, err, "are for tables")
	}
}
