package experiment

import (
	"context"
	"fmt"
	"math"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// A planar is a method as the tables of points in the plane have it: how its
// network is trained and how points are drawn from it.
type planar struct {
	name   string
	alphas []float64
	// change turns the published recipe for α into the method's.
	change func(r *recipe.Recipe)
	// scale multiplies the data, and divides the points that are drawn.
	scale float64
	// publishedStart is LIMSampler's.
	publishedStart bool
	// every is n where only runs 0, n, 2n, … are measured, to save time; 0: all.
	every int
	// most is n where only the first n runs are measured; 0: all.
	most int
	// longer multiplies the steps of training; 0: 1.
	longer int
}

// runs reports whether the method is measured in that run.
func (m planar) runs(run int) bool {
	return (m.every == 0 || run%m.every == 0) && (m.most == 0 || run < m.most)
}

// allAlphas are those of the published tables.
var allAlphas = []float64{1.5, 1.6, 1.7, 1.8, 1.9, 2}

// alphaName is a setting's name in the tables.
func alphaName(alpha float64) string { return fmt.Sprintf("%.1f", alpha) }

func alphaNames() []string {
	var out []string
	for _, a := range allAlphas {
		out = append(out, alphaName(a))
	}
	return out
}

// The methods of the published tables, all with the published 2-D network and
// settings. DLPM keeps the root of the squared error at α = 2, and the noise of
// variance 2: that is the authors' code.
//
// DDPM is Gaussian noise of variance 1 and the squared error. It is made of
// DLPM at α = 2 by scaling the data with √2: x_t, ε and samples are then √2
// times those of DDPM.
//
// LIM has the published start, which at α = 2 has twice the variance that
// training has; LIM mended has the right one.
var (
	dlpmRow  = planar{name: "DLPM", alphas: allAlphas, scale: 1, change: func(*recipe.Recipe) {}}
	dlpm5Row = planar{name: "DLPM5", alphas: allAlphas[:5], scale: 1, every: 3, change: func(r *recipe.Recipe) {
		r.Train.Loss.Median, r.Train.Loss.Outer = true, 5
	}}
	limRow       = planar{name: "LIM", alphas: allAlphas, scale: 1, publishedStart: true, change: useLIM}
	limMendedRow = planar{name: "LIM mended", alphas: allAlphas[5:], scale: 1, change: useLIM}
	ddpmRow      = planar{name: "DDPM", alphas: allAlphas[5:], scale: math.Sqrt2, change: func(r *recipe.Recipe) {
		r.Train.Loss = diffusion.Loss{Kind: diffusion.Squared}
	}}
)

func useLIM(r *recipe.Recipe) {
	if err := r.Use(recipe.LIM); err != nil {
		panic("experiment: " + err.Error()) // the kind is recipe's own
	}
}

// limBoundRow is LIM as its authors' repository had it until the middle of November
// 2024: no draw of the skewed variable beyond 20, in training, start and steps.
var limBoundRow = planar{name: "LIM bound 20", alphas: allAlphas[:5], scale: 1, publishedStart: true, most: 10, change: func(r *recipe.Recipe) {
	useLIM(r)
	r.LIM.Clamps.Skewed = 20
}}

const repairedName = " repaired"

// repaired returns the method with the network whose output grows with x, every
// second run.
func (m planar) repaired() planar {
	change := m.change
	m.name += repairedName
	m.every = 2
	m.change = func(r *recipe.Recipe) {
		r.Network = r.Network.Fixed()
		change(r)
	}
	return m
}

const longName = " long"

// long returns the method trained for ten times as many steps, in the first ten runs.
func (m planar) long() planar {
	m.name += longName
	m.longer, m.most = 10, 10
	return m
}

// A planarSize says how long a planar method is trained and how it draws.
type planarSize struct {
	train, sample int // steps
	points        int // that are drawn
}

// publishedSize is that of the published settings.
var publishedSize = planarSize{train: 640, sample: 100, points: 15000}

// recipe returns the method's settings.
func (m planar) recipe(alpha float64, size planarSize, seed uint64) (recipe.Recipe, error) {
	r, err := recipe.Preset("2d")
	if err != nil {
		return r, err
	}
	r.Process.Alpha = alpha
	r.Train.Steps, r.Train.Seed = size.train*max(m.longer, 1), seed
	m.change(&r)
	return r, nil
}

// run trains the method on the points x and draws from it. A training or a
// start that ends in numbers that are not finite gives points that are NaN.
func (m planar) run(ctx context.Context, dev tensor.Device, x []float32, alpha float64, size planarSize, seed uint64) ([]float32, error) {
	r, err := m.recipe(alpha, size, seed)
	if err != nil {
		return nil, err
	}
	scaled := make([]float32, len(x))
	for i, v := range x {
		scaled[i] = float32(float64(v) * m.scale)
	}
	net, err := fitPoints(ctx, dev, scaled, &r)
	if err != nil {
		return nil, err
	}
	out, err := m.draw(ctx, net, r, size, mix(seed))
	for i, v := range out {
		out[i] = float32(float64(v) / m.scale)
	}
	return out, err
}

// draw draws the method's points from a trained network.
func (m planar) draw(ctx context.Context, net *nn.Net, r recipe.Recipe, size planarSize, seed uint64) ([]float32, error) {
	den, err := denoiser(net)
	if err != nil {
		return nil, err
	}
	draw := func(ctx context.Context, seeds []uint64) ([]float32, error) {
		return diffusion.DLPMSampler{Process: r.Process, Steps: size.sample - 1}.Sample(ctx, den, seeds, 2)
	}
	if r.LIM != nil {
		s := diffusion.LIMSampler{Process: *r.LIM, Steps: size.sample, PublishedStart: m.publishedStart, Clamps: r.LIM.Clamps}
		eps := r.LIM.FromScore(den)
		draw = func(ctx context.Context, seeds []uint64) ([]float32, error) { return s.Sample(ctx, eps, seeds, 2) }
	}
	out := make([]float32, 0, 2*size.points)
	for len(out) < 2*size.points {
		seeds := make([]uint64, min(pointBatch, size.points-len(out)/2))
		for i := range seeds {
			seeds[i] = mix(seed ^ uint64(len(out)/2+i))
		}
		x, err := sampleAll(ctx, draw, seeds, 2)
		if err != nil {
			return nil, err
		}
		out = append(out, x...)
	}
	return out, nil
}

// fitPoints trains r's network on the points x of the plane, and completes r.
func fitPoints(ctx context.Context, dev tensor.Device, x []float32, r *recipe.Recipe) (*nn.Net, error) {
	set, err := data.FromPoints(x, 2)
	if err != nil {
		return nil, err
	}
	r.Data = recipe.Data{Spec: set.Name, Samples: set.Len(), Shape: set.Shape}
	t, err := train.New(dev, set, *r)
	if err != nil {
		return nil, err
	}
	for t.Done() < r.Train.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := t.Step(); err != nil {
			return nil, err
		}
	}
	if len(t.EMA) > 0 {
		t.Net.Params().CopyFrom(t.EMA[0].Shadow)
	}
	return t.Net, nil
}
