package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// ecfPoints is the number of points t = 0.1, 0.2, …, 1 at which Kogon and
// Williams read the empirical characteristic function.
const ecfPoints = 10

// ecfLeast is the least number of values for KogonWilliams.
const ecfLeast = 50

// ecfRounds is how often the values are standardised anew where the first
// scale was far off, as it can be for skewed laws of small α.
const ecfRounds = 4

// An ecf is the empirical characteristic function (1/n)·Σ exp(i·t_k·x_j),
// t_k = (k+1)/10.
type ecf struct{ re, im [ecfPoints]float64 }

// KogonWilliams estimates a stable law by regression on the empirical
// characteristic function φ̂ of the standardised values (Kogon and Williams
// 1998) at t = 0.1, …, 1:
//
//	ln(−2 ln|φ̂(t)|) = ln(2γ^α) + α ln t
//	arg φ̂(t) = δt + β·tan(πα/2)·((γt)^α − γt)
//
// The phase is that of S0, so nothing happens at α = 1. The start is the median
// and half the distance of the quartiles; the values are standardised again if
// the answer lies far from it. α is cut to 2 and β to [−1, 1].
//
// It is the estimator of choice for large samples: the time is that of one sine
// and cosine per value, the others follow by Chebyshev's recurrence (float32;
// φ̂ is good to 1e-6). The standard errors follow from the covariance of φ̂.
func KogonWilliams(x []float64) (StableFit, error) {
	const op = "KogonWilliams"
	if err := checkData(op, x, ecfLeast); err != nil {
		return StableFit{}, err
	}
	loc, scale, err := spread(op, x)
	if err != nil {
		return StableFit{}, err
	}
	for round := 1; ; round++ {
		phi := newECF(x, loc, scale)
		f, ok := phi.regress(2, 1)
		if !ok {
			return StableFit{}, fmt.Errorf("stable: %s: the characteristic function of the %d values is not that of a stable law (few distinct values?); use TailIndex", op, len(x))
		}
		near := f.Scale > 0.5 && f.Scale < 2 && math.Abs(f.Loc) < 0.5
		if !near && round < ecfRounds {
			loc, scale = loc+float64(scale*f.Loc), scale*min(max(f.Scale, 0.1), 10)
			continue
		}
		f.SE = phi.errors(f, len(x), 1)
		if f.Alpha == 2 {
			f.atTwo = 2 - float64(z95*f.SE[0])
			f.Beta, f.SE[0], f.SE[1] = 0, 0, 0 // β has no influence there
			f.betas = Interval{-1, 1}
		} else if free, ok := phi.regress(2, math.Inf(1)); ok && math.Abs(f.Beta) == 1 {
			d := float64(z95 * phi.errors(f, len(x), math.Inf(1))[1])
			f.betas = Interval{min(max(free.Beta-d, -1), 1), min(max(free.Beta+d, -1), 1)}
		}
		f.N = len(x)
		f.Loc = loc + float64(scale*f.Loc)
		f.Scale *= scale
		f.SE[2] *= scale
		f.SE[3] *= scale
		return f, nil
	}
}

// newECF returns the function of (x − loc)/scale.
func newECF(x []float64, loc, scale float64) *ecf {
	const block = 1024
	var y, s1, c1, s2, c2, two, tmp [block]float32
	e := new(ecf)
	n, step := float64(len(x)), 0.1/scale
	for ; len(x) > 0; x = x[min(block, len(x)):] {
		m := min(block, len(x))
		angles(y[:m], x[:m], loc, step)
		simd.SinCos(s1[:m], c1[:m], y[:m])
		simd.Add(two[:m], c1[:m], c1[:m])
		for i := range m {
			s2[i], c2[i] = 0, 1
		}
		// (c2, s2) is the point before (c1, s1).
		for k := range ecfPoints {
			e.re[k] += simd.Sum(c1[:m])
			e.im[k] += simd.Sum(s1[:m])
			if k == ecfPoints-1 {
				break
			}
			chebyshev(c2[:m], two[:m], c1[:m], tmp[:m])
			chebyshev(s2[:m], two[:m], s1[:m], tmp[:m])
			c1, c2 = c2, c1
			s1, s2 = s2, s1
		}
	}
	for k := range ecfPoints {
		e.re[k] /= n
		e.im[k] /= n
	}
	return e
}

// chebyshev sets old = two·cur − old.
func chebyshev(old, two, cur, tmp []float32) {
	simd.Mul(tmp, two, cur)
	simd.Sub(old, tmp, old)
}

// angles sets y to (x − loc)·step, reduced to about [−π, π].
func angles(y []float32, x []float64, loc, step float64) {
	const twoPi = 2 * math.Pi
	for i, v := range x {
		z := (v - loc) * step
		if math.Abs(z) > 1<<30 {
			z = math.Mod(z, twoPi)
		}
		y[i] = float32(z - float64(math.RoundToEven(z*(1/twoPi))*twoPi))
	}
}

// regress returns the law of the standardised values, α cut to most and |β| to skew;
// false if |φ̂| reaches 0 or 1, or rises.
func (e *ecf) regress(most, skew float64) (f StableFit, ok bool) {
	var lnT, y [ecfPoints]float64
	mx, my := 0.0, 0.0
	for k := range ecfPoints {
		m2 := float64(e.re[k]*e.re[k]) + float64(e.im[k]*e.im[k])
		if !(m2 > 0 && m2 < 1) {
			return f, false
		}
		lnT[k], y[k] = dmath.Log(float64(k+1)/ecfPoints), dmath.Log(-dmath.Log(m2))
		mx += lnT[k] / ecfPoints
		my += y[k] / ecfPoints
	}
	sxy, sxx := 0.0, 0.0
	for k := range ecfPoints {
		sxy += float64((lnT[k] - mx) * (y[k] - my))
		sxx += float64((lnT[k] - mx) * (lnT[k] - mx))
	}
	f.Alpha = min(sxy/sxx, most)
	if !(f.Alpha > 0.05) {
		return f, false
	}
	// The line through the centre with the slope, cut or not.
	f.Scale = dmath.Exp((my - float64(f.Alpha*mx) - math.Ln2) / f.Alpha)
	f.Beta, f.Loc = e.phase(f.Alpha, f.Scale, skew)
	return f, true
}

// phase fits β, cut to ±skew, and δ to the arguments of φ̂.
func (e *ecf) phase(alpha, gamma, skew float64) (beta, loc float64) {
	var tt, th, hh, ta, ha float64
	last := 0.0
	for k := range ecfPoints {
		t := float64(k+1) / ecfPoints
		h := phaseShape(alpha, float64(gamma*t))
		// Continue the argument from point to point.
		arg := arg2(e.im[k], e.re[k])
		arg -= float64(2 * math.Pi * math.RoundToEven((arg-last)/(2*math.Pi)))
		last = arg
		tt += float64(t * t)
		th += float64(t * h)
		hh += float64(h * h)
		ta += float64(t * arg)
		ha += float64(h * arg)
	}
	det := float64(tt*hh) - float64(th*th)
	if det > 1e-12*tt {
		beta = (float64(tt*ha) - float64(th*ta)) / det
	}
	beta = min(max(beta, -skew), skew)
	return beta, (ta - float64(beta*th)) / tt
}

// phaseShape returns tan(πα/2)(u^α − u), −(2/π)u·ln u at α = 1, for u > 0.
func phaseShape(alpha, u float64) float64 {
	e, l := alpha-1, dmath.Log(u)
	if math.Abs(e) < 1e-9 {
		return -2 / math.Pi * u * l
	}
	// tan(πα/2) = −cot(π(α−1)/2)
	return -u * dmath.Expm1(e*l) * dmath.CosPi(e/2) / dmath.SinPi(e/2)
}

// arg2 returns the angle of (x, y) in (−π, π].
func arg2(y, x float64) float64 {
	switch {
	case x > 0:
		return dmath.Atan(y / x)
	case x == 0 && y == 0:
		return 0
	case y > 0:
		return math.Pi/2 - dmath.Atan(x/y)
	case y < 0:
		return -math.Pi/2 - dmath.Atan(x/y)
	}
	return math.Pi
}

// errors returns the standard errors of f from n values: the covariance of φ̂,
//
//	2n·cov(C_s, C_t) = C_{s−t} + C_{s+t} − 2C_s·C_t,
//	2n·cov(S_s, S_t) = C_{s−t} − C_{s+t} − 2S_s·S_t,
//	2n·cov(C_s, S_t) = S_{s+t} − S_{s−t} − 2C_s·S_t,
//
// of the real and imaginary parts of the fitted law's φ, through the
// derivatives of the regression, with |β| cut to skew, by differences.
func (e *ecf) errors(f StableFit, n int, skew float64) (se [4]float64) {
	const h = 1e-6
	var at [2*ecfPoints + 1]struct{ c, s float64 } // φ at 0, 0.1, …, 2
	for k := range at {
		at[k].c, at[k].s = f.phi(float64(k) / ecfPoints)
	}
	sin := func(k int) float64 {
		if k < 0 {
			return -at[-k].s
		}
		return at[k].s
	}
	var slope [4][2 * ecfPoints]float64
	for j := range 2 * ecfPoints {
		up, down := *e, *e
		up.part(j, h)
		down.part(j, -h)
		a, okA := up.regress(math.Inf(1), skew)
		b, okB := down.regress(math.Inf(1), skew)
		if !okA || !okB {
			return se
		}
		for p, d := range [4]float64{a.Alpha - b.Alpha, a.Beta - b.Beta, a.Scale - b.Scale, a.Loc - b.Loc} {
			slope[p][j] = d / (2 * h)
		}
	}
	for p := range se {
		v := 0.0
		for i := range 2 * ecfPoints {
			for j := range 2 * ecfPoints {
				s, t := i%ecfPoints+1, j%ecfPoints+1
				minus, plus := at[max(s-t, t-s)].c, at[s+t].c
				var cov float64
				switch {
				case i < ecfPoints && j < ecfPoints:
					cov = minus + plus - float64(2*at[s].c*at[t].c)
				case i >= ecfPoints && j >= ecfPoints:
					cov = minus - plus - float64(2*at[s].s*at[t].s)
				case i < ecfPoints:
					cov = sin(s+t) - sin(s-t) - float64(2*at[s].c*at[t].s)
				default:
					cov = sin(s+t) - sin(t-s) - float64(2*at[s].s*at[t].c)
				}
				v += float64(slope[p][i] * slope[p][j] * cov)
			}
		}
		se[p] = math.Sqrt(max(v, 0) / (2 * float64(n)))
	}
	return se
}

// part adds d to the real part at j < 10, else to the imaginary part.
func (e *ecf) part(j int, d float64) {
	if j < ecfPoints {
		e.re[j] += d
	} else {
		e.im[j-ecfPoints] += d
	}
}

// phi returns the characteristic function of the fitted law at t ≥ 0.
func (f StableFit) phi(t float64) (c, s float64) {
	if t == 0 {
		return 1, 0
	}
	u := float64(f.Scale * t)
	r := dmath.Exp(-dmath.Pow(u, f.Alpha))
	a := float64(f.Loc*t) + float64(f.Beta*phaseShape(f.Alpha, u))
	return r * dmath.Cos(a), r * dmath.Sin(a)
}
