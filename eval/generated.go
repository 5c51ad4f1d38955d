package eval

import (
	"context"
	"slices"

	"heavytail/data"
	"heavytail/internal/imageio"
	"heavytail/output"
)

// Generated are the samples that stand beside real ones, of which some are taken that
// are spread evenly over them.
type Generated struct {
	N       int      // how many there are
	Shape   []int    // of one
	Columns []string // names of a point's values, nil: none
	take    func(n int) (Samples, error)
}

// OfSet returns the samples of a set, to be compared as if a model had made them.
func OfSet(set *data.Set) *Generated {
	return &Generated{set.Len(), set.Shape, set.Columns, func(n int) (Samples, error) {
		y, _, err := spread(set, n)
		return y, err
	}}
}

// OfParts returns the samples of a folder of parts, which output.Open opened: only those
// that are compared are read. It panics if s is of another origin.
func OfParts(ctx context.Context, s *output.Samples) *Generated {
	if s.Parts == 0 {
		panic("eval: OfParts of samples that are not those of a folder")
	}
	shape := slices.Clone(s.Shape)
	if len(shape) == 0 {
		shape = []int{1}
	}
	return &Generated{s.N, shape, s.Columns, func(n int) (y Samples, err error) {
		each := func(ctx context.Context, emit func(x []float64) error) error {
			return s.Rows(ctx, places(s.N, n), emit)
		}
		if len(shape) < 3 {
			err = each(ctx, func(x []float64) error {
				y.Points = append(y.Points, x...)
				return nil
			})
			return y, err
		}
		y.Images = streamed{n, func(ctx context.Context, emit func([]float32) error) error {
			var image []float32
			return each(ctx, func(x []float64) error {
				image = image[:0]
				for _, v := range x {
					image = append(image, level(imageio.Byte(float32(v))))
				}
				return emit(image)
			})
		}}
		return y, nil
	}}
}
