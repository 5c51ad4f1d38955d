package diffusion

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/tensor"
)

// A LossKind is the function of a sample's residual r = ε̂ − ε over its d
// elements.
type LossKind string

// The losses of DLPM. The plain square has an infinite expectation for α < 2;
// the root, Huber and the weighted square are finite for α > 1. The root and
// Huber learn something between mean and median of ε given x_t, Squared and
// Weighted learn E[ε | x_t], which the samplers are written for: a weight that
// is a function of the network's input alone does not move the minimiser.
const (
	Root     LossKind = "root"     // √(mean r²): the published choice
	Huber    LossKind = "huber"    // mean h(r), h = r²/2 for |r| < 1, else |r| − ½
	Squared  LossKind = "squared"  // mean r²: DDPM's, for α = 2
	Weighted LossKind = "weighted" // w·mean r², w = 1/(1 + |x|²/d), x being the network's input
	Power    LossKind = "p"        // (mean |r|^P)^{1/P}
)

// A Loss says how per-sample losses are formed and combined. It works in two
// halves around the device: Device.Loss with Elementwise's kind gives one mean
// per row, to be multiplied by the row's InputWeights; Reduce turns these into
// the loss and the slopes, which times InputWeights are the weights for
// Device.LossBackward.
//
// With Outer·Inner > 1 every sample is noised that many times at the same t;
// the copies of one outer group share A and differ in z. Per group the inner
// means are averaged before the root is taken, because the criterion is
// E_A[(E_z ‖ε̂−ε‖²)^{1/2}]; over groups the median (lower one for an even
// number) or the mean is taken, and over samples the mean. Outer = 5, Inner = 1
// with Median is the published "DLPM₅".
type Loss struct {
	Kind   LossKind `json:"kind"`             // how a difference is measured
	P      float64  `json:"p,omitempty"`      // exponent of Power, P ≥ 1
	Median bool     `json:"median,omitempty"` // median over the outer groups instead of their mean
	Outer  int      `json:"outer,omitempty"`  // groups with their own A; 0 means 1
	Inner  int      `json:"inner,omitempty"`  // copies per group; 0 means 1
}

// DefaultLoss returns the root for α < 2 and the square for α = 2, so that
// DLPM at α = 2 is trained as DDPM.
func DefaultLoss(alpha float64) Loss {
	if alpha == 2 {
		return Loss{Kind: Squared}
	}
	return Loss{Kind: Root}
}

// Validate reports the first impossible field, its value and the remedy.
func (l Loss) Validate() error {
	switch l.Kind {
	case Root, Huber, Squared, Weighted:
		if l.P != 0 {
			return impossible("loss", "P", l.P, "only kind %q has an exponent; leave it out", Power)
		}
	case Power:
		if !(l.P >= 1 && l.P <= 8) {
			return impossible("loss", "P", l.P, "use 1 to 8")
		}
	default:
		return impossible("loss", "Kind", l.Kind, "use %q, %q, %q, %q or %q", Root, Huber, Squared, Weighted, Power)
	}
	for _, f := range [...]struct {
		name string
		n    int
	}{{"Outer", l.Outer}, {"Inner", l.Inner}} {
		if f.n < 0 || f.n > maxCopies {
			return impossible("loss", f.name, f.n, "use 1 to %d", maxCopies)
		}
	}
	return nil
}

const maxCopies = 1000

func (l Loss) outer() int { return max(l.Outer, 1) }
func (l Loss) inner() int { return max(l.Inner, 1) }

// Copies returns Outer·Inner, the rows that one sample becomes.
func (l Loss) Copies() int { return l.outer() * l.inner() }

// Elementwise returns the kind and exponent for Device.Loss and
// Device.LossBackward.
func (l Loss) Elementwise() (tensor.LossKind, float64) {
	switch l.Kind {
	case Huber:
		return tensor.Huber, 0
	case Power:
		return tensor.PNorm, l.P
	default:
		return tensor.Squared, 0
	}
}

// InputWeights sets w[i] to the weight of row i of the network's input x, whose
// len(w) rows of d values lie one after the other: 1/(1 + |x_i|²/d) of Weighted,
// 1 of the others. It panics if x does not divide into the rows.
func (l Loss) InputWeights(w []float64, x []float32) {
	if len(w) == 0 || len(x)%len(w) != 0 {
		panic(fmt.Sprintf("diffusion: Loss.InputWeights: %d values do not divide into %d rows", len(x), len(w)))
	}
	d := len(x) / len(w)
	for i := range w {
		w[i] = 1
		if l.Kind != Weighted {
			continue
		}
		sum := 0.0
		for _, v := range x[i*d : (i+1)*d] {
			sum += float64(float64(v) * float64(v))
		}
		w[i] = 1 / (1 + sum/float64(d))
	}
}

// Reduce combines the row means m of B samples, laid out [outer][inner][B],
// into their share of the loss (1/total)·Σ_b L_b and sets w[i] = ∂loss/∂m[i].
// total is the number of samples of the whole step, so shares of a batch that
// was split add up; len(m) = len(w) = Copies·B.
//
// Where a root's mean is 0 the weight is 0 (the slope of √ is infinite there,
// the gradient of the norm has 0 among its subgradients). A NaN among m gives
// a NaN loss and weights 0. It allocates nothing.
func (l Loss) Reduce(w, m []float64, total int) float64 {
	copies := l.Copies()
	if len(w) != len(m) || len(m)%copies != 0 || total < 1 {
		panic(fmt.Sprintf("diffusion: Loss.Reduce: %d values, %d weights, %d copies, total %d", len(m), len(w), copies, total))
	}
	clear(w)
	n := len(m) / copies
	sum := 0.0
	for b := range n {
		sum += l.sample(w, m, b, n)
	}
	scale := 1 / float64(total)
	for i := range w {
		w[i] *= scale
	}
	if sum != sum {
		clear(w)
	}
	return sum * scale
}

// sample returns L_b and sets the weights of b's rows.
func (l Loss) sample(w, m []float64, b, n int) float64 {
	if l.Median {
		o := l.medianGroup(m, b, n)
		if o < 0 {
			return math.NaN()
		}
		return l.group(w, m, o, b, n, 1)
	}
	outer := l.outer()
	sum := 0.0
	for o := range outer {
		sum += l.group(w, m, o, b, n, 1/float64(outer))
	}
	return sum / float64(outer)
}

// mean returns the mean over the inner copies of group o.
func (l Loss) mean(m []float64, o, b, n int) float64 {
	inner := l.inner()
	sum := 0.0
	for k := range inner {
		sum += m[(o*inner+k)*n+b]
	}
	return sum / float64(inner)
}

// group returns the loss of group o and sets its weights, times scale.
func (l Loss) group(w, m []float64, o, b, n int, scale float64) float64 {
	v := l.mean(m, o, b, n)
	loss, slope := l.root(v)
	inner := l.inner()
	for k := range inner {
		w[(o*inner+k)*n+b] = scale * slope / float64(inner)
	}
	return loss
}

// root returns the outermost function of a mean v and its derivative.
func (l Loss) root(v float64) (value, slope float64) {
	// Below 1e-30 the residual is under the rounding of the target, and an
	// infinite mean has no direction: no slope.
	const tiny = 1e-30
	switch {
	case l.Kind == Root:
		value = math.Sqrt(v)
		slope = 0.5 / value
	case l.Kind == Power:
		value = dmath.Pow(v, 1/l.P)
		slope = value / (l.P * v)
	default:
		return v, 1
	}
	if v < tiny || v > math.MaxFloat64 {
		slope = 0
	}
	return value, slope
}

// medianGroup returns the outer group whose mean is the lower median, equal
// means being ranked by their index; −1 if a mean is NaN. Counting ranks is
// quadratic in the few groups, and needs no buffer.
func (l Loss) medianGroup(m []float64, b, n int) int {
	outer := l.outer()
	mid := -1
	for o := range outer {
		v, rank := l.mean(m, o, b, n), 0
		if v != v {
			return -1
		}
		for q := range outer {
			if u := l.mean(m, q, b, n); u < v || (u == v && q < o) {
				rank++
			}
		}
		if rank == (outer-1)/2 {
			mid = o
		}
	}
	return mid
}
