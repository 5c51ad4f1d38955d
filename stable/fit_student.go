package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// A StudentFit is a Student-t law x = Loc + Scale·t(ν) found by maximum
// likelihood.
type StudentFit struct {
	Nu, Loc, Scale float64  // Nu is +Inf where the likelihood is greatest at the normal law
	Interval       Interval // of ν, 95 %; Hi may be +Inf
	LocSE, ScaleSE float64  // standard errors
	N              int      // how many values
	LogLik         float64  // the largest logarithm of the likelihood
}

// Law returns the fitted law, ν = 10^6 for the normal one.
func (f StudentFit) Law() StudentT {
	return StudentT{Nu: min(f.Nu, 1e6), Scale: f.Scale, Loc: f.Loc}
}

// Limits of FitStudent, in q = 1/ν.
const (
	studentLeast = 50
	qNormal      = 1e-5 // from here on the law is taken as normal
	qMost        = 10
)

// FitStudent fits ν, location and scale of a Student-t law. It works with
// q = 1/ν, in which the normal law is the ordinary point 0 and estimates are
// close to normal, so the interval of ν is that of q turned over.
func FitStudent(x []float64) (StudentFit, error) {
	const op = "FitStudent"
	if err := checkData(op, x, studentLeast); err != nil {
		return StudentFit{}, err
	}
	mid, half, err := spread(op, x)
	if err != nil {
		return StudentFit{}, err
	}
	// Standardised, so that one set of bounds serves all data.
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mid) / half
	}
	l := likelihood{n: 3,
		lo:    vector{qNormal, -20, -50},
		hi:    vector{qMost, 20, 50},
		value: func(p vector) float64 { return studentSum(y, p) },
		slope: func(p vector) (float64, vector, matrix) { return studentSlope(y, p) },
	}
	p, ll, se, ok := l.maximise(vector{0.3, 0, 0})
	if !ok {
		return StudentFit{}, fmt.Errorf("stable: %s: the likelihood of the %d values has no maximum in reach (mostly ties?); use TailIndex", op, len(x))
	}
	scale := dmath.Exp(p[1])
	f := StudentFit{Nu: math.Inf(1), Loc: mid + float64(half*p[2]), Scale: half * scale, N: len(x),
		LocSE: half * se[2], ScaleSE: half * scale * se[1],
		LogLik: ll - float64(float64(len(x))*dmath.Log(half))}
	if p[0] > qNormal {
		f.Nu = 1 / p[0]
	}
	d := se[0]
	if d == 0 { // at the bound: the information of the normal law, 3/2 per value
		d = math.Sqrt(2 / (3 * float64(len(x))))
	}
	f.Interval = Interval{1 / (p[0] + float64(z95*d)), math.Inf(1)}
	if q := p[0] - float64(z95*d); q > qNormal {
		f.Interval.Hi = 1 / q
	}
	return f, nil
}

// studentSum returns the log-likelihood of y at q, ln scale and location:
//
//	ln f = ln(Γ((ν+1)/2)/Γ(ν/2)) − ½ ln(πν) − ln σ − ((ν+1)/2)·ln(1 + z²/ν)
func studentSum(y []float64, p vector) float64 {
	n, sum := float64(len(y)), 0.0
	var z, lg [studentBlock]float64
	for ; len(y) > 0; y = y[min(studentBlock, len(y)):] {
		for _, l := range studentLogs(&z, &lg, y, p) {
			sum += l
		}
	}
	nu := 1 / p[0]
	norm, _ := gammaStep(nu / 2)
	norm -= float64(0.5*dmath.Log(math.Pi*nu)) + p[1]
	return float64(n*norm) - float64((nu+1)/2*sum)
}

// studentBlock is how many values go through the vector functions together.
const studentBlock = 512

// studentLogs sets z to the standardised values of the first block of y and
// returns ln(1 + q·z²).
func studentLogs(z, lg *[studentBlock]float64, y []float64, p vector) []float64 {
	y = y[:min(studentBlock, len(y))]
	q, inv := p[0], dmath.Exp(-p[1])
	for i, v := range y {
		z[i] = (v - p[2]) * inv
		lg[i] = q * z[i] * z[i]
	}
	simd.Log1pF64(lg[:len(y)], lg[:len(y)])
	return lg[:len(y)]
}

// studentSlope is studentSum with its derivatives.
func studentSlope(y []float64, p vector) (ll float64, g vector, info matrix) {
	q, inv := p[0], dmath.Exp(-p[1])
	nu := 1 / q
	norm, dnorm := gammaStep(nu / 2)
	norm -= float64(0.5*dmath.Log(math.Pi*nu)) + p[1]
	var z, lg [studentBlock]float64
	for ; len(y) > 0; y = y[min(studentBlock, len(y)):] {
		for i, l := range studentLogs(&z, &lg, y, p) {
			zi := z[i]
			w := (nu + 1) * q / (1 + float64(q*zi*zi)) // (ν+1)/(ν+z²)
			ll += norm - float64((nu+1)/2*l)
			// ∂/∂ν, times dν/dq = −ν².
			s := vector{
				-nu * nu * 0.5 * (dnorm - q - l + float64(w*zi*zi*q)),
				float64(w*zi*zi) - 1,
				w * zi * inv,
			}
			s.add(3, &g, &info)
		}
	}
	info.mirror(3)
	return ll, g, info
}

// gammaStep returns ln(Γ(x+½)/Γ(x)) and its derivative for x > 0: the
// asymptotic series at x + m ≥ 16 and the product that leads there.
func gammaStep(x float64) (v, d float64) {
	prod := 1.0
	for x < 16 {
		prod *= x / (x + 0.5)
		d += 1/x - 1/(x+0.5)
		x++
	}
	r := 1 / (x * x)
	v = dmath.Log(prod*math.Sqrt(x)) - float64((1.0/8-float64(r*(1.0/192-float64(r*(1.0/640-float64(r*(17.0/14336)))))))/x)
	d += 0.5/x + float64(r*(1.0/8-float64(r*(3.0/192-float64(r*(5.0/640-float64(r*(119.0/14336))))))))
	return v, d
}
