package stable

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

const (
	enough     = 38  // for the integrals themselves; see integrator
	mostRounds = 60  // of proposals on each side, never reached
	asymptotic = 1e7 // from this lower limit of g on, e^−g has only its leading term
)

// integrals holds ∫ g·e^−(g−base) ds and ∫ e^−(g−base) ds over (0, ℓ) and
// ∫ 1 − e^−g ds.
type integrals struct{ f, q, p float64 }

// An integrator walks from the centre to both sides in panels on which the
// logarithm of the integrand changes by a limited amount.
type integrator struct {
	p       *point
	sum     integrals
	n       nodeSet
	edge    float64           // where a = gapE, about
	plan    [probeCap]float64 // how far a proposal lets ln g change on each panel
	pending [5 * probeCap]panel
	ready   int      // pending panels
	enough  float64  // the integrand is neglected below e^−enough of its peak
	slopes  *contour // the sums for derivatives, or nil
}

// The longest panels: near |β| = 1, ln g has a plateau between its centre and an
// edge, whose distance from the real axis limits the panels about it.
const longestLeft, longestRight = 2.7, 1.7

// probeCap is how many panels are proposed together: what one vector holds.
const probeCap = 8

// A panel is a range of integration, from the centre.
type panel struct {
	rule   *rule
	lo, hi float64
}

// add takes a panel, in a flank or about the peak.
func (t *integrator) add(flank bool, lo, hi float64) {
	rule := &fine
	if flank {
		rule = &coarse
	}
	if t.slopes != nil { // which have powers of ln g, so that it takes half the length
		mid := (lo + hi) / 2
		t.pending[t.ready] = panel{rule, lo, mid}
		t.ready++
		lo = mid
	}
	t.pending[t.ready] = panel{rule, lo, hi}
	t.ready++
}

// room makes room for as many panels as are proposed together.
func (t *integrator) room() {
	if t.ready > 2*probeCap {
		t.flush()
	}
}

// flush adds the integrals over the pending panels.
func (t *integrator) flush() {
	const most = nodeCap / fineNodes
	for at := 0; at < t.ready; at += most {
		t.integrate(t.pending[at:min(at+most, t.ready)])
	}
	t.ready = 0
}

// integrate adds the integrals over panels that fit a nodeSet.
func (t *integrator) integrate(panels []panel) {
	n, p := &t.n, t.p
	n.n = 0
	for _, q := range panels {
		h, c := (q.hi-q.lo)/2, (q.hi+q.lo)/2
		om, w := n.om[n.n:][:len(q.rule.x)], n.w[n.n:][:len(q.rule.x)]
		for i, x := range q.rule.x {
			om[i], w[i] = dmath.FMA(h, x, c), float64(h*q.rule.w[i])
		}
		n.n += len(om)
	}
	n.evaluate(p)
	y, e, one, g := n.v[:n.n], n.x[:n.n], n.y[:n.n], n.z[:n.n]
	if t.slopes != nil {
		copy(n.u[:n.n], y) // ln g
	}
	simd.ExpF64(y, y)
	for i, v := range y {
		g[i] = max(v-p.base, 0)
	}
	simd.ExpNegF64(e, one, g)
	if p.base != 0 {
		simd.ExpNegF64(g, one, y)
	}
	var f, q, r float64
	for i, w := range n.w[:n.n] {
		w *= n.a[i] * n.b[i]
		f += float64(w * e[i] * y[i])
		q += float64(w * e[i])
		r += float64(w * one[i])
	}
	t.sum.f += f / p.l
	t.sum.q += q / p.l
	t.sum.p += r / p.l
	if t.slopes != nil {
		t.slopes.addNodes(n, p)
	}
}

// integrate returns the integrals.
func (p *point) integrate() integrals {
	_, slope := p.centre()
	if p.base > asymptotic { // Laplace: g = base·(1 + αa²/2) near a = 0
		w := math.Sqrt(math.Pi / (2 * p.alpha * p.base))
		return integrals{f: p.base * w, q: w, p: p.l}
	}
	t := integrator{p: p, enough: enough}
	return t.integral(slope)
}

// integral walks to both sides of the centre, where the slope of ln g is given.
func (t *integrator) integral(slope float64) integrals {
	p := t.p
	t.edge = dmath.QuickLog(max(p.gapE, 1e-300) / p.l * (p.bc / p.ac))
	t.walkLeft(slope)
	t.walkRight(slope)
	t.flush()
	return t.sum
}

// walkLeft adds the part where g is smaller. The further it is below the peak
// the longer a panel may be.
func (t *integrator) walkLeft(slope float64) {
	p, n := t.p, &t.n
	om, v, depth, peak := 0.0, p.vc, 0.0, dmath.QuickLog(p.ac*p.bc)+p.vc
	for range mostRounds {
		t.proposeLeft(om, depth, slope)
		lab := n.x[:n.n] // ln ab
		for i, a := range n.a[:n.n] {
			lab[i] = a * n.b[i]
		}
		simd.LogF64(lab, lab)
		for i, nv := range n.v[:n.n] {
			if t.plan[i] > 3+float64(0.85*max(depth, 0)) {
				break // planned for farther from the peak
			}
			if v-nv > 1.6*t.plan[i] {
				slope = 2*slope + 1 // too long
				break
			}
			o := n.om[i]
			t.add(depth > 6, o, om)
			slope = (v - nv) / (om - o)
			om, v, depth = o, nv, peak-lab[i]-nv
			if depth >= t.enough {
				g := dmath.QuickExp(max(min(v, 690), -690))
				e, _ := dmath.QuickExpNeg(max(g-p.base, 0))
				t.sum.q += float64(n.a[i] * e)
				return
			}
		}
	}
}

// proposeLeft evaluates the ends of the panels from om on as they would be if
// the slope of ln g stayed.
func (t *integrator) proposeLeft(om, depth, slope float64) {
	t.room()
	n := &t.n
	n.n = 0
	for depth < t.enough && n.n < probeCap {
		d := 2.5 + float64(0.7*max(depth, 0))
		h := d / (1 + slope)
		if math.Abs(om-float64(h/2)-t.edge) < 4+float64(h/2) {
			h = min(h, longestLeft)
		}
		om -= h
		depth += float64(h * (1 + slope))
		n.om[n.n], t.plan[n.n] = om, d
		n.n++
	}
	n.evaluate(t.p)
}

// walkRight adds the part where g is larger, by steps of ln(g − base), which
// bends less than ln g.
func (t *integrator) walkRight(slope float64) {
	p, n := t.p, &t.n
	g := dmath.QuickExp(min(p.vc, 690))
	om, over := 0.0, max(g-p.base, 1e-3)
	if over > t.enough {
		t.sum.p += p.bc
		return
	}
	slope *= g / over
	for range mostRounds {
		t.proposeRight(om, over, slope)
		for i, v := range n.v[:n.n] {
			next := dmath.QuickExp(min(v, 690)) - p.base
			d := dmath.QuickLog(max(next, 1e-3) / over)
			if d > 1.2*growth(over) {
				slope *= 2
				break
			}
			o := n.om[i]
			t.add(over-om > 12, om, o)
			slope = max(d/(o-om), 1e-15)
			om, over = o, max(next, 1e-3)
			if over-om > t.enough {
				t.sum.p += n.b[i]
				return
			}
		}
	}
}

// growth returns by how much ln(g − base) may grow on a panel: over = g − base by
// about 3 + 1.5·over.
func growth(over float64) float64 { return min(1.5, dmath.QuickLog(2.5+3/over)) }

// proposeRight is proposeLeft for the other side.
func (t *integrator) proposeRight(om, over, slope float64) {
	t.room()
	n := &t.n
	n.n = 0
	for n.n < probeCap && over-om <= t.enough {
		d := growth(over)
		h := min(d/slope, longestRight)
		om += h
		over *= dmath.QuickExp(h * slope)
		n.om[n.n] = om
		n.n++
	}
	n.evaluate(t.p)
}
