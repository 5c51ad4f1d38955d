package diffusion

import "context"

// Guide returns the function that classifier-free guidance samples with [Ho and
// Salimans 2021]. Where cond is the network told the class of each sample, and
// uncond the same network told none, it returns
//
//	u + w·(c − u),  c = cond(x, t), u = uncond(x, t)
//
// With w = 1 that is cond, with w = 0 uncond. With w > 1 it goes beyond cond, away
// from what samples of all classes have in common: samples become more typical of
// their class and less varied, and every evaluation asks the network twice.
//
// It does not matter what the functions estimate, the noise, the data or a
// velocity: at given x and t each is a linear function of the others, so that
// guiding one guides all. Clamp the estimates after Guide, not before.
//
// The result has a workspace of its own: use it from one goroutine at a time.
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
