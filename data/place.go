package data

import (
	"fmt"
	"heavytail/internal/source"
	"slices"
	"sort"
	"strconv"
)

// A stretch is samples that follow each other in their file: the first is number
// sample of the set and lies at place at of the file.
type stretch struct{ sample, at int }

// lay notes that sample i, the last one, lies at a place of the file.
func (s *Set) lay(i, at int) {
	if n := len(s.stretches); n == 0 || s.stretches[n-1].at+i-s.stretches[n-1].sample != at {
		s.stretches = append(s.stretches, stretch{i, at})
	}
}

// at returns the place of sample i in its file.
func (s *Set) at(i int) int {
	n := sort.Search(len(s.stretches), func(k int) bool { return s.stretches[k].sample > i })
	if n == 0 {
		return i
	}
	return s.stretches[n-1].at + i - s.stretches[n-1].sample
}

// Place says where sample i lies in its file, with the samples counted that were
// left out: by its line in a table, by its number from 0 in an array.
func (s *Set) Place(i int) string {
	what, at := s.Number(i)
	switch {
	case s.Window > 0:
		return fmt.Sprintf("lines %d to %d", at, s.at(s.row(i)+s.Window-1))
	case what == "line":
		return fmt.Sprintf("line %d", at)
	}
	return fmt.Sprintf("%s %d (from 0)", what, at)
}

// Number is Place in two parts: line, image or row, and which; of a window its first.
func (s *Set) Number(i int) (what string, at int) {
	switch {
	case s.table:
		return "line", s.at(s.row(i))
	case s.Images():
		return "image", s.at(i)
	}
	return "row", s.at(i)
}

// ColumnName returns what the data call column c, else its number.
func (s *Set) ColumnName(c int) string {
	if s.Columns != nil {
		return source.Printable(s.Columns[c])
	}
	return strconv.Itoa(c)
}

// PlaceOf is Place of value j of sample i, with the column of points that have
// more than one.
func (s *Set) PlaceOf(i, j int) string {
	switch {
	case s.Images() || len(s.Columns) == 0 && s.Per() == 1:
		return s.Place(i)
	case len(s.Columns) > 0:
		return fmt.Sprintf("%s, column %q", s.Place(i), s.Columns[j])
	}
	return fmt.Sprintf("%s, column %d", s.Place(i), j)
}

// Told returns a value as the file of the set has it, for messages: v is one of what Float64
// gives, before images were brought to their range.
func (s *Set) Told(v float64) float64 {
	switch {
	case len(s.Range) == 2:
		return s.Range[0] + float64((v+1)/2*(s.Range[1]-s.Range[0]))
	case s.bytes != nil:
		return (v + 1) / 2 * 255
	}
	return v
}

// moved keeps the places of the samples of index in, ascending.
func (s *Set) moved(in []int) {
	old := Set{stretches: slices.Clone(s.stretches)}
	s.stretches = nil
	for to, from := range in {
		s.lay(to, old.at(from))
	}
}
