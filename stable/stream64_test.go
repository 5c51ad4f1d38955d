package stable

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// A twin64 computes a variate from the two 64-bit numbers of its block in
// double-double arithmetic by the textbook formula.
type twin64 struct {
	name string
	tag  uint32
	fill func(s Key, dst []float64)
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
			func(s Key, dst []float64) { s.Symmetric64(dst, alpha, 0) }, cmsDD(alpha, 0, false), 1.5e-15 * max(1, 0.5/alpha),
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
					func(s Key, dst []float64) { s.Skewed64(dst, alpha, beta, p, 0) },
					cmsDD(alpha, beta, p == S0), 2e-15 * max(1, 0.5/alpha),
				})
			}
		}
	}
	for _, nu := range []float64{0.06, 0.1, 0.5, 1, 2, 3.3, 10, 50, 1e4, 1e15, math.Inf(1)} {
		out = append(out, twin64{
			fmt.Sprint("student ", nu), tagStudentT,
			func(s Key, dst []float64) { s.StudentT(dst, nu, 0) }, studentDD(nu), 1e-15 * max(1, 0.2/nu),
		})
	}
	return out
}

// judge returns the worst error in units of tol·size, and in those of max(1, |x|).
func (c twin64) judge(s Key, got []float64) (bad, plain float64) {
	p := s.philox(c.tag)
	for i, x := range got {
		w := p.Block(uint32(i))
		want, size := c.want(uint64(w[0])<<32|uint64(w[1]), uint64(w[2])<<32|uint64(w[3]))
		off := math.Abs(d1(x).sub(want).hi)
		plain = max(plain, off/max(1, math.Abs(want.hi)))
		if e := off / (c.tol * size); !(e <= bad) && bad == bad {
			bad = e
		}
	}
	return bad, plain
}

// exhaustive asks for the long form of a test.
func exhaustive() bool { return os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" }

// TestTwins64 judges every family of two uniforms in 31 digits, and makes sure
// that the judge rejects broken kernels.
func TestTwins64(t *testing.T) {
	s := Key{Seed: 0xfeedface, Sample: 99, Step: 3}
	n := 200
	if testing.Short() {
		n = 20
	} else if exhaustive() {
		n = 100000
	}
	got := make([]float64, n)
	for _, c := range twins64() {
		c.fill(s, got)
		e, plain := c.judge(s, got)
		t.Logf("%s: %.2f of %.2g; %.2g·max(1, |x|)", c.name, e, c.tol, plain)
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
			"other": func(x []float64) { c.fill(Key{Seed: 1}, x) },
		} {
			c.fill(s, got)
			f(got)
			e, _ := c.judge(s, got)
			require.False(t, e <= 1, "%s: mutant %q passes", c.name, name)
		}
	}
}

// TestPairs64 judges the families with one uniform each.
func TestPairs64(t *testing.T) {
	s := Key{Seed: 5, Step: 1 << 31}
	x := make([]float64, 3000)
	if testing.Short() {
		x = x[:300]
	} else if exhaustive() {
		x = make([]float64, 300000)
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
		require.Less(t, worst, 5e-16)
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
		require.Less(t, worst, 6e-16)
	})
}

// families64 are the float64 fills of a Key, with typical parameters.
var families64 = []struct {
	name string
	fill func(s Key, dst []float64, off int)
}{
	{"uniform", Key.Uniform64},
	{"exponential", Key.Exponential64},
	{"normal", Key.Normal64},
	{"symmetric 1.7", func(s Key, d []float64, off int) { s.Symmetric64(d, 1.7, off) }},
	{"symmetric 0.85", func(s Key, d []float64, off int) { s.Symmetric64(d, 0.85, off) }},
	{"skewed 1.5 S0", func(s Key, d []float64, off int) { s.Skewed64(d, 1.5, 0.5, S0, off) }},
	{"skewed 1", func(s Key, d []float64, off int) { s.Skewed64(d, 1, -0.5, S0, off) }},
	{"skewed 0.85 S1", func(s Key, d []float64, off int) { s.Skewed64(d, 0.85, 1, S1, off) }},
	{"student 2.5", func(s Key, d []float64, off int) { s.StudentT(d, 2.5, off) }},
	{"gamma 0.4", func(s Key, d []float64, off int) { s.GammaFill(d, 0.4, off) }},
	{"kappa 5", func(s Key, d []float64, off int) { s.KappaFill(d, 5, off) }},
}

func hash64(x []float64) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for _, v := range x {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		h.Write(b[:])
	}
	return h.Sum64()
}

// TestBits64 pins the bits of every family on every architecture and level: the
// first three values, and a hash of 2048.
func TestBits64(t *testing.T) {
	s := Key{Seed: 0x0123456789abcdef, Sample: 0x00fedcba98765432, Step: 77}
	require.Len(t, pinnedBits64, len(families64))
	numtest.EachLevel(t, func(t *testing.T) {
		x := make([]float64, 2048)
		for i, f := range families64 {
			f.fill(s, x, 0)
			got := fmt.Sprintf("%x %x %x %016x", x[0], x[1], x[2], hash64(x))
			if got != pinnedBits64[i] {
				t.Errorf("%s:\n\t%q,\nwant\n\t%q", f.name, got, pinnedBits64[i])
			}
		}
	})
}

// TestAddress64: each part of the address changes every family, and cuts of a
// range do not.
func TestAddress64(t *testing.T) {
	s := Key{Seed: 9, Sample: 1 << 40, Step: 4}
	others := []Key{
		{Seed: 9 | 1<<32, Sample: 1 << 40, Step: 4}, {Seed: 9, Sample: 1<<40 + 1, Step: 4},
		{Seed: 9, Sample: 0, Step: 4}, {Seed: 9, Sample: 1 << 40, Step: 5},
	}
	seen := map[uint64]string{}
	for _, f := range families64 {
		want, got := make([]float64, 300), make([]float64, 300)
		f.fill(s, want, 0)
		for _, cut := range []int{1, 2, 31, 64, 257} {
			f.fill(s, got[cut:], cut)
			f.fill(s, got[:cut], 0)
			require.Equal(t, want, got, f.name)
		}
		for i, o := range append(others, s) {
			f.fill(o, got, 0)
			h := hash64(got)
			require.Empty(t, seen[h], "%s, stream %d", f.name, i)
			seen[h] = f.name
		}
	}
}

func TestPanics64(t *testing.T) {
	x, s := make([]float64, 4), Key{}
	end, pairs := int64(1<<32), int64(1<<33) // where an int has 32 bits, these are negative offsets
	for name, f := range map[string]func(){
		"offset":    func() { s.Uniform64(x, -1) },
		"alpha low": func() { s.Symmetric64(x, 0.09, 0) },
		"alpha":     func() { s.Skewed64(x, 2.1, 0, S0, 0) },
		"alpha nan": func() { s.Symmetric64(x, math.NaN(), 0) },
		"beta":      func() { s.Skewed64(x, 1.5, -1.1, S1, 0) },
		"param":     func() { s.Skewed64(x, 1.5, 1, 2, 0) },
		"nu":        func() { s.StudentT(x, 0, 0) },
		"nu nan":    func() { s.StudentT(x, math.NaN(), 0) },
		"end":       func() { s.Symmetric64(x, 1, int(end-3)) },
		"end pairs": func() { s.Normal64(x, int(pairs-3)) },
	} {
		require.Panics(t, f, name)
	}
	if math.MaxInt > math.MaxInt32 {
		s.Normal64(x, int(pairs-4))
	}
}

func TestAllocatesNothing64(t *testing.T) {
	x := make([]float64, 200)
	s := Key{Seed: 1, Sample: 2, Step: 3}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, f := range families64 {
			require.Zero(t, testing.AllocsPerRun(5, func() { f.fill(s, x, 1) }), f.name)
		}
	})
}

// TestExtremeParameters64: every admitted parameter gives finite values.
func TestExtremeParameters64(t *testing.T) {
	n := 1 << 14
	if testing.Short() {
		n = 1 << 11
	}
	x, s := make([]float64, n), Key{Seed: 21}
	finite := func(name string) {
		t.Helper()
		for i, v := range x {
			if v-v != 0 {
				t.Fatalf("%s: element %d is %v", name, i, v)
			}
		}
	}
	for _, alpha := range []float64{0.1, 0.11, 0.3, 1 - 0x1p-53, 1, 1 + 0x1p-52, 1.2, 2 - 0x1p-52, 2} {
		s.Symmetric64(x, alpha, 0)
		finite(fmt.Sprint("symmetric ", alpha))
		for _, beta := range []float64{-1, -1 + 0x1p-53, -0.3, 0, 5e-324, 1} {
			for _, p := range []Param{S0, S1} {
				s.Skewed64(x, alpha, beta, p, 0)
				finite(fmt.Sprint("skewed ", alpha, beta, p))
				if alpha < 1 && math.Abs(beta) == 1 && p == S1 {
					for i, v := range x {
						if !(v*beta >= 0) {
							t.Fatalf("α = %v, β = %v: element %d is %v", alpha, beta, i, v)
						}
					}
				}
			}
		}
	}
	for _, nu := range []float64{0.01, 0.05, 0.3, 1e6, 0x1p61, math.MaxFloat64, math.Inf(1)} {
		s.StudentT(x, nu, 0)
		finite(fmt.Sprint("student ", nu))
		s.KappaFill(x, nu, 0)
		finite(fmt.Sprint("kappa ", nu))
	}
}

// TestContinuity64: S0 passes through α = 1 without a step, and at β = 0 both
// forms are the symmetric law up to rounding.
func TestContinuity64(t *testing.T) {
	n := 2000
	x, y, z, s := make([]float64, n), make([]float64, n), make([]float64, n), Key{Seed: 8}
	for _, beta := range []float64{-1, -0.2, 0, 0.7, 1} {
		s.Skewed64(y, 1, beta, S0, 0)
		s.Skewed64(x, 1-0x1p-50, beta, S0, 0)
		s.Skewed64(z, 1+0x1p-49, beta, S0, 0)
		for i, v := range y {
			m := 1e-12 * max(1, math.Abs(v))
			require.InDelta(t, v, x[i], m)
			require.InDelta(t, v, z[i], m)
		}
	}
	for _, alpha := range []float64{0.5, 0.9, 1.1, 1.7, 2} {
		s.Skewed64(x, alpha, 0, S0, 0)
		s.Skewed64(y, alpha, 0, S1, 0)
		for i, v := range x {
			require.InDelta(t, v, y[i], 4e-15*max(1, math.Abs(v)))
		}
	}
}

func BenchmarkStream64(b *testing.B) {
	x := make([]float64, 8192)
	s := Key{Seed: 1}
	for _, f := range families64 {
		for _, l := range isa.Available() {
			b.Run(f.name+"/"+l.String(), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					f.fill(s, x, 0)
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

// pinnedBits64 are the first three values in hexadecimal and the FNV-1a hash of
// 2048 of each family.
var pinnedBits64 = []string{
	"0x1.743f5eb27ec1fp-01 0x1.b8be43535281dp-01 0x1.8575907da2466p-02 359699309b14e26f",    // uniform
	"0x1.b1fe61ff265e6p-02 0x1.7514cec63d98fp-02 0x1.b6dbb4c3674b4p-02 d8437b07aec8e965",    // exponential
	"-0x1.7a13f0b9dc348p+01 -0x1.ad0bfaa38c3fep-02 -0x1.6a02a0218b7ffp+00 df873d066a147a9a", // normal
	"-0x1.e1a0e2867b3adp-01 0x1.7f201f125733ap+00 0x1.f9444d13c5628p-02 bd9622c0af70e9de",   // symmetric 1.7
	"-0x1.42dec5fc2ab33p+00 0x1.d808917db71cep+01 0x1.5db1737a2d86cp-03 1f3e3188899d0d79",   // symmetric 0.85
	"-0x1.d9482bcb6102dp-02 -0x1.7d9995d6bc795p+00 0x1.ea09fd5e3df59p+00 708d3fc46d0749dd",  // skewed 1.5 S0
	"-0x1.85bccb3a53c93p-02 -0x1.da7cb560b8ab5p+01 0x1.0b3fb0a59c126p+00 5557c5a1789ffe72",  // skewed 1
	"0x1.e7cbe4c4671e3p+01 0x1.b9579b2679728p+01 0x1.9e82830fb56edp+02 8a65b60a813e2624",    // skewed 0.85 S1
	"0x1.5a6576ff76e41p+00 -0x1.8c69d9b189935p-03 -0x1.ae9ef9cbc39c7p+00 acc62b0abc71f51e",  // student 2.5
	"0x1.a916c12eb3c9ap-08 0x1.f7d4b33d84de9p+00 0x1.3089cf56c6f37p-09 346c52a30b9b5223",    // gamma 0.4
	"0x1.728bccc1e78bep+00 0x1.9a6de206c732ap+00 0x1.fbffed159e43p-03 490f9f764398c8e1",     // kappa 5
}
