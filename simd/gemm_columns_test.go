package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// columnsOf returns tiles of columns on new operands with everything at its end, so that
// what is read or written behind it is seen.
func columnsOf(t *testing.T, r *numtest.Rand, rows, n, k, cols int, special bool) Tiles {
	var a, c [TileRows]int32
	for i := range a {
		a[i], c[i] = int32(i), int32(i*TileCols)
	}
	ka := n*rows + 3
	x := Tiles{
		A: numtest.Guarded(t, (k-1)*ka+n*rows, false), B: numtest.Guarded(t, k*TileCols, false),
		C: numtest.Guarded(t, n*rows*TileCols, false), AOff: a[:], BOff: []int32{0}, COff: c[:],
		N: n, Rows: rows, Cols: cols, Segs: 1, K: k, KA: ka, KB: TileCols, AInc: rows, CInc: rows * TileCols,
		Packed: true, Beside: true, Loose: true,
	}
	r.Wild(x.A, special)
	r.Wild(x.B, special)
	r.Wild(x.C, special)
	return x
}

// withCopies returns t on copies of what it writes.
func (t Tiles) withCopies() Tiles {
	t.B, t.C = append([]float32{}, t.B...), append([]float32{}, t.C...)
	return t
}

// columnsDiffer says whether f leaves another t or s than Run and steps of a softmax do,
// after which no NaN is in maxima.
func columnsDiffer(t Tiles, s ColSoftmax, scaled bool, f func(t *Tiles, s *ColSoftmax)) error {
	got, want, gotS, wantS := t.withCopies(), t.withCopies(), s, s
	f(&got, &gotS)
	if scaled {
		wantS.Scale(want.B, want.K, want.Cols)
	}
	runTilesGeneric(&want)
	if !scaled {
		wantS.Max(want.C, want.N*want.Rows, want.Cols)
	}
	for c := range t.Cols {
		for _, x := range []struct {
			name      string
			got, want []float32
		}{{"B", got.B, want.B}, {"C", got.C, want.C}, {"s", gotS.v[:], wantS.v[:]}} {
			for i := c; i < len(x.want); i += TileCols {
				if g, w := x.got[i], x.want[i]; math.Float32bits(g) != math.Float32bits(w) && !(g != g && w != w) {
					return fmt.Errorf("%s: column %d of row %d is %g, want %g", x.name, c, i/TileCols, g, w)
				}
			}
		}
	}
	return nil
}

func eachColumns(t *testing.T, f func(x Tiles, s ColSoftmax)) {
	r, i := numtest.NewRand(5), 0
	for _, rows := range []int{4, 8, 12} {
		for n := 1; n < 4; n++ {
			for k := 1; k < 11; k++ {
				for _, cols := range []int{1, 16, 17, 32} {
					s := newCols()
					r.Fill(s.v[:], 1)
					x := columnsOf(t, r, rows, n, k, cols, i%3 == 0)
					x.Acc = i%2 == 0
					f(x, s)
					i++
				}
			}
		}
	}
}

func TestRunMax(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		eachColumns(t, func(x Tiles, s ColSoftmax) {
			x.Acc = false
			require.NoError(t, columnsDiffer(x, s, false, (*Tiles).RunMax), "%d tiles of %d rows, %d terms", x.N, x.Rows, x.K)
		})
	})
}

func TestRunScaled(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		eachColumns(t, func(x Tiles, s ColSoftmax) {
			require.NoError(t, columnsDiffer(x, s, true, (*Tiles).RunScaled), "%d tiles of %d rows, %d terms", x.N, x.Rows, x.K)
			plain := func(t *Tiles, s *ColSoftmax) { t.RunScaled(nil) }
			for c := range s.v {
				s.v[c] = 1 // changes nothing
			}
			require.NoError(t, columnsDiffer(x, s, true, plain))
		})
	})
}

// What leaves a part out is seen.
func TestColumnsMutants(t *testing.T) {
	s := newCols()
	r := numtest.NewRand(6)
	r.Fill(s.v[:], 1e-3)
	x := columnsOf(t, r, 12, 2, 5, 32, false)
	less := func(t *Tiles) *Tiles { c := *t; c.N--; return &c }
	require.Error(t, columnsDiffer(x, s, false, func(t *Tiles, s *ColSoftmax) { t.Run() }))
	require.Error(t, columnsDiffer(x, s, false, func(t *Tiles, s *ColSoftmax) { less(t).RunMax(s) }))
	require.Error(t, columnsDiffer(x, s, true, func(t *Tiles, s *ColSoftmax) { t.RunScaled(nil) }))
	require.Error(t, columnsDiffer(x, s, true, func(t *Tiles, s *ColSoftmax) { less(t).RunScaled(s) }))
}

func TestColumnsChecks(t *testing.T) {
	for i, change := range []func(x *Tiles){
		func(x *Tiles) { x.Beside = false }, func(x *Tiles) { x.Loose = false }, func(x *Tiles) { x.Rows = 5 },
		func(x *Tiles) { x.Segs = 0 }, func(x *Tiles) { x.COff = append([]int32{1}, x.COff[1:]...) },
		func(x *Tiles) { x.AOff = []int32{1, 2, 3, 4} }, func(x *Tiles) { x.BOff = []int32{1} },
		func(x *Tiles) { x.AStep = 12; x.N = 0 }, func(x *Tiles) { x.CStep = 12; x.N = 0 },
	} {
		s := newCols()
		x := columnsOf(t, numtest.NewRand(1), 4, 1, 2, 32, false)
		change(&x)
		require.Panics(t, func() { x.RunMax(&s) }, i)
		require.Panics(t, func() { x.RunScaled(&s) }, i)
	}
	s := newCols()
	x := columnsOf(t, numtest.NewRand(1), 4, 1, 2, 32, false)
	x.BInc = 1
	require.Panics(t, func() { x.RunScaled(&s) })
	x.BInc, x.Acc = 0, true
	require.Panics(t, func() { x.RunMax(&s) })
}
