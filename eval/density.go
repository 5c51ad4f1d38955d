package eval

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"heavytail"
	"heavytail/data"
)

// Densities computes the log-density of every point of a set under a model, given the
// point's own conditions where the model has some, and passes them to emit in order, a
// few at a time: those of points first, first+1, …. Points draw different random
// directions from o.Seed. It returns an error for data that are not like those of the
// model, and for a point that the network cannot see, which it names.
func Densities(ctx context.Context, m *heavytail.Model, set *data.Set, o heavytail.DensityOptions, emit func(first int, p []heavytail.LogDensity) error) error {
	needs("Densities", ctx, m, set)
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

// LeastDensityLine is how many bytes a line of WriteDensities has at least.
const LeastDensityLine = int64(len("0,0,0\n"))

// A MeanDensity is the mean of log-densities, in nats.
type MeanDensity struct {
	Value float64 // the mean
	Error float64 // its standard error, of points that are taken as independent
}

// needs panics without a context, a model or a set.
func needs(name string, ctx context.Context, m *heavytail.Model, set *data.Set) {
	if ctx == nil || m == nil || set == nil {
		panic(fmt.Sprintf("eval: %s with a context: %v, a model: %v, and a set: %v", name, ctx != nil, m != nil, set != nil))
	}
}

// WriteDensities writes the log-densities of Densities to w as a table with commas, as the
// command heavytail density does: a line for each point, by its number (data.Set.Number),
// with the standard error of the estimate; and returns their mean. done, if not nil, is
// told how many points are written.
func WriteDensities(ctx context.Context, w io.Writer, m *heavytail.Model, set *data.Set, o heavytail.DensityOptions, done func(points int)) (*MeanDensity, error) {
	needs("WriteDensities", ctx, m, set)
	b := bufio.NewWriter(w)
	what, _ := set.Number(0)
	_, _ = b.WriteString(what + ",log_density,std_error\n") // Flush tells of errors
	var sum, square float64
	err := Densities(ctx, m, set, o, func(first int, ps []heavytail.LogDensity) error {
		for i, p := range ps {
			_, at := set.Number(first + i)
			sum, square = sum+p.Value, square+float64(p.Value*p.Value)
			_, _ = b.WriteString(strconv.Itoa(at) + "," + strconv.FormatFloat(p.Value, 'g', 8, 64) + "," + strconv.FormatFloat(p.Error, 'g', 3, 64) + "\n")
		}
		if done != nil {
			done(first + len(ps))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	n := float64(set.Len())
	mean := sum / n
	return &MeanDensity{mean, math.Sqrt(max(square/n-float64(mean*mean), 0) / n)}, b.Flush()
}
