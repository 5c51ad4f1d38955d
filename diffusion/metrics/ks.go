package metrics

import (
	"fmt"
	"math"
)

// A Side is a tail of a sample.
type Side uint8

// The sides.
const (
	Right Side = iota // large values
	Left              // small values
	Both              // large absolute values
)

// KS returns the two-sample statistic of Kolmogorov and Smirnov,
// sup_x |F_a(x) − F_b(x)|.
func KS(a, b []float64) float64 {
	x, okX := sorted(a)
	y, okY := sorted(b)
	if !okX || !okY {
		return math.NaN()
	}
	return supremum(x, y)
}

// supremum is KS of ascending samples.
func supremum(x, y []float64) float64 {
	i, j := 0, 0
	d := 0.0
	for i < len(x) && j < len(y) {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		d = max(d, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	return d
}

// TailKS is KS of what lies in one tail of the samples: of the values above the
// q-quantile of ref (Right), below its (1−q)-quantile (Left), or of the
// absolute values above the q-quantile of |ref| (Both), quantiles by linear
// interpolation and the bounds excluded. It compares the shape of the tails and
// not how much lies in them (QuantileRatios and TailError do). It is 1 where
// gen has nothing there and NaN where ref has nothing. State q beside it; 0.999
// is usual, and needs some 10⁵ values to mean something.
func TailKS(ref, gen []float64, side Side, q float64) float64 {
	checkTail("TailKS", q)
	r, okR := sorted(fold(ref, side))
	g, okG := sorted(fold(gen, side))
	if !okR || !okG {
		return math.NaN()
	}
	t := quantile(r, q)
	r, g = above(r, t), above(g, t)
	switch {
	case len(r) == 0:
		return math.NaN()
	case len(g) == 0:
		return 1
	}
	return supremum(r, g)
}

// fold maps the chosen tail of x to large values.
func fold(x []float64, side Side) []float64 {
	if side > Both {
		panic(fmt.Sprintf("metrics: side %d; want Right, Left or Both", uint8(side)))
	}
	if side == Right {
		return x
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = -v
		if side == Both {
			out[i] = math.Abs(v)
		}
	}
	return out
}

// above returns the values of ascending x that are larger than t.
func above(x []float64, t float64) []float64 {
	i := len(x)
	for i > 0 && x[i-1] > t {
		i--
	}
	return x[i:]
}
