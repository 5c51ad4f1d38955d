package experiment

import (
	"math"
	"sort"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// Exact denoisers. Data and noise are scale mixtures of normals,
//
//	x_0 = μ_k + s·√V·z,   x = x_0 + τ·√A·z′,
//
// in any dimension: Student's law has V = 1/κ, the isotropic stable law the
// positive stable A of DLPM, a normal law a constant. Given V and A everything is
// normal, with Q = s²V + τ²A the variance of an element of x − μ and q = τ²A/Q the
// noise's share of it:
//
//	x_0 | x, V, A ~ N(μ + (1−q)·(x−μ), Q·q·(1−q)·I)
//	p(x | V, A) ∝ Q^{−d/2}·exp(−r²/(2Q)),   r = |x − μ|
//
// so that E[x_0 | x] needs E[q | r], the second moment E|x−x_0|² needs
// E[q²·r² + d·Q·q·(1−q) | r], and the shares of clusters the density p(r): three
// functions of one number.

// A scaleLaw is the law of V or A.
type scaleLaw struct {
	constant float64 // above 0: the law is this number
	// logf is the logarithm of the density of w = ln V, but for a constant, on lo ≤ w ≤ hi.
	logf   func(w float64) float64
	lo, hi float64
	// draw is the law's variate of a key.
	draw func(k stable.Key) float64
}

// farthest is the logarithm of the largest scale that counts: beyond it lies no
// state of float32.
const farthest = 60

// normalLaw is the constant scale v.
func normalLaw(v float64) scaleLaw {
	return scaleLaw{constant: v, draw: func(stable.Key) float64 { return v }}
}

// studentScale is the law of 1/κ, κ ~ χ²(ν)/ν; ν = ∞ is normal.
func studentScale(nu float64) scaleLaw {
	if math.IsInf(nu, 1) {
		return normalLaw(1)
	}
	return scaleLaw{lo: -dmath.Log(2 + 200/nu), hi: farthest,
		logf: func(w float64) float64 { return -float64(nu/2*w) - float64(nu/2*dmath.Exp(-w)) },
		draw: func(k stable.Key) float64 { return 1 / k.Kappa(nu, 0) }}
}

// stableScale is the law of DLPM's A, 2 at α = 2, by straight lines between
// logarithms of densities.
func stableScale(alpha float64) scaleLaw {
	if alpha == 2 {
		return normalLaw(2)
	}
	law := stable.MultiplierLaw(alpha)
	const step = 0.01
	lo := -1.0
	for law.LogDensity(dmath.Exp(lo))+lo > -60 {
		lo -= 0.1
	}
	v := make([]float64, int((farthest-lo)/step)+2)
	for i := range v {
		w := lo + float64(step*float64(i))
		v[i] = law.LogDensity(dmath.Exp(w)) + w
	}
	return scaleLaw{lo: lo, hi: farthest, logf: func(w float64) float64 {
		at := (w - lo) / step
		i := min(int(at), len(v)-2)
		return v[i] + float64((at-float64(i))*(v[i+1]-v[i]))
	}, draw: func(k stable.Key) float64 { return k.Multiplier(alpha) }}
}

// A node is a place of the mixture of x − μ: ln Q, its weight's logarithm, and the
// means of q and q² there.
type node struct{ u, logg, q, q2 float64 }

// nodeStep is the distance of the places in ln Q, and in the logarithm of the odds
// (1−q)/q. The sharpest feature of the laws used here, the lower end of A for
// α = 1.8, is 1/9 wide, and a trapezoid sum of a function of that width errs
// below 10^-6 with it.
const nodeStep = 0.05

// mixtureNodes returns the places of Q for data of scale s and noise of scale τ. In
// (ln Q, ln odds) the volume is that of (ln V, ln A).
func mixtureNodes(data, noise scaleLaw, s, tau float64) []node {
	s2, t2 := s*s, tau*tau
	switch {
	case data.constant > 0 && noise.constant > 0:
		a, b := float64(s2*data.constant), float64(t2*noise.constant)
		q := b / (a + b)
		return []node{{dmath.Log(a + b), 0, q, q * q}}
	case data.constant > 0 || noise.constant > 0:
		return oneScale(data, noise, s2, t2)
	}
	type odds struct{ lnp, lnq, q float64 }
	var grid []odds
	for w := -farthest - 10.0; w <= farthest+10; w += nodeStep {
		e := dmath.Exp(-math.Abs(w))
		small, large := -math.Abs(w)-dmath.Log1p(e), -dmath.Log1p(e)
		if w >= 0 { // p = 1−q is the larger
			grid = append(grid, odds{large, small, e / (1 + e)})
		} else {
			grid = append(grid, odds{small, large, 1 / (1 + e)})
		}
	}
	ls, lt := dmath.Log(s2), dmath.Log(t2)
	var out []node
	for u := min(data.lo+ls, noise.lo+lt); u <= farthest; u += nodeStep {
		var sum, q, q2 float64
		for _, o := range grid {
			v, a := u+o.lnp-ls, u+o.lnq-lt
			if v < data.lo || v > data.hi || a < noise.lo || a > noise.hi {
				continue
			}
			f := dmath.Exp(data.logf(v) + noise.logf(a))
			sum += f
			q += float64(f * o.q)
			q2 += float64(f * o.q * o.q)
		}
		if sum > 0 {
			out = append(out, node{u, dmath.Log(sum), q / sum, q2 / sum})
		}
	}
	return out
}

// oneScale is mixtureNodes where one of the two laws is constant.
func oneScale(data, noise scaleLaw, s2, t2 float64) (out []node) {
	random, known, factor := data, float64(t2*noise.constant), s2
	if data.constant > 0 {
		random, known, factor = noise, float64(s2*data.constant), t2
	}
	for w := random.lo; w <= min(random.hi, farthest/2); w += nodeStep / 2 { // beyond, the known scale does not matter
		v := float64(factor * dmath.Exp(w))
		q := known / (known + v)
		if data.constant > 0 {
			q = v / (known + v)
		}
		out = append(out, node{dmath.Log(known + v), random.logf(w), q, q * q})
	}
	return out
}

// A radial is what is known of x given r = |x − μ| in d dimensions, by cubics
// between equal steps of ln r.
type radial struct {
	lo, step float64
	// inner is a finer table between its ends; nil: none.
	inner  *radial
	logf   []float64 // ln p(r), but for a constant
	q      []float64 // E[q | r]
	moment []float64 // E|x−x_0|²/r²
}

// newRadial sums over the nodes. In d dimensions p(x | Q) is as narrow in ln Q as
// √(2/d), and all that it weighs is at least half as wide in ln r, unless one of the
// scales is known (sharp): Q has a least value Q_0 then, most of the weight lies there,
// and the odds against a larger one grow by e where ln r grows by Q_0/r². They turn
// where r²/Q_0 is d, or some ten above it that the tail of the other law asks for.
func newRadial(nodes []node, d int, sharp bool) *radial {
	D := float64(d)
	first, last := nodes[0].u, nodes[len(nodes)-1].u
	for _, n := range nodes {
		first, last = min(first, n.u), max(last, n.u)
	}
	middle := float64(0.5 * (first + dmath.Log(D)))
	r := tabulate(nodes, D, middle-5, float64(0.5*(last+dmath.Log(D)))+1, min(0.06, 0.6/math.Sqrt(D)))
	if sharp {
		turn := middle + float64(0.5*dmath.Log((D+50)/D))
		r.inner = tabulate(nodes, D, middle-0.3, turn+0.7, 0.25/(D+50))
	}
	return r
}

// tabulate sums over the nodes for ln r from lo to hi.
func tabulate(nodes []node, D, lo, hi, step float64) *radial {
	r := &radial{lo: lo, step: step}
	inverse, base, exponent := make([]float64, len(nodes)), make([]float64, len(nodes)), make([]float64, len(nodes))
	for i, n := range nodes {
		inverse[i], base[i] = dmath.Exp(-n.u)/2, n.logg-float64(D/2*n.u)
	}
	for x := r.lo; x <= hi; x += r.step {
		r2, most := dmath.Exp(2*x), math.Inf(-1)
		for i := range nodes {
			exponent[i] = base[i] - float64(r2*inverse[i])
			most = max(most, exponent[i])
		}
		var sum, q, m float64
		for i, n := range nodes {
			if exponent[i] < most-40 {
				continue
			}
			f := dmath.Exp(exponent[i] - most)
			sum += f
			q += float64(f * n.q)
			m += float64(f * (n.q2 + float64(D/(2*inverse[i]*r2)*(n.q-n.q2))))
		}
		r.logf, r.q, r.moment = append(r.logf, most+dmath.Log(sum)), append(r.q, q/sum), append(r.moment, m/sum)
	}
	return r
}

// at returns ln p, E[q] and E|x−x_0|²/r² at a squared distance.
func (t *radial) at(r2 float64) (logf, q, moment float64) {
	logr := logRadius(r2)
	t = t.pick(logr)
	i, w := t.place(logr)
	for k, c := range w {
		logf += float64(c * t.logf[i+k])
		q += float64(c * t.q[i+k])
		moment += float64(c * t.moment[i+k])
	}
	return logf, q, moment
}

// pick returns the table that ln r is to be looked up in.
func (t *radial) pick(logr float64) *radial {
	if n := t.inner; n != nil && logr > n.lo+n.step && logr < n.lo+float64(n.step*float64(len(n.q)-3)) {
		return n
	}
	return t
}

// logRadius is ln r of a squared distance.
func logRadius(r2 float64) float64 { return 0.5 * dmath.Log(max(r2, 1e-300)) }

// place returns the first of the four values that ln r lies between, and their weights.
func (t *radial) place(logr float64) (first int, w [4]float64) {
	x := (logr - t.lo) / t.step
	i := min(max(int(x), 1), len(t.q)-3)
	x = min(max(x-float64(i), -1), 2) // beyond the ends: as there
	// Lagrange's cubic through −1, 0, 1, 2
	a, b := x*(x-1), (x+1)*(x-2)
	return i - 1, [4]float64{-a * (x - 2) / 6, b * (x - 1) / 2, -b * x / 2, a * (x + 1) / 6}
}

// A mixture is data of one or more clusters of one radial law.
type mixture struct {
	name    string
	law     scaleLaw
	scale   float64
	centres []float64 // of the first coordinate; the others are 0
	shares  []float64
}

// fill draws the rows of x, d values each.
func (m mixture) fill(x []float64, d int, seed uint64) {
	for i := range len(x) / d {
		k := stable.Key{Seed: seed, Sample: uint64(i)}
		row := x[i*d : (i+1)*d]
		k.Normal64(row, 0)
		k.Step = 1
		w := m.scale * math.Sqrt(m.law.draw(k))
		for j := range row {
			row[j] *= w
		}
		k.Step = 2
		var u [1]float64
		k.Uniform64(u[:], 0)
		c, sum := 0, m.shares[0]
		for u[0] > sum && c < len(m.shares)-1 {
			c++
			sum += m.shares[c]
		}
		row[0] += m.centres[c]
	}
}

// estimate sets data to E[x_0 | x_0 + τ·n = x], and returns E|x − x_0|²; t is that
// of the level. data may be x.
func (m mixture) estimate(t *radial, data, x []float64) (moment float64) {
	var weight, q [2]float64
	rest := 0.0
	for _, v := range x[1:] {
		rest += float64(v * v)
	}
	first, most := x[0], math.Inf(-1)
	var second [2]float64
	for k, c := range m.centres {
		r2 := rest + float64((first-c)*(first-c))
		weight[k], q[k], second[k] = t.at(r2)
		second[k] *= r2
		weight[k] += dmath.Log(m.shares[k])
		most = max(most, weight[k])
	}
	sum, shrink, at := 0.0, 0.0, 0.0
	for k, c := range m.centres {
		w := dmath.Exp(weight[k] - most)
		sum += w
		shrink += float64(w * (1 - q[k]))
		at += float64(w * q[k] * c)
		moment += float64(w * second[k])
	}
	for j, v := range x {
		data[j] = float64(v * shrink / sum)
	}
	data[0] += at / sum
	return moment / sum
}

// A radiusLaw is P(|x−μ| > r) on a grid of ln r, by which quantiles are found. Given V, |x−μ|²/(s²V) is χ² with d degrees of freedom, whose tail is
// e^{−y/2}·Σ_{k<d/2} (y/2)^k/k!.
type radiusLaw struct {
	lo   float64
	logs []float64 // ln P at lo + i·radiusStep of ln r
}

const radiusStep = 0.01

// radiusOf returns the law of the distance from the centre.
func radiusOf(law scaleLaw, scale float64, d int) radiusLaw {
	if d%2 != 0 {
		panic("experiment: radii of odd dimensions are not needed")
	}
	type place struct{ w, f float64 }
	places, sum := []place{{dmath.Log(law.constant), 1}}, 1.0
	if law.constant == 0 {
		places, sum = nil, 0
		for w := law.lo; w <= law.hi; w += 2 * radiusStep {
			f := dmath.Exp(law.logf(w))
			places, sum = append(places, place{w, f}), sum+f
		}
	}
	middle := float64(0.5 * dmath.Log(float64(d)))
	out := radiusLaw{lo: dmath.Log(scale) + float64(0.5*places[0].w) + middle - 6}
	const n = 3600
	// ln(y) of step i and place j depends on i − j only.
	tail := make([]float64, n+len(places))
	for i := range tail {
		tail[i] = chiTail(dmath.Exp(float64(2*(middle-6))+float64(2*radiusStep*float64(i-len(places)+1))), d)
	}
	for i := range n {
		p := 0.0
		for j, v := range places {
			p += float64(v.f * tail[i-j+len(places)-1])
		}
		if p == 0 {
			break
		}
		out.logs = append(out.logs, dmath.Log(p/sum))
	}
	return out
}

// chiTail is P(χ²_d > y) for even d.
func chiTail(y float64, d int) float64 {
	h, term, sum := float64(y/2), 0.0, 0.0 // terms relative to the last, k = d/2−1, which is the largest where they matter
	k := d/2 - 1
	logLast := -h + float64(float64(k)*dmath.Log(h)) - dmath.LogGamma(float64(k+1))
	if h < float64(d)/4 && d > 8 {
		// far below the middle: 1 less the sum of the others
		term, sum = 1, 0
		for j := k + 1; term > 1e-17*sum; j++ {
			term = float64(term * (h / float64(j)))
			sum += term
		}
		return 1 - float64(dmath.Exp(logLast)*sum)
	}
	term, sum = 1, 1
	for j := k; j > 0; j-- {
		term = float64(term * (float64(j) / h))
		sum += term
	}
	return min(1, dmath.Exp(logLast+dmath.Log(sum)))
}

// quantile returns the radius beyond which lies p.
func (l radiusLaw) quantile(p float64) float64 {
	want := dmath.Log(p)
	i := sort.Search(len(l.logs), func(i int) bool { return l.logs[i] < want })
	if i == 0 || i == len(l.logs) {
		return math.NaN()
	}
	at := float64(i) - (want-l.logs[i])/(l.logs[i-1]-l.logs[i])
	return dmath.Exp(l.lo + float64(radiusStep*at))
}
