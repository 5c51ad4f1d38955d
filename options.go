package heavytail

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"heavytail/diffusion"
	"heavytail/internal/sample"
)

// Unconditional asks for a sample without a class.
const Unconditional = -1

// Options say what to sample. The zero value draws one sample of seed 0 with
// the model's defaults.
type Options struct {
	// N is the number of samples; 0: as many as Seeds, or 1 without these. Sample keeps
	// them all in memory, Stream a batch of them.
	N    int
	Seed uint64 // sample i has seed Seed+i …
	// Seeds gives every sample its own seed instead.
	Seeds []uint64
	// First and Count draw some of the N samples, as one machine of many does: those
	// numbered First, …, First+Count−1, with the values that they have among all N.
	// Count 0: to the last. Classes, Seeds, Edit and Stream's first count from sample 0.
	First, Count int
	// Method is a sampler that fits the model's process: Methods lists them. The
	// default is the one of few steps: "dlim", "lim-ode", "edm" or "flow".
	Method string
	// Steps is how often the sampler moves the states on towards the data; more
	// are slower and better, and Evaluations says how much slower. 0: 24 for dlim,
	// 12 for dlim2, 99 for dlpm, dlim-sde and dlpm-posterior, the published number for the others.
	Steps int
	// Settings are those of single methods.
	Settings
	// Guidance is the factor w of classifier-free guidance: every estimate
	// becomes u + w·(c − u) of those with the class, c, and without, u. Above 1,
	// samples are more typical of their class and less varied, and a step costs
	// two evaluations of the network. 0 and 1: none.
	Guidance float64
	// Edit gives an image to start from or to keep parts of, points in the units
	// of the data; nil: none.
	Edit *Edit
	// Image64 is the edit's image in float64, instead of Edit.Image: points far
	// from 0 keep the digits that float32 has not.
	Image64 []float64
	// Height and Width are the size of images in pixels; 0: the size that the model
	// was trained with. At another size the details are as large in pixels as in
	// training: larger images hold more of them, and are not enlarged ones. A size
	// that needs more memory than the process may use is an error.
	Height, Width int
	// Classes[i % len(Classes)] is the class of sample i, Unconditional for
	// none. Empty: sample of seed s has class s mod the number of classes.
	Classes []int
	// Given are the values of the conditions of a model that has some (Model.Given), in
	// the units of the data: one after the other, rows of as many values as there are
	// conditions. Sample i has row i mod the number of rows.
	Given []float64
	// ConsistentStart says where the noise comes from that the methods of dlpm
	// models start with. On, which Auto is: from the random factors A of the steps that
	// follow, as in training. Off: from factors of its own, as in the papers' code;
	// the model's bound on A does not reach these, so that about one start in forty
	// (α = 1.7) is larger than any that was trained on, and ends as noise. Other
	// methods have no such choice: On and Off are errors there.
	ConsistentStart Switch
	// Clip holds every estimate of an image to [−1, 1], the range of its values,
	// while it is drawn. Auto is On, but Off with models of diffusers whose scheduler
	// says so. Points have no range and are not held to any: On is an error.
	Clip Switch
	// Batch is how many samples are computed at a time; it changes speed and
	// memory, not the result. 0: 32.
	Batch int
	// Step, if not nil, is called after every step with the states of the
	// samples first, first+1, …, points in the units of the data; left is the
	// number of steps still to do. An error stops the sampling. Step64 is the same
	// in float64. On several devices (Loader.More) the calls of several batches come
	// in turns, one at a time.
	Step   func(first, left int, x []float32) error
	Step64 func(first, left int, x []float64) error
	// Estimates gives Step and Step64 what a preview shows: the estimates of the
	// samples that the last step was made with, instead of its noisy states. At the
	// start, where there are none yet, x holds the state, and at the end the samples.
	Estimates bool
}

// A Switch is on, off, or left to what suits the model.
type Switch int8

// The states of a Switch.
const (
	Auto Switch = iota // what the comment of the field says
	On
	Off
)

// Settings are those of single methods; zero values are the defaults. It is an
// error to set what the method does not have. In parentheses is who has it.
type Settings struct {
	// Eta is the noise in the steps, from 0, none, to 1 (dlim).
	Eta float64 `json:"eta,omitempty"`
	// ClampA bounds the random factor A that makes the noise heavy-tailed, where
	// the model's own bound is looser: small bounds avoid extreme samples, as
	// truncation does elsewhere, and make less varied ones (the methods of dlpm
	// and lim models).
	ClampA float64 `json:"clamp_a,omitempty"`

	// Grid places the levels of noise in time: "linear", or "quadratic", which makes
	// more of the steps near the data and leaves dlim 9 to 39 % less of its error in 24
	// steps (docs/methods.md). Empty: as in training (the methods of dlpm models).
	Grid diffusion.Grid `json:"grid,omitempty"`

	// Solver is the method for the ODE: "euler", of order 1 and one evaluation a step,
	// "heun", of order 2 and two, or, with flow alone, "rk4", of order 4 and four. Empty:
	// heun (edm, flow).
	Solver string `json:"solver,omitempty"`
	// Churn is noise that is added on the way (edm).
	Churn diffusion.Churn `json:"churn,omitzero"`
	// IndependentNoise makes the noise that Churn and Edit.Resample add independent of the
	// state: with Student-t noise only that keeps the law of the samples, and it takes no
	// evaluation. Without it, it follows the state and the estimate of the data, and
	// samples come out narrow. It is an error where no such noise is added (edm,
	// tedm-ancestral).
	IndependentNoise bool `json:"independent_noise,omitempty"`
	// SigmaMin and SigmaMax are the last and the first level of noise; 0: the
	// model's (edm, tedm-ancestral, tedm-sde, dpm, jump; SigmaMax also flow with models of
	// edm and tedm).
	SigmaMin float64 `json:"sigma_min,omitempty"`
	SigmaMax float64 `json:"sigma_max,omitempty"`
	// Rho spaces the levels: the larger, the more of them are small. 0: the model's
	// exponent, and equal steps of flow (those of SigmaMin, and flow).
	Rho float64 `json:"rho,omitempty"`

	// DropFactor leaves out the factor √((ν+δ²)/(ν+d)) of the noise, in which the tails
	// lie, as the published sampler does (tedm-ancestral).
	DropFactor bool `json:"drop_factor,omitempty"`
	// NuCoeff are the degrees of freedom in the coefficient of the noise and in the
	// start; empty: the model's (tedm-sde).
	NuCoeff diffusion.Nu `json:"nu_coeff,omitempty"`
	// Constant makes that coefficient 1, which is wrong for finite ν: it shows what the
	// coefficient is good for (tedm-sde).
	Constant bool `json:"constant,omitempty"`

	// LIMClamps replace the model's bounds on its noise (the methods of lim models).
	LIMClamps *diffusion.LIMClamps `json:"lim_clamps,omitempty"`
	// PublishedStart starts from noise without the factor σ(t_0), and at α = 2 of twice
	// the variance, as the code of LIM does (the methods of lim models).
	PublishedStart bool `json:"published_start,omitempty"`
}

// An OptionError is the error of impossible options: errors.As finds it, with the
// Field, its Value and what to Want, in what Resolve, Stream, Sample and Memory
// return. Every other error is a fault: a context that ended, numbers that stopped
// being finite, a device that was lost, or what a caller's own function returned.
type OptionError = diffusion.OptionError

// An Edit gives an image to start from, with a strength, or to keep parts of. Its fields:
// Image []float32, the values of a sample, or of all samples, as Stream passes them;
// Strength float64, the part of the steps that is made, near 0 the image, 0 and 1 noise
// alone; Known []bool, the values of Image that are kept; Resample int, how often every
// step but the last is made. The image-to-image of other programs is
// Edit{Image: x, Strength: 0.6}, their inpainting Edit{Image: x, Known: k, Resample: 5}.
// Edit{Resample: 2} needs no image: every step of the sampler is made twice.
type Edit = diffusion.Edit

// defaults fills in method, steps, batch and clip.
func (m *Model) defaults(o Options) Options {
	if o.Method == "" {
		o.Method = defaultMethod(m.recipe)
	}
	if o.Steps == 0 {
		o.Steps = defaultSteps(o.Method, m.recipe)
	}
	if o.Batch == 0 {
		o.Batch = 32
	}
	if o.Clip == Auto && len(m.recipe.Data.Shape) == 3 {
		if o.Clip = On; m.recipe.Process.Betas.Free {
			o.Clip = Off
		}
	}
	return o
}

// maxSamples bounds N, so that no count of samples wraps around.
const maxSamples = min(1<<40, math.MaxInt/2)

// Resolve fills in the defaults of o for this model and checks it, the memory of
// a batch included. Seeds stay as they are: see Options.SeedOf.
func (m *Model) Resolve(o Options) (Options, error) {
	o = m.must("Resolve").defaults(o)
	if o.N < 0 {
		return o, impossible("N", o.N, "0 or more", "N is %d; want the number of samples, or 0 for one, or for one of each of Seeds", o.N)
	}
	if o.N > 0 && o.Seeds != nil && o.N != len(o.Seeds) {
		return o, impossible("N", o.N, "one of N and Seeds", "%d samples of %d seeds: give one of N and Seeds", o.N, len(o.Seeds))
	}
	if o.N > maxSamples {
		return o, impossible("N", o.N, fmt.Sprint("at most ", int64(maxSamples)), "%d samples; want at most %d", o.N, maxSamples)
	}
	if o.N = max(o.N, 1); o.Seeds != nil {
		o.N = len(o.Seeds)
	}
	if o.First < 0 || o.First > 0 && o.First >= o.N || o.Count < 0 || o.Count > o.N-o.First {
		return o, impossible("First", o.First, "a part of the samples", "samples from %d on, %d of them (0: all), of %d, numbered from 0", o.First, o.Count, o.N)
	}
	for _, c := range o.Classes {
		if c >= m.Classes() || c < 0 && c != Unconditional {
			return o, impossible("Classes", c, "a class of the model, or Unconditional", "class %d: the model has %d classes, numbered from 0; %d is none", c, m.Classes(), Unconditional)
		}
	}
	if used := o.Classes[:min(len(o.Classes), o.N)]; o.Guidance != 0 && o.Guidance != 1 && len(used) > 0 && slices.Max(used) < 0 {
		return o, impossible("Guidance", o.Guidance, "none of samples without a class", "guidance %v of samples without a class changes nothing: leave it out, or ask for classes", o.Guidance)
	}
	if o.Image64 != nil && o.Edit != nil && o.Edit.Image != nil {
		return o, impossible("Image64", len(o.Image64), "none, or no Edit.Image", "an image in float64 beside Edit.Image; give one of the two")
	}
	if err := m.switches(o); err != nil {
		return o, err
	}
	if err := checkGiven(o.Given, 0, m.recipe); err != nil {
		return o, own(err)
	}
	shape := m.SampleShape(o)
	if len(shape) != 3 && (o.Height != 0 || o.Width != 0) {
		return o, impossible("Height", o.Height, "none of points", "samples of %d×%d pixels: this model makes points; leave it out", o.Height, o.Width)
	}
	need, err := m.need(o, o.drawn())
	if err != nil {
		return o, own(err)
	}
	if err := sample.Room(m.net, need, fmt.Sprintf("a batch of %d samples of %v", min(o.Batch, o.drawn()), shape)); err != nil {
		return o, impossible("Batch", o.Batch, "a smaller batch, or smaller images", "%s", plain(err))
	}
	return o, nil
}

// switches returns an error for a switch that says nothing about these samples.
func (m *Model) switches(o Options) error {
	const states = "Auto, On or Off"
	switch {
	case o.Clip < Auto || o.Clip > Off:
		return impossible("Clip", o.Clip, states, "Clip is %d; want "+states, o.Clip)
	case o.ConsistentStart < Auto || o.ConsistentStart > Off:
		return impossible("ConsistentStart", o.ConsistentStart, states, "ConsistentStart is %d; want "+states, o.ConsistentStart)
	case o.Clip == On && len(m.recipe.Data.Shape) != 3:
		return impossible("Clip", o.Clip, "Auto or Off of points", "clipped points: they have no range; leave it out")
	}
	if row, ok := find(o.Method); ok && o.ConsistentStart != Auto && row.of.fits(m.recipe) && !row.has("ConsistentStart") {
		of := owners("ConsistentStart")
		return impossible("ConsistentStart", o.ConsistentStart, "Auto: the choice belongs to "+of, "a choice of the start with method %s; it belongs to %s", o.Method, of)
	}
	return nil
}

// impossible returns the error of a field of Options, with its message.
func impossible(field string, value any, want, format string, args ...any) error {
	return &OptionError{Field: field, Value: value, Want: want, Text: "heavytail: " + fmt.Sprintf(format, args...)}
}

// below are the names that errors of the packages below this one begin with.
var below = []string{"diffusion: ", "nn: ", "tensor: ", "stable: "}

// own returns an error of the packages below as one of this package, under one
// name.
func own(err error) error { return renamed{"heavytail: " + plain(err), err} }

// plain returns the text of an error without the name of its package.
func plain(err error) string {
	text := strings.TrimPrefix(err.Error(), "heavytail: ")
	for _, name := range below {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// ownFault is own for what sampling returns: an error of the caller's functions,
// which has no such name, stays what it was.
func ownFault(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, &OptionError{}) || slices.ContainsFunc(below, func(name string) bool { return strings.HasPrefix(err.Error(), name) }) {
		return own(err)
	}
	return err
}

// A renamed error has another text.
type renamed struct {
	text string
	error
}

func (e renamed) Error() string { return e.text }
func (e renamed) Unwrap() error { return e.error }

// room returns how many values the samples of resolved options have, which count as
// held until free is called, or an error if there is no memory for all of them.
func (m *Model) room(o Options) (n int, free func(), err error) {
	need, err := m.need(o, o.drawn())
	if err != nil {
		return 0, nil, own(err)
	}
	if !sample.OnHost(m.net) { // Resolve looked at the device's memory
		need = 0
	}
	values, bytes := int64(o.drawn()), int64(4)
	for _, d := range m.SampleShape(o) {
		if values > math.MaxInt64/16/int64(d) {
			values = math.MaxInt64 / 16 / int64(d)
		}
		values *= int64(d)
	}
	if m.Scaled() {
		bytes = 12 // in float32 and float64
	}
	free, err = sample.Hold(nil, bytes*values, need, fmt.Sprintf("%d samples of %v at once", o.drawn(), m.SampleShape(o)))
	if errors.Is(err, &OptionError{}) {
		return 0, nil, impossible("N", o.N, "fewer samples, or Stream", "%s, or draw them with Stream", plain(err))
	}
	if err != nil { // others hold it now
		return 0, nil, renamed{"heavytail: " + plain(err) + ", or draw them with Stream", err}
	}
	return int(values), free, nil
}

// drawn returns how many samples resolved options draw.
func (o Options) drawn() int {
	if o.Count > 0 {
		return o.Count
	}
	return o.N - o.First
}

// SeedOf returns the seed of sample i. It panics if there is no seed of that number; with
// N of 0 and no Seeds there is one of every number.
func (o Options) SeedOf(i int) uint64 {
	if i < 0 || o.Seeds != nil && i >= len(o.Seeds) || o.Seeds == nil && o.N > 0 && i >= o.N {
		panic(fmt.Sprintf("heavytail: SeedOf(%d) of options with N %d and %d Seeds: samples are numbered from 0", i, o.N, len(o.Seeds)))
	}
	if o.Seeds != nil {
		return o.Seeds[i]
	}
	return o.Seed + uint64(i)
}
