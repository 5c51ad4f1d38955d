package data

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A dialect is how a table is written and what its columns are.
type dialect struct {
	sep     byte
	comma   bool     // decimal
	header  bool     // the first record names the columns
	names   []string // of the file's columns, all different; nil without header
	width   int      // cells of a record
	label   int      // column of the classes, −1: none
	columns []int    // of the values
	notes   []string
}

// What tells the dialect of a table: so many bytes, and so many lines where these
// are long, of which at most sniffRecords are looked at.
const (
	sniffBytes   = 1 << 16
	sniffLines   = 20
	sniffRecords = 200
)

// separators in the order of preference: the comma last, as it may be decimal.
var separators = []byte{'\t', ';', '|', ','}

// sniff tells the dialect from the first bytes of a table; all says that they
// are the whole of it.
func sniff(head []byte, all bool, o Options) (*dialect, error) {
	var d *dialect
	var rows [][]string
	if o.Separator != "" {
		sep, err := separator(o.Separator)
		if err != nil {
			return nil, err
		}
		d, rows = &dialect{sep: sep}, sample(head, all, sep)
	} else {
		d, rows = bestSeparator(head, all, o)
	}
	if len(rows) == 0 {
		return d, nil
	}
	d.width = len(rows[0])
	var err error
	if d.comma, err = decimal(rows, o); err != nil {
		return nil, err
	}
	d.header = d.isHeader(rows)
	if d.header {
		d.names = distinct(rows[0])
		rows = rows[1:]
	}
	d.label = labelColumn(d.names)
	if len(o.Columns) > 0 {
		return d, d.choose(o.Columns)
	}
	d.all(rows)
	if len(d.columns) == 0 {
		return nil, fmt.Errorf("there are no columns of values%s", firstCells(rows))
	}
	return d, nil
}

func firstCells(rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	return fmt.Sprintf(" (a line begins %.40q); -separator and -decimal say how numbers are written", rows[0][0])
}

// separator returns the byte that a flag names.
func separator(text string) (byte, error) {
	for name, b := range map[string]byte{"comma": ',', "semicolon": ';', "tab": '\t', "space": ' ', "bar": '|'} {
		if text == name || text == string(b) {
			return b, nil
		}
	}
	return 0, flagError("-separator %.20q: want comma, semicolon, tab, space or bar", text)
}

// sample returns the first records, less one that may be cut off.
func sample(head []byte, all bool, sep byte) [][]string {
	r := bytes.NewReader(head)
	br := bufio.NewReader(r)
	t := newRecordReader(br, sep)
	var rows [][]string
	for len(rows) < sniffRecords {
		rec, err := t.read()
		if err != nil {
			break
		}
		if !all && r.Len() == 0 && br.Buffered() == 0 && len(rows) > 0 {
			break
		}
		rows = append(rows, slices.Clone(rec))
	}
	return rows
}

// bestSeparator takes the one that parts at least four of five lines into as
// many cells as the first, and of those that which leaves the largest share of
// cells numbers.
func bestSeparator(head []byte, all bool, o Options) (*dialect, [][]string) {
	best, bestRows, most := &dialect{sep: ','}, sample(head, all, ','), -1.0
	for _, sep := range separators {
		rows := sample(head, all, sep)
		if len(rows) == 0 || len(rows[0]) < 2 {
			continue
		}
		same, numbers, cells := 0, 0, 0
		for _, row := range rows {
			if len(row) == len(rows[0]) {
				same++
			}
			for _, cell := range row {
				cells++
				if isNumber(cell, false) || isNumber(cell, true) || missing(cell) {
					numbers++
				}
			}
		}
		if share := float64(numbers) / float64(cells); 5*same >= 4*len(rows) && share > most {
			best, bestRows, most = &dialect{sep: sep}, rows, share
		}
	}
	if most < 0 && best.sep == ',' && len(bestRows) > 1 && len(bestRows[0]) == 1 && o.Decimal != "point" {
		// A name above numbers with a decimal comma: one column.
		rows := sample(head, all, 0)
		if _, single := decimalOf(rows[1:]); single {
			return &dialect{sep: 0}, rows
		}
	}
	return best, bestRows
}

func isNumber(cell string, comma bool) bool {
	_, err := parseNumber(cell, comma)
	return err == nil
}

// decimal says whether fractions follow a comma: as asked, or where some cells
// are numbers with a comma only and none with a point only.
func decimal(rows [][]string, o Options) (bool, error) {
	switch o.Decimal {
	case "point":
		return false, nil
	case "comma":
		return true, nil
	case "":
	default:
		return false, flagError("-decimal %.20q: want point or comma", o.Decimal)
	}
	point, comma := decimalOf(rows)
	return comma && !point, nil
}

// decimalOf reports whether there are numbers with a point only, and with a
// comma only.
func decimalOf(rows [][]string) (point, comma bool) {
	for _, row := range rows {
		for _, cell := range row {
			p, c := isNumber(cell, false), isNumber(cell, true)
			point, comma = point || p && !c, comma || c && !p
		}
	}
	return point, comma
}

// isHeader reports whether the first record names the columns: a cell is text
// where the next record has a number or nothing, or all are whole numbers above
// columns that have none, such as years.
func (d *dialect) isHeader(rows [][]string) bool {
	whole := func(cell string) bool { _, err := strconv.Atoi(cell); return err == nil }
	years := len(rows) > 3
	for c, cell := range rows[0] {
		if !isNumber(cell, d.comma) && !isInfinite(cell) && !missing(cell) && (len(rows) == 1 || c >= len(rows[1]) || isNumber(rows[1][c], d.comma) || missing(rows[1][c])) {
			return true
		}
		years = years && whole(cell)
		for _, row := range rows[1:] {
			years = years && !(c < len(row) && whole(row[c]))
		}
	}
	return years
}

// distinct returns the names of columns, each once: an empty one is its number,
// from 0, one that was there before gets a number behind it.
func distinct(cells []string) []string {
	seen := make(map[string]int, len(cells)) // how often, and the number that was tried last
	var names []string
	for i, name := range cells {
		if name == "" {
			name = strconv.Itoa(i)
		}
		base := name
		for k := seen[base]; seen[name] > 0; k++ {
			name = fmt.Sprintf("%s.%d", base, k)
			seen[base] = k + 1
		}
		seen[name]++
		names = append(names, name)
	}
	return names
}

// labelColumn returns the column called label or class, −1 if there is none.
func labelColumn(names []string) int {
	return slices.IndexFunc(names, func(n string) bool {
		n = strings.ToLower(n)
		return n == "label" || n == "class"
	})
}

// choose takes the columns that are asked for, by name or by number from 0. The
// classes are read if their column is among them.
func (d *dialect) choose(want []string) error {
	label := d.label
	d.label = -1
	for _, w := range want {
		c := slices.Index(d.names, w)
		if n, err := strconv.Atoi(w); c < 0 && err == nil && n >= 0 && n < d.width {
			c = n
		}
		switch {
		case c < 0 && d.names != nil:
			return flagError("-columns: there is no column %.40q; there are columns 0 to %d: %s", w, d.width-1, list(d.names))
		case c < 0:
			return flagError("-columns: there is no column %.40q; there are columns 0 to %d", w, d.width-1)
		case c == label:
			d.label = c
		case slices.Contains(d.columns, c):
			return flagError("-columns: column %.40q is there twice", w)
		default:
			d.columns = append(d.columns, c)
		}
	}
	if len(d.columns) == 0 {
		return flagError("-columns: there are no columns of values besides the classes")
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
// (dates, names), those without name and values (a comma behind every line) and
// one that counts the lines, as pandas writes it.
func (d *dialect) all(rows [][]string) {
	texts, first := 0, 0
	for c := range d.width {
		if c == d.label {
			continue
		}
		switch k := d.kind(rows, c); {
		case k == text:
			if texts++; texts == 1 {
				first = c
			}
		case k == nothing && (d.names == nil || d.names[c] == strconv.Itoa(c)) && c == d.width-1 && c > 0:
		case k == counter && d.isIndex(c):
			d.note("column %s numbers the lines: it is left out (-columns takes it)", d.name(c))
		default:
			if k == counter && d.names != nil {
				d.note("column %s counts the lines; -columns leaves it out", d.name(c))
			}
			d.columns = append(d.columns, c)
		}
	}
	if texts > 0 {
		at := slices.IndexFunc(rows, func(row []string) bool { return first < len(row) && !missing(row[first]) })
		more := ""
		if texts > 1 {
			more = fmt.Sprintf(", and %d more columns are as it is", texts-1)
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
)

// countLeast is how many lines a column must count to be called a counter.
const countLeast = 10

func (d *dialect) kind(rows [][]string, c int) cellKind {
	found, other, count := 0, false, len(rows) >= countLeast
	for i, row := range rows {
		if c >= len(row) || row[c] == "" {
			count = false
			continue
		}
		v, err := parseNumber(row[c], d.comma)
		if err != nil {
			count = false
			if isInfinite(row[c]) {
				found++ // an error where it is read, and no text
			}
			other = other || !missing(row[c])
			continue
		}
		if found == 0 {
			count = count && (v == 0 || v == 1)
		}
		first, _ := parseNumber(rows[0][min(c, len(rows[0])-1)], d.comma)
		count = count && math.Abs(v-first-float64(i)) == 0
		found++
	}
	switch {
	case found == 0 && other:
		return text
	case found == 0 && len(rows) > 0 && d.empty(rows, c):
		return nothing
	case count:
		return counter
	}
	return numbers
}

// empty reports whether a column has not one character.
func (d *dialect) empty(rows [][]string, c int) bool {
	return !slices.ContainsFunc(rows, func(row []string) bool { return c < len(row) && row[c] != "" })
}

// readAhead returns the first bytes of r, at least sniffBytes and sniffLines lines
// unless that is more than a line may have, and whether they are all. They can be
// read again from the reader that it returns.
func readAhead(r io.Reader) (head []byte, all bool, again *bufio.Reader, err error) {
	lines := 0
	for !all && (len(head) < sniffBytes || lines < sniffLines && len(head) < maxLine) {
		n := len(head)
		head = slices.Grow(head, max(n, sniffBytes))[:n+max(n, sniffBytes)]
		k, err := io.ReadFull(r, head[n:])
		head = head[:n+k]
		if err != nil && !ended(err) {
			return nil, false, nil, err
		}
		all = err != nil
		lines += bytes.Count(head[n:], []byte{'\n'}) + bytes.Count(head[n:], []byte{'\r'})
	}
	if lines == 0 && !all {
		return nil, false, nil, tooLong(1)
	}
	return head, all, bufio.NewReaderSize(io.MultiReader(bytes.NewReader(head), r), 1<<16), nil
}
