package diffusion

import "context"

// Guide returns the estimate of classifier-free guidance [Ho and Salimans 2021],
//
//	u + w·(c − u),  c = cond(x, t), u = uncond(x, t)
//
// for a network's output, a DataDenoiser or a Velocity. For given x and t these
// are affine functions of each other with the same coefficients for c and u, so
// that guiding any of them is the same: ε̂, D, v and F alike. w = 1 is cond itself,
// w = 0 uncond's values, and w > 1 moves away from uncond, to samples that are
// more typical of the condition and less varied. (A clamp comes after it.)
//
// The result asks both functions and has a workspace: use it from one goroutine
// at a time.
//
// [Ho and Salimans 2021]: https://arxiv.org/abs/2207.12598
func Guide[T float32 | float64, D ~func(ctx context.Context, out, x, t []T) error](cond, uncond D, w float64) D {
	if w == 1 {
		return cond
	}
	var free []T
	return func(ctx context.Context, out, x, t []T) error {
		if cap(free) < len(out) {
			free = make([]T, len(out))
		}
		free = free[:len(out)]
		if err := cond(ctx, out, x, t); err != nil {
			return err
		}
		if err := uncond(ctx, free, x, t); err != nil {
			return err
		}
		for j, u := range free {
			out[j] = u + T(T(w)*(out[j]-u))
		}
		return nil
	}
}
