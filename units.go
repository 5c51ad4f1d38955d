package heavytail

import (
	"fmt"
	"math"

	"heavytail/diffusion"
	"heavytail/recipe"
)

// units turn the values that a network works on into those of the data.
type units struct {
	data   *recipe.Data    // whose scaling and transform they undo
	d      int             // values of a sample
	edit   *diffusion.Edit // as it was asked for, in the units of the data
	image  []float64       // its image in float64, if given so
	wide   []float64
	narrow []float32
}

// scaled returns o with the edit in the network's values, an error if these are
// none.
func (o Options) scaled(r recipe.Recipe) (Options, error) {
	if o.Edit == nil || !r.Data.Converted() && o.Image64 == nil {
		return o, nil
	}
	e, x, field := *o.Edit, o.Image64, "Image64"
	if x == nil {
		field = "Edit.Image"
		x = make([]float64, len(e.Image))
		for j, v := range e.Image {
			x[j] = float64(v)
		}
	}
	e.Image = make([]float32, len(x))
	r.Data.ToNetwork(e.Image, x)
	for j, v := range e.Image {
		if v-v != 0 && x[j]-x[j] == 0 {
			return o, impossible(field, x[j], "values within float32", "value %d of the image to start from, %v, is beyond float32 as the network would see it; leave it out", j, x[j])
		}
	}
	o.Edit = &e
	return o, nil
}

// float64s returns the values of states x.
func (u *units) float64s(x []float32) []float64 {
	if len(u.wide) < len(x) {
		u.wide = make([]float64, len(x))
	}
	y := u.wide[:len(x)]
	u.data.FromNetwork(y, x)
	return y
}

// float32s is float64s, rounded; x itself where they are the same.
func (u *units) float32s(x []float32) []float32 {
	if !u.data.Converted() {
		return x
	}
	return u.rounded(u.float64s(x))
}

func (u *units) rounded(y []float64) []float32 {
	if len(u.narrow) < len(y) {
		u.narrow = make([]float32, len(y))
	}
	round(u.narrow, y)
	return u.narrow[:len(y)]
}

// samples64 returns the values of the samples first, …: states at their end,
// where the known values of an edit are those that were given, to the last bit.
func (u *units) samples64(first int, x []float32) []float64 {
	y := u.float64s(x)
	if u.edit == nil || len(u.edit.Known) == 0 || !u.data.Converted() && u.image == nil {
		return y
	}
	// at is where value j of these samples lies among n, of one sample or of all.
	at := func(n, j int) int { return (first%(n/u.d)*u.d + j) % n }
	for j := range y {
		switch {
		case !u.edit.Known[at(len(u.edit.Known), j)]:
		case u.image != nil:
			y[j] = u.image[at(len(u.image), j)]
		default:
			y[j] = float64(u.edit.Image[at(len(u.edit.Image), j)])
		}
	}
	return y
}

// samples32 is samples64, rounded.
func (u *units) samples32(first int, x []float32) ([]float32, error) {
	if !u.data.Converted() {
		return x, nil
	}
	wide, err := u.finite(first, u.samples64(first, x))
	if err != nil {
		return nil, err
	}
	y := u.rounded(wide)
	for j, v := range y {
		if math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("heavytail: sample %d has the value %v, which is beyond float32: ask for float64 (Stream64 of the library, .csv or .npy of the command)", first+j/u.d, wide[j])
		}
	}
	return y, nil
}

// finite returns samples y, the values of the samples first, …, or an error if one
// is beyond float64, as a transform may take those of heavy-tailed noise.
func (u *units) finite(first int, y []float64) ([]float64, error) {
	for j, v := range y {
		if v-v != 0 {
			what := "its scale"
			if t := u.data.Transform; t != nil {
				what = "the transform " + t[j%u.d].Kind
			}
			return nil, fmt.Errorf("heavytail: sample %d has a value in column %d that %s takes beyond float64: leave out that seed, or train a process of lighter noise (edm, flow) behind a transform", first+j/u.d, j%u.d, what)
		}
	}
	return y, nil
}

func round(to []float32, from []float64) {
	for j, v := range from {
		to[j] = float32(v)
	}
}
