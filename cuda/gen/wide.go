package gen

import (
	"fmt"
	"math"
)

// float64 arithmetic: what the CPU computes in float64 around its float32 loops.

const zero64 = "0d0000000000000000"

func lit64(v float64) string { return fmt.Sprintf("0d%016X", math.Float64bits(v)) }

func (b *builder) fma64(x, y, z string) string { return b.def('g', "fma.rn.f64 %s, %s, %s", x, y, z) }
func (b *builder) mul64(x, y string) string    { return b.def('g', "mul.rn.f64 %s, %s", x, y) }
func (b *builder) add64(x, y string) string    { return b.def('g', "add.rn.f64 %s, %s", x, y) }
func (b *builder) sub64(x, y string) string    { return b.def('g', "sub.rn.f64 %s, %s", x, y) }
func (b *builder) div64(x, y string) string    { return b.def('g', "div.rn.f64 %s, %s", x, y) }
func (b *builder) sqrt64(x string) string      { return b.def('g', "sqrt.rn.f64 %s", x) }
func (b *builder) neg64(x string) string       { return b.def('g', "neg.f64 %s", x) }
func (b *builder) widen(x string) string       { return b.def('g', "cvt.f64.f32 %s", x) }
func (b *builder) narrow(x string) string      { return b.def('f', "cvt.rn.f32.f64 %s", x) }

// zero64 is a new sum, plus adds to it.
func (b *builder) zero64() string       { return b.def('g', "mov.f64 %s", zero64) }
func (b *builder) plus64(sum, x string) { b.emit("add.rn.f64 %s, %s, %s;", sum, sum, x) }
func (b *builder) zero() string         { return b.def('f', "mov.f32 0f00000000") }
func (b *builder) plus(sum, x string)   { b.emit("add.rn.f32 %s, %s, %s;", sum, sum, x) }

// addProduct sets sum = fma(x, y, sum).
func (b *builder) addProduct(sum, x, y string) {
	b.emit("fma.rn.f32 %s, %s, %s, %s;", sum, x, y, sum)
}

// reciprocalRoot is 1/√(max(v, 0) + eps); NaN stays.
func (b *builder) reciprocalRoot(v, eps string) string {
	v = b.def('g', "selp.f64 %s, %s, %s", zero64, v, b.test("setp.lt.f64 %s, %s", v, zero64))
	return b.div64(lit64(1), b.sqrt64(b.add64(v, b.widen(eps))))
}

// median is the middle one of three values; NaN if one is.
func (b *builder) median(first, mid, last string) string {
	lo, hi := b.def('f', "min.f32 %s, %s", first, mid), b.def('f', "max.f32 %s, %s", first, mid)
	k := b.def('f', "max.f32 %s, %s", lo, b.def('f', "min.f32 %s, %s", hi, last))
	nan := b.test("setp.nan.or.f32 %s, %s, %s", last, last, b.test("setp.nan.f32 %s, %s", first, mid))
	return b.def('f', "selp.f32 0f7FFFFFFF, %s, %s", k, nan)
}
