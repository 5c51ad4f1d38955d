// Package rare estimates the probability of rare events under a model whose sampler
// is deterministic after its start, x = Φ(n): by counting samples, by guidance
// towards the event with weights, and by a fitted tail. Every estimate says how many
// samples it effectively rests on.
package rare

import (
	"context"
	"fmt"
	"math"
	"strings"

	"heavytail/diffusion"
	"heavytail/internal/dmath"
	"heavytail/internal/machine"
	"heavytail/stable"
)

// A Model is a deterministic sampler of Dim values.
type Model struct {
	Dim int
	// Noise is the law of n, of Dim values: that of a process. A law of the program's own
	// has no place here; Map may make one of the noise.
	Noise diffusion.UnitNoise
	// Map sets x, rows of Dim values that hold n, to the samples Φ(n). Row i must
	// depend on row i alone.
	Map func(ctx context.Context, x []float64) error
}

// An Event is Value(x) > Threshold, x one sample. Value must be finite where x is.
type Event struct {
	Value     func(x []float64) float64
	Threshold float64
	// Short says that the event is a length below a bound, as "norm < 5" is: lengths end
	// at 0, so that Tail has nothing to fit. Value is then minus the length.
	Short bool
}

// Level is the confidence of all intervals.
const Level = 0.95

// z is the quantile of the standard normal law at (1+Level)/2.
const z = 1.959963984540054

// An Estimate is a probability with its interval and what that rests on.
type Estimate struct {
	P        float64 // the probability
	Lo, Hi   float64 // the interval at Level
	StdError float64 // of P; of Plain without a hit, NaN
	// Effective is the number of equally weighted samples in the event with which
	// the estimate would be as exact, (Σw)²/Σw²: by Plain the number of hits, by
	// Tail the number of values that the tail was fitted to. An interval means
	// little where it is below Enough.
	Effective float64
	Hits      int // samples in the event
	Samples   int // drawn in all, pilots of Guided included
	// VarianceReduction is the variance of Plain with as many samples, P(1−P)/Samples,
	// over that of this estimate: 1 for Plain, NaN where there is no hit, where P is 1
	// and where the standard error is above P, which it then hardly describes. Of Tail
	// it counts no bias, and so may be too good.
	VarianceReduction float64
}

// Enough is the effective number of samples below which an interval is not to be
// relied on: weights of which a few decide have a variance that these few do not show.
// That of Plain is exact for any number of hits, and with few of them wide.
const Enough = 50

// Reliable tells whether Effective is at least Enough.
func (e Estimate) Reliable() bool { return e.Effective >= Enough }

// most is the number of samples that are mapped at a time.
const most = 1024

// Steps of keys: what draws which noise. Pilots have their round added.
const (
	plainStep = iota
	finalStep
	pilotStep
)

func (m Model) check(ctx context.Context, e Event, n int) error {
	switch {
	case ctx == nil:
		panic("rare: a nil context: use context.Background()")
	case m.Dim < 1 || m.Map == nil || m.Noise.Dim() == 0 || e.Value == nil:
		panic("rare: a Model needs Dim, Noise and Map, an Event Value")
	case m.Noise.Dim() != m.Dim:
		return &diffusion.OptionError{Field: "Noise", Value: m.Noise.Dim(), Want: fmt.Sprintf("a law of %d values, Dim", m.Dim), Text: fmt.Sprintf("rare: the noise has %d values, the model's samples %d: use a law of as many", m.Noise.Dim(), m.Dim)}
	case n < 100 || n > 1<<30:
		return &diffusion.OptionError{Field: "Samples", Value: n, Want: "100 to 2^30", Text: fmt.Sprintf("rare: %d samples: use 100 to %d", n, 1<<30)}
	case m.bytes(n) > machine.Memory():
		return &diffusion.OptionError{Field: "Samples", Value: n, Want: fmt.Sprintf("%d or fewer here", m.fits()), Text: fmt.Sprintf("rare: %d samples of %d values take %d MB, this process may use %d MB: use %d or fewer", n, m.Dim, m.bytes(n)>>20, machine.Memory()>>20, m.fits())}
	case e.Threshold-e.Threshold != 0:
		return &diffusion.OptionError{Field: "Threshold", Value: e.Threshold, Want: "a finite number", Text: fmt.Sprintf("rare: the threshold is %v: use a finite number", e.Threshold)}
	}
	return nil
}

// bytes returns how much memory n samples take at most: their values, which Tail sorts
// and takes the logarithms and the gaps of, 8 numbers a sample; and by Guided six tenths
// of them as pilots, whose starts and weights slices that grow hold twice, with their
// responsibilities, and a round of n/20 with its copies.
func (m Model) bytes(n int) int64 {
	plain := 8 * int64(n)
	if m.Dim > MaxDim {
		return 8 * plain
	}
	groups := int64(len(m.Noise.TailIndices()))
	pilots := int64(n) * 6 / 10 * (2*(int64(m.Dim)+1) + 1 + parts*(1+groups))
	round := max(int64(n)/20, most) * 3 * int64(m.Dim)
	return 8 * max(plain, int64(n)+pilots+round)
}

// fits returns the largest number of samples that the machine has the memory for.
func (m Model) fits() int {
	lo, hi := 0, 1<<30
	for lo < hi {
		if n := (lo + hi + 1) / 2; m.bytes(n) <= machine.Memory() {
			lo = n
		} else {
			hi = n - 1
		}
	}
	return lo
}

// values maps the starts x in place and returns the event's value of every sample.
func (m Model) values(ctx context.Context, e Event, x []float64) ([]float64, error) {
	err := ctx.Err() // which Map may not look at
	if err == nil {
		err = m.Map(ctx, x)
	}
	if err != nil {
		return nil, fmt.Errorf("rare: %w", err)
	}
	out := make([]float64, len(x)/m.Dim)
	for i := range out {
		out[i] = e.Value(x[i*m.Dim : (i+1)*m.Dim])
		if v := out[i]; v-v != 0 {
			return nil, fmt.Errorf("rare: the event's value of a sample is %v: use a value that is finite, and a model whose samples are", v)
		}
	}
	return out, nil
}

// Values draws n samples, 100 to 2^30, and returns the event's value of each, for
// Plain's estimate (Count) and Tail. Impossible numbers are a *diffusion.OptionError; it
// panics for a model without Dim, Noise or Map, an event without Value and a nil ctx, and
// ends within 1024 samples of the end of ctx, with its error wrapped.
func Values(ctx context.Context, m Model, e Event, n int, seed uint64) ([]float64, error) {
	if err := m.check(ctx, e, n); err != nil {
		return nil, err
	}
	var out []float64
	x := make([]float64, min(n, most)*m.Dim)
	for first := 0; first < n; first += most {
		part := x[:min(most, n-first)*m.Dim]
		for i := range len(part) / m.Dim {
			m.Noise.Draw(part[i*m.Dim:(i+1)*m.Dim], stable.Key{Seed: seed, Sample: uint64(first + i), Step: plainStep})
		}
		v, err := m.values(ctx, e, part)
		if err != nil {
			return nil, err
		}
		out = append(out, v...)
	}
	return out, nil
}

// Plain estimates the probability by n samples of the model: k of n, with the exact
// interval of Clopper and Pearson.
func Plain(ctx context.Context, m Model, e Event, n int, seed uint64) (Estimate, error) {
	v, err := Values(ctx, m, e, n, seed)
	if err != nil {
		return Estimate{}, err
	}
	return Count(v, e.Threshold), nil
}

// Count is Plain's estimate from the event's values of samples. It panics if there is
// none.
func Count(values []float64, threshold float64) Estimate {
	n, k := len(values), 0
	if n == 0 {
		panic("rare: Count of no values")
	}
	for _, v := range values {
		if v > threshold {
			k++
		}
	}
	out := Estimate{P: float64(k) / float64(n), Hits: k, Samples: n, Effective: float64(k), VarianceReduction: 1}
	out.StdError = math.Sqrt(out.P * (1 - out.P) / float64(n))
	if k == 0 {
		out.StdError, out.VarianceReduction = math.NaN(), math.NaN()
	}
	out.Lo, out.Hi = binomialInterval(k, n)
	return out
}

// binomialInterval is Clopper and Pearson's: P(X ≥ k | Lo) = P(X ≤ k | Hi) = (1−Level)/2.
func binomialInterval(k, n int) (lo, hi float64) {
	side := func(upper bool) float64 {
		a, b := 0.0, 1.0
		for range 60 {
			p := (a + b) / 2
			tail := binomialTail(k, n, p, !upper)
			if (tail > (1-Level)/2) == upper { // the lower tail falls with p, the upper rises
				a = p
			} else {
				b = p
			}
		}
		return (a + b) / 2
	}
	if k > 0 {
		lo = side(false)
	}
	if hi = 1; k < n {
		hi = side(true)
	}
	return lo, hi
}

// binomialTail returns P(X ≥ k) if upper, else P(X ≤ k), X of n trials, where they
// are below a half; where the mode is among the terms it returns 1, which is enough to
// compare with less than a half.
func binomialTail(k, n int, p float64, upper bool) float64 {
	if mean := float64(n) * p; upper && mean >= float64(k) || !upper && mean <= float64(k) {
		return 1
	}
	lf := func(i int) float64 { return dmath.LogGamma(float64(i) + 1) }
	term := dmath.Exp(lf(n) - lf(k) - lf(n-k) + float64(float64(k)*dmath.Log(p)) + float64(float64(n-k)*dmath.Log1p(-p)))
	odds, sum := p/(1-p), 0.0
	for i := k; i >= 0 && i <= n && term > sum*1e-17; {
		sum += term
		if upper {
			term *= float64(n-i) / float64(i+1) * odds
			i++
		} else {
			term *= float64(i) / (float64(n-i+1) * odds)
			i--
		}
	}
	return sum
}

// A noTail is why there is no tail to fit, without the name of the function that says so.
type noTail struct {
	why string
	err error
}

func (e *noTail) Error() string { return "rare: no tail can be fitted to the event's values: " + e.why }
func (e *noTail) Unwrap() error { return e.err }

// Tail estimates the probability by a power tail fitted to the event's values of plain
// samples less their median: with the k values above u, of index a by stable.SideIndex,
// corrected for bias with a standard error of 2a/√k, and c the threshold less the median,
//
//	P = k/n·(c/u)^(−a),  Var ln P = (1−k/n)/k + (2a·ln(c/u))²/k
//
// (Weissman 1978). The interval knows nothing of the bias that is left where the tail
// is no power at u, and nothing of how k was chosen. It is an error if the values have
// no tail, or c is not above u: Count is better there.
func Tail(values []float64, threshold float64) (Estimate, error) {
	if len(values) == 0 {
		return Estimate{}, fmt.Errorf("rare: no values to fit a tail to: draw some")
	}
	fit, err := stable.SideIndex(values, true)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), "SideIndex: ")
		return Estimate{}, &noTail{why, err}
	}
	n, k, u, mid := float64(len(values)), float64(fit.K), fit.Threshold, fit.Center
	if !(threshold-mid > u) {
		return Estimate{}, fmt.Errorf("rare: the event is not beyond the %d largest values, to which the tail is fitted: count the samples instead", fit.K)
	}
	reach := float64(fit.Alpha * dmath.Log((threshold-mid)/u))
	out := Estimate{P: k / n * dmath.Exp(-reach), Effective: k, Samples: len(values)}
	if out.P == 0 {
		return Estimate{}, fmt.Errorf("rare: what the fitted tail leaves is below the smallest float64: choose an event that is less rare")
	}
	for _, v := range values {
		if v > threshold {
			out.Hits++
		}
	}
	relative := math.Sqrt((1-k/n)/k + float64(4*reach*reach)/k)
	out.spread(relative)
	return out, nil
}

// spread sets what follows from P and its relative error: an interval in ln P, for a
// probability is positive and its weights are skewed.
func (e *Estimate) spread(relative float64) {
	f := dmath.Exp(z * relative)
	e.Lo, e.Hi, e.StdError = e.P/f, min(e.P*f, 1), float64(e.P*relative)
	e.VarianceReduction = math.NaN()
	if relative <= 1 && e.P < 1 {
		e.VarianceReduction = e.P * (1 - e.P) / float64(e.Samples) / float64(e.StdError*e.StdError)
	}
}

// ReturnPeriod returns how many samples pass between events on average, 1/P, with its
// interval; +Inf where P or its lower end is 0.
func (e Estimate) ReturnPeriod() (period, lo, hi float64) { return 1 / e.P, 1 / e.Hi, 1 / e.Lo }
