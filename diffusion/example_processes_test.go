package diffusion_test

import (
	"context"
	"fmt"
	"math"

	"heavytail/diffusion"
)

// sign is the exact D(x; σ) for data −1 or +1 under Gaussian noise.
func sign(_ context.Context, data, x, sigma []float64) error {
	d := len(x) / len(sigma)
	for j, v := range x {
		s := sigma[j/d]
		data[j] = math.Tanh(v / (s * s))
	}
	return nil
}

// EDM with Heun's method. In practice the denoiser comes from a network:
// process.Precondition(net).
func ExampleEDMSampler() {
	s := diffusion.EDMSampler{Process: diffusion.EDM{}, Steps: 18}
	x, err := s.Sample(context.Background(), sign, []uint64{0, 1, 2, 3}, 1)
	fmt.Printf("%.3f %v\n", x, err)
	// Output: [-1.000 1.000 1.000 -1.000] <nil>
}

// t-EDM's levels and coefficients: finite ν widens the noise by ν/(ν−2).
func ExampleEDM_Preconditioning() {
	for _, nu := range []float64{3, 5, math.Inf(1)} {
		k := diffusion.TEDM(nu).Preconditioning(0, 1)
		fmt.Printf("nu %v: %.3f·x + %.3f·F(%.3f·x)\n", nu, k.Skip, k.Out, k.In)
	}
	// Output:
	// nu 3: 0.250·x + 0.866·F(0.500·x)
	// nu 5: 0.375·x + 0.791·F(0.612·x)
	// nu +Inf: 0.500·x + 0.707·F(0.707·x)
}

// The ancestral sampler of t-EDM with noise of ν = 4, on data at the origin.
func ExampleTEDMAncestral() {
	origin := func(_ context.Context, data, _, _ []float64) error {
		clear(data)
		return nil
	}
	s := diffusion.TEDMAncestral{Process: diffusion.TEDM(4), Steps: 5, Eta: 1}
	x := make([]float64, 2)
	for left, err := range s.Trajectory(context.Background(), origin, x, []uint64{1}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d left: %.3f\n", left, x)
	}
	// Output:
	// 5 left: [59.045 -59.423]
	// 4 left: [5.942 -1.932]
	// 3 left: [-2.470 0.046]
	// 2 left: [-0.019 0.050]
	// 1 left: [0.000 0.001]
	// 0 left: [0.000 0.000]
}

// The state-dependent SDE with another ν for its coefficient than for training.
func ExampleTEDMSDE() {
	s := diffusion.TEDMSDE{Process: diffusion.TEDM(3), Steps: 128, Beta: 1, NuCoeff: diffusion.Nu{2.5}}
	x, err := s.Sample(context.Background(), sign, []uint64{0, 1, 2, 3}, 1)
	fmt.Printf("%.3f %v\n", x, err)
	// Output: [-1.000 -1.000 1.000 -1.000] <nil>
}

// Noise of jumps, taken away by the reverse SDE.
func ExampleJumpSampler() {
	p := diffusion.EDM{Jump: diffusion.Jump{Rate: 2}}
	s := diffusion.JumpSampler{Process: p, Steps: 32}
	x, err := s.Sample(context.Background(), sign, []uint64{0, 1, 2, 3}, 1)
	fmt.Printf("%.3f %v\n", x, err)
	// Output: [-1.000 -1.000 1.000 -1.000] <nil>
}

// DPM-Solver++ needs few evaluations, here 8.
func ExampleDPMSolver() {
	s := diffusion.DPMSolver{Process: diffusion.EDM{}, Steps: 8}
	x, err := s.Sample(context.Background(), sign, []uint64{0, 1, 2, 3}, 1)
	fmt.Printf("%.3f %v\n", x, err)
	// Output: [-1.000 1.000 1.000 -1.000] <nil>
}

// A denoiser of EDM drives a flow's sampler, here with Heun's method. A flow's own network would come
// in through flow.Velocity(net).
func ExampleFlowSampler() {
	flow := diffusion.Flow{Target: diffusion.TargetVelocity}
	s := diffusion.FlowSampler{Process: flow, Steps: 25, Rho: 7}
	x, err := s.Sample(context.Background(), flow.FromData(sign), []uint64{0, 1, 2, 3}, 1)
	fmt.Printf("%.1f %v\n", x, err)
	// Output: [-1.0 1.0 1.0 -1.0] <nil>
}

// LIM's ODE with the network that predicts −ε/α.
func ExampleLIMSampler() {
	p := diffusion.LIM{Alpha: 1.7, Isotropic: true}
	s := diffusion.LIMSampler{Process: p, Steps: 50, ODE: true, Clamps: diffusion.LIMClamps{Skewed: 20}}
	score := func(_ context.Context, out, x, times []float32) error { // data at 0: ε̂ = x/σ(t)
		for j, v := range x {
			out[j] = -v / float32(p.Alpha*p.Sigma(float64(times[j])))
		}
		return nil
	}
	x, err := s.Sample(context.Background(), p.FromScore(score), []uint64{0, 1, 2}, 1)
	fmt.Printf("%.2f %v\n", x, err)
	// Output: [-0.01 0.01 0.00] <nil>
}

// A training example of t-EDM: the network's input, its time and its target.
func ExampleEDMNoiser() {
	n, err := diffusion.NewEDMNoiser(diffusion.TEDM(5), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x0 := []float32{0.5, -0.5}
	x, target, times := make([]float32, 2), make([]float32, 2), make([]float32, 1)
	n.Noise(x, target, times, x0, 0)
	p := diffusion.TEDM(5)
	k := p.Preconditioning(0, n.Sigma(0))
	for j := range x {
		fmt.Printf("%.3f\n", k.Skip/k.In*float64(x[j])+k.Out*float64(target[j]))
	}
	// Output:
	// 0.500
	// -0.500
}
