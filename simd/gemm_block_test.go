package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// blockDiffers runs a block of one term for each case, the case at each of the
// eight places in turn, and returns an error where a sum is not FMA's.
func blockDiffers(f func(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int), cases [][3]float32) error {
	other := numtest.NewRand(2)
	for i, v := range cases {
		r, j := i%blockRows, i/blockRows%blockCols
		a := [blockRows][]float32{other.Fill(make([]float32, 1), 1), other.Fill(make([]float32, 1), 1)}
		b := other.Fill(make([]float32, blockCols), 1)
		var sum [blockRows][blockCols]float32
		for r := range sum {
			other.Fill(sum[r][:], 1)
		}
		a[r][0], b[j], sum[r][j] = v[0], v[1], v[2]
		want := sum
		for r := range sum {
			for j := range sum[r] {
				want[r][j] = FMA(a[r][0], b[j], sum[r][j])
			}
		}
		f(&sum, a[0], a[1], b, 1, 1, blockCols)
		for r := range sum {
			for j, w := range want[r] {
				if g := sum[r][j]; math.Float32bits(w) != math.Float32bits(g) && !(w != w && g != g) {
					return fmt.Errorf("case %d, %x: sum[%d][%d] is %x, want %x", i, v, r, j, g, w)
				}
			}
		}
	}
	return nil
}

// Every sum of a block is rounded once, as FMA is.
func TestBlock(t *testing.T) {
	cases := fmaCases(20_000)
	require.NoError(t, blockDiffers(blockExact, cases))
	if fuses {
		require.NoError(t, blockDiffers(blockFused, cases))
	}
	for place := range blockRows * blockCols { // none is looked at in vain
		require.Error(t, blockDiffers(func(sum *[blockRows][blockCols]float32, a0, a1, b []float32, k, ka, kb int) {
			r, j := place/blockCols, place%blockCols
			twice := float32(math.FMA(float64([][]float32{a0, a1}[r][0]), float64(b[j]), float64(sum[r][j])))
			blockExact(sum, a0, a1, b, k, ka, kb)
			sum[r][j] = twice
		}, cases))
	}
}

// Terms that may be ties at any place of a sum, after and before terms that are
// exact and terms that are rounded.
func TestBlockTerms(t *testing.T) {
	const terms, kb = 9, 5
	r := numtest.NewRand(3)
	for n, v := range fmaCases(2_000) {
		var a [blockRows][]float32
		for i := range a {
			a[i] = r.Fill(make([]float32, 2*terms-1), 1)
			clear(a[i][:2*(n%terms)+1]) // 0·b + c before the case
		}
		b := r.Fill(make([]float32, (terms-1)*kb+blockCols), 1)
		var sum [blockRows][blockCols]float32
		for i := range sum {
			r.Fill(sum[i][:], 1)
		}
		row, col, at := n%blockRows, n/blockRows%blockCols, n%terms
		if n%3 == 0 { // rounded terms before it, which leave c
			for i := range at {
				a[row][2*i], b[i*kb+col] = 0x1p-140, 0x1p-20
			}
		}
		a[row][2*at], b[at*kb+col], sum[row][col] = v[0], v[1], v[2]
		want := sum
		for i := range terms {
			for r := range want {
				for j := range want[r] {
					want[r][j] = FMA(a[r][2*i], b[i*kb+j], want[r][j])
				}
			}
		}
		blockExact(&sum, a[0], a[1], b, terms, 2, kb)
		for i := range want {
			numtest.SameBits(t, want[i][:], sum[i][:], fmt.Sprintf("case %d: %x", n, v))
		}
	}
}

// blockPlain has no checks of its own: what does not fit ends before it reads.
func TestBlockRefuses(t *testing.T) {
	var sum [blockRows][blockCols]float32
	long, short := make([]float32, 64), make([]float32, 8)
	require.NotPanics(t, func() { blockExact(&sum, short, short, long, 8, 1, 8) })
	require.Panics(t, func() { blockExact(&sum, short, long, long, 9, 1, 4) })
	require.Panics(t, func() { blockExact(&sum, long, short, long, 5, 2, 4) })
	require.Panics(t, func() { blockExact(&sum, long, long, short, 2, 1, 5) })
}

// lanes.fma is FMA, in place too.
func TestLanes(t *testing.T) {
	for i, v := range fmaCases(20_000) {
		var x, y lanes
		r := numtest.NewRand(uint64(i))
		r.Fill(x[:], 1)
		r.Fill(y[:], 1)
		x[i%16], y[i%16] = v[1], v[2]
		var want lanes
		for j := range want {
			want[j] = FMA(v[0], x[j], y[j])
		}
		exact, ties, fused := x, x, y
		exact.fmaExact(v[0], &exact, &y)
		numtest.SameBits(t, want[:], exact[:], fmt.Sprintf("%x", v))
		for h := 0; h < len(ties); h += 8 {
			half := (*[8]float32)(ties[h:])
			fmaTies(half, v[0], half, (*[8]float32)(y[h:]))
		}
		numtest.SameBits(t, want[:], ties[:], fmt.Sprintf("%x, ties", v))
		if fusesLanes {
			fused.fmaFused(v[0], &x, &fused)
			numtest.SameBits(t, want[:], fused[:], fmt.Sprintf("%x, fused", v))
		}
	}
}

// Tiles in blocks have the bits of their definition, ties and values with few
// digits included.
func TestTilesGenericIsItsDefinition(t *testing.T) {
	m := newTilesMemory(t, false)
	for i, c := range tilesCases() {
		for name, fill := range map[string]func(r *numtest.Rand, v []float32){
			"wild": func(r *numtest.Rand, v []float32) { r.Wild(v, i%3 == 0) },
			"few digits": func(r *numtest.Rand, v []float32) { // sums of 25 bits: ties
				for e := range v {
					v[e] = float32(int(r.Uint64()%31)-15) * float32(math.Ldexp(1, int(r.Uint64()%14)))
				}
			},
		} {
			var got [2][]float32
			for k, run := range []func(*Tiles){runTilesGeneric, tilesByRow} {
				r := numtest.NewRand(uint64(i))
				x := c.build(m, func(v []float32) { fill(r, v) })
				run(x)
				got[k] = append(got[k], x.C...)
			}
			numtest.SameBits(t, got[1], got[0], fmt.Sprintf("%v, %s", c, name))
		}
	}
}

// tilesByRow is the definition of Tiles.Run.
func tilesByRow(t *Tiles) {
	for n := range t.N {
		for i := range t.Rows {
			if i == 0 || t.COff[n*t.CStep+i] != t.COff[n*t.CStep+i-1] {
				tileRow(t, n, i)
			}
		}
	}
}
