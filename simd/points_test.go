package simd

import (
	"fmt"
	"testing"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// pointTiles is tiles that each have a B of their own, as the points of Winograd's
// products are: rows of A so far apart, or terms.
type pointTiles struct {
	n, rows, cols, k int
	beside           bool // rows of A are neighbours
	back             bool // rows lie in the reverse order
	repeated         bool // there is one row less than the tile has
	outside          bool // they do, and the last one reads zeros
	loose, acc       bool
}

func (c pointTiles) build(t *testing.T, fill func([]float32), front bool) *Tiles {
	const apart = 5 // floats between what belongs together
	x := &Tiles{N: c.n, Rows: c.rows, Cols: c.cols, Segs: 1, K: c.k, KA: 1, KB: TileCols, BInc: c.k*TileCols + 16, BOff: []int32{0},
		CInc: c.rows*TileCols + apart, Acc: c.acc, Loose: c.loose, Packed: c.loose}
	aRow := c.k + apart
	if x.AInc = c.rows * aRow; c.beside {
		aRow, x.KA, x.AInc = 1, c.rows+apart, c.k*(c.rows+apart)
	}
	for i := range c.rows {
		at := i
		if c.repeated {
			at = min(i, c.rows-2)
		}
		if c.back {
			at = c.rows - 1 - at
		}
		from := at
		if c.outside {
			from = c.rows - 2 - at
		}
		x.AOff, x.COff = append(x.AOff, int32(from*aRow)), append(x.COff, int32(at*TileCols))
	}
	x.A = numtest.Guarded(t, (c.n-1)*x.AInc+(c.rows-1)*aRow+(c.k-1)*x.KA+1, front)
	x.B = numtest.Guarded(t, (c.n-1)*x.BInc+c.k*TileCols, front)
	x.C = numtest.Guarded(t, (c.n-1)*x.CInc+c.rows*TileCols, front)
	x.Zero = numtest.Guarded(t, (c.k-1)*x.KA+1, front)
	for _, v := range [][]float32{x.A, x.B, x.C} {
		fill(v)
	}
	if c.k%2 == 0 {
		x.Next = x.A
	}
	return x
}

// Every level has the bits of the reference, and writes nothing beside its columns.
func TestTilesOfPoints(t *testing.T) {
	var cases []pointTiles
	for i, k := range []int{1, 3, 4, 16, 33, 64} {
		for j, rows := range []int{4, 8, 12} {
			for _, cols := range []int{7, 16, 20, 32} {
				for _, beside := range []bool{false, true} {
					cases = append(cases, pointTiles{n: 1 + (i+j)%5, rows: rows, cols: cols, k: k, beside: beside, acc: (i+j+cols/4)%2 > 0, loose: (i+j)%3 == 0})
				}
			}
			c := pointTiles{n: 3, rows: rows, cols: 32, k: k, beside: j == 1, acc: i%2 == 0}
			for _, change := range []func(){func() { c.back = true }, func() { c.back, c.repeated = false, true }, func() { c.repeated, c.outside = false, true }} {
				change()
				cases = append(cases, c)
			}
		}
	}
	for i, c := range cases {
		run := func(run func(x *Tiles)) []float32 {
			r := numtest.NewRand(uint64(i))
			x := c.build(t, func(v []float32) {
				if r.Fill(v, 1); i%4 == 0 {
					r.Wild(v, false)
				}
			}, i%2 == 0)
			run(x)
			if c.loose { // what other columns become is nobody's business
				for n := range c.n {
					for row := range c.rows {
						clear(x.C[n*x.CInc+row*TileCols:][c.cols : (c.cols+15)&^15])
					}
				}
			}
			return x.C
		}
		want := run(runTilesGeneric)
		for _, l := range isa.Available() {
			restore := isa.Force(l)
			got := run((*Tiles).Run)
			restore()
			numtest.SameBits(t, want, got, fmt.Sprintf("%+v at %v", c, l))
		}
	}
}
