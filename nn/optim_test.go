package nn

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/tensor"
)

func v64(x float32) float64 { return float64(x) }

func openFile(t *testing.T, name string) *Checkpoint {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	c, err := openBytes(raw)
	require.NoError(t, err)
	return c
}

// TestTrainsAsPyTorch repeats ten steps of PyTorch: gradients, clipping,
// AdamW and the moving average, from and to its own checkpoint files.
func TestTrainsAsPyTorch(t *testing.T) {
	var want struct{ X, T, Y, Loss, Norm []float32 }
	raw, err := os.ReadFile("testdata/mlp_small.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &want))
	dev := kernels.New(2)
	net, err := openFile(t, "mlp_start.pt").Net(dev, "")
	require.NoError(t, err)
	require.Equal(t, Config{MLP: &MLPConfig{Dim: 2, Units: 6, Blocks: 1, TimeEmb: 4}}, net.Config())
	p := net.Params()
	opt, ema := NewAdamW(p), NewEMA(p, 0.9)
	ws := workspace(t, net, 3, true)
	x, dy := upload(dev, want.X, 3, 2), dev.New(3, 2)
	for i := range want.Loss {
		p.ZeroGrad()
		y := net.Forward(ws, x, want.T, nil)
		per, w := make([]float64, 3), []float64{1. / 3, 1. / 3, 1. / 3}
		dev.Loss(per, y, x, tensor.Squared, 0)
		near(t, float64(want.Loss[i]), (per[0]+per[1]+per[2])/3, 1e-5, "loss")
		dev.LossBackward(dy, y, x, tensor.Squared, 0, w)
		net.Backward(ws, dy)
		norm, err := opt.Update(5e-3, 0.5)
		require.NoError(t, err)
		near(t, float64(want.Norm[i]), norm, 2e-5*float64(want.Norm[i]), "gradient norm")
		ema.Update(i)
	}
	c := openFile(t, "mlp_small.pt")
	require.Equal(t, 10, c.Step)
	for which, flat := range map[string]*tensor.Tensor{"raw": p.Flat, "0": ema.Shadow} {
		theirs, err := c.Net(dev, which)
		require.NoError(t, err)
		for _, q := range p.List {
			got := p.Get(flat, q)
			for i, v := range p.Get(theirs.Params().Flat, theirs.Params().Find(q.Name)) {
				near(t, float64(v), float64(got[i]), 2e-5, which+" "+q.Name)
			}
		}
	}
	require.True(t, c.Training)
	s, err := c.LoadState(dev)
	require.NoError(t, err)
	require.Equal(t, 10, s.Opt.Step)
	for i, v := range opt.M.Data() {
		near(t, v64(s.Opt.M.Data()[i]), v64(v), 1e-5, "first moment")
		near(t, v64(s.Opt.V.Data()[i]), v64(opt.V.Data()[i]), 1e-6, "second moment")
	}
	out := make([]float32, 6)
	net.Predict(workspace(t, net, 3, false), out, want.X, want.T, nil)
	for i, v := range want.Y {
		near(t, float64(v), float64(out[i]), 1e-4, "y")
	}
}

// TestUpdateRefusesNaN: a gradient that is not finite changes nothing.
func TestUpdateRefusesNaN(t *testing.T) {
	net := build(t, kernels.New(1), smallNets()["mlp"])
	p := net.Params()
	p.EnableGrad()
	opt := NewAdamW(p)
	before := append([]float32(nil), p.Flat.Data()...)
	p.Grad.Data()[5] = float32(math.NaN())
	_, err := opt.Update(1e-3, 1)
	require.ErrorContains(t, err, "step 1: the gradient is not finite")
	require.Equal(t, before, p.Flat.Data())
	require.Zero(t, opt.Step)
}

// TestEMAWarmup: the average is the weighted sum that the rates define, worked
// out in float64 by the shares of all past weights, not by the recurrence: with
// c = 10 and until μ is reached the weights after update k have the share
// (1−r_k)·r_{k+1}···r_{n−1}, and the start has r_0···r_{n−1}, which is
// 9!·n!/(n+9)!. Each of the n updates rounds once, so the error is at most
// n·2⁻²⁴ of the largest weight.
func TestEMAWarmup(t *testing.T) {
	for name, c := range map[string]struct {
		warmup float64
		rate   func(n int) float64
		start  float64 // share of the start after 40 updates
	}{
		"constant": {0, func(int) float64 { return 0.9 }, math.Pow(0.9, 40)},
		"c = 10, below μ for all 40": {10, func(n int) float64 { return min(0.9, float64(n+1)/float64(n+10)) },
			math.Gamma(10) * math.Gamma(41) / math.Gamma(50)},
		"c = 3, μ from n = 17 on": {3, func(n int) float64 { return min(0.9, float64(n+1)/float64(n+3)) },
			2 / (18.0 * 19) * math.Pow(0.9, 23)},
	} {
		p := build(t, kernels.New(1), smallNets()["mlp"]).Params()
		w := p.Flat.Data()
		clear(w)
		w[0] = 1 // the share of the start
		e := NewEMA(p, 0.9)
		e.Warmup = c.warmup
		w[0] = 0
		want := make([]float64, 3)
		for n := range 40 {
			r := c.rate(n)
			for i := range want {
				w[i+1] = float32(math.Cos(float64(i + 3*n)))
				want[i] = r*want[i] + (1-r)*v64(w[i+1])
			}
			e.Update(n)
		}
		got := e.Shadow.Data()
		near(t, c.start, v64(got[0]), 40*0x1p-24*c.start, name+": share of the start")
		for i := range want {
			near(t, want[i], v64(got[i+1]), 40*0x1p-24, name)
		}
	}
}

func TestSchedule(t *testing.T) {
	at := func(s Schedule, n int, want float64) {
		t.Helper()
		require.NoError(t, s.Validate())
		near(t, want, s.At(n), 1e-12, "rate")
	}
	at(Schedule{LR: 0.1}, 1000, 0.1)
	step := Schedule{Kind: StepLR, LR: 0.1, Every: 400, Gamma: 0.99}
	at(step, 399, 0.1)
	at(step, 400, 0.099)
	at(step, 800, 0.1*0.99*0.99)
	lin := Schedule{Kind: Linear, LR: 0.1, Warmup: 4, Total: 24}
	at(lin, 0, 0.02)
	at(lin, 3, 0.08)
	at(lin, 4, 0.1)
	at(lin, 14, 0.05)
	at(lin, 24, 0)
	at(lin, 99, 0)
	cos := Schedule{Kind: Cosine, LR: 0.1, Total: 20}
	at(cos, 0, 0.1)
	at(cos, 5, 0.05*(1+math.Sqrt2/2))
	at(cos, 10, 0.05)
	at(cos, 20, 0)
	for _, s := range []Schedule{{}, {LR: 2}, {LR: 1, Warmup: -1}, {Kind: StepLR, LR: 1}, {Kind: Cosine, LR: 1}, {Kind: "x", LR: 1}} {
		require.Error(t, s.Validate())
	}
}
