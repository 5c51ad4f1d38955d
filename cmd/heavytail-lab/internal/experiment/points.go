package experiment

import (
	"context"
	"math"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// pointTraining says how a network for points is trained: Adam without weight
// decay or averaging, as in the papers' small experiments.
type pointTraining struct {
	net          nn.Config
	steps, batch int
	rate         float64
	cosine       bool    // the rate falls to 0 at the end; otherwise it is constant
	clip         float64 // of the gradient's norm; 0: none
	loss         diffusion.Loss
	seed         uint64
}

// fit trains a network on points x of d coordinates with the process that use
// puts into the recipe, and returns it for one goroutine.
func (t pointTraining) fit(ctx context.Context, dev tensor.Device, use func(*recipe.Recipe), x []float32, d int) (diffusion.Denoiser, error) {
	net, _, err := t.network(ctx, dev, use, x, d)
	if err != nil {
		return nil, err
	}
	return denoiser(net)
}

// network trains as fit does, and returns the network with its recipe.
func (t pointTraining) network(ctx context.Context, dev tensor.Device, use func(*recipe.Recipe), x []float32, d int) (*nn.Net, recipe.Recipe, error) {
	r := recipe.Recipe{Format: recipe.Format, Network: t.net}
	set, err := data.FromPoints(x, d)
	if err != nil {
		return nil, r, err
	}
	r.Data = recipe.Data{Spec: set.Name, Samples: set.Len(), Shape: set.Shape}
	r.Train = recipe.Train{
		Seed: t.seed, Steps: t.steps, Batch: t.batch, Rate: nn.Schedule{LR: t.rate}, Loss: t.loss,
		Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Clip: t.clip,
	}
	if t.cosine {
		r.Train.Rate.Kind, r.Train.Rate.Total = nn.Cosine, t.steps
	}
	use(&r)
	trainer, err := train.New(dev, set, r)
	if err != nil {
		return nil, r, err
	}
	for range t.steps {
		if ctx.Err() != nil {
			return nil, r, ctx.Err()
		}
		if _, err := trainer.Step(); err != nil {
			return nil, r, err
		}
	}
	return trainer.Net, r, nil
}

// pointBatch is the number of points that are sampled together: what is
// between two layers then stays in the processor's second cache.
const pointBatch = 1024

// A pointSampler draws one point per seed.
type pointSampler func(ctx context.Context, seeds []uint64) ([]float32, error)

// dataSampler is a sampler of package diffusion that takes a DataDenoiser.
type dataSampler interface {
	Sample(ctx context.Context, den diffusion.DataDenoiser, seeds []uint64, d int) ([]float32, error)
}

// bind makes a pointSampler of a sampler and its denoiser.
func bind(s dataSampler, den diffusion.DataDenoiser, d int) pointSampler {
	return func(ctx context.Context, seeds []uint64) ([]float32, error) { return s.Sample(ctx, den, seeds, d) }
}

// sampleColumns draws n points and returns their coordinates as columns.
func sampleColumns(ctx context.Context, s pointSampler, n, d int, seed uint64) ([][]float64, error) {
	cols := make([][]float64, d)
	for c := range cols {
		cols[c] = make([]float64, n)
	}
	seeds := make([]uint64, pointBatch)
	for lo := 0; lo < n; lo += len(seeds) {
		seeds = seeds[:min(len(seeds), n-lo)]
		for i := range seeds {
			seeds[i] = mix(seed ^ uint64(lo+i))
		}
		x, err := sampleAll(ctx, s, seeds, d)
		if err != nil {
			return nil, err
		}
		for i, v := range x {
			cols[i%d][lo+i/d] = float64(v)
		}
	}
	return cols, nil
}

// sampleAll samples all seeds. A sampler gives up a batch in which one state
// overflows; that point then has infinite coordinates, which the metrics see,
// and the others are what they are: a sample depends on its seed alone.
func sampleAll(ctx context.Context, s pointSampler, seeds []uint64, d int) ([]float32, error) {
	x, err := s(ctx, seeds)
	if err == nil || ctx.Err() != nil {
		return x, err
	}
	if len(seeds) == 1 {
		x = make([]float32, d)
		for j := range x {
			x[j] = float32(math.Inf(1))
		}
		return x, nil
	}
	a, err := sampleAll(ctx, s, seeds[:len(seeds)/2], d)
	if err != nil {
		return nil, err
	}
	b, err := sampleAll(ctx, s, seeds[len(seeds)/2:], d)
	return append(a, b...), err
}

// standardise returns the columns' means and deviations, and scales the points
// to mean 0 and deviation 1 in place.
func standardise(x []float32, d int) (mean, std []float64) {
	n := float64(len(x) / d)
	mean, std = make([]float64, d), make([]float64, d)
	for i, v := range x {
		mean[i%d] += float64(v)
	}
	for c := range mean {
		mean[c] /= n
	}
	for i, v := range x {
		u := float64(v) - mean[i%d]
		std[i%d] += float64(u * u)
	}
	for c := range std {
		std[c] = math.Sqrt(std[c] / n)
	}
	for i, v := range x {
		x[i] = float32((float64(v) - mean[i%d]) / std[i%d])
	}
	return mean, std
}

// denoiser returns what a network says, for pointBatch points at a time, from one
// goroutine.
func denoiser(net *nn.Net) (diffusion.Denoiser, error) {
	ws, err := net.NewWorkspace(pointBatch, 0, 0, false)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, out, x, t []float32) error {
		ws.Watch(ctx)
		return net.Predict(ws, out, x, t, nil)
	}, nil
}
