package heavytail

import (
	"context"
	"errors"
	"fmt"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// run draws the samples of o, resolved or not, a batch at a time, and passes them to
// emit in order as the network has them, with their units: x holds samples first,
// first+1, … and is reused afterwards. The memory does not depend on their number, and
// is one that is there beside that of the other runs in progress.
func (m *Model) run(ctx context.Context, o Options, emit func(u *units, first int, x []float32) error) error {
	given := units{data: &m.recipe.Data, edit: o.Edit, image: o.Image64}
	o, err := m.defaults(o).scaled(m.recipe)
	if err == nil {
		err = m.validate(o)
		if bad := (*OptionError)(nil); given.image != nil && errors.As(err, &bad) && bad.Field == "Edit.Image" {
			other := *bad
			other.Field, err = "Image64", &other
		}
	}
	if err == nil {
		err = checkGiven(o.Given, 0, m.recipe)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil || o.N == 0 {
		return err
	}
	d := count(m.SampleShape(o))
	if d == 0 {
		return impossible("Height", o.Height, "the size of the images", "the model names no image size; give one")
	}
	if err := o.fits(o.N, d); err != nil {
		return err
	}
	given.d = d
	nets := append([]*nn.Net{m.net}, m.more...)
	end := o.First + o.drawn()
	batch := min(o.Batch, (o.drawn()+len(nets)-1)/len(nets))
	if len(nets) > 1 {
		o = o.inTurns()
	}
	workers := make([]*worker, len(nets))
	for i, net := range nets {
		if workers[i], err = m.newWorker(net, o, given, batch); err != nil {
			return err
		}
		defer workers[i].free()
	}
	for first := o.First; first < end; {
		busy := 0
		for ; busy < len(workers) && first < end; busy++ {
			first += workers[busy].take(first, min(batch, end-first))
		}
		if err := together(ctx, workers[:busy]); err != nil {
			return err
		}
		for _, w := range workers[:busy] {
			if err := emit(w.units, w.first, w.x()); err != nil {
				return err
			}
		}
	}
	return nil
}

// step calls Step and Step64 with the states x, the last of which are the samples.
func (o Options) step(u *units, first, left int, x []float32) error {
	if o.Step64 != nil {
		y := u.float64s(x)
		if left == 0 {
			y = u.samples64(first, x)
		}
		if err := o.Step64(first, left, y); err != nil {
			return err
		}
	}
	if o.Step == nil {
		return nil
	}
	y := u.float32s(x)
	if left == 0 {
		var err error
		if y, err = u.samples32(first, x); err != nil {
			return err
		}
	}
	return o.Step(first, left, y)
}

// predict is net with classes and conditions, nil for none. It ends soon after its
// context does. Of a network with a second output it sets that too where it is asked
// for as many values.
func predict(net *nn.Net, ws *nn.Workspace, labels []int, given []float32) diffusion.Denoiser {
	var both []float32
	return func(ctx context.Context, out, x, t []float32) error {
		ws.Watch(ctx)
		e := nn.Extra{Cond: given}
		if k := net.Outputs(len(x)); k != len(x) && len(out) == len(x) {
			if len(both) < k {
				both = make([]float32, k)
			}
			err := net.PredictWith(ws, both[:k], x, t, labels, e)
			for i, d := 0, len(x)/max(len(t), 1); i < len(t); i++ {
				copy(out[i*d:(i+1)*d], both[2*i*d:])
			}
			return err
		}
		return net.PredictWith(ws, out, x, t, labels, e)
	}
}

func (o Options) guided() bool { return o.Guidance != 0 && o.Guidance != 1 }

// fits returns an error if the edit is not for n samples of d values.
func (o Options) fits(n, d int) error {
	e := o.Edit
	if e == nil {
		return nil
	}
	fit := func(k int) bool { return k == d || k%d == 0 && k/d == n } // n·d may wrap around
	if k := len(e.Image); !fit(k) && (k != 0 || e.NeedsImage()) {
		return impossible("Edit.Image", k, fmt.Sprintf("%d values", d), "an image of %d values to start from; want %d for all samples, or for each of the %d", k, d, n)
	}
	if k := len(e.Known); k != 0 && !fit(k) {
		return impossible("Edit.Known", k, fmt.Sprintf("%d elements", d), "%d elements marked as known; want %d for all samples, or for each of the %d", k, d, n)
	}
	return nil
}

// portion returns what of e belongs to n samples of d values from first on.
func portion(e *diffusion.Edit, first, n, d int) *diffusion.Edit {
	if e == nil {
		return nil
	}
	cut := *e
	if len(cut.Image) > d {
		cut.Image = cut.Image[first*d : (first+n)*d]
	}
	if len(cut.Known) > d {
		cut.Known = cut.Known[first*d : (first+n)*d]
	}
	return &cut
}

func count(shape []int) int {
	n := 1
	for _, v := range shape {
		n *= v
	}
	return n
}

// size returns the height and width of images, 0 of points.
func (m *Model) size(o Options) (h, w int) {
	if s := m.SampleShape(o); len(s) == 3 {
		return s[0], s[1]
	}
	return 0, 0
}

// labels returns the classes of the samples first, first+1, … of those seeds; nil if
// there are none.
func (m *Model) labels(o Options, first int, seeds []uint64) []int {
	k := m.net.Classes()
	if k == 0 {
		return nil
	}
	out := make([]int, len(seeds))
	for i, s := range seeds {
		if out[i] = int(s % uint64(k)); len(o.Classes) > 0 {
			out[i] = o.Classes[(first+i)%len(o.Classes)]
		}
	}
	return out
}

// dataOf returns the estimate D(x; σ) of the data that the recipe's network net
// stands for: of EDM, of flows and of DDPM, whose networks so drive each
// other's samplers.
func dataOf(r recipe.Recipe, net diffusion.Denoiser) (diffusion.DataDenoiser, error) {
	switch {
	case r.LIM != nil:
		return nil, fmt.Errorf("heavytail: lim has no estimate of the data at a level σ: use method lim or lim-ode")
	case r.EDM != nil:
		return r.EDM.Precondition(net), nil
	case r.Flow != nil:
		return r.Flow.DataDenoiser(r.Flow.Velocity(net)), nil
	}
	return r.Process.DataDenoiser(net)
}

// levels returns the process that EDM's samplers follow.
func (o Options) levels(r recipe.Recipe) (p diffusion.EDM, err error) {
	switch {
	case r.EDM != nil:
		p = *r.EDM
	case r.Flow != nil:
		p.Nu = r.Flow.Nu
	default:
		p.SigmaMin, p.SigmaMax, err = r.Process.SigmaRange()
	}
	for _, f := range []struct {
		to   *float64
		from float64
	}{{&p.SigmaMin, o.SigmaMin}, {&p.SigmaMax, o.SigmaMax}, {&p.Rho, o.Rho}} {
		if f.from != 0 {
			*f.to = f.from
		}
	}
	return p, err
}

// field returns the flow that the recipe's network net stands for, the time at
// which its sampler starts (0, or that of the process's highest level) and its
// velocity.
func (o Options) field(r recipe.Recipe, net diffusion.Denoiser) (f diffusion.Flow, start float64, v diffusion.Velocity, err error) {
	if r.Flow != nil {
		return *r.Flow, 0, r.Flow.Velocity(net), nil
	}
	D, err := dataOf(r, net)
	if err != nil {
		return f, 0, nil, err
	}
	p, err := o.levels(r)
	f = diffusion.Flow{Target: diffusion.TargetData, Nu: p.Nu}
	return f, f.Time(p.Sigmas(1)[0]), f.FromData(D), err
}
