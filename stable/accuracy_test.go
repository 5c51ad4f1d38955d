package stable

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// A twin computes a variate in float64 from the two words of its block by the
// textbook formula, with package math.
type twin struct {
	name string
	tag  uint32
	fill func(s Key, dst []float32)
	want func(wu, we uint32) float64
	tol  float64 // see judge
}

// half is v of the word in float32: its rounding, 2^-26 at most, is part of the
// law of U and no error of the map.
func half(w uint32) float64 {
	return float64(float32((float64(float32(int32(w&(1<<31-1)))) + 0.5) * 0x1p-32))
}

// angle returns U in (−π/2, π/2) and its cosine; expo returns E.
func angle(w uint32) (u, cos float64) {
	v := half(w)
	u = math.Pi * (0.5 - v)
	if w>>31 != 0 {
		u = -u
	}
	return u, math.Sin(math.Pi * v)
}

func expo(w uint32) float64 {
	k := float64(w >> 1)
	if k < 0x1p30 {
		return -math.Log((k + 0.5) * 0x1p-31)
	}
	return -math.Log1p(-(0x7fffffff - k + 0.5) * 0x1p-31)
}

// cms is Chambers, Mallows and Stuck's S1 for α ≠ 1 or β = 0.
func cms(alpha, beta float64) func(wu, we uint32) float64 {
	return func(wu, we uint32) float64 {
		u, cu := angle(wu)
		e := expo(we)
		zeta := beta * math.Tan(math.Pi*alpha/2)
		if alpha == 2 {
			zeta = 0
		}
		th := math.Atan(zeta)
		r := math.Cos((1-alpha)*u-th) / (e * cu)
		return math.Pow(1+zeta*zeta, 1/(2*alpha)) * math.Sin(alpha*u+th) / cu * e * math.Pow(r, (1-alpha)/alpha) / e
	}
}

// kanterTwin is ln K.
func kanterTwin(a float64) func(wu, we uint32) float64 {
	return func(wu, we uint32) float64 {
		v := half(wu)
		th := math.Pi * v
		if wu>>31 != 0 {
			th = math.Pi * (1 - v)
		}
		q, st := (1-a)/a, math.Sin(math.Pi*v)
		return math.Log(math.Sin(a*th)/st) + q*(math.Log(math.Sin((1-a)*th)/st)-math.Log(expo(we)))
	}
}

func twins() []twin {
	var out []twin
	for _, alpha := range []float64{0.5, 0.85, 1, 1.2, 1.5, 1.7, 1.9, 2} {
		out = append(out, twin{
			fmt.Sprint("symmetric ", alpha), tagSymmetric,
			func(s Key, dst []float32) { s.Symmetric(dst, alpha, 0) }, cms(alpha, 0), 1e-6,
		})
	}
	for _, c := range [][2]float64{
		{0.5, 0.5}, {0.75, -1}, {0.79, 0.3}, {0.85, 0.5}, {0.95, 1}, {1.1, -0.5}, {1.21, 0.9}, {1.5, 0.5}, {1.7, -1}, {1.9, 1}, {2, 1},
	} {
		for p, shift := range []float64{c[1] * math.Tan(math.Pi*c[0]/2), 0} {
			if c[0] == 2 {
				shift = 0
			}
			if Param(p) == S0 && math.Abs(1-c[0]) <= s0Range {
				continue // made in float64
			}
			f := cms(c[0], c[1])
			out = append(out, twin{
				fmt.Sprint("skewed ", c, p), tagSkewed,
				func(s Key, dst []float32) { s.Skewed(dst, c[0], c[1], Param(p), 0) },
				func(wu, we uint32) float64 { return f(wu, we) - shift }, 1.2e-6,
			})
		}
	}
	for _, a := range []float64{0.2, 0.4, 0.5, 0.75, 0.85, 0.95, 0.9999} {
		ln := kanterTwin(a)
		for form, f := range []func(float64) float64{math.Exp, func(x float64) float64 { return math.Exp(x / 2) }, func(x float64) float64 { return x }} {
			if a > 0.99 && form == int(Log) {
				continue // ln K is too near 0 for a judge by absolute error
			}
			out = append(out, twin{
				fmt.Sprint("positive ", a, form), []uint32{tagValue, tagPositive, tagPositive}[form],
				func(s Key, dst []float32) { s.Positive(dst, a, Form(form), 0) },
				func(wu, we uint32) float64 { return f(ln(wu, we)) }, 1.5e-6,
			})
		}
	}
	return out
}

// judge returns the worst error of got against the twin in units of tol·m·(1 +
// log2(m)/8), m = max(1, |want|): a power is as exact as its exponent allows.
// Values that saturate count as right.
func (c twin) judge(s Key, got []float32) float64 {
	p := s.philox(c.tag)
	bad := 0.0
	for i, x := range got {
		w := p.Block(uint32(i / 2))
		want := c.want(w[i%2*2], w[i%2*2+1])
		if math.Abs(want) > 1e38 && math.Abs(float64(x)) > 1e38 && (x > 0) == (want > 0) {
			continue
		}
		m := max(1, math.Abs(want))
		if e := math.Abs(float64(x)-want) / (c.tol * m * (1 + math.Log2(m)/8)); !(e <= bad) && bad == bad {
			bad = e
		}
	}
	return bad
}

// TestAgainstTwins judges every stable family at every level by its float64
// twin, and makes sure that the judge rejects broken kernels.
func TestAgainstTwins(t *testing.T) {
	s := Key{Seed: 0xfeedface, Sample: 99, Step: 3}
	n := 20000
	if testing.Short() {
		n = 2000
	}
	got := make([]float32, n)
	for _, c := range twins() {
		numtest.EachLevel(t, func(t *testing.T) {
			c.fill(s, got)
			e := c.judge(s, got)
			t.Logf("%s: %.2f of %g", c.name, e, c.tol)
			require.LessOrEqual(t, e, 1.0, c.name)
		})
		mutants := map[string]func(x []float32){
			"signs": func(x []float32) {
				for i := range x {
					x[i] = -x[i]
				}
			},
			"order": func(x []float32) { x[0], x[1] = x[1], x[0] },
			"scaled": func(x []float32) {
				for i := range x {
					x[i] *= 1 + 0x1p-17
				}
			},
			"nan":   func(x []float32) { x[len(x)-1] = float32(math.NaN()) },
			"other": func(x []float32) { c.fill(Key{Seed: 1}, x) },
		}
		for name, f := range mutants {
			c.fill(s, got)
			f(got)
			require.False(t, c.judge(s, got) <= 1, "%s: mutant %q passes", c.name, name)
		}
	}
}

// TestNormalTwin judges Box and Muller by float64.
func TestNormalTwin(t *testing.T) {
	s := Key{Seed: 5, Step: 1 << 31}
	p := s.philox(tagNormal)
	got := make([]float32, 20000)
	numtest.EachLevel(t, func(t *testing.T) {
		s.Normal(got, 0)
		for i := 0; i < len(got); i += 2 {
			b := p.Block(uint32(i / 4))
			w0, w1 := b[i%4], b[i%4+1]
			u, sin := angle(w0 &^ (1 << 31))
			r := math.Sqrt(2 * expo(w1))
			x, y := r*math.Sin(u), r*sin
			if w1&1 != 0 {
				x = -x
			}
			if w0>>31 != 0 {
				y = -y
			}
			require.InDelta(t, x, got[i], 6e-7)
			require.InDelta(t, y, got[i+1], 6e-7)
		}
	})
}
