package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// choose takes the columns that are asked for, by name or by number from 0. The
// classes are read if their column is among them.
func (d *dialect) choose(want []string) error {
	label := d.label
	d.label = -1
	for _, w := range want {
		c, err := d.find("Options.Columns", w)
		switch {
		case err != nil:
			return err
		case slices.Contains(d.given, c):
			return optionError("Options.Columns: column %.40q is a condition (Options.Given): leave it out of one of them", w)
		case c == label:
			d.label = c
		case slices.Contains(d.columns, c):
			return optionError("Options.Columns: column %.40q is there twice", w)
		default:
			d.columns = append(d.columns, c)
		}
	}
	if len(d.columns) == 0 {
		return optionError("Options.Columns: there are no columns of values besides the classes")
	}
	return nil
}

// find returns the number of the column that w says, for the flag of that name.
func (d *dialect) find(flag, w string) (int, error) {
	c := slices.Index(d.names, w)
	if n, err := strconv.Atoi(w); c < 0 && err == nil && n >= 0 && n < d.width {
		c = n
	}
	switch {
	case c < 0 && d.names != nil:
		return c, optionError("%s: there is no column %.40q; there are columns 0 to %d: %s", flag, w, d.width-1, list(d.names))
	case c < 0:
		return c, optionError("%s: there is no column %.40q; there are columns 0 to %d", flag, w, d.width-1)
	}
	return c, nil
}

// condition takes the columns that are asked for as conditions.
func (d *dialect) condition(want []string) error {
	for _, w := range want {
		c, err := d.find("conditions", w)
		switch {
		case err != nil:
			return err
		case c == d.label:
			return optionError("conditions: column %.40q is that of the classes, whose numbers have no order: give the column another name if it holds quantities", w)
		case slices.Contains(d.given, c):
			return optionError("conditions: column %.40q is there twice", w)
		}
		d.given = append(d.given, c)
	}
	return nil
}

// list returns at most 20 names, quoted.
func list(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), 20)] {
		out = append(out, strconv.Quote(n))
	}
	if len(names) > 20 {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// all takes every column but that of the classes, those without any number
// (dates, names), those without name and values at an end (a comma behind every line, bars around it) and
// one that counts the lines, as pandas writes it.
func (d *dialect) all(rows [][]string) {
	texts, first := 0, 0
	for c := range d.width {
		if c == d.label || slices.Contains(d.given, c) {
			continue
		}
		switch k := d.kind(rows, c); {
		case k == text:
			if texts++; texts == 1 {
				first = c
			}
		case k == nothing && (d.names == nil || d.names[c] == strconv.Itoa(c)) && d.width > 1 && (c == 0 || c == d.width-1):
		case k == counter && d.isIndex(c):
			d.note("column %s numbers the lines: it is left out (-columns takes it)", d.name(c))
		default:
			if k == counter && d.names != nil {
				d.note("column %s counts the lines; -columns leaves it out", d.name(c))
			} else if k == steady && d.names != nil {
				d.note("column %s rises evenly; -columns leaves it out", d.name(c))
			}
			d.columns = append(d.columns, c)
		}
	}
	if texts > 0 {
		at := slices.IndexFunc(rows, func(row []string) bool { return first < len(row) && !missing(row[first]) })
		more := ""
		if texts == 2 {
			more = ", and so is another such column"
		} else if texts > 2 {
			more = fmt.Sprintf(", and so are %d more such columns", texts-1)
		}
		if isTruth(rows[at][first]) {
			more += "; 1 and 0 in its place are read"
		}
		d.note("column %s holds no numbers but text such as %.40q: it is left out%s", d.name(first), rows[at][first], more)
	}
}

func (d *dialect) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// isIndex reports whether the first column has no name, or that of an index.
func (d *dialect) isIndex(c int) bool {
	return c == 0 && d.width > 1 && d.names != nil && slices.Contains([]string{"0", "index", "unnamed: 0"}, strings.ToLower(d.names[0]))
}

// name returns the name of a column of the file in quotes, or its number.
func (d *dialect) name(c int) string {
	if d.names == nil {
		return strconv.Itoa(c)
	}
	return strconv.Quote(d.names[c])
}

// What the cells of a column are.
type cellKind int

const (
	numbers cellKind = iota
	text             // not one number, some text
	nothing          // empty cells only
	counter          // 0, 1, 2, … or 1, 2, 3, …
	steady           // numbers that rise by one step, such as times
)

// countLeast is how many lines a column must count to be called a counter.
const countLeast = 10

func (d *dialect) kind(rows [][]string, c int) cellKind {
	var x []float64
	infinite, other := false, false
	for _, row := range rows {
		if c >= len(row) {
			continue
		}
		v, _, err := parseCell(row[c], d.comma)
		switch {
		case err == nil:
			x = append(x, v)
		case isInfinite(row[c]):
			infinite = true // an error where it is read, and no text
		default:
			other = other || !missing(row[c])
		}
	}
	switch {
	case len(x) == 0 && !infinite && other:
		return text
	case len(x) == 0 && !infinite && len(rows) > 0 && d.empty(rows, c):
		return nothing
	case len(x) < max(len(rows), countLeast) || !evenly(x):
		return numbers
	case (x[0] == 0 || x[0] == 1) && x[1] == x[0]+1:
		return counter
	}
	return steady
}

// evenly reports whether numbers rise by one step.
func evenly(x []float64) bool {
	for i := 1; i < len(x); i++ {
		if step := x[1] - x[0]; !(step > 0) || x[i]-x[i-1] != step {
			return false
		}
	}
	return true
}

// empty reports whether a column has not one character.
func (d *dialect) empty(rows [][]string, c int) bool {
	return !slices.ContainsFunc(rows, func(row []string) bool { return c < len(row) && row[c] != "" })
}
