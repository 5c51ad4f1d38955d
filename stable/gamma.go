package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// tagGamma is the family of the gamma variates; see the list in stream.go.
const tagGamma = 9

// Each gamma variate owns 64 blocks of its family: block 0 for the boost of
// shapes below 1, then two for each attempt. An attempt fails with probability
// below 0.05, so all fail less than once in 10^40.
const (
	gammaBlocks = 64
	gammaTries  = (gammaBlocks - 2) / 2
)

// Gamma returns variate off of the gamma law of the given shape > 0 and scale
// 1, density x^(shape−1)·e^(−x)/Γ(shape), in float64 (Marsaglia and Tsang 2000;
// for a shape below 1, G(shape+1)·U^(1/shape)). Attempt k of a variate has its
// own counter, so the variate is a function of its address like all others.
// Shapes below 0.05 can underflow to 0. 0 ≤ off < 2^26.
func (s Stream) Gamma(shape float64, off int) float64 {
	if !(shape > 0 && shape <= math.MaxFloat64) {
		panic(fmt.Sprintf("stable: Gamma: shape %v, want a positive number", shape))
	}
	if off < 0 || off >= 1<<32/gammaBlocks {
		panic(fmt.Sprintf("stable: Gamma: offset %d, want 0 to 2^26−1", off))
	}
	p := s.philox(tagGamma)
	pair := func(block int) (u, uc, v, vc float64) {
		w := p.Block(uint32(off*gammaBlocks + block))
		u, uc = unit64(uint64(w[0])<<32 | uint64(w[1]))
		v, vc = unit64(uint64(w[2])<<32 | uint64(w[3]))
		return u, uc, v, vc
	}
	boost := 1.0
	if shape < 1 {
		u, uc, _, _ := pair(0)
		boost = dmath.Exp(-exp64(u, uc) / shape)
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for k := range gammaTries {
		u, uc, v, _ := pair(2 + 2*k)
		z := math.Sqrt(2*exp64(u, uc)) * dmath.CosPi(2*v) // N(0, 1)
		t := 1 + float64(c*z)
		if t <= 0 {
			continue
		}
		u, uc, _, _ = pair(3 + 2*k)
		cube, zz := float64(t*t)*t, float64(z*z)
		// The first condition implies the second and saves its logarithms.
		if uc > float64(0.0331*zz)*zz ||
			-exp64(u, uc) < float64(0.5*zz)+float64(d*(1-cube+float64(3*dmath.Log1p(c*z)))) {
			return float64(d*cube) * boost
		}
	}
	return d * boost
}

// ChiSquare returns variate off of the χ² law with nu > 0 degrees of freedom,
// not necessarily an integer; see Gamma.
func (s Stream) ChiSquare(nu float64, off int) float64 { return 2 * s.Gamma(nu/2, off) }

// Kappa returns κ = χ²(ν)/ν, the divisor that turns a normal vector z into the
// multivariate Student-t vector z/√κ with ν degrees of freedom. At ν = +Inf it
// is 1 and draws nothing.
func (s Stream) Kappa(nu float64, off int) float64 {
	if math.IsInf(nu, 1) {
		return 1
	}
	return s.ChiSquare(nu, off) / nu
}
