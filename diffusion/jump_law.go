package diffusion

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// unit is the law of n, d values with one factor.
func (j Jump) unit(d int) UnitNoise {
	return UnitNoise{
		d:     d,
		draw:  func(x []float64, key stable.Key) { j.Noise(x, key, 1) },
		index: []float64{math.Inf(1)},
		logDensity: func(x []float64) float64 {
			square := 0.0
			for _, v := range x {
				square += float64(v * v)
			}
			return j.logDensity(square, float64(d)/2)
		},
	}
}

// logDensity returns the logarithm of the density of 2·half elements of n where |n|² is
// square: the integral over u = ln κ of exp ℓ, but for constants, with a = λ/2 and
//
//	ℓ(u) = a·(u − κ) − half·ln S − square/(2S).
func (j Jump) logDensity(square, half float64) float64 {
	// Without its conversion the half would be fused into a − half, which a check counts.
	a, norm := float64(j.Rate/2), float64(half*dmath.Log(2*math.Pi))
	switch {
	case !(square <= math.MaxFloat64):
		return -square
	case j.Share == 1:
		return float64(-0.5*square) - norm
	case j.Share == 0 && square == 0 && half >= a:
		return math.Inf(1) // where all S near 0 add up
	case j.Share == 0 && square == 0:
		return dmath.LogGamma(a-half) - dmath.LogGamma(a) + float64(half*dmath.Log(a)) - norm
	}
	norm += dmath.LogGamma(a) - float64(a*dmath.Log(a))
	f := jumpIntegrand{j, a, half, square}
	if far := square / (1 - j.Share); a*far > 1e16 { // Laplace's method: ρ does not count there
		kappa := (a - half + math.Sqrt(float64((a-half)*(a-half))+float64(2*a*far))) / (2 * a)
		l, _ := f.at(dmath.Log(kappa))
		return l + float64(0.5*dmath.Log(2*math.Pi/(float64(a*kappa)+far/(2*kappa)))) - norm
	}
	return f.integral() - norm
}

// A jumpIntegrand is ℓ of Jump.logDensity.
type jumpIntegrand struct {
	Jump
	a, half, square float64
}

// at returns ℓ(u) and its slope.
func (f jumpIntegrand) at(u float64) (l, slope float64) {
	kappa := dmath.Exp(u)
	part := float64((1 - f.Share) * kappa)
	S := f.Share + part
	if S == 0 {
		return math.Inf(-1), 0
	}
	far := f.square / (2 * S)
	l = float64(f.a*(u-kappa)) - float64(f.half*dmath.Log(S)) - far
	return l, float64(f.a*(1-kappa)) + float64(part/S*(far-f.half))
}

// integral returns ln ∫exp ℓ du by the trapezoid rule, whose error falls as fast as
// exp(−10/h²) in steps of h widths of the peak. There is one: ℓ′/κ is convex in 1/S, and
// below 0 at one end and above at the other.
func (f jumpIntegrand) integral() float64 {
	top := dmath.Log(2 + math.Sqrt(f.square/(f.a*(1-f.Share)))) // where the slope is below 0
	most, slope := f.at(top)
	for slope < 0 {
		top -= 0.25
		most, slope = f.at(top)
	}
	h := 0.4 / math.Sqrt(1+f.half+float64(2*f.a*(1+dmath.Exp(top+0.25))))
	sum := 1.0
	for _, way := range [2]float64{h, -h} { // first over the peak, which is at most 0.25 up
		for k := 1.0; ; k++ {
			l, slope := f.at(top + float64(k*way))
			if l > most {
				sum, most = float64(sum*dmath.Exp(most-l))+1, l
			} else {
				sum += dmath.Exp(l - most)
			}
			if float64(slope*way) <= 0 && l < most-45 { // e^−45 of the peak is below the last digit
				break
			}
		}
	}
	return most + dmath.Log(sum*h)
}
