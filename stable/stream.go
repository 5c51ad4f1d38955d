package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// A Key names a set of variates: all families of one sample at one step.
// It is a plain value without a position; its methods neither allocate nor
// keep anything.
type Key struct {
	Seed   uint64 // key: the seed of the run or of the sample
	Sample uint64 // below 2^56
	Step   uint32
}

// Family tags, bits 24–31 of counter word 3. A tag fixes the map from words to
// variates: a change of any map takes a new tag.
const (
	tagWords       = 1
	tagUniform     = 2
	tagExponential = 3
	tagNormal      = 4
	tagPositive    = 7
	tagMultiplier  = 8
	tagTable       = 10
	tagSymmetric   = 11 // was 5
	tagSkewed      = 12 // was 6
	tagValue       = 13 // form Value of positive variates; was tagPositive
)

// check panics unless the stream is one.
func (s Key) check() {
	if s.Sample >= 1<<56 {
		panic(fmt.Sprintf("stable: Stream: sample %d, want below 2^56", s.Sample))
	}
}

// philox prepares the generator of one family of the stream.
func (s Key) philox(tag uint32) simd.Philox {
	key, c := s.Counter(tag)
	return simd.NewPhilox(key, c[0], c[1], c[2])
}

func checkOffset(off int) {
	if off < 0 {
		panic(fmt.Sprintf("stable: offset %d, want at least 0", off))
	}
}

// Uint32 sets dst[i] to word off+i: 32 uniform bits each.
func (s Key) Uint32(dst []uint32, off int) {
	checkOffset(off)
	p := s.philox(tagWords)
	simd.Uint32s(dst, &p, uint64(off))
}

// Uniform sets dst[i] to variate off+i of the uniform law on (0, 1]: the
// multiples (k+½)/2^31 rounded to float32, so that 0 never occurs, values near 0
// keep their relative precision, and 1 occurs once in 2^25.
func (s Key) Uniform(dst []float32, off int) {
	s.Fill(dst, UniformFamily(), off)
}

// Exponential sets dst[i] to variate off+i of the exponential law of mean 1,
// between 2.3e-10 and 22.2.
func (s Key) Exponential(dst []float32, off int) {
	s.Fill(dst, ExponentialFamily(), off)
}

// Normal sets dst[i] to variate off+i of N(0, 1), by Box and Muller; |x| ≤ 6.67,
// and none is 0: where the float32 uniform of the angle rounds to a right one, x
// is that of the middle of the angles that do.
func (s Key) Normal(dst []float32, off int) { s.normal(dst, off, 1) }

// normal is Normal times scale, held.
func (s Key) normal(dst []float32, off int, scale float32) {
	s.Fill(dst, NormalFamily(scale), off)
	if scale > 0x1p125 || scale < 0x1p-100 { // 2^-47 < |x| < 2^3
		hold(dst)
	}
}

// hold makes infinities the largest float32 and zeros the smallest, with their
// sign.
func hold(x []float32) {
	simd.Clamp(x, x, -math.MaxFloat32, math.MaxFloat32)
	for i, v := range x {
		if v == 0 {
			x[i] = math.Float32frombits(math.Float32bits(v) | 1)
		}
	}
}

// uniforms returns the float64 uniforms u and v in (0, 1) that words 0, 1 and
// 2, 3 of block 0 of a family give, each with its complement: (k+½)/2^53, k the
// high 53 bits of the 64-bit number with the even word on top.
func (s Key) uniforms(tag uint32) (u, uc, v, vc float64) {
	p := s.philox(tag)
	w := p.Block(0)
	u, uc = unit64(uint64(w[0])<<32 | uint64(w[1]))
	v, vc = unit64(uint64(w[2])<<32 | uint64(w[3]))
	return u, uc, v, vc
}

// unit64 returns (k+½)/2^53 and its complement, each rounded once.
func unit64(w uint64) (u, uc float64) {
	k := w >> 11
	return (float64(k) + 0.5) * 0x1p-53, (float64(k^(1<<53-1)) + 0.5) * 0x1p-53
}

// exp64 returns −ln u with full relative precision at both ends.
func exp64(u, uc float64) float64 {
	if u < 0.5 {
		return -dmath.Log(u)
	}
	return -dmath.Log1p(-uc)
}
