// Command quick writes the elementary functions on float64 of package simd.
// Every kernel is the operations of internal/dmath/quick.go, one by one.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
)

const (
	ln2Hi  = 0x1.62e42fefa3800p-1
	ln2Mid = 0x1.ef35793c76730p-45
	log2e  = 0x1.71547652b82fep+0
	twoThd = 0x1.5555555555555p-1
	pio2Hi = 0x1.921fb54442d18p+0
	pio2Lo = 0x1.1a62633145c07p-54
	fold   = 0x1.a827999fcef32p-2 * 1.9 // sine and cosine change roles above
	small  = 0.34                       // e^x − 1 is its own polynomial up to here
	expMax = 700
	logLo  = -0.29 // ln(1+y) takes y itself in between
	logHi  = 0.41
	tiny   = 0x1p-1022
	magic  = 0x1.8p52 // added, it leaves an integer in the low bits
	biased = 0x1p52   // with an integer in its low bits, their sum

	octaves   = 1024               // makes the exponent of a quotient positive
	sqrtHalfO = 0xffe6a09e667f3bcd // √½ of as many octaves less, modulo 2^64
)

var (
	expA = []float64{0x1.1fa13b3f5e290p-29, 0x1.af721173f5ae4p-26, 0x1.27e4bcec33ab2p-22, 0x1.71ddec92190a6p-19,
		0x1.a01a01b57b7c0p-16, 0x1.a01a01b4ed3f3p-13}
	expB = []float64{0x1.6c16c16c13163p-10, 0x1.111111110e8a2p-7, 0x1.555555555555ep-5, 0x1.555555555555cp-3, 0.5}
	logC = []float64{0x1.ebb5d35248c25p-4, 0x1.de1f99d86245ap-4, 0x1.1121332395694p-3, 0x1.3b135f701fa6ap-3,
		0x1.745d183ea5996p-3, 0x1.c71c71c5669bap-3, 0x1.249249249310fp-2, 0x1.9999999999995p-2, twoThd}
	sinC = []float64{-0x1.aaa37dfda2ddfp-41, 0x1.61208f2d0d84bp-33, -0x1.ae645292d6234p-26, 0x1.71de3a53355aep-19,
		-0x1.a01a01a018ab2p-13, 0x1.111111111110bp-7, -0x1.5555555555555p-3}
	cosC = []float64{0x1.aac3f4bf3e2dcp-45, -0x1.9393347c69abcp-37, 0x1.1eed8ca06114ep-29, -0x1.27e4fb75fa949p-22,
		0x1.a01a01a018dbfp-16, -0x1.6c16c16c16c10p-10, 0x1.5555555555555p-5}
)

func main() {
	emit.Main("quick", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	var bits []uint64
	for _, list := range [][]float64{expA, expB, logC, sinC, cosC,
		{ln2Hi, ln2Mid, log2e, pio2Hi, pio2Lo, fold, small, expMax, -expMax, logLo, logHi, tiny, magic, biased + octaves, 1, 2}} {
		for _, v := range list {
			bits = append(bits, math.Float64bits(v))
		}
	}
	bits = append(bits, 1023<<52, 1<<63, sqrtHalfO, octaves<<52, math.Float64bits(biased))
	m := newMachine(c, wide, bits)
	m.unary("expF64", "dst_i = QuickExp(x_i), x_i held to ±700", func() func(v) v {
		e := m.exponential()
		lo, hi := m.float(-expMax), m.float(expMax)
		return func(x v) v {
			r, _ := e.of(m.min(m.max(x, lo), hi))
			return r
		}
	})
	m.unary("expm1F64", "dst_i = e^x_i − 1", func() func(v) v {
		e := m.exponential()
		one, near, sign := m.float(1), m.float(small), m.bits(1<<63)
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
		lo, hi, least := m.float(logLo), m.float(logHi), m.float(tiny)
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
		one, near, sign, most := m.float(1), m.float(small), m.bits(1<<63), m.float(expMax)
		return func(x v) (v, v) {
			r, q := e.of(m.xor(sign, m.min(x, most)))
			r = m.zeroAbove(r, x, most)
			return r, m.selectLE(x, near, m.xor(sign, q), m.sub(m.reg(one), r))
		}
	})
}
