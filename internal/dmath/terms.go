package dmath

import "slices"

// What package cuda/gen writes these functions with, for GPUs, in the same steps: ln 2,
// 2/3 and π, each in two numbers that add up to it, and 1/ln 2.
const (
	Ln2Hi, Ln2Mid    = ln2Hi, ln2Mid
	TwoThird, TwoLow = twoThd, twoThL
	PiHi, PiLo       = piHi, piLo
	Log2E            = log2e
)

// Terms returns the coefficients of the polynomials in Exp, Log, sine and cosine, from
// the lowest power up.
func Terms() (exp, log, sin, cos []float64) {
	return slices.Clone(expC), slices.Clone(logC), slices.Clone(sinC), slices.Clone(cosC)
}
