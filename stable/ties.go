package stable

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
)

// Values that are the same, far from the median, are rounded, or at a bound to which
// they were clipped, or a code such as 999. Hill's estimate of rounded values jumps with
// k (Matsui, Mikosch and Tafakori 2013), and the gaps of 0 between them say that the
// tail is bent where it is not. So rounded values are moved apart, and others refused.

// A tie is count equal values of one side of the median, at a distance from it. In
// descending order they follow first values; a value that is like no other has count 1.
type tie struct {
	value        float64
	first, count int
}

// tiesOf returns the ties of the values above mid, or below where sign is −1: each side
// is rounded at places of its own, as mid need not be one.
func tiesOf(x []float64, mid, sign float64) []tie {
	var side []float64
	for _, v := range x {
		if d := sign * (v - mid); d > 0 {
			side = append(side, -d)
		}
	}
	slices.Sort(side)
	var all []tie
	for i := 0; i < len(side); {
		j := i + 1
		for j < len(side) && side[j] == side[i] {
			j++
		}
		all = append(all, tie{-side[i], i, j - i})
		i = j
	}
	return all
}

// settle gives TailIndex the values to estimate from in the place of top, the distances
// of x from mid in descending order, with their gaps and k. They are top itself unless
// ties matter. It returns an error for ties that are no rounding.
func settle(op string, x, top []float64, mid float64) (values, gaps []float64, k int, err error) {
	gaps = logGaps(top)
	k = tailK(gaps)
	if !slices.Contains(gaps, 0) {
		return top, gaps, k, nil
	}
	sides := [2][]tie{tiesOf(x, mid, 1), tiesOf(x, mid, -1)}
	if err := checkTies(op, sides, mid, top[k]); err != nil || !tied(top, mid, k) {
		return top, gaps, k, err
	}
	values = append(untie(sides[0]), untie(sides[1])...)
	slices.Sort(values)
	slices.Reverse(values)
	gaps = logGaps(values)
	k = tailK(gaps)
	if err := checkTies(op, sides, mid, top[k]); err != nil {
		return nil, nil, 0, err
	}
	if n := distinct(top, mid, k); n < tieLeast {
		return nil, nil, 0, fmt.Errorf("stable: %s: the %d largest distances from the median are %d different ones: the values are rounded too coarsely for an index; give them with more digits", op, k+1, n)
	}
	return values, gaps, k, nil
}

// tieLeast is the least number of different values that an index may rest on.
const tieLeast = 5

// distinct returns how many different ones the k+1 first of top are. Those that differ
// by the rounding of x − mid alone, of values on both sides, are the same.
func distinct(top []float64, mid float64, k int) int {
	n := 1
	for i := range k {
		if top[i]-top[i+1] > 0x1p-50*(top[i]+math.Abs(mid)) {
			n++
		}
	}
	return n
}

// tied reports whether ties matter among the k largest values: whether more than one
// in ten of the gaps between them is 0. With fewer, the width h of what is rounded to
// one value v near the k-th one is below about v/(4αk), as the gaps there are v/(αk) in
// the mean; so the threshold of Hill's estimate is off by at most a factor 1 ± 1/(8αk)
// and the index by 1/(8k) of it, a small part of its standard error of 1/√k.
func tied(top []float64, mid float64, k int) bool { return 10*(k+1-distinct(top, mid, k)) > k }

// untie returns the values of one side, those of ties apart from each other, as they
// were before they were rounded, or as near as can be told. Of a tie only its cell is
// known, and how many values lie in it and above. A power tail through the survival at
// both ends of the cell,
//
//	ln x = ln b − ln(b/a)·ln((i + r − ½)/i)/ln((i + m)/i),  r = 1 … m,
//
// of m values in [a, b] with i above it, gives them their places: so the estimate is one
// by the counts of the cells, which are all that there is. Of the outermost values,
// i = 0, it is not known, and they are spread evenly.
func untie(all []tie) []float64 {
	var out []float64
	for j, t := range all {
		if t.count == 1 {
			out = append(out, t.value)
			continue
		}
		a, b := cell(all, j)
		m, i := float64(t.count), float64(t.first)
		for r := range t.count {
			at := float64(r) + 0.5
			if t.first == 0 {
				out = append(out, b-float64(at/m*(b-a)))
				continue
			}
			part := dmath.Log1p(at/i) / dmath.Log1p(m/i)
			out = append(out, b*dmath.Exp(part*dmath.Log(a/b)))
		}
	}
	return out
}

// cell returns the ends of what is rounded to the value of tie j: half-way to the next
// values, and as far to the outside of the outermost one as to its inside and the other
// way round, but no further than half of the value.
func cell(all []tie, j int) (a, b float64) {
	v := all[j].value
	in, out := math.Inf(1), math.Inf(1)
	if j+1 < len(all) {
		in = (v - all[j+1].value) / 2
	}
	if j > 0 {
		out = (all[j-1].value - v) / 2
	}
	if j == 0 {
		out = in
	}
	if j+1 == len(all) {
		in = out
	}
	return v - min(in, v/2), v + min(out, v/2)
}

// digit returns the width of what is rounded to the value of tie j: that of its cell, or
// a low quantile of the gaps beside it, on the side where they are wider, if there are
// enough of them. Values that are not rounded lie closer than their cells are wide, and
// those with so many digits in all have wider cells on the outside.
func digit(all []tie, j int) float64 {
	const most, least = 32, 10
	low := func(beside []tie) float64 {
		var gaps []float64
		for i := range len(beside) - 1 {
			gaps = append(gaps, beside[i].value-beside[i+1].value)
		}
		if len(gaps) < least {
			return 0
		}
		slices.Sort(gaps)
		return gaps[len(gaps)/10]
	}
	a, b := cell(all, j)
	inside := low(all[j+1 : min(j+2+most, len(all))])
	if inside == 0 {
		return b - a
	}
	return min(b-a, max(inside, low(all[max(j-1-most, 0):j])))
}

// checkTies returns an error for a tie that is at the threshold or farther out, and no
// rounding.
func checkTies(op string, sides [2][]tie, mid, threshold float64) error {
	for i, all := range sides {
		sign := float64(1 - 2*i)
		for j := 0; j < len(all) && all[j].value >= threshold; j++ {
			value, other := mid+float64(sign*all[j].value), sides[1-i]
			want := expected(all, j)
			// Beside a tail on the other side, values above 0 say, end where rounding may be all.
			farthest := len(other) == 0 || other[0].value <= all[0].value
			if j == 0 && bound(all) && (farthest || float64(all[0].count) > tieSlack*want) {
				return fmt.Errorf("stable: %s: the outermost %d values all equal %.6g, a bound: no tail is left beyond; give the values as they were before they were clipped or rounded to few digits, or leave those out if they are a code for something else", op, all[0].count, value)
			}
			if atom(all[j], want) {
				return fmt.Errorf("stable: %s: %d values equal %.6g, and rounding explains %.2g of them: leave them out if they are a code for something else, or give them as they were if they are rounded more coarsely than others", op, all[j].count, value, want)
			}
		}
	}
	return nil
}

// tieChance is the chance with which a tie of rounded values is taken for another one,
// in a set of values; tieCount is the least tie that is looked at, and tieSlack how many
// times as dense as it seems a tail may be.
const (
	tieChance = 1e-4
	tieCount  = 3
	tieSlack  = 1.5
)

// bound reports whether the outermost tie is no rounding: whether its values, all beyond
// the lower end a of what is rounded to it, [a, b], end before b by chance alone. Of a
// power tail they do so with (1 − (a/b)^α)^m; α is taken to be twice that of the values
// between half of the tie's and a, as it goes up in a Gaussian law. The width of [a, b]
// is the least of the next gaps, as rounded values are no closer.
func bound(all []tie) bool {
	const gaps = 5
	t, w := all[0], math.Inf(1)
	for j := range min(gaps, len(all)-1) {
		w = min(w, all[j].value-all[j+1].value)
	}
	a, b, m, n := t.value-float64(w/2), t.value+float64(w/2), float64(t.count), t.count
	if t.count < tieCount || 2*a <= t.value {
		return false
	}
	for j := 1; j < len(all) && all[j].value > t.value/2; j++ {
		n += all[j].count
	}
	alpha := dmath.Log(float64(n)/m) / dmath.Log(2*a/t.value)
	return dmath.Pow(-dmath.Expm1(2*alpha*dmath.Log(a/b)), m) < tieChance
}

// expected returns how many values are rounded to that of tie j in the mean, if they are
// as dense as those inside of it, where a tail is denser; 0 where there are none.
func expected(all []tie, j int) float64 {
	const values, cells = 64, 4 // that tell the density
	inside, width := 0, 0.0
	for i := j + 1; i < len(all) && (inside < values || i <= j+cells); i++ {
		a, b := cell(all, i)
		inside += all[i].count
		width += b - a
	}
	if inside == 0 || all[j].count < tieCount {
		return 0
	}
	return float64(inside) * digit(all, j) / width
}

// atom reports whether a tie is no rounding: whether it is so many values by chance alone
// (Chernoff's bound of Poisson's law), where want are expected.
func atom(t tie, want float64) bool {
	if want == 0 {
		return false
	}
	most, m := float64(tieSlack*want), float64(t.count)
	// As many ties may be looked at as there are values out to this one.
	return m > most && m-most+float64(m*dmath.Log(most/m)) < dmath.Log(tieChance)-dmath.Log(float64(t.first+t.count))
}
