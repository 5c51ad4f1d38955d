// Package sample draws samples from a network in batches, so that any number
// of them needs the memory of one batch.
package sample

import (
	"context"
	"fmt"

	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
)

// Options say how to sample.
type Options struct {
	Method   string // one of MethodsOf the recipe; empty: Default's
	Steps    int    // how often the states move on; 0: DefaultSteps
	Clip     bool   // clamp every estimate of the data to [−1,1]
	Settings        // of single methods
	// Guidance is the factor w of classifier-free guidance, for samples with a
	// class; 0 and 1: none.
	Guidance float64
	// Edit gives images to start from or to keep parts of, one for all samples
	// or one for each, in the units of the data; nil: none.
	Edit *diffusion.Edit
	// Image64 is the edit's image in float64, instead of Edit.Image: points far
	// from 0 keep the digits that float32 has not.
	Image64 []float64
	// ConsistentStart starts dlpm, dlim and dlim2 from the same A as the steps use.
	ConsistentStart bool
	Batch           int // samples at a time
	Height          int // images: 0, 0 means the trained size
	Width           int
	// First and Count choose some of the samples, by their numbers; Count 0: to the
	// last. Run draws no others, with the values that they have among all.
	First, Count int
	// Label gives the class of sample i, which has the given seed; negative for
	// none. nil: no classes.
	Label func(i int, seed uint64) int
	// Given are the values of the conditions of a model that has some, rows in the units
	// of the data: sample i has row i % rows.
	Given []float64
	// More are networks with the same weights on other devices: they draw batches
	// at the same time as the first. A batch has no more samples than make one for
	// each of them.
	More []*nn.Net
	// Step is called after every step with the states of the batch that begins
	// at sample first, in the units of the data; left counts the steps still to
	// do. nil: not called. Step64 is the same in float64. With More the calls of
	// several batches come in turns, one at a time.
	Step   func(first, left int, x []float32) error
	Step64 func(first, left int, x []float64) error
	// Estimates gives Step and Step64 the estimates x̂_0 of the samples that the
	// last step was made with, instead of the noisy states; at the start, where
	// there are none, the state, and at the end the samples.
	Estimates bool
}

// Settings are those of single methods, as package heavytail's say; the two
// structs are converted into each other.
type Settings struct {
	Eta    float64 `json:"eta,omitempty"`     // dlim: 0 deterministic … 1
	ClampA float64 `json:"clamp_a,omitempty"` // methods of dlpm and lim: tighter bound on A than the process's

	Solver   string          `json:"solver,omitempty"`    // edm: heun or euler; flow: also rk4. Empty: heun
	Churn    diffusion.Churn `json:"churn,omitzero"`      // edm: noise on the way
	SigmaMin float64         `json:"sigma_min,omitempty"` // edm, tedm-ancestral, tedm-sde, dpm: last level above 0; 0: the process's
	SigmaMax float64         `json:"sigma_max,omitempty"` // their first level, and of models of edm flow's; 0: the process's
	Rho      float64         `json:"rho,omitempty"`       // exponent of their levels, of flow's knots; 0: the process's, linear knots

	DropFactor bool         `json:"drop_factor,omitempty"` // tedm-ancestral: as published, without the factor that holds the tail
	NuCoeff    diffusion.Nu `json:"nu_coeff,omitempty"`    // tedm-sde: ν of the coefficient and the start
	Constant   bool         `json:"constant,omitempty"`    // tedm-sde: a coefficient of 1, the ablation

	LIMClamps      *diffusion.LIMClamps `json:"lim_clamps,omitempty"`      // methods of lim: instead of the process's
	PublishedStart bool                 `json:"published_start,omitempty"` // methods of lim: start as LIM's code does
}

// Run draws one sample for each seed with the process of r and passes them to
// emit in order, a batch at a time: x holds samples first, first+1, … in the
// units of the data and is reused afterwards. A sample depends on its own seed
// only. Run stops with an error if an option is impossible or needs more memory
// than there is beside the other runs in progress, ctx ends (between two operations of the network), the numbers
// stop being finite or emit fails. The memory does not depend on the number of
// seeds.
func Run(ctx context.Context, net *nn.Net, r recipe.Recipe, seeds Seeds, o Options, emit func(first int, x []float32) error) error {
	return run(ctx, net, r, seeds, o, func(u *units, first int, x []float32) error {
		y, err := u.samples32(first, x)
		if err != nil {
			return err
		}
		return emit(first, y)
	})
}

// Run64 is Run with samples in float64: points that were scaled have digits there
// that float32 has not, at a mean of 10⁹ all of them.
func Run64(ctx context.Context, net *nn.Net, r recipe.Recipe, seeds Seeds, o Options, emit func(first int, x []float64) error) error {
	return run(ctx, net, r, seeds, o, func(u *units, first int, x []float32) error {
		y, err := u.finite(first, u.samples64(first, x))
		if err != nil {
			return err
		}
		return emit(first, y)
	})
}

// run draws the samples and passes them to emit as the network has them, with
// their units.
func run(ctx context.Context, net *nn.Net, r recipe.Recipe, seeds Seeds, o Options, emit func(u *units, first int, x []float32) error) error {
	given := units{data: &r.Data, edit: o.Edit, image: o.Image64}
	o, err := o.Defaults(r).scaled(r)
	if err == nil {
		err = o.Validate(r)
	}
	if err == nil {
		err = CheckGiven(o.Given, 0, r)
	}
	n := seeds.Len()
	if err != nil || n == 0 {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d := count(o.Shape(net))
	if d == 0 {
		return impossible("Height", o.Height, "the size of the images", "the model names no image size; give one")
	}
	if err := o.fits(n, d); err != nil {
		return err
	}
	given.d = d
	nets := append([]*nn.Net{net}, o.More...)
	end := o.end(n)
	batch := min(o.Batch, (end-o.First+len(nets)-1)/len(nets))
	o = o.inTurns()
	workers := make([]*worker, len(nets))
	for i, net := range nets {
		if workers[i], err = newWorker(net, r, o, given, batch); err != nil {
			return err
		}
		defer workers[i].free()
	}
	for first := o.First; first < end; {
		busy := 0
		for ; busy < len(workers) && first < end; busy++ {
			w := workers[busy]
			w.first, w.part = first, w.ids[:min(batch, end-first)]
			seeds.Get(w.part, first)
			first += len(w.part)
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

// end returns the number after that of the last sample to draw, of n.
func (o Options) end(n int) int {
	if o.Count == 0 {
		return n
	}
	return o.First + o.Count
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
// context does.
func predict(net *nn.Net, ws *nn.Workspace, labels []int, given []float32) diffusion.Denoiser {
	return func(ctx context.Context, out, x, t []float32) error {
		ws.Watch(ctx)
		return net.PredictWith(ws, out, x, t, labels, nn.Extra{Cond: given})
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

// Shape returns the shape of one sample of net under o.
func (o Options) Shape(net *nn.Net) []int {
	s := net.SampleShape()
	if len(s) == 3 && o.Height > 0 {
		s[0], s[1] = o.Height, o.Width
	}
	return s
}

func (o Options) labels(first int, seeds []uint64) []int {
	if o.Label == nil {
		return nil
	}
	out := make([]int, len(seeds))
	for i, s := range seeds {
		out[i] = o.Label(first+i, s)
	}
	return out
}

// Denoiser returns net as a function, without classes and with conditions in the middle
// of their scaling, for samplers that are
// called directly. It has a workspace of its own for up to batch samples at a
// time: use it from one goroutine.
func Denoiser(net *nn.Net, batch int) (diffusion.Denoiser, error) {
	ws, err := net.NewWorkspace(batch, 0, 0, false)
	if err != nil {
		return nil, err
	}
	return predict(net, ws, nil, nil), nil
}

// Data returns the estimate D(x; σ) of the data that the recipe's network net
// stands for: of EDM, of flows and of DDPM, whose networks so drive each
// other's samplers.
func Data(r recipe.Recipe, net diffusion.Denoiser) (diffusion.DataDenoiser, error) {
	switch {
	case r.LIM != nil:
		return nil, fmt.Errorf("lim has no estimate of the data at a level σ: use method lim or lim-ode")
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
	D, err := Data(r, net)
	if err != nil {
		return f, 0, nil, err
	}
	p, err := o.levels(r)
	f = diffusion.Flow{Target: diffusion.TargetData, Nu: p.Nu}
	return f, f.Time(p.Sigmas(1)[0]), f.FromData(D), err
}
