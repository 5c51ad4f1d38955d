// Command quick writes the elementary functions on float64 of package simd.
// Every kernel is the operations of internal/dmath/quick.go, one by one.
package main

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/defs"
	"heavytail/asm/internal/emit"
)

const (
	magic  = defs.Magic
	biased = 0x1p52 // with an integer in its low bits, their sum

	octaves   = 1024                              // makes the exponent of a quotient positive
	sqrtHalfO = defs.Half + (1<<64 - octaves<<52) // √½ of as many octaves less, modulo 2^64
)

// The polynomials, highest power first.
var (
	expA = falling(defs.Exp[5:])
	expB = falling(defs.Exp[:5])
	logC = append(falling(defs.Log), defs.TwoThd)
	sinC = falling(defs.Sin)
	cosC = falling(defs.Cos)
)

func falling(c []float64) []float64 {
	c = slices.Clone(c)
	slices.Reverse(c)
	return c
}

func main() {
	emit.Main("quick", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	var bits []uint64
	for _, list := range [][]float64{expA, expB, logC, sinC, cosC,
		{defs.Ln2Hi, defs.Ln2Mid, defs.Log2E, defs.Pio2Hi, defs.Pio2Lo, defs.Fold, defs.Small, defs.Most, -defs.Most, defs.LogLo, defs.LogHi, defs.Tiny, magic, biased + octaves, 1, 2}} {
		for _, v := range list {
			bits = append(bits, math.Float64bits(v))
		}
	}
	bits = append(bits, 1023<<52, 1<<63, sqrtHalfO, octaves<<52, math.Float64bits(biased))
	m := newMachine(c, wide, bits)
	m.unary("expF64", "dst_i = QuickExp(x_i), x_i held to ±700", func() func(v) v {
		e := m.exponential()
		lo, hi := m.float(-defs.Most), m.float(defs.Most)
		return func(x v) v {
			r, _ := e.of(m.min(m.max(x, lo), hi))
			return r
		}
	})
	m.unary("expm1F64", "dst_i = e^x_i − 1", func() func(v) v {
		e := m.exponential()
		one, near, sign := m.float(1), m.float(defs.Small), m.bits(1<<63)
		return func(x v) v {
			r, q := e.of(x)
			return m.selectLE(m.andNot(sign, x), near, q, m.sub(r, one))
		}
	})
	m.unary("logF64", "dst_i = QuickLog(x_i)", func() func(v) v {
		l := m.logarithm()
		return func(x v) v { return l.of(x, nil) }
	})
	m.unary("log1pF64", "dst_i = ln(1 + x_i), x_i > −1", func() func(v) v {
		l := m.logarithm()
		lo, hi, least := m.float(defs.LogLo), m.float(defs.LogHi), m.float(defs.Tiny)
		return func(x v) v {
			u := m.max(m.add(l.one, x), least)
			return l.of(u, func(f v) v { return m.selectLE(x, hi, m.selectLE(m.reg(lo), x, x, f), f) })
		}
	})
	m.unary("sinF64", "dst_i = QuickSin(x_i)", func() func(v) v {
		t := m.trig()
		return func(x v) v { s, _ := t.of(x, false); return s }
	})
	m.pair("sinCosF64", "s, c, x", "s_i, c_i = QuickSinCos(x_i)", func() func(v) (v, v) {
		t := m.trig()
		return func(x v) (v, v) { return t.of(x, true) }
	})
	m.pair("expNegF64", "e, c, x", "e_i, c_i = QuickExpNeg(x_i)", func() func(v) (v, v) {
		e := m.exponential()
		one, near, sign, most := m.float(1), m.float(defs.Small), m.bits(1<<63), m.float(defs.Most)
		return func(x v) (v, v) {
			r, q := e.of(m.xor(sign, m.min(x, most)))
			r = m.zeroAbove(r, x, most)
			return r, m.selectLE(x, near, m.xor(sign, q), m.sub(m.reg(one), r))
		}
	})
}
