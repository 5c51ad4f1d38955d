package data

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// spiral is a data set of a program's own.
type spiral struct{ n, class, bad int }

func (s spiral) Len() int { return s.n }

func (s spiral) Sample(dst []float64, i int) int {
	for j := range dst {
		dst[j] = 1e9 + float64(i)/float64(1+j)
	}
	if i == s.bad {
		dst[1] = math.NaN()
	}
	if s.class < 0 {
		return -1
	}
	return i % s.class
}

func TestFrom(t *testing.T) {
	s, err := From(spiral{n: 7, class: 3, bad: -1}, []int{2}, []string{"a", "b", "c"})
	require.NoError(t, err)
	require.Equal(t, 7, s.Len())
	require.Equal(t, 3, s.NumClasses())
	require.Equal(t, []int{0, 1, 2, 0, 1, 2, 0}, s.Labels)
	x, wide := make([]float32, 2), make([]float64, 2)
	require.Equal(t, 2, s.Get(x, 5, false))
	require.Equal(t, []float32{1e9, 1e9}, x) // of float32
	s.Float64(wide, 5)
	require.Equal(t, []float64{1e9 + 5, 1e9 + 2.5}, wide)
	kept := &Set{Shape: []int{2}, Labels: s.Labels}
	for i := range 7 {
		s.Float64(wide, i)
		kept.wide = append(kept.wide, wide...)
	}
	require.Equal(t, kept.Sum(), s.Sum(), "the sum of values tells data from others, wherever they lie")

	s, err = From(spiral{n: 2, class: -1, bad: -1}, []int{1, 2, 1}, nil)
	require.NoError(t, err)
	require.True(t, s.Images())
	require.Nil(t, s.Labels)
}

func TestFromRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		d       Dataset
		shape   []int
		classes []string
		want    string
	}{
		"none":    {nil, []int{2}, nil, "without samples"},
		"empty":   {spiral{}, []int{2}, nil, "without samples"},
		"flat":    {spiral{n: 1}, []int{2, 2}, nil, "[height width channels] or [dimensions]"},
		"nothing": {spiral{n: 1}, []int{0}, nil, "positive sizes"},
		"huge":    {spiral{n: 1}, []int{1 << 20, 1 << 20, 1 << 20}, nil, "at most 2^28 values"},
		"NaN":     {spiral{n: 9, class: -1, bad: 4}, []int{2}, nil, "row 4 (from 0), column 1 is NaN"},
		"classes": {spiral{n: 9, class: 3, bad: -1}, []int{2}, []string{"a", "b"}, "row 2 (from 0) has class 2 of 2"},
	} {
		_, err := From(c.d, c.shape, c.classes)
		require.ErrorContains(t, err, c.want, name)
	}
}
