package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A dd is the sum hi + lo of two float64, about 31 digits: the judge of the
// float64 samplers.
type dd struct{ hi, lo float64 }

func d1(x float64) dd { return dd{x, 0} }

func (a dd) add(b dd) dd {
	s := a.hi + b.hi
	t := s - a.hi
	e := (a.hi - (s - t)) + (b.hi - t)
	u := a.lo + b.lo
	v := u - a.lo
	f := (a.lo - (u - v)) + (b.lo - v)
	e += u
	h := s + e
	e = e - (h - s) + f
	return dd{h + e, e - ((h + e) - h)}
}

func (a dd) neg() dd        { return dd{-a.hi, -a.lo} }
func (a dd) sub(b dd) dd    { return a.add(b.neg()) }
func (a dd) scale(k int) dd { return dd{math.Ldexp(a.hi, k), math.Ldexp(a.lo, k)} }

func (a dd) mul(b dd) dd {
	p := float64(a.hi * b.hi)
	e := math.FMA(a.hi, b.hi, -p)
	e += math.FMA(a.hi, b.lo, a.lo*b.hi)
	h := p + e
	return dd{h, e - (h - p)}
}

func (a dd) div(b dd) dd {
	q := d1(a.hi / b.hi)
	for range 2 {
		r := a.sub(q.mul(b))
		q = q.add(d1(r.hi / b.hi))
	}
	return q
}

func (a dd) sqrt() dd {
	y := d1(math.Sqrt(a.hi))
	return y.add(a.sub(y.mul(y)).div(y.scale(1)))
}

var (
	ddLn2 = dd{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	ddPi  = dd{0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53}
)

// ddSeries returns Σ_{k≥0} Π_{j≤k} x/ratio(j).
func ddSeries(x dd, ratio func(j int) float64) dd {
	sum, term := d1(1), d1(1)
	for j := 1; math.Abs(term.hi) > 1e-36; j++ {
		term = term.mul(x).div(d1(ratio(j)))
		sum = sum.add(term)
	}
	return sum
}

func ddExp(x dd) dd {
	k := math.RoundToEven(x.hi / math.Ln2)
	r := x.sub(ddLn2.mul(d1(k))).scale(-6)
	m := ddSeries(r, func(j int) float64 { return float64(j) }).sub(d1(1)) // e^r − 1
	for range 6 {
		m = m.scale(1).add(m.mul(m))
	}
	return m.add(d1(1)).scale(int(k))
}

// ddLog1m returns ln(1−w).
func ddLog1m(w dd) dd {
	if math.Abs(w.hi) > 1e-3 {
		return ddLog(d1(1).sub(w))
	}
	sum, p := dd{}, d1(1)
	for j := 1.0; j < 14; j++ {
		p = p.mul(w)
		sum = sum.sub(p.div(d1(j)))
	}
	return sum
}

func ddLog(x dd) dd {
	y := d1(math.Log(x.hi))
	return y.add(x.mul(ddExp(y.neg())).sub(d1(1)))
}

// ddSinPi and ddCosPi take 0 ≤ x ≤ 1.
func ddSinPi(x dd) dd {
	if x.hi > 0.5 {
		x = d1(1).sub(x)
	}
	y := ddPi.mul(x)
	return y.mul(ddSeries(y.mul(y).neg(), func(j int) float64 { return float64(2*j) * float64(2*j+1) }))
}

func ddCosPi(x dd) dd { // by sin π(½ − x)
	r := d1(0.5).sub(x)
	if r.hi < 0 {
		return ddSinPi(r.neg()).neg()
	}
	return ddSinPi(r)
}

// TestDoubleDouble compares with 32 digits of constants and identities.
func TestDoubleDouble(t *testing.T) {
	near := func(name string, got, want dd) {
		t.Helper()
		d := got.sub(want)
		require.LessOrEqual(t, math.Abs(d.hi), 3e-30*max(1, math.Abs(want.hi)), name)
	}
	near("e", ddExp(d1(1)), dd{0x1.5bf0a8b145769p+1, 0x1.4d57ee2b1013ap-53})
	near("ln 10", ddLog(d1(10)), dd{0x1.26bb1bbb55516p+1, -0x1.f48ad494ea3e9p-53})
	near("sin π/4", ddSinPi(d1(0.25)), d1(0.5).sqrt())
	near("cos π/3", ddCosPi(d1(1).div(d1(3))), d1(0.5))
	for _, x := range []float64{-40, -1e-3, 0.3, 7, 300} {
		near("exp log", ddLog(ddExp(d1(x))), d1(x))
	}
	for _, x := range []float64{1e-9, 0.2, 0.37, 0.49} {
		s, c := ddSinPi(d1(x)), ddCosPi(d1(x))
		near("1", s.mul(s).add(c.mul(c)), d1(1))
		near("ln(1−w)", ddExp(ddLog1m(d1(x))), d1(1).sub(d1(x)))
	}
}
