package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// testTable returns a table of random coefficients of the size that a table of
// quantiles has: each row another polynomial, so that a wrong row shows.
func testTable(lower float64, halvings, terms int) *OctaveTable {
	t := NewOctaveTable(lower, halvings, terms)
	r := rand.New(rand.NewPCG(1, 2))
	c := make([]float32, terms)
	for side := range 2 {
		for n := range t.Rows() {
			for j := range c {
				c[j] = float32(r.NormFloat64())
			}
			t.SetRow(side, n, c)
		}
	}
	return t
}

// TestOctaveRows: rows cover (2^-33, ½] without gaps, and a word finds the row
// and the place that Row states.
func TestOctaveRows(t *testing.T) {
	for halvings := range 7 {
		for _, lower := range []float64{0x1p-4, 0.3, 0.5, 0.7, 1 - 0x1p-4} {
			tab := NewOctaveTable(lower, halvings, 8)
			require.Equal(t, 32<<halvings, tab.Rows())
			require.Equal(t, 8, tab.Terms())
			end := 0.5
			for n := range tab.Rows() {
				high, unit, width := tab.Row(n)
				require.Equal(t, end, high)
				require.Equal(t, math.Ldexp(1, -halvings), width)
				end = high - width*unit
				// c0 = high, c1 = −unit make the identity in t.
				for side := range 2 {
					tab.SetRow(side, n, []float32{float32(high), -float32(unit), 0, 0, 0, 0, 0, 0})
				}
			}
			require.Equal(t, 0x1p-33, end)
			scan(func(w uint32) {
				side, at := tab.Place(w)
				k := float64(w)
				if uint32(w) >= tab.split {
					k = float64(^w)
				}
				p := float64(tab.split) * 0x1p-32
				if side == 1 {
					p = 1 - p
				}
				want := max((k+0.5)*0x1p-33/p, tableLeast)
				if side != 0 != (uint32(w) >= tab.split) || math.Abs(float64(at)/want-1) > 3e-7 || at > 0.5 {
					t.Fatalf("word %x: side %d, t %v, want %v", w, side, at, want)
				}
				if x := noiseTabular(w, tab); x != at {
					t.Fatalf("word %x: %v, want %v", w, x, at)
				}
			})
		}
	}
	for _, f := range []func(){
		func() { NewOctaveTable(0.01, 0, 8) }, func() { NewOctaveTable(math.NaN(), 0, 8) },
		func() { NewOctaveTable(0.5, 7, 8) }, func() { NewOctaveTable(0.5, -1, 8) }, func() { NewOctaveTable(0.5, 0, 9) },
	} {
		require.Panics(t, f)
	}
}

// TestNoiseOf: given the words of a generator, it makes the variates of Noise.
func TestNoiseOf(t *testing.T) {
	p := NewPhilox(3, 4, 5, 6)
	for _, c := range noiseCases {
		if c.op == NoiseWords {
			continue
		}
		numtest.EachLevel(t, func(t *testing.T) {
			for _, blocks := range []int{0, 1, 31, 32, 33, 100} {
				words := make([]uint32, 4*blocks)
				Uint32s(words, &p, 0)
				want, got := make([]float32, blocks*int(c.op.perBlock())), numtest.Guarded(t, blocks*int(c.op.perBlock()), true)
				Noise(want, c.op, &p, 0, &c.q)
				NoiseOf(got, c.op, words, &c.q)
				numtest.SameBits(t, want, got, c.name)
				require.Zero(t, testing.AllocsPerRun(5, func() { NoiseOf(got, c.op, words, &c.q) }))
			}
		})
	}
	x, w := make([]float32, 4), make([]uint32, 4)
	require.Panics(t, func() { NoiseOf(x, NoiseWords, w, nil) })
	require.Panics(t, func() { NoiseOf(x, NoiseSkewed, w, &NoiseParams{}) })
	require.Panics(t, func() { NoiseOf(x[:3], NoiseUniform, w[:3], &NoiseParams{}) })
}

// TestOctaveLayout: a variate made from the copy has the bits of the table's.
func TestOctaveLayout(t *testing.T) {
	for _, terms := range []int{8, 10} {
		tab := testTable(0.4, 2, terms)
		l := tab.Layout()
		require.Len(t, l.Coef, 2*tab.Rows()*terms)
		for _, w := range []uint32{0, 1, 77, 1 << 20, 1 << 30, l.Split - 1, l.Split, 3 << 30, math.MaxUint32} {
			side, at := tab.Place(w)
			k := w
			if w >= l.Split {
				k = ^w
			}
			require.Equal(t, at, max(FMA(float32(k), l.A[side], l.B[side]), tableLeast))
			n := tableHalf - math.Float32bits(at)
			d := math.Float32frombits(n&(1<<l.Shift-1)|0x3f800000) - 1
			if n == 0 {
				d = 0x1p-25
			}
			c := l.Coef[(side*tab.Rows()+int(n>>l.Shift))*terms:][:terms]
			x := c[terms-1]
			for j := terms - 2; j >= 0; j-- {
				x = FMA(x, d, c[j])
			}
			require.Equal(t, noiseTabular(w, tab), x, "word %#x", w)
		}
	}
}
