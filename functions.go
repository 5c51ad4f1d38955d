package heavytail

import (
	"context"

	"heavytail/diffusion"
	"heavytail/nn"
)

// functions returns what the network estimates for as many samples at a time as there
// are of o, each of the class and conditions that a sample of o has, and with o's
// guidance. They share one workspace: one runs at a time.
func (m *Model) functions(o Options) (f Denoisers, err error) {
	net, r := m.net, m.recipe
	height, width := m.size(o)
	ws, err := net.NewWorkspace(o.N, height, width, false)
	if err != nil {
		return f, err
	}
	ids := make([]uint64, o.N)
	for i := range ids {
		ids[i] = o.SeedOf(i)
	}
	given := o.conditions(nil, r, 0, o.N)
	raw := first(net, ws, m.labels(o, 0, ids), given)
	if o.guided() {
		raw = diffusion.Guide(raw, first(net, ws, nil, given), o.Guidance)
	}
	switch {
	case r.LIM != nil:
		return Denoisers{Noise: r.LIM.FromScore(raw)}, nil
	case r.EDM == nil && r.Flow == nil:
		f.Noise = r.Process.FromNetwork(raw)
	}
	if !ofData.fits(r) {
		return f, nil
	}
	if f.Data, err = dataOf(r, raw); err == nil {
		_, _, f.Velocity, err = o.field(r, raw)
	}
	return f, err
}

// first is predict for the first samples of those that the labels and conditions are for.
func first(net *nn.Net, ws *nn.Workspace, labels []int, given []float32) diffusion.Denoiser {
	return func(ctx context.Context, out, x, t []float32) error {
		l, c := labels, given
		if l != nil {
			l = l[:len(t)]
		}
		if c != nil {
			c = c[:len(t)*net.Conditions()]
		}
		return predict(net, ws, l, c)(ctx, out, x, t)
	}
}
