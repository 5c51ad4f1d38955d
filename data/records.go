package data

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds a record of a table: a quote that nothing closes would make one
// of the whole file.
const maxLine = 16 << 20

// A recordReader reads the records of a text of separated cells: lines that end
// in LF, CR LF or CR, cells that may be quoted, quotes within doubled, as in RFC
// 4180. Empty lines and those that begin with # are left out.
type recordReader struct {
	r     *bufio.Reader
	sep   byte
	quote byte // of quoted cells, " if 0
	now   bool // by rules since 1: see ignored
	line  int  // the last record began on, from 1
	here  int  // the next byte is on

	raw  []byte
	ends []int // of the cells, in raw
	out  []string
}

func newRecordReader(r *bufio.Reader, sep byte) *recordReader {
	return &recordReader{r: r, sep: sep, here: 1}
}

// read returns the cells of the next record without the white space around
// them. The slice is used again by the next call. At the end of the text it
// returns io.EOF.
func (t *recordReader) read() ([]string, error) {
	for {
		t.raw, t.ends, t.line = t.raw[:0], t.ends[:0], t.here
		more, err := t.record()
		if err != nil {
			return nil, err
		}
		text, from := string(t.raw), 0
		t.out = t.out[:0]
		for _, end := range t.ends {
			t.out = append(t.out, strings.TrimSpace(text[from:end]))
			from = end
		}
		switch {
		case len(t.out) == 1 && t.out[0] == "" && !more:
			return nil, io.EOF
		case len(t.out) == 1 && t.out[0] == "" || t.ignored(t.out[0]):
		default:
			return t.out, nil
		}
	}
}

// ignored reports whether a record that begins with a cell is a comment. The errors
// of spreadsheets are none, and what tells these the separator, in the first line,
// is no record.
func (t *recordReader) ignored(cell string) bool {
	if strings.HasPrefix(cell, "#") {
		return !t.now || !missing(cell)
	}
	return t.now && t.line == 1 && strings.HasPrefix(cell, sepHint)
}

// Where in a record a byte is.
type place int

const (
	start  place = iota // of a cell, only white space so far
	plain               // in a cell
	quoted              // in a quoted cell
	closed              // after a quote in a quoted cell
)

// record reads one record into raw and ends; more is false at the end of the
// text.
func (t *recordReader) record() (more bool, err error) {
	at, opened, quote := start, 0, cmp.Or(t.quote, '"')
	for {
		b, err := t.r.ReadByte()
		if err == io.EOF {
			if at == quoted {
				return false, t.unclosed(opened)
			}
			t.ends = append(t.ends, len(t.raw))
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if len(t.raw) >= maxLine {
			if at == quoted {
				return false, t.unclosed(opened)
			}
			return false, tooLong(t.line)
		}
		if b == '\r' {
			if next, err := t.r.Peek(1); err == nil && next[0] == '\n' {
				_, _ = t.r.Discard(1)
			}
			b = '\n'
		}
		if b == '\n' {
			t.here++
		}
		switch {
		case at == quoted && b == quote:
			at = closed
		case at == quoted:
			t.raw = append(t.raw, b)
		case at == closed && b == quote:
			t.raw, at = append(t.raw, b), quoted
		case b == '\n':
			t.ends = append(t.ends, len(t.raw))
			return true, nil
		case at == start && b == ' ' && t.sep == ' ': // several part cells as one does
		case b == t.sep:
			t.ends, at = append(t.ends, len(t.raw)), start
		case at == start && b == quote:
			at, opened = quoted, t.here
		case at == start && (b == ' ' || b == '\t'):
		default:
			t.raw, at = append(t.raw, b), plain
		}
	}
}

func tooLong(line int) error {
	return fmt.Errorf("line %d has more than %d MiB; this is no table of points", line, maxLine>>20)
}

func (t *recordReader) unclosed(line int) error {
	return fmt.Errorf("line %d: a quote opens a cell and nothing closes it; remove it", line)
}
