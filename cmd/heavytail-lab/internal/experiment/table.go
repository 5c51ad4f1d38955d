package experiment

import (
	"fmt"
	"math"
	"strings"
)

// A Table is one of Markdown's.
type Table struct {
	Head []string
	Rows [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// String returns the table's Markdown.
func (t *Table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	b.WriteString(strings.Repeat("|---", len(t.Head)) + "|\n")
	for _, r := range t.Rows {
		line(r)
	}
	return b.String()
}

// A Published is a number of a paper's table; the zero value is a dash.
type Published struct {
	Mean, Std float64
	P         float64 // of a test against another method; 0: none
}

// String returns mean, deviation and p-value as a cell.
func (p Published) String() string {
	if p == (Published{}) {
		return "–"
	}
	return cell(p.Mean, p.Std, p.P)
}

// cell formats mean ± std (p).
func cell(mean, std, p float64) string {
	out := fmt.Sprintf("%.3f ± %.3f", mean, std)
	if p > 0 {
		out += fmt.Sprintf(" (%.1e)", p)
	}
	return out
}

// Cell formats a summary with a p-value, NaN or 0 for none. Values that are
// not finite are counted.
func (s Summary) Cell(p float64) string {
	if s.N == 0 && s.Bad == 0 {
		return "–"
	}
	out := cell(s.Mean, s.Std, p)
	if s.Bad > 0 {
		out += fmt.Sprintf(" [%d not finite]", s.Bad)
	}
	return out
}

// Agrees reports whether the mean lies within two published deviations of the
// published mean.
func (s Summary) Agrees(p Published) bool {
	return math.Abs(s.Mean-p.Mean) <= 2*p.Std
}

// A Comparison is a table of ours beside a published one: methods by settings
// of one column.
type Comparison struct {
	Column   string
	Settings []string
	// Rows names the methods; each has its method in the results, and the
	// method that Welch's test compares it with (empty: none).
	Rows []ComparisonRow
}

// A ComparisonRow is one method of a Comparison.
type ComparisonRow struct {
	Method    string
	Against   string               // the method that it is tested against, or empty
	Published map[string]Published // by setting; nil: the paper has no such row
	// Again keeps the published row from being shown: another row of the table
	// has it already.
	Again bool
}

// Table returns the published row and ours of each method in turn. Cells of
// ours whose mean lies within two published deviations of the published mean
// end with a check mark, others that have a published number with a cross.
func (c Comparison) Table(r *Results) string {
	t := Table{Head: append([]string{"", ""}, c.Settings...)}
	inside, all, least, most := 0, 0, math.MaxInt, 0
	for _, row := range c.Rows {
		paper, ours := []string{row.Method, "paper"}, []string{row.Method, "ours"}
		if row.Published == nil || row.Again {
			paper = nil
		}
		for _, s := range c.Settings {
			sum, p := r.Summary(row.Method, s, c.Column), math.NaN()
			if n := sum.N + sum.Bad; n > 0 {
				least, most = min(least, n), max(most, n)
			}
			if row.Against != "" {
				p = Welch(sum, r.Summary(row.Against, s, c.Column))
			}
			text := sum.Cell(p)
			pub := row.Published[s]
			if paper != nil {
				paper = append(paper, pub.String())
			}
			if pub != (Published{}) && sum.N > 0 {
				all++
				mark := " ✗"
				if sum.Agrees(pub) {
					inside++
					mark = " ✓"
				}
				text += mark
			}
			ours = append(ours, text)
		}
		if paper != nil {
			t.Add(paper...)
		}
		t.Add(ours...)
	}
	out := t.String()
	if most > 0 {
		out += fmt.Sprintf("\nMeans ± standard deviations of %d to %d trainings, p-values of Welch's test in brackets.", least, most)
	}
	if all > 0 {
		out += fmt.Sprintf(" %d of our %d means lie within two published deviations of the published mean (✓).", inside, all)
	}
	return strings.TrimRight(out, "\n") + "\n"
}
