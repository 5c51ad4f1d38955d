package stable

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// A twin64 computes a variate from the two 64-bit numbers of its block in
// double-double arithmetic by the textbook formula.
type twin64 struct {
	name string
	tag  uint32
	fill func(s Stream, dst []float64)
	want func(w0, w1 uint64) (x dd, size float64)
	tol  float64 // allowed error in units of size
}

// draw returns v, σ and E of a block.
func draw(w0, w1 uint64) (v dd, sign float64, e dd) {
	v = d1((float64(w0>>11&(1<<52-1)) + 0.5) * 0x1p-53)
	sign = 1
	if w0>>63 != 0 {
		sign = -1
	}
	return v, sign, expDD(w1)
}

// expDD is −ln u.
func expDD(w uint64) dd {
	k := w >> 12
	if k < 1<<51 {
		return ddLog(d1((float64(k) + 0.5) * 0x1p-52)).neg()
	}
	return ddLog1m(d1((float64(1<<52-1-k) + 0.5) * 0x1p-52)).neg()
}

// cmsDD is Chambers, Mallows and Stuck's S1 or S0 = S1 − ζ, expanded so that no
// arc tangent is needed: with c, s = cos, sin of (1−α)U and P = c + ζs it is
// (P·tan U + ζc − s)·(P/(E·cos U))^((1−α)/α). At α = 1 it is the other formula.
// The size is that of the largest summand: where β is neither 0 nor ±1, x changes
// sign in the midst of large numbers.
func cmsDD(alpha, beta float64, s0 bool) func(w0, w1 uint64) (x dd, size float64) {
	eps := d1(1).sub(d1(alpha))
	zeta := dd{}
	if alpha != 1 && alpha != 2 && beta != 0 {
		abs := eps
		if eps.hi < 0 {
			abs = eps.neg()
		}
		zeta = ddCosPi(abs.scale(-1)).div(ddSinPi(abs.scale(-1))).mul(d1(beta))
		if eps.hi < 0 {
			zeta = zeta.neg()
		}
	}
	return func(w0, w1 uint64) (dd, float64) {
		v, sign, e := draw(w0, w1)
		rest := d1(0.5).sub(v)
		cu, su := ddSinPi(v), ddCosPi(v).mul(d1(sign))
		tan := su.div(cu)
		if alpha == 1 {
			u := ddPi.mul(rest).mul(d1(sign * beta))
			h := ddPi.scale(-1).add(u)
			l := ddLog(ddPi.scale(-1).mul(e).mul(cu).div(h))
			x := h.mul(tan).sub(l.mul(d1(beta))).mul(d1(2)).div(ddPi)
			return x, max(1, math.Abs(x.hi), math.Abs(h.hi*tan.hi))
		}
		ang := rest.mul(eps) // (1−α)|U|/π
		abs, flip := ang, sign
		if ang.hi < 0 {
			abs, flip = ang.neg(), -sign
		}
		c, s := ddCosPi(abs), ddSinPi(abs).mul(d1(flip))
		p := c.add(zeta.mul(s))
		a := p.mul(tan).add(zeta.mul(c)).sub(s)
		if beta == 0 { // sin αU/cos U
			x := rest.mul(d1(alpha))
			a = ddSinPi(x).mul(d1(sign)).div(cu)
		}
		l := ddLog(p.div(e.mul(cu)))
		pow := ddExp(l.mul(eps).div(d1(alpha)))
		x := a.mul(pow)
		size := math.Abs(p.hi*tan.hi) * pow.hi
		switch {
		case beta == 0:
			size = 1
		case s0:
			x = x.sub(zeta)
		default:
			size = max(size, math.Abs(zeta.hi)*pow.hi)
		}
		return x, max(1, math.Abs(x.hi), size)
	}
}

// studentDD is √(ν(u^(−2/ν) − 1))·cos πv.
func studentDD(nu float64) func(w0, w1 uint64) (x dd, size float64) {
	return func(w0, w1 uint64) (dd, float64) {
		v, sign, e := draw(w0, w1)
		if math.IsInf(nu, 1) {
			x := e.scale(1).sqrt().mul(ddCosPi(v)).mul(d1(sign))
			return x, math.Abs(x.hi)
		}
		y := e.scale(1).div(d1(nu))
		m := ddExp(y).sub(d1(1))
		if y.hi < 0.01 {
			m = y.mul(ddSeries(y, func(j int) float64 { return float64(j + 1) }))
		}
		x := m.mul(d1(nu)).sqrt().mul(ddCosPi(v)).mul(d1(sign))
		return x, math.Abs(x.hi)
	}
}

func twins64() []twin64 {
	var out []twin64
	for _, alpha := range []float64{0.1, 0.3, 0.5, 0.6, 0.7, 0.85, 0.99, 1, 1.01, 1.2, 1.5, 1.7, 1.9, 1.999, 2} {
		out = append(out, twin64{
			fmt.Sprint("symmetric ", alpha), tagSymmetric64,
			func(s Stream, dst []float64) { s.Symmetric64(dst, alpha, 0) }, cmsDD(alpha, 0, false), 1.5e-15 * max(1, 0.5/alpha),
		})
	}
	for _, alpha := range []float64{0.3, 0.5, 0.7, 0.9, 0.99, 1 - 0x1p-20, 1, 1 + 0x1p-20, 1.01, 1.1, 1.3, 1.5, 1.7, 1.9, 2} {
		for _, beta := range []float64{-1, -0.5, 0, 0.3, 0.99, 1} {
			for _, p := range []Param{S0, S1} {
				if alpha == 1 && p == S1 {
					continue
				}
				out = append(out, twin64{
					fmt.Sprint("skewed ", alpha, " ", beta, " ", p), tagSkewed64,
					func(s Stream, dst []float64) { s.Skewed64(dst, alpha, beta, p, 0) },
					cmsDD(alpha, beta, p == S0), 2e-15 * max(1, 0.5/alpha),
				})
			}
		}
	}
	for _, nu := range []float64{0.06, 0.1, 0.5, 1, 2, 3.3, 10, 50, 1e4, 1e15, math.Inf(1)} {
		out = append(out, twin64{
			fmt.Sprint("student ", nu), tagStudentT,
			func(s Stream, dst []float64) { s.StudentT(dst, nu, 0) }, studentDD(nu), 1e-15 * max(1, 0.2/nu),
		})
	}
	return out
}

// judge returns the worst error in units of tol·size.
func (c twin64) judge(s Stream, got []float64) float64 {
	p := s.philox(c.tag)
	bad := 0.0
	for i, x := range got {
		w := p.Block(uint32(i))
		want, size := c.want(uint64(w[0])<<32|uint64(w[1]), uint64(w[2])<<32|uint64(w[3]))
		if e := math.Abs(d1(x).sub(want).hi) / (c.tol * size); !(e <= bad) && bad == bad {
			bad = e
		}
	}
	return bad
}

// exhaustive asks for the long form of a test.
func exhaustive() bool { return os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" }

// TestTwins64 judges every family of two uniforms in 31 digits, and makes sure
// that the judge rejects broken kernels.
func TestTwins64(t *testing.T) {
	s := Stream{Seed: 0xfeedface, Sample: 99, Step: 3}
	n := 400
	if testing.Short() {
		n = 40
	} else if exhaustive() {
		n = 100000
	}
	got := make([]float64, n)
	for _, c := range twins64() {
		c.fill(s, got)
		e := c.judge(s, got)
		t.Logf("%s: %.2f of %g", c.name, e, c.tol)
		if !(e <= 1) {
			t.Errorf("%s: %.2f of %g", c.name, e, c.tol)
		}
		if exhaustive() {
			continue
		}
		for name, f := range map[string]func(x []float64){
			"signs": func(x []float64) {
				for i := range x {
					x[i] = -x[i]
				}
			},
			"order": func(x []float64) { x[0], x[1] = x[1], x[0] },
			"scaled": func(x []float64) {
				for i := range x {
					x[i] *= 1 + 0x1p-47
				}
			},
			"nan":   func(x []float64) { x[len(x)-1] = math.NaN() },
			"other": func(x []float64) { c.fill(Stream{Seed: 1}, x) },
		} {
			c.fill(s, got)
			f(got)
			require.False(t, c.judge(s, got[:min(n, 100)]) <= 1 && c.judge(s, got) <= 1, "%s: mutant %q passes", c.name, name)
		}
	}
}

// TestPairs64 judges the families with one uniform each.
func TestPairs64(t *testing.T) {
	s := Stream{Seed: 5, Step: 1 << 31}
	x := make([]float64, 3000)
	if testing.Short() {
		x = x[:300]
	}
	word := func(tag uint32, i int) uint64 {
		p := s.philox(tag)
		w := p.Block(uint32(i / 2))
		return uint64(w[i%2*2])<<32 | uint64(w[i%2*2+1])
	}
	numtest.EachLevel(t, func(t *testing.T) {
		s.Uniform64(x, 0)
		for i, v := range x {
			require.Equal(t, (float64(word(tagUniform64, i)>>12)+0.5)*0x1p-52, v)
		}
		worst := 0.0
		s.Exponential64(x, 0)
		for i, v := range x {
			e := expDD(word(tagExponential64, i))
			worst = max(worst, math.Abs(d1(v).sub(e).hi)/e.hi)
		}
		t.Logf("exponential: relative error %.3g", worst)
		require.Less(t, worst, 4.5e-16)
		worst = 0
		s.Normal64(x, 0)
		for i := 0; i < len(x); i += 2 {
			w0, w1 := word(tagNormal64, i), word(tagNormal64, i+1)
			v, sign, e := draw(w0, w1)
			r := e.scale(1).sqrt()
			a, b := r.mul(ddCosPi(v)), r.mul(ddSinPi(v)).mul(d1(sign))
			if w1&1 != 0 {
				a = a.neg()
			}
			worst = max(worst, math.Abs(d1(x[i]).sub(a).hi/a.hi), math.Abs(d1(x[i+1]).sub(b).hi/b.hi))
		}
		t.Logf("normal: relative error %.3g", worst)
		require.Less(t, worst, 8e-16)
	})
}
