package stable

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/dmath"
)

// Values that are the same, far from the median, are rounded, or at a bound to which
// they were clipped, or a code such as 999. Hill's estimate of rounded values jumps with
// k (Matsui, Mikosch and Tafakori 2013), and the gaps of 0 between them say that the
// tail is bent where it is not. So rounded values are moved apart, and others refused.
// How they were rounded nobody says: to a grid, to so many digits, or the most of them to
// whole numbers and the others not at all. The digits that they have and how many they are
// tell: a value is one of a grid if it has no more digits than its neighbours there, and
// as many as the density inside of it says, since a tail gets no denser outwards.

// A tie is count equal values of one side of the centre, at a distance from it. In
// descending order they follow first values; a value that is like no other has count 1.
type tie struct {
	value        float64
	first, count int
	round        int // see roundness
}

// A tail is one side of values about a centre: sign·(x − mid) > 0.
type tail struct {
	mid, sign float64
	ties      []tie   // in descending order
	groups    []group // the innermost first
	half      float64 // of the widest cell of values that are more than their next ones explain
	round     int     // of these
}

// A group is ties that rounding may have made of any values in [a, b]: counts beyond its
// ends are right, and nothing more is known of where its values were.
type group struct {
	from, to, round int // of the ties, the outermost first, and the one that they may be rounded to
	a, b            float64
	atom            *TieError // of a tie that is no rounding
}

// tailOf returns the side of values above mid, or below where sign is −1: each side is
// rounded at places of its own, as mid need not be one.
func tailOf(x []float64, mid, sign float64) tail {
	var side []float64
	for _, v := range x {
		if d := sign * (v - mid); d > 0 {
			side = append(side, -d)
		}
	}
	slices.Sort(side)
	t := tail{mid: mid, sign: sign}
	for i := 0; i < len(side); {
		j := i + 1
		for j < len(side) && side[j] == side[i] {
			j++
		}
		t.ties = append(t.ties, tie{-side[i], i, j - i, roundness(mid - float64(sign*side[i]))})
		i = j
	}
	for j := len(t.ties) - 1; j >= 0; j-- {
		t.group(j)
	}
	return t
}

// roundness returns how round a decimal number is: 2e if its last digit that is not 0
// stands for 10^e, one more if that digit is 5.
func roundness(v float64) int {
	text := strconv.FormatFloat(v, 'e', -1, 64)
	digits, exponent, _ := strings.Cut(text, "e")
	e, _ := strconv.Atoi(exponent)
	if _, decimals, ok := strings.Cut(digits, "."); ok {
		e -= len(decimals)
	}
	if strings.HasSuffix(digits, "5") {
		return 2*e + 1
	}
	return 2 * e
}

// group adds tie j to the groups, which hold all ties inside of it. What is rounded to a
// value ends half-way to its neighbours on the grid: these are the next values, or, where
// it may be more values than that explains, the next that are as round as it is.
func (t *tail) group(j int) {
	this := t.ties[j]
	g := group{from: j, to: j + 1, round: j}
	var e *TieError
	possible := false // as rounding
	for out, least := range t.grids(j) {
		a, b, ok := t.cell(j, out, least)
		if !ok {
			continue
		}
		g.a, g.b = a, b
		want := t.expected(j, b-this.value)
		// One of as many ties as lie out to this one may be taken for no rounding by chance.
		possible = possible || !more(this, tieSlack*want, tieChance/float64(this.first+this.count))
		finer := this.count >= tieCount && this.round >= t.round && b-this.value < t.half
		if !finer && !more(this, want, tieDoubt) {
			if least > math.MinInt && b-this.value > t.half {
				t.half, t.round = b-this.value, least
			}
			break
		}
		e = &TieError{Kind: TieAtom, Value: t.at(j), Count: this.count, Expected: want}
	}
	if !possible {
		g.atom = e
	}
	t.add(g)
}

// grids returns what tie j may be rounded to a place of, the finest first: by the next
// place outside of it, −1 for none, and how round the places are at least. These are all
// values, and then those as round as each that is rounder than all before it.
func (t *tail) grids(j int) iter.Seq2[int, int] {
	return func(yield func(out, least int) bool) {
		if !yield(j-1, math.MinInt) {
			return
		}
		own, most := t.ties[j].round, math.MinInt
		for out := j - 1; out >= 0 && most < own; out-- {
			r := t.ties[out].round
			if r > most && out < j-1 && !yield(out, min(r, own)) {
				return
			}
			most = max(most, r)
		}
		if most < own {
			yield(-1, own)
		}
	}
}

// at returns the value of tie j as the data have it.
func (t *tail) at(j int) float64 { return t.mid + float64(t.sign*t.ties[j].value) }

// add appends a group or makes it part of the last one, if it lies in that.
func (t *tail) add(g group) {
	k := len(t.groups) - 1
	if k >= 0 && t.ties[g.from].value < t.groups[k].b {
		last := &t.groups[k]
		last.from = g.from
		if last.atom == nil {
			last.atom = g.atom
		}
		return
	}
	for ; k >= 0 && t.groups[k].a >= g.a; k-- {
		g.to = t.groups[k].to
		if g.atom == nil {
			g.atom = t.groups[k].atom
		}
	}
	t.groups = t.groups[:k+1]
	if k >= 0 {
		g.a = max(g.a, t.groups[k].b)
	}
	t.groups = append(t.groups, g)
}

// cell returns the ends of what is rounded to the value of tie j, if its neighbours are
// tie out and the next one inside of it that is as round as least: half-way to these, and
// as far to the outside of the outermost one as to its inside and the other way round,
// but no further than half of the value. If not all values are neighbours, it reports
// whether the inner one is as many values as a place of that grid: a code has none.
func (t *tail) cell(j, out, least int) (a, b float64, ok bool) {
	v := t.ties[j].value
	inner := math.Inf(1)
	ok = least == math.MinInt
	i := j + 1
	for i < len(t.ties) && t.ties[i].round < least {
		i++
	}
	switch {
	case i < len(t.ties):
		inner = (v - t.ties[i].value) / 2
		ok = ok || !more(t.ties[j], tieSlack*float64(t.ties[i].count), tieChance)
	case out >= 0: // the innermost: the next one has 2^(α+1) times fewer
		ok = ok || !more(t.ties[j], 8*float64(t.ties[out].count), tieChance)
	}
	outer := inner
	if out >= 0 {
		outer = (t.ties[out].value - v) / 2
	}
	inner = min(inner, outer, v/2) // no grid gets finer outwards
	return v - inner, v + min(outer, v/2), ok
}

// settled are the values to estimate from in the place of top: themselves unless ties
// matter.
type settled struct {
	values, gaps []float64
	k, distinct  int
	lost         float64 // share of the variance of ln(value/threshold) of the k largest that is within groups
}

// settle returns the values that an index of some sides is estimated from, whose
// distances from mid are top in descending order. It returns an error for ties that are
// no rounding.
func settle(op string, x, top []float64, mid float64, signs ...float64) (s settled, err error) {
	gaps := logGaps(top)
	s = settled{values: top, gaps: gaps, k: tailK(gaps)}
	s.distinct = distinct(top, mid, s.k)
	if !slices.Contains(gaps, 0) {
		return s, nil
	}
	var sides []tail
	for _, sign := range signs {
		sides = append(sides, tailOf(x, mid, sign))
	}
	// Fewer than one gap of 0 in ten: the width h of what is rounded to one value v near the
	// k-th one is below about v/(4αk), as the gaps there are v/(αk) in the mean; so the
	// threshold of Hill's estimate is off by at most a factor 1 ± 1/(8αk) and the index by
	// 1/(8k) of it, a small part of its standard error of 1/√k.
	if err := checkTies(op, sides, mid, top[s.k]); err != nil || 10*(s.k+1-s.distinct) <= s.k {
		return s, err
	}
	var apart []moved
	for _, t := range sides {
		apart = append(apart, t.untie()...)
	}
	slices.SortFunc(apart, func(a, b moved) int {
		switch {
		case a.value > b.value:
			return -1
		case a.value < b.value:
			return 1
		}
		return 0
	})
	s.values = make([]float64, len(apart))
	for i, m := range apart {
		s.values[i] = m.value
	}
	s.gaps = logGaps(s.values)
	s.k = beside(apart, tailK(s.gaps))
	s.distinct = distinct(top, mid, s.k)
	if err := checkTies(op, sides, mid, top[s.k]); err != nil {
		return s, err
	}
	if s.distinct < tieLeast || s.k < tieLeast {
		if evenly(x) {
			return s, &TieError{Op: op, Kind: TieEven, Count: len(x)}
		}
		return s, &TieError{Op: op, Kind: TieCoarse, Count: s.distinct, Of: s.k + 1}
	}
	s.lost = lost(apart[:s.k], s.values[s.k])
	return s, nil
}

// beside returns how many of the k largest values to use: those beyond the innermost
// group where that holds more than three quarters of them. It is a power tail because it
// was made one, and the others are too few to show that it is none.
func beside(x []moved, k int) int {
	g, from := x[k-1].group, k-1
	for from > 0 && x[from-1].group == g {
		from--
	}
	if g != nil && 4*(k-from) > 3*k {
		return from
	}
	return k
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

// A moved value is one as it may have been before it was rounded.
type moved struct {
	value float64
	group *group // nil: it is as it was
}

// untie returns the values of one side, those of groups with ties apart from each other,
// as they were before they were rounded, or as near as can be told. Of a group only its
// ends are known, and how many values lie in it and above. A power tail through the
// survival at both ends,
//
//	ln x = ln b − ln(b/a)·ln((i + r − ½)/i)/ln((i + m)/i),  r = 1 … m,
//
// of m values in [a, b] with i above it, gives them their places: so the estimate is one
// by the counts of the groups, which are all that there is. Of the outermost values,
// i = 0, it is not known, and they are spread evenly.
func (t tail) untie() []moved {
	var out []moved
	for k := len(t.groups) - 1; k >= 0; k-- {
		g := &t.groups[k]
		ties := t.ties[g.from:g.to]
		m := 0
		for _, t := range ties {
			m += t.count
		}
		if m == len(ties) {
			for _, t := range ties {
				out = append(out, moved{value: t.value})
			}
			continue
		}
		n, i := float64(m), float64(ties[0].first)
		for r := range m {
			at := float64(r) + 0.5
			v := g.b - float64(at/n*(g.b-g.a))
			if i > 0 {
				part := dmath.Log1p(at/i) / dmath.Log1p(n/i)
				v = g.b * dmath.Exp(part*dmath.Log(g.a/g.b))
			}
			out = append(out, moved{v, g})
		}
	}
	return out
}

// lost returns the share of the variance of ln(v/threshold), which in a power tail is
// the square of the mean, that lies within groups: the information on the index that
// rounding took, for the score of an exponential law is its value less the mean.
func lost(top []moved, threshold float64) float64 {
	type sums struct{ n, log, square float64 }
	in := map[*group]*sums{}
	mean := 0.0
	for _, m := range top {
		log := dmath.Log(m.value / threshold)
		mean += log / float64(len(top))
		if m.group == nil {
			continue
		}
		s := in[m.group]
		if s == nil {
			s = &sums{}
			in[m.group] = s
		}
		s.n++
		s.log += log
		s.square += float64(log * log)
	}
	within := 0.0
	for _, m := range top { // in the order of values, not of the map
		if s := in[m.group]; s != nil {
			within += s.square - s.log*s.log/s.n
			delete(in, m.group)
		}
	}
	return within / float64(float64(len(top))*mean*mean)
}
