package simd

import (
	"fmt"
	"math"
)

// An OctaveTable holds the inverse of a distribution function as polynomials in
// rows that grow geometrically towards both tails: the family NoiseTable makes
// one variate of each word with it, in increasing order.
//
// Words below Split() are the lower side, the others the upper. With k = w, or
// ^w on the upper side, t = fma(float32(k), A, B) runs from 2^-33 to ½ over the
// side: 2t is the probability beyond the variate, given the side. The bits of
// ½ count down to those of t: n = (bits(½) − bits(t)) >> Shift is the row, what
// is left below is the place d = 2^-23·(… mod 2^Shift) in it, 2^-25 instead of 0
// where t rounds to ½ (the middle of what does), and the variate
//
//	x = c0 + d·(c1 + d·(c2 + …)), each step one fma
//
// An octave of t has 2^(23−Shift) rows. Sixteen rows of either side are a bank,
// which the kernels select from in registers; few words lie beyond the first.
type OctaveTable struct {
	first uint32     // Split−1 with bit 31 flipped
	a, b  [2]float32 // of the lower and the upper side
	k     [2]uint32  // bits of ½; 16 rows more for the upper side
	shift uint32
	mask  uint32
	edge  uint32  // bits of t at the end of bank 0
	step  uint32  // bits in a bank
	banks uint32  // banks after the first
	least float32 // rows end above 2^-33
	_     uint32
	rows  *float32 // = &coef[0]

	terms int
	split uint32
	coef  []float32 // [bank][term][half][row mod 16]
}

const (
	tableHalf  = 0x3f000000 // bits of ½
	tableRow   = 16         // rows of a side in a bank
	tableLeast = 0x1.000002p-33
)

// NewOctaveTable returns a table without coefficients whose lower side has the
// probability lower, between 1/16 and 15/16, rounded to a multiple of 2^-32. An
// octave has 2^halvings rows, halvings ≤ 6; terms is 8 or 10.
func NewOctaveTable(lower float64, halvings, terms int) *OctaveTable {
	if !(lower >= 0x1p-4 && lower <= 1-0x1p-4) || halvings < 0 || halvings > 6 || terms != 8 && terms != 10 {
		panic(fmt.Sprintf("simd: NewOctaveTable: lower side %v, %d halvings, %d terms", lower, halvings, terms))
	}
	t := &OctaveTable{shift: uint32(23 - halvings), terms: terms, split: uint32(math.Round(lower * 0x1p32))}
	t.first = (t.split - 1) ^ noiseSign
	t.mask = 1<<t.shift - 1
	t.step = tableRow << t.shift
	t.k = [2]uint32{tableHalf, tableHalf + t.step}
	t.edge = tableHalf - t.step
	t.banks = 2<<halvings - 1
	t.least = tableLeast
	for side, most := range [2]uint32{t.split - 1, ^t.split} {
		a := float32(0.5 / (float64(most) + 1))
		for FMA(float32(most), a, a/2) > 0.5 { // rounding
			a = math.Float32frombits(math.Float32bits(a) - 1)
		}
		t.a[side], t.b[side] = a, a/2
	}
	t.coef = make([]float32, int(t.banks+1)*terms*2*tableRow)
	t.rows = &t.coef[0]
	return t
}

// Rows returns the number of rows of either side.
func (t *OctaveTable) Rows() int { return int(t.banks+1) * tableRow }

// Terms returns the number of coefficients of a row.
func (t *OctaveTable) Terms() int { return t.terms }

// Split returns the first word of the upper side.
func (t *OctaveTable) Split() uint32 { return t.split }

// Row returns where row n lies: t = high − d·unit for 0 ≤ d < width.
func (t *OctaveTable) Row(n int) (high, unit, width float64) {
	end := math.Float32frombits(tableHalf - uint32(n+1)<<t.shift)
	_, e := math.Frexp(float64(end))
	return float64(math.Float32frombits(tableHalf - uint32(n)<<t.shift)), math.Ldexp(1, e-1), math.Ldexp(1, int(t.shift)-23)
}

// SetRow sets the coefficients of row n of the lower (side 0) or upper side.
func (t *OctaveTable) SetRow(side, n int, c []float32) {
	for j := range t.terms {
		t.coef[t.index(side, n, j)] = c[j]
	}
}

// An OctaveLayout is a table for kernels elsewhere: t = fma(float32(k), A, B) of
// the lower (0) and the upper side, the rest as in OctaveTable.
type OctaveLayout struct {
	A, B         [2]float32
	Split, Shift uint32    // words below Split are of the lower side; the bits of t below those of its row
	Coef         []float32 // [side][row][term]
}

// Layout returns a copy of the table.
func (t *OctaveTable) Layout() OctaveLayout {
	l := OctaveLayout{A: t.a, B: t.b, Split: t.split, Shift: t.shift}
	for side := range 2 {
		for n := range t.Rows() {
			for j := range t.terms {
				l.Coef = append(l.Coef, t.coef[t.index(side, n, j)])
			}
		}
	}
	return l
}

// index finds a coefficient. The row's index in the kernels is n on the lower
// side and n+16 on the upper: its bit 4 changes with every bank.
func (t *OctaveTable) index(side, n, term int) int {
	bank := n / tableRow
	return ((bank*t.terms+term)*2+(side+bank)%2)*tableRow + n%tableRow
}

// Place returns the side of a word and its t.
func (t *OctaveTable) Place(w uint32) (side int, at float32) {
	k := w
	if w >= t.split {
		side, k = 1, ^w
	}
	return side, max(FMA(float32(k), t.a[side], t.b[side]), t.least)
}

// noiseTabular makes a variate of a word.
func noiseTabular(w uint32, t *OctaveTable) float32 {
	side, at := t.Place(w)
	n := tableHalf - math.Float32bits(at)
	d := math.Float32frombits(n&t.mask|0x3f800000) - 1
	if n == 0 {
		d = 0x1p-25
	}
	i := t.index(side, int(n>>t.shift), t.terms-1)
	x := t.coef[i]
	for range t.terms - 1 {
		i -= 2 * tableRow
		x = FMA(x, d, t.coef[i])
	}
	return x
}
