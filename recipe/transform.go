package recipe

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// The kinds of transform beside None, as the command names them.
const (
	SoftLog = "softlog" // z = sign(y)·ln(1+|y|), Log-FM's (Pachebat 2026)
	Asinh   = "asinh"   // z = arsinh y
	TTF     = "ttf"     // the inverse of the tail transform flow's map (Hickling and Prangle 2025)
)

// Transforms lists the kinds of transform.
func Transforms() []string { return []string{SoftLog, Asinh, TTF, None} }

// maxLambda bounds the weights of TTF's tails: an index of 1/10.
const maxLambda = 10

// A Transform bends the values y of one column of points, as its scaling leaves
// them, to values z with lighter tails, which the network works on. Samples are bent
// back. Both ways are in float64: to its rounding each undoes the other.
//
// SoftLog and Asinh turn a power tail into an exponential one. TTF turns it into a
// Gaussian one, if λ is the reciprocal of the tail's index: of Gaussian z its
//
//	y = s·(erfc(|z|/√2)^(−λ) − 1)/λ,  s = sign z, λ = λ₊ for s > 0, λ₋ below
//
// has P(|y| > u | s) = (1 + λu)^(−1/λ), a generalised Pareto law; λ = 0 is its limit,
// the exponential law.
type Transform struct {
	Kind  string  `json:"kind"`            // SoftLog, Asinh, TTF or None
	Lower float64 `json:"lower,omitempty"` // TTF: λ₋, of the values below 0
	Upper float64 `json:"upper,omitempty"` // TTF: λ₊, of those above
}

// Bend returns z for y.
func (t Transform) Bend(y float64) float64 {
	a := math.Abs(y)
	switch t.Kind {
	case SoftLog:
		a = dmath.Log1p(a)
	case Asinh:
		a = arsinh(a)
	case TTF:
		a = math.Sqrt2 * dmath.LogErfcInv(-paretoLog(a, t.lambda(y)))
	default:
		return y
	}
	return math.Copysign(a, y)
}

// Unbend returns the y that z stands for: infinite if it is beyond float64.
func (t Transform) Unbend(z float64) float64 {
	a := math.Abs(z)
	switch t.Kind {
	case SoftLog:
		a = dmath.Expm1(a)
	case Asinh:
		a = sinh(a)
	case TTF:
		a = pareto(-dmath.LogErfc(a/math.Sqrt2), t.lambda(z))
	default:
		return z
	}
	return math.Copysign(a, z)
}

// LogSlope returns ln dz/dy at y: −ln(1+|y|) of SoftLog, −½·ln(1+y²) of Asinh. Of TTF
// it is the logarithm of the Pareto law's density over that of |z|, which is normal,
//
//	−(1+λ)·l + z²/2 + ½·ln(π/2),  l = ln(1+λ|y|)/λ
func (t Transform) LogSlope(y float64) float64 {
	a := math.Abs(y)
	switch t.Kind {
	case SoftLog:
		return -dmath.Log1p(a)
	case Asinh:
		if a > 0x1p28 { // where 1 is lost beside a²
			return -dmath.Log(a)
		}
		return -dmath.Log1p(float64(a*a)) / 2
	case TTF:
		lambda, z := t.lambda(y), t.Bend(y)
		return float64(float64(z*z)/2) - float64((1+lambda)*paretoLog(a, lambda)) + float64(dmath.Log(math.Pi/2)/2)
	}
	return 0
}

func (t Transform) lambda(v float64) float64 {
	if v < 0 {
		return t.Lower
	}
	return t.Upper
}

// arsinh returns ln(a + √(a²+1)) for a ≥ 0 without cancellation.
func arsinh(a float64) float64 {
	if a > 0x1p28 { // where 1 is lost beside a²
		return dmath.Log(a) + math.Ln2
	}
	aa := float64(a * a)
	return dmath.Log1p(a + aa/(1+math.Sqrt(1+aa)))
}

// sinh returns (e^a − e^(−a))/2 for a ≥ 0 without cancellation.
func sinh(a float64) float64 {
	if a > 22 { // e^(−a) is lost beside e^a, which may be beyond float64 before its half is
		h := dmath.Exp(a / 2)
		return h / 2 * h
	}
	t := dmath.Expm1(a)
	return (t + t/(1+t)) / 2
}

// paretoLog returns ln(1 + λa)/λ, −ln of the generalised Pareto law's survival, for
// a ≥ 0: a itself where λ = 0.
func paretoLog(a, lambda float64) float64 {
	switch b := float64(lambda * a); {
	case b < 0x1p-54: // less than its rounding from a; it may be subnormal
		return a
	case b > 0x1p1000: // it may be beyond float64
		return (dmath.Log(a) + dmath.Log(lambda)) / lambda
	default:
		return dmath.Log1p(b) / lambda
	}
}

// pareto returns (e^(λl) − 1)/λ, the inverse of paretoLog, for l ≥ 0.
func pareto(l, lambda float64) float64 {
	switch b := float64(lambda * l); {
	case b < 0x1p-54:
		return l
	case b > 600: // e^b may be beyond float64 before the result is
		h := dmath.Exp(b / 2)
		return h / lambda * h
	default:
		return dmath.Expm1(b) / lambda
	}
}

// validateTransform checks d's transforms.
func (d Data) validateTransform() error {
	if d.Transform == nil {
		return nil
	}
	if len(d.Shape) != 1 || len(d.Transform) != d.Shape[0] {
		return fmt.Errorf("%d transforms for data of shape %v; want one per column of points", len(d.Transform), d.Shape)
	}
	for c, t := range d.Transform {
		if !slices.Contains(Transforms(), t.Kind) {
			return fmt.Errorf("transform %q of column %d; want %s", t.Kind, c, strings.Join(Transforms(), ", "))
		}
		for _, v := range []float64{t.Lower, t.Upper} {
			if t.Kind != TTF && v != 0 {
				return fmt.Errorf("transform %s of column %d has a tail weight, %v, which only %s has", t.Kind, c, v, TTF)
			}
			if !(v >= 0 && v <= maxLambda) {
				return fmt.Errorf("transform %s of column %d: a tail weight of %v; want 0 to %d", t.Kind, c, v, maxLambda)
			}
		}
	}
	return nil
}

// Converted reports whether the network's values are others than those of the
// data, by a scaling or a transform.
func (d *Data) Converted() bool { return d.Scaling != nil || d.Transform != nil }

// ToNetwork sets dst to what the network sees of x, whole rows of points in the
// units of the data: scaled, then bent, then rounded.
func (d *Data) ToNetwork(dst []float32, x []float64) {
	switch {
	case d.Transform == nil && d.Scaling == nil:
		for i, v := range x {
			dst[i] = float32(v)
		}
	case d.Transform == nil:
		d.Scaling.Apply(dst, x)
	default:
		for i, v := range x {
			c := i % len(d.Transform)
			dst[i] = float32(d.Transform[c].Bend(d.scaled(c, v)))
		}
	}
}

// scaled returns the value v of column c as the scaling leaves it.
func (d *Data) scaled(c int, v float64) float64 {
	s := d.Scaling
	switch {
	case s == nil:
		return v
	case s.Scale[c] == 0:
		return 0
	}
	return (v - s.Center[c]) / s.Scale[c]
}

// Standard returns the network's value for v of column c, before it is rounded, and
// the logarithm of its derivative by v: what a density in the units of the data has
// more than that of the network's values. It is +Inf of a constant column.
func (d *Data) Standard(c int, v float64) (z, logSlope float64) {
	z = d.scaled(c, v)
	if d.Transform != nil {
		logSlope = d.Transform[c].LogSlope(z)
		z = d.Transform[c].Bend(z)
	}
	if d.Scaling != nil {
		logSlope -= dmath.Log(d.Scaling.Scale[c])
	}
	return z, logSlope
}

// FromNetwork sets dst to the values, in the units of the data, that z, whole rows of
// the network's values, stands for. A value far out may be infinite under a transform.
func (d *Data) FromNetwork(dst []float64, z []float32) {
	switch {
	case d.Transform == nil && d.Scaling == nil:
		for i, v := range z {
			dst[i] = float64(v)
		}
	case d.Transform == nil:
		d.Scaling.Undo(dst, z)
	default:
		for i, v := range z {
			c := i % len(d.Transform)
			y, s := 0.0, d.Scaling
			if s == nil || s.Scale[c] > 0 { // a constant column stays what it is, whatever v
				y = d.Transform[c].Unbend(float64(v))
			}
			if dst[i] = y; s != nil {
				dst[i] = s.Center[c] + float64(s.Scale[c]*y)
			}
		}
	}
}

// MeasureTransform returns the transform of each column of p, of the given kinds, one
// for all or one for each, as they follow the scaling s (nil: none): TTF's λ of either
// side are the reciprocal of its tail index (stable.SideIndex). It returns what a
// person should hear about it. All columns as they are (None) are nil.
func MeasureTransform(kinds []string, s *Scaling, p Points) ([]Transform, []string, error) {
	if len(kinds) == 1 {
		kinds = slices.Repeat(kinds, p.Dim)
	}
	if len(kinds) != p.Dim {
		return nil, nil, fmt.Errorf("transforms of %d columns for data of %d: give one for all, or one for each (none: as it is)", len(kinds), p.Dim)
	}
	out := make([]Transform, p.Dim)
	bent := false
	for c, kind := range kinds {
		if !slices.Contains(Transforms(), kind) {
			return nil, nil, fmt.Errorf("transform %q; want %s", kind, strings.Join(Transforms(), ", "))
		}
		out[c].Kind = kind
		bent = bent || kind != None
	}
	if !bent {
		return nil, nil, nil
	}
	var notes []string
	if slices.Contains(kinds, TTF) {
		notes = measureTails(out, s, p)
	}
	return out, notes, nil
}

// measureTails sets the λ of the columns that TTF bends.
func measureTails(out []Transform, s *Scaling, p Points) (notes []string) {
	for first := 0; first < p.Dim; {
		block := p.columns(first)
		for k, x := range block {
			t, c := &out[first+k], first+k
			if t.Kind != TTF || s != nil && s.Scale[c] == 0 {
				continue
			}
			unit := inRange(x)
			upper, above := tailWeight(x, unit, true)
			lower, below := tailWeight(x, unit, false)
			t.Upper, t.Lower = upper.lambda, lower.lambda
			notes = append(notes, fmt.Sprintf("%s: tails of index %s below and %s above (ttf)", p.Name(c), lower.index, upper.index))
			for _, side := range []struct{ where, note string }{{"below", below}, {"above", above}} {
				if side.note != "" {
					notes = append(notes, fmt.Sprintf("%s, %s: %s", p.Name(c), side.where, side.note))
				}
			}
		}
		first += len(block)
	}
	return notes
}

// inRange divides values by a power of 2 where they are so large or small that stable
// refuses them; a tail index does not feel it. It returns its exponent.
func inRange(x []float64) (exponent int) {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	if most == 0 || most > 1e-100 && most < 1e100 {
		return 0
	}
	_, e := math.Frexp(most)
	for i, v := range x {
		x[i] = math.Ldexp(v, -e)
	}
	return e
}

// A weight is λ of one side, to four digits, and its index for a person.
type weight struct {
	lambda float64
	index  string
}

// tailWeight returns the weight of one side of x, and what a person should hear of it:
// why equal values leave no index, or that it rests on one value. x was divided by 2^unit.
func tailWeight(x []float64, unit int, upper bool) (weight, string) {
	f, err := stable.SideIndex(x, upper)
	if err != nil { // bounded, rounded, or too few: no power tail to follow
		none := weight{0, "none (exponential)"}
		if tied := new(stable.TieError); errors.As(err, &tied) {
			tied.Value = math.Ldexp(tied.Value, unit)
			_, text, _ := strings.Cut(strings.TrimPrefix(tied.Error(), "stable: "), ": ")
			return none, text
		}
		return none, ""
	}
	out := weight{min(math.Round(1e4/f.Alpha)/1e4, maxLambda), fmt.Sprintf("%.3g", f.Alpha)}
	at := slices.Index(x, slices.Min(x))
	if upper {
		at = slices.Index(x, slices.Max(x))
	}
	rest, err := stable.SideIndex(slices.Delete(slices.Clone(x), at, at+1), upper)
	if err != nil || rest.Alpha <= f.Interval.Hi {
		return out, ""
	}
	return out, fmt.Sprintf("the index rests on one value, %.6g: without it it is %.3g; leave its row out if it is a mistake", math.Ldexp(x[at], unit), rest.Alpha)
}
