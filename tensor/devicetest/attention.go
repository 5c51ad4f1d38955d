package devicetest

import (
	"fmt"
	"math"
	"strings"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

func has(mode, word string) bool {
	for _, w := range strings.Fields(mode) {
		if w == word {
			return true
		}
	}
	return false
}

// attentionCases covers one token, head widths off every vector width, and
// more tokens than any block.
func attentionCases() []Case {
	var out []Case
	for i, s := range []ref64.AttnShape{
		{N: 1, T: 1, C: 1, Heads: 1}, {N: 2, T: 5, C: 6, Heads: 2}, {N: 3, T: 16, C: 64, Heads: 4}, {N: 2, T: 33, C: 17, Heads: 1},
		{N: 3, T: 7, C: 40, Heads: 8}, {N: 2, T: 64, C: 64, Heads: 1}, {N: 2, T: 130, C: 66, Heads: 2}, {N: 2, T: 256, C: 64, Heads: 4},
		{N: 2, T: 300, C: 20, Heads: 1},
	} {
		out = append(out, attentionCase("Attention", s, i >= 6)...)
	}
	return out
}

// wideCases are heads up to the largest.
func wideCases() []Case {
	var out []Case
	for i, s := range []ref64.AttnShape{
		{N: 2, T: 9, C: 130, Heads: 1}, {N: 2, T: 16, C: 512, Heads: 2}, {N: 1, T: 35, C: tensor.MaxHead, Heads: 1}, {N: 2, T: 70, C: 2 * tensor.MaxHead, Heads: 2},
	} {
		out = append(out, attentionCase("AttentionWide", s, i >= 3)...)
	}
	return out
}

// attentionCase returns the cases of one shape.
func attentionCase(name string, s ref64.AttnShape, big bool) (out []Case) {
	for _, mode := range []string{"mild", "sharp view", "nan"} {
		out = append(out, Case{
			Name: fmt.Sprintf("%s/%+v/%s", name, s, mode), Big: big, pitch: has(mode, "view"), poison: mode == "nan", heads: &s,
			units:     map[string]float64{"y": 1, "dqkv": 1}, // attnMagnitude includes them
			magnitude: func(v Values) Values { return attnMagnitude(v, s, 0) },
			run: func(e *env) {
				if has(mode, "sharp") { // scores up to tens: nearly one-hot rows
					e.uniform(0, 4)
				}
				qkv := e.in("qkv", s.N, s.T, 3*s.C)
				e.uniform(0, 1)
				y, dy, dqkv := e.out("y", s.N, s.T, s.C), e.in("dy", s.N, s.T, s.C), e.out("dqkv", s.N, s.T, 3*s.C)
				e.batches(s.N, func(lo, hi int) {
					e.dev.Attention(y.Batch(lo, hi), qkv.Batch(lo, hi), s.Heads)
					e.dev.AttentionBackward(dqkv.Batch(lo, hi), dy.Batch(lo, hi), qkv.Batch(lo, hi), s.Heads)
				})
			},
		})
	}
	return out
}

// attnMagnitude bounds the errors of attention in units of 2⁻²⁴. A score is a
// sum of d products, off by E = (d+8)·Σ|q·k|/√d; a probability is then off by
// the factor 2E + T + 16; what is summed with it adds its own roundings.
//
// Where q, k, v and the probabilities p are rounded by u of themselves on the way to
// y, a score moves by up to R = (2u+u²)·Σ|q·k|/√d, a probability by a factor within
// exp(±2R), and a term of y by that times (1+u)². Sums of tensor cores may err twice as
// much.
//
// On the way to dqkv a product dy·v moves by w = 2u+u² of |dy|·|v|, what is subtracted
// from it, Σ p·(dy·v), by exp(2R)·(1+w) − 1 of Σ p·|dy|·|v|, and a probability times the
// difference, ds, by exp(4R)·(1+w) − 1 of p·(|dy|·|v| + Σ p·|dy|·|v|); ds and what it is
// multiplied with are rounded in turn, which makes it exp(4R)·(1+w)·(1+u)² − 1 of terms
// of dq and dk. Those of dv move by less.
func attnMagnitude(v Values, s ref64.AttnShape, u float64) Values {
	m := Values{"y": make([]float64, s.N*s.T*s.C), "dqkv": make([]float64, s.N*s.T*3*s.C)}
	for n := range s.N {
		for h := range s.Heads {
			headMagnitude(m, v["qkv"], v["dy"], s, n, h, u)
		}
	}
	return m
}

func headMagnitude(m Values, qkv, dy []float64, s ref64.AttnShape, n, h int, u float64) {
	d, T := s.C/s.Heads, s.T
	root := math.Sqrt(float64(d))
	at := func(t, part int) int { return (n*T+t)*3*s.C + (3*h+part)*d }
	part := func(t, part int) []float64 { return qkv[at(t, part):][:d] }
	worst := 0.0
	for i := range T {
		for j := range T {
			if e := absDot(part(i, 0), part(j, 1)) / root; e > worst { // a NaN spoils only its row
				worst = e
			}
		}
	}
	f := 2*float64(d+8)*worst + float64(T) + 16
	back := 2*f + 2*float64(T+d) + 16
	if u > 0 {
		w := 2*u + u*u
		f = 2*f + (math.Exp(2*w*worst)*(1+u)*(1+u)-1)*0x1p24
		back = 2*back + (math.Exp(4*w*worst)*(1+w)*(1+u)*(1+u)-1)*0x1p24
	}
	for i := range T {
		p := make([]float64, T)
		top, sum := math.Inf(-1), 0.0
		for j := range p {
			p[j] = dotOf(part(i, 0), part(j, 1)) / root
			top = math.Max(top, p[j])
		}
		for j := range p {
			p[j] = math.Exp(p[j] - top)
			sum += p[j]
		}
		g := dy[(n*T+i)*s.C+h*d:][:d]
		inner := 0.0
		for j := range p {
			p[j] /= sum
			inner += p[j] * absDot(g, part(j, 2))
		}
		for j := range p {
			ds := p[j] * (absDot(g, part(j, 2)) + inner) / root
			for e := range d {
				m["y"][(n*T+i)*s.C+h*d+e] += f * p[j] * math.Abs(part(j, 2)[e])
				m["dqkv"][at(i, 0)+e] += back * ds * math.Abs(part(j, 1)[e])
				m["dqkv"][at(j, 1)+e] += back * ds * math.Abs(part(i, 0)[e])
				m["dqkv"][at(j, 2)+e] += back * p[j] * math.Abs(g[e])
			}
		}
	}
}

func dotOf(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func absDot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += math.Abs(a[i] * b[i])
	}
	return s
}
