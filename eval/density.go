package eval

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"heavytail"
	"heavytail/data"
)

// Densities computes the log-density of every point of a set under a model, given the
// point's own conditions where the model has some, and passes them to emit in order, a
// few at a time: those of points first, first+1, …. Points draw different random
// directions from o.Seed. It returns an error for data that are not like those of the
// model, and for a point that the network cannot see, which it names.
func Densities(ctx context.Context, m *heavytail.Model, set *data.Set, o heavytail.DensityOptions, emit func(first int, p []heavytail.LogDensity) error) error {
	if !slices.Equal(set.Shape, m.Shape()) {
		return fmt.Errorf("%s has samples of shape %v, the model was trained on %v: give data like those", set.Name, set.Shape, m.Shape())
	}
	if err := data.InOrder(m.Recipe().Data.Columns, set.Columns); err != nil {
		return fmt.Errorf("%s: %w", set.Name, err)
	}
	const most = 1024
	per, seed := set.Per(), o.Seed
	x := make([]float64, min(most, set.Len())*per)
	for first := 0; first < set.Len(); first += most {
		places := make([]int, min(most, set.Len()-first))
		for i := range places {
			places[i] = first + i
			set.Float64(x[i*per:(i+1)*per], first+i)
		}
		o.Seed, o.Given = seed+uint64(first), set.ConditionsOf(places)
		ps, err := m.LogDensity(ctx, x[:len(places)*per], o)
		if far := new(heavytail.BeyondError); errors.As(err, &far) {
			return fmt.Errorf("%s: %v is beyond float32 as the network sees it: leave the row out", set.PlaceOf(first+far.Point, far.Value), far.X)
		}
		if err != nil {
			return err
		}
		if err := emit(first, ps); err != nil {
			return err
		}
	}
	return nil
}
