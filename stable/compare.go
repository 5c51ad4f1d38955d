package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// Compare is Vuong's test (1989) between a stable and a Student-t law fitted to
// x: the mean difference of their log-densities in units of its standard error.
// Above 1.96 the stable law is nearer to the data, below −1.96 Student's; in
// between the sample does not tell them apart. Laws of more parameters are
// favoured: compare a symmetric stable fit, which has three like Student's. It
// returns 0 where the two agree everywhere, as two normal laws do.
func Compare(x []float64, a StableFit, b StudentFit) float64 {
	lo, hi := 0.0, 0.0
	for _, v := range x {
		z := (v - a.Loc) / a.Scale
		lo, hi = max(lo, -z), max(hi, z)
	}
	t := newLogTable(a.Alpha, a.Beta, lo, hi)
	nu := min(b.Nu, 1/qNormal)
	norm, _ := gammaStep(nu / 2)
	norm -= float64(0.5 * dmath.Log(math.Pi*nu))
	scales := dmath.Log(b.Scale / a.Scale)
	s, q, n := 0.0, 0.0, float64(len(x))
	for _, v := range x {
		la, _ := t.at((v - a.Loc) / a.Scale)
		z := (v - b.Loc) / b.Scale
		d := la + scales - norm + float64((nu+1)/2*dmath.Log1p(z*z/nu))
		s += d
		q += float64(d * d)
	}
	mean := s / n
	variance := q/n - float64(mean*mean)
	if !(variance > 1e-12) {
		return 0
	}
	return mean / math.Sqrt(variance/n)
}
