// Command tiny is the whole method in one file, for a first reading: heavy-tailed
// data, a network, DLPM's training and sampling, and what came of the tails.
//
//	go run ./examples/tiny
//
// The data are points in the plane at the ends of a cross, with Student-t noise of
// tail index 1.5 around them: one in a hundred lies three times farther out than
// most, one in a thousand eighteen times. Compare with Gaussian noise: -alpha 2.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"slices"

	"heavytail/diffusion"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/stable"
)

const (
	dim   = 2
	batch = 256
	steps = 3000  // of training
	count = 20000 // samples at the end
)

func main() {
	alpha := flag.Float64("alpha", 1.5, "tail index of the noise, above 1, at most 2 (Gaussian)")
	flag.Parse()
	ctx := context.Background()

	// The process: noise of index α over 100 levels, one heavy factor A for both
	// coordinates of a point.
	process := diffusion.Default(*alpha, 100)
	process.Isotropic = true
	net := train(process)

	// Sampling: DLIM takes the estimate of the noise away in 25 steps, from a start
	// that is a function of the seed.
	sampler := diffusion.DLIM{Process: process, Steps: 25}
	seeds := make([]uint64, count)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	samples, err := sampler.Sample(ctx, denoiser(net), seeds, dim)
	check(err)

	real := make([]float32, count*dim)
	for i := range count {
		point(real[i*dim:][:dim], 1<<40+uint64(i)) // others than it was trained on
	}
	fmt.Println("share of points   distance from the origin")
	fmt.Println("                   data    samples")
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
		fmt.Printf("%15.1f%%  %6.2f     %6.2f\n", 100*q, quantile(real, q), quantile(samples, q))
	}
}

// point writes point i of the data.
func point(x []float32, i uint64) {
	var noise [dim]float64
	s := stable.Key{Seed: 1, Sample: i}
	s.StudentT(noise[:], 1.5, 0)
	var word [1]uint32
	s.Uint32(word[:], 0)
	sin, cos := math.Sincos(float64(word[0]%4) * math.Pi / 2)
	x[0] = float32(2*cos + float64(0.2*noise[0])) // rounded in between, as on every processor
	x[1] = float32(2*sin + float64(0.2*noise[1]))
}

// train fits a network that estimates the noise in a point. Heavy noise has no mean
// square: the loss weighs each by what the point itself tells of its size.
func train(process diffusion.DLPM) *nn.Net {
	dev := kernels.New(0) // any other tensor.Device gives the same bits
	net, err := nn.New(dev, nn.Config{MLP: &nn.MLPConfig{Dim: dim, Units: 64, Blocks: 3, TimeEmb: 16, Magnitude: true, TailRadius: 4}})
	check(err)
	net.Params().Init(1)
	ws, err := net.NewWorkspace(batch, 0, 0, true)
	check(err)
	loss := diffusion.Loss{Kind: diffusion.Weighted}
	noiser, err := diffusion.NewNoiser(process, loss, 1)
	check(err)
	kind, p := loss.Elementwise()
	clean, noisy, noise, times := make([]float32, batch*dim), make([]float32, batch*dim), make([]float32, batch*dim), make([]float32, batch)
	means, weights, inputs, scales := make([]float64, batch), make([]float64, batch), make([]float64, batch), make([]float64, batch)
	x, target, grad := dev.New(batch, dim), dev.New(batch, dim), dev.New(batch, dim)
	opt, rate, average := nn.NewAdamW(net.Params()), nn.Schedule{Kind: nn.Cosine, LR: 2e-3, Total: steps}, nn.NewEMA(net.Params(), 0.995)
	for step := range steps {
		first := uint64(step * batch)
		for i := range batch {
			point(clean[i*dim:][:dim], first+uint64(i))
		}
		noiser.Noise(noisy, noise, times, clean, first) // x_t and the noise that is in it
		dev.Upload(x, noisy)
		dev.Upload(target, noise)
		net.Params().ZeroGrad()
		y := net.Forward(ws, x, times, nil)
		dev.Loss(means, y, target, kind, p)
		loss.InputWeights(inputs, noisy)
		net.Magnitudes(scales, noisy) // by which the network multiplies its output
		for i, w := range inputs {
			means[i] *= w
		}
		value := loss.Reduce(weights, means, batch)
		for i, w := range inputs {
			weights[i] *= w / scales[i]
		}
		dev.LossBackward(grad, y, target, kind, p, weights)
		net.Backward(ws, grad)
		_, err = opt.Update(rate.At(step), 1)
		check(err)
		average.Update(step)
		if step%500 == 0 {
			log.Printf("step %4d  loss %.4f", step, value)
		}
	}
	net.Params().CopyFrom(average.Shadow)
	return net
}

// denoiser asks the network for the noise in a batch of points.
func denoiser(net *nn.Net) diffusion.Denoiser {
	ws, err := net.NewWorkspace(count, 0, 0, false)
	check(err)
	return func(_ context.Context, eps, x, t []float32) error { return net.Predict(ws, eps, x, t, nil) }
}

// quantile returns the distance from the origin below which a share q of points lies.
func quantile(x []float32, q float64) float64 {
	r := make([]float64, len(x)/dim)
	for i := range r {
		r[i] = math.Hypot(float64(x[dim*i]), float64(x[dim*i+1]))
	}
	slices.Sort(r)
	return r[int(q*float64(len(r)-1))]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
