package diffusion

import (
	"fmt"
	"math"
)

// An Edit gives a sampler an image to start from, to keep parts of, or both, or
// has it visit its steps more than once; nil is plain sampling. It must not change
// while the sampler runs.
type Edit struct {
	// Image holds the values of one sample, [d], for all samples, or one for
	// each, row-major [n][d]. It may be nil where neither Strength nor Known asks
	// for it. Where some elements are Known and the start is noise alone, the others are
	// not looked at, and may be NaN, as the missing cells of a table are.
	Image []float32
	// Strength says how much of the image is made anew: it gets noise for the last
	// ⌈Strength·N⌉ of the sampler's N steps, and these are made. Near 0 the samples
	// are nearly the image, near 1 they have little to do with it. 0 and 1 start
	// from noise alone.
	Strength float64
	// Known marks the elements of Image that samples keep, [d] or [n][d]; nil:
	// none. In every estimate of the data these elements are replaced by the
	// image's. The steps then lead them from noise to the image as they lead the
	// others to the sample, with the same random factors, and they end equal to the
	// image. (LIM's steps are not made of estimates of the data: it has
	// γ(t)·image + σ(t)·ε in the place of known elements after every step, where ε
	// is the noise of the start.)
	//
	// Until the last steps the other elements see the known ones under noise, and
	// so know less of them than they should: samples fit the image less well, the
	// more so the more the elements depend on each other. Between two normal
	// elements of correlation 0.9 the mean comes out as 0.69 of what it should be;
	// with Resample 3, 10 and 100 as 0.905, 0.977 and 0.998
	// (TestResamplingApproachesTheConditionalLaw).
	Known []bool
	// Resample is how often every step but the last is made [Lugmayr et al. 2022]:
	// after each time but the last, noise takes the state back to before the step.
	// What is not known fits the known elements better, at as many times the
	// evaluations. 0 means 1. For the samplers of DLPM's networks, EDMSampler and
	// TEDMAncestral.
	//
	// Without an image the visits are a sampler's own: a step of the ODE takes the
	// law of one level to that of the next, the step of the forward process takes
	// it back, and what a network got wrong at the first visit is partly forgotten
	// at the second.
	//
	// [Lugmayr et al. 2022]: https://arxiv.org/abs/2201.09865
	Resample int
}

// maxResample bounds Resample: its keys of random numbers follow those of the
// steps.
const maxResample = 1000

// validate reports the first impossible field, its value and the remedy.
// resamples tells whether the sampler has Resample.
func (e *Edit) validate(name string, resamples bool) error {
	switch {
	case e == nil:
		return nil
	case !(e.Strength >= 0 && e.Strength <= 1):
		return impossible(name, "Edit.Strength", e.Strength, "use a value above 0 (the image) up to 1 (noise)")
	case e.Resample < 0 || e.Resample > maxResample:
		return impossible(name, "Edit.Resample", e.Resample, "use 1 to %d", maxResample)
	case e.Resample > 1 && !resamples:
		return impossible(name, "Edit.Resample", e.Resample, "this sampler cannot go back; use 1, or DLPM, DLIM, DLIM2, EDM or t-EDM's ancestral sampler")
	}
	for at, v := range e.Image {
		if v-v != 0 && e.looks(at) {
			return &OptionError{Field: "Edit.Image", Value: v, Want: "finite values",
				Text: fmt.Sprintf("diffusion: %s: element %d of the image is %v: give a finite value%s", name, at, v, map[bool]string{true: ", or do not mark it as known"}[!e.fromImage() && e.keeps()])}
		}
	}
	return nil
}

// looks tells whether a sample depends on element at of the image, of whatever number of
// samples: not where it is unknown to all of them and the start is from noise alone.
func (e *Edit) looks(at int) bool {
	if e.fromImage() || !e.keeps() {
		return true
	}
	if len(e.Known) <= len(e.Image) {
		return e.isKnown(at)
	}
	for ; at < len(e.Known); at += len(e.Image) { // of one image for all samples
		if e.Known[at] {
			return true
		}
	}
	return false
}

// check panics unless the edit's arrays fit n samples of d values.
func (e *Edit) check(name string, n, d int) {
	if e == nil || n == 0 {
		return
	}
	if k := len(e.Image); k != d && k != n*d && (k != 0 || e.NeedsImage()) {
		panic(fmt.Sprintf("diffusion: %s: an image of %d values for %d samples of %d: want %d, or %d", name, len(e.Image), n, d, d, n*d))
	}
	if k := len(e.Known); k != 0 && k != d && k != n*d {
		panic(fmt.Sprintf("diffusion: %s: %d known elements for %d samples of %d: want %d, or %d", name, k, n, d, d, n*d))
	}
}

// first returns the step with which to begin, of N: 0 to N−1.
func (e *Edit) first(N int) int {
	if !e.fromImage() {
		return 0
	}
	return min(N-int(math.Ceil(e.Strength*float64(N))), N-1)
}

// Steps returns how many of a sampler's N steps are made.
func (e *Edit) Steps(N int) int { return N - e.first(N) }

// visits returns how many times a step is made by a sampler of N steps that can
// go back, and how many times it goes back.
func (e *Edit) visits(N int) (steps, back int) {
	back = (e.Steps(N) - 1) * (e.repeats() - 1)
	return e.Steps(N) + back, back
}

// fromImage tells whether the start has a part of the image.
func (e *Edit) fromImage() bool { return e != nil && e.Strength > 0 && e.Strength < 1 }

// NeedsImage tells whether the samples depend on the image.
func (e *Edit) NeedsImage() bool { return e.fromImage() || e.keeps() }

func (e *Edit) keeps() bool { return e != nil && len(e.Known) > 0 }

// repeats returns how often a step is made.
func (e *Edit) repeats() int {
	if e == nil {
		return 1
	}
	return max(e.Resample, 1)
}

// addImage adds gain times the image to the noise x: to all elements if the
// start is from the image, else to the known ones.
func addImage[T float32 | float64](e *Edit, x []T, gain float64) {
	if !e.fromImage() {
		e.known(len(x), func(j int, v float64) { x[j] += T(gain * v) })
		return
	}
	for j := range x {
		x[j] += T(gain * float64(e.Image[j%len(e.Image)]))
	}
}

func (e *Edit) isKnown(j int) bool { return e.keeps() && e.Known[j%len(e.Known)] }

// known calls f for every known element j of n values and its value.
func (e *Edit) known(n int, f func(j int, v float64)) {
	if !e.keeps() {
		return
	}
	for j := range n {
		if e.isKnown(j) {
			f(j, float64(e.Image[j%len(e.Image)]))
		}
	}
}

// keep sets the known elements of x to the image's.
func keep[T float32 | float64](e *Edit, x []T) {
	e.known(len(x), func(j int, v float64) { x[j] = T(v) })
}

// data returns den with its estimate of the known elements made right.
func (e *Edit) data(den DataDenoiser) DataDenoiser {
	if den == nil || !e.keeps() {
		return den
	}
	return den.Through(e.change)
}

// field returns v with its estimate of the known elements made right.
func (e *Edit) field(f Flow, v Velocity) Velocity {
	if v == nil || !e.keeps() {
		return v
	}
	return f.Through(v, e.change)
}
