package data

import (
	"bufio"
	"bytes"
	"slices"
)

// A sampled is the first records of a table.
type sampled struct {
	rows  [][]string
	lines []int // that they begin on
	above []int // lines of records above the table
}

// sepHint begins the line by which a spreadsheet is told what parts the cells.
const sepHint = "sep="

// sample returns the first records, less one that may be cut off, read by the rules
// of now or the first ones.
func sample(head []byte, all bool, sep byte, o Options) sampled {
	r := bytes.NewReader(head)
	br := bufio.NewReader(r)
	t := newRecordReader(br, sep)
	t.now, t.quote = o.Rules > 0, o.quote
	var s sampled
	for len(s.rows) < sniffRecords {
		rec, err := t.read()
		if err != nil {
			break
		}
		if !all && r.Len() == 0 && br.Buffered() == 0 && len(s.rows) > 0 {
			break
		}
		s.rows, s.lines = append(s.rows, slices.Clone(rec)), append(s.lines, t.line)
	}
	return s
}

// shape returns how many records have as many cells as the first, and the share of
// cells that are numbers or say that there is none.
func (s sampled) shape() (same int, share float64) {
	numbers, cells := 0, 0
	for _, row := range s.rows {
		if len(trimmed(row, len(s.rows[0]))) == len(s.rows[0]) {
			same++
		}
		for _, cell := range row {
			cells++
			if isEither(cell) || missing(cell) {
				numbers++
			}
		}
	}
	return same, float64(numbers) / max(float64(cells), 1)
}

// holds reports whether a cell holds a text.
func (s sampled) holds(text string) bool {
	return slices.ContainsFunc(s.rows, func(row []string) bool {
		return slices.ContainsFunc(row, func(cell string) bool { return bytes.Contains([]byte(cell), []byte(text)) })
	})
}

// table returns the sample from where the table begins: at the first record of the
// usual number of cells, at least two, which four of five below it have. What stands
// above is a title, a comment or the like. The names of the columns may end with a
// separator, or lack a cell, as those of R do above the names of the rows.
func (s sampled) table(sep byte) sampled {
	width, from := s.usual()
	if width < 2 {
		return s
	}
	values := slices.ContainsFunc(s.rows[from], isEither)
	switch {
	case from == 0:
	case values && len(s.rows[from-1]) == width-1 && !slices.ContainsFunc(s.rows[from-1], isEither) && (sep == ' ' || width > 2 && !isEither(s.rows[from][0])):
		from--
		s.rows[from] = append([]string{""}, s.rows[from]...)
	case values && sep == ',': // or it stands before fractions, or parts thousands, of the one column named above
		return s
	}
	s.rows[from] = trimmed(s.rows[from], width)
	return sampled{s.rows[from:], s.lines[from:], s.lines[:from]}
}

// usual returns the number of cells that most records have, empty ones behind them
// not counted, and the first record of those; 0 if these are not four of five from
// there on.
func (s sampled) usual() (width, from int) {
	most, least := 0, make([]int, len(s.rows))
	for i, row := range s.rows {
		least[i] = len(trimmed(row, 0))
	}
	for _, row := range s.rows {
		w, same, first := len(row), 0, -1
		for i, other := range s.rows {
			if least[i] <= w && w <= len(other) {
				if same++; first < 0 {
					first = i
				}
			}
		}
		if same > most && 5*same >= 4*(len(s.rows)-first) {
			most, width, from = same, w, first
		}
	}
	return width, from
}

// isEither reports whether a cell is a number with one of the decimal marks.
func isEither(cell string) bool { return isNumber(cell, false) || isNumber(cell, true) }

// trimmed returns a record less the empty cells beyond a width.
func trimmed(row []string, width int) []string {
	for len(row) > width && row[len(row)-1] == "" {
		row = row[:len(row)-1]
	}
	return row
}
