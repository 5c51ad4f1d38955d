package stable

import (
	"math"
	"sort"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// A radial is the density of the isotropic stable law of d dimensions with the
// characteristic function exp(−|u|^α) as a function of r = |x|. It is a mixture of
// normal ones, as x = √(2K)·G with a positive stable K of index a = α/2:
//
//	h(r) = ∫ (4πκ)^(−d/2)·e^(−r²/(4κ))·f_K(κ) dκ
//
// The nodes κ serve all r, so a density is one sum of exponentials. Far out it is
// the series (Zolotarev 1981; Nolan 2013)
//
//	h(r) = Σ_k (−1)^(k+1)·2^(αk)·Γ((αk+d)/2)·Γ(αk/2+1)·sin(παk/2)/(k!·π^(d/2+1))·r^(−d−αk)
type radial struct {
	alpha, dim float64
	y          []float64 // ln κ, ascending
	log        []float64 // of weight·κ·f_K(κ)·(4πκ)^(−d/2)
	far        float64   // from this r on, the series
}

// A mixing is the integrand of r = 0 in y = ln κ and how wide panels may be.
type mixing struct {
	k         Law // of K
	half      float64
	strip     float64 // in which f_K is analytic about the real axis
	peak      float64 // of K, about
	narrowest float64
}

// at returns the logarithm of the integrand.
func (m *mixing) at(y float64) float64 {
	return m.k.LogDensity(dmath.Exp(y)) + float64((1-m.half)*y)
}

// width returns how wide a panel at y may be: f_K is analytic in κ for
// |arg κ| < π/2·min(1, (1−a)/a), and a normal law of d dimensions is as wide as
// √(2/d) in ln κ.
func (m *mixing) width(y float64) float64 {
	return min(m.narrowest, max(1.2*m.strip, 0.6*(y-m.peak)))
}

// newRadial makes the nodes: panels of Gauss's rule in ln κ, from where the
// integrand of r = 0, the leftmost, is next to nothing to where that of the last r
// is.
func newRadial(alpha float64, d int) *radial {
	z := &radial{alpha: alpha, dim: float64(d)}
	if alpha == 2 {
		return z
	}
	z.far = math.Sqrt(z.dim)
	for {
		if _, ok := z.series(z.far); ok {
			break
		}
		z.far *= 1.25
	}
	a := float64(alpha / 2)
	m := mixing{
		k:         Law{Alpha: a, Beta: 1, Scale: dmath.Pow(dmath.CosPi(a/2), 1/a), Param: S1},
		half:      float64(z.dim / 2),
		strip:     math.Pi / 2 * min(1, (1-a)/a),
		peak:      euler * (1/a - 1),
		narrowest: min(1, 2*math.Sqrt(2/z.dim)),
	}
	mid, top := m.climb()
	for y := mid; ; { // to the left the integrand may fall without bound
		w := min(m.width(y), 1.2*m.strip)
		for m.at(y)-m.at(y-w) > 5 {
			w = float64(w / 2)
		}
		z.panel(&m, y-w, y)
		if y -= w; m.at(y) < top-50 {
			break
		}
	}
	last := float64(2*dmath.Log(z.far/2)) + 45/(a+m.half) + 2
	for y := mid; y < last; {
		w := m.width(y)
		z.panel(&m, y, y+w)
		y += w
	}
	sort.Sort((*byPlace)(z))
	return z
}

// climb returns the maximum of the integrand, roughly.
func (m *mixing) climb() (y, top float64) {
	y = m.peak
	top = m.at(y)
	for step := -0.5; math.Abs(step) > 1e-3; {
		if v := m.at(y + step); v > top {
			y, top = y+step, v
		} else {
			step = float64(-step / 2)
		}
	}
	return y, top
}

// panel adds the nodes of [lo, hi].
func (z *radial) panel(m *mixing, lo, hi float64) {
	h, c := float64((hi-lo)/2), float64((hi+lo)/2)
	for i, x := range fine.x {
		y := c + float64(h*x)
		z.y = append(z.y, y)
		z.log = append(z.log, m.at(y)+dmath.Log(h*fine.w[i])-float64(m.half*log4Pi))
	}
}

const log4Pi = 2.5310242469692907

// byPlace sorts the nodes.
type byPlace radial

func (z *byPlace) Len() int           { return len(z.y) }
func (z *byPlace) Less(i, j int) bool { return z.y[i] < z.y[j] }
func (z *byPlace) Swap(i, j int) {
	z.y[i], z.y[j] = z.y[j], z.y[i]
	z.log[i], z.log[j] = z.log[j], z.log[i]
}

// logDensity returns ln h(r).
func (z *radial) logDensity(r float64) float64 {
	if z.alpha == 2 {
		return -float64(z.dim/2*log4Pi) - float64(r*r/4)
	}
	if r >= z.far {
		v, _ := z.series(r)
		return v
	}
	// Nodes with r²/4κ far above what any other costs have no part.
	q := float64(r*r) / 4
	first := 0
	if r > 0 {
		first = sort.SearchFloat64s(z.y, dmath.Log(q/(900+float64(8*z.dim))))
	}
	const most = 256
	var buf [most]float64
	top, sum := math.Inf(-1), 0.0
	for at := first; at < len(z.y); at += most {
		y, l := z.y[at:min(at+most, len(z.y))], z.log[at:]
		v := buf[:len(y)]
		for i, u := range y {
			v[i] = -u
		}
		simd.ExpF64(v, v)
		best := math.Inf(-1)
		for i, per := range v {
			v[i] = l[i] - float64(q*per)
			best = max(best, v[i])
		}
		if best < top-60 {
			continue
		}
		if best > top {
			sum *= dmath.Exp(top - best)
			top = best
		}
		for i := range v {
			v[i] = max(v[i]-top, -700)
		}
		simd.ExpF64(v, v)
		for _, e := range v {
			sum += e
		}
	}
	return top + dmath.Log(sum)
}

// series returns ln h(r) by the series and whether it is exact to 1e-15.
func (z *radial) series(r float64) (v float64, ok bool) {
	lr := dmath.Log(r / 2)
	// For α > 1 the series is asymptotic and knows nothing of the normal shape.
	if z.alpha > 1 && float64(r*r)/4 < 45-dmath.Log(2-z.alpha)+float64((z.dim+2)*lr) {
		return 0, false
	}
	sum, most, sign := 0.0, 0.0, 1.0
	factorial := 1.0
	for k := 1.0; k <= 60; k++ {
		factorial *= k
		ak := float64(z.alpha * k)
		s := dmath.GammaRatio(z.dim/2, ak/2) * dmath.Gamma(float64(ak/2)+1) / factorial * dmath.Exp(-ak*lr)
		if s > 1e200 {
			return 0, false
		}
		half := float64(ak/2) - float64(2*math.Floor(ak/4)) // sin has the period 2
		term := float64(sign * s * dmath.SinPi(half))
		sum += term
		most = max(most, math.Abs(term))
		if s < 1e-17*math.Abs(sum) {
			lg := dmath.StirlingRest(z.dim/2) + float64((z.dim-1)/2*dmath.Log(z.dim/2)) - float64(z.dim/2) + float64(0.5*math.Log(2*math.Pi))
			v = lg + dmath.Log(sum) - float64((float64(z.dim/2)+1)*math.Log(math.Pi)) - float64(z.dim*dmath.Log(r))
			return v, most < 10*sum
		}
		sign = -sign
	}
	return 0, false
}
