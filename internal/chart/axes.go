package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"heavytail/internal/dmath"
)

// An axis maps numbers from lo to hi to pixels.
type axis struct {
	lo, hi   float64
	log      bool
	from, to float64
}

func log10(v float64) float64 { return dmath.Log(v) / math.Ln10 }
func exp10(v float64) float64 { return dmath.Exp(v * math.Ln10) }

// pixel returns where v lies.
func (a axis) pixel(v float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		lo, hi, v = log10(lo), log10(hi), log10(v)
	}
	return a.from + float64((v-lo)/(hi-lo)*(a.to-a.from))
}

// shows reports whether v lies within the axis, with a little to spare.
func (a axis) shows(v float64) bool {
	if a.log {
		return v > 0 && v >= a.lo/1.0001 && v <= a.hi*1.0001
	}
	slack := float64(1e-6 * (a.hi - a.lo))
	return v >= a.lo-slack && v <= a.hi+slack
}

func (a axis) clamp(v float64) float64 { return min(max(v, a.lo), a.hi) }

// axes returns the axes that hold all points.
func (p Plot) axes() (x, y axis) {
	var xs, ys []float64
	for _, s := range p.Series {
		for i, v := range s.Y {
			xs, ys = append(xs, s.X[i]), append(ys, v)
			if s.Err != nil && !p.LogY {
				ys = append(ys, v-s.Err[i], v+s.Err[i])
			}
		}
		if s.Style == Steps && len(s.X) > 0 {
			xs = append(xs, s.X[len(s.X)-1])
		}
	}
	x = axis{log: p.LogX, from: marginLeft, to: marginLeft + innerWidth}
	y = axis{log: p.LogY, from: marginTop + innerHeight, to: marginTop}
	x.lo, x.hi = limits(xs, p.LogX)
	y.lo, y.hi = limits(ys, p.LogY)
	if p.YRange != [2]float64{} {
		y.lo, y.hi = p.YRange[0], p.YRange[1]
	}
	return x, y
}

// limits returns a range around the values that an axis can show.
func limits(v []float64, log bool) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, u := range v {
		if u-u == 0 && (!log || u > 0) {
			lo, hi = min(lo, u), max(hi, u)
		}
	}
	switch {
	case lo > hi && log:
		return 0.1, 10
	case lo > hi:
		return 0, 1
	case log:
		f := exp10(max(0.04*(log10(hi)-log10(lo)), 0.05))
		return lo / f, hi * f
	}
	pad := 0.04 * (hi - lo)
	if pad == 0 {
		pad = max(math.Abs(lo)/10, 0.1)
	}
	if lo >= 0 && lo < 0.3*hi { // an axis that nearly reaches 0 begins there
		return 0, hi + pad
	}
	return lo - pad, hi + pad
}

// leastTicks is how many numbers an axis shows at least: two do not say whether it is
// logarithmic.
const leastTicks = 3

// decade are the steps within a power of ten that a logarithmic axis marks, coarse to
// fine: the first that shows enough is taken.
var decade = [][]float64{{1}, {1, 2, 5}, {1, 2, 3, 5, 7}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}

// ticks returns the marked values, about six.
func (a axis) ticks() []float64 {
	if !a.log {
		return a.linearTicks()
	}
	decades := log10(a.hi) - log10(a.lo)
	coarsest := 0
	if decades < 2.2 {
		coarsest = 1
	}
	for _, steps := range decade[coarsest:] {
		if out := a.logTicks(steps, max(int(math.Ceil(decades/7)), 1)); len(out) >= leastTicks {
			return out
		}
	}
	return a.linearTicks() // so short an axis is nearly linear
}

// logTicks returns the values on the axis that are a step times every so many powers
// of ten.
func (a axis) logTicks(steps []float64, every int) (out []float64) {
	for d := int(math.Floor(log10(a.lo))); float64(d) <= log10(a.hi); d++ {
		for _, s := range steps {
			// Divided and not multiplied below 1: 0.2 is 2/10 to the last bit.
			v := s * math.Round(exp10(float64(d)))
			if d < 0 {
				v = s / math.Round(exp10(float64(-d)))
			}
			if d%every == 0 && a.shows(v) {
				out = append(out, v)
			}
		}
	}
	return out
}

func (a axis) linearTicks() []float64 {
	out, _ := Ticks(a.lo, a.hi, 4)
	if out == nil {
		return []float64{a.lo, a.hi}
	}
	return out
}

// Ticks returns the multiples from lo to hi of the largest step of 1, 2 or 5 times a
// power of ten that leaves at least so many intervals, and the exponent of the
// power; nil if there is no such step in float64.
func Ticks(lo, hi float64, intervals int) (at []float64, exp int) {
	raw := strconv.FormatFloat((hi-lo)/float64(intervals), 'e', 0, 64) // one digit, and the exponent exactly
	top, err := strconv.Atoi(raw[strings.IndexByte(raw, 'e')+1:])
	if err != nil { // NaN, Inf
		return nil, 0
	}
	for exp = top; exp >= top-1; exp-- {
		power, _ := strconv.ParseFloat("1e"+strconv.Itoa(exp), 64)
		for _, m := range []float64{5, 2, 1} {
			step := power * m
			if !(step > 0 && (hi-lo)/step >= float64(intervals)) {
				continue
			}
			for k := math.Ceil(lo/step - float64(1e-12*math.Abs(lo/step))); k*step <= hi+float64(1e-12*math.Abs(hi)); k++ {
				at = append(at, float64(k*step)+0) // + 0: no "-0"
			}
			return at, exp
		}
	}
	return nil, 0
}

// tickText formats a tick: powers of ten beyond three zeros as such.
func tickText(v float64) string {
	text := fmt.Sprintf("%.4g", v)
	if v != 0 && (math.Abs(v) < 1e-3 || math.Abs(v) >= 1e4) {
		text = fmt.Sprintf("%.1e", v)
		text = strings.Replace(text, ".0e", "e", 1)
		text = strings.NewReplacer("e-0", "e-", "e+0", "e", "e+", "e").Replace(text)
	}
	return text
}
