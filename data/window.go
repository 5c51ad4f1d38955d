package data

import (
	"fmt"
	"math"
)

// MaxWindow bounds the rows of a window.
const MaxWindow = 4096

// A Set of windows has samples of several rows that follow each other in their table:
// sample i is the rows starts[i], starts[i]+1, … of wide, one after the other.

// series makes of the rows of a table the part that o asks for, then its windows. No
// window holds rows of both parts, nor rows between which one was left out.
func (s *Set) series(o Options) error {
	switch {
	case o.Window != 0 && (o.Window < 2 || o.Window > MaxWindow):
		return optionError("Options.Window %d: want 2 to %d rows, or 0 for samples of one", o.Window, MaxWindow)
	case !(o.Held >= 0 && o.Held < 1):
		return optionError("Options.Held %v: want a share of the rows, 0 (none) or more and below 1", o.Held)
	case o.HeldOut && o.Held == 0:
		return optionError("Options.HeldOut: the model was trained on all rows, none being held out (training with setting held); leave it out")
	case o.LongTail != 0 && o.Window != 0:
		return optionError("Options.LongTail: a window has no class: leave it out")
	}
	if n := s.Len(); o.Held > 0 {
		first, last := 0, n-heldRows(n, o.Held)
		switch last {
		case n:
			return fmt.Errorf("Options.Held %v of %d rows is none of them: give more rows, or a larger share", o.Held, n)
		case 0:
			return fmt.Errorf("Options.Held %v of %d rows is all of them: give more rows, or a smaller share", o.Held, n)
		}
		if n-last < o.Window {
			return fmt.Errorf("Options.Held %v of %d rows is %d, and a window has %d: none could be judged by; give a larger share, or a shorter window", o.Held, n, n-last, o.Window)
		}
		if o.HeldOut {
			first, last = last, n
		}
		in := make([]int, 0, last-first)
		for i := first; i < last; i++ {
			in = append(in, i)
		}
		s.keep(in)
	}
	if o.Window == 0 {
		return nil
	}
	s.Labels, s.Classes = nil, nil
	return s.windows(o.Window)
}

// heldRows returns how many of n rows, the last ones, are held out.
func heldRows(n int, share float64) int { return int(math.Round(float64(n) * share)) }

// windows makes samples of L rows, one from each row that as many others follow.
func (s *Set) windows(L int) error {
	d, rows := s.Per(), s.Len()
	if rows > 0 && L*d > 1<<20 {
		return optionError("Options.Window %d of %d columns: want fewer of them", L, d)
	}
	for i := range rows - L + 1 {
		if s.at(i+L-1)-s.at(i) == L-1 {
			s.starts = append(s.starts, i)
		}
	}
	if s.starts == nil {
		return fmt.Errorf("Options.Window %d: nowhere in %d rows do so many follow each other without one that was left out: give more rows, or a shorter window", L, rows)
	}
	s.Window, s.Shape = L, []int{L * d}
	if s.Columns == nil {
		return nil
	}
	var names []string
	for t := range L {
		for _, name := range s.Columns {
			names = append(names, fmt.Sprintf("%s_%d", name, t+1))
		}
	}
	s.Columns = names
	return nil
}

// row returns the number of the first row of sample i.
func (s *Set) row(i int) int {
	if s.starts != nil {
		return s.starts[i]
	}
	return i
}

// Rows returns how many rows the samples are made of: Len, but of windows, which
// share them.
func (s *Set) Rows() int {
	if s.starts != nil {
		return len(s.wide) / s.RowLen()
	}
	return s.Len()
}

// RowLen returns the number of values in one row: Per, but of windows.
func (s *Set) RowLen() int { return s.Per() / max(s.Window, 1) }

// Row writes row i to dst as Float64 writes a sample.
func (s *Set) Row(dst []float64, i int) {
	if s.starts == nil {
		s.Float64(dst, i)
		return
	}
	d := s.RowLen()
	copy(dst[:d], s.wide[i*d:(i+1)*d])
}

// RowPlace is Place of a row.
func (s *Set) RowPlace(i int) string {
	if s.starts == nil {
		return s.Place(i)
	}
	return fmt.Sprintf("line %d", s.at(i))
}
