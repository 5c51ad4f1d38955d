package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Clamped is the law of min(max(X, Lo), Hi): that of X inside, and the
// probability outside as atoms at the ends. This is what a clamp of random
// numbers makes of their law, such as that of the multiplier A in DLPM,
//
//	NewClamped(MultiplierLaw(alpha), 0, c)
//
// The law of X under the condition that it lies inside is another one,
// Truncated. Make one with NewClamped; it is an immutable value.
type Clamped struct{ in Truncated }

// NewClamped returns the law of min(max(X, lo), hi). lo may be −Inf and hi +Inf.
func NewClamped(of Distribution, lo, hi float64) (Clamped, error) {
	t := Truncated{of: of, lo: lo, hi: hi}
	if err := t.bounds("NewClamped"); err != nil {
		return Clamped{}, err
	}
	t.below, t.above = of.CDF(lo), of.Survival(hi)
	t.mass, t.thin = between(of, lo, hi)
	return Clamped{t}, nil
}

// MultiplierLaw returns the law of DLPM's multiplier A = 2K, K positive stable of
// index α/2: E exp(−sA) = exp(−(2s)^(α/2)). It panics unless 0.2 ≤ α < 2; at
// α = 2, A is 2.
func MultiplierLaw(alpha float64) Law {
	if !(alpha >= 0.2 && alpha < 2) {
		panic(fmt.Sprintf("stable: MultiplierLaw: α = %v, want 0.2 to less than 2", alpha))
	}
	a := alpha / 2
	return Law{Alpha: a, Beta: 1, Scale: 2 * dmath.Pow(dmath.CosPi(a/2), 1/a), Param: S1}
}

// Atoms returns the probabilities of Lo and of Hi.
func (c Clamped) Atoms() (lower, upper float64) { return c.in.below, c.in.above }

// Bounds returns the ends of the interval.
func (c Clamped) Bounds() (lo, hi float64) { return c.in.lo, c.in.hi }

// Density returns the density at x of the part between the atoms, whose
// integral is 1 less the two atoms.
func (c Clamped) Density(x float64) float64 {
	if x < c.in.lo || x > c.in.hi {
		return 0
	}
	return c.in.of.Density(x)
}

// CDF returns P(X ≤ x), which jumps by the atoms at Lo and Hi.
func (c Clamped) CDF(x float64) float64 {
	switch {
	case x < c.in.lo:
		return 0
	case x >= c.in.hi:
		return 1
	}
	return c.in.of.CDF(x)
}

// Survival returns P(X > x).
func (c Clamped) Survival(x float64) float64 {
	switch {
	case x < c.in.lo:
		return 1
	case x >= c.in.hi:
		return 0
	}
	return c.in.of.Survival(x)
}

// Quantile returns the smallest x with P(X ≤ x) ≥ p. It panics outside [0, 1].
func (c Clamped) Quantile(p float64) float64 {
	return min(max(c.in.of.Quantile(p), c.in.lo), c.in.hi)
}

// SurvivalQuantile returns the smallest x with P(X > x) ≤ q.
func (c Clamped) SurvivalQuantile(q float64) float64 {
	return min(max(c.in.of.SurvivalQuantile(q), c.in.lo), c.in.hi)
}

// Mean returns the mean, as Truncated.Mean does.
func (c Clamped) Mean() float64 {
	m := 0.0
	if c.in.mass > 0 {
		m = c.in.mass * c.in.Mean()
	}
	if c.in.below > 0 {
		m += float64(c.in.below * c.in.lo)
	}
	if c.in.above > 0 {
		m += float64(c.in.above * c.in.hi)
	}
	return m
}

// tagInversion is the family of the uniforms that Sample inverts.
const tagInversion = 96

// Sample sets dst[i] to variate off+i, the quantile of a uniform number of 53
// bits with full relative precision in both tails, held to ±MaxFloat64. Of a
// Law it takes about 10 µs each, of a Table 0.1 µs, in an interval of a
// probability below 10^-6 of what lies beyond it up to 1 ms. The same stream gives all
// laws quantiles of the same uniforms. Variates 0 to 2^33.
func (t Truncated) Sample(dst []float64, s Key, off int) { invert(t, dst, s, off) }

// Sample sets dst[i] to variate off+i; see Truncated.Sample. It is the clamp of
// the whole law's variate.
func (c Clamped) Sample(dst []float64, s Key, off int) { invert(c, dst, s, off) }

// invert draws by inversion: words 0 and 1 of block n make variate 2n, words 2
// and 3 variate 2n+1.
func invert[L interface {
	Quantile(p float64) float64
	SurvivalQuantile(q float64) float64
}](l L, dst []float64, s Key, off int) {
	if off < 0 || uint64(off)+uint64(len(dst)) > 1<<33 {
		panic(fmt.Sprintf("stable: Sample: %d variates from %d on, want them between 0 and 2^33", len(dst), off))
	}
	p := s.philox(tagInversion)
	for i := range dst {
		at := off + i
		w := p.Block(uint32(at / 2))
		u, uc := unit64(uint64(w[2*(at&1)])<<32 | uint64(w[2*(at&1)+1]))
		x := 0.0
		if u < 0.5 {
			x = l.Quantile(u)
		} else {
			x = l.SurvivalQuantile(uc)
		}
		dst[i] = min(max(x, -math.MaxFloat64), math.MaxFloat64)
	}
}
