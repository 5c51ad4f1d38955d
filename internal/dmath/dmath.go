// Package dmath holds elementary functions on float64 whose bits are the same
// on every architecture. The functions of package math are not: some
// architectures replace them by assembly, and Go may fuse x*y + z. Here only
// +, −, ×, ÷, fused multiply-add written as FMA, and exact operations on
// exponents occur, and no product can be fused by the compiler.
//
// Accuracy, the worst of the committed references of 60 and more digits: Tan
// 0.69 ulp, Cos 0.55, LogErfc 1.4, LogErfcInv 1.8, all others 0.53. Subnormal results of Exp and Pow
// may be rounded twice, 1 ulp.
//
// The polynomials are minimax fits (Remez exchange in 60 digits) of the
// remainder after the exactly treated leading terms.
package dmath

import "math"

var (
	inf = math.Inf(1)
	nan = math.NaN()
)

const (
	ln2Hi  = 0x1.62e42fefa3800p-1  // 42 bits, so that k·ln2Hi is exact for |k| < 2^11
	ln2Mid = 0x1.ef35793c76730p-45 // ln 2 − ln2Hi
	ln2Top = 0x1.62e42fefa39efp-1  // ln 2 rounded
	ln2Low = 0x1.abc9e3b39803fp-56 // ln 2 − ln2Top
	log2e  = 0x1.71547652b82fep+0  // 1/ln 2
	log2eL = 0x1.777d0ffda0d24p-56 // 1/ln 2 − log2e
	twoThd = 0x1.5555555555555p-1  // 2/3
	twoThL = 0x1.5555555555555p-55 // 2/3 − twoThd
	piHi   = 0x1.921fb54442d18p+1  // π
	piLo   = 0x1.1a62633145c07p-53 // π − piHi
	tanPi8 = 0x1.a827999fcef32p-2  // tan π/8
	pio4Hi = 0x1.921fb54442d18p-1  // π/4
	pio4Lo = 0x1.1a62633145c07p-55 // π/4 − pio4Hi
	pio2Hi = 0x1.921fb54442d18p+0  // π/2
	pio2Lo = 0x1.1a62633145c07p-54 // π/2 − pio2Hi
	maxExp = 709.782712893384      // Exp overflows above
	minExp = -745.1332191019412    // Exp gives 0 below
)

// poly evaluates Σ c[i]·x^i by Horner's rule with fused steps.
func poly(x float64, c []float64) float64 {
	i := len(c) - 1
	r := c[i]
	for i > 0 {
		i--
		r = FMA(r, x, c[i])
	}
	return r
}

// twoSum returns s = fl(a+b) and e with s + e = a + b exactly.
func twoSum(a, b float64) (s, e float64) {
	s = a + b
	bb := s - a
	return s, float64(a-float64(s-bb)) + float64(b-bb)
}

// mulDD returns the product of two double-double numbers, error about 2^-104.
func mulDD(ah, al, bh, bl float64) (h, l float64) {
	p := float64(ah * bh)
	e := FMA(ah, bh, -p)
	e = FMA(ah, bl, FMA(al, bh, e))
	h = p + e
	return h, float64(p-h) + e
}
