package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// A Param names Nolan's parametrisation of a stable law. With ζ = β tan(πα/2),
// unit scale and α ≠ 1, X0 = X1 − ζ. S0 is continuous in α at 1, S1 is not.
type Param uint8

// The parametrisations.
const (
	S0 Param = iota
	S1
)

// Symmetric sets dst[i] to variate off+i of the symmetric α-stable law with
// characteristic function exp(−|t|^α), 0 < α ≤ 2 (Chambers, Mallows and Stuck
// 1976). At α = 2 it is N(0, 2), at α = 1 Cauchy. Given the float32 uniform of
// the angle, the error for 0.5 ≤ α ≤ 2 is at most 1e-6·m·(1 + log2(m)/8) with
// m = max(1, |x|), and near 0 it is relative. Values beyond the largest float32 become it
// (α = 0.5: once in 10^19, α = 0.1: once in 10^4).
func (s Stream) Symmetric(dst []float32, alpha float64, off int) {
	checkAlpha(alpha)
	op, a, k := simd.NoiseSymmetricLow, float32(-alpha), float32(alpha)/2
	if alpha > 1 {
		op, a = simd.NoiseSymmetricHigh, float32(alpha-1)
		k = float32((1 - float64(a)) / 2) // from the rounded a: y = ½ at v = ½
	}
	expo := (1 - alpha) / alpha
	s.fill(dst, tagSymmetric, op, off, &simd.NoiseParams{A: a, K: k, Expo: float32(expo), Bias: float32(expo * bias2)})
}

// Skewed sets dst[i] to variate off+i of the stable law S(α, β) in the given
// parametrisation with unit scale and location 0; 0 < α ≤ 2, |β| ≤ 1.
//
// For |α−1| ≥ 0.2 it is the float32 kernel, whose error is 2e-6 in the terms of
// Symmetric for α ≥ 0.7 and grows to 5e-6 at α = 0.5.
// Nearer to 1, where ζ grows without bound, each variate is made in float64 by a
// form that is regular at α = 1; S1 at α = 1 equals S0.
func (s Stream) Skewed(dst []float32, alpha, beta float64, param Param, off int) {
	checkAlpha(alpha)
	if !(math.Abs(beta) <= 1) || param > S1 {
		panic(fmt.Sprintf("stable: Skewed: beta %v, param %d, want |beta| ≤ 1 and S0 or S1", beta, param))
	}
	if math.Abs(alpha-1) < 0.2 {
		checkOffset(off)
		s.skewedNear1(dst, alpha, beta, param, off)
		return
	}
	q := skewedParams(alpha, beta, param)
	s.fill(dst, tagSkewed, simd.NoiseSkewed, off, &q)
}

// tanHalf returns tan(πα/2).
func tanHalf(alpha float64) float64 { return dmath.SinPi(alpha/2) / dmath.CosPi(alpha/2) }

// skewedParams returns the constants of the kernel: with φ = atan(ζ)/π,
// y = ½α ± φ + εv. At |β| = 1 φ is known exactly, so that y can be exactly 0.
func skewedParams(alpha, beta float64, param Param) simd.NoiseParams {
	eps, zeta := 1-alpha, beta*tanHalf(alpha)
	phi := dmath.Atan(zeta) / math.Pi
	switch {
	case alpha == 2:
		zeta, phi = 0, 0
	case math.Abs(beta) == 1 && alpha < 1:
		phi = beta * (alpha / 2)
	case math.Abs(beta) == 1:
		phi = beta * (alpha/2 - 1)
	}
	kp, km, expo := alpha/2+phi, alpha/2-phi, eps/alpha
	q := simd.NoiseParams{
		Eps: float32(eps), Expo: float32(expo),
		Bias: float32(float64(expo*bias2) + dmath.Log2(float64(zeta*zeta)+1)/(2*alpha)),
		Kp:   float32(kp), Km: float32(km), Kp1: float32(1 - kp), Km1: float32(1 - km),
	}
	if param == S0 {
		q.Shift = float32(-zeta)
	}
	return q
}

// skewedNear1 is the S0 form that is regular at α = 1 (specs: E ~ Exp(1), U in
// (−π/2, π/2), ε = 1−α, κ = εζ):
//
//	P = cos εU + κ·sin(εU)/ε,  L = ln(P/(E cos U)),  y = εL/α
//	X0 = [ε(tan U cos εU − sin εU) + κ(cos εU + tan U sin εU)]·(L/α)·(e^y−1)/y
//	   + [sin αU + 2κ·sin(εU/2)/ε·sin(U − εU/2)]/cos U
func (s Stream) skewedNear1(dst []float32, alpha, beta float64, param Param, off int) {
	if uint64(off)+uint64(len(dst)) > 1<<33 {
		panic(fmt.Sprintf("stable: Skewed: %d variates at offset %d exceed 2^33", len(dst), off))
	}
	eps := 1 - alpha
	kappa, shift := 2*beta/math.Pi, 0.0
	if eps != 0 {
		x := eps * (math.Pi / 2)
		kappa = float64(kappa*x) * dmath.Cos(x) / dmath.Sin(x)
		if param == S1 {
			shift = kappa / eps
		}
	}
	p := s.philox(tagSkewed)
	var w [4]uint32
	for i := range dst {
		n := uint64(off) + uint64(i)
		if i == 0 || n%2 == 0 {
			w = p.Block(uint32(n / 2))
		}
		x := near1(w[n%2*2], w[n%2*2+1], alpha, eps, kappa) + shift
		dst[i] = float32(max(min(x, math.MaxFloat32), -math.MaxFloat32))
	}
}

// sinc1 returns sin(x)/x.
func sinc1(x float64) float64 {
	if math.Abs(x) < 1e-9 {
		return 1
	}
	return dmath.Sin(x) / x
}

// near1 makes one S0 variate of two words, by the map of the float32 kernels.
func near1(wu, we uint32, alpha, eps, kappa float64) float64 {
	v := (float64(wu&(1<<31-1)) + 0.5) * 0x1p-32
	k := float64(we >> 1)
	e := exp64((k+0.5)*0x1p-31, (0x7fffffff-k+0.5)*0x1p-31)
	u, cosU := (0.5-v)*math.Pi, dmath.SinPi(v)
	sinU := dmath.CosPi(v)
	if wu>>31 != 0 {
		u, sinU = -u, -sinU
	}
	t, x := sinU/cosU, eps*u
	c, sx := dmath.Cos(x), dmath.Sin(x)
	l := dmath.Log((c + float64(float64(kappa*u)*sinc1(x))) / (e * cosU))
	y, d := float64(eps*l)/alpha, 1.0
	if y != 0 {
		d = dmath.Expm1(y) / y
	}
	a := float64(eps*(float64(t*c)-sx)) + float64(kappa*(c+float64(t*sx)))
	b := dmath.Sin(alpha*u) + float64(float64(float64(kappa*u)*sinc1(x/2))*dmath.Sin(u-x/2))
	return float64(float64(a*(l/alpha))*d) + b/cosU
}
