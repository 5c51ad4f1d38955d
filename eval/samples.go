package eval

import (
	"context"
	"fmt"
	"slices"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/imageio"
)

// Samples are points in float64, for those far from 0, one after the other, or images,
// rounded to the 256 levels that they have in files.
type Samples struct {
	Points []float64 // of points; nil: these are images
	Images Pictures  // of images
}

// places are n numbers spread evenly over those of so many samples.
func places(of, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = int(float64(i) * (float64(of) / float64(n)))
	}
	return out
}

// spread returns n samples of the set, spread evenly over it, and their places. The error
// is that of points which are no longer there; Images tells it of images.
func spread(set *data.Set, n int) (x Samples, at []int, err error) {
	per := set.Per()
	at = places(set.Len(), n)
	if set.Images() {
		x.Images = streamed{n, func(ctx context.Context, f func([]float32) error) error {
			image := make([]float32, per)
			for _, i := range at {
				set.Get(image, i, false)
				for j, v := range image {
					if v-v != 0 {
						return changed(set, i)
					}
					image[j] = level(imageio.Byte(v))
				}
				if err := f(image); err != nil {
					return err
				}
			}
			return ctx.Err()
		}}
		return x, at, nil
	}
	x.Points = make([]float64, n*per)
	for i := range n {
		point := x.Points[i*per : (i+1)*per]
		set.Float64(point, at[i])
		for _, v := range point {
			if v-v != 0 {
				return Samples{}, nil, changed(set, at[i])
			}
		}
	}
	return x, at, nil
}

// changed is the error of a sample that was finite when the set was opened: one of 256
// levels would be made of it, and nobody would know.
func changed(set *data.Set, i int) error {
	return fmt.Errorf("%s has a value that is not finite, or cannot be read, which was there before: leave the file as it is while it is read", set.Place(i))
}

// A Source says what was compared.
type Source struct {
	Data    string `json:"data"`              // what it is called
	Samples int    `json:"samples"`           // that there are, or were drawn
	Model   string `json:"model,omitempty"`   // file name, or built-in
	Weights string `json:"weights,omitempty"` // as heavytail.Loader has them
	Method  string `json:"method,omitempty"`  // sampler of a model
	Steps   int    `json:"steps,omitempty"`   // moves of the sampler; of dlpm and dlim, before 0.3.0, one more
	// Evaluations is how often the network was asked for one sample.
	Evaluations int    `json:"evaluations,omitempty"`
	Classes     string `json:"classes,omitempty"` // of a model's samples: as real, or in turn
	Mode        string `json:"mode,omitempty"`    // of the GPU that drew them, if it gives other bytes than a CPU
}

// A Report is Scores with what was compared, as the command writes it in JSON.
type Report struct {
	Program   string `json:"program"`   // with its version
	Kind      string `json:"kind"`      // points or images
	Real      Source `json:"real"`      // the first set
	Generated Source `json:"generated"` // that beside it
	Scores
}

// A Pair is as many real samples as generated ones, to be compared by Scores.
type Pair struct {
	Real, Generated Samples           // as they are compared
	N               int               // how many samples of each
	Options         heavytail.Options // resolved, of Draw
	AsReal          bool              // the classes of Draw are those of the real samples
	set             *data.Set
}

// Scores compares the pair by everything that suits its kind: images by Images, points by
// Points in the given columns.
func (p *Pair) Scores(ctx context.Context, columns []int, o Options) (*Scores, error) {
	if p.set.Images() {
		return ImagesFrom(ctx, p.Real.Images, p.Generated.Images, p.set.Shape, o)
	}
	return Points(ctx, p.Real.Points, p.Generated.Points, p.set.Per(), columns, p.set.ColumnName, o)
}

// Beside takes as many real samples as generated ones, spread evenly over both sets, n
// at most (0: all). It returns an error for sets that cannot be compared; real and
// generated are what it calls them.
func Beside(set *data.Set, gen *Generated, n int, real, generated string) (p *Pair, err error) {
	if !slices.Equal(gen.Shape, set.Shape) {
		if a, b := set.Shape, gen.Shape; len(a) == 1 && len(b) == 1 {
			return nil, fmt.Errorf("%s has points of %d columns, %s of %d: give sets of the same columns; beside model:FILE a table has those of its training", real, a[0], generated, b[0])
		}
		return nil, fmt.Errorf("%s has samples of shape %v, %s of %v: give sets of one shape (images: Options.Size and Options.Channels)", real, set.Shape, generated, gen.Shape)
	}
	if err := data.InOrder(set.Columns, gen.Columns); err != nil {
		return nil, fmt.Errorf("%s, beside %s: %w", generated, real, err)
	}
	p = &Pair{set: set, N: min(set.Len(), gen.N)}
	if n > 0 {
		p.N = min(p.N, n)
	}
	if p.N < Least {
		return nil, fmt.Errorf("%s has %d samples, %s %d: want at least %d of each", real, set.Len(), generated, gen.N, Least)
	}
	if p.Real, _, err = spread(set, p.N); err != nil {
		return nil, fmt.Errorf("%s: %w", real, err)
	}
	if p.Generated, err = gen.take(p.N); err != nil {
		return nil, fmt.Errorf("%s: %w", generated, err)
	}
	return p, nil
}

// MostImages and MostPoints are how many samples Draw draws where nobody says so.
const (
	MostImages = 1000
	MostPoints = 10000
)

// Draw draws n samples of a model (0: as many as there are real ones, at most MostImages
// or MostPoints) beside real ones that are spread evenly over a set. Where the model
// knows the classes of the set, or has conditions, the samples have those of the real
// ones. Of o it takes the method and its settings, Seed and Batch. progress, if not nil,
// is told how many of the n are drawn. real and generated are what errors call the two;
// impossible options are a *heavytail.OptionError.
func Draw(ctx context.Context, set *data.Set, m *heavytail.Model, o heavytail.Options, n int, real, generated string, progress func(done float64, of int)) (p *Pair, err error) {
	needs("Draw", ctx, m, set)
	if !slices.Equal(m.Shape(), set.Shape) {
		return nil, fmt.Errorf("%s has samples of shape %v, the model %s makes %v: give data like those it was trained on (images: Options.Size and Options.Channels)",
			real, set.Shape, generated, m.Shape())
	}
	if err := data.InOrder(m.Recipe().Data.Columns, set.Columns); err != nil {
		return nil, fmt.Errorf("%s, of model:%s: %w", real, generated, err)
	}
	most := MostPoints
	if set.Images() {
		most = MostImages
	}
	p = &Pair{set: set, N: min(set.Len(), most)}
	if n > 0 {
		p.N = min(n, set.Len())
	}
	if p.N < Least {
		return nil, fmt.Errorf("%s has %d samples: want at least %d", real, set.Len(), Least)
	}
	var at []int
	if p.Real, at, err = spread(set, p.N); err != nil {
		return nil, fmt.Errorf("%s: %w", real, err)
	}
	o.N, o.Classes, o.Given = p.N, classesOf(set, m, at), set.ConditionsOf(at)
	p.AsReal = o.Classes != nil
	if p.Options, err = m.Resolve(o); err != nil {
		return nil, err
	}
	y, per := &p.Generated, float64(set.Per())
	count := func(values int) error {
		if progress != nil {
			progress(float64(values)/per, p.N)
		}
		return nil
	}
	if set.Images() {
		bytes := make([]byte, 0, p.N*set.Per())
		err = m.Stream(ctx, p.Options, func(_ int, batch []float32) error {
			for _, v := range batch {
				bytes = append(bytes, imageio.Byte(v))
			}
			return count(len(bytes))
		})
		y.Images = levels(bytes, set.Per())
	} else {
		err = m.Stream64(ctx, p.Options, func(_ int, batch []float64) error {
			y.Points = append(y.Points, batch...)
			return count(len(y.Points))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", generated, err)
	}
	return p, nil
}

// classesOf returns the classes of the real samples if the model knows them.
func classesOf(set *data.Set, m *heavytail.Model, places []int) []int {
	if set.Labels == nil || m.Classes() != set.NumClasses() {
		return nil
	}
	var out []int
	for _, at := range places {
		out = append(out, set.Labels[at])
	}
	return out
}
