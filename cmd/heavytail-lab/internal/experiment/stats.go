package experiment

import (
	"math"

	"heavytail/stable"
)

// A Summary is what a table shows of repeated measurements.
type Summary struct {
	N    int     // finite values
	Bad  int     // values that are not finite; they are left out of the rest
	Mean float64 // NaN if N is 0
	Std  float64 // with N−1; NaN if N is below 2
}

// Summarise returns mean and standard deviation of the finite values of x.
func Summarise(x []float64) Summary {
	var s Summary
	sum := 0.0
	for _, v := range x {
		if v-v == 0 {
			s.N++
			sum += v
		}
	}
	s.Bad = len(x) - s.N
	s.Mean = sum / float64(s.N)
	sq := 0.0
	for _, v := range x {
		if v-v == 0 {
			sq += float64((v - s.Mean) * (v - s.Mean))
		}
	}
	s.Std = math.NaN()
	if s.N > 1 {
		s.Std = math.Sqrt(sq / float64(s.N-1))
	}
	return s
}

// Welch returns the two-sided p-value of Welch's t-test that two samples of
// unequal variances have the same mean:
//
//	t = (m₁ − m₂)/√(v₁ + v₂),  v = s²/n
//	ν = (v₁ + v₂)²/(v₁²/(n₁−1) + v₂²/(n₂−1))
//	p = 2·P(T_ν > |t|)
//
// It is NaN if a sample has fewer than two values or both do not vary.
func Welch(a, b Summary) float64 {
	if a.N < 2 || b.N < 2 {
		return math.NaN()
	}
	va, vb := a.Std*a.Std/float64(a.N), b.Std*b.Std/float64(b.N)
	if va+vb == 0 {
		return math.NaN()
	}
	t := (a.Mean - b.Mean) / math.Sqrt(va+vb)
	nu := (va + vb) * (va + vb) / (va*va/float64(a.N-1) + vb*vb/float64(b.N-1))
	return 2 * stable.StudentT{Nu: min(nu, 1e6), Scale: 1}.Survival(math.Abs(t))
}
