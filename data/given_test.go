package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const givenTable = "date,r,vol,label,rate\n2020-01-01,1,0.5,0,3\n2020-01-02,2,NA,1,4\n2020-01-03,-3,0.25,1,5\n2020-01-04,4,0.125,0,-6\n"

// Conditions are taken out of the columns, in the order they are asked for, and lose
// the rows that the points lose.
func TestGivenColumns(t *testing.T) {
	row := make([]float64, 2)
	for _, c := range []struct {
		o       Options
		columns []string
		points  []float64
	}{
		{Options{Given: []string{"rate", "vol"}}, []string{"r"}, []float64{1, -3, 4}},
		{Options{Given: []string{"4", "2"}, Columns: []string{"r"}}, []string{"r"}, []float64{1, -3, 4}},
	} {
		s, err := table(givenTable, c.o)
		require.NoError(t, err)
		require.Equal(t, c.columns, s.Columns)
		require.Equal(t, c.points, s.wide)
		require.Equal(t, []string{"rate", "vol"}, s.Given)
		var got []float64
		for i := range s.Len() {
			s.Conditions(row, i)
			got = append(got, row...)
		}
		require.Equal(t, []float64{3, 0.5, 5, 0.25, -6, 0.125}, got)
	}
	s, err := table("1,2,3\n4,5,6\n", Options{Given: []string{"1"}})
	require.NoError(t, err)
	require.Equal(t, []string{"0", "2"}, s.Columns)
	require.Equal(t, []string{"1"}, s.Given)

	// Their values are part of what tells one set from another, their names are not;
	// sets without any keep the sum that they had.
	sum := func(text string, given ...string) string {
		s, err := table(text, Options{Given: given})
		require.NoError(t, err)
		return s.Sum()
	}
	require.NotEqual(t, sum("a,b\n1,2\n", "b"), sum("a,b\n1,3\n", "b"))
	require.NotEqual(t, sum("a,b\n1,2\n", "b"), sum("a\n1\n"))
	require.Equal(t, sum("a,b\n1,2\n", "b"), sum("a,c\n1,2\n", "c"))

	s, err = table("x,c,class\n1,10,0\n2,20,1\n3,30,0\n4,40,1\n", Options{Given: []string{"c"}})
	require.NoError(t, err)
	require.NoError(t, s.longTail(0.5)) // keeps both of class 0 and one of class 1
	require.Equal(t, []float64{1, 2, 3}, s.wide)
	require.Equal(t, []float64{10, 20, 30}, s.given)
}

func TestGivenColumnsAreRefused(t *testing.T) {
	for want, o := range map[string]Options{
		`conditions: there is no column "x"`:                          {Given: []string{"x"}},
		`conditions: column "vol" is there twice`:                     {Given: []string{"vol", "vol"}},
		`conditions: column "3" is that of the classes`:               {Given: []string{"3"}},
		`Options.Columns: column "vol" is a condition`:                {Given: []string{"vol"}, Columns: []string{"r", "vol"}},
		`no columns of values besides the conditions`:                 {Given: []string{"r", "vol", "rate"}},
		`column "date": "2020-01-01" is no number`:                    {Given: []string{"date"}},
		`column "vol" has no value ("NA"): Options.Missing drop leav`: {Given: []string{"vol"}, Missing: "error"},
	} {
		_, err := table(givenTable, o)
		require.ErrorContains(t, err, want)
	}
	for spec, o := range map[string]Options{"toy:rings": {}, "csv:x.csv": {Rules: FirstRules}} {
		o.Given = []string{"1"}
		dir := t.TempDir()
		t.Chdir(dir)
		require.NoError(t, os.WriteFile("x.csv", []byte("1,2\n"), 0o644))
		_, err := Open(t.Context(), spec, o)
		require.ErrorContains(t, err, "Options.Given")
	}
}

// Tables of conditions have them by name among other columns, or in their order.
func TestReadConditions(t *testing.T) {
	dir := t.TempDir()
	read := func(text string, names ...string) ([]float64, error) {
		path := filepath.Join(dir, "c.csv")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		v, err := ReadConditions(t.Context(), path, names)
		require.Equal(t, err == nil, len(v.Sum) == 64)
		return v.X, err
	}
	for text, names := range map[string]string{"r,vol,rate\n9,1,2\n9,3,4\n": "vol,rate", "1,2\n3,4\n": "vol,rate", "rate,vol\n2,1\n4,3\n": "vol,rate", "9,1,2\n9,3,4\n": "1,2"} {
		x, err := read(text, strings.Split(names, ",")...)
		require.NoError(t, err, text)
		require.Equal(t, []float64{1, 2, 3, 4}, x, text)
	}
	for text, want := range map[string]string{"r,vol\n1,2\n": `each of the conditions, "vol", "rate"`, "1,2,3\n": "name its columns so", "vol,rate\n1,\n": "has no value", "vol,rate\n": "no line of numbers"} {
		_, err := read(text, "vol", "rate")
		require.ErrorContains(t, err, want, text)
	}
}
