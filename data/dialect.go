package data

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
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
	given   []int    // of the conditions
	first   int      // line on which the table begins; there may be others above it
	units   int      // line of the units below the names, 0: none
	named   bool     // the classes have names
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
	d, s, err := dialectOf(head, all, o)
	if err != nil || len(s.rows) == 0 {
		return d, err
	}
	rows := s.rows
	d.width, d.first = len(rows[0]), s.lines[0]
	if above := s.above; len(above) == 1 {
		d.note("line %d stands above the table: it is left out", above[0])
	} else if len(above) > 1 {
		d.note("lines %d to %d stand above the table: they are left out", above[0], above[len(above)-1])
	}
	if d.comma, err = decimal(rows, o); err != nil {
		return nil, err
	}
	d.header = d.isHeader(rows)
	if d.header {
		d.names = distinct(rows[0])
		if text, mixed := d.namesAndNumbers(rows[0]); mixed {
			d.note("line %d is taken for the names of the columns, for %.40q is no number: where it holds values, give the table a line of names above it", d.first, text)
		}
		rows = rows[1:]
		if unit := d.unitsOf(rows); unit != "" {
			d.units, rows = s.lines[1], rows[1:]
			d.note("line %d holds no value but units or the like, such as %.40q: it is left out", d.units, unit)
		}
	}
	d.label = labelColumn(d.names)
	d.named = slices.ContainsFunc(rows, func(row []string) bool {
		return d.label >= 0 && d.label < len(row) && !missing(row[d.label]) && !isClass(row[d.label])
	})
	if err := d.condition(o.Given); err != nil {
		return nil, err
	}
	if len(o.Columns) > 0 {
		return d, d.choose(o.Columns)
	}
	d.all(rows)
	switch {
	case len(d.columns) == 0 && d.given != nil:
		return nil, optionError("Options.Given: there are no columns of values besides the conditions")
	case len(d.columns) == 0 && d.label >= 0:
		return nil, fmt.Errorf("there are no columns of values besides the classes, column %s", d.name(d.label))
	case len(d.columns) == 0 && len(rows) == 0:
		return nil, fmt.Errorf("there is one line, %s, and no line of numbers below it", list(s.rows[0]))
	case len(d.columns) == 0:
		colon := ""
		if d.width == 1 && !slices.ContainsFunc(s.rows, func(row []string) bool { return !strings.Contains(row[0], ":") }) {
			colon = ", Options.Separator colon that cells end at each :"
		}
		return nil, fmt.Errorf("no column holds numbers (line %d begins %.40q); Options.Separator and Options.Decimal say how they are written%s", s.lines[0], s.rows[0][0], colon)
	}
	return d, nil
}

// dialectOf tells what parts the cells, and returns the first records.
func dialectOf(head []byte, all bool, o Options) (*dialect, sampled, error) {
	if o.Separator != "" {
		sep, err := separator(o.Separator)
		if err != nil {
			return nil, sampled{}, err
		}
		return &dialect{sep: sep}, sample(head, all, sep, o).table(sep), nil
	}
	if hint := []byte(sepHint); len(head) > len(hint)+1 && bytes.HasPrefix(head, hint) && (head[len(hint)+1] == '\n' || head[len(hint)+1] == '\r') {
		sep := head[len(hint)]
		return &dialect{sep: sep}, sample(head, all, sep, o).table(sep), nil
	}
	d, s := bestSeparator(head, all, o)
	return d, s, nil
}

// separator returns the byte that a flag names.
func separator(text string) (byte, error) {
	for name, b := range map[string]byte{"comma": ',', "semicolon": ';', "tab": '\t', "space": ' ', "bar": '|', "colon": ':'} {
		if text == name || text == string(b) {
			return b, nil
		}
	}
	return 0, optionError("Options.Separator %.20q: want comma, semicolon, tab, space, bar or colon", text)
}

// bestSeparator takes the one that parts at least four of five lines into as
// many cells as the first, and of those that which leaves the largest share of
// cells numbers. White space parts cells where nothing else leaves numbers.
func bestSeparator(head []byte, all bool, o Options) (*dialect, sampled) {
	best, bestRows, most := &dialect{sep: ','}, sample(head, all, ',', o), -1.0
	for _, sep := range separators {
		s := sample(head, all, sep, o).table(sep)
		if len(s.rows) == 0 || len(s.rows[0]) < 2 || sep == ',' && o.Decimal == "comma" && !s.holds(",") {
			continue
		}
		if same, share := s.shape(); 5*same >= 4*len(s.rows) && share > most {
			best, bestRows, most = &dialect{sep: sep}, s, share
		}
	}
	if most >= 0 {
		return best, bestRows
	}
	single := sample(head, all, 0, o)
	if len(single.rows) == 0 {
		return best, bestRows
	}
	below := sampled{rows: single.rows[1:]}
	if _, comma := decimalOf(below.rows); o.Decimal == "comma" || comma && o.Decimal == "" && len(bestRows.rows[0]) == 1 {
		return &dialect{sep: 0}, single // one column, fractions after a comma
	}
	if _, share := below.shape(); share > 0.5 {
		return best, bestRows
	}
	s := sample(head, all, ' ', o).table(' ')
	if same, share := s.shape(); len(s.rows) > 0 && len(s.rows[0]) > 1 && 5*same >= 4*len(s.rows) && share >= 0.5 {
		return &dialect{sep: ' '}, s
	}
	return best, bestRows
}

func isNumber(cell string, comma bool) bool {
	_, _, err := parseCell(cell, comma)
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
		return false, optionError("Options.Decimal %.20q: want point or comma", o.Decimal)
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
// where at least half of the others have a number or nothing, or all are whole
// numbers above columns that have none, such as years.
func (d *dialect) isHeader(rows [][]string) bool {
	whole := func(cell string) bool { _, err := strconv.Atoi(cell); return err == nil }
	years, below := len(rows) > 3, rows[1:]
	for c, cell := range rows[0] {
		if !isNumber(cell, d.comma) && !isInfinite(cell) && !missing(cell) {
			values := 0
			for _, row := range below {
				if c >= len(row) || isNumber(row[c], d.comma) || isInfinite(row[c]) || missing(row[c]) {
					values++
				}
			}
			if 2*values >= len(below) {
				return true
			}
		}
		years = years && whole(cell)
		for _, row := range below {
			years = years && !(c < len(row) && whole(row[c]))
		}
	}
	return years
}

// namesAndNumbers returns the first cell of a header that is text, and whether others are
// numbers, as they may be in a record of values.
func (d *dialect) namesAndNumbers(header []string) (text string, mixed bool) {
	for _, cell := range header {
		if isNumber(cell, d.comma) {
			mixed = true
		} else if text == "" && !missing(cell) {
			text = cell
		}
	}
	return text, mixed && text != ""
}

// unitsOf returns a cell of the first record below the names if all of it is text
// above columns of numbers: the units of measurement, or explanations. Empty: it is
// none.
func (d *dialect) unitsOf(rows [][]string) (unit string) {
	if len(rows) < 4 {
		return ""
	}
	for c, cell := range rows[0] {
		if isNumber(cell, d.comma) || isInfinite(cell) {
			return ""
		}
		values := 0
		for _, row := range rows[1:] {
			if c < len(row) && isNumber(row[c], d.comma) {
				values++
			}
		}
		if unit == "" && !missing(cell) && 2*values > len(rows) {
			unit = cell
		}
	}
	return unit
}

// quoteOf returns the apostrophe for a table whose cells stand in apostrophes, which
// is where four of five of the first lines have one before a cell, and none a ".
func quoteOf(head []byte) byte {
	lines, quoted := 0, 0
	for line := range bytes.Lines(head) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' || lines == sniffLines {
			continue
		}
		if bytes.IndexByte(line, '"') >= 0 {
			return 0
		}
		lines++
		starts := line[0] == '\''
		for _, sep := range separators {
			starts = starts || bytes.Contains(line, []byte{sep, '\''})
		}
		if starts && bytes.Count(line, []byte{'\''})%2 == 0 {
			quoted++
		}
	}
	if lines > 1 && 5*quoted >= 4*lines {
		return '\''
	}
	return 0
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
