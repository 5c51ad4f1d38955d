package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

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
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	return s, nil
}

// A tableReader adds the rows of a table to a set.
type tableReader struct {
	d   *dialect
	set *Set
	// parse returns the value of a cell.
	parse func(string) (float64, error)
	drop  bool // rows with missing cells, else they are an error

	dropped, firstDropped int
	gaps                  map[int]int // missing cells by column
}

// byteOrderMark begins text files of some programs.
var byteOrderMark = []byte("\xef\xbb\xbf")

// readCSV reads a table: cells parted by tab, semicolon, bar or comma, numbers
// with a decimal point or comma, a first line that may name the columns, among
// them one called label or class. Rows with a cell without value are dropped, or
// an error. Memory is taken as rows arrive.
func readCSV(in io.Reader, o Options) (*Set, error) {
	if o.Missing != "" && o.Missing != "drop" && o.Missing != "error" {
		return nil, flagError("-missing %.20q: want drop or error", o.Missing)
	}
	r, err := inflated(in)
	if err != nil {
		return nil, err
	}
	if mark, _ := r.Peek(3); bytes.Equal(mark, byteOrderMark) && o.Rules > 0 {
		_, _ = r.Discard(3)
	}
	head, all, r, err := readAhead(r)
	if err != nil {
		return nil, err
	}
	var d *dialect
	if o.Rules > 0 {
		d, err = sniff(head, all, o)
	} else {
		d, err = firstDialect(head, all, o)
	}
	if err != nil {
		return nil, err
	}
	parse := func(cell string) (float64, error) { return parseNumber(cell, d.comma) }
	if o.Rules == 0 {
		parse = parseTwice
	}
	t := &tableReader{d: d, parse: parse, set: &Set{Shape: []int{max(len(d.columns), 1)}, Notes: d.notes}, drop: o.Missing != "error" && o.Rules > 0, gaps: map[int]int{}}
	if err := t.rows(newRecordReader(r, d.sep), o.maxTable()); err != nil {
		return nil, err
	}
	return t.set, t.finish()
}

// firstDialect is what version 0.1.0 took every table for: cells parted by
// commas, names in the first line if its first cell is not a number.
func firstDialect(head []byte, all bool, o Options) (*dialect, error) {
	d := &dialect{sep: ',', label: -1}
	rows := sample(head, all, ',')
	if len(rows) == 0 {
		return d, nil
	}
	d.width = len(rows[0])
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
	for first := true; ; first = false {
		rec, err := r.read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if first && t.d.header {
			continue
		}
		if err := t.row(rec, r.line); err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
		if int64(len(t.set.wide)+len(t.set.Labels))*8 > maxBytes {
			return fmt.Errorf("the table is larger than the limit of %d MiB; -columns reads less of it", maxBytes>>20)
		}
	}
}

// row adds one record to the set.
func (t *tableReader) row(rec []string, line int) error {
	d, s := t.d, t.set
	for len(rec) > d.width && rec[len(rec)-1] == "" {
		rec = rec[:len(rec)-1]
	}
	if len(rec) != d.width {
		return fmt.Errorf("the number of cells is %d, the first line has %d: mend the line, or say with -separator what parts the cells", len(rec), d.width)
	}
	have, gap := len(s.wide), false
	for _, c := range d.columns {
		v, err := t.parse(rec[c])
		if err != nil {
			if !missing(rec[c]) {
				return t.notNumber(c, rec[c])
			}
			if !t.drop {
				return fmt.Errorf("column %s has no value (%q): -missing drop leaves such rows out", d.name(c), rec[c])
			}
			t.gaps[c]++
			gap = true
		}
		s.wide = append(s.wide, v)
	}
	label := 0
	if d.label >= 0 && !gap {
		text := rec[d.label]
		l, err := strconv.Atoi(text)
		switch {
		case err == nil && l >= 0 && l < maxClasses:
			label = l
		case missing(text) && t.drop:
			t.gaps[d.label]++
			gap = true
		default:
			return fmt.Errorf("column %s: class %.40q; want a number from 0 to %d, or name the columns to read with -columns", d.name(d.label), text, maxClasses-1)
		}
	}
	if gap {
		if t.dropped++; t.dropped == 1 {
			t.firstDropped = line
		}
		s.wide = s.wide[:have]
		return nil
	}
	if d.label >= 0 {
		s.Labels = append(s.Labels, label)
	}
	return nil
}

// maxClasses bounds the number of classes.
const maxClasses = 1 << 20

// notNumber says what a cell is and which flag mends it.
func (t *tableReader) notNumber(c int, cell string) error {
	d, remedy := t.d, "-columns names the columns to read"
	switch {
	case isNumber(cell, !d.comma) && d.comma:
		remedy = "-decimal point takes fractions after a point"
	case isNumber(cell, !d.comma):
		remedy = "-decimal comma takes fractions after a comma"
	case isInfinite(cell):
		remedy = "remove the row, or scale the values"
	}
	return fmt.Errorf("column %s: %.40q is no finite number; %s", d.name(c), cell, remedy)
}

func isInfinite(cell string) bool {
	v, err := strconv.ParseFloat(cell, 64)
	return errors.Is(err, strconv.ErrRange) || err == nil && float32(v)-float32(v) != 0
}

// finish names the columns and tells what was left out.
func (t *tableReader) finish() error {
	d, s := t.d, t.set
	if d.names != nil || len(d.columns) != d.width {
		for _, c := range d.columns {
			if d.names != nil {
				s.Columns = append(s.Columns, d.names[c])
			} else {
				s.Columns = append(s.Columns, strconv.Itoa(c))
			}
		}
	}
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
		return fmt.Errorf("each of the %d rows has a cell without value, in column %s %d of them; -columns names the columns to read", t.dropped, d.name(worst), t.gaps[worst])
	}
	s.note("%d of %d rows have cells without value, first line %d, mostly column %s: they are left out", t.dropped, rows+t.dropped, t.firstDropped, d.name(worst))
	return nil
}

// note keeps a sentence for who reads the set.
func (s *Set) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}
