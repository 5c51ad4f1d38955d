package diffusion

import "context"

// Clamp returns the denoiser with every estimate of the data clamped to
// [−bound, bound], for data that are known to lie there, such as images.
func (den DataDenoiser) Clamp(bound float64) DataDenoiser {
	return func(ctx context.Context, data, x, sigma []float64) error {
		if err := den(ctx, data, x, sigma); err != nil {
			return err
		}
		for j, v := range data {
			data[j] = clampTo(v, bound)
		}
		return nil
	}
}

// clampTo leaves a NaN as it is: samplers report it.
func clampTo(v, bound float64) float64 {
	switch {
	case v > bound:
		return bound
	case v < -bound:
		return -bound
	}
	return v
}

// Clamp returns the field v with its estimates of the data,
// D = b_t·v + (1−σ_min)·x, clamped to [−bound, bound]. Where b_t = 0, at the
// end, the state is the data and v stays as it is.
func (f Flow) Clamp(v Velocity, bound float64) Velocity {
	return func(ctx context.Context, out, x, t []float64) error {
		if err := v(ctx, out, x, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i, u := range t {
			b := f.b(u)
			if b == 0 {
				continue
			}
			for j := i * d; j < (i+1)*d; j++ {
				keep := float64((1 - f.SigmaMin) * x[j])
				D := float64(b*out[j]) + keep
				if c := clampTo(D, bound); c != D {
					out[j] = (c - keep) / b
				}
			}
		}
		return nil
	}
}

// Clamp returns den, which estimates ε̂, with its estimates of the data,
// (x − σ(t)·ε̂)/γ(t), clamped to [−bound, bound].
func (p LIM) Clamp(den Denoiser, bound float64) Denoiser {
	return func(ctx context.Context, eps, x, t []float32) error {
		if err := den(ctx, eps, x, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i, u := range t {
			g, s := p.Gamma(float64(u)), p.Sigma(float64(u))
			for j := i * d; j < (i+1)*d; j++ {
				D := (float64(x[j]) - float64(s*float64(eps[j]))) / g
				if c := clampTo(D, bound); c != D {
					eps[j] = float32((float64(x[j]) - float64(g*c)) / s)
				}
			}
		}
		return nil
	}
}
