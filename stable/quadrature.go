package stable

import (
	"math"

	"heavytail/internal/dmath"
)

const (
	enough     = 38  // the integrand is neglected below e^−38 of its peak
	mostPanels = 60  // on each side, never reached
	asymptotic = 1e7 // from this lower limit of g on, e^−g has only its leading term
)

// integrals holds ∫ g·e^−(g−base) ds and ∫ e^−(g−base) ds over (0, ℓ) and
// ∫ 1 − e^−g ds.
type integrals struct{ f, q, p float64 }

// node returns a, b and ln g at om from the centre.
func (p *point) node(om float64) (a, b, v float64) {
	z := p.shape
	u := dmath.QuickExp(om)
	k := 1 / (float64(p.ac*u) + p.bc)
	a, b = z.l*p.ac*u*k, z.l*p.bc*k
	sa, st, sq := z.angles(a, b)
	switch {
	case !z.near:
		r := sa / (st * p.r)
		return a, b, float64(z.alpha/z.eps*dmath.QuickLog(r)) + dmath.QuickLog(sq/(z.sin*st))
	case !p.diff:
		s, t := z.split(a, b)
		if z.eps != 0 {
			sq /= math.Abs(z.eps)
		}
		tan := cosFold(t, z.endL+s) / st
		return a, b, p.nearLog(tan, sq, sa/st, t) + dmath.QuickLog(sq/(z.sinE*st))
	}
	d := p.ac * p.bc * dmath.Expm1(om) * k
	if z.eps < 0 {
		d = -d
	}
	return a, b, p.vc + p.difference(d, sa, st, sq)
}

// difference returns ln g − vc at d from the centre:
// r − rc = 2 sin(εd/2)·(tan θc·cos m − sin m) + (tan θ − tan θc)·sin εq, with
// m the middle of the two εq and tan θ − tan θc = sin d/(cos θ·cos θc).
func (p *point) difference(d, sa, st, sq float64) float64 {
	z := p.shape
	half, m, sg := d/2, p.qc, 1.0
	if z.eps != 0 {
		m += float64(z.eps * half)
		half = dmath.Sin(z.eps*half) / z.eps
		sq /= math.Abs(z.eps)
		sg = math.Copysign(1, z.eps)
	}
	e := float64(2*half*(float64(p.tan*dmath.Cos(m))-dmath.Sin(m))) + float64(dmath.Sin(d)/(st*p.cosC)*sg*sq)
	return p.scaled(e/p.rc, sa/st/p.rc) + dmath.QuickLog(sq*p.cosC/(p.sqc*st))
}

// panel adds the integrals over wc + [lo, hi].
func (p *point) panel(sum *integrals, g *rule, lo, hi float64) {
	h, c := (hi-lo)/2, (hi+lo)/2
	var f, q, r float64
	for i, x := range g.x {
		a, b, v := p.node(math.FMA(h, x, c))
		w := g.w[i] * a * b
		if v < -690 {
			q += w
			continue
		}
		y := dmath.QuickExp(min(v, 690))
		e, one := dmath.QuickExpNeg(max(y-p.base, 0))
		if p.base != 0 {
			_, one = dmath.QuickExpNeg(y)
		}
		f += float64(w * e * y)
		q += float64(w * e)
		r += float64(w * one)
	}
	h /= p.l
	sum.f += float64(h * f)
	sum.q += float64(h * q)
	sum.p += float64(h * r)
}

// at returns ln g at w = wc + om and by how much ln(g·a·b), the logarithm of the
// integrand where g is small, exceeds that at the centre.
func (p *point) at(om float64) (v, lab float64) {
	a, b, v := p.node(om)
	return v, dmath.QuickLog(a*b/(p.ac*p.bc)) + v - p.vc
}

// integrate walks from the centre to both sides in panels on which the
// logarithm of the integrand changes by a limited amount.
func (p *point) integrate() (sum integrals) {
	_, slope := p.centre()
	if p.base > asymptotic { // Laplace: g = base·(1 + αa²/2) near a = 0
		w := math.Sqrt(math.Pi / (2 * p.alpha * p.base))
		return integrals{f: p.base * w, q: w, p: p.l}
	}
	p.walkLeft(&sum, slope)
	p.walkRight(&sum, slope)
	return sum
}

// walkLeft adds the part where g is smaller. The further it is below the peak
// the longer a panel may be.
func (p *point) walkLeft(sum *integrals, slope float64) {
	om, v, depth := 0.0, p.vc, 0.0
	for n := 0; depth < enough && n < mostPanels; n++ {
		d := 2.5 + float64(0.7*max(depth, 0))
		h := d / (1 + slope)
		nv, nl := p.at(om - h)
		for k := 0; v-nv > 1.6*d && k < 30; k++ {
			h /= 2
			nv, nl = p.at(om - h)
		}
		rule := &fine
		if depth > 6 {
			rule = &coarse
		}
		p.panel(sum, rule, om-h, om)
		slope = (v - nv) / h
		om, v, depth = om-h, nv, -nl
	}
	a, _, v := p.node(om)
	g := dmath.QuickExp(max(min(v, 690), -690))
	e, _ := dmath.QuickExpNeg(max(g-p.base, 0))
	sum.q += float64(a * e)
}

// walkRight adds the part where g is larger.
func (p *point) walkRight(sum *integrals, slope float64) {
	om, v := 0.0, p.vc
	for range mostPanels {
		g := dmath.QuickExp(min(v, 690))
		if g-p.base-om > enough {
			break
		}
		// g grows by about 3 + 1.5(g − base) on a panel.
		d := min(1.5, dmath.QuickLog(1+(3+float64(1.5*(g-p.base)))/g))
		h := min(d/slope, 2.5)
		nv, _ := p.at(om + h)
		for k := 0; nv-v > 1.4*d && k < 30; k++ {
			h /= 2
			nv, _ = p.at(om + h)
		}
		rule := &fine
		if g-p.base > 12 {
			rule = &coarse
		}
		p.panel(sum, rule, om, om+h)
		slope = max((nv-v)/h, 1e-15)
		om, v = om+h, nv
	}
	_, b, _ := p.node(om)
	sum.p += b
}
