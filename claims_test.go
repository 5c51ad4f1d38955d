package heavytail_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTablesHoldTheClaims compares the sentences of testdata/claims.txt, which stand in
// the docs and pages, with the cells of the generated tables that they are of.
func TestTablesHoldTheClaims(t *testing.T) {
	text, err := os.ReadFile("testdata/claims.txt")
	require.NoError(t, err)
	files, seen := map[string]string{}, 0
	read := func(path string) string {
		if files[path] == "" {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			files[path] = string(b)
		}
		return files[path]
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, " | ")
		require.Len(t, f, 5, "line %d", i+1)
		page, section, _ := strings.Cut(f[2], " ")
		if !strings.Contains(read(f[0]), f[1]) {
			t.Errorf("testdata/claims.txt:%d: %s does not say %q", i+1, f[0], f[1])
		} else if bad := claim(f[1], read("results/"+page+".md"), section, strings.Split(f[3], " & "), strings.Split(f[4], " & ")); bad != "" {
			t.Errorf("%s says %q: results/%s.md %s", f[0], f[1], page, bad)
		}
		seen++
	}
	require.Greater(t, seen, 60)
}

// TestTablesHoldTheClaimsSees makes sure that the check above can fail.
func TestTablesHoldTheClaimsSees(t *testing.T) {
	page := "<!-- generated: a -->\n|  | n | x | y |\n|---|---|---|---|\n| A | 1 | 0.566 ± 0.08 (0.005) | **-2e-05** |\n| A | 2 | 3.14 | – |\n<!-- end: a -->\n"
	for quote, cell := range map[string][2]string{"0.57": {"A 1", "x"}, "0.566 ± 0.08": {"A", "x"}, "p = 0.005": {"A 1", "x"}, "−0.00002": {"A 1", "y"}, "3.1 and 0.6": {"A 2 & A 1", "x"}, "3.144": {"A 2", "x"}} {
		require.Empty(t, claim(quote, page, "a", strings.Split(cell[0], " & "), []string{cell[1]}), quote)
	}
	for quote, cell := range map[string][3]string{"0.58": {"A 1", "x", "a"}, "none": {"A 1", "x", "a"}, "0.57": {"B", "x", "a"}, "0.6": {"A 1", "z", "a"}, "3.1": {"A 2", "x", "b"}, "0.6 and 3.1": {"A 2 & A 1", "x", "a"}, "3": {"A 2", "y", "a"}, "0.57 and 2": {"A 1", "x", "a"}} {
		require.NotEmpty(t, claim(quote, page, cell[2], strings.Split(cell[0], " & "), []string{cell[1]}), quote)
	}
}

// claim compares the numbers of a quote with cells: all of them with one cell, or each with
// the first number of one of several, row by row.
func claim(quote, page, section string, rows, columns []string) (bad string) {
	_, body, ok := strings.Cut(page, "<!-- generated: "+section+" -->")
	if !ok {
		return "has no section " + section
	}
	body, _, _ = strings.Cut(body, "<!-- end: ")
	var cells []string
	for _, row := range rows {
		for _, column := range columns {
			cell, ok := cellOf(body, row, column)
			if !ok {
				return fmt.Sprintf("has no cell %q, %q in %s", row, column, section)
			}
			cells = append(cells, cell)
		}
	}
	said := number.FindAllString(quote, -1)
	if len(said) == 0 {
		return "cannot hold a claim without numbers"
	}
	if len(cells) > 1 && len(said) != len(cells) {
		return fmt.Sprintf("has %d cells for %d numbers", len(cells), len(said))
	}
	for i, s := range said {
		cell := cells[min(i, len(cells)-1)]
		there := number.FindAllString(cell, -1)
		if len(cells) > 1 {
			there = there[:min(1, len(there))]
		}
		if !slices.ContainsFunc(there, func(c string) bool { return rounded(s, c) }) {
			return fmt.Sprintf("has %s in place of %s (%s)", cell, s, section)
		}
	}
	return ""
}

var number = regexp.MustCompile(`[-−]?\d+(?:\.\d+)?(?:e-?\d+)?`)

// cellOf finds the cell of the first row whose first cells are these, in the first table with such a
// column.
func cellOf(body, row, column string) (cell string, ok bool) {
	at := -1
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "|") {
			at = -1
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "**", "")
		}
		if i := slices.Index(cells, column); i >= 0 && at < 0 {
			at = i
			continue
		}
		for n := range cells {
			if at >= 0 && at < len(cells) && strings.TrimSpace(strings.Join(cells[:n+1], " ")) == row {
				return cells[at], true
			}
		}
	}
	return "", false
}

// rounded says that a number of a sentence is one of a table, to the digits of both.
func rounded(said, there string) bool {
	a, half := parsed(said)
	b, halfToo := parsed(there)
	return math.Abs(a-b) <= (half+halfToo)*(1+1e-9)
}

// parsed is a number and half a unit of its last digit.
func parsed(s string) (v, half float64) {
	s = strings.Replace(s, "−", "-", 1)
	v, _ = strconv.ParseFloat(s, 64)
	digits, exponent, _ := strings.Cut(s, "e")
	_, fraction, _ := strings.Cut(digits, ".")
	e, _ := strconv.Atoi(exponent)
	return v, 0.5 * math.Pow(10, float64(e-len(fraction)))
}
