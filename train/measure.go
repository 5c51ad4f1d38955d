package train

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/recipe"
)

// Measure sets what a process takes from the data where the flags do not give it:
// σ_data, one for images and one per column for points, as they are scaled and bent, and
// the mean that a flow's network of noise needs at its start. Four digits are kept. It
// returns what to say of single values that decide one of these numbers alone, and an
// error that names a value with which no process of the kind is possible.
func Measure(r *recipe.Recipe, set *data.Set) (notes []string, err error) {
	needBoth("Measure", r, set)
	needs := r.Flow != nil && r.Flow.Target == diffusion.TargetNoise && r.Flow.Mean == nil
	if r.EDM != nil && r.EDM.SigmaData == nil {
		needs = true
	}
	if !needs {
		return nil, nil
	}
	mean, std := moments(r, set)
	what := "standard deviation, which is sigma_data,"
	if r.Flow != nil {
		what = "standard deviation"
	}
	if of := r.Data.Scaling; !set.Images() && (of == nil || of.Kind != recipe.Std) { // who scales by it was told
		raw := slices.Clone(std) // in the units of the data
		for c := range raw {
			switch {
			case bends(r.Data.Transform, c): // no deviation of the data's
				raw[c] = 0
			case of != nil:
				raw[c] *= of.Scale[c]
			}
		}
		notes = swamped(set, raw, what)
	}
	if r.Flow != nil {
		r.Flow.Mean = digits(mean)
		return notes, tooFar(set, *r, r.Flow.Validate())
	}
	if nu := len(r.EDM.Nu); set.Images() || nu > 1 && nu != len(std) {
		sum := 0.0
		for _, s := range std {
			sum += float64(s * s)
		}
		std = []float64{math.Sqrt(sum / float64(len(std)))}
	}
	for c, s := range std {
		if s == 0 { // a constant: any scale will do
			std[c] = 1
		}
	}
	r.EDM.SigmaData = digits(std)
	return notes, tooFar(set, *r, (diffusion.EDM{SigmaData: r.EDM.SigmaData}).Validate())
}

// tooFar adds to err, the error of a process with what was measured on the data as
// r scales them, the value that lies farthest out; nil stays nil.
func tooFar(set *data.Set, r recipe.Recipe, err error) error {
	if err == nil {
		return nil
	}
	x, z := make([]float64, set.Per()), make([]float32, set.Per())
	i, j, far := 0, 0, -1.0
	for k := range set.Len() {
		set.Get(z, k, false)
		if r.Data.Converted() {
			set.Float64(x, k)
			r.Data.ToNetwork(z, x)
		}
		for c, v := range z {
			if a := math.Abs(float64(v)); a > far {
				i, j, far = k, c, a
			}
		}
	}
	set.Float64(x, i)
	return fmt.Errorf("%w: %s holds %.6g, which lies farthest out; is it a mistake? Correct it or take it out", err, set.PlaceOf(i, j), set.Told(x[j]))
}

// swamps is how many times half its interquartile range the deviation of a column
// must be to say so: of α-stable data of index 1 it is about the root of their
// number, and networks that see values of 1000 beside those of 1 learn the former.
const swamps = 1000

// swamped notes each column of points whose deviation std, in the units of the
// data, is far beyond the size of most of its values, and the value that makes it
// so. what tells the deviation's use.
func swamped(set *data.Set, std []float64, what string) (notes []string) {
	usual, _, err := recipe.MeasureScaling(recipe.Robust, pointsOf(set))
	if err != nil {
		return []string{err.Error()} // of a value yet farther out
	}
	for c, half := range usual.Scale {
		if !(std[c] > swamps*half) || half == 0 {
			continue
		}
		i, v := farthest(set, c, usual.Center[c])
		notes = append(notes, fmt.Sprintf("column %s: its %s is %.3g times half its interquartile range, for values such as %.6g (%s): correct them if they are mistakes; a process for heavy tails with -standardize robust is for those that are none",
			set.ColumnName(c), what, std[c]/half, v, set.Place(i)))
	}
	return notes
}

// farOut notes each column of points with a value beyond TooLarge of the
// scales that were measured on it; not where a transform draws it in.
func farOut(set *data.Set, d *recipe.Data) (notes []string) {
	s := d.Scaling
	for c, half := range s.Scale {
		if half == 0 || bends(d.Transform, c) {
			continue
		}
		i, v := farthest(set, c, s.Center[c])
		if n := math.Abs(v-s.Center[c]) / half; n > TooLarge {
			notes = append(notes, fmt.Sprintf("column %s: %.6g (%s) is %.3g of its scales away from the middle: if it is a mistake, correct it or take it out", set.ColumnName(c), v, set.Place(i), n))
		}
	}
	return notes
}

// farthest returns the value of column c that is farthest from the middle, and its
// sample.
func farthest(set *data.Set, c int, middle float64) (i int, v float64) {
	x, far := make([]float64, set.Per()), -1.0
	for k := range set.Len() {
		set.Float64(x, k)
		if a := math.Abs(x[c] - middle); a > far {
			i, v, far = k, x[c], a
		}
	}
	return i, v
}

// pointsOf gives the points of a set to who measures them.
func pointsOf(set *data.Set) recipe.Points {
	name := func(c int) string { return "column " + set.ColumnName(c) }
	if set.Window > 0 { // each row once, whose columns keep their law over time
		name = func(c int) string { return "column " + strings.TrimSuffix(set.ColumnName(c), "_1") }
	}
	return recipe.Points{Len: set.Rows(), Dim: set.RowLen(), Row: set.Row, Name: name, Place: set.RowPlace}
}

// digits rounds to four.
func digits(x []float64) []float64 {
	for i, v := range x {
		x[i], _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	}
	return x
}

// moments returns the mean and the standard deviation of each channel of images,
// of each column of points as the network sees them.
func moments(rec *recipe.Recipe, set *data.Set) (mean, std []float64) {
	if !rec.Data.Converted() {
		return set.Moments()
	}
	d := set.Per()
	x, z := make([]float64, d), make([]float32, d)
	mean, std = make([]float64, d), make([]float64, d)
	each := func(f func(c int, v float64)) {
		for i := range set.Len() {
			set.Float64(x, i)
			rec.Data.ToNetwork(z, x)
			for c, v := range z {
				f(c, float64(v))
			}
		}
	}
	n := float64(set.Len())
	each(func(c int, v float64) { mean[c] += v / n })
	each(func(c int, v float64) { v -= mean[c]; std[c] += float64(v*v) / n })
	for c, v := range std {
		std[c] = math.Sqrt(v)
	}
	return mean, std
}
