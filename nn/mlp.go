package nn

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// mlp is the network for points: x → Linear, LayerNorm, SiLU; then residual
// blocks conditioned on the time; then a linear output.
//
// As published, the LayerNorm after the first layer makes the output bounded
// in x: a point far outside the data is never brought back. With Magnitude
//
//	ε̂(x, t) = net(f(x), t) + Σ_k φ_k(t)·A_k·x·max(0, 1 − ρ/|x|)
//
// where f(x) = [x·asinh|x|/|x|, ½·log(1+|x|²)] carries |x| through the
// LayerNorm, ρ is TailRadius, φ_k(t) are hat functions over log₂ t times 1/t,
// and the matrices A_k start as the identity: far outside the data ε̂ ≈ x/t,
// which is near x/σ̄ for the cosine schedule, and training sets the slope for
// each range of t. Inside |x| ≤ ρ the second term is zero.
//
// Conditions c, Extra.Cond, enter where the time does, so that every block knows
// them: e = SiLU(L_t·e_t + L_2·SiLU(L_1·c)).
type mlp struct {
	cfg    *MLPConfig
	time0  *linear // nil: sines and cosines
	time   *linear
	in     *linear
	norm   *norm
	blocks []mlpBlock
	out    *linear
	tail   *linear // nil without Magnitude
	spread *secondOutput

	given [2]*linear // nil without Conditions
}

// mlpBlock: u = SiLU(LN(L₁h)) + SiLU(L_t·e); out = SiLU(LN(L₂u) + h).
type mlpBlock struct {
	norm1, norm2          *norm
	first, second, timing *linear
}

// knots is the number of hat functions; they stand at t = 2^(1−knots) … 1.
const knots = 8

func newMLP(cfg *MLPConfig, p *Params) *mlp {
	n, e := cfg.Units, cfg.TimeEmb
	m := &mlp{cfg: cfg, norm: p.norm("group_norm_in", n)}
	if cfg.TimeScale == 0 {
		m.time0 = p.linear("time_emb", 1, e)
		m.time0.alias("time_mlp.0")
	}
	m.time = p.linear("time_mlp.2", e, e)
	in := cfg.Dim
	if cfg.Magnitude {
		in++
	}
	m.in = p.linear("linear_in", in, n)
	if cfg.Conditions > 0 {
		m.given = [2]*linear{p.linear("given_mlp.0", cfg.Conditions, e), p.linear("given_mlp.2", e, e)}
	}
	m.in.alias("inblock.0")
	m.norm.alias("inblock.1")
	for i := range cfg.Blocks + 1 {
		name := fmt.Sprintf("midblocks.%d", i)
		if i == cfg.Blocks {
			name = "outblocks_mean.0"
		}
		b := mlpBlock{norm1: p.norm(name+".group_norm1", n), norm2: p.norm(name+".group_norm2", n)}
		b.first = p.linear(name+".mlp_1.1", n, n)
		b.timing = p.linear(name+".t_proj.1", e, n)
		b.second = p.linear(name+".mlp_2.1", n, n)
		b.norm1.alias(name + ".mlp_1.2")
		b.norm2.alias(name + ".mlp_2.2")
		m.blocks = append(m.blocks, b)
	}
	m.out = p.linear("outblocks_mean.1", n, cfg.Dim)
	if cfg.Magnitude {
		k := knots * cfg.Dim
		m.tail = &linear{w: p.add("tail.weight", matrix, eyes, k, cfg.Dim, k)}
	}
	m.spread = newSecondOutput(cfg, n, p)
	return m
}

func (l *linear) alias(name string) {
	l.w.Aliases = append(l.w.Aliases, name+".weight")
	l.b.Aliases = append(l.b.Aliases, name+".bias")
}

func (n *norm) alias(name string) {
	n.w.Aliases = append(n.w.Aliases, name+".weight")
	n.b.Aliases = append(n.b.Aliases, name+".bias")
}

// record records the network; h and w mean nothing for points.
func (m *mlp) record(g *graph, _, _ int) error {
	g.in = g.place(nil, []int{m.cfg.Dim})
	g.in.constant = !g.input
	var e *value
	if m.time0 != nil {
		e = g.silu(g.linear(g.time(), m.time0))
	} else {
		e = g.timestep(m.cfg.TimeEmb, m.cfg.TimeScale)
	}
	e = g.linear(e, m.time)
	if m.cfg.Conditions > 0 {
		e = g.sum(e, g.linear(g.silu(g.linear(g.conditions(m.cfg.Conditions), m.given[0])), m.given[1]))
	}
	e = g.silu(e)
	x := g.in
	if m.cfg.Magnitude {
		x = g.host(features, featuresBack, (*exporter).features, m.cfg.Dim+1)
	}
	h := g.layerNorm(g.linear(x, m.in), m.norm, true)
	for _, b := range m.blocks {
		u := g.layerNorm(g.linear(h, b.first), b.norm1, true)
		u = g.sum(u, g.silu(g.linear(e, b.timing)))
		h = g.silu(g.sum(g.layerNorm(g.linear(u, b.second), b.norm2, false), h))
	}
	g.out = g.linear(h, m.out)
	if m.tail != nil {
		rho := m.cfg.TailRadius
		z := g.host(func(y, x []float32, t float32) { tail(y, x, t, rho) }, func(x, dy []float32, t float32) { tailBack(x, dy, t, rho) },
			func(e *exporter, y *value) { e.tail(y, m.cfg.Dim, rho) }, knots*m.cfg.Dim)
		g.out = g.sum(g.out, g.linear(z, m.tail))
	}
	g.out = m.spread.join(g, g.out, h)
	return nil
}

// A secondOutput is two layers on what the last hidden layer of n values gives the
// first output, L_2·SiLU(L_1·h): of its own, so that it can learn where its loss
// weighs too little to move what both share. It starts at 0.
type secondOutput struct{ hidden, out *linear }

// newSecondOutput returns that of cfg, nil without Spread.
func newSecondOutput(cfg *MLPConfig, n int, p *Params) *secondOutput {
	if !cfg.Spread {
		return nil
	}
	return &secondOutput{p.linear("spread.0", n, n), &linear{p.add("spread.1.weight", matrix, zeros, n, cfg.Dim, n), p.add("spread.1.bias", vector, zeros, n, cfg.Dim)}}
}

// join records [out, second output], out itself if there is none.
func (s *secondOutput) join(g *graph, out, h *value) *value {
	if s == nil {
		return out
	}
	return g.copied(g.concat(out, g.linear(g.silu(g.linear(h, s.hidden)), s.out))) // the result is no part of another value
}

// radius returns |x|.
func radius(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(float64(v) * float64(v))
	}
	return math.Sqrt(s)
}

// features sets y to x·asinh(r)/r and ½·log(1+r²), r = |x|.
func features(y, x []float32, _ float32) {
	r := radius(x)
	f := 1.0
	if r > 1e-4 { // below, asinh(r)/r is 1 to float32 precision
		f = dmath.Log(r+math.Sqrt(1+float64(r*r))) / r
	}
	for i, v := range x {
		y[i] = float32(f * float64(v))
	}
	y[len(x)] = float32(0.5 * dmath.Log1p(r*r))
}

// featuresBack sets x to the gradient by x of dy·features: with f = asinh(r)/r and
// v, w the parts of dy, f·v + x·((f'/r)·(x·v) + w/(1+r²)), f' = (1/√(1+r²) − f)/r.
func featuresBack(x, dy []float32, _ float32) {
	r := radius(x)
	f, slope := 1.0, -1.0/3 // and f'/r, at 0
	if r > 1e-4 {
		root := math.Sqrt(1 + float64(r*r))
		f = dmath.Log(r+root) / r
		slope = (1/root - f) / float64(r*r)
	}
	if r <= 1e-2 { // where the difference cancels
		slope = -1.0/3 + float64(0.3*r*r)
	}
	along := float64(slope*dot(x, dy[:len(x)])) + float64(dy[len(x)])/(1+float64(r*r))
	for i, v := range x {
		x[i] = float32(float64(f*float64(dy[i])) + float64(along*float64(v)))
	}
}

// dot returns a·b.
func dot(a, b []float32) float64 {
	s := 0.0
	for i, v := range a {
		s += float64(float64(v) * float64(b[i]))
	}
	return s
}

// tail sets y to φ_k(t)·x·max(0, 1 − ρ/r) for every knot k, x running fastest.
func tail(y, x []float32, t float32, rho float64) {
	clear(y)
	r := radius(x)
	if r <= rho {
		return
	}
	for k, weight := range hats(t) {
		if weight > 0 {
			for i, v := range x {
				y[k*len(x)+i] = float32(weight * (1 - rho/r) * float64(v))
			}
		}
	}
}

// tailBack sets x to the gradient by x of dy·tail: with v = Σ_k φ_k·dy_k,
// (1 − ρ/r)·v + x·(ρ/r³)·(x·v).
func tailBack(x, dy []float32, t float32, rho float64) {
	r := radius(x)
	if r <= rho {
		clear(x)
		return
	}
	phi := hats(t)
	v := make([]float64, len(x))
	along := 0.0
	for i := range x {
		for k, weight := range phi {
			v[i] += float64(weight * float64(dy[k*len(x)+i]))
		}
		along += float64(v[i]*float64(x[i])) * rho / float64(r*r*r)
	}
	for i := range x {
		x[i] = float32(float64((1-rho/r)*v[i]) + float64(along*float64(x[i])))
	}
}

// hats returns φ_k(t) of every knot k.
func hats(t float32) (phi [knots]float64) {
	s := min(max(float64(t), 1.0/(1<<(knots-1))), 1)
	frac, exp := math.Frexp(s) // s = frac·2^exp, ½ ≤ frac < 1
	k, upper := knots-2+exp, float64(2*frac)-1
	// Between the knots 2^(exp−1) and 2^exp the hats are linear in t.
	for d, weight := range [2]float64{1 - upper, upper} {
		if k+d < knots {
			phi[k+d] = weight / s
		}
	}
	return phi
}
