package classifier

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion/metrics"
	"heavytail/internal/numtest"
)

// scenes are n colour pictures of size×size pixels: a sky, a ground and a few
// discs, of colours and places drawn from seed.
func scenes(seed uint64, n, size int) []float32 {
	r := numtest.NewRand(seed)
	u := func() float64 { return (r.Float64() + 1) / 2 }
	var out []float32
	for range n {
		horizon, bend := 0.3+0.4*u(), u()-0.5
		var sky, ground [3]float64
		for c := range 3 {
			sky[c], ground[c] = 0.2+0.8*u(), -0.8+0.8*u()
		}
		var discs [4][6]float64
		for i := range discs {
			discs[i] = [6]float64{u(), u(), 0.05 + 0.15*u(), 2*u() - 1, 2*u() - 1, 2*u() - 1}
		}
		for y := range size {
			for x := range size {
				fy, fx := float64(y)/float64(size), float64(x)/float64(size)
				p := [3]float64{}
				for c := range 3 {
					p[c] = ground[c] + 0.3*fx
					if fy < horizon+bend*(fx-0.5) {
						p[c] = sky[c] - 0.5*fy
					}
				}
				for _, d := range discs {
					if math.Hypot(fx-d[0], fy-d[1]) < d[2] {
						p = [3]float64{d[3], d[4], d[5]}
					}
				}
				for _, v := range p {
					out = append(out, float32(min(max(v, -1), 1)))
				}
			}
		}
	}
	return out
}

// Three ways to spoil a set, by a strength from 0 (none) up.

// noised mixes white noise of the range into every value.
func noised(x []float32, _, _ int, strength float64) []float32 {
	r := numtest.NewRand(99)
	out := slices.Clone(x)
	for i, v := range out {
		out[i] = float32((1-strength)*float64(v) + strength*r.Float64())
	}
	return out
}

// blurred takes the mean over squares of 2·strength+1 pixels.
func blurred(x []float32, size, c int, strength float64) []float32 {
	k, out := int(strength), make([]float32, len(x))
	for i := range len(x) / (size * size * c) {
		at := func(y, p, ch int) int { return ((i*size+y)*size+p)*c + ch }
		for y := range size {
			for p := range size {
				for ch := range c {
					s, n := 0.0, 0.0
					for v := max(0, y-k); v <= min(size-1, y+k); v++ {
						for w := max(0, p-k); w <= min(size-1, p+k); w++ {
							s, n = s+float64(x[at(v, w, ch)]), n+1
						}
					}
					out[at(y, p, ch)] = float32(s / n)
				}
			}
		}
	}
	return out
}

// swapped exchanges a share of strength of the pixels of each picture among
// themselves: the values stay, what they show goes.
func swapped(x []float32, size, c int, strength float64) []float32 {
	r := numtest.NewRand(98)
	out := slices.Clone(x)
	for i := range len(x) / (size * size * c) {
		for range int(strength * float64(size*size) / 2) {
			a, b := int((r.Float64()+1)/2*float64(size*size)), int((r.Float64()+1)/2*float64(size*size))
			for ch := range c {
				p, q := (i*size*size+a)*c+ch, (i*size*size+b)*c+ch
				out[p], out[q] = out[q], out[p]
			}
		}
	}
	return out
}

// TestRandomRanks: the Fréchet distance in the random features grows with the
// strength of each of three corruptions, all of which lie beyond what two sets
// of the same law differ by; and noise lies beyond pictures that one still
// recognises, which pixel distances get wrong.
func TestRandomRanks(t *testing.T) {
	const n, size, c = 300, 32, 3
	e, err := NewRandom(size, size, c, 0)
	require.NoError(t, err)
	real, other := scenes(1, n, size), scenes(2, n, size)
	base := metrics.Extract(e, real)
	far := func(x []float32) float64 {
		d, err := metrics.Frechet(base, metrics.Extract(e, x), 0)
		require.NoError(t, err)
		return d.Value
	}
	same := far(other)
	t.Logf("another set of the same law: %.4g", same)
	for _, k := range []struct {
		name      string
		spoil     func(x []float32, size, c int, strength float64) []float32
		strengths []float64
	}{{"noise", noised, []float64{0.1, 0.2, 0.4, 1}}, {"blur", blurred, []float64{1, 2, 4, 8}}, {"swapped pixels", swapped, []float64{0.05, 0.15, 0.5, 2}}} {
		last := same
		for _, s := range k.strengths {
			d := far(k.spoil(other, size, c, s))
			t.Logf("%-14s %4.2f  %.4g", k.name, s, d)
			require.Greater(t, d, last, "%s %v", k.name, s)
			last = d
		}
	}
	dim := slices.Clone(other) // a little darker: every picture is still itself
	for i, v := range dim {
		dim[i] = 0.8*v - 0.2
	}
	shuffled := swapped(other, size, c, 4)
	w := func(x []float32) float64 { return metrics.Wasserstein1(values(real), values(x)) }
	require.Less(t, w(shuffled), w(dim), "the pixels' own distance prefers the shuffled ones")
	require.Greater(t, far(shuffled), far(dim))
}

func values(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// TestRandomFeatures: features depend on their image alone, from any number of
// goroutines, for images of any shape.
func TestRandomFeatures(t *testing.T) {
	for _, s := range [][3]int{{32, 32, 3}, {28, 28, 1}, {5, 9, 4}, {1, 1, 1}, {64, 33, 2}} {
		e, err := NewRandom(s[0], s[1], s[2], 2)
		require.NoError(t, err)
		per := s[0] * s[1] * s[2]
		const n = 70 // more than one batch
		x := numtest.NewRand(3).Fill(make([]float32, n*per), 1)
		want := e.Features(x)
		require.Len(t, want, n*e.Dim())
		require.Empty(t, e.Features(nil))
		numtest.SameBits(t, want[66*e.Dim():67*e.Dim()], e.Features(x[66*per:67*per]), "alone")
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { numtest.SameBits(t, want, e.Features(x), "concurrent") })
		}
		wg.Wait()
	}
	e, err := NewRandom(4, 4, 3, 1)
	require.NoError(t, err)
	require.Panics(t, func() { e.Features(make([]float32, 50)) })
	_, err = NewRandom(0, 4, 3, 1)
	require.ErrorContains(t, err, "want positive sizes")
}
