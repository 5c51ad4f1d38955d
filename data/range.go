package data

import (
	"fmt"
	"math"
	"slices"
)

// takeRange brings the values of an array of images to [−1,1], or to bytes where
// that keeps them: as o says, or as the values say.
func (s *Set) takeRange(o Options) error {
	if !s.Images() {
		if o.Range != nil {
			return optionError("Options.Range is for arrays of images, these are points; leave it out")
		}
		return nil
	}
	if o.Range != nil && (len(o.Range) != 2 || !(o.Range[0] < o.Range[1]) || o.Range[1]-o.Range[0] > math.MaxFloat32) {
		return optionError("Options.Range %v: want the values of black and white, the smaller first, such as 0,255", o.Range)
	}
	black, white := -1.0, 1.0
	switch {
	case o.Range != nil:
		black, white = o.Range[0], o.Range[1]
		s.sayOutside(black, white)
	case o.Rules > 0:
		var err error
		if black, white, err = s.findRange(); err != nil {
			return err
		}
	case s.bytes != nil:
		white, black = 255, 0
	}
	eight := black == 0 && white == 255
	if o.Range != nil || !(s.bytes != nil && eight || s.bytes == nil && black == -1 && white == 1) {
		s.Range = []float64{black, white}
	}
	if s.bytes != nil && eight {
		return nil
	}
	if !eight || !s.toBytes() {
		s.rescale(black, white)
	}
	return nil
}

// Ranges that are told apart: 8-bit pictures reach beyond half of white, and what
// is no more than 1 is a share of it.
const leastWhite = 127

// mostStandard bounds values of which some are negative: pictures less their mean in
// units of their deviation reach about 3, dark ones with few bright pixels more.
const mostStandard = 16

// findRange returns the values of black and white: 0 and 1, 0 and 255, or, where
// values are negative, −1 and 1; an error for values that are none of pictures.
func (s *Set) findRange() (black, white float64, err error) {
	lo, hi := s.extremes()
	from := fmt.Sprintf("values from %s to %s", rough(lo), rough(hi))
	switch {
	case s.bytes != nil && hi != 1:
		return 0, 255, nil
	case lo < 0 && max(-lo, hi) > mostStandard:
		i := s.farthest(lo, hi)
		return 0, 0, optionError("%s are none of pictures (%s holds %s): say with Options.Range those of black and white, such as Options.Range %s,%s, or correct them", from, s.Place(i/s.Per()), rough(s.value(i)), rough(lo), rough(hi))
	case lo < -1 || lo < 0 && hi > 1:
		s.note("%s are taken as they are, black being -1 and white 1 (-range says other values)", from)
		return -1, 1, nil
	case lo < 0:
		return -1, 1, nil
	case hi <= 1:
		white = 1
	case hi > leastWhite && hi <= 255:
		white = 255
	default:
		bits := 64
		if s.floats != nil {
			bits = 32
		}
		return 0, 0, optionError("%s are neither of [0, 1] nor of [0, 255]: say with Options.Range those of black and white, such as Options.Range 0,%s", from, decimals(hi, bits))
	}
	s.note("%s: 0 is taken for black, %v for white (-range says other values)", from, white)
	return 0, white, nil
}

// value returns number i of the values of an array.
func (s *Set) value(i int) float64 {
	switch {
	case s.bytes != nil:
		return float64(s.bytes[i])
	case s.floats != nil:
		return float64(s.floats[i])
	}
	return s.wide[i]
}

// farthest returns which value is the one of two extremes that is larger in size.
func (s *Set) farthest(lo, hi float64) int {
	far := hi
	if -lo > hi {
		far = lo
	}
	i := 0
	for s.value(i) != far {
		i++
	}
	return i
}

// extremes returns the least and the greatest value of an array.
func (s *Set) extremes() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	limits(s.bytes, &lo, &hi)
	limits(s.floats, &lo, &hi)
	limits(s.wide, &lo, &hi)
	return lo, hi
}

// sayOutside notes how many values of an array lie outside of the range that was
// asked for. They are kept, darker than black and brighter than white.
func (s *Set) sayOutside(black, white float64) {
	n := outside(s.bytes, black, white) + outside(s.floats, black, white) + outside(s.wide, black, white)
	if n == 0 {
		return
	}
	lo, hi := s.extremes()
	share := 100 * float64(n) / float64(len(s.bytes)+len(s.floats)+len(s.wide))
	s.note("%.3g %% of the values, %s to %s, lie outside of -range %s,%s: they train as they are, and pictures of samples are cut there", share, rough(lo), rough(hi), decimals(black, 64), decimals(white, 64))
}

func outside[T byte | float32 | float64](x []T, black, white float64) (n int) {
	for _, v := range x {
		if f := float64(v); f < black || f > white {
			n++
		}
	}
	return n
}

func limits[T byte | float32 | float64](x []T, lo, hi *float64) {
	if len(x) > 0 {
		*lo, *hi = min(*lo, float64(slices.Min(x))), max(*hi, float64(slices.Max(x)))
	}
}

// toBytes makes bytes of the values if all of them are whole, 0 to 255.
func (s *Set) toBytes() bool {
	b := wholeBytes(s.floats)
	if s.wide != nil {
		b = wholeBytes(s.wide)
	}
	if b == nil {
		return false
	}
	s.bytes, s.floats, s.wide = b, nil, nil
	return true
}

func wholeBytes[T float32 | float64](x []T) []byte {
	out := make([]byte, 0, len(x))
	for _, v := range x {
		if !(v >= 0 && v <= 255) || T(byte(v)) != v {
			return nil
		}
		out = append(out, byte(v))
	}
	return out
}

// rescale maps black to −1 and white to 1, in float64 before rounding.
func (s *Set) rescale(black, white float64) {
	out := make([]float32, 0, len(s.bytes)+len(s.floats)+len(s.wide))
	add := func(v float64) {
		if black != -1 || white != 1 {
			v = float64(2*(v-black)/(white-black)) - 1
		}
		out = append(out, float32(v))
	}
	for _, v := range s.bytes {
		add(float64(v))
	}
	for _, v := range s.floats {
		add(float64(v))
	}
	for _, v := range s.wide {
		add(v)
	}
	s.bytes, s.floats, s.wide = nil, out, nil
}
