package data

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// table reads a text by this version's rules.
func table(text string, o Options) (*Set, error) {
	o.Rules = Rules
	return readCSV(strings.NewReader(text), o)
}

// Files of other programs, of which all but bom and bom2 hold the same values:
// column ret of date.csv, or the column x, or a and b.
func TestTablesOfOtherPrograms(t *testing.T) {
	read := func(name string, o Options) *Set {
		o.Rules = Rules
		s, err := Open(t.Context(), "csv:"+filepath.Join("testdata", "csv", name+".csv"), o)
		require.NoError(t, err, name)
		return s
	}
	x := read("date", Options{Columns: []string{"1"}})
	require.Equal(t, []string{"ret"}, x.Columns)
	require.GreaterOrEqual(t, x.Len(), 118)
	require.Equal(t, 0.2791965480189002, x.wide[0])
	require.Equal(t, x.wide, read("date", Options{Columns: []string{"ret"}}).wide)
	for name, want := range map[string]struct {
		columns []string
		note    string
	}{
		"date":          {[]string{"ret"}, `column "date" holds no numbers but text such as "2020-01-01"`},
		"decimal_comma": {[]string{"x"}, ""}, "quoted": {[]string{"x"}, ""}, "cr": {[]string{"x"}, ""}, "crlf": {[]string{"x"}, ""},
		"trail_comma": {[]string{"x"}, ""}, "pandas_index": {[]string{"ret"}, `column "0" numbers the lines`},
	} {
		s := read(name, Options{})
		require.Equal(t, []int{1}, s.Shape, name)
		require.Equal(t, want.columns, s.Columns, name)
		require.Equal(t, x.wide, s.wide[:x.Len()], name)
		if want.note == "" {
			require.Empty(t, s.Notes, name)
		} else {
			require.Contains(t, strings.Join(s.Notes, ""), want.note)
		}
	}
	s := read("thousand", Options{})
	require.Equal(t, 1234.5, s.wide[5])
	require.Equal(t, x.wide[6:20], s.wide[6:20])

	ab := read("tab", Options{})
	require.Equal(t, []string{"a", "b"}, ab.Columns)
	require.Equal(t, x.wide[3], ab.wide[2*3])
	require.Equal(t, ab.wide, read("semi", Options{}).wide)
	s = read("numhead", Options{})
	require.Equal(t, []string{"2020", "2021"}, s.Columns)
	require.Equal(t, ab.wide, s.wide)

	s = read("empty_cell", Options{})
	require.Equal(t, ab.Len()-1, s.Len())
	require.Equal(t, ab.wide[:2*17], s.wide[:2*17])
	require.Equal(t, ab.wide[2*18:2*30], s.wide[2*17:2*29])
	require.Contains(t, s.Notes[0], `1 of 119 rows has a cell without value, line 19, column "b"`)
	s = read("nan", Options{})
	require.Equal(t, x.Len()-1, s.Len())
	require.Contains(t, s.Notes[0], "line 19")
	for _, name := range []string{"nan", "empty_cell"} {
		_, err := Open(t.Context(), "csv:testdata/csv/"+name+".csv", Options{Rules: Rules, Missing: "error"})
		require.ErrorContains(t, err, "line 19: column")
		require.ErrorContains(t, err, "Options.Missing drop")
	}

	s = read("bom", Options{})
	require.Equal(t, []string{"x"}, s.Columns)
	require.Equal(t, 60, s.Len())
	require.Equal(t, []int{1, 0, 1}, s.Labels[:3])
	require.Equal(t, []float64{1.5, 2.5, 3.5}, read("bom2", Options{}).wide)
}

func TestDialects(t *testing.T) {
	for text, want := range map[string][]float64{
		"1,5;2\n3;-4,25\n":                  {1.5, 2, 3, -4.25},
		"x;y\n1.234,5;2\n":                  {1234.5, 2},
		"x\ty\n\"1,234\"\t2.5\n":            {1234, 2.5},
		"a|b\r\n1|2\r\n":                    {1, 2},
		"# made by hand\n\n1,2\n\n3,4":      {1, 2, 3, 4},
		"1 000,5;2\n":                       {1000.5, 2},
		"\"a,b\",c\n1,\"2\"\n":              {1, 2},
		"name,v\n\"two\nlines\",1\nb,2\n":   {1, 2},
		"5\" pipe,1\nx,2\n":                 {1, 2},
		"1e3,-2.5E-3\n":                     {1000, -0.0025},
		"1,2,\n3,4,\n":                      {1, 2, 3, 4},
		"x,y,z\n1,NA,2\n3,4,5\n null,1,1\n": {3, 4, 5},
	} {
		s, err := table(text, Options{})
		require.NoError(t, err, text)
		require.Equal(t, want, s.wide, text)
	}
	s, err := table("1  2\n 3 4 \n", Options{Separator: "space"})
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 4}, s.wide)
	s, err = table("1,234\n5,678\n", Options{Separator: "semicolon", Decimal: "comma"})
	require.NoError(t, err)
	require.Equal(t, []float64{1.234, 5.678}, s.wide)
	s, err = table("x,x,,y\n1,2,3,4\n", Options{Columns: []string{"x.1", "2", "y"}})
	require.NoError(t, err)
	require.Equal(t, []string{"x.1", "2", "y"}, s.Columns)
	require.Equal(t, []float64{2, 3, 4}, s.wide)
	s, err = table("7,8,bad\n1,2,worse\n", Options{Columns: []string{"1"}})
	require.NoError(t, err, "what is not read is not looked at")
	require.Equal(t, []float64{8, 2}, s.wide)
	require.Equal(t, []string{"1"}, s.Columns)
	s, err = table("\"a \"\"b\"\"\",\"c\nd\"\n1,2\n", Options{})
	require.NoError(t, err)
	require.Equal(t, []string{`a "b"`, "c\nd"}, s.Columns)
	s, err = table("class,x\n1,2\n0,3\n", Options{Columns: []string{"x"}})
	require.NoError(t, err)
	require.Nil(t, s.Labels)
	// Ten lines counted under a name of its own may be values: they are said, and read.
	s, err = table("t,x\n0,1.5\n1,2\n2,3\n3,1\n4,7\n5,1\n6,1\n7,2\n8,1\n9,5\n", Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "x"}, s.Columns)
	require.Contains(t, s.Notes[0], `"t" counts the lines`)
}

// Every error names the line, the column, the value and what mends it.
func TestTableErrors(t *testing.T) {
	for text, wants := range map[string][]string{
		"1,2\n3\n":                 {"line 2", "cells is 1, line 1 has 2", "Options.Separator"},
		"x,y\n1,2\n3,oops\n":       {"line 3", `column "y"`, `"oops"`, "Options.Columns"},
		"1,2\n3,x\n":               {"line 2", "column 1", `"x"`},
		"1,inf\n":                  {"column 1", `"inf"`, "Options.Missing drop"},
		"1,1e309\n":                {"column 1", `"1e309"`, "Options.Missing drop"},
		"x\n1.5\n2\n\"2,5\"\n":     {"line 4", `"2,5"`, "Options.Decimal comma"},
		"x;y\n1,5;2\n1;2.5\n":      {"line 2", `"1,5"`, "Options.Decimal comma"},
		"label\n1\n":               {"no columns"},
		"2020-01-01\n2020-01-02\n": {"no column holds numbers", "2020-01-01"},
		"x,y\n1,\n,2\n":            {"each of the 2 rows", "Options.Columns"},
		"x\n1\n\"2\n3\n":           {"line 3", "quote"},
	} {
		_, err := table(text, Options{})
		require.Error(t, err, text)
		for _, want := range wants {
			require.ErrorContains(t, err, want, text)
		}
	}
	_, err := table("x;y\n1,5;2\n1;2.5\n", Options{Decimal: "comma"})
	require.ErrorContains(t, err, `line 3: column "y": "2.5" is no number; Options.Decimal point`)
	for want, o := range map[string]Options{
		`"z"; there are columns 0 to 1: "x", "y"`: {Columns: []string{"z"}}, `"2"`: {Columns: []string{"2"}}, "twice": {Columns: []string{"x", "0"}},
		"want comma, semicolon": {Separator: "dot"}, "want point or comma": {Decimal: "dash"}, "want drop or error": {Missing: "zero"},
	} {
		_, err := table("x,y\n1,2\n", o)
		require.ErrorContains(t, err, want)
	}
}

// Runs of version 0.1.0 read their tables again as they were read then.
func TestTablesByTheFirstRules(t *testing.T) {
	s, err := Open(t.Context(), "csv:testdata/csv/bom2.csv", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []float64{2.5, 3.5}, s.wide, "the mark made a name of the first value")
	s, err = Open(t.Context(), "csv:testdata/csv/pandas_index.csv", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []int{2}, s.Shape)
	s, err = Open(t.Context(), "csv:testdata/csv/numhead.csv", Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, 2020.0, s.wide[0])
	for _, name := range []string{"semi", "nan", "empty_cell", "date", "decimal_comma", "trail_comma"} {
		_, err := Open(t.Context(), "csv:testdata/csv/"+name+".csv", Options{Rules: FirstRules})
		require.Error(t, err, name)
	}
	dir := t.TempDir()
	s, err = Open(t.Context(), "csv:"+write(t, dir, "a.csv", []byte("x,label,y\n1,0,2\n3,1,4.5\n")), Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 4.5}, s.wide)
	require.Equal(t, []int{0, 1}, s.Labels)
	_, err = Open(t.Context(), "csv:"+write(t, dir, "empty.csv", nil), Options{Rules: FirstRules})
	require.ErrorContains(t, err, "nothing in it")
}

// A line without end, and a quote that nothing closes, take bounded memory.
func TestTablesWithoutEnd(t *testing.T) {
	for head, want := range map[string]string{"": "line 1 has more than 16 MiB", "1,2\n3,\"": "line 2: a quote opens"} {
		before := allocated()
		_, err := readCSV(io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{lines: head != ""}, 1<<30)), Options{Rules: Rules, MaxBytes: 1 << 40})
		require.ErrorContains(t, err, want)
		require.Less(t, allocated()-before, uint64(200<<20))
	}
	_, err := table(strings.Repeat("1,2\n", 1000), Options{MaxBytes: 8000})
	require.ErrorContains(t, err, "limit")
}

// Lines longer than what is looked at first, many columns of text and many of one
// name are read in a time that does not grow with their square.
func TestWideTables(t *testing.T) {
	const columns = 50000
	var b strings.Builder
	b.WriteString("v" + strings.Repeat(",x", columns) + "\n")
	for i := range 3 {
		b.WriteString(strconv.Itoa(i) + strings.Repeat(",0.5", columns/2) + strings.Repeat(",text", columns/2) + "\n")
	}
	s, err := table(b.String(), Options{})
	require.NoError(t, err)
	require.Equal(t, []int{1 + columns/2}, s.Shape)
	require.Equal(t, 3, s.Len())
	require.Equal(t, []string{"v", "x", "x.1"}, s.Columns[:3])
	require.Equal(t, "x.24999", s.Columns[columns/2])
	require.Len(t, s.Notes, 1)
	require.Contains(t, s.Notes[0], "and so are 24999 more such columns")
}

// endless is a file of digits, with line ends or without.
type endless struct{ lines bool }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		if p[i] = '1'; e.lines && i%8 == 0 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}

func FuzzCSV(f *testing.F) {
	files, err := filepath.Glob("testdata/csv/*.csv")
	if err != nil || len(files) < 10 {
		f.Fatal("the tables are not there", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 400)], "x", true)
	}
	f.Add([]byte("x,label\n1,2\n"), "", false)
	f.Add([]byte("1;2\n\"3"), "1", true)
	f.Add([]byte("\xff\xfea\x00\n\x001\x00"), "", true)
	f.Add([]byte("sep=;\nlabel;p\ncat;\x80 1.234,5\ndog;(2)\n"), "", true)
	f.Add([]byte("a report\n\nx y\nr 1 5%\nr 2 -7 %\n"), "", true)
	f.Fuzz(func(t *testing.T, b []byte, column string, now bool) {
		o := Options{MaxBytes: 1 << 16}
		if now {
			o.Rules = Rules
		}
		if column != "" {
			o.Columns = []string{column}
		}
		s, err := readCSV(bytes.NewReader(b), o)
		if err != nil {
			return
		}
		if s.Len()*s.Per() != len(s.wide) || s.Labels != nil && len(s.Labels) != s.Len() || s.Columns != nil && len(s.Columns) != s.Per() {
			t.Fatalf("ragged table: %d values of %d columns, %d labels, names %q", len(s.wide), s.Per(), len(s.Labels), s.Columns)
		}
		for _, v := range s.wide {
			if f := float64(float32(v)); v-v != 0 || !now && (math.IsNaN(f) || math.IsInf(f, 0)) {
				t.Fatalf("value %v", v)
			}
		}
	})
}

// A record of values that is taken for names because of one cell is not lost in silence.
func TestNamesAmongNumbersAreNoted(t *testing.T) {
	for text, noted := range map[string]bool{"0x10,2\n3,4\n": true, "a,b\n3,4\n": false, "a,\n3,4\n": false, "1,2\n3,4\n": false} {
		dir := t.TempDir()
		write(t, dir, "a.csv", []byte(text))
		s, err := Open(t.Context(), "csv:"+dir+"/a.csv", Options{})
		require.NoError(t, err)
		require.Equal(t, noted, len(s.Notes) > 0 && strings.Contains(s.Notes[0], `line 1 is taken for the names of the columns, for "0x10" is no number`), "%q %q", text, s.Notes)
	}
}
