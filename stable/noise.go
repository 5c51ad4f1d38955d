package stable

import (
	"math"

	"heavytail/simd"
)

// Noise is the unit α-stable noise ε of DLPM, ε = √A·G with G ~ N(0, I) and
// A = 2K(α/2): its characteristic function is exp(−|u|^α) per coordinate, so
// at α = 2 it is N(0, 2).
//
// The zero clamps are off. A clamp changes the law to one with atoms, that of
// Clamped: NewClamped(MultiplierLaw(Alpha), 0, ClampA) for A. It is not applied
// to A at α = 2, where A is no random number.
type Noise struct {
	Alpha     float64 // tail index, 0 < Alpha ≤ 2
	Isotropic bool    // one A for the whole sample, else one for each element
	ClampA    float64 // upper limit of A, 0 for none
	ClampEps  float64 // limit of |ε|, 0 for none
}

// A returns the multiplier of isotropic noise at (sample, step), clamped.
// Fill uses the same one.
func (n Noise) A(s Key) float64 {
	a := s.Multiplier(n.Alpha)
	if n.ClampA > 0 && n.Alpha < 2 {
		a = min(a, n.ClampA)
	}
	return a
}

// Fill sets dst to the noise of one sample at one step, at most the largest
// float32 and, as the law has no zeros, at least the smallest: ε_i = √A·G_i with the
// G of s.Normal and the A of n.A(s), or the A_i of n.Multipliers where the
// noise is not isotropic.
func (n Noise) Fill(dst []float32, s Key) {
	if n.Isotropic || n.Alpha == 2 {
		s.normal(dst, 0, float32(math.Sqrt(n.A(s))))
	} else {
		s.Normal(dst, 0)
		var root [256]float32
		for i := 0; i < len(dst); i += len(root) {
			d := dst[i:min(i+len(root), len(dst))]
			n.roots(root[:len(d)], s, i)
			simd.Mul(d, d, root[:len(d)])
		}
		if n.Alpha < 0.5 { // above, √A stays below 2^125
			hold(dst)
		}
	}
	if c := float32(n.ClampEps); c > 0 {
		simd.Clamp(dst, dst, -c, c)
	}
}

// Multipliers sets dst[i] to the multiplier A of element off+i of noise that is
// not isotropic, clamped. Fill uses the same ones.
func (n Noise) Multipliers(dst []float32, s Key, off int) {
	n.roots(dst, s, off)
	simd.Mul(dst, dst, dst)
}

// roots sets dst[i] to √A of element off+i, clamped.
func (n Noise) roots(dst []float32, s Key, off int) {
	checkAlpha(n.Alpha)
	s.Positive(dst, n.Alpha/2, Root, off)
	simd.Scale(dst, dst, math.Sqrt2)
	if n.ClampA > 0 && n.Alpha < 2 {
		simd.Clamp(dst, dst, 0, float32(math.Sqrt(n.ClampA)))
	}
}
