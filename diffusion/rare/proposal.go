package rare

import (
	"context"
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A proposal is the mixture a_0·p + Σ_c a_c·Π_g t_{ν_g}(μ_cg, S_cg) of the model's
// noise p and t laws, each a product over the groups of values that have a scale of
// their own in p, with the tail indices of p.
type proposal struct {
	m      Model
	groups []group
	parts  []part
}

// A group is the places of values with one scale, and ν.
type group struct {
	at []int
	nu float64
}

// A part is one product of t laws.
type part struct {
	share float64
	laws  []tLaw // of every group
}

// A tLaw has the centre μ and the root L, lower triangular by rows, of S = L·Lᵀ.
type tLaw struct {
	nu, log float64 // log: of the constant of the density
	mu, l   []float64
}

const (
	defence  = 0.1 // share of p
	parts    = 3
	lightNu  = 20 // of t laws for Gaussian noise, a little heavier than it
	emRounds = 25
)

// newProposal is p alone.
func newProposal(m Model) *proposal {
	q := &proposal{m: m}
	index := m.Noise.TailIndices()
	for g, nu := range index {
		if math.IsInf(nu, 1) {
			nu = lightNu
		}
		one := group{nu: nu}
		for j := g; j < m.Dim; j += len(index) {
			one.at = append(one.at, j)
		}
		q.groups = append(q.groups, one)
	}
	return q
}

// draw sets x to a value at key.
func (q *proposal) draw(x []float64, key stable.Key) {
	var u [1]float64
	key.Uniform64(u[:], 0)
	v := (u[0] - defence) / (1 - defence)
	if len(q.parts) == 0 || v < 0 {
		q.m.Noise.Draw(x, key)
		return
	}
	c := 0
	for ; c < len(q.parts)-1 && v >= q.parts[c].share; c++ {
		v -= q.parts[c].share
	}
	normal := make([]float64, len(x))
	key.Normal64(normal, 0)
	for g, law := range q.parts[c].laws {
		scale, k := 1/math.Sqrt(key.Kappa(law.nu, g)), len(law.mu)
		for i, at := range q.groups[g].at {
			sum := 0.0
			for j := range i + 1 {
				sum += float64(law.l[i*k+j] * normal[q.groups[g].at[j]])
			}
			x[at] = law.mu[i] + float64(scale*sum)
		}
	}
}

// logRatio returns ln p/q at x, at most ln 1/defence.
func (q *proposal) logRatio(x []float64) float64 {
	if len(q.parts) == 0 {
		return 0
	}
	p := q.m.Noise.LogDensity(x)
	sum := defence
	for _, c := range q.parts {
		log := q.logDensity(c, x, nil)
		sum += float64((1 - defence) * c.share * dmath.Exp(min(log-p, 700)))
	}
	return -dmath.Log(sum)
}

// logDensity returns that of a part at x, and sets inverse, if not nil, of every group
// to (ν+k)/(ν+δ²), the mean of the inverse square of the scale.
func (q *proposal) logDensity(c part, x, inverse []float64) (sum float64) {
	for g, law := range c.laws {
		delta := law.distance(x, q.groups[g].at)
		k := float64(len(law.mu))
		sum += law.log - float64((law.nu+k)/2*dmath.Log1p(delta/law.nu))
		if inverse != nil {
			inverse[g] = (law.nu + k) / (law.nu + delta)
		}
	}
	return sum
}

// distance returns δ² = |L⁻¹(x−μ)|².
func (t tLaw) distance(x []float64, at []int) float64 {
	k, sum := len(t.mu), 0.0
	var buf [MaxDim]float64
	y := buf[:k]
	for i := range k {
		v := x[at[i]] - t.mu[i]
		for j := range i {
			v -= float64(t.l[i*k+j] * y[j])
		}
		y[i] = v / t.l[i*k+i]
		sum += float64(y[i] * y[i])
	}
	return sum
}

// fit replaces the parts by those of greatest likelihood for starts x with weights w,
// by the EM algorithm for mixtures of t laws with known ν [Peel and McLachlan 2000].
// The first part keeps its centre at 0: a shell around it is one event in all directions.
// When ctx ends it stops anywhere: what draws of q next says so.
func (q *proposal) fit(ctx context.Context, x, w []float64, seed uint64) {
	d, n := q.m.Dim, len(w)
	w = bounded(w)
	total := 0.0
	for _, v := range w {
		total += v
	}
	if n == 0 || !(total > 0) {
		return
	}
	q.parts = q.begin(x, w, total, seed)
	r := make([]float64, n*len(q.parts)) // responsibilities times weights
	inverse := make([]float64, n*len(q.parts)*len(q.groups))
	for range emRounds {
		for i := range n {
			if i%most == 0 && ctx.Err() != nil {
				return
			}
			q.responsibilities(r[i*len(q.parts):], inverse[i*len(q.parts)*len(q.groups):], x[i*d:(i+1)*d], w[i])
		}
		for c := range q.parts {
			mass := 0.0
			for i := range n {
				mass += r[i*len(q.parts)+c]
			}
			q.parts[c].share = mass / total
			if q.parts[c].share < 1e-3 {
				q.parts[c].share = 0 // too little to fit; its law stays
				continue
			}
			for g := range q.groups {
				q.refit(c, g, x, r, inverse, mass)
			}
		}
	}
	q.normalise()
}

// normalise makes the shares sum to 1 again after one was set to 0.
func (q *proposal) normalise() {
	sum := 0.0
	for _, p := range q.parts {
		sum += p.share
	}
	for c := range q.parts {
		q.parts[c].share /= sum
	}
}

// bounded cuts weights at a twentieth of their sum, so that no start makes a part
// of its own. Only the proposal depends on it.
func bounded(w []float64) []float64 {
	total := 0.0
	for _, v := range w {
		total += v
	}
	out := make([]float64, len(w))
	for i, v := range w {
		out[i] = min(v, total/20)
	}
	return out
}

// begin returns parts around 0 and around starts drawn by weight, all as wide as the
// starts.
func (q *proposal) begin(x, w []float64, total float64, seed uint64) []part {
	d := q.m.Dim
	u := make([]float64, parts)
	stable.Key{Seed: seed}.Uniform64(u, 0)
	out := make([]part, parts)
	for c := range out {
		i, left := 0, u[c]*total
		for ; i < len(w)-1 && left >= w[i]; i++ {
			left -= w[i]
		}
		out[c].share = 1 / float64(parts)
		for _, g := range q.groups {
			k := len(g.at)
			law := tLaw{nu: g.nu, mu: make([]float64, k), l: make([]float64, k*k)}
			square := 0.0
			for i, v := range w {
				for _, at := range g.at {
					square += v * math.Abs(x[i*d+at]) / (total * float64(k))
				}
			}
			for j, at := range g.at {
				law.l[j*k+j] = square
				if c > 0 {
					law.mu[j], law.l[j*k+j] = x[i*d+at], square/2
				}
			}
			law.setLog()
			out[c].laws = append(out[c].laws, law)
		}
	}
	return out
}

// responsibilities sets r of every part to its share in the density at x times w, and
// inverse to what logDensity says.
func (q *proposal) responsibilities(r, inverse, x []float64, w float64) {
	var logs [parts]float64
	most := math.Inf(-1)
	for c, p := range q.parts {
		log := q.logDensity(p, x, inverse[c*len(q.groups):])
		logs[c] = math.Inf(-1)
		if p.share > 0 {
			logs[c] = log + dmath.Log(p.share)
		}
		most = max(most, logs[c])
	}
	sum := 0.0
	for c := range q.parts {
		r[c] = dmath.Exp(logs[c] - most)
		sum += r[c]
	}
	for c := range q.parts {
		r[c] *= w / sum
	}
}

// refit sets the centre and the root of part c in group g from the responsibilities.
func (q *proposal) refit(c, g int, x, r, inverse []float64, mass float64) {
	at, C, G, d := q.groups[g].at, len(q.parts), len(q.groups), q.m.Dim
	k, n := len(at), len(x)/d
	law := tLaw{nu: q.groups[g].nu, mu: make([]float64, k)}
	if c > 0 {
		sum := 0.0
		for i := range n {
			u := float64(r[i*C+c] * inverse[(i*C+c)*G+g])
			sum += u
			for j, at := range at {
				law.mu[j] += float64(u * x[i*d+at])
			}
		}
		for j := range law.mu {
			law.mu[j] /= sum
		}
	}
	s, square := make([]float64, k*k), 0.0
	size := 0.0 // of the starts, the mean logarithm of |x|²/k
	for i := range n {
		u := r[i*C+c] * inverse[(i*C+c)*G+g] / mass
		norm := 0.0
		for a := range k {
			norm += float64(x[i*d+at[a]] * x[i*d+at[a]])
			da := x[i*d+at[a]] - law.mu[a]
			for b := range a + 1 {
				s[a*k+b] += float64(float64(u*da) * (x[i*d+at[b]] - law.mu[b]))
			}
		}
		size += float64(r[i*C+c] / mass * dmath.Log(norm/float64(k)))
		square += float64(r[i*C+c] * r[i*C+c])
	}
	shrink(s, k, float64(mass*mass)/square)
	// What lies beyond a level c of a tail of index ν is as wide as c/ν at least: a part
	// that is much narrower has settled on few starts.
	for a := range k {
		s[a*k+a] = max(s[a*k+a], dmath.Exp(size)/float64(4*law.nu*law.nu))
	}
	if law.l = cholesky(s, k); law.l != nil {
		law.setLog()
		q.parts[c].laws[g] = law
	}
}

// shrink moves the matrix s, k×k and lower triangular, towards its mean diagonal, as
// far as its k(k+1)/2 numbers count among n effective samples.
func shrink(s []float64, k int, n float64) {
	numbers, mean := float64(k*(k+1)/2), 0.0
	by := numbers / (numbers + n)
	for a := range k {
		mean += s[a*k+a] / float64(k)
	}
	for a := range k {
		for b := range a + 1 {
			s[a*k+b] *= 1 - by
		}
		s[a*k+a] += float64(by * mean)
	}
}

// cholesky returns L of the positive definite s = L·Lᵀ, nil if it is none.
func cholesky(s []float64, k int) []float64 {
	l := make([]float64, k*k)
	for i := range k {
		for j := range i + 1 {
			v := s[i*k+j]
			for m := range j {
				v -= float64(l[i*k+m] * l[j*k+m])
			}
			switch {
			case i != j:
				l[i*k+j] = v / l[j*k+j]
			case v > 0 && v < math.Inf(1):
				l[i*k+i] = math.Sqrt(v)
			default:
				return nil
			}
		}
	}
	return l
}

// widen multiplies the scales of all parts by f.
func (q *proposal) widen(f float64) {
	for _, p := range q.parts {
		for g := range p.laws {
			for i := range p.laws[g].l {
				p.laws[g].l[i] *= f
			}
			p.laws[g].setLog()
		}
	}
}

// cover gives a fifth of every part's share to a copy one and a half times as wide: a
// part that few pilots made narrower than the event in some direction would else leave
// weights there that are far too large.
func (q *proposal) cover() {
	wide := proposal{groups: q.groups}
	for _, p := range q.parts {
		c := part{share: 0.2 * p.share}
		for _, law := range p.laws {
			law.l = slices.Clone(law.l)
			c.laws = append(c.laws, law)
		}
		wide.parts = append(wide.parts, c)
	}
	wide.widen(1.5)
	for i := range q.parts {
		q.parts[i].share *= 0.8
	}
	q.parts = append(q.parts, wide.parts...)
}

// setLog sets the logarithm of Γ((ν+k)/2)/(Γ(ν/2)·(νπ)^{k/2}·det L).
func (t *tLaw) setLog() {
	k := len(t.mu)
	t.log = dmath.Log(dmath.GammaRatio(t.nu/2, float64(k)/2)) - float64(float64(k)/2*dmath.Log(t.nu*math.Pi))
	for i := range k {
		t.log -= dmath.Log(t.l[i*k+i])
	}
}
