package stable

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// nodeCap is how many nodes are evaluated together: five fine panels.
const nodeCap = 5 * fineNodes

// A nodeSet evaluates ln g at many nodes by the vector functions of simd, whose
// time for eight float64 is that of one function call.
type nodeSet struct {
	n          int
	om, w      [nodeCap]float64 // place from the centre, weight
	a, b, v    [nodeCap]float64 // distances from the ends, ln g
	x, y, z, u [nodeCap]float64 // scratch
	s          [3 * nodeCap]float64
}

// evaluate fills a, b and v from om. It overwrites the scratch.
func (n *nodeSet) evaluate(p *point) {
	a, b := n.a[:n.n], n.b[:n.n]
	simd.ExpF64(a, n.om[:n.n])
	for i, u := range a {
		k := p.l / (float64(p.ac*u) + p.bc)
		a[i], b[i] = p.ac*u*k, p.bc*k
	}
	sa, sq, st := n.s[:n.n], n.s[n.n:2*n.n], n.s[2*n.n:3*n.n]
	p.angleArgs(a, b, sa, sq, st)
	switch {
	case !p.near:
		simd.SinF64(n.s[:3*n.n], n.s[:3*n.n])
		n.ratios(p, sa, sq, st)
	case p.diff:
		simd.SinF64(n.s[:3*n.n], n.s[:3*n.n])
		n.differences(p, sa, sq, st)
	default:
		simd.SinF64(n.s[:2*n.n], n.s[:2*n.n])
		n.remainders(p, sa, sq, st)
	}
}

// angleArgs sets sa, sq and st to αs, |εq| and s̄ folded into [0, π/2], where
// their sines are.
func (z *shape) angleArgs(a, b, sa, sq, st []float64) {
	for i, s := range a {
		t, q := b[i], z.endL+float64(z.eps*s)
		if z.eps < 0 {
			s, t, q = t, s, z.endA-float64(z.eps*s)
		}
		as := float64(z.alpha * s)
		sa[i] = min(as, z.endA+float64(z.alpha*t))
		sq[i] = min(q, as+t)
		st[i] = min(t, z.endL+s)
	}
}

// ratios forms ln g = (α/ε)·ln(r/R) + ln(sin εq/(sin η·cos θ)).
func (n *nodeSet) ratios(p *point, sa, sq, st []float64) {
	perR, perSin := 1/p.r, 1/p.sin
	for i, t := range st {
		t = 1 / t
		sa[i] *= t * perR
		sq[i] *= t * perSin
	}
	simd.LogF64(n.s[:2*n.n], n.s[:2*n.n])
	c := p.alpha / p.eps
	for i, l := range sa {
		n.v[i] = float64(c*l) + sq[i]
	}
}

// remainders forms ln g by way of (r−R)/ε; st holds the angles still.
func (n *nodeSet) remainders(p *point, sa, sq, st []float64) {
	theta, half, mid, cos := n.x[:n.n], n.y[:n.n], n.z[:n.n], n.u[:n.n]
	e, sg := math.Abs(p.eps), math.Copysign(1, p.eps)
	for i, a := range n.a[:n.n] {
		_, t := p.split(a, n.b[i])
		th := math.Pi/2 - t
		m := p.eta + float64(float64(p.eps*th)/2)
		theta[i], half[i], mid[i] = th, e*math.Abs(th)/2, min(m, math.Pi-m)
	}
	simd.SinF64(half, half)
	simd.SinF64(mid, mid)
	simd.SinCosF64(st, cos, st)
	c := float64(p.x0 * sg * p.sinE) // a product even from another statement may be fused
	perE, perSin := 1/e, 1/p.sinE
	for i, t := range st {
		sqe, h := float64(sq[i]*perE), float64(half[i]*perE)
		if e == 0 {
			sqe, h = p.gapE+n.a[i], math.Abs(theta[i])/2
		}
		t = 1 / t
		d := float64(sg*sqe*cos[i]*t) - float64(2*h*mid[i])
		theta[i] = float64(math.Copysign(1, theta[i])*d) - c
		sa[i] *= t
		sq[i] = sqe * perSin * t
	}
	n.logs(p, theta, sa, sq, p.r)
}

// differences forms ln g from that at the centre: with the distance d in θ,
//
//	(r − rc)/ε = 2·(sin(εd/2)/ε)·(tan θc·cos m − sin m) + (tan θ − tan θc)·sin(εq)/ε
//
// where m is the middle of the two εq and tan θ − tan θc = sin d/(cos θ·cos θc).
func (n *nodeSet) differences(p *point, sa, sq, st []float64) {
	d, half, sm, cm, move := n.x[:n.n], n.y[:n.n], n.z[:n.n], n.u[:n.n], n.v[:n.n]
	e, sg := math.Abs(p.eps), math.Copysign(1, p.eps)
	simd.Expm1F64(move, n.om[:n.n])
	for i, u := range move { // a − ac, which is d or −d
		u = p.ac * p.bc * u / (float64(p.ac*u) + p.l)
		m, f := p.qc+float64(e*u/2), math.Abs(u)
		move[i], d[i], half[i], sm[i] = u, min(f, math.Pi-f), e*f/2, min(m, math.Pi-m)
	}
	simd.SinF64(d, d)
	simd.SinF64(half, half)
	simd.SinCosF64(sm, cm, sm)
	perE, perC, perSq := 1/e, 1/p.cosC, p.cosC/p.sqc
	for i, u := range move {
		sqe, h, c := float64(sq[i]*perE), float64(half[i]*perE), cm[i]
		if e == 0 {
			sqe, h = p.gapE+n.a[i], math.Abs(u)/2
		}
		if p.qc+float64(e*u/2) > math.Pi/2 {
			c = -c
		}
		t := 1 / st[i]
		v := float64(2*h*(float64(p.tan*c)-sm[i])) + float64(d[i]*t*perC*sg*sqe)
		d[i] = math.Copysign(sg, float64(sg*u)) * v
		sa[i] *= t
		sq[i] = sqe * t * perSq
	}
	n.logs(p, d, sa, sq, p.rc)
	for i := range n.v[:n.n] {
		n.v[i] += p.vc
	}
}

// logs sets v to (α/ε)·ln(1 + ε·d/over) + ln sq; 1 + ε·d/over is r/over, too.
func (n *nodeSet) logs(p *point, d, r, sq []float64, over float64) {
	v, y := n.v[:n.n], n.y[:n.n]
	simd.LogF64(sq, sq)
	if p.eps == 0 {
		for i := range v {
			v[i] = d[i]/over + sq[i]
		}
		return
	}
	per := p.eps / over
	for i, x := range d {
		y[i] = x * per
	}
	simd.Log1pF64(v, y)
	c := p.alpha / p.eps
	for i, x := range y {
		if math.Abs(x) >= 0.5 {
			v[i] = dmath.QuickLog(r[i] / over)
		}
		v[i] = float64(c*v[i]) + sq[i]
	}
}
