package diffusion

import (
	"context"
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// A network may have a second output h, of a value for each element, beside its
// estimate of the target:
//
//	Var[target | x] = (1 + |x|²/d)·(exp h + 1e-6)
//
// of its input x of d values. The factor is how the variance of a heavy-tailed
// target grows; the floor is the rounding of float32 in units of that.
const spreadFloor = 1e-6

// spreadShare is how much the loss of the second output weighs. With 1, two clusters
// that a network of 400 steps had in 98 % of its samples were in 77 % of them.
const spreadShare = 0.01

// spreadVariance returns exp h + 1e-6.
func spreadVariance(h float32) float64 { return dmath.Exp(float64(h)) + spreadFloor }

// inputSquare returns 1 + |x|²/d of a row.
func inputSquare(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return 1 + sum/float64(len(x))
}

// SpreadLoss is the loss of a network with a second output. Of the rows of its
// predictions [B][2d], the estimates followed by h, the targets [B][d] and inputs
// [B][d] it sets means[i] to the mean of r² over the elements of row i, r being the
// residual of the estimate, and grad [B][2d] to the gradient of
//
//	w·mean r² + 1/100·mean (u/v + ln v),  u = r²/(1+|x|²/d),  v = exp h + 1e-6
//
// times scale; w is 1, or that of l, Weighted. In the second
// term r is a number: the estimate does not learn to be easy to judge. That term,
// the deviance of the Gamma law, is minimised over functions of x by v = E[u | x],
// as the square of u − v is, and it asks for no more than that this mean exists: the
// square needs E[r⁴ | x], which for stable noise and data of the same index α is
// infinite on the line for α ≤ 3/2. It does not depend on the size of u either, so
// that far inputs do not rule the gradient. The factor of 1/100 keeps it from what both
// outputs share; in the layers of its own, Adam divides it out. It panics if lengths do
// not fit.
func (l Loss) SpreadLoss(grad []float32, means []float64, pred, target, x []float32, scale float64) {
	B := len(means)
	if B == 0 || len(target) != len(x) || len(x)%B != 0 || len(pred) != 2*len(x) || len(grad) != len(pred) {
		panic(fmt.Sprintf("diffusion: Loss.SpreadLoss: %d means, %d gradients, %d predictions, %d targets, %d inputs", B, len(grad), len(pred), len(target), len(x)))
	}
	d := len(x) / B
	for i := range B {
		row, out := pred[2*i*d:2*(i+1)*d], grad[2*i*d:2*(i+1)*d]
		s, w, sum := inputSquare(x[i*d:(i+1)*d]), 1.0, 0.0
		if l.Kind == Weighted {
			w = 1 / s
		}
		each := scale / float64(d)
		for j := range d {
			r := float64(row[j]) - float64(target[i*d+j])
			r2 := float64(r * r)
			sum += r2
			e := dmath.Exp(float64(row[d+j]))
			v := e + spreadFloor
			out[j] = float32(2 * w * r * each)
			out[d+j] = float32(spreadShare * (1 - r2/(s*v)) * e / v * each)
		}
		means[i] = sum / float64(d)
	}
}

// validateSpread reports why a network with a second output cannot be trained with
// the loss.
func (l Loss) validateSpread() error {
	switch {
	case l.Kind != Squared && l.Kind != Weighted:
		return impossible("loss", "Kind", l.Kind, "a network with a second output learns the variance about the mean, which %q and %q estimate: use one of them, or leave out the output", Weighted, Squared)
	case l.Copies() != 1:
		return impossible("loss", "Outer", l.Outer, "a network with a second output takes one copy of each sample: leave out outer and inner, or the output")
	}
	return nil
}

// ValidateSpread is Validate for a network with a second output.
func (l Loss) ValidateSpread() error {
	if err := l.Validate(); err != nil {
		return err
	}
	return l.validateSpread()
}

// WithSpread returns the two estimates of a network with a second output, which
// sets [n][2d] where it is asked for as many values: its estimate of the target and
// the variance of that. The second asks nothing: it is of the batch that the first
// was asked for last, so that both belong to one trajectory.
func WithSpread(net Denoiser) (Denoiser, Spread) {
	var both, known []float32
	mean := func(ctx context.Context, out, x, t []float32) error {
		needDenoiser("WithSpread", net == nil)
		if len(both) < 2*len(x) {
			both, known = make([]float32, 2*len(x)), make([]float32, len(x))
		}
		b := both[:2*len(x)]
		if err := net(ctx, b, x, t); err != nil {
			return err
		}
		d := len(x) / max(len(t), 1)
		for i := range t {
			copy(out[i*d:(i+1)*d], b[2*i*d:])
			s := inputSquare(x[i*d : (i+1)*d])
			for j := i * d; j < (i+1)*d; j++ {
				known[j] = float32(s * spreadVariance(b[(i+1)*d+j]))
			}
		}
		return nil
	}
	return mean, func(_ context.Context, v, x, _ []float32) error {
		copy(v, known[:len(x)])
		return nil
	}
}

// WithSpread is Precondition for a network with a second output, with the second
// moment that its variances give: of group g of the elements that share a κ
//
//	E[|x−x_0|² | x]/σ² = (|x−D|² + c_out²·Σ_j Var[target_j | x])/σ²
//
// As for the function WithSpread, the moment is of the batch that D was asked for
// last.
func (p EDM) WithSpread(net Denoiser) (DataDenoiser, SecondMoment) {
	mean, spread := WithSpread(net)
	D := p.Precondition(mean)
	var data []float64
	var v []float32
	den := func(ctx context.Context, out, x, sigma []float64) error {
		if err := D(ctx, out, x, sigma); err != nil {
			return err
		}
		data = append(data[:0], out...)
		return nil
	}
	return den, func(ctx context.Context, m, x, sigma []float64) error {
		n := len(sigma)
		d, G, C := len(x)/n, len(m)/n, p.channels()
		if len(v) < len(x) {
			v = make([]float32, len(x))
		}
		if err := spread(ctx, v[:len(x)], v[:len(x)], nil); err != nil {
			return err
		}
		clear(m)
		for i, s := range sigma {
			for j := range d {
				k := i*d + j
				r := (x[k] - data[k]) / s
				c := p.Preconditioning(j%C, s).Out / s
				m[i*G+j%G] += float64(r*r) + float64(c*c*math.Max(float64(v[k]), 0))
			}
		}
		return nil
	}
}
