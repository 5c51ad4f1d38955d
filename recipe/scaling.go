package recipe

import (
	"fmt"
	"math"
	"slices"
)

// The kinds of scaling, as the command names them.
const (
	Robust = "robust" // median and half the interquartile range
	Std    = "std"    // mean and standard deviation
	None   = "none"
)

// Scalings lists the kinds of scaling.
func Scalings() []string { return []string{Robust, Std, None} }

// A Scaling brings the columns of points to the scale of the noise: the network
// sees z = (x − center)/scale, and a sample is x = center + scale·z, both in
// float64 before they are rounded. Heavy tails need this more than light ones: a
// network that is to pass values of 0.01 through noise of 1 keeps the noise.
type Scaling struct {
	Kind   string    `json:"kind"`   // Robust, Std or None
	Center []float64 `json:"center"` // of each column
	Scale  []float64 `json:"scale"`  // of each column; 0: a constant one, whose samples are its value
}

// Apply sets dst to the scaled values of x, whole rows.
func (s *Scaling) Apply(dst []float32, x []float64) {
	d := len(s.Center)
	for i, v := range x {
		dst[i] = 0
		if k := s.Scale[i%d]; k > 0 {
			dst[i] = float32((v - s.Center[i%d]) / k)
		}
	}
}

// Undo sets dst to the values that z, whole rows of scaled values, stands for.
func (s *Scaling) Undo(dst []float64, z []float32) {
	d := len(s.Center)
	for i, v := range z {
		dst[i] = s.Center[i%d]
		if k := s.Scale[i%d]; k > 0 {
			dst[i] += float64(k * float64(v))
		}
	}
}

// Repeat makes of a scaling of the columns of rows that of windows of so many rows, 0
// for none.
func (s *Scaling) Repeat(window int) {
	if window > 0 {
		s.Center, s.Scale = slices.Repeat(s.Center, window), slices.Repeat(s.Scale, window)
	}
}

// clone returns a copy, nil of nil.
func (s *Scaling) clone() *Scaling {
	if s == nil {
		return nil
	}
	c := *s
	c.Center, c.Scale = slices.Clone(c.Center), slices.Clone(c.Scale)
	return &c
}

// validate checks s for points of d values.
func (s *Scaling) validate(shape []int) error {
	if s == nil {
		return nil
	}
	if s.Kind != Robust && s.Kind != Std {
		return fmt.Errorf("scaling %q; want %s or %s, or no scaling", s.Kind, Robust, Std)
	}
	if len(shape) != 1 || len(s.Center) != shape[0] || len(s.Scale) != shape[0] {
		return fmt.Errorf("scaling with %d centers and %d scales for data of shape %v; want one of each per column of points", len(s.Center), len(s.Scale), shape)
	}
	for c := range s.Center {
		if v := s.Center[c]; v-v != 0 {
			return fmt.Errorf("scaling: the center of column %d is %v", c, v)
		}
		if v := s.Scale[c]; !(v >= 0 && v <= math.MaxFloat64) {
			return fmt.Errorf("scaling: the scale of column %d is %v; want 0 (constant) or more", c, v)
		}
	}
	return nil
}

// Points are what a scaling is measured on: Len rows of Dim values, of which Row
// writes number i to dst. Name is what messages call a column, Place a row.
type Points struct {
	Len, Dim int
	Row      func(dst []float64, i int)
	Name     func(column int) string
	Place    func(i int) string
	Bent     func(column int) bool // columns that a transform follows, which takes any float64; nil: none
}

// roundingShare bounds the differences that count as rounding: 16 units in the
// last place of the value they are taken from.
const roundingShare = 1.0 / (1 << 48)

// MeasureScaling returns the scaling of p, of kind Robust or Std, and what a
// person should hear about it.
//
// Robust is the median and half the distance of the quartiles. Where at least
// half of a column's values are the same there is no such distance, and the scale
// is the median distance of the other values from it, which of a symmetric law
// without such ties is the same number. A column of one value has scale 0. The
// error names a value that is too far out for float32 even when scaled.
func MeasureScaling(kind string, p Points) (*Scaling, []string, error) {
	if kind != Robust && kind != Std {
		return nil, nil, fmt.Errorf("scaling %q; want %s, %s or %s", kind, Robust, Std, None)
	}
	s := &Scaling{Kind: kind, Center: make([]float64, p.Dim), Scale: make([]float64, p.Dim)}
	var notes []string
	for first := 0; first < p.Dim; {
		block := p.columns(first)
		for k, x := range block {
			c := first + k
			note := ""
			if kind == Std {
				s.Center[c], s.Scale[c], note = meanStd(x)
			} else {
				s.Center[c], s.Scale[c], note = medianIQR(x)
			}
			if note != "" {
				notes = append(notes, p.Name(c)+" "+note)
			}
			if err := s.reach(p, c, x); err != nil {
				return nil, nil, err
			}
		}
		first += len(block)
	}
	return s, notes, nil
}

// blockBytes is the memory of the columns that are looked at together.
const blockBytes = 64 << 20

// columns returns the columns from first on that fit blockBytes, at least one.
func (p Points) columns(first int) [][]float64 {
	n := min(p.Dim-first, max(1, blockBytes/8/max(p.Len, 1)))
	out := make([][]float64, n)
	for k := range out {
		out[k] = make([]float64, p.Len)
	}
	row := make([]float64, p.Dim)
	for i := range p.Len {
		p.Row(row, i)
		for k := range out {
			out[k][i] = row[first+k]
		}
	}
	return out
}

// reach returns an error if a value x of column c, scaled, is none of float32.
func (s *Scaling) reach(p Points, c int, x []float64) error {
	mid, k := s.Center[c], s.Scale[c]
	if v := mid + k; v-v != 0 {
		return fmt.Errorf("%s has values too large to be scaled; divide it by its typical size first", p.Name(c))
	}
	far := max(slices.Max(x)-mid, mid-slices.Min(x))
	if k == 0 || far/k <= math.MaxFloat32 || p.Bent != nil && p.Bent(c) && far/k <= math.MaxFloat64 {
		return nil
	}
	row, i := make([]float64, p.Dim), 0
	for ; i < p.Len; i++ { // x may be sorted: look for the row it was in
		if p.Row(row, i); math.Abs(row[c]-mid) >= far {
			break
		}
	}
	return fmt.Errorf("%s: %v in %s is %.3g scales of %.3g away from the middle, %.6g, and no network can take it; is it a mistake? Remove the row",
		p.Name(c), row[c], p.Place(i), far/k, k, mid)
}

// medianIQR returns the median and half the interquartile range of x, which it
// sorts, or what MeasureScaling says instead, and a note where it does.
func medianIQR(x []float64) (mid, half float64, note string) {
	slices.Sort(x)
	mid = quantile(x, 0.5)
	rounding := math.Abs(mid) * roundingShare
	half = float64(quantile(x, 0.75)/2) - float64(quantile(x, 0.25)/2)
	if half > rounding {
		return mid, half, ""
	}
	var away []float64
	for _, v := range x {
		if a := math.Abs(v - mid); a > rounding {
			away = append(away, a)
		}
	}
	if len(away) == 0 {
		return mid, 0, fmt.Sprintf("is constant, %.6g: samples have that value", mid)
	}
	slices.Sort(away)
	half = quantile(away, 0.5)
	share := 100 * float64(len(x)-len(away)) / float64(len(x))
	return mid, half, fmt.Sprintf("has no interquartile range, as %.3g %% of its values are %.6g: scaled by %.6g, the median distance of the others from it", share, mid, half)
}

// quantile returns the value at share q of x, ascending, between two of them by
// proportion.
func quantile(x []float64, q float64) float64 {
	at := float64(q * float64(len(x)-1))
	i := min(int(at), len(x)-1)
	j := min(i+1, len(x)-1)
	f := at - float64(i)
	return float64(x[i]*(1-f)) + float64(x[j]*f)
}

// meanStd returns the mean and the standard deviation of x, and a note where it
// is constant.
func meanStd(x []float64) (mean, std float64, note string) {
	n := float64(len(x))
	for _, v := range x {
		mean += (v - x[0]) / n // of differences: a mean of 10⁹ keeps its digits
	}
	mean += x[0]
	for _, v := range x {
		d := v - mean
		std += float64(d*d) / n
	}
	std = math.Sqrt(std)
	if std <= math.Abs(mean)*roundingShare {
		return x[0], 0, fmt.Sprintf("is constant, %.6g: samples have that value", x[0])
	}
	return mean, std, ""
}
