package heavytail

import (
	"context"
	"fmt"
	"math"

	"heavytail/diffusion"
	"heavytail/internal/sample"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// densitySteps is the number of steps of a log-density where none is given, as many as
// the tails of Student-t noise need for the second digit of ln p.
const densitySteps = 128

// densityBatch is how many values the points have that are computed at a time.
const densityBatch = 4096

// logDensity returns ln p of the points x, one after the other in the units of the data,
// of class label (negative: none) and given conditions, one row or one for each, under
// the network's ODE.
func (m *Model) logDensity(ctx context.Context, s diffusion.Density, label int, given, x []float64) ([]diffusion.LogDensity, error) {
	net, r := m.net, m.recipe
	if s.Steps == 0 {
		s.Steps = fewer(r, densitySteps+1, 1) - 1 // on one level more
	}
	d := count(r.Data.Shape)
	if err := checkGiven(given, len(x)/d, r); err != nil {
		return nil, err
	}
	cond := Options{Given: given}
	batch := max(1, densityBatch/d)
	batch = min(batch, max(1, len(x)/d))
	h, w := m.size(Options{})
	own, shared, err := net.InputMemory(batch, h, w)
	if err != nil {
		return nil, err
	}
	free, err := sample.Hold(net, own, shared, fmt.Sprintf("the gradients of %d samples", batch))
	if err != nil {
		return nil, err
	}
	defer free()
	var seen []float32 // conditions of the points in hand, as the network sees them
	den, err := derivative(net, batch, h, w, label, &seen)
	if err != nil {
		return nil, err
	}
	z, volume, err := standard(r, x, d)
	if err != nil {
		return nil, err
	}
	var out []diffusion.LogDensity
	for first := 0; first < len(z); first += batch * d {
		seen = cond.conditions(seen, r, first/d, min(batch, (len(z)-first)/d))
		part, err := density(ctx, r, s, den, z[first:min(first+batch*d, len(z))], d)
		if err != nil {
			return nil, err
		}
		for _, p := range part {
			p.Value += volume[len(out)]
			out = append(out, p)
		}
		s.Seed++ // other signs for other points
	}
	return out, nil
}

// density is the one of the recipe's process.
func density(ctx context.Context, r recipe.Recipe, s diffusion.Density, den diffusion.Derivative, z []float64, d int) ([]diffusion.LogDensity, error) {
	switch {
	case r.LIM != nil:
		return s.LIM(ctx, *r.LIM, r.LIM.FromScoreDerivative(den), z, d)
	case r.EDM != nil:
		return s.EDM(ctx, *r.EDM, r.EDM.PreconditionDerivative(den), z, d)
	case r.Flow != nil:
		p, err := Options{}.levels(r)
		if err != nil {
			return nil, err
		}
		return s.EDM(ctx, p, r.Flow.DataDerivative(den), z, d)
	}
	return s.DLPM(ctx, r.Process, r.Process.FromNetworkDerivative(den), z, d)
}

// standard returns the points as the network has them, and of each the logarithm of
// how much of the network's volume a unit of the data's takes there.
func standard(r recipe.Recipe, x []float64, d int) (z, volume []float64, err error) {
	z, volume = make([]float64, len(x)), make([]float64, len(x)/d)
	for i, v := range x {
		slope := 0.0
		if z[i] = v; r.Data.Converted() {
			z[i], slope = r.Data.Standard(i%d, v)
		}
		if math.IsInf(slope, 1) {
			return nil, nil, fmt.Errorf("column %d was constant in the model's data, so that points have no density: train on the others (setting columns)", i%d)
		}
		if seen := float32(z[i]); seen-seen != 0 {
			return nil, nil, &BeyondError{Point: i / d, Value: i % d, X: v}
		}
		volume[i/d] += slope
	}
	return z, volume, nil
}

// A BeyondError is the error of LogDensity for a value of a point that is beyond
// float32 as the network sees it.
type BeyondError struct {
	Point, Value int     // the number of the point, and of the value in it
	X            float64 // the value, in the units of the data
}

// Error says which value it is.
func (e *BeyondError) Error() string {
	return fmt.Sprintf("value %d of point %d is %v, which is beyond float32 as the network sees it: leave the point out", e.Value, e.Point, e.X)
}

// derivative is net with the vector–Jacobian products of its backward passes, for any
// number of samples, batch at a time, of a class and of the conditions that given holds
// when it is called; nil: none.
func derivative(net *nn.Net, batch, h, w, label int, given *[]float32) (diffusion.Derivative, error) {
	ws, err := net.NewInputWorkspace(batch, h, w)
	if err != nil {
		return nil, err
	}
	dev := net.Device()
	shape := net.SampleShape()
	if h > 0 {
		shape[0], shape[1] = h, w
	}
	d := count(shape)
	k := net.Outputs(d) // of which the first d are the estimate
	in, up := dev.New(append([]int{batch}, shape...)...), dev.New(append([]int{batch}, shape...)...)
	if k != d {
		up = dev.New(batch, k)
	}
	wide := make([]float32, batch*k)
	var labels []int
	if net.Classes() > 0 {
		for range batch {
			labels = append(labels, label)
		}
	}
	return func(ctx context.Context, out, product, x, probe, t []float32) (err error) {
		defer tensor.Catch(&err)
		ws.Watch(ctx)
		for lo := 0; lo < len(t); lo += batch {
			n := min(batch, len(t)-lo)
			a, b := in.Batch(0, n), up.Batch(0, n)
			dev.Upload(a, x[lo*d:(lo+n)*d])
			clear(wide)
			for i := range n {
				copy(wide[i*k:i*k+d], probe[(lo+i)*d:])
			}
			dev.Upload(b, wide[:n*k])
			var l []int
			if labels != nil {
				l = labels[:n]
			}
			var e nn.Extra
			if k := net.Conditions(); *given != nil {
				e.Cond = (*given)[lo*k : (lo+n)*k]
			}
			dev.Download(wide[:n*k], net.ForwardWith(ws, a, t[lo:lo+n], l, e))
			for i := range n {
				copy(out[(lo+i)*d:(lo+i+1)*d], wide[i*k:])
			}
			net.Backward(ws, b)
			dev.Download(product[lo*d:(lo+n)*d], net.InputGradient(ws))
			if err := ws.Err(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
