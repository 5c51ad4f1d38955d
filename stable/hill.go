package stable

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
)

// A TailFit is the index α of a power tail P(X > x) ~ c·x^(−α).
type TailFit struct {
	Alpha     float64
	Interval  Interval // 95 %, see Hill
	K         int      // how many of the largest values it rests on
	Threshold float64  // the largest value that is not among them
	N         int
}

// hillLeast is the least number of values for Hill and TailIndex.
const hillLeast = 50

// Hill estimates the index of the right tail of x from its k largest values
// (Hill 1975):
//
//	1/α = (1/k)·Σ_{i≤k} ln(x_(i)/x_(k+1)),  x_(1) ≥ x_(2) ≥ …
//
// k = 0 chooses k by HillK. The interval is the exact one of a Pareto tail,
// 2kα/α̂ ~ χ²(2k), by Wilson and Hilferty's approximation; it knows nothing of
// the bias that a tail still bent at x_(k+1) leaves, and nothing of the choice
// of k. A stable law has a bent tail up to far out: at α = 1.9 the estimate is
// above 2 unless n is in the millions; use FitStable where the law is stable.
func Hill(x []float64, k int) (TailFit, error) {
	if err := checkData("Hill", x, hillLeast); err != nil {
		return TailFit{}, err
	}
	top := make([]float64, len(x))
	for i, v := range x {
		top[i] = -v
	}
	slices.Sort(top)
	for i, v := range top {
		top[i] = -v
	}
	positive := 0
	for positive < len(top) && top[positive] > 0 {
		positive++
	}
	if positive < hillLeast/2 {
		return TailFit{}, fmt.Errorf("stable: Hill: %d values are above 0, want at least %d; give −x for the left tail, or subtract the centre", positive, hillLeast/2)
	}
	if k < 0 || k >= positive {
		return TailFit{}, fmt.Errorf("stable: Hill: k = %d with %d values above 0; choose 1 to %d, or 0 to have it chosen", k, positive, positive-1)
	}
	gaps := logGaps(top[:positive])
	if k == 0 {
		k = HillK(gaps)
	}
	sum := 0.0
	for _, u := range gaps[:k] {
		sum += u
	}
	if sum == 0 {
		return TailFit{}, fmt.Errorf("stable: Hill: the %d largest values all equal %v; rounded or bounded values have no tail index", k+1, top[0])
	}
	a := float64(k) / sum
	return TailFit{Alpha: a, Interval: hillInterval(a, k), K: k, Threshold: top[k], N: len(x)}, nil
}

// TailIndex estimates the index of both tails of x together: Hill's estimate
// for |x − median| with k chosen by HillK.
func TailIndex(x []float64) (TailFit, error) {
	if err := checkData("TailIndex", x, hillLeast); err != nil {
		return TailFit{}, err
	}
	mid := quantiles(x, 0.5)[0]
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v - mid)
	}
	f, err := Hill(y, 0)
	if err != nil {
		return f, fmt.Errorf("stable: TailIndex of |x − %v|: %w", mid, err)
	}
	return f, nil
}

// logGaps returns U_i = i·ln(x_(i)/x_(i+1)) of values that descend: of a Pareto
// tail they are independent and exponential with mean 1/α.
func logGaps(x []float64) []float64 {
	u := make([]float64, len(x)-1)
	a := dmath.Log(x[0])
	for i := range u {
		b := dmath.Log(x[i+1])
		u[i] = float64(i+1) * (a - b)
		a = b
	}
	return u
}

// hillCritical is Guillou and Hall's bound of Q.
const hillCritical = 1.25

// HillK chooses how many of the largest values to use by the diagnostic of
// Guillou and Hall (2001), from the scaled gaps U_i = i·ln(x_(i)/x_(i+1)),
// x descending. A bend of the tail shows as a trend of the gaps,
//
//	T_k = √(3/k³)·Σ_{i≤k} (k−2i+1)U_i / ((1/k)·Σ_{i≤k} U_i),
//
// which is N(0, 1) without one. Q_k² is the mean of T² over [k−k/2, k+k/2]; k
// is the smallest from which on every Q exceeds 1.25, the point where bias
// begins to show against noise, or the largest possible where none does.
func HillK(gaps []float64) int {
	n := len(gaps)
	squares := make([]float64, n+1) // prefix sums of T²
	a, b := 0.0, 0.0
	for k := 1; k <= n; k++ {
		a += gaps[k-1]
		b += float64(float64(k) * gaps[k-1])
		t2 := 0.0
		if a > 0 {
			kk := float64(k)
			s := float64((kk+1)*a) - 2*b
			t2 = 3 / kk * (s / a) * (s / a)
		}
		squares[k] = squares[k-1] + t2
	}
	last := 2 * n / 3
	for last > 1 && last+last/2 > n {
		last--
	}
	k := last
	for ; k > 1; k-- {
		h := k / 2
		q2 := (squares[k+h] - squares[k-h-1]) / float64(2*h+1)
		if q2 <= hillCritical*hillCritical {
			break
		}
	}
	// k is now the largest with Q ≤ 1.25; the choice is the next one.
	return min(k+1, last)
}

// hillInterval returns the 95 % interval of α for the estimate a from k values.
func hillInterval(a float64, k int) Interval {
	kk := float64(k)
	mid, d := 1-1/(9*kk), z95/(3*math.Sqrt(kk))
	lo, hi := max(mid-d, 0), mid+d
	return Interval{a * lo * lo * lo, a * hi * hi * hi}
}
