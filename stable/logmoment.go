package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// logMomentLeast is the least number of values for LogMoments: below, the
// variance of ln|x| says little.
const logMomentLeast = 20

// LogMoments estimates α and γ of a symmetric stable law about 0 from the mean
// m and the variance v of ln|x|:
//
//	α = (6v/π² − ½)^(−1/2),  ln γ = m − C(1/α − 1),  C = 0.5772…
//
// It takes one logarithm per value and is the cheapest estimator; the variance
// of α is α⁶(6/π²)²(κ₄ + 2v²)/(4n) with κ₄ = π⁴(1/(15α⁴) + 7/120). Subtract the
// centre of x first. Where v is below its value at α = 2, the answer is 2.
func LogMoments(x []float64) (StableFit, error) {
	const op = "LogMoments"
	if err := checkData(op, x, logMomentLeast); err != nil {
		return StableFit{}, err
	}
	n := float64(len(x))
	y := make([]float64, len(x))
	mean := 0.0
	for i, v := range x {
		if v == 0 {
			return StableFit{}, fmt.Errorf("stable: LogMoments: value %d is 0, where the logarithm has no value; leave zeros out, or use KogonWilliams", i)
		}
		y[i] = dmath.Log(math.Abs(v))
		mean += y[i]
	}
	mean /= n
	variance := 0.0
	for _, v := range y {
		variance += float64((v - mean) * (v - mean))
	}
	variance /= n - 1
	if variance == 0 {
		return StableFit{}, fmt.Errorf("stable: LogMoments: |x| is %v everywhere; leave such a column out", math.Abs(x[0]))
	}
	f := StableFit{Alpha: 2, N: len(x)}
	if r := float64(variance*(6/(math.Pi*math.Pi))) - 0.5; r > 0.25 {
		f.Alpha = 1 / math.Sqrt(r)
	}
	a := f.Alpha
	f.Scale = dmath.Exp(mean - float64(euler*(1/a-1)))
	v, k3, k4 := logCumulants(a)
	dv := a * a * a * (3 / (math.Pi * math.Pi)) // −dα/dv
	varV := (k4 + float64(2*v*v)) / n
	f.SE[0] = dv * math.Sqrt(varV)
	// ln γ = m − C/α + C: m and v have the covariance κ₃/n.
	c := float64(euler / (a * a) * -dv)
	f.SE[2] = f.Scale * math.Sqrt(v/n+float64(c*c*varV)+float64(2*c*k3)/n)
	return f, nil
}

// logCumulants returns the cumulants κ₂, κ₃, κ₄ of ln|X| for a symmetric
// stable X, from E|X|^p = Γ(1−p/α)/(Γ(1−p)·cos(πp/2)).
func logCumulants(a float64) (k2, k3, k4 float64) {
	const (
		pi2   = math.Pi * math.Pi
		zeta3 = 1.2020569031595942
	)
	k2 = float64(pi2 / 6 * (1/(a*a) + 0.5))
	k3 = float64(2 * zeta3 * (1/(a*a*a) - 1))
	k4 = float64(pi2 * pi2 * (1/(15*a*a*a*a) + 7.0/120))
	return k2, k3, k4
}
