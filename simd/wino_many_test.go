package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// manyCase returns products of n tiles of form m, so many points, k channels and cols
// columns over guarded memory.
func manyCase(t *testing.T, m Wino, n, points, k, cols int, fill func([]float32), front bool) *WinoMany {
	w := &WinoMany{N: n, Points: points, K: k, Cols: cols, Pitch: k + 3*(n%2), UStep: k*TileCols + 16*(k%3), Acc: (n+k+points)%2 > 0}
	last := (n-1)*m.Points() + points - 1
	w.M = numtest.Guarded(t, (last+1)*TileCols, front)
	w.V = numtest.Guarded(t, last*w.Pitch+k, front)
	w.U = numtest.Guarded(t, (points-1)*w.UStep+k*TileCols, front)
	w.Off = make([]int32, 2*TileRows)
	for _, x := range [][]float32{w.M, w.V, w.U} {
		fill(x)
	}
	if n%2 == 0 {
		w.Next = w.V
	}
	return w
}

// wrong compares the sums with exact ones, and what lies beside them with what was there.
func (t *WinoMany) wrong(m Wino, run func(*WinoMany)) error {
	p := m.Points()
	want, size := make([]float64, len(t.M)), make([]float64, len(t.M))
	for at, v := range t.M {
		tile, point, j := at/TileCols/p, at/TileCols%p, at%TileCols
		if want[at] = float64(v); point >= t.Points || j >= t.Cols {
			continue
		}
		if !t.Acc {
			want[at] = 0
		}
		size[at] = math.Abs(want[at])
		for k := range t.K {
			x := float64(t.V[(tile*p+point)*t.Pitch+k]) * float64(t.U[point*t.UStep+k*TileCols+j])
			want[at] += x
			size[at] += math.Abs(x)
		}
	}
	run(t)
	for at, v := range want {
		if at%TileCols >= t.Cols && at/TileCols%p < t.Points {
			continue // undefined
		}
		if d, most := math.Abs(float64(t.M[at])-v), float64(t.K+1)*0x1p-24*size[at]; !(d <= most) {
			return fmt.Errorf("tile %d, point %d, column %d: got %v, want %v, off by %g of %g", at/TileCols/p, at/TileCols%p, at%TileCols, t.M[at], v, d, most)
		}
	}
	return nil
}

// defined returns the columns that t defines.
func (t *WinoMany) defined() (x []float32) {
	for at := 0; at < len(t.M); at += TileCols {
		x = append(x, t.M[at:][:t.Cols]...)
	}
	return x
}

func TestWinoMany(t *testing.T) {
	for i, c := range []struct {
		m            Wino
		n, points, k int
		cols         int
	}{
		{Wino4, 12, 36, 16, 32}, {Wino4, 12, 12, 48, 17}, {Wino4, 8, 36, 32, 32}, {Wino4, 8, 6, 16, 20}, {Wino4, 8, 1, 64, 31},
		{Wino4, 12, 36, 32, 1}, {Wino4, 12, 12, 16, 8}, {Wino4, 8, 12, 48, 3}, {Wino4, 8, 6, 16, 8}, // few columns
		{Wino4, 12, 12, 16, 9}, {Wino4, 8, 6, 32, 16}, {Wino4, 12, 6, 17, 32}, {Wino4, 8, 36, 3, 1}, // what Tiles does
		{Wino4, 1, 36, 16, 32}, {Wino4, 5, 12, 32, 32}, {Wino4, 9, 6, 5, 7}, {Wino4, 11, 12, 16, 32},
		{Wino4, 4, 36, 32, 32}, {Wino4, 6, 12, 7, 16}, {Wino4, 14, 12, 16, 32}, {Wino4, 16, 36, 20, 30}, {Wino4, 17, 6, 33, 32}, // in several parts
		{Wino4, 21, 12, 16, 5}, {Wino4, 28, 36, 8, 32}, {Wino4, 49, 6, 12, 32}, {Wino2, 13, 16, 16, 17},
		{Wino2, 12, 16, 16, 32}, {Wino2, 8, 8, 32, 5}, {Wino2, 3, 4, 7, 32},
	} {
		var first, wild []float32
		for _, l := range isa.Available() {
			name := fmt.Sprintf("%+v at %v", c, l)
			restore := isa.Force(l)
			r := numtest.NewRand(uint64(i))
			w := manyCase(t, c.m, c.n, c.points, c.k, c.cols, func(x []float32) { r.Fill(x, 1) }, i%2 == 0)
			require.NoError(t, w.wrong(c.m, func(w *WinoMany) { w.Run(c.m) }), name)
			v := manyCase(t, c.m, c.n, c.points, c.k, c.cols, func(x []float32) { r.Wild(x, i%4 == 0) }, i%2 == 1)
			v.Run(c.m)
			restore()
			if first == nil {
				first, wild = w.defined(), v.defined()
				g := manyCase(t, c.m, c.n, c.points, c.k, c.cols, func([]float32) {}, true)
				r := numtest.NewRand(uint64(i))
				for _, x := range [][]float32{g.M, g.V, g.U} {
					r.Fill(x, 1)
				}
				winoManyGeneric(g, c.m)
				numtest.SameBits(t, g.defined(), first, name+", generic")
			}
			numtest.SameBits(t, first, w.defined(), name)
			numtest.SameBits(t, wild, v.defined(), name+", wild")
		}
	}
}

// A line is fetched with every four terms of what is computed at once: of a part, with AVX2
// of a group and half of the columns.
func TestWinoManyFetched(t *testing.T) {
	for _, c := range []struct{ n, cols, parts, groups int }{
		{72, 32, 6, 24}, {72, 16, 6, 12}, {12, 32, 1, 4}, {16, 7, 2, 3}, {49, 17, 5, 17}, {5, 32, 1, 3}, {3, 32, 1, 1},
	} {
		for _, l := range isa.Available() {
			want := c.parts
			if l == isa.AVX2 {
				want = c.groups
			}
			restore := isa.Force(l)
			w := WinoMany{N: c.n, Points: 12, K: 66, Cols: c.cols}
			require.Equal(t, want*12*16*16, w.Fetched(), "%+v at %v", c, l)
			restore()
		}
	}
}

// What is broken is seen, and what cannot be is refused.
func TestWinoManyBroken(t *testing.T) {
	one := func(x []float32) { numtest.NewRand(1).Fill(x, 1) }
	for _, breaks := range []func(w *WinoMany){
		func(w *WinoMany) { w.N-- }, func(w *WinoMany) { w.Points-- }, func(w *WinoMany) { w.Acc = !w.Acc }, func(w *WinoMany) { w.K -= 16 },
	} {
		w := manyCase(t, Wino4, 12, 12, 32, 32, one, true)
		require.Error(t, w.wrong(Wino4, func(w *WinoMany) { breaks(w); w.Run(Wino4) }))
	}
	for _, breaks := range []func(w *WinoMany){
		func(w *WinoMany) { w.N = 13 }, func(w *WinoMany) { w.N = 0 }, func(w *WinoMany) { w.Points = 0 }, func(w *WinoMany) { w.Points = 37 },
		func(w *WinoMany) { w.K = 0 }, func(w *WinoMany) { w.Cols = 33 }, func(w *WinoMany) { w.Cols = 0 }, func(w *WinoMany) { w.Pitch = 31 },
		func(w *WinoMany) { w.UStep = 32*32 - 1 }, func(w *WinoMany) { w.M = w.M[1:] }, func(w *WinoMany) { w.V = w.V[1:] },
		func(w *WinoMany) { w.U = w.U[1:] }, func(w *WinoMany) { w.Off = slices.Clone(w.Off[1:]) },
	} {
		w := manyCase(t, Wino4, 12, 12, 32, 32, one, true)
		breaks(w)
		require.Panics(t, func() { w.Run(Wino4) })
	}
	w := manyCase(t, Wino4, 8, 12, 32, 32, one, true)
	require.Panics(t, func() { w.Run(WinoUp) })
	require.Zero(t, testing.AllocsPerRun(5, func() { w.Run(Wino4) }))
}
