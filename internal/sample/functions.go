package sample

import (
	"context"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// Functions are what a network estimates, as the samplers of package diffusion ask
// for it; nil where the process has no such estimate.
type Functions struct {
	Noise    diffusion.Denoiser
	Data     diffusion.DataDenoiser
	Velocity diffusion.Velocity
}

// NewFunctions returns those of net for as many samples at a time as there are seeds,
// each of the class and conditions that a sample of o has, and with o's guidance. They share one
// workspace: one runs at a time.
func (o Options) NewFunctions(net *nn.Net, r recipe.Recipe, seeds Seeds) (f Functions, err error) {
	n := seeds.Len()
	ws, err := net.NewWorkspace(n, o.Height, o.Width, false)
	if err != nil {
		return f, err
	}
	ids := make([]uint64, n)
	seeds.Get(ids, 0)
	given := o.conditions(nil, r, 0, n)
	raw := first(net, ws, o.labels(0, ids), given)
	if o.guided() {
		raw = diffusion.Guide(raw, first(net, ws, nil, given), o.Guidance)
	}
	switch {
	case r.LIM != nil:
		return Functions{Noise: r.LIM.FromScore(raw)}, nil
	case r.EDM == nil && r.Flow == nil:
		f.Noise = r.Process.FromNetwork(raw)
	}
	if !clean.fits(r) {
		return f, nil
	}
	if f.Data, err = Data(r, raw); err == nil {
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
