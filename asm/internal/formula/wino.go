package formula

// Constants of Winograd's transforms; simd/wino_generic.go explains them.
const (
	a  = 11.0 / 16
	b  = 3.0 / 2
	p  = a * a
	q  = b * b
	k0 = 1 / (p * q)
	k1 = 1 / (2 * p * (p - q))
	k2 = 1 / (2 * q * (q - p))
)

// A1 and B1 are the points of F(4×4) beside 0 and infinity, A2 and B2 their squares.
const (
	A1, A2 = a, p
	B1, B2 = b, q
)

// A Form is one of simd.Wino with its transforms of one dimension, two of their
// results at a time, M results along a side from Points products and Pixels pixels: In gives the rows pair[0] and pair[1] of a tile's columns,
// Out those of a result's; the Along functions transform a whole row and give their
// results as soon as they have them. Back, by InPairs, and Taps, by TapPairs, are
// those of the gradient of the taps. A Wino is needed for every function.
type Form struct {
	Name        string // of its kernels
	M           int
	Points      int
	Pixels      int
	InPairs     [][]int
	In          Column
	InAlong     Along
	Weight      Column // of a column of taps, by InPairs, which is read once for both rows
	WeightAlong func(m Wino, w []Value, store func(v Value, j int))
	OutPairs    [][]int
	Out         Column
	OutAlong    func(m Wino, z []Value) []Value
	Back        Column
	BackAlong   Along
	Taps        Column
	TapsAlong   func(m Wino, z []Value) []Value

	// the constants of each
	InNeeds, WeightNeeds, OutNeeds, BackNeeds, TapNeeds []float32
}

// A Column transforms a column, of which d gives element i, to two of its results;
// an Along transforms a row.
type (
	Column func(m Wino, pair int, d func(i int) Value) (a, b Value)
	Along  func(m Wino, z []Value, store func(v Value, j int))
)

// Rows transforms n columns by pairs of rows, where load gives column j, and calls
// each with every row.
func (m Wino) Rows(pairs [][]int, n int, column Column, load func(j int) func(i int) Value, each func(row int, z []Value)) {
	for pair, rows := range pairs {
		z := [2][]Value{}
		for j := range n {
			a, b := column(m, pair, load(j))
			z[0], z[1] = append(z[0], a), append(z[1], b)
		}
		for k, row := range rows {
			each(row, z[k])
		}
	}
}

// TapPairs are the rows of taps that Taps gives at a time; two may be one.
var TapPairs = [][]int{{0, 2}, {1}}

// WinoSumsStep is simd.WinoSumsStep.
const WinoSumsStep = 12*32 + 16

// A Wino writes Winograd's transforms.
type Wino struct{ Machine }

// fma returns acc + k·v, fnma acc − k·v, times k·v.
func (m Wino) fma(acc Value, k float32, v Value) Value  { return m.FMA(m.Num(float64(k)), v, acc) }
func (m Wino) fnma(acc Value, k float32, v Value) Value { return m.FNMA(m.Num(float64(k)), v, acc) }
func (m Wino) times(k float32, v Value) Value           { return m.Mul(v, m.Num(float64(k))) }

// both returns base + k·x and base − k·x.
func (m Wino) both(base Value, k float32, x Value) (plus, minus Value) {
	return m.fma(base, k, x), m.fnma(base, k, x)
}

// Four is F(4×4, 3×3).
var Four = &Form{
	Name: "4", M: 4, Points: 6, Pixels: 6,
	InPairs: [][]int{{1, 2}, {3, 4}, {5, 0}},
	In: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		if pair == 2 {
			return m.edge(d(5), d(3), d(1)), m.edge(d(4), d(2), d(0))
		}
		return m.inner(pair, d(4), d(2), d(3), d(1))
	},
	InAlong: func(m Wino, z []Value, store func(v Value, j int)) {
		for pair := range 2 {
			p, q := m.inner(pair, z[4], z[2], z[3], z[1])
			store(p, 1+2*pair)
			store(q, 2+2*pair)
		}
		store(m.edge(z[4], z[2], z[0]), 0)
		store(m.edge(z[5], z[3], z[1]), 5)
	},
	Weight: func(m Wino, pair int, w func(i int) Value) (Value, Value) {
		if pair == 2 {
			return w(2), w(0)
		}
		return m.both(m.fma(w(0), []float32{p, q}[pair], w(2)), []float32{a, b}[pair], w(1))
	},
	WeightAlong: func(m Wino, w []Value, store func(v Value, j int)) {
		store(w[0], 0)
		store(w[2], 5)
		for pair := range 2 {
			p, q := m.both(m.fma(w[0], []float32{p, q}[pair], w[2]), []float32{a, b}[pair], w[1])
			store(p, 1+2*pair)
			store(q, 2+2*pair)
		}
	},
	OutPairs: [][]int{{0, 2}, {1, 3}},
	Out: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		m1, m2, m3, m4 := d(1), d(2), d(3), d(4)
		if pair == 0 {
			return m.even(d(0), m.Add(m1, m2), m.Add(m3, m4))
		}
		return m.odd(m.Sub(m1, m2), m.Sub(m3, m4), d(5))
	},
	OutAlong: func(m Wino, z []Value) []Value {
		p, q := m.Add(z[1], z[2]), m.Sub(z[1], z[2])
		r, s := m.Add(z[3], z[4]), m.Sub(z[3], z[4])
		y0, y2 := m.even(z[0], p, r)
		y1, y3 := m.odd(q, s, z[5])
		return []Value{y0, y1, y2, y3}
	},
	Back: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		if pair == 2 {
			return d(3), d(0)
		}
		return m.backInner(pair, d(0), d(1), d(2), d(3))
	},
	BackAlong: func(m Wino, z []Value, store func(v Value, j int)) {
		store(z[0], 0)
		store(z[3], 5)
		for pair := range 2 {
			p, q := m.backInner(pair, z[0], z[1], z[2], z[3])
			store(p, 1+2*pair)
			store(q, 2+2*pair)
		}
	},
	Taps: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		m1, m2, m3, m4 := d(1), d(2), d(3), d(4)
		if pair == 0 {
			return m.evenTaps(d(0), m.Add(m1, m2), m.Add(m3, m4), d(5))
		}
		y1 := m.oddTap(m.Sub(m1, m2), m.Sub(m3, m4))
		return y1, y1
	},
	TapsAlong: func(m Wino, z []Value) []Value {
		y1 := m.oddTap(m.Sub(z[1], z[2]), m.Sub(z[3], z[4]))
		y0, y2 := m.evenTaps(z[0], m.Add(z[1], z[2]), m.Add(z[3], z[4]), z[5])
		return []Value{y0, y1, y2}
	},
	InNeeds:     []float32{a, b, p, q, p + q, p * q},
	WeightNeeds: []float32{a, b, p, q},
	OutNeeds:    []float32{k0, k1, k1 * a, k1 * p, k1 * p * a, k2, k2 * b, k2 * q, k2 * q * b},
	BackNeeds:   []float32{a, b, p, q},
	TapNeeds:    []float32{k0, k1, k1 * a, k1 * p, k2, k2 * b, k2 * q},
}

// backInner returns rows 1 and 2 (pair 0) or 3 and 4 of A·d.
func (m Wino) backInner(pair int, d0, d1, d2, d3 Value) (Value, Value) {
	square, root := []float32{p, q}[pair], []float32{a, b}[pair]
	return m.both(m.fma(d0, square, d2), root, m.fma(d1, square, d3))
}

// evenTaps returns taps 0 and 2 from m0, sum = m1+m2, r = m3+m4 and m5.
func (m Wino) evenTaps(m0, sum, r, m5 Value) (y0, y2 Value) {
	y2 = m.fma(m.fma(m5, k2*q, r), k1*p, sum)
	return m.first(m0, sum, r), y2
}

// oddTap returns tap 1 from diff = m1−m2 and s = m3−m4.
func (m Wino) oddTap(diff, s Value) Value { return m.fma(m.times(k2*b, s), k1*a, diff) }

// inner returns rows 1 and 2 (pair 0) or 3 and 4 of Bᵀd.
func (m Wino) inner(pair int, d4, d2, d3, d1 Value) (Value, Value) {
	square, root := []float32{q, p}[pair], []float32{a, b}[pair]
	return m.both(m.fnma(d4, square, d2), root, m.fnma(d3, square, d1))
}

// edge returns row 0 of Bᵀd, or row 5 from d5, d3, d1.
func (m Wino) edge(d4, d2, d0 Value) Value { return m.fma(m.fnma(d4, p+q, d2), p*q, d0) }

// first returns result 0 from m0, sum = m1+m2 and r = m3+m4.
func (m Wino) first(m0, sum, r Value) Value {
	return m.fma(m.fma(m.times(k2, r), k1, sum), k0, m0)
}

// even returns results 0 and 2 from m0, sum = m1+m2 and r = m3+m4.
func (m Wino) even(m0, sum, r Value) (y0, y2 Value) {
	y0 = m.first(m0, sum, r)
	return y0, m.fma(m.times(k2*q, r), k1*p, sum)
}

// odd returns results 1 and 3 from diff = m1−m2, s = m3−m4 and m5.
func (m Wino) odd(diff, s, m5 Value) (y1, y3 Value) {
	y3 = m.fma(m.fma(m5, k2*q*b, s), k1*p*a, diff)
	return m.oddTap(diff, s), y3
}

// Two is F(2×2, 3×3).
var Two = &Form{
	Name: "2", M: 2, Points: 4, Pixels: 4,
	InPairs: [][]int{{1, 2}, {3, 0}},
	In: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		if pair == 0 {
			d1, d2 := d(1), d(2)
			return m.Add(d1, d2), m.Sub(d2, d1)
		}
		return m.Sub(d(1), d(3)), m.Sub(d(0), d(2))
	},
	InAlong: func(m Wino, z []Value, store func(v Value, j int)) {
		store(m.Add(z[1], z[2]), 1)
		store(m.Sub(z[2], z[1]), 2)
		store(m.Sub(z[1], z[3]), 3)
		store(m.Sub(z[0], z[2]), 0)
	},
	Weight: func(m Wino, pair int, w func(i int) Value) (Value, Value) {
		if pair == 1 {
			return w(2), w(0)
		}
		h, w1 := m.Add(w(0), w(2)), w(1)
		return m.Add(h, w1), m.Sub(h, w1)
	},
	WeightAlong: func(m Wino, w []Value, store func(v Value, j int)) {
		h := m.Add(w[0], w[2])
		store(w[0], 0)
		store(m.Add(h, w[1]), 1)
		store(m.Sub(h, w[1]), 2)
		store(w[2], 3)
	},
	OutPairs: [][]int{{0, 1}},
	Out: func(m Wino, _ int, d func(i int) Value) (Value, Value) {
		m1, m2 := d(1), d(2)
		return m.halves(d(0), m.Add(m1, m2), m.Sub(m1, m2), d(3))
	},
	OutAlong: func(m Wino, z []Value) []Value {
		y0, y1 := m.halves(z[0], m.Add(z[1], z[2]), m.Sub(z[1], z[2]), z[3])
		return []Value{y0, y1}
	},
	Back: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		d0, d1 := d(0), d(1)
		if pair == 0 {
			return m.Add(d0, d1), m.Sub(d0, d1)
		}
		return d1, d0
	},
	BackAlong: func(m Wino, z []Value, store func(v Value, j int)) {
		store(z[0], 0)
		store(m.Add(z[0], z[1]), 1)
		store(m.Sub(z[0], z[1]), 2)
		store(z[1], 3)
	},
	Taps: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		m1, m2 := d(1), d(2)
		if pair == 0 {
			sum := m.Add(m1, m2)
			return m.halves(d(0), sum, sum, d(3))
		}
		y1 := m.times(0.5, m.Sub(m1, m2))
		return y1, y1
	},
	TapsAlong: func(m Wino, z []Value) []Value {
		sum := m.Add(z[1], z[2])
		y1 := m.times(0.5, m.Sub(z[1], z[2]))
		y0, y2 := m.halves(z[0], sum, sum, z[3])
		return []Value{y0, y1, y2}
	},
	OutNeeds: []float32{0.5},
	TapNeeds: []float32{0.5},
}

// halves returns m0 + sum/2 and diff/2 − m3.
func (m Wino) halves(m0, sum, diff, m3 Value) (y0, y1 Value) {
	return m.fma(m0, 0.5, sum), m.FMS(m.Num(0.5), diff, m3)
}

// Up is the form of a doubled image, which has no transforms of taps: their sums are
// packed.
var Up = &Form{
	Name: "Up", M: 4, Points: 5, Pixels: 3,
	InPairs: [][]int{{1, 2}, {3, 4}, {0}},
	In: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		p := d(1)
		if pair == 1 {
			v := m.Sub(d(2), p)
			return v, v
		}
		return m.Sub(d(0), p), p
	},
	InAlong: func(m Wino, z []Value, store func(v Value, j int)) {
		before, after := m.Sub(z[0], z[1]), m.Sub(z[2], z[1])
		for j, v := range []Value{before, before, z[1], after, after} {
			store(v, j)
		}
	},
	OutPairs: [][]int{{0, 1}, {2, 3}},
	Out: func(m Wino, pair int, d func(i int) Value) (Value, Value) {
		p, first := d(2), 3*pair
		return m.Add(p, d(first)), m.Add(p, d(first+1))
	},
	OutAlong: func(m Wino, z []Value) []Value {
		return []Value{m.Add(z[2], z[0]), m.Add(z[2], z[1]), m.Add(z[2], z[3]), m.Add(z[2], z[4])}
	},
}
