package emu

import (
	"math"
	"math/bits"
	"strings"

	"heavytail/simd"
)

// The NaN that the hardware makes.
const (
	nan32 = 0x7fffffff
	nan64 = 0x7fffffffffffffff
)

func f32(x uint64) float32 { return math.Float32frombits(uint32(x)) }
func f64(x uint64) float64 { return math.Float64frombits(x) }

// bits32 and bits64 are the bits of a result.
func bits32(f float32) uint64 {
	if f != f {
		return nan32
	}
	return uint64(math.Float32bits(f))
}

func bits64(f float64) uint64 {
	if f != f {
		return nan64
	}
	return math.Float64bits(f)
}

// arithmetic and arithmetic64 are the operations that round once; each value
// is rounded before it goes on, so Go cannot fuse two.
var arithmetic = map[string]func(x, y float32) float32{
	"add": func(x, y float32) float32 { return x + y },
	"sub": func(x, y float32) float32 { return x - y },
	"mul": func(x, y float32) float32 { return x * y },
	"div": func(x, y float32) float32 { return x / y },
}

var arithmetic64 = map[string]func(x, y float64) float64{
	"add": func(x, y float64) float64 { return x + y },
	"sub": func(x, y float64) float64 { return x - y },
	"mul": func(x, y float64) float64 { return x * y },
	"div": func(x, y float64) float64 { return x / y },
}

func buildFloat(d *decoder) {
	op := d.part[0]
	if op == "min" || op == "max" {
		d.minMax(op == "max", d.has("NaN"))
		return
	}
	to, a, b := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t)
	if d.t.size == 8 {
		f := arithmetic64[op]
		d.binary(to, a, b, func(x, y uint64) uint64 { return bits64(f(f64(x), f64(y))) })
		return
	}
	f := arithmetic[op]
	d.binary(to, a, b, func(x, y uint64) uint64 { return bits32(f(f32(x), f32(y))) })
}

// minMax: of a number and a NaN the number, unless .NaN; −0 is less than +0.
func (d *decoder) minMax(most, keepNaN bool) {
	pick := func(x, y float64) float64 {
		switch {
		case x != x && keepNaN || y != y && keepNaN:
			return math.NaN()
		case x != x:
			return y
		case y != y:
			return x
		case most:
			return max(x, y)
		}
		return min(x, y)
	}
	to, a, b := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t)
	if d.t.size == 8 {
		d.binary(to, a, b, func(x, y uint64) uint64 { return bits64(pick(f64(x), f64(y))) })
		return
	}
	d.binary(to, a, b, func(x, y uint64) uint64 { return bits32(float32(pick(float64(f32(x)), float64(f32(y))))) })
}

// buildFMA has a loop of its own: most instructions of a product are these.
func buildFMA(d *decoder) {
	to, a, b, c := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t), d.src(3, d.t)
	if d.t.size == 8 {
		d.ternary(to, a, b, c, func(x, y, z uint64) uint64 { return bits64(math.FMA(f64(x), f64(y), f64(z))) })
		return
	}
	d.in.f = func(w *warp) {
		x, y, z, u := &w.regs[to], a.get(w), b.get(w), c.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				x[l] = bits32(simd.FMA(f32(y[l]), f32(z[l]), f32(u[l])))
			}
		}
	}
}

// estimates are the functions with .approx.
var estimates = map[string]func(x float64) float64{
	"ex2":   math.Exp2,
	"lg2":   math.Log2,
	"rcp":   func(x float64) float64 { return 1 / x },
	"rsqrt": func(x float64) float64 { return 1 / math.Sqrt(x) },
}

func buildFloatUnary(d *decoder) {
	top := uint64(1) << (8*d.t.size - 1)
	var f func(x uint64) uint64
	switch op := d.part[0]; {
	case op == "neg":
		f = func(x uint64) uint64 { return x ^ top }
	case op == "abs":
		f = func(x uint64) uint64 { return x &^ top }
	case op == "sqrt" && d.t.size == 8:
		f = func(x uint64) uint64 { return bits64(math.Sqrt(f64(x))) }
	case op == "sqrt":
		f = func(x uint64) uint64 { return bits32(float32(math.Sqrt(float64(f32(x))))) }
	default:
		estimate, flush := estimates[op], d.has("ftz")
		f = func(x uint64) uint64 {
			return flushed(bits32(float32(estimate(float64(f32(flushed(x, flush)))))), flush)
		}
	}
	d.unary(d.dst(0, d.t), d.src(1, d.t), f)
}

// flushed is 0 for a subnormal number, with its sign.
func flushed(x uint64, flush bool) uint64 {
	if flush && x>>23&255 == 0 {
		return x & 0x80000000
	}
	return x
}

// holds tells whether a comparison holds of two values: a less than b, equal,
// unordered. A comparison that ends in u also holds of unordered ones.
func holds(cmp string, less, equal, unordered bool) bool {
	if cmp == "num" || cmp == "nan" {
		return unordered == (cmp == "nan")
	}
	if unordered {
		return len(cmp) == 3
	}
	switch cmp[:2] {
	case "lt":
		return less
	case "le":
		return less || equal
	case "gt":
		return !less && !equal
	case "ge":
		return !less
	case "eq":
		return equal
	}
	return !equal
}

// buildCompare is setp p, a, b and setp.and p, a, b, q.
func buildCompare(d *decoder) {
	t, cmp := d.t, d.part[1]
	join := ""
	if len(d.part) == 4 {
		join = d.part[2]
		d.want(4)
	} else {
		d.want(3)
	}
	compare := func(x, y uint64) bool {
		switch {
		case t.class == 'f' && t.size == 4:
			return holds(cmp, f32(x) < f32(y), f32(x) == f32(y), f32(x) != f32(x) || f32(y) != f32(y))
		case t.class == 'f':
			return holds(cmp, f64(x) < f64(y), f64(x) == f64(y), f64(x) != f64(x) || f64(y) != f64(y))
		case t.class == 's':
			return holds(cmp, extend(x, t.size) < extend(y, t.size), x == y, false)
		}
		return holds(cmp, x < y, x == y, false)
	}
	to, a, b := d.dst(0, types["pred"]), d.src(1, t), d.src(2, t)
	q := source{all: splat(1)}
	if join != "" {
		q = d.src(3, types["pred"])
	}
	d.ternary(to, a, b, q, func(x, y, z uint64) uint64 {
		r := compare(x, y)
		if join == "or" {
			r = r || z == 1
		} else {
			r = r && z == 1
		}
		if r {
			return 1
		}
		return 0
	})
}

func buildSelect(d *decoder) {
	d.ternary(d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t), d.src(3, types["pred"]), func(a, b, p uint64) uint64 {
		if p == 1 {
			return a
		}
		return b
	})
}

// buildConvert: to integers that are too narrow the low bits are kept; a float
// becomes the nearest integer that there is, and NaN 0.
func buildConvert(d *decoder) {
	last := len(d.part) - 1
	if d.has("tf32") {
		b := types["b32"]
		d.unary(d.dst(0, b), d.src(1, d.t), func(x uint64) uint64 { return tf32(x) })
		return
	}
	from, into := types[d.part[last]], types[d.part[last-1]]
	round := math.Trunc
	if strings.HasPrefix(d.part[1], "rni") {
		round = math.RoundToEven
	}
	value := func(x uint64) float64 {
		if from.size == 4 {
			return float64(f32(x))
		}
		return f64(x)
	}
	f := func(x uint64) uint64 { return cut(uint64(extend(x, from.size)), into.size) }
	switch {
	case from.class == 'f' && into.class == 'f' && from.size == into.size && into.size == 4:
		f = func(x uint64) uint64 { return bits32(float32(round(value(x)))) }
	case from.class == 'f' && into.class == 'f' && from.size == into.size:
		f = func(x uint64) uint64 { return bits64(round(value(x))) }
	case from.class == 'f' && into.class == 'f' && into.size == 4:
		f = func(x uint64) uint64 { return bits32(float32(value(x))) }
	case from.class == 'f' && into.class == 'f':
		f = func(x uint64) uint64 { return bits64(value(x)) }
	case from.class == 'f':
		f = func(x uint64) uint64 { return saturate(round(value(x)), into) }
	case into.class == 'f':
		f = func(x uint64) uint64 { return toFloat(x, from, into) }
	case from.class == 'u':
		f = func(x uint64) uint64 { return cut(x, into.size) }
	}
	d.unary(d.dst(0, into), d.src(1, from), f)
}

// saturate is the integer nearest to v that the type holds.
func saturate(v float64, t typ) uint64 {
	n := 8 * t.size
	lo, hi, most := 0.0, math.Ldexp(1, n), uint64(1)<<n-1
	if n == 64 {
		most = math.MaxUint64
	}
	least := uint64(0)
	if t.class == 's' {
		lo, hi, least, most = -math.Ldexp(1, n-1), math.Ldexp(1, n-1), uint64(1)<<(n-1), uint64(1)<<(n-1)-1
	}
	switch {
	case v != v:
		return 0
	case v >= hi:
		return most
	case v <= lo:
		return least
	case v < 0:
		return cut(uint64(int64(v)), t.size)
	}
	return uint64(v)
}

func toFloat(x uint64, from, into typ) uint64 {
	s := extend(x, from.size)
	switch {
	case into.size == 4 && from.class == 's' && s < 0:
		return bits32(-toSingle(uint64(-s)))
	case into.size == 4:
		return bits32(toSingle(x))
	case from.class == 's':
		return bits64(float64(s))
	}
	return bits64(float64(x))
}

// toSingle rounds to float32. The bits that float64 cannot hold are joined into its
// last, which float32 cannot; Go's own conversion rounds twice on 386.
func toSingle(x uint64) float32 {
	s := max(0, bits.Len64(x)-53)
	m := x >> s
	if m<<s != x {
		m |= 1
	}
	return float32(math.Ldexp(float64(m), s))
}

// tf32 rounds to 10 bits of fraction, ties away from zero.
func tf32(x uint64) uint64 {
	if f := f32(x); f != f || math.IsInf(float64(f), 0) {
		return x &^ 0x1fff
	}
	return cut(x+0x1000, 4) &^ 0x1fff
}

// bf16 rounds to 7 bits of fraction, ties to even.
func bf16(x uint64) uint64 {
	if f := f32(x); f != f {
		return 0x7fff
	}
	return (x + 0x7fff + x>>16&1) >> 16
}

func buildPackBF16(d *decoder) {
	f := types["f32"]
	d.binary(d.dst(0, types["b32"]), d.src(1, f), d.src(2, f), func(hi, lo uint64) uint64 { return bf16(hi)<<16 | bf16(lo) })
}
