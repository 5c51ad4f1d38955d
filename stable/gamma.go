package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// tagGamma is the family of the gamma variates; see the list in stream.go.
const tagGamma = 9

// Each gamma variate owns 64 blocks of its family: block 0 for the boost of
// shapes below 1, then two for each attempt. An attempt fails with probability
// below 0.06, so all fail less than once in 10^37.
const (
	gammaBlocks = simd.Gamma64Blocks
	gammaTries  = (gammaBlocks - 2) / 2
)

// Gamma returns variate off of the gamma law of the given shape > 0 and scale
// 1, density x^(shape−1)·e^(−x)/Γ(shape), in float64 (Marsaglia and Tsang 2000;
// for a shape below 1, G(shape+1)·U^(1/shape)). Attempt k of a variate has its
// own counter, so the variate is a function of its address like all others.
// Shapes below 0.05 can leave float64 below (at 0.05 once in 10^16, at 0.01 once in
// 1,700) and are then its smallest number; LogGamma does not. 0 ≤ off < 2^26.
func (s Key) Gamma(shape float64, off int) float64 { return boosted(s.gamma(shape, off)) }

// boosted returns g·e^boost, at least the smallest number: no law here has zeros.
func boosted(g, boost float64) float64 {
	if boost == 0 {
		return g
	}
	return max(g*dmath.Exp(boost), math.SmallestNonzeroFloat64)
}

// LogGamma returns the logarithm of the variate that Gamma returns, which cannot
// underflow.
func (s Key) LogGamma(shape float64, off int) float64 {
	g, boost := s.gamma(shape, off)
	return dmath.Log(g) + boost
}

// gamma returns a gamma variate as g·e^boost.
func (s Key) gamma(shape float64, off int) (g, boost float64) {
	checkShape("Gamma", shape)
	if off < 0 || off >= 1<<32/gammaBlocks {
		panic(fmt.Sprintf("stable: Gamma: offset %d, want 0 to 2^26−1", off))
	}
	p := s.philox(tagGamma)
	return gammaOf(&p, shape, uint32(off*gammaBlocks))
}

func checkShape(name string, shape float64) {
	if !(shape > 0 && shape <= math.MaxFloat64) {
		panic(fmt.Sprintf("stable: %s: shape %v, want a positive number", name, shape))
	}
}

// gammaOf returns the variate of the 64 blocks from block on as g·e^boost.
func gammaOf(p *simd.Philox, shape float64, block uint32) (g, boost float64) {
	pair := func(i uint32) (u, uc, v float64) {
		w := p.Block(block + i)
		u, uc = unit64(uint64(w[0])<<32 | uint64(w[1]))
		v, _ = unit64(uint64(w[2])<<32 | uint64(w[3]))
		return u, uc, v
	}
	if shape < 1 {
		u, uc, _ := pair(0)
		boost = -exp64(u, uc) / shape
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for k := range uint32(gammaTries) {
		u, uc, v := pair(2 + 2*k)
		z := math.Sqrt(2*exp64(u, uc)) * dmath.CosPi(2*v) // N(0, 1)
		t := 1 + float64(c*z)
		if t <= 0 {
			continue
		}
		u, uc, _ = pair(3 + 2*k)
		cube, zz := float64(float64(t*t)*t), float64(z*z)
		// The first condition implies the second and saves its logarithms.
		if uc > float64(0.0331*zz)*zz ||
			-exp64(u, uc) < float64(0.5*zz)+float64(d*(1-cube+float64(3*dmath.Log1p(c*z)))) {
			return d * cube, boost
		}
	}
	return d, boost
}

// GammaFill sets dst[i] to variate off+i of the gamma law: the values of Gamma,
// bit by bit, made many at a time.
func (s Key) GammaFill(dst []float64, shape float64, off int) { s.gammaFill(dst, shape, 1, 1, off) }

// ChiSquareFill sets dst[i] to variate off+i of the χ² law: the values of
// ChiSquare.
func (s Key) ChiSquareFill(dst []float64, nu float64, off int) {
	s.gammaFill(dst, nu/2, 2, 1, off)
}

// KappaFill sets dst[i] to variate off+i of κ: the values of Kappa.
func (s Key) KappaFill(dst []float64, nu float64, off int) {
	if math.IsInf(nu, 1) {
		for i := range dst {
			dst[i] = 1
		}
		return
	}
	s.gammaFill(dst, nu/2, 2, nu, off)
}

// gammaFill sets dst[i] to mul·G/div. The few variates that the kernels leave
// open, as NaN, are made one by one.
func (s Key) gammaFill(dst []float64, shape, mul, div float64, off int) {
	checkShape("GammaFill", shape)
	checkOffset(off)
	p := s.philox(tagGamma)
	q := simd.NewGamma64Params(shape)
	q.Mul, q.Div = mul, div
	if simd.Gamma64(dst, &p, uint64(off), &q) == 0 {
		return
	}
	for i, x := range dst {
		if x == x {
			continue
		}
		dst[i] = float64(boosted(gammaOf(&p, shape, uint32((off+i)*gammaBlocks)))*mul) / div
	}
}

// ChiSquare returns variate off of the χ² law with nu > 0 degrees of freedom,
// not necessarily an integer; see Gamma.
func (s Key) ChiSquare(nu float64, off int) float64 { return 2 * s.Gamma(nu/2, off) }

// Kappa returns κ = χ²(ν)/ν, the divisor that turns a normal vector z into the
// multivariate Student-t vector z/√κ with ν degrees of freedom. At ν = +Inf it
// is 1 and draws nothing; below ν = 0.1 it can leave float64 below, see Gamma.
func (s Key) Kappa(nu float64, off int) float64 {
	if math.IsInf(nu, 1) {
		return 1
	}
	return s.ChiSquare(nu, off) / nu
}
