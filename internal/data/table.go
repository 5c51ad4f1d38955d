package data

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"heavytail/internal/npy"
)

// openNPY reads points [N] or [N, D], or images [N, H, W] or [N, H, W, C]: bytes as
// they are, floats as values in [−1,1].
func openNPY(ctx context.Context, arg string, o Options) (*Set, error) {
	f, err := openFile(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := inflated(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	a, err := npy.Read(r, o.maxBytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	s := &Set{bytes: a.U8, floats: a.F32, wide: a.F64}
	switch d := a.Shape; {
	case len(d) == 1, len(d) == 2:
		if s.Shape = d[1:]; len(d) == 1 {
			s.Shape = []int{1}
		}
		s.points()
	case len(d) == 3 && d[1] == 1: // the papers' [N, 1, D]
		s.Shape = d[2:]
		s.points()
	case len(d) == 3:
		s.Shape = []int{d[1], d[2], 1}
	case len(d) == 4 && (d[3] == 1 || d[3] == 3):
		s.Shape = d[1:]
	default:
		return nil, fmt.Errorf("%s: array of shape %v; want points [N] or [N, D], or images [N, H, W], [N, H, W, 1] or [N, H, W, 3]", arg, d)
	}
	if s.Per() == 0 {
		return nil, fmt.Errorf("%s: array of shape %v: there is nothing in a sample", arg, a.Shape)
	}
	if len(s.Shape) == 3 {
		s.narrow()
	}
	if i := max(notFinite(s.floats), notFinite(s.wide)); i >= 0 {
		return nil, fmt.Errorf("%s: sample %d has a value that is not finite, or beyond float32; remove it", arg, i/s.Per())
	}
	return s, nil
}

// points makes the values float64.
func (s *Set) points() {
	if s.wide == nil {
		s.wide = make([]float64, 0, len(s.bytes)+len(s.floats))
		for _, v := range s.bytes {
			s.wide = append(s.wide, float64(v))
		}
		for _, v := range s.floats {
			s.wide = append(s.wide, float64(v))
		}
		s.bytes, s.floats = nil, nil
	}
}

// narrow rounds float64 values of images to float32.
func (s *Set) narrow() {
	for _, v := range s.wide {
		s.floats = append(s.floats, float32(v))
	}
	s.wide = nil
}

// notFinite returns the place of the first value that is not finite as a
// float32, −1 if there is none.
func notFinite[T float32 | float64](x []T) int {
	for i, v := range x {
		if f := float32(v); f-f != 0 {
			return i
		}
	}
	return -1
}

// openCSV reads points, one a line. A first line that is not numbers names
// the columns; a column called label or class holds the class.
func openCSV(ctx context.Context, arg string, o Options) (*Set, error) {
	f, err := openFile(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := inflated(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	s, err := ReadCSV(r, o.maxBytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	return s, nil
}

// maxLine bounds a line of a table, which encoding/csv holds in memory.
const maxLine = 16 << 20

// A lineLimit refuses lines of more than maxLine bytes.
type lineLimit struct {
	r io.Reader
	n int // bytes since the last line's end
}

func (l *lineLimit) Read(p []byte) (int, error) {
	k, err := l.r.Read(p)
	if i := bytes.LastIndexByte(p[:k], '\n'); i >= 0 {
		l.n = k - i - 1
	} else if l.n += k; l.n > maxLine {
		return 0, fmt.Errorf("a line of more than %d MiB; this is no table of points", maxLine>>20)
	}
	return k, err
}

// ReadCSV reads points as openCSV does, taking at most maxBytes of memory.
func ReadCSV(r io.Reader, maxBytes int64) (*Set, error) {
	c := csv.NewReader(&lineLimit{r: r})
	c.ReuseRecord, c.TrimLeadingSpace, c.Comment = true, true, '#'
	s, label := &Set{}, -1
	for row := 0; ; row++ {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if row == 0 {
			label = labelColumn(rec)
			dim := len(rec)
			if label >= 0 {
				dim--
			}
			if dim < 1 {
				return nil, errors.New("there are no columns of values")
			}
			s.Shape = []int{dim}
			if header(rec) {
				continue
			}
		}
		if err := s.addRow(rec, label, row); err != nil {
			line, _ := c.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if int64(len(s.wide))*8 > maxBytes {
			return nil, fmt.Errorf("the table is larger than the limit of %d MiB", maxBytes>>20)
		}
	}
}

func header(rec []string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(rec[0]), 64)
	return err != nil
}

func labelColumn(rec []string) int {
	if !header(rec) {
		return -1
	}
	for i, name := range rec {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "label", "class":
			return i
		}
	}
	return -1
}

func (s *Set) addRow(rec []string, label, row int) error {
	for i, text := range rec {
		text = strings.TrimSpace(text)
		if i == label {
			l, err := strconv.Atoi(text)
			if err != nil || l < 0 || l >= 1<<20 {
				return fmt.Errorf("class %.40q; want a number from 0", text)
			}
			s.Labels = append(s.Labels, l)
			continue
		}
		v, err := parseFloat(text)
		if err != nil {
			return fmt.Errorf("column %d: %.40q; want a finite number", i+1, text)
		}
		s.wide = append(s.wide, v)
	}
	return nil
}

// parseFloat returns the nearest float64 to a decimal number that is finite as a
// float32. Where that lies half-way between two of float32, of which rounding
// again may choose the wrong one, it is moved by its last place towards the
// float32 that is nearest to the number: float32(v) is what was read when tables
// were float32.
func parseFloat(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, err
	}
	if math.Float64bits(v)&(1<<29-1) == 1<<28 {
		near, err := strconv.ParseFloat(text, 32)
		if err != nil {
			return 0, err
		}
		if near != float64(float32(v)) {
			v = math.Nextafter(v, near)
		}
	}
	if f := float32(v); f-f != 0 {
		return 0, strconv.ErrRange
	}
	return v, nil
}
