package simd

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Gamma64Blocks is the number of blocks that a gamma variate owns: variate i has
// the blocks from 64·i on. Block 0 is for the boost of a shape below 1, blocks
// 2 and 3 for the first attempt of the rejection, and so on.
const Gamma64Blocks = 64

// Gamma64Params are the parameters of Gamma64, in the order in which the kernels
// read them.
type Gamma64Params struct {
	D, C     float64 // Marsaglia and Tsang: d = shape − 1/3, c = 1/√(9d)
	Shape    float64 // of the boost, 0 for none
	Mul, Div float64 // the variate times Mul, divided by Div
	Tol      float64 // rounding that the decision allows for
}

// NewGamma64Params returns the parameters for a shape > 0; where it is below 1,
// the variate is one of shape + 1 times u^(1/shape).
func NewGamma64Params(shape float64) Gamma64Params {
	q := Gamma64Params{Mul: 1, Div: 1}
	if shape < 1 {
		q.Shape = shape
		shape++
	}
	q.D = shape - 1.0/3
	q.C = 1 / math.Sqrt(9*q.D)
	// The terms of the inequality are below 50 and 100·D, their errors below
	// 2^-50 of that.
	q.Tol = (1 + q.D) * 0x1p-40
	return q
}

// gamma64Batch variates are made at a time, gamma64Group of them in one step of a
// kernel.
const (
	gamma64Batch = 256
	gamma64Group = 16
	gamma64Tries = (Gamma64Blocks - 2) / 2
)

// Gamma64 sets dst[i] to gamma variate off+i, or to NaN where rounding may decide
// about an attempt or the boost is below e^−700: once in 10^10 for shapes between
// 0.1 and 10^6. It returns how many those are at most, and panics when
// off+len(dst) exceeds 2^26.
//
// The values are those of internal/dmath's functions, bit by bit; only the
// decisions are made with quicker ones, whose errors Tol covers.
func Gamma64(dst []float64, p *Philox, off uint64, q *Gamma64Params) (open int) {
	const limit = 1 << 32 / Gamma64Blocks
	if off > limit || uint64(len(dst)) > limit-off {
		panic(fmt.Sprintf("simd: Gamma64: %d variates at offset %d exceed 2^26", len(dst), off))
	}
	for len(dst) > 0 {
		n := min(len(dst), gamma64Batch)
		open += gamma64Fill(dst[:n], p, off*Gamma64Blocks, q)
		dst, off = dst[n:], off+uint64(n)
	}
	return open
}

// gamma64Fill makes one batch: the first attempts of all variates, then the next
// ones of those that were rejected, closed up.
func gamma64Fill(dst []float64, p *Philox, block uint64, q *Gamma64Params) (open int) {
	var at [gamma64Batch]uint64
	var index [gamma64Batch]uint8
	var buf [gamma64Batch]float64
	n := len(dst)
	for i := range at[:(n+gamma64Group-1)/gamma64Group*gamma64Group] {
		at[i] = block + uint64(i)*Gamma64Blocks
	}
	out := buf[:n]
	if n%gamma64Group == 0 {
		out = dst
	}
	gamma64Tried(out, &at, 0, p, q)
	left := 0
	for i, x := range out {
		switch {
		case x > 0:
		case math.Signbit(x):
			at[left], index[left] = at[i], uint8(i)
			left++
		default:
			open++
		}
	}
	copy(dst, out)
	for k := uint32(1); left > 0 && k < gamma64Tries; k++ {
		n, left = left, 0
		gamma64Tried(buf[:n], &at, k, p, q)
		for i, x := range buf[:n] {
			if math.Signbit(x) {
				at[left], index[left] = at[i], index[i]
				left++
				continue
			}
			dst[index[i]] = x
			if !(x > 0) {
				open++
			}
		}
	}
	for _, i := range index[:left] { // never seen: 31 attempts rejected
		dst[i] = math.NaN()
	}
	return open + left
}

// gamma64Tried makes attempt k of the variates of the blocks at. A kernel fills
// the last group, whatever the length.
func gamma64Tried(dst []float64, at *[gamma64Batch]uint64, k uint32, p *Philox, q *Gamma64Params) {
	groups := (len(dst) + gamma64Group - 1) / gamma64Group
	whole := dst[:groups*gamma64Group]
	if gamma64Asm(whole, at, 2+2*k, p, q) {
		return
	}
	for i := range dst {
		dst[i] = gamma64Try(p, uint32(at[i]), 2+2*k, q)
	}
}

// gamma64Try makes the attempt of a variate that begins at block+try: with z ~
// N(0, 1), t = 1+cz and u uniform, d·t³ is accepted if 1−u > 0.0331·z⁴ or ln u <
// ½z² + d(1 − t³ + 3·ln t); the first implies the second. It returns a negative
// number where the attempt is rejected, and NaN where that is open.
func gamma64Try(p *Philox, block, try uint32, q *Gamma64Params) float64 {
	u, uc, v := gamma64Units(p.Block(block + try))
	z := math.Sqrt(2*gamma64Exp(u, uc)) * dmath.CosPi(2*v)
	t := 1 + float64(q.C*z)
	u, uc, _ = gamma64Units(p.Block(block + try + 1))
	cube, zz := float64(float64(t*t)*t), float64(z*z)
	x := float64(q.D * cube)
	if !(uc > float64(0.0331*zz)*zz) {
		e, s, l := noise64Split(t)
		right := float64(0.5*zz) + float64(q.D*(1-cube+float64(float64(math.FMA(s, l, e)*noise64Ln2)*3)))
		e, s, l = noise64Split(u)
		left := float64(math.FMA(s, l, e) * noise64Ln2)
		if left > right+q.Tol {
			x = -1
		} else if !(left+q.Tol < right) {
			x = math.NaN()
		}
	}
	if t <= 0 {
		x = -1
	}
	if q.Shape != 0 {
		u, uc, _ = gamma64Units(p.Block(block))
		y := -gamma64Exp(u, uc) / q.Shape
		b := math.NaN()
		if y > gamma64MinExp {
			b = dmath.Exp(y)
		}
		x = float64(x * b)
	}
	return float64(x*q.Mul) / q.Div
}

// gamma64MinExp keeps the boost a normal number.
const gamma64MinExp = -700

// gamma64Units returns (k+½)/2^53, k the high 53 bits of W0, with its complement,
// and the like of W1, each rounded once.
func gamma64Units(w [4]uint32) (u, uc, v float64) {
	k, m := (uint64(w[0])<<32|uint64(w[1]))>>11, (uint64(w[2])<<32|uint64(w[3]))>>11
	return float64((float64(k) + 0.5) * 0x1p-53), float64((float64(k^(1<<53-1)) + 0.5) * 0x1p-53), float64((float64(m) + 0.5) * 0x1p-53)
}

// gamma64Exp returns −ln u with full relative precision at both ends.
func gamma64Exp(u, uc float64) float64 {
	if u < 0.5 {
		return -dmath.Log(u)
	}
	return -dmath.Log1p(-uc)
}
