package data

import (
	"fmt"
	"slices"
	"sync"
)

// A Dataset is samples of a program's own: what From makes a Set of. Its methods
// are called by one goroutine at a time, and always give the same for the same i:
// a training is a function of its data.
type Dataset interface {
	// Len returns the number of samples.
	Len() int
	// Sample writes sample i to dst, all its values, and returns its class, −1 for
	// none. Images are rows of pixels of channels, from −1, black, to 1, white;
	// points are in units of their own, which training scales.
	Sample(dst []float64, i int) (class int)
}

// own reads a Dataset.
type own struct {
	Dataset
	mu  sync.Mutex
	row []float64
}

// get writes sample i to dst.
func (o *own) get(dst []float32, i int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Sample(o.row, i)
	for j, v := range o.row {
		dst[j] = float32(v)
	}
}

// From returns the set of the samples of d, each of the given shape: [height,
// width, channels] of an image, [dimensions] of a point. classes are the names of
// the classes, nil if they have none. It reads every sample once, to know the
// classes and that all values are finite, and keeps none: training reads them
// again, in its order. It returns an error that names the first sample which is
// none.
func From(d Dataset, shape []int, classes []string) (*Set, error) {
	n := 1
	for _, v := range shape {
		if v < 1 || v > 1<<20 || n > (1<<28)/v {
			return nil, fmt.Errorf("samples of shape %v; want positive sizes, at most 2^28 values in all", shape)
		}
		n *= v
	}
	if len(shape) != 1 && len(shape) != 3 {
		return nil, fmt.Errorf("samples of shape %v; want [height width channels] or [dimensions]", shape)
	}
	if d == nil || d.Len() < 1 {
		return nil, fmt.Errorf("a data set without samples; give at least one")
	}
	s := &Set{Name: "own", Shape: slices.Clone(shape), Classes: slices.Clone(classes), own: &own{Dataset: d, row: make([]float64, n)}}
	first := 0
	for i := range d.Len() {
		c := d.Sample(s.own.row, i)
		if i == 0 {
			first = c
		}
		for j, v := range s.own.row {
			if v-v != 0 {
				return nil, fmt.Errorf("%s is %v; want finite values", s.PlaceOf(i, j), v)
			}
		}
		switch {
		case c < -1 || c >= 1<<20 || len(classes) > 0 && c >= len(classes):
			return nil, fmt.Errorf("%s has class %d of %d; want −1 (none) for all, or the numbers of the classes from 0", s.Place(i), c, len(classes))
		case (c < 0) != (first < 0):
			return nil, fmt.Errorf("%s has class %d, the first sample %d: want a class for all or, −1, for none", s.Place(i), c, first)
		case c >= 0:
			s.Labels = append(s.Labels, c)
		}
	}
	return s, nil
}
