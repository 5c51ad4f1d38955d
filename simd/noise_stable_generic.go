package simd

import "math"

// The families of Chambers, Mallows and Stuck are written with the distance v of
// U = σ(½−v)π from the end of its interval, and with two angles
//
//	w = k − αv, y = k + (1−α)v, k = α/2 ± φ for U > 0 and U < 0, πφ = atan ζ
//
// so that sin(αU + πφ) = σ sin πw, cos((1−α)U − πφ) = sin πy and cos U = sin πv.
// An angle above ½ is replaced by its distance from 1, formed from 1−k. With
// that, no sine suffers from a difference, and
//
//	X = σ·(sin πw/sin πv)/cos πφ·(sin πy/(cos πφ·E sin πv))^((1−α)/α)
//
// has a relative error of a few roundings wherever U and E lie. ζ = β tan(πα/2).

// Minimax polynomials, as in noise_generic.go; written by asm/coef.
var (
	// sin(πw)/w − float32(π) in t = w², |w| ≤ ½: relative error 5.6e-9 of the sine.
	noiseSinHalf = [5]float32{
		-0x1.bf2e18p-24, -0x1.4abbc2p+02, 0x1.4668c6p+01, -0x1.324eep-01, 0x1.3dceecp-04,
	}
	// (2^r − 1)/r, |r| ≤ ½: relative error 1.3e-8.
	noiseExpm1 = [6]float32{
		0x1.62e43p-01, 0x1.ebfbdep-03, 0x1.c6afap-05, 0x1.3b2c3p-07, 0x1.5ef4c6p-10, 0x1.42a81p-13,
	}
	// sin(x)/x and (1 − cos x)/x² in x², |x| ≤ π/4: errors 4.0e-9 and 4.1e-10.
	noiseSinc = [4]float32{1, -0x1.555546p-03, 0x1.110778p-07, -0x1.995408p-13}
	noiseCosc = [4]float32{0.5, -0x1.55555p-05, 0x1.6c0f8ap-10, -0x1.9ace24p-16}
)

const (
	noisePi   = 0x1.921fb6p+1
	noiseMost = 0.51 // the fraction of an exponent, with its rounding
)

// noiseSine returns z·sin(πw)/w for |w| ≤ ½, that is sin πw for z = w.
func noiseSine(w, z float32) float32 {
	t := float32(w * w)
	r := noiseSinHalf[4]
	for i := 3; i >= 0; i-- {
		r = FMA(r, t, noiseSinHalf[i])
	}
	return FMA(z, noisePi, float32(r*z))
}

// noiseScaled returns head·r^Expo·2^(Bias+biasN), at most the largest float32.
// The exponent Expo·(e + g), 2^e the power of two in r, is kept in two parts, so
// that the error does not grow with it.
func noiseScaled(head, r, biasN float32, q *NoiseParams) float32 {
	ei, f := noiseSplit(r)
	e := float32(ei)
	t := FMA(float32(noiseLog1p(f)*f), q.Expo, q.Bias)
	n := noiseRound(FMA(e, q.Expo, t))
	d := FMA(e, q.Expo, -n) + FMA(e, q.ExpoLo, t)
	d = min(max(d, -noiseMost), noiseMost)
	p := noiseExp[6]
	for i := 5; i >= 0; i-- {
		p = FMA(p, d, noiseExp[i])
	}
	n = min(max(n+biasN, -126), 127)
	x := float32(head * math.Float32frombits(math.Float32bits(p)+uint32(int32(n))<<23))
	return max(min(x, math.MaxFloat32), -math.MaxFloat32)
}

func noiseRound(x float32) float32 { return float32(math.RoundToEven(float64(x))) }

// noiseSymmetric is the case β = 0. For α > 1, y = k + (1−α)v is above ½: Eps is
// |1−α|, and y is formed from 1−k.
func noiseSymmetric(wu, we uint32, q *NoiseParams, high bool) float32 {
	v := noiseHalfUnit(wu)
	w := FMA(v, -q.Alpha, q.K[0])
	k := q.K[0]
	if high {
		if w > 0.5 {
			w = FMA(v, q.Alpha, q.K1[0])
		}
		k = q.K1[0]
	}
	y := FMA(v, q.Eps, k)
	sv := noiseSine(v, v)
	head, inv := noiseHead(noiseSine(w, w), noiseNegLog2(we), sv)
	return noiseSigned(noiseScaled(head, float32(noiseSine(y, y)*inv), 0, q), wu)
}

// noiseTurn returns w, the angle of the sine, at most ½: next to its zero, where
// U is −φ/α, in two parts.
func noiseTurn(v float32, side uint32, q *NoiseParams) float32 {
	w := FMA(v, -q.Alpha, q.K[side]) + FMA(v, -q.AlphaLo, q.KLo[side])
	if w > 0.5 {
		w = FMA(v, q.Alpha, q.K1[side])
	}
	return w
}

// noiseSkewed is the general case for α ≠ 1 (S1), plus Shift.
func noiseSkewed(wu, we uint32, q *NoiseParams) float32 {
	v, side := noiseHalfUnit(wu), wu>>31
	y := FMA(v, q.Eps, q.K[side])
	if y > 0.5 {
		y = FMA(v, -q.Eps, q.K1[side])
	}
	w := noiseTurn(v, side, q)
	sv := noiseSine(v, v)
	head, inv := noiseHead(noiseSine(w, w), noiseNegLog2(we), sv)
	return noiseSigned(noiseScaled(head, float32(noiseSine(y, y)*inv), q.BiasN, q), wu) + q.Shift
}

// noiseSkewed0 is the general case in S0, regular at α = 1. With ε = 1−α and
// c = cos πφ, S1 is A·e^(εL/α) where
//
//	εA = σ(ε/c)·sin πw/sin πv, L = ln(P/(E sin πv)), P = sin(πy)/c
//	X0 = X1 − ζ = εA·(e^(εL/α) − 1)/ε + (A − ζ)
//	A − ζ = tan U·P − x·sin(x)/x − x·κU·(1 − cos x)/x², x = εU, κ = εζ
//
// in which everything has a limit at ε = 0. Where the power is small, so that
// these terms nearly cancel, X0 is X1 − ζ.
func noiseSkewed0(wu, we uint32, q *NoiseParams) float32 {
	v, side := noiseHalfUnit(wu), wu>>31
	z := FMA(v, q.EpsQ, q.KQ[side])
	if FMA(v, q.Eps, q.K[side]) > 0.5 {
		z = FMA(v, -q.EpsQ, q.K1Q[side])
	}
	p := noiseSine(float32(z*q.Cos), z)
	w, h := noiseTurn(v, side, q), 0.5-v
	e := noiseNegLog2(we)
	inv := 1 / float32(e*noiseSine(v, v))
	isv := float32(e * inv) // 1/cos U
	two, rho, g := noiseGrowth(float32(p*inv), q)
	a := float32(noiseSine(w, w) * isv)
	t := float32(noiseSine(h, h) * isv) // |tan U|
	x := float32(q.EpsPi * h)
	xx := float32(x * x)
	sinc, cosc := noiseSinc[3], noiseCosc[3]
	for i := 2; i >= 0; i-- {
		sinc, cosc = FMA(sinc, xx, noiseSinc[i]), FMA(cosc, xx, noiseCosc[i])
	}
	growth := FMA(float32(two*rho), g, float32(float32(two-1)*q.InvEpss))
	sum := FMA(float32(a*q.EpsQ), growth, FMA(t, p, -float32(x*sinc)))
	less := float32(float32(x*float32(q.KappaPi*h)) * cosc)
	if two < q.Steep {
		sum = float32(float32(a*q.InvCos) * float32(two*FMA(float32(rho*q.Eps), g, 1)))
		less = q.Zeta
	}
	return max(min(noiseSigned(sum, wu)-less, math.MaxFloat32), -math.MaxFloat32)
}

// noiseGrowth returns 2^n, ρ and Q with r^(ε/α)·(ln 2)^(−ε/α) = 2^n·(1 + ερ·Q)
// and |ερ| ≤ ½: n is the whole part of the exponent m, and ρ = m/ε − n/ε is
// formed from parts whose products are exact.
func noiseGrowth(r float32, q *NoiseParams) (two, rho, g float32) {
	ei, f := noiseSplit(r)
	e := float32(ei)
	l := noiseLog1p(f)
	n := noiseRound(FMA(FMA(l, f, e), q.Expo, q.Bias))
	n = min(max(n, -126), 127)
	rho = FMA(float32(l*f), q.InvAlphas, q.BiasAlpha)
	rho = FMA(e, q.InvAlphaLo, FMA(-n, q.InvEpsLo, rho))
	rho = FMA(e, q.InvAlpha, -float32(n*q.InvEps)) + rho
	d := min(max(float32(rho*q.Eps), -noiseMost), noiseMost)
	g = noiseExpm1[5]
	for i := 4; i >= 0; i-- {
		g = FMA(g, d, noiseExpm1[i])
	}
	return math.Float32frombits(uint32(int32(n)+127) << 23), rho, g
}

// noiseStable makes one variate of a family with two words per variate.
func noiseStable(wu, we uint32, op NoiseOp, q *NoiseParams) float32 {
	switch op {
	case NoiseSymmetricLow, NoiseSymmetricHigh:
		return noiseSymmetric(wu, we, q, op == NoiseSymmetricHigh)
	case NoiseSkewed:
		return noiseSkewed(wu, we, q)
	case NoiseSkewed0:
		return noiseSkewed0(wu, we, q)
	}
	return noisePositive(wu, we, q, op)
}
