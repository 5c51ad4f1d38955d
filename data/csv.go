package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/source"
)

// openCSV reads points from a table, one a line.
func openCSV(ctx context.Context, arg string, o Options) (*Set, error) {
	f, err := source.Open(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := readCSV(f, o)
	if err == nil && (o.Window != 0 || o.Held != 0 || o.HeldOut) {
		err = s.series(o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	return s, nil
}

// A tableReader adds the rows of a table to a set.
type tableReader struct {
	d   *dialect
	set *Set
	// parse returns the value of a cell and its unit.
	parse func(string) (float64, string, error)
	drop  bool   // rows with missing cells, else they are an error
	empty string // what is done about one

	units                 map[int]string // by column, of its first value that is not 0
	class                 map[string]int // classes by name, numbered as they appear
	dropped, firstDropped int
	gaps                  map[int]int // missing cells by column
}

// readCSV reads a table: cells parted by tab, semicolon, bar, comma or white space,
// numbers with a decimal point or comma, perhaps with a unit, a first line that may
// name the columns, among them one called label or class. Rows with a cell without value are dropped, or
// an error. Memory is taken as rows arrive.
func readCSV(in io.Reader, o Options) (*Set, error) {
	if o.Missing != "" && o.Missing != "drop" && o.Missing != "error" {
		return nil, optionError("Options.Missing %.20q: want drop or error", o.Missing)
	}
	r, err := inflated(in)
	if err != nil {
		return nil, err
	}
	if o.Rules > 0 {
		if err := noTable(r); err != nil {
			return nil, err
		}
		r = utf8Text(r)
	}
	head, all, r, err := readAhead(r)
	if err != nil {
		return nil, err
	}
	var d *dialect
	if o.Rules > 0 {
		o.quote = quoteOf(head)
		d, err = sniff(head, all, o)
	} else {
		d, err = firstDialect(head, all, o)
	}
	if err != nil {
		return nil, err
	}
	parse := func(cell string) (float64, string, error) { return parseCell(cell, d.comma) }
	if o.Rules == 0 {
		parse = func(cell string) (float64, string, error) {
			v, err := parseTwice(cell)
			return v, "", err
		}
	}
	t := &tableReader{d: d, parse: parse, units: map[int]string{}, class: map[string]int{}, set: &Set{Shape: []int{max(len(d.columns), 1)}, Notes: d.notes, table: true}, drop: o.Missing != "error" && o.Rules > 0, empty: cmp.Or(o.empty, "Options.Missing drop leaves such rows out"), gaps: map[int]int{}}
	records := newRecordReader(r, d.sep)
	records.now, records.quote = o.Rules > 0, o.quote
	if err := t.rows(records, o.maxTable()); err != nil {
		return nil, err
	}
	return t.set, t.finish(o.Rules)
}

// firstDialect is what version 0.1.0 took every table for: cells parted by
// commas, names in the first line if its first cell is not a number.
func firstDialect(head []byte, all bool, o Options) (*dialect, error) {
	d := &dialect{sep: ',', label: -1}
	if len(o.Given) > 0 {
		return nil, optionError("Options.Given: the rules of version 0.1.0 know no conditions")
	}
	s := sample(head, all, ',', o)
	rows := s.rows
	if len(rows) == 0 {
		return d, nil
	}
	d.width, d.first = len(rows[0]), s.lines[0]
	if _, err := parseFloat(rows[0][0]); err != nil {
		d.header, d.names = true, distinct(rows[0])
		d.label = labelColumn(d.names)
	}
	if len(o.Columns) > 0 {
		return d, d.choose(o.Columns)
	}
	for c := range d.width {
		if c != d.label {
			d.columns = append(d.columns, c)
		}
	}
	if len(d.columns) == 0 {
		return nil, errors.New("there are no columns of values")
	}
	return d, nil
}

// rows reads all records.
func (t *tableReader) rows(r *recordReader, maxBytes int64) error {
	header := t.d.header
	for {
		rec, err := r.read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.line < t.d.first {
			continue
		}
		if header {
			header = false
			continue
		}
		if r.line == t.d.units {
			continue
		}
		if err := t.row(rec, r.line); err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
		if int64(len(t.set.wide)+len(t.set.given)+len(t.set.Labels)+2*len(t.set.stretches))*8 > maxBytes {
			return fmt.Errorf("the table is larger than the limit of %d MiB; Options.Columns reads less of it", maxBytes>>20)
		}
	}
}

// row adds one record to the set.
func (t *tableReader) row(rec []string, line int) error {
	d, s := t.d, t.set
	if rec = trimmed(rec, d.width); len(rec) != d.width {
		return fmt.Errorf("the number of cells is %d, line %d has %d: mend the line, put # before lines that are none of the table, or say with Options.Separator what parts the cells", len(rec), d.first, d.width)
	}
	have, haveGiven, gap := len(s.wide), len(s.given), false
	for _, c := range d.columns {
		v, err := t.value(c, rec[c], &gap)
		if err != nil {
			return err
		}
		s.wide = append(s.wide, v)
	}
	for _, c := range d.given {
		v, err := t.value(c, rec[c], &gap)
		if err != nil {
			return err
		}
		s.given = append(s.given, v)
	}
	label := 0
	if d.label >= 0 && !gap {
		var err error
		switch text := rec[d.label]; {
		case missing(text) && t.drop:
			t.gaps[d.label]++
			gap = true
		case d.named:
			label, err = t.named(text)
		default:
			if label, err = strconv.Atoi(text); !isClass(text) {
				return fmt.Errorf("column %s: class %.40q; want a number from 0 to %d as above, or name the columns to read with Options.Columns", d.name(d.label), text, maxClasses-1)
			}
		}
		if err != nil {
			return err
		}
	}
	if gap {
		if t.dropped++; t.dropped == 1 {
			t.firstDropped = line
		}
		s.wide, s.given = s.wide[:have], s.given[:haveGiven]
		return nil
	}
	if d.label >= 0 {
		s.Labels = append(s.Labels, label)
	}
	s.lay(have/len(d.columns), line)
	return nil
}

// value reads a cell of column c. One without value sets gap, if such rows are left out.
func (t *tableReader) value(c int, cell string, gap *bool) (float64, error) {
	v, unit, err := t.parse(cell)
	switch {
	case err == nil:
		return v, t.sameUnit(c, v, unit, cell)
	case !missing(cell):
		return v, t.notNumber(c, cell)
	case !t.drop:
		return v, fmt.Errorf("column %s has no value (%q): %s", t.d.name(c), cell, t.empty)
	}
	t.gaps[c]++
	*gap = true
	return v, nil
}

// maxClasses bounds the number of classes, maxNamed that of classes by name and
// longestClass a name.
const (
	maxClasses   = 1 << 20
	maxNamed     = 10000
	longestClass = 1000
)

// isClass reports whether a cell is the number of a class.
func isClass(cell string) bool {
	l, err := strconv.Atoi(cell)
	return err == nil && l >= 0 && l < maxClasses
}

// named returns the number of a class by its name, in the order of appearance.
func (t *tableReader) named(name string) (int, error) {
	k, ok := t.class[name]
	if !ok {
		if k = len(t.class); k == maxNamed || len(name) > longestClass {
			return 0, fmt.Errorf("column %s: %.40q, of %d letters, is class number %d by name; if the column holds no classes, name those to read with Options.Columns", t.d.name(t.d.label), name, len(name), k+1)
		}
		t.class[name] = k
	}
	return k, nil
}

// sameUnit returns an error if a value of column c has another unit than those
// before; 0 needs none.
func (t *tableReader) sameUnit(c int, v float64, unit, cell string) error {
	was, ok := t.units[c]
	switch {
	case v == 0 && unit == "":
	case !ok:
		t.units[c] = unit
	case unit != was && was == "":
		return fmt.Errorf("column %s: %.40q, and the values above have no unit; write them alike, or name the columns to read with Options.Columns", t.d.name(c), cell)
	case unit != was:
		return fmt.Errorf("column %s: %.40q, and the values above are in %q; write them alike, or name the columns to read with Options.Columns", t.d.name(c), cell, was)
	}
	return nil
}

// notNumber says what a cell is and which flag mends it.
func (t *tableReader) notNumber(c int, cell string) error {
	d := t.d
	what, remedy := "no number", "mend it, empty it (Options.Missing drop leaves the row out), or name the columns to read with Options.Columns"
	switch _, err := finite64(cell); {
	case isNumber(cell, !d.comma) && d.comma:
		remedy = "Options.Decimal point takes fractions after a point"
	case isNumber(cell, !d.comma):
		remedy = "Options.Decimal comma takes fractions after a comma"
	case isInfinite(cell) && errors.Is(err, strconv.ErrRange) && strings.ContainsAny(cell, "0123456789"):
		what = "beyond the numbers of this program, which end at 1.8e308"
	case isInfinite(cell):
		what = "infinite"
	case isTruth(cell):
		remedy = "write 1 and 0 for it, or name the columns to read with Options.Columns"
	}
	return fmt.Errorf("column %s: %.40q is %s; %s", d.name(c), cell, what, remedy)
}

// isInfinite reports whether a cell is a number that is not finite, but for NaN.
func isInfinite(cell string) bool {
	v, err := strconv.ParseFloat(cell, 64)
	return errors.Is(err, strconv.ErrRange) || err == nil && math.IsInf(v, 0)
}

// finish names the columns and classes and tells what was left out.
func (t *tableReader) finish(rules int) error {
	d, s := t.d, t.set
	if rules > 0 && t.dropped == 0 && len(s.wide) == 0 && d.width == 0 {
		return errors.New("there is no line in it")
	}
	if rules > 0 && t.dropped == 0 && len(s.wide) == 0 {
		return fmt.Errorf("there is one line, %s, and no line of numbers below it", list(d.names))
	}
	t.sortClasses()
	for _, c := range slices.Concat(d.columns, d.given) {
		if unit := t.units[c]; unit != "" {
			s.note("column %s: %q stands by its values, and is left out", d.name(c), unit)
		}
	}
	t.name()
	if t.dropped == 0 {
		return nil
	}
	worst, rows := 0, len(s.wide)/len(d.columns)
	for c := range d.width {
		if t.gaps[c] > t.gaps[worst] {
			worst = c
		}
	}
	if rows == 0 {
		each := fmt.Sprintf("each of the %d rows", t.dropped)
		if t.dropped == 1 {
			each = "the only row"
		}
		return fmt.Errorf("%s has a cell without value, in column %s %d of them; Options.Columns names the columns to read", each, d.name(worst), t.gaps[worst])
	}
	if t.dropped == 1 {
		s.note("1 of %d rows has a cell without value, line %d, column %s: it is left out", rows+1, t.firstDropped, d.name(worst))
		return nil
	}
	s.note("%d of %d rows have cells without value, first line %d, mostly column %s: they are left out", t.dropped, rows+t.dropped, t.firstDropped, d.name(worst))
	return nil
}

// sortClasses numbers the classes that have names in their order, as those of
// folders.
func (t *tableReader) sortClasses() {
	s := t.set
	if !t.d.named || len(t.class) == 0 {
		return
	}
	s.Classes = slices.Sorted(maps.Keys(t.class))
	place := make([]int, len(s.Classes))
	for i, name := range s.Classes {
		place[t.class[name]] = i
	}
	for i, k := range s.Labels {
		s.Labels[i] = place[k]
	}
	s.note("column %s holds %d classes by name: %s", t.d.name(t.d.label), len(s.Classes), list(s.Classes))
}

// note keeps a sentence for who reads the set.
func (s *Set) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}
