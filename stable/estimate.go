package stable

import (
	"fmt"
	"math"
	"slices"
)

// A StableFit is a stable law that an estimator found, in S0 whatever the
// estimator: location and scale then mean the same at every α.
type StableFit struct {
	Alpha, Beta, Scale, Loc float64 // the parameters found
	// SE are the asymptotic standard errors of Alpha, Beta, Scale and Loc, 0 for
	// a parameter that was held or that ended on its bound.
	SE     [4]float64
	N      int     // how many values
	LogLik float64 // of FitStable and Regress the largest logarithm of the likelihood, of others 0

	atTwo float64  // where α ended at its bound 2: the lower end of its interval
	betas Interval // where β or α of KogonWilliams ended on a bound: the interval of β
}

// An Interval is a confidence interval of a parameter, at 95 % where nothing else is
// said.
type Interval struct {
	Lo, Hi float64 // its ends, both in it
}

// Contains reports whether v lies in the interval.
func (i Interval) Contains(v float64) bool { return v >= i.Lo && v <= i.Hi }

// z95 is the 0.975 quantile of N(0, 1): intervals hold the truth 95 % of the
// time.
const z95 = 1.959963984540054

// AlphaInterval returns the asymptotic 95 % interval of α, cut to (0, 2]. Where
// α ended at 2 it is one-sided: for KogonWilliams by the standard error without
// the bound, for FitStable by the likelihood, which falls by 1.92 at its lower
// end with location and scale held; McCulloch has none there and returns {2, 2}.
func (f StableFit) AlphaInterval() Interval {
	if f.Alpha == 2 && f.atTwo > 0 {
		return Interval{f.atTwo, 2}
	}
	d := float64(z95 * f.SE[0])
	return Interval{max(f.Alpha-d, 0), min(f.Alpha+d, 2)}
}

// BetaInterval returns the asymptotic 95 % interval of β, cut to [−1, 1]. Where β ended on
// its bound, that of KogonWilliams is of the regression without the bound: near α = 2,
// where β has hardly an influence, it holds 0, and of α = 2 it is [−1, 1]. FitStable and McCulloch have none there,
// and return {β, β} as where β was held.
func (f StableFit) BetaInterval() Interval {
	if f.betas != (Interval{}) {
		return f.betas
	}
	d := float64(z95 * f.SE[1])
	return Interval{max(f.Beta-d, -1), min(f.Beta+d, 1)}
}

// Law returns the fitted law.
func (f StableFit) Law() Law {
	return Law{Alpha: f.Alpha, Beta: f.Beta, Scale: f.Scale, Loc: f.Loc, Param: S0}
}

const euler = 0.5772156649015329

// checkData returns an error that names the remedy unless x is a sample to
// estimate from: at least least values, all finite, not all equal.
func checkData(op string, x []float64, least int) error {
	if len(x) < least {
		return fmt.Errorf("stable: %s: %d values are too few; give at least %d", op, len(x), least)
	}
	lo, hi := x[0], x[0]
	for i, v := range x {
		if v-v != 0 {
			return fmt.Errorf("stable: %s: value %d is %v; remove what is not finite", op, i, v)
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	if lo == hi {
		return fmt.Errorf("stable: %s: all %d values equal %v; leave a constant column out", op, len(x), lo)
	}
	if hi-lo > math.MaxFloat64/4 || max(hi, -lo) > 1e150 || max(hi, -lo) < 1e-150 {
		return fmt.Errorf("stable: %s: values from %v to %v; divide them by their typical size first", op, lo, hi)
	}
	return nil
}

// sortKey maps float64 to unsigned integers of the same order.
func sortKey(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// keyBits is how many leading bits of a key sort values into buckets: sign,
// exponent and 1/16 of an octave.
const keyBits = 16

// smallSort is the number of values up to which sorting all of them is as fast.
const smallSort = 1 << 12

// orderStats returns the values of the given 0-based ranks, ascending, of x,
// which it does not change: one pass counts buckets, one collects those that
// hold a wanted rank, and only these are sorted.
func orderStats(x []float64, ranks []int) []float64 {
	out := make([]float64, len(ranks))
	if len(x) <= smallSort {
		y := slices.Clone(x)
		slices.Sort(y)
		for i, r := range ranks {
			out[i] = y[r]
		}
		return out
	}
	counts := make([]uint32, 1<<keyBits)
	for _, v := range x {
		counts[sortKey(v)>>(64-keyBits)]++
	}
	// want[b] is 1 + the number of the group of bucket b, 0 for none.
	want := make([]uint8, 1<<keyBits)
	group, first := make([]int, len(ranks)), make([]int, len(ranks))
	groups, before, i := 0, 0, 0
	for b, c := range counts {
		for i < len(ranks) && ranks[i] < before+int(c) {
			if want[b] == 0 {
				groups++
				want[b] = uint8(groups)
			}
			group[i], first[i] = groups-1, before
			i++
		}
		before += int(c)
	}
	held := make([][]float64, groups)
	for _, v := range x {
		if g := want[sortKey(v)>>(64-keyBits)]; g != 0 {
			held[g-1] = append(held[g-1], v)
		}
	}
	for _, h := range held {
		slices.Sort(h)
	}
	for i, r := range ranks {
		out[i] = held[group[i]][r-first[i]]
	}
	return out
}

// quantiles returns the p quantiles of x, p ascending: the order statistics
// x_(i) stand at (i − ½)/n, with straight lines between them (McCulloch 1986).
func quantiles(x []float64, p ...float64) []float64 {
	n := len(x)
	ranks := make([]int, 0, 2*len(p))
	frac := make([]float64, len(p))
	for i, q := range p {
		at := min(max(float64(q*float64(n))-0.5, 0), float64(n-1))
		r := min(int(at), max(n-2, 0))
		frac[i] = at - float64(r)
		ranks = append(ranks, r, min(r+1, n-1))
	}
	// Neighbours may interleave when n is small; orderStats wants them sorted.
	sorted := slices.Clone(ranks)
	slices.Sort(sorted)
	v := orderStats(x, sorted)
	out := make([]float64, len(p))
	for i := range p {
		a := v[slices.Index(sorted, ranks[2*i])]
		b := v[slices.Index(sorted, ranks[2*i+1])]
		out[i] = a + float64(frac[i]*(b-a))
	}
	return out
}

// spread returns the median and half the distance of the quartiles, which is
// the scale γ within 20 % for symmetric laws of α ≥ ½, or an error where at
// least half of the values are one and the same.
func spread(op string, x []float64) (mid, half float64, err error) {
	q := quantiles(x, 0.25, 0.5, 0.75)
	if q[2] == q[0] {
		return 0, 0, fmt.Errorf("stable: %s: half of the values equal %v; a law with a density has no such ties: leave these values or this column out", op, q[1])
	}
	return q[1], (q[2] - q[0]) / 2, nil
}
