package ref64

import (
	"fmt"
	"math"

	"heavytail/tensor"
)

// AttnShape is the geometry of attention: qkv [N,T,3C], head-major and q, k, v
// inside each of the Heads heads.
type AttnShape struct{ N, T, C, Heads int }

// at returns the index in qkv of element e of part (0 q, 1 k, 2 v) of token t.
func (s AttnShape) at(n, t, head, part, e int) int {
	d := s.C / s.Heads
	return (n*s.T+t)*3*s.C + head*3*d + part*d + e
}

// probs returns softmax over j of q_i·k_j/√d.
func (s AttnShape) probs(qkv []float64, n, head, i int) []float64 {
	d := s.C / s.Heads
	p := make([]float64, s.T)
	top := math.Inf(-1)
	for j := range p {
		for e := range d {
			p[j] += qkv[s.at(n, i, head, 0, e)] * qkv[s.at(n, j, head, 1, e)] / math.Sqrt(float64(d))
		}
		top = max(top, p[j])
	}
	sum := 0.0
	for j := range p {
		p[j] = math.Exp(p[j] - top)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	return p
}

// Attention sets y [N,T,C] = softmax(q·kᵀ/√d)·v per head.
func Attention(y, qkv []float64, s AttnShape) {
	d := s.C / s.Heads
	clear(y)
	for n := range s.N {
		for h := range s.Heads {
			for i := range s.T {
				for j, p := range s.probs(qkv, n, h, i) {
					for e := range d {
						y[(n*s.T+i)*s.C+h*d+e] += p * qkv[s.at(n, j, h, 2, e)]
					}
				}
			}
		}
	}
}

// AttentionBackward sets dqkv. With P the probabilities and dP = dy·vᵀ:
// dv = Pᵀ·dy, dS = P∘(dP − Σ_j P∘dP), dq = dS·k/√d, dk = dSᵀ·q/√d.
func AttentionBackward(dqkv, dy, qkv []float64, s AttnShape) {
	d := s.C / s.Heads
	root := math.Sqrt(float64(d))
	clear(dqkv)
	for n := range s.N {
		for h := range s.Heads {
			for i := range s.T {
				p := s.probs(qkv, n, h, i)
				g := dy[(n*s.T+i)*s.C+h*d:][:d]
				dp := make([]float64, s.T)
				dot := 0.0
				for j := range p {
					for e := range d {
						dp[j] += g[e] * qkv[s.at(n, j, h, 2, e)]
						dqkv[s.at(n, j, h, 2, e)] += p[j] * g[e]
					}
					dot += p[j] * dp[j]
				}
				for j := range p {
					ds := p[j] * (dp[j] - dot) / root
					for e := range d {
						dqkv[s.at(n, i, h, 0, e)] += ds * qkv[s.at(n, j, h, 1, e)]
						dqkv[s.at(n, j, h, 1, e)] += ds * qkv[s.at(n, i, h, 0, e)]
					}
				}
			}
		}
	}
}

// Attention sets y = softmax(q·kᵀ/√d)·v per head.
func (Device) Attention(y, qkv *tensor.Tensor, heads int) {
	s := attnShape("Attention", y, qkv, heads)
	out := like(y)
	Attention(out, Values(qkv), s)
	SetValues(y, out)
}

// AttentionBackward sets dqkv.
func (Device) AttentionBackward(dqkv, dy, qkv *tensor.Tensor, heads int) {
	s := attnShape("AttentionBackward", dy, qkv, heads)
	check("AttentionBackward", "dqkv", dqkv, qkv.Shape()...)
	out := like(dqkv)
	AttentionBackward(out, Values(dy), Values(qkv), s)
	SetValues(dqkv, out)
}

func attnShape(op string, y, qkv *tensor.Tensor, heads int) AttnShape {
	s := AttnShape{y.Dim(0), y.Dim(1), y.Cols(), heads}
	if heads < 1 || s.C%heads != 0 {
		panic(fmt.Sprintf("ref64: %s: %d channels in %d heads", op, s.C, heads))
	}
	check(op, "y", y, s.N, s.T, s.C)
	check(op, "qkv", qkv, s.N, s.T, 3*s.C)
	return s
}
