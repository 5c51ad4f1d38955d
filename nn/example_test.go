package nn_test

import (
	"fmt"

	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
)

// Train a small network to return its input, and save nothing.
func Example() {
	dev := kernels.New(0)
	net, err := nn.New(dev, nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 16, Blocks: 1, TimeEmb: 8}})
	if err != nil {
		panic(err)
	}
	net.Params().Init(1)
	const n = 8
	ws, err := net.NewWorkspace(n, 0, 0, true)
	if err != nil {
		panic(err)
	}
	x, dy := dev.New(n, 2), dev.New(n, 2)
	t, loss, weight := make([]float32, n), make([]float64, n), make([]float64, n)
	points := make([]float32, 2*n)
	for i := range n {
		points[2*i], points[2*i+1] = float32(i)/n, 1-float32(i)/n
		t[i], weight[i] = 0.5, 1./n
	}
	dev.Upload(x, points)
	opt := nn.NewAdamW(net.Params())
	rate := nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Total: 200}
	for step := range 200 {
		net.Params().ZeroGrad()
		y := net.Forward(ws, x, t, nil)
		dev.Loss(loss, y, x, tensor.Squared, 0)
		dev.LossBackward(dy, y, x, tensor.Squared, 0, weight)
		net.Backward(ws, dy)
		if _, err := opt.Update(rate.At(step), 1); err != nil {
			panic(err)
		}
	}
	fmt.Println(net.Params().Count(), "parameters; learnt:", loss[3] < 1e-3)
	// Output: 1706 parameters; learnt: true
}
