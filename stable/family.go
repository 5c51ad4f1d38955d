package stable

import (
	"math"

	"heavytail/simd"
)

// A Family says how float32 variates of a law are made of random words: Key.Fill makes
// them on the processor, a GPU (package cuda) makes the same bits. NormalFamily and the
// other functions return families; the methods of Key with their names, such as
// Key.Normal, are Key.Fill of these.
type Family struct {
	Tag    uint32           // part of the counter: families draw other numbers
	Op     simd.NoiseOp     // what is computed of each word
	Params simd.NoiseParams // its constants

	// Rounded says that the variates are those of Wide instead, rounded, at most the
	// largest float32.
	Rounded bool
	Wide    Family64
}

// A Family64 is a family of float64 variates.
type Family64 struct {
	Tag    uint32 // these as in Family
	Op     simd.Noise64Op
	Params simd.Noise64Params
}

// Counter returns the key of Philox and the upper words of the counter for a family
// of the stream. It panics if Sample is 2^56 or more.
func (s Key) Counter(tag uint32) (key uint64, c [3]uint32) {
	s.check()
	return s.Seed, [3]uint32{s.Step, uint32(s.Sample), tag<<24 | uint32(s.Sample>>32)}
}

// Fill sets dst[i] to variate off+i of a family.
func (s Key) Fill(dst []float32, f Family, off int) {
	checkOffset(off)
	if f.Rounded {
		s.rounded(dst, f.Wide, off)
		return
	}
	p := s.philox(f.Tag)
	simd.Noise(dst, f.Op, &p, uint64(off), &f.Params)
}

// rounded sets dst to float64 variates, rounded.
func (s Key) rounded(dst []float32, f Family64, off int) {
	var buf [1024]float64
	for len(dst) > 0 {
		part := buf[:min(len(buf)-off%len(buf), len(dst))] // from a whole group of the kernel on
		s.Fill64(part, f, off)
		for i, x := range part {
			dst[i] = float32(max(min(x, math.MaxFloat32), -math.MaxFloat32))
		}
		dst, off = dst[len(part):], off+len(part)
	}
}

// Fill64 sets dst[i] to variate off+i of a float64 family.
func (s Key) Fill64(dst []float64, f Family64, off int) {
	checkOffset(off)
	p := s.philox(f.Tag)
	simd.Noise64(dst, f.Op, &p, uint64(off), &f.Params)
}

// UniformFamily returns the family of which Key.Uniform fills.
func UniformFamily() Family { return Family{Tag: tagUniform, Op: simd.NoiseUniform} }

// ExponentialFamily returns the family of which Key.Exponential fills.
func ExponentialFamily() Family { return Family{Tag: tagExponential, Op: simd.NoiseExponential} }

// NormalFamily returns the family of which Key.Normal fills, with every variate times
// scale, held to the largest float32.
func NormalFamily(scale float32) Family {
	return Family{Tag: tagNormal, Op: simd.NoiseNormal, Params: simd.NoiseParams{Scale: min(scale, math.MaxFloat32)}}
}

// SymmetricFamily returns the family of which Key.Symmetric fills.
func SymmetricFamily(alpha float64) Family {
	checkAlpha(alpha)
	op, q := symmetricParams(alpha)
	return Family{Tag: tagSymmetric, Op: op, Params: q}
}

// SkewedFamily returns the family of which Key.Skewed fills.
func SkewedFamily(alpha, beta float64, param Param) Family {
	checkSkewed(alpha, beta, param)
	if rounded(alpha, param) {
		return Family{Rounded: true, Wide: Skewed64Family(alpha, beta, S0)}
	}
	return Family{Tag: tagSkewed, Op: simd.NoiseSkewed, Params: skewedParams(alpha, beta, param)}
}

// PositiveFamily returns the family of which Key.Positive fills for an index a < 1: at a
// = 1 nothing is random.
func PositiveFamily(a float64, form Form) Family {
	checkPositive(a, form)
	if a == 1 {
		panic("stable: PositiveFamily: index 1, want one below")
	}
	op, q := positiveParams(a, form)
	f := Family{Tag: tagPositive, Op: op, Params: q}
	if form == Value {
		f.Tag = tagValue
	}
	return f
}

// Family returns the family of which Sampler.Fill fills.
func (s *Sampler) Family() Family {
	return Family{Tag: tagTable, Op: simd.NoiseTable, Params: s.params}
}

// Uniform64Family returns the family of which Key.Uniform64 fills.
func Uniform64Family() Family64 { return Family64{Tag: tagUniform64, Op: simd.Noise64Uniform} }

// Exponential64Family returns the family of which Key.Exponential64 fills.
func Exponential64Family() Family64 {
	return Family64{Tag: tagExponential64, Op: simd.Noise64Exponential}
}

// Normal64Family returns the family of which Key.Normal64 fills.
func Normal64Family() Family64 { return Family64{Tag: tagNormal64, Op: simd.Noise64Normal} }

// MultiplierTag is the tag of the family of which Noise and Key.Multiplier make
// their multipliers A, GammaTag that of gamma variates.
const (
	MultiplierTag = tagMultiplier
	GammaTag      = tagGamma
)
