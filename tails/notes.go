package tails

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"heavytail/stable"
)

// noteStart says of a heavy column that it starts somewhere, as amounts do at 0, that
// samples may not: whether the density falls from the smallest value on, so that at least
// a quarter lies nearer to it than half of the median does, or from the largest on.
func (c *Column) noteStart() {
	if !c.heavy() {
		return
	}
	mid, n := median(c.x), float64(len(c.x))
	what, of := "values", "data"
	if c.Tied > 0 { // there is no logarithm of theirs
		what, of = "others", "data, of the others alone"
	}
	for i, end := range []float64{slices.Min(c.x), slices.Max(c.x)} {
		near := 0.0
		for _, v := range c.x {
			if math.Abs(v-end) <= math.Abs(mid-end)/2 {
				near++
			}
		}
		if near >= float64(n/4)-float64(1.96*math.Sqrt(n*3/16)) {
			c.Notes = append(c.Notes, fmt.Sprintf("the %s %s at %.4g, where they are densest: a network smooths such a step, and a few samples lie beyond it, whatever -transform; "+
				"if none may, take the logarithm of their distance from there as %s", what, []string{"start", "end"}[i], c.units(end), of))
		}
	}
}

// outermost is how many different values, the farthest from the median, tell repeated
// values from rounded ones, which get the rarer the farther out they are.
const outermost = 20

// once leaves each value as often as it is there without repeats, where the outermost
// values all occur k times or a multiple of that, as where every row is there k times:
// k values that are the same tell as much as one, and would look like rounded ones.
func (c *Column) once() {
	mid := median(c.x)
	y := slices.Clone(c.x)
	slices.SortFunc(y, func(a, b float64) int {
		return cmp.Or(cmp.Compare(math.Abs(b-mid), math.Abs(a-mid)), cmp.Compare(b, a))
	})
	k, different := 0, 0
	for i := 0; i < len(y) && different < outermost; different++ {
		j := i
		for j < len(y) && y[j] == y[i] {
			j++
		}
		if k = gcd(k, j-i); k == 1 {
			return
		}
		i = j
	}
	if different < outermost {
		return
	}
	c.x = nil
	for i := 0; i < len(y); {
		j := i
		for ; j < len(y) && y[j] == y[i]; j++ {
			if (j-i)%k == 0 {
				c.x = append(c.x, y[j])
			}
		}
		i = j
	}
	c.Notes = append(c.Notes, fmt.Sprintf("repeated: the outermost values are there %d× or a multiple of that, as where rows were copied: so many equal ones count as one", k))
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// untie leaves the values that differ from the median where at least half of them
// do not: what has a density are the others.
func (c *Column) untie() {
	y := slices.Clone(c.x)
	slices.Sort(y)
	mid := y[len(y)/2]
	rest := slices.DeleteFunc(y, func(v float64) bool { return v == mid })
	if 2*len(rest) > len(c.x) {
		return
	}
	c.Tied = 1 - float64(len(rest))/float64(len(c.x))
	c.x = slices.DeleteFunc(slices.Clone(c.x), func(v float64) bool { return v == mid })
	c.Notes = append(c.Notes, fmt.Sprintf("%.3g %% of the values are %v: beta, alpha and nu are those of the others; samples of a network are near %[2]v, hardly ever equal to it: "+
		"if that share matters, train on the others alone and draw which values are %[2]v beside them", 100*c.Tied, c.units(mid)))
}

// noteTies says what the laws are fitted to where values were rounded or clipped: the
// likelihoods take them as they are.
func (c *Column) noteTies(err error) {
	var e *stable.TieError
	switch k, d := c.hill.K, c.hill.Distinct; {
	case errors.As(err, &e) && e.Kind == stable.TieBound:
		c.Notes = append(c.Notes, fmt.Sprintf("alpha and nu are fitted with the %d values at %.6g as they are: where the tail was cut off there, they are too light, where it is a code for no value, too heavy", e.Count, e.Value))
	case errors.As(err, &e) && e.Kind == stable.TieAtom:
		c.Notes = append(c.Notes, fmt.Sprintf("alpha and nu are fitted with the %d values at %.6g among the others", e.Count, e.Value))
	case errors.As(err, &e) && e.Kind == stable.TieEven: // it is no law
	case errors.As(err, &e), err == nil && 10*(k+1-d) > k:
		if err == nil {
			c.Notes = append(c.Notes, fmt.Sprintf("rounded or repeated: the %d largest distances from the centre are %d different ones; the index counts them by their cells as rounded, alpha and nu are fitted to them as they are", k+1, d))
			break
		}
		c.Notes = append(c.Notes, "alpha and nu are fitted to the rounded values as they are")
	}
}
