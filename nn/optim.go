package nn

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/tensor"
)

// AdamW holds the moments of the AdamW optimiser for all parameters of a
// network:
//
//	p ← p·(1 − lr·wd)
//	m ← β₁m + (1−β₁)g      v ← β₂v + (1−β₂)g²
//	p ← p − lr·m̂/(√v̂ + ε)   m̂ = m/(1−β₁ⁿ), v̂ = v/(1−β₂ⁿ)
//
// See [Loshchilov and Hutter, 2019]: https://arxiv.org/abs/1711.05101
type AdamW struct {
	Beta1, Beta2, Eps, WeightDecay float64        // β₁, β₂, ε, wd of the formulas
	M, V                           *tensor.Tensor // laid out like Params.Flat
	Step                           int            // steps done

	params *Params
}

// NewAdamW returns an optimiser with PyTorch's constants: β 0.9 and 0.999,
// ε 1e-8, weight decay 0.01 on every parameter.
func NewAdamW(p *Params) *AdamW {
	return &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, M: p.dev.New(p.size), V: p.dev.New(p.size), params: p}
}

// Update does one step from the gradients. If clip is positive and the
// Euclidean norm of all gradients is above it, they are scaled by
// clip/(norm+1e-6) first, as PyTorch does. It returns the norm before
// clipping; if that or lr is not finite, or lr is below 0, nothing changes and an error
// says so. It panics if there are no gradients (Params.EnableGrad).
func (a *AdamW) Update(lr, clip float64) (norm float64, err error) {
	p := a.params
	p.needGrad("AdamW.Update")
	if !(lr >= 0 && lr <= math.MaxFloat32) {
		return 0, fmt.Errorf("step %d: the learning rate is %v: want 0 or more, and finite", a.Step+1, lr)
	}
	norm = math.Sqrt(p.dev.SumSq(p.Grad))
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return norm, fmt.Errorf("step %d: the gradient is not finite: lower the learning rate or clip the gradient", a.Step+1)
	}
	scale := 1.0
	if clip > 0 && norm > clip {
		scale = clip / (norm + 1e-6)
	}
	a.Step++
	p.dev.AdamW(p.Flat, p.Grad, a.M, a.V, tensor.AdamWOpt{
		LR: lr, Beta1: a.Beta1, Beta2: a.Beta2, Eps: a.Eps, WeightDecay: a.WeightDecay, GradScale: scale, Step: a.Step,
	})
	p.Touch()
	return norm, nil
}

// An EMA is a moving average of the parameters: shadow ← μ·shadow + (1−μ)·p.
// With a constant μ the start weights keep the share μⁿ after n steps, 27 % of
// an average of rate 0.999 after 1300. With Warmup c > 0 the rate of update n,
// from 0, is min(μ, (1+n)/(c+n)): the average then reaches back over about
// n/(c−1) steps until μ is the smaller, and nothing is left of the start.
type EMA struct {
	Rate   float64 // μ
	Warmup float64 // c, above 1; 0: constant
	Shadow *tensor.Tensor

	params *Params
}

// NewEMA returns an average that starts at the present parameters.
func NewEMA(p *Params, rate float64) *EMA {
	p.Thaw()
	e := &EMA{Rate: rate, Shadow: p.dev.New(p.size), params: p}
	p.dev.Copy(e.Shadow, p.Flat)
	return e
}

// Update takes the present parameters into the average, after n updates before
// this one.
func (e *EMA) Update(n int) {
	e.params.Thaw()
	e.params.dev.Lerp(e.Shadow, e.params.Flat, e.rate(n))
}

func (e *EMA) rate(n int) float64 {
	if e.Warmup == 0 {
		return e.Rate
	}
	return min(e.Rate, (1+float64(n))/(e.Warmup+float64(n)))
}

// A Schedule gives the learning rate of a step. Its JSON is part of a
// checkpoint. The zero Kind is constant.
type Schedule struct {
	Kind   ScheduleKind `json:"kind,omitempty"`
	LR     float64      `json:"lr"`               // the highest rate
	Every  int          `json:"every,omitempty"`  // StepLR: steps between two reductions
	Gamma  float64      `json:"gamma,omitempty"`  // StepLR: factor of a reduction
	Warmup int          `json:"warmup,omitempty"` // steps of linear rise from 0 at the start
	Total  int          `json:"total,omitempty"`  // Linear, Cosine: the step at which the rate reaches 0
}

// ScheduleKind names how a learning rate falls.
type ScheduleKind string

// The kinds of Schedule.
const (
	Constant ScheduleKind = "constant"
	StepLR   ScheduleKind = "step"   // LR·Gamma^⌊step/Every⌋
	Linear   ScheduleKind = "linear" // to 0 at Total
	Cosine   ScheduleKind = "cosine" // LR·(1+cos(π·progress))/2, to 0 at Total
)

// Validate returns an error that names the first impossible value.
func (s Schedule) Validate() error {
	switch {
	case !(s.LR > 0 && s.LR <= 1):
		return fmt.Errorf("learning rate %v; want above 0 and at most 1", s.LR)
	case s.Warmup < 0:
		return fmt.Errorf("warm-up of %d steps; want 0 or more", s.Warmup)
	case s.Kind == "" || s.Kind == Constant:
		return nil
	case s.Kind == StepLR:
		if s.Every < 1 || !(s.Gamma > 0 && s.Gamma <= 1) {
			return fmt.Errorf("step schedule with factor %v every %d steps; want 0 < factor ≤ 1, every ≥ 1", s.Gamma, s.Every)
		}
	case s.Kind == Linear || s.Kind == Cosine:
		if s.Total <= s.Warmup {
			return fmt.Errorf("%s schedule over %d steps with a warm-up of %d; want more steps than warm-up", s.Kind, s.Total, s.Warmup)
		}
	default:
		return fmt.Errorf("learning-rate schedule %q; want constant, step, linear or cosine", s.Kind)
	}
	return nil
}

// At returns the rate of step n, the first step being 0. It panics for a StepLR without
// Every, which Validate refuses.
func (s Schedule) At(n int) float64 {
	if s.Kind == StepLR && s.Every < 1 {
		panic(fmt.Sprintf("nn: Schedule.At of a step schedule that falls every %d steps: want 1 or more", s.Every))
	}
	if n < s.Warmup {
		return s.LR * float64(n+1) / float64(s.Warmup+1)
	}
	switch s.Kind {
	case StepLR:
		lr := s.LR
		for range n / s.Every {
			lr *= s.Gamma
		}
		return lr
	case Linear, Cosine:
		left := 1 - min(float64(n-s.Warmup)/float64(s.Total-s.Warmup), 1)
		if s.Kind == Linear {
			return s.LR * left
		}
		return s.LR * 0.5 * (1 - dmath.CosPi(left))
	}
	return s.LR
}
