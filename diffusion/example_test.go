package diffusion_test

import (
	"context"
	"fmt"
	"math"

	"heavytail/diffusion"
)

// exact returns the best denoiser for data that are −1 or +1 with equal
// probability under Gaussian noise: x̂_0 = tanh(γ̄·x/(2σ̄²)).
func exact(p diffusion.DLPM) diffusion.Denoiser {
	s, err := p.Schedule(0)
	if err != nil {
		panic(err)
	}
	return func(_ context.Context, eps, x, times []float32) error {
		d := len(x) / len(times)
		for i, v := range x {
			t := int(math.Round(float64(times[i/d]) * float64(s.T())))
			g, sg := s.GammaBar[t], s.SigmaBar[t]
			x0 := math.Tanh(g * float64(v) / (2 * sg * sg))
			eps[i] = float32((float64(v) - g*x0) / sg)
		}
		return nil
	}
}

// A sampler needs a process and any function that estimates the noise.
func Example() {
	s := diffusion.DDPM(100)
	x, err := s.Sample(context.Background(), exact(s.Process), []uint64{0, 1, 2, 3, 4, 5, 6, 7}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", x)
	// Output:
	// [1.00 -1.00 -1.00 -1.00 1.00 1.00 -1.00 -1.00]
}

// Every sample depends on its own seed only: seed 5 alone is row 5 of the batch.
func ExampleDLPMSampler_Sample() {
	p := diffusion.Default(1.7, 50)
	s := diffusion.DLPMSampler{Process: p, Steps: 9, Clip: true}
	all, _ := s.Sample(context.Background(), halve, []uint64{3, 4, 5}, 2)
	one, _ := s.Sample(context.Background(), halve, []uint64{5}, 2)
	fmt.Println(all[4] == one[0], all[5] == one[1])
	// Output: true true
}

// halve stands for a network.
func halve(_ context.Context, eps, x, _ []float32) error {
	for i, v := range x {
		eps[i] = v / 2
	}
	return nil
}

// A trajectory shows the state between the steps.
func ExampleDLIM_Trajectory() {
	s := diffusion.DDIM(40, 0)
	x := make([]float32, 3)
	for t, err := range s.Trajectory(context.Background(), exact(s.Process), x, []uint64{10, 11, 12}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if t%13 == 0 {
			fmt.Printf("x_%d = %.2f\n", t, x)
		}
	}
	// Output:
	// x_39 = [-0.69 -1.27 1.25]
	// x_26 = [-0.64 -1.18 1.16]
	// x_13 = [-0.65 -1.09 1.07]
	// x_0 = [-1.00 -1.00 1.00]
}

// A training step: noise a batch, run the network, reduce the row losses. Here
// the "network" is always right in the first row and off by one in the second.
func ExampleLoss_Reduce() {
	loss := diffusion.Loss{Kind: diffusion.Root}
	noiser, err := diffusion.NewNoiser(diffusion.Default(1.8, 100), loss, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x0 := []float32{0.1, 0.2, 0.3, 0.4} // two samples of two values
	x, target := make([]float32, 4), make([]float32, 4)
	times := make([]float32, 2)
	noiser.Noise(x, target, times, x0, 0)

	means := []float64{0, 1} // what Device.Loss returns for them
	weights := make([]float64, 2)
	fmt.Println(loss.Reduce(weights, means, 2), weights)
	// Output: 0.5 [0 0.25]
}

// Impossible values are named with what to use instead.
func ExampleDLPM_Validate() {
	p := diffusion.Default(2.5, 100)
	fmt.Println(p.Validate())
	// Output: diffusion: process: alpha is 2.5: use a value above 1 and at most 2 (2 is Gaussian)
}
