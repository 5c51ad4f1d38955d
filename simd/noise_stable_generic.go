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

// noiseScaled returns head·r^Expo·2^(Bias+biasN), at most the largest float32 and
// at least the smallest, with the sign of head.
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
	x = max(min(x, math.MaxFloat32), -math.MaxFloat32)
	if x == 0 {
		x = math.Float32frombits(math.Float32bits(x) | 1)
	}
	return x
}

func noiseRound(x float32) float32 { return float32(math.RoundToEven(float64(x))) }

// noiseSymmetric is the case β = 0. For α > 1, y = k + (1−α)v is above ½: Eps is
// |1−α|, and y is formed from 1−k.
func noiseSymmetric(wu, we uint32, q *NoiseParams, high bool) float32 {
	v := noiseHalfUnit(wu)
	w := max(FMA(v, -q.Alpha, q.K[0]), q.Least)
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
// U is −φ/α, in two parts, and not 0: no variate is.
func noiseTurn(v float32, side uint32, q *NoiseParams) float32 {
	w := FMA(v, -q.Alpha, q.K[side]) + FMA(v, -q.AlphaLo, q.KLo[side])
	switch {
	case w > 0.5:
		w = FMA(v, q.Alpha, q.K1[side])
	case w == 0:
		w = q.Least
	}
	return w
}

// noiseSkewed is the general case for α ≠ 1 (S1), plus Shift. Where they cancel, a
// result in ±ulp(Shift)/2 has rounded to 0: it is ±Zero, by a bit of we that E does
// not use.
func noiseSkewed(wu, we uint32, q *NoiseParams) float32 {
	v, side := noiseHalfUnit(wu), wu>>31
	y := FMA(v, q.Eps, q.K[side])
	if y > 0.5 {
		y = FMA(v, -q.Eps, q.K1[side])
	}
	w := noiseTurn(v, side, q)
	sv := noiseSine(v, v)
	head, inv := noiseHead(noiseSine(w, w), noiseNegLog2(we), sv)
	x := noiseSigned(noiseScaled(head, float32(noiseSine(y, y)*inv), q.BiasN, q), wu) + q.Shift
	return noiseNonzero(x, q.Zero, we)
}

// noiseNonzero returns x, and for 0 the number size, with its sign flipped where
// bit 0 of w is set.
func noiseNonzero(x, size float32, w uint32) float32 {
	if x == 0 {
		return noiseSigned(size, w<<31)
	}
	return x
}

// noiseStable makes one variate of a family with two words per variate.
func noiseStable(wu, we uint32, op NoiseOp, q *NoiseParams) float32 {
	switch op {
	case NoiseSymmetricLow, NoiseSymmetricHigh:
		return noiseSymmetric(wu, we, q, op == NoiseSymmetricHigh)
	case NoiseSkewed:
		return noiseSkewed(wu, we, q)
	}
	return noisePositive(wu, we, q, op)
}
