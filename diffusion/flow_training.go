package diffusion

// A FlowNoiser makes training examples of a Flow. Per sample, t ~ U(0, 1],
// n = z/√κ, x_t = t·x_1 + b_t·n, the input is x_t at time t, and the target is
// n, x_1 − (1−σ_min)·n or x_1; the loss is the plain mean square. Everything
// about a sample is a function of (seed, its number). A FlowNoiser is
// immutable: any number of goroutines may use one.
type FlowNoiser struct {
	proc Flow
	seed uint64
}

// NewFlowNoiser prepares the noising of f.
func NewFlowNoiser(f Flow, seed uint64) (*FlowNoiser, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return &FlowNoiser{proc: f, seed: seed}, nil
}

// Time returns t of the given sample.
func (n *FlowNoiser) Time(sample uint64) float32 {
	var u [1]float32
	trainingStream(n.seed, sample, 0).Uniform(u[:], 0)
	return u[0]
}

// Copies returns 1: a sample becomes one row.
func (n *FlowNoiser) Copies() int { return 1 }

// Noise noises B = len(times) samples x1, row-major [B][d], numbered first,
// first+1, … over the whole training. It fills x (the network's input) and
// target, both [B][d], and times; lengths that do not fit panic. It allocates
// nothing in a steady state.
func (n *FlowNoiser) Noise(x, target, times, x1 []float32, first uint64) {
	f, G := n.proc, n.proc.Nu.groups()
	d := checkExamples("FlowNoiser.Noise", G, x, target, times, x1)
	for b := range times {
		sample := first + uint64(b)
		s, t := trainingStream(n.seed, sample, 1), float64(n.Time(sample))
		in, out, x1 := x[b*d:(b+1)*d], target[b*d:(b+1)*d], x1[b*d:(b+1)*d]
		times[b] = float32(t)
		s.Normal(out, 0)
		for g := range G {
			w := f.Nu.mix(s, g)
			for j := g; j < d; j += G {
				data, noise := float64(x1[j]), float64(w*float64(out[j]))
				in[j] = float32(float64(t*data) + float64(f.b(t)*noise))
				switch f.Target {
				case TargetNoise:
					out[j] = float32(noise)
				case TargetVelocity:
					out[j] = float32(data - float64((1-f.SigmaMin)*noise))
				case TargetData:
					out[j] = x1[j]
				}
			}
		}
	}
}
