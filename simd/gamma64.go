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
	var t gamma64Work
	for len(dst) > 0 {
		n := min(len(dst), gamma64Batch)
		open += t.fill(dst[:n], p, off*Gamma64Blocks, q)
		dst, off = dst[n:], off+uint64(n)
	}
	return open
}

// gamma64Work is the memory of a batch.
type gamma64Work struct {
	at    [gamma64Batch]uint64 // blocks of the variates that are left, in the order of Philox.words
	index [gamma64Batch]uint8  // and their places
	buf   [gamma64Batch]float64
	words gamma64Words
}

// gamma64Words are the words of an attempt of some variates: of its two blocks,
// and of the block of the boost.
type gamma64Words struct {
	first, second, boost [4 * gamma64Chunk]uint32
}

// gamma64Chunk variates are made at a time of the words.
const gamma64Chunk = 2 * noiseGroup

// fill makes one batch: the first attempts of all variates, then the next ones of
// those that were rejected, closed up.
func (t *gamma64Work) fill(dst []float64, p *Philox, block uint64, q *Gamma64Params) (open int) {
	n := len(dst)
	for i := range (n + noiseGroup - 1) / noiseGroup * noiseGroup {
		t.at[listed(i)] = block + uint64(i)*Gamma64Blocks
	}
	out := t.buf[:n]
	if n%gamma64Group == 0 {
		out = dst
	}
	t.try(out, 0, p, q)
	left := 0
	for i, x := range out {
		switch {
		case x > 0:
		case math.Signbit(x):
			t.at[listed(left)], t.index[left] = t.at[listed(i)], uint8(i)
			left++
		default:
			open++
		}
	}
	copy(dst, out)
	for k := uint32(1); left > 0 && k < gamma64Tries; k++ {
		n, left = left, 0
		t.try(t.buf[:n], k, p, q)
		for i, x := range t.buf[:n] {
			if math.Signbit(x) {
				t.at[listed(left)], t.index[left] = t.at[listed(i)], t.index[i]
				left++
				continue
			}
			dst[t.index[i]] = x
			if !(x > 0) {
				open++
			}
		}
	}
	for _, i := range t.index[:left] { // never seen: 31 attempts rejected
		dst[i] = math.NaN()
	}
	return open + left
}

// try makes attempt k of the variates of the blocks at. Where kernels take whole
// groups, they fill the last one, whatever the length.
func (t *gamma64Work) try(dst []float64, k uint32, p *Philox, q *Gamma64Params) {
	for i := 0; i < len(dst); i += gamma64Chunk {
		n := min(len(dst)-i, gamma64Chunk)
		blocks := n
		if noise64Grouped() {
			n = (n + gamma64Group - 1) / gamma64Group * gamma64Group
			blocks = (n + noiseGroup - 1) / noiseGroup * noiseGroup
		}
		w, at := &t.words, t.at[i:]
		p.words(w.first[:4*blocks], 2+2*k, at)
		p.words(w.second[:4*blocks], 3+2*k, at)
		if q.Shape != 0 {
			p.words(w.boost[:4*blocks], 0, at)
		}
		x := dst[i : i+n]
		for j := gamma64Asm(x, w, q); j < n; j++ {
			x[j] = gamma64Try(w.first[4*j:], w.second[4*j:], w.boost[4*j:], q)
		}
	}
}

// gamma64Try makes the attempt of a variate, of the words of its two blocks and of
// that of the boost: with z ~ N(0, 1), t = 1+cz and u uniform, d·t³ is accepted if
// 1−u > 0.0331·z⁴ or ln u < ½z² + d(1 − t³ + 3·ln t); the first implies the
// second. It returns a negative number where the attempt is rejected, and NaN
// where that is open.
func gamma64Try(first, second, boost []uint32, q *Gamma64Params) float64 {
	u, uc, v := gamma64Units(first)
	z := math.Sqrt(2*gamma64Exp(u, uc)) * dmath.CosPi(2*v)
	t := 1 + float64(q.C*z)
	u, uc, _ = gamma64Units(second)
	cube, zz := float64(float64(t*t)*t), float64(z*z)
	x := float64(q.D * cube)
	if !(uc > float64(0.0331*zz)*zz) {
		e, s, l := noise64Split(t)
		right := float64(0.5*zz) + float64(q.D*(1-cube+float64(float64(dmath.FMA(s, l, e)*noise64Ln2)*3)))
		e, s, l = noise64Split(u)
		left := float64(dmath.FMA(s, l, e) * noise64Ln2)
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
		u, uc, _ = gamma64Units(boost)
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
func gamma64Units(words []uint32) (u, uc, v float64) {
	k, m := noise64Numbers(words)
	k, m = k>>11, m>>11
	return float64((float64(k) + 0.5) * 0x1p-53), float64((float64(k^(1<<53-1)) + 0.5) * 0x1p-53), float64((float64(m) + 0.5) * 0x1p-53)
}

// gamma64Exp returns −ln u with full relative precision at both ends.
func gamma64Exp(u, uc float64) float64 {
	if u < 0.5 {
		return -dmath.Log(u)
	}
	return -dmath.Log1p(-uc)
}
