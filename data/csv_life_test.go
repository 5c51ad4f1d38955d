package data

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// lines is a table of n lines below a head, so long that its form shows.
func lines(head, line string, n int) string { return head + strings.Repeat(line, n) }

// utf16Bytes is a text in UTF-16.
func utf16Bytes(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// Tables as spreadsheets, banks and measuring devices write them: the first rows,
// the columns, and what is said.
func TestTablesOfLife(t *testing.T) {
	euro := "größe;p\n" + strings.Repeat("−1.234,5;€ 7,25\n", 5)
	for name, c := range map[string]struct {
		text    string
		first   []float64
		columns []string
		notes   []string
	}{
		"UTF-16 little endian": {utf16Bytes("\ufeffa,😀\n1,2.5\n3,4\n", binary.LittleEndian), []float64{1, 2.5, 3, 4}, []string{"a", "😀"}, nil},
		"UTF-16 big endian":    {utf16Bytes("\ufeffa,b\n1,2.5\n3,4\n", binary.BigEndian), []float64{1, 2.5, 3, 4}, []string{"a", "b"}, nil},
		"UTF-16 unmarked":      {utf16Bytes("a,b\n1,2.5\n3,4\n", binary.LittleEndian), []float64{1, 2.5, 3, 4}, []string{"a", "b"}, nil},
		"Windows-1252":         {"gr\xf6\xdfe;p\n1\xa0234,5;\x80 7,25\n2\xa0000;\x80 1\n", []float64{1234.5, 7.25, 2000, 1}, []string{"größe", "p"}, []string{`column "p": "€" stands by its values, and is left out`}},
		"euro":                 {euro, []float64{-1234.5, 7.25}, []string{"größe", "p"}, []string{`column "p": "€" stands by its values, and is left out`}},
		"dollars":              {lines("price,n\n", "\"-$4,976.67\",1\n0,2\n", 4), []float64{-4976.67, 1, 0, 2}, []string{"price", "n"}, []string{`column "price": "$"`}},
		"accounts":             {"v,n\n(1.5),1\n2.5,2\n", []float64{-1.5, 1, 2.5, 2}, []string{"v", "n"}, nil},
		"percent":              {"r\n5%\n-2.5 %\n", []float64{5, -2.5}, []string{"r"}, []string{`column "r": "%" stands by its values, and is left out`}},
		"spaces":               {"a b\n1.5 2\n 3  -4 \n", []float64{1.5, 2, 3, -4}, []string{"a", "b"}, nil},
		"spaces, no names":     {"  1.5   2\n  3   -4\n", []float64{1.5, 2, 3, -4}, nil, nil},
		"grouped by spaces":    {"v\n1 234\n12 345\n", []float64{1234, 12345}, []string{"v"}, nil},
		"row names of R":       {lines("x y\n", "r 1 2\n", 4), []float64{1, 2}, []string{"x", "y"}, []string{`column "0" holds no numbers`}},
		"names end in a comma": {lines("x,y,\n", "1,2\n", 4), []float64{1, 2}, []string{"x", "y"}, nil},
		"Excel's first line":   {"sep=;\na;b\n1;2\n3;4,5\n", []float64{1, 2, 3, 4.5}, []string{"a", "b"}, nil},
		"a report above": {lines("Report of 2024\nSource: a bank; made on 1.2.\n\na,b\n", "1,2.5\n", 8), []float64{1, 2.5}, []string{"a", "b"},
			[]string{"lines 1 to 2 stand above the table: they are left out"}},
		"another comment":     {lines("// made by a program\na,b\n", "1,2.5\n", 8), []float64{1, 2.5}, []string{"a", "b"}, []string{"line 1 stands above the table: it is left out"}},
		"errors of Excel":     {"a,b\n#DIV/0!,1\n2,3\n#N/A,4\n--,5\n", []float64{2, 3}, []string{"a", "b"}, []string{"3 of 4 rows have cells without value"}},
		"large":               {"v\n1e39\n-2.5e300\n", []float64{1e39, -2.5e300}, []string{"v"}, nil},
		"classes by name":     {"label,v\ndog,1\ncat,2\ndog,3\n", []float64{1, 2, 3}, []string{"v"}, []string{`column "label" holds 2 classes by name: "cat", "dog"`}},
		"time, evenly":        {lines("t,v\n", "", 0) + "100,1\n160,2\n220,3\n280,1\n340,1\n400,1\n460,1\n520,1\n580,1\n640,1\n", []float64{100, 1, 160, 2}, []string{"t", "v"}, []string{`column "t" rises evenly; -columns leaves it out`}},
		"units below":         {lines("a,b\n[m],[s]\n", "1,2\n", 4), []float64{1, 2, 1, 2}, []string{"a", "b"}, []string{`line 2 holds no value but units or the like, such as "[m]"`}},
		"units of some":       {lines("n;day;v\n;;kN\n", "3;Mo;1,5\n", 4), []float64{3, 1.5}, []string{"n", "v"}, []string{`line 2 holds no value but units`, `column "day" holds no numbers`}},
		"classes and units":   {lines("label,v\n-,m\n", "dog,1\n", 4), []float64{1, 1}, []string{"v"}, []string{`line 2 holds no value but units`, `holds 1 classes by name: "dog"`}},
		"Fortran":             {"a,b\n1.5D+03,-2.d-01\n0.25d+00,1D-2\n", []float64{1500, -0.2, 0.25, 0.01}, []string{"a", "b"}, nil},
		"Fortran with commas": {"a;b\n1,5D+03;2\n0,25D-01;1\n", []float64{1500, 2, 0.025, 1}, []string{"a", "b"}, nil},
		"apostrophes":         {"'a','b'\n'1,234.5','-2'\n'3','4'\n'3','4'\n", []float64{1234.5, -2, 3, 4}, []string{"a", "b"}, nil},
		"some apostrophes":    {lines("a,b\n", "'1,234.5',7\n", 9), []float64{1234.5, 7}, []string{"a", "b"}, nil},
		"Swiss thousands":     {lines("a;b\n", "1'234.5;7\n", 9), []float64{1234.5, 7}, []string{"a", "b"}, nil},
		"Markdown":            {lines("| a | b |\n|---|---|\n", "| 1.5 | 2 |\n", 6), []float64{1.5, 2, 1.5, 2}, []string{"a", "b"}, []string{`line 2 holds no value`}},
		"truth":               {"ok,v\ntrue,1\nfalse,2\n", []float64{1, 2}, []string{"v"}, []string{`such as "true": it is left out; 1 and 0 in its place are read`}},
		"blank lines, CR LF":  {"\r\n\r\na,b\r\n\r\n1,2\r\n\r\n3,4\r\n\r\n", []float64{1, 2, 3, 4}, []string{"a", "b"}, nil},
		"a bad value, no end": {"a,b\n1,2", []float64{1, 2}, []string{"a", "b"}, nil},
	} {
		s, err := table(c.text, Options{})
		require.NoError(t, err, name)
		require.GreaterOrEqual(t, len(s.wide), len(c.first), name)
		require.Equal(t, c.first, s.wide[:len(c.first)], name)
		require.Equal(t, c.columns, s.Columns, name)
		require.Len(t, s.Notes, len(c.notes), "%s: %q", name, s.Notes)
		for i, note := range c.notes {
			require.Contains(t, s.Notes[i], note, name)
		}
	}
	colons, err := table("a:b\n1:2\n3:4\n", Options{Separator: "colon"})
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 4}, colons.wide)
	s, err := table("label,v\ndog,1\ncat,2\n,2\ndog,3\n", Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"cat", "dog"}, s.Classes)
	require.Equal(t, []int{1, 0, 1}, s.Labels)
}

// What cannot be read is an error that names line, column and value as they are in
// the file, and what mends it.
func TestTablesOfLifeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		wants []string
	}{
		"text only":       {"name,city\na,x\nb,y\n", []string{`no column holds numbers`, `line 1`, `"name"`}},
		"logical only":    {"ok\ntrue\nfalse\n", []string{"no column holds numbers", `"ok"`}},
		"colons":          {"a:b\n1:2\n3:4\n", []string{"no column holds numbers", `"a:b"`, "Options.Separator colon"}},
		"names only":      {"a,b\n", []string{`one line, "a", "b"`, "no line of numbers"}},
		"a page":          {"<html><body>404</body></html>\n", []string{`"<html><body>404</body></html>"`, "no line of numbers"}},
		"nothing":         {"", []string{"there is no line in it"}},
		"blank":           {"\n\n", []string{"there is no line in it"}},
		"first line bad":  {lines("a,b\nx,2\n", "1,2\n", 5), []string{`line 2: column "a": "x" is no number`, "Options.Missing drop", "Options.Columns"}},
		"a bad line":      {lines("a,b\n", "1,2\n", 3) + "[m],[s]\n", []string{`line 5: column "a": "[m]" is no number`}},
		"no exponents":    {"part\n12D3\nD+03\n1.5D03\n", []string{"no column holds numbers"}},
		"JSON":            {"[{\"a\":1},{\"a\":2}]\n", []string{"JSON, no table"}},
		"lines of JSON":   {"{\"a\":1}\n{\"a\":2}\n", []string{"JSON, no table"}},
		"truth asked for": {"ok,v\ntrue,1\nfalse,2\n", []string{`line 2: column "ok": "true" is no number`, "write 1 and 0"}},
		"mixed units":     {"r\n5%\n0.25\n", []string{`line 3: column "r": "0.25"`, `"%"`, "write them alike"}},
		"two currencies":  {"r\n$5\n€5\n", []string{`line 3: column "r": "€5"`, `"$"`}},
		"infinite":        {"v\n1\ninf\n", []string{`line 3: column "v": "inf" is infinite`, "Options.Missing drop"}},
		"beyond float64":  {"v\n1\n1e999\n", []string{`line 3: column "v": "1e999" is beyond`}},
		"a title, ragged": {"made by hand\n1,2,3\n3,4,5\n", []string{"line 2", "cells is 3, line 1 has 1", "put # before", "Options.Separator"}},
		"a class late":    {lines("label,v\n", "1,2\n", 250) + "cat,2\n", []string{"line 252", `column "label"`, `"cat"`}},
	} {
		o := Options{}
		if name == "truth asked for" {
			o.Columns = []string{"ok", "v"}
		}
		_, err := table(c.text, o)
		require.Error(t, err, name)
		for _, want := range c.wants {
			require.ErrorContains(t, err, want, name)
		}
	}
}
