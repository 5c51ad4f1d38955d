package diffusion

import (
	"heavytail/simd"
)

// A LIMNoiser makes training examples of a LIM. Per sample,
// t ~ U(1e-5, 0.9946), e is a unit noise,
//
//	input γ(t)·x_0 + σ(t)·e,  time t,  target −e/α  (−e at α = 2)
//
// for LIM's network s_θ (see LIM.FromScore). The published loss is the mean of
// the smooth absolute error: Loss{Kind: Huber}. (LIM's own authors took the
// square.) Everything about a sample is a function of (seed, its number). A
// LIMNoiser is immutable: any number of goroutines may use one.
type LIMNoiser struct {
	proc  LIM
	seed  uint64
	noise limNoise
}

// NewLIMNoiser prepares the noising of p.
func NewLIMNoiser(p LIM, seed uint64) (*LIMNoiser, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &LIMNoiser{proc: p, seed: seed, noise: p.noise(p.Clamps)}, nil
}

// Time returns t of the given sample.
func (n *LIMNoiser) Time(sample uint64) float64 {
	var u [1]float32
	trainingStream(n.seed, sample, 0).Uniform(u[:], 0)
	return limFirst + float64((limLast-limFirst)*float64(u[0]))
}

// Copies returns 1: a sample becomes one row.
func (n *LIMNoiser) Copies() int { return 1 }

// Noise noises B = len(times) samples x0, row-major [B][d], numbered first,
// first+1, … over the whole training. It fills x (the network's input) and
// target, both [B][d], and times; lengths that do not fit panic. It allocates
// nothing in a steady state.
func (n *LIMNoiser) Noise(x, target, times, x0 []float32, first uint64) {
	d := checkExamples("LIMNoiser.Noise", 1, x, target, times, x0)
	for b := range times {
		sample := first + uint64(b)
		t, e := n.Time(sample), target[b*d:(b+1)*d]
		times[b] = float32(t)
		n.noise.fill(e, trainingStream(n.seed, sample, 1))
		simd.AxpBy(x[b*d:(b+1)*d], float32(n.proc.Sigma(t)), e, float32(n.proc.Gamma(t)), x0[b*d:(b+1)*d])
		simd.Scale(e, e, float32(n.proc.targetScale()))
	}
}
