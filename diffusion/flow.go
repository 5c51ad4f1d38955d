package diffusion

import (
	"context"
)

// A Target says what a flow's network predicts.
type Target string

// The targets. Noise is the published one of t-Flow; a plain network without a
// skip from input to output cannot represent it near t = 0, where any error
// grows by 1/t. Squared errors of the three weigh times differently.
const (
	TargetNoise    Target = "noise"    // n
	TargetVelocity Target = "velocity" // dx_t/dt = x_1 − (1−σ_min)·n
	TargetData     Target = "data"     // x_1
)

// A Flow is the process of flow matching with Gaussian or, for finite ν,
// Student-t noise (t-Flow): time runs from noise at 0 to data at 1,
//
//	x_t = t·x_1 + b_t·n,  b_t = 1 − (1−σ_min)·t.
//
// As x_t/t = x_1 + (b_t/t)·n, it is EDM's process at σ = b_t/t with another
// scale and time: a denoiser of either drives the samplers of both. It is
// plain data and goes into a checkpoint's metadata as JSON.
type Flow struct {
	Nu       Nu        `json:"nu,omitempty"`        // degrees of freedom of n; empty: Gaussian
	Target   Target    `json:"target"`              // what the network predicts
	SigmaMin float64   `json:"sigma_min,omitempty"` // noise left at t = 1; 0: rectified flow
	Mean     []float64 `json:"mean,omitempty"`      // E[x_1], one or one per channel; empty: 0
}

// Validate reports the first impossible field, its value and the remedy.
func (f Flow) Validate() error {
	switch f.Target {
	case TargetNoise, TargetVelocity, TargetData:
	default:
		return impossible("flow", "Target", f.Target, "use %q, %q or %q", TargetNoise, TargetVelocity, TargetData)
	}
	if !(f.SigmaMin >= 0 && f.SigmaMin < 1) {
		return impossible("flow", "SigmaMin", f.SigmaMin, "use 0 (rectified flow) or a small positive value")
	}
	for _, m := range f.Mean {
		if m-m != 0 {
			return impossible("flow", "Mean", m, "use the mean of the data")
		}
	}
	return f.Nu.validate("flow", "Nu")
}

// mean returns E[x_1] of element j.
func (f Flow) mean(j int) float64 {
	if len(f.Mean) == 0 {
		return 0
	}
	return f.Mean[j%len(f.Mean)]
}

// b returns b_t.
func (f Flow) b(t float64) float64 { return 1 - float64((1-f.SigmaMin)*t) }

// Sigma returns the level σ = b_t/t of EDM's process at time t, +Inf at 0.
func (f Flow) Sigma(t float64) float64 { return f.b(t) / t }

// Time returns the time t = 1/(1 + σ − σ_min) whose level is σ; 1 for levels
// below σ_min.
func (f Flow) Time(sigma float64) float64 { return 1 / (1 + max(sigma-f.SigmaMin, 0)) }

// Velocity returns the field of a network that predicts Target from x_t and t:
//
//	noise f:  v = (x − f)/t, and E[x_1] − (1−σ_min)·x at t = 0
//	data D:   v = (D − (1−σ_min)·x)/b_t, and x where b_t = 0
//
// Both limits hold because n has mean 0 and is independent of x_1. The result
// has a workspace: use it from one goroutine at a time. It panics if f is not
// valid.
func (f Flow) Velocity(net Denoiser) Velocity {
	if err := f.Validate(); err != nil {
		panic(err)
	}
	var buf netBuffer
	return func(ctx context.Context, v, x, t []float64) error {
		needDenoiser("Flow.Velocity", net == nil)
		d := buf.resize(len(x), len(t))
		for j, u := range x {
			buf.in[j] = float32(u)
		}
		for i, u := range t {
			buf.times[i] = float32(u)
		}
		if err := net(ctx, buf.out, buf.in, buf.times); err != nil {
			return err
		}
		for i, u := range t {
			row := v[i*d : (i+1)*d]
			for j := range row {
				row[j] = float64(buf.out[i*d+j])
			}
			switch {
			case f.Target == TargetData:
				f.fromData(row, x[i*d:(i+1)*d], u)
			case f.Target == TargetNoise && u == 0:
				f.atStart(row, x[i*d:(i+1)*d])
			case f.Target == TargetNoise:
				for j := range row {
					row[j] = (x[i*d+j] - row[j]) / u
				}
			}
		}
		return nil
	}
}

// fromData turns a row of D into v.
func (f Flow) fromData(v, x []float64, t float64) {
	b := f.b(t)
	if b == 0 {
		copy(v, x)
		return
	}
	for j := range v {
		v[j] = (v[j] - float64((1-f.SigmaMin)*x[j])) / b
	}
}

// atStart sets a row of v to its value at t = 0.
func (f Flow) atStart(v, x []float64) {
	for j := range v {
		v[j] = f.mean(j) - float64((1-f.SigmaMin)*x[j])
	}
}

// FromData returns the field of a denoiser of EDM's process, for example of
// EDM.Precondition: v = (D(x/t; b_t/t) − (1−σ_min)·x)/b_t, with the limits that
// Velocity has at 0 and 1. Levels above those the denoiser was trained on occur
// below t = 1/(1+σ_max): let the sampler start there (FlowSampler.Start). The
// result has a workspace: use it from one goroutine at a time.
func (f Flow) FromData(den DataDenoiser) Velocity {
	var y, sigma []float64
	return func(ctx context.Context, v, x, t []float64) error {
		needDenoiser("Flow.FromData", den == nil)
		if cap(y) < len(x) || cap(sigma) < len(t) {
			y, sigma = make([]float64, len(x)), make([]float64, len(t))
		}
		y, sigma = y[:len(x)], sigma[:len(t)]
		d := len(x) / max(len(t), 1)
		for i, u := range t {
			if u == 0 || f.b(u) == 0 {
				u = 0.5 // no level there: any will do, the limit replaces it
			}
			sigma[i] = f.Sigma(u)
			for j := i * d; j < (i+1)*d; j++ {
				y[j] = x[j] / u
			}
		}
		if err := den(ctx, v, y, sigma); err != nil {
			return err
		}
		for i, u := range t {
			if row := v[i*d : (i+1)*d]; u == 0 {
				f.atStart(row, x[i*d:(i+1)*d])
			} else {
				f.fromData(row, x[i*d:(i+1)*d], u)
			}
		}
		return nil
	}
}

// DataDenoiser returns the denoiser of EDM's process that a field makes: with
// t = Time(σ) and x = t·y, D(y; σ) = b_t·v(x, t) + (1−σ_min)·x. The result has
// a workspace: use it from one goroutine at a time.
func (f Flow) DataDenoiser(field Velocity) DataDenoiser {
	var x, t []float64
	return func(ctx context.Context, data, y, sigma []float64) error {
		needDenoiser("Flow.DataDenoiser", field == nil)
		if cap(x) < len(y) || cap(t) < len(sigma) {
			x, t = make([]float64, len(y)), make([]float64, len(sigma))
		}
		x, t = x[:len(y)], t[:len(sigma)]
		d := len(y) / max(len(sigma), 1)
		for i, s := range sigma {
			t[i] = f.Time(s)
			for j := i * d; j < (i+1)*d; j++ {
				x[j] = float64(t[i] * y[j])
			}
		}
		if err := field(ctx, data, x, t); err != nil {
			return err
		}
		for i, u := range t {
			for j := i * d; j < (i+1)*d; j++ {
				data[j] = float64(f.b(u)*data[j]) + float64((1-f.SigmaMin)*x[j])
			}
		}
		return nil
	}
}
