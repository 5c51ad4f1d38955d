package diffusion

import (
	"fmt"
	"math"

	"heavytail/simd"
	"heavytail/stable"
)

// Examples makes the training examples of one process. Noise noises B samples
// x0, row-major [B][d], numbered first, first+1, … over the whole training, into
// the Copies·B rows of the network's input x, its target and its times; see
// DLPMNoiser, LIMNoiser, EDMNoiser and FlowNoiser.
type Examples interface {
	Copies() int // rows that one sample becomes
	Noise(x, target, times, x0 []float32, first uint64)
}

// A DLPMNoiser makes training examples of a DLPM by the one-variable form of
// the loss. Per sample, t is uniform on 1…T−1, A ~ S(α/2) (at most ClampA),
// z ~ N(0, I), and
//
//	target = √A·z,  x_t = γ̄_t·x_0 + σ̄_t·target.
//
// Where the scale is Given the target is then what Betas.Prediction says, of n = target/√2.
// Forming the target first avoids dividing by the small σ̄_1. Everything about
// a sample is a function of (seed, its number, the copy). A DLPMNoiser is
// immutable: any number of goroutines may use one.
type DLPMNoiser struct {
	proc         DLPM
	sched        *DLPMSchedule
	seed         uint64
	outer, inner int
	noise        stable.Noise
}

// NewNoiser prepares the noising of p for the copies that loss wants.
func NewNoiser(p DLPM, loss Loss, seed uint64) (*DLPMNoiser, error) {
	sched, err := p.Schedule(0)
	if err != nil {
		return nil, err
	}
	if err := loss.Validate(); err != nil {
		return nil, err
	}
	return &DLPMNoiser{
		proc: p, sched: sched, seed: seed, outer: loss.outer(), inner: loss.inner(),
		noise: p.noise(),
	}, nil
}

// Schedule returns the schedule that training uses; not to be changed.
func (n *DLPMNoiser) Schedule() *DLPMSchedule { return n.sched }

// Copies returns the rows that one sample becomes: Outer·Inner.
func (n *DLPMNoiser) Copies() int { return n.outer * n.inner }

// Noise noises B samples x0, row-major [B][d], numbered first, first+1, … over
// the whole training. It fills x (the network's input) and target, both
// [outer][inner][B][d], and times [outer][inner][B]. All copies of a sample
// share t, the inner copies of a group also A. B = len(times)/Copies; it panics
// if lengths do not fit. It allocates nothing in a steady state.
func (n *DLPMNoiser) Noise(x, target, times, x0 []float32, first uint64) {
	copies := n.Copies()
	B := len(times) / copies
	if B*copies != len(times) || B == 0 || len(x0)%B != 0 || len(x) != copies*len(x0) || len(target) != len(x) {
		panic(fmt.Sprintf("diffusion: DLPMNoiser.Noise: %d inputs, %d targets, %d times for %d values in %d copies", len(x), len(target), len(times), len(x0), copies))
	}
	d := len(x0) / B
	for b := range B {
		t := n.Step(first + uint64(b))
		time := n.proc.Time(t, n.sched.T())
		for c := range copies {
			r := c*B + b
			times[r] = time
			n.row(x[r*d:(r+1)*d], target[r*d:(r+1)*d], x0[b*d:(b+1)*d], t, c, first+uint64(b))
		}
	}
}

// row makes copy c of one sample.
func (n *DLPMNoiser) row(x, target, x0 []float32, t, c int, sample uint64) {
	n.target(target, c, sample)
	gb, sb := n.sched.GammaBar[t], n.sched.SigmaBar[t]
	simd.AxpBy(x, float32(sb), target, float32(gb), x0)
	if n.proc.InputScaling {
		simd.Scale(x, x, float32(1/(1+sb)))
	}
	if n.proc.Scale == Given {
		n.ask(target, x0, gb, sb)
	}
}

// ask makes of the target ε what a network of Betas estimates.
func (n *DLPMNoiser) ask(target, x0 []float32, gb, sb float64) {
	switch n.proc.Betas.Prediction {
	case "sample":
		copy(target, x0)
	case "v_prediction":
		simd.AxpBy(target, float32(gb/math.Sqrt2), target, float32(-math.Sqrt2*sb), x0)
	default:
		simd.Scale(target, target, float32(1/math.Sqrt2))
	}
}

// Step returns t of the given sample, uniform on 1…T−1.
func (n *DLPMNoiser) Step(sample uint64) int {
	var w [1]uint32
	n.stream(sample, 0).Uint32(w[:], 0)
	return 1 + int(uint64(w[0])*uint64(n.sched.T()-1)>>32)
}

// stream is keyed by step 0 for t and by 1 + the copy for noise. Sample key 0
// is the samplers'.
func (n *DLPMNoiser) stream(sample uint64, step int) stable.Key {
	return stable.Key{Seed: n.seed, Sample: 1 + sample, Step: uint32(step)}
}

// target sets row to √A·z, A being the group's.
func (n *DLPMNoiser) target(row []float32, c int, sample uint64) {
	n.stream(sample, 1+c).Normal(row, 0)
	group := n.stream(sample, 1+c/n.inner*n.inner)
	if n.proc.multipliers(len(row)) == 1 {
		var a [1]float64
		fillMultipliers(a[:], n.noise, group, 0)
		scaleByRoots(row, a[:])
		return
	}
	var buf [256]float64
	for i := 0; i < len(row); i += len(buf) {
		part := row[i:min(i+len(buf), len(row))]
		fillMultipliers(buf[:len(part)], n.noise, group, i)
		scaleByRoots(part, buf[:len(part)])
	}
}
