package diffusion

import (
	"context"
	"sync/atomic"
)

// A Change is what becomes of an estimate x̂_0 of the data: it returns the value
// to go on with for value j of a batch, x0 being the network's. Clipping, keeping
// known elements and looking at the estimates are changes; every method of this
// package passes its estimates through them by Through.
type Change func(j int, x0 float64) float64

// clampChange clamps to [−bound, bound]. It leaves a NaN as it is: samplers
// report it.
func clampChange(bound float64) Change {
	return func(_ int, x0 float64) float64 {
		switch {
		case x0 > bound:
			return bound
		case x0 < -bound:
			return -bound
		}
		return x0
	}
}

// change sets known elements to the image.
func (e *Edit) change(j int, x0 float64) float64 {
	if e.isKnown(j) {
		return float64(e.Image[j%len(e.Image)])
	}
	return x0
}

// Through returns the denoiser with its estimates changed.
func (den DataDenoiser) Through(change Change) DataDenoiser {
	return func(ctx context.Context, data, x, sigma []float64) error {
		if err := den(ctx, data, x, sigma); err != nil {
			return err
		}
		for j, v := range data {
			data[j] = change(j, v)
		}
		return nil
	}
}

// Through returns the field v with its estimates of the data changed,
// D = b_t·v + (1−σ_min)·x. Where b_t = 0, at the end, the state is the data and v
// stays as it is.
func (f Flow) Through(v Velocity, change Change) Velocity {
	return func(ctx context.Context, out, x, t []float64) error {
		if err := v(ctx, out, x, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i, u := range t {
			b := f.b(u)
			for j := i * d; j < (i+1)*d; j++ {
				keep := float64((1 - f.SigmaMin) * x[j])
				D := float64(b*out[j]) + keep
				if c := change(j, D); c != D && b != 0 {
					out[j] = (c - keep) / b
				}
			}
		}
		return nil
	}
}

// Through returns den, which estimates ε̂, with its estimates of the data changed,
// (x − σ(t)·ε̂)/γ(t).
func (p LIM) Through(den Denoiser, change Change) Denoiser {
	return func(ctx context.Context, eps, x, t []float32) error {
		if err := den(ctx, eps, x, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i, u := range t {
			g, s := p.Gamma(float64(u)), p.Sigma(float64(u))
			for j := i * d; j < (i+1)*d; j++ {
				D := (float64(x[j]) - float64(s*float64(eps[j]))) / g
				if c := change(j, D); c != D {
					eps[j] = float32((float64(x[j]) - float64(g*c)) / s)
				}
			}
		}
		return nil
	}
}

// Through returns den, which estimates ε̂ on a schedule of the given number of
// levels, 0 for the process's own, and grid, empty for the process's own, as the
// sampler has them, with its estimates of the data changed, (x_t − σ̄_t·ε̂)/γ̄_t.
func (p DLPM) Through(den Denoiser, levels int, grid Grid, change Change) (Denoiser, error) {
	T, err := p.steps(levels)
	if err == nil {
		err = p.checkGrid("Through", grid)
	}
	if err != nil {
		return nil, err
	}
	var known atomic.Pointer[DLPMSchedule] // computed when it is needed, under a context
	return func(ctx context.Context, eps, x, times []float32) error {
		if err := den(ctx, eps, x, times); err != nil {
			return err
		}
		sched := known.Load()
		if sched == nil {
			var err error
			if sched, err = p.on(grid).schedule(ctx, levels); err != nil {
				return err
			}
			known.Store(sched)
		}
		d := len(x) / max(len(times), 1)
		for i, u := range times {
			t := p.stepOn(grid, u, T)
			g, s, in := sched.GammaBar[t], sched.SigmaBar[t], 1.0
			if p.InputScaling {
				in = 1 + s
			}
			for j := i * d; j < (i+1)*d; j++ {
				x0 := float64(in * float64(x[j]))
				D := (x0 - float64(s*float64(eps[j]))) / g
				if c := change(j, D); c != D {
					eps[j] = float32((x0 - float64(g*c)) / s)
				}
			}
		}
		return nil
	}, nil
}

// Clamp returns the denoiser with every estimate of the data clamped to
// [−bound, bound], for data that are known to lie there, such as images.
func (den DataDenoiser) Clamp(bound float64) DataDenoiser { return den.Through(clampChange(bound)) }

// Clamp returns the field v with its estimates of the data clamped to
// [−bound, bound]; see Through.
func (f Flow) Clamp(v Velocity, bound float64) Velocity { return f.Through(v, clampChange(bound)) }

// Clamp returns den with its estimates of the data clamped to [−bound, bound];
// see Through.
func (p LIM) Clamp(den Denoiser, bound float64) Denoiser { return p.Through(den, clampChange(bound)) }
