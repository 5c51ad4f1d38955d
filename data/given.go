package data

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"heavytail/internal/source"
)

// Conditions writes the values of sample i's conditions to dst, as they were read: of a
// window those of its first row. It panics if dst has not len(s.Given) values.
func (s *Set) Conditions(dst []float64, i int) {
	k := len(s.Given)
	i = s.row(i)
	copy(dst[:k], s.given[i*k:(i+1)*k])
}

// ConditionsOf returns those of the samples at some places, one after the other, nil if
// there are none.
func (s *Set) ConditionsOf(places []int) []float64 {
	k := len(s.Given)
	if k == 0 {
		return nil
	}
	x := make([]float64, k*len(places))
	for i, at := range places {
		s.Conditions(x[i*k:], at)
	}
	return x
}

// name names the columns and the conditions of what was read.
func (t *tableReader) name() {
	d, s := t.d, t.set
	names := func(columns []int) (out []string) {
		for _, c := range columns {
			if d.names != nil {
				out = append(out, d.names[c])
			} else {
				out = append(out, strconv.Itoa(c))
			}
		}
		return out
	}
	if d.names != nil || len(d.columns) != d.width {
		s.Columns = names(d.columns)
	}
	s.Given = names(d.given)
}

// ReadConditions reads rows of conditions, in the order of their names, from the table
// at path: its columns of those names, or all of them if they have no names and are as
// many. A cell without value is an error, as each row is of one sample.
func ReadConditions(ctx context.Context, path string, names []string) (v Values, err error) {
	o := Options{Columns: names, Missing: "error", empty: "give one, as each row is of one sample"}
	s, err := Open(ctx, "csv:"+path, o)
	if flag := (OptionError{}); errors.As(err, &flag) {
		o.Columns = nil
		all, other := Open(ctx, "csv:"+path, o)
		if other == nil && (all.Columns != nil || all.Per() != len(names)) {
			return v, fmt.Errorf("it has not a column for each of the conditions, %s: name its columns so, or give it as many without names", list(names))
		}
		s, err = all, other
	}
	if err != nil {
		return v, err
	}
	v.X, v.Notes = make([]float64, s.Len()*s.Per()), s.Notes
	for i := range s.Len() {
		s.Float64(v.X[i*s.Per():], i)
	}
	v.Sum, err = source.Sum(ctx, path)
	return v, err
}
