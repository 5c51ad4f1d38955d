package stable

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
)

// A TieKind says why equal values leave no tail index.
type TieKind int

const (
	// TieBound: the outermost values of a side are all the same, as those are that were
	// clipped there.
	TieBound TieKind = iota + 1
	// TieAtom: more values are the same than rounding explains, as a code such as 999 is.
	TieAtom
	// TieCoarse: the largest values are too few different ones.
	TieCoarse
	// TieEven: the values are the steps of an even grid, as a number of a row or a time
	// is, and no draws.
	TieEven
)

// A TieError is the error of TailIndex and SideIndex for data with so many equal values
// far from the centre that they have no tail index.
type TieError struct {
	Op    string // the function
	Kind  TieKind
	Value float64 // the tied value, as the data have it; of TieCoarse and TieEven 0
	// Count is how many values equal Value; of TieCoarse how many different ones are
	// among the Of largest; of TieEven the number of all values.
	Count    int
	Of       int     // of TieCoarse
	Expected float64 // of TieAtom: how many equal values rounding explains
}

// Error says which values are tied, and what to do.
func (e *TieError) Error() string {
	head := "stable: " + e.Op + ": "
	switch e.Kind {
	case TieBound:
		return head + fmt.Sprintf("the outermost %d values all equal %.6g, a bound: no tail is left beyond; give the values as they were before they were clipped or rounded to few digits, or leave those out if they are a code for something else", e.Count, e.Value)
	case TieAtom:
		return head + fmt.Sprintf("%d values equal %.6g, and rounding explains %.2g of them: leave them out if they are a code for something else, or give them as they were if they are rounded more coarsely than others", e.Count, e.Value, e.Expected)
	}
	if e.Kind == TieEven {
		return head + fmt.Sprintf("the %d values are evenly spaced, as numbers of rows and times are: that is no law with tails; leave the column out", e.Count)
	}
	return head + fmt.Sprintf("the %d largest distances from the centre are %d different ones: the values are rounded too coarsely for an index; give them with more digits", e.Of, e.Count)
}

// evenly reports whether the values, in order, rise by one step, but for the rounding of
// decimals.
func evenly(x []float64) bool {
	y := slices.Sorted(slices.Values(x))
	step := (y[len(y)-1] - y[0]) / float64(len(y)-1)
	for i, v := range y {
		if !(math.Abs(v-y[0]-float64(float64(i)*step)) <= 1e-3*step) {
			return false
		}
	}
	return step > 0
}

// checkTies returns an error for a tie that is at the threshold or farther out, and no
// rounding.
func checkTies(op string, sides []tail, mid, threshold float64) error {
	for i, t := range sides {
		// Beside a tail on the other side, values above 0 say, end where rounding may be all.
		farthest := true
		for j, other := range sides {
			if j != i && len(other.ties) > 0 && len(t.ties) > 0 && other.ties[0].value > t.ties[0].value {
				farthest = false
			}
		}
		if len(t.ties) > 0 && t.ties[0].value >= threshold && t.ends() && (farthest || float64(t.ties[0].count) > tieSlack*t.expected(0, t.groups[len(t.groups)-1].b-t.ties[0].value)) {
			return &TieError{Op: op, Kind: TieBound, Value: t.at(0), Count: t.ties[0].count}
		}
		for _, g := range slices.Backward(t.groups) {
			if g.atom != nil && math.Abs(g.atom.Value-mid) >= threshold {
				g.atom.Op = op
				return g.atom
			}
		}
	}
	return nil
}

// tieChance is the chance with which a tie of rounded values is taken for another one,
// in a set of values; tieDoubt that from which on a wider grid is taken, which costs little
// where it is not needed. tieCount is the least tie that is looked at, and tieSlack how
// many times as dense as it seems a tail may be.
const (
	tieChance = 1e-4
	tieDoubt  = 0.05
	tieCount  = 3
	tieSlack  = 1.5
)

// ends reports whether the outermost tie is no rounding: whether its values, all beyond
// the lower end a of what is rounded to it, [a, b], end before b by chance alone. Of a
// power tail they do so with (1 − (a/b)^α)^m; α is taken to be twice that of the values
// from half of a on, as it goes up in a Gaussian law. The width of [a, b] is the largest
// of the next gaps, as a grid gets no finer outwards.
func (t *tail) ends() bool {
	const gaps = 5
	top, w := t.ties[0], 0.0
	for j := range min(gaps, len(t.ties)-1) {
		w = max(w, t.ties[j].value-t.ties[j+1].value)
	}
	a, b, m := top.value-float64(w/2), top.value+float64(w/2), float64(top.count)
	if top.count < tieCount || a <= 0 {
		return false
	}
	alpha := 0.0
	for _, g := range slices.Backward(t.groups) {
		if g.a < a {
			last := t.ties[g.to-1]
			alpha = dmath.Log(float64(last.first+last.count)/m) / dmath.Log(a/g.a)
		}
		if g.a <= a/2 {
			break
		}
	}
	return dmath.Pow(-dmath.Expm1(2*alpha*dmath.Log(a/b)), m) < tieChance
}

// expected returns how many values are rounded to that of tie j in the mean, if its cell
// reaches half to either side and values are as dense there as inside of it, where a tail
// is denser; 0 where there are none, or too few are tied to look.
func (t *tail) expected(j int, half float64) float64 {
	const values, cells = 64, 4 // that tell the density
	if t.ties[j].count < tieCount {
		return 0
	}
	inside, low, high := 0, 0.0, 0.0
	for k, seen := len(t.groups)-1, 0; k >= 0 && (inside < values || seen < cells); k-- {
		g := t.groups[k]
		if t.ties[g.round].value > t.ties[j].value-half {
			continue
		}
		if seen++; seen == 1 {
			high = g.b
		}
		low = g.a
		inside += t.ties[g.to-1].first + t.ties[g.to-1].count - t.ties[g.from].first
	}
	if inside == 0 {
		return 0
	}
	return float64(inside) * 2 * half / (high - low)
}

// more reports whether a tie is so many values with less than a chance, where want are
// expected (Chernoff's bound of Poisson's law).
func more(t tie, want, chance float64) bool {
	m := float64(t.count)
	return want > 0 && m > want && m-want+float64(m*dmath.Log(want/m)) < dmath.Log(chance)
}
