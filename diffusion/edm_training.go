package diffusion

import (
	"fmt"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// An EDMNoiser makes training examples of an EDM, in terms of the network F
// that Precondition wraps. Per sample, ln σ ~ N(P_mean, P_std²), or uniform between
// those of σ_min and σ_max (LogUniform), and
//
//	n = z/√κ (with Jump √S·z),  x = x_0 + σ·n
//	input c_in·x,  time c_noise,  target (x_0 − c_skip·x)/c_out
//
// so that the plain mean square of F − target is λ·|D − x_0|² with the weight
// λ = 1/c_out² of the paper: no weights are needed. (Loss{Kind: Squared}.)
// Everything about a sample is a function of (seed, its number). An EDMNoiser
// is immutable: any number of goroutines may use one.
type EDMNoiser struct {
	proc EDM
	seed uint64
}

// NewEDMNoiser prepares the noising of p.
func NewEDMNoiser(p EDM, seed uint64) (*EDMNoiser, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.PMean != 0 && p.PStd == 0 {
		return nil, impossible("edm", "PMean", p.PMean, "p_std is 0, with which training would not use it; set both, or none for -1.2 and 1.2")
	}
	return &EDMNoiser{proc: p, seed: seed}, nil
}

// Sigma returns σ of the given sample.
func (n *EDMNoiser) Sigma(sample uint64) float64 {
	if n.proc.LogUniform {
		var u [1]float64
		trainingStream(n.seed, sample, 0).Uniform64(u[:], 0)
		lo, hi, _ := n.proc.levels()
		lo = dmath.Log(lo)
		return dmath.Exp(lo + float64(u[0]*(dmath.Log(hi)-lo)))
	}
	var z [1]float32
	trainingStream(n.seed, sample, 0).Normal(z[:], 0)
	mean, std := n.proc.LogSigma()
	return dmath.Exp(mean + float64(std*float64(z[0])))
}

// Copies returns 1: a sample becomes one row.
func (n *EDMNoiser) Copies() int { return 1 }

// Noise noises B = len(times) samples x0, row-major [B][d], numbered first,
// first+1, … over the whole training. It fills x (the network's input) and
// target, both [B][d], and times; lengths that do not fit panic. It allocates
// nothing in a steady state.
func (n *EDMNoiser) Noise(x, target, times, x0 []float32, first uint64) {
	C := n.proc.channels()
	d := checkExamples("EDMNoiser.Noise", C, x, target, times, x0)
	for b := range times {
		sample := first + uint64(b)
		s, sigma := trainingStream(n.seed, sample, 1), n.Sigma(sample)
		in, out, x0 := x[b*d:(b+1)*d], target[b*d:(b+1)*d], x0[b*d:(b+1)*d]
		s.Normal(out, 0)
		for c := range C {
			k := n.proc.Preconditioning(c, sigma)
			w := sigma * n.proc.mix(s, c)
			times[b] = float32(k.Noise)
			for j := c; j < d; j += C {
				data, noise := float64(x0[j]), float64(w*float64(out[j]))
				in[j] = float32(k.In * (data + noise))
				// x_0 − c_skip·x by parts, which does not cancel
				out[j] = float32((float64((1-k.Skip)*data) - float64(k.Skip*noise)) / k.Out)
			}
		}
	}
}

// trainingStream is that of a training sample: step 0 draws the level, step 1
// the noise. Sample key 0 is the samplers'.
func trainingStream(seed, sample uint64, step uint32) stable.Key {
	return stable.Key{Seed: seed, Sample: 1 + sample, Step: step}
}

// checkExamples panics unless the arrays of a batch fit, and returns the values
// of a sample.
func checkExamples(name string, channels int, x, target, times, x0 []float32) int {
	B := len(times)
	if B == 0 || len(x0)%B != 0 || len(x) != len(x0) || len(target) != len(x0) {
		panic(fmt.Sprintf("diffusion: %s: %d inputs, %d targets, %d times for %d values", name, len(x), len(target), B, len(x0)))
	}
	checkChannels(name, channels, len(x0)/B)
	return len(x0) / B
}
