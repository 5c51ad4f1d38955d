package cuda_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/cuda/cudatest"
	"heavytail/data"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// nets are one of each kind, as small as they can be with everything that they may
// have; the U-Net takes Winograd's form at its larger size.
var nets = map[string]nn.Config{
	"unet": {UNet: &nn.UNetConfig{InChannels: 1, OutChannels: 1, ModelChannels: 8, ChannelMult: []int{1, 2}, NumResBlocks: 1,
		AttentionDS: []int{2}, NumHeads: 2, Dropout: 0.1, NumClasses: 3, TimeScale: 1000, ImageSize: 8, Magnitude: true}},
	"ddpmpp": {Song: &nn.SongConfig{ImageSize: 8, InChannels: 3, OutChannels: 3, ModelChannels: 8, ChannelMult: []int{1, 2}, EmbMult: 4, NumBlocks: 1,
		AttentionRes: []int{4}, NumHeads: 1, Embedding: "positional", NoiseMult: 1, Encoder: "standard", Filter: []int{1, 1}, SkipScale: math.Sqrt(0.5), TimeScale: 1}},
	"ncsnpp": {Song: &nn.SongConfig{ImageSize: 8, InChannels: 3, OutChannels: 3, ModelChannels: 8, ChannelMult: []int{1, 2}, EmbMult: 4, NumBlocks: 1,
		AttentionRes: []int{4}, NumHeads: 1, Embedding: "fourier", NoiseMult: 2, Encoder: "residual", Filter: []int{1, 3, 3, 1}, SkipScale: math.Sqrt(0.5), TimeScale: 1}},
	"points": {MLP: &nn.MLPConfig{Dim: 3, Units: 20, Blocks: 1, TimeEmb: 8, TimeScale: 1000, Magnitude: true, TailRadius: 4}},
}

// down returns the values of a tensor.
func down(t *tensor.Tensor) []float32 {
	x := make([]float32, t.Len())
	t.Device().Download(x, t)
	return x
}

// pass makes a network on a device and runs n samples forward and, with train,
// backward and through the optimiser; it returns all results.
func pass(t *testing.T, dev tensor.Device, cfg nn.Config, n int, training bool) map[string][]float32 {
	t.Helper()
	net, err := nn.New(dev, cfg)
	require.NoError(t, err)
	p := net.Params()
	p.Init(7)
	r := numtest.NewRand(9)
	p.CopyFrom(upload(dev, r.Fill(make([]float32, p.Flat.Len()), 0.3), p.Flat.Len())) // of Init some weights are 0
	shape := append([]int{n}, net.SampleShape()...)
	x := upload(dev, r.Fill(make([]float32, count(shape)), 3), shape...)
	dy := upload(dev, r.Fill(make([]float32, count(shape)), 1), shape...)
	times, labels, keys := make([]float32, n), make([]int, n), make([]uint64, n)
	for i := range n {
		times[i], labels[i], keys[i] = float32(0.1+0.2*float64(i)), i%max(net.Classes(), 1)-1, r.Uint64()
	}
	ws, err := net.NewWorkspace(n, 0, 0, training)
	require.NoError(t, err)
	ws.SetDropout(5, keys)
	out := map[string][]float32{"y": down(net.Forward(ws, x, times, labels))}
	if !training {
		return out
	}
	p.ZeroGrad()
	net.Backward(ws, dy)
	out["gradient"] = down(p.Grad)
	opt, ema := nn.NewAdamW(p), nn.NewEMA(p, 0.9)
	norm, err := opt.Update(1e-3, 1)
	require.NoError(t, err)
	ema.Update(0)
	out["norm"], out["weights"], out["average"] = []float32{float32(norm)}, down(p.Flat), down(ema.Shadow)
	out["y after"] = down(net.Forward(ws, x, times, labels)) // the weights in other orders are made again
	return out
}

func upload(dev tensor.Device, x []float32, shape ...int) *tensor.Tensor {
	t := dev.New(shape...)
	dev.Upload(t, x)
	return t
}

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// A network forward, backward and through a step of the optimiser has the bytes of
// the CPU.
func TestNetworks(t *testing.T) {
	t.Parallel()
	for name, cfg := range nets {
		t.Run(name, func(t *testing.T) {
			want := pass(t, kernels.New(1), cfg, 2, true)
			got := pass(t, cudatest.Open(t, cudatest.Config{Seed: 3}), cfg, 2, true)
			for what, x := range want {
				numtest.SameBits(t, x, got[what], what)
			}
		})
	}
}

// drawn are samples of five steps with a network of random weights.
func drawn(t *testing.T, dev tensor.Device, r recipe.Recipe, batch int, more ...tensor.Device) []float32 {
	t.Helper()
	var nets []*nn.Net
	for _, d := range append([]tensor.Device{dev}, more...) {
		net, err := nn.New(d, r.Network)
		require.NoError(t, err)
		p := net.Params()
		p.CopyFrom(upload(d, numtest.NewRand(9).Fill(make([]float32, p.Flat.Len()), 0.1), p.Flat.Len()))
		nets = append(nets, net)
	}
	m, err := heavytail.New(nets[0], r, nets[1:]...)
	require.NoError(t, err)
	var out []float32
	o := heavytail.Options{Seeds: []uint64{4, 5, 9}, Steps: 5, Batch: batch}
	for i := range m.Classes() {
		o.Classes = append(o.Classes, i)
	}
	require.NoError(t, m.Stream(context.Background(), o, func(_ int, x []float32) error {
		out = append(out, x...)
		return nil
	}))
	return out
}

// imageRecipe is a run of the U-Net on noise.
func imageRecipe(t *testing.T) (recipe.Recipe, *data.Set) {
	t.Helper()
	set := data.Random(20, []int{4, 4, 1}, 3)
	r, err := recipe.Preset("fashion")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: "test", Samples: set.Len(), Shape: set.Shape, Classes: 3, Flip: true}
	r.Train.Rate = nn.Schedule{Kind: nn.Constant, LR: 1e-3}
	require.NoError(t, r.Fit())
	r.Network = nets["unet"].Clone()
	r.Network.UNet.ImageSize = 4
	r.Train.Steps, r.Train.Batch, r.Train.Micro, r.Train.EMA = 2, 3, 2, []float64{0.9}
	require.NoError(t, r.Validate())
	return r, set
}

// Five steps of sampling have the bytes of the CPU, in any batches and orders.
func TestSampling(t *testing.T) {
	t.Parallel()
	r, _ := imageRecipe(t)
	want := drawn(t, kernels.New(1), r, 3)
	for i, batch := range []int{3, 1, 2} {
		numtest.SameBits(t, want, drawn(t, cudatest.Open(t, cudatest.Config{Seed: int64(i)}), r, batch), "batches")
	}
	one, two := cudatest.Open(t, cudatest.Config{Seed: 4}), cudatest.Open(t, cudatest.Config{Seed: 5})
	numtest.SameBits(t, want, drawn(t, one, r, 3, two), "two GPUs")
	require.NotZero(t, two.Launches())
}

// Steps of training have the bytes of the CPU, whole checkpoints included, and a run
// goes over from one to the other in the middle, either way.
func TestTraining(t *testing.T) {
	t.Parallel()
	r, set := imageRecipe(t)
	dir := t.TempDir()
	// one step from a checkpoint, or from the start; the checkpoint after it
	step := func(dev tensor.Device, from, to string) []byte {
		tr, err := train.New(dev, set, r)
		require.NoError(t, err)
		if from != "" {
			require.NoError(t, tr.Restore(filepath.Join(dir, from)))
		}
		_, err = tr.Step()
		require.NoError(t, err)
		require.NoError(t, tr.Save(filepath.Join(dir, to)))
		file, err := os.ReadFile(filepath.Join(dir, to))
		require.NoError(t, err)
		return file
	}
	cpu, gpu := kernels.New(1), cudatest.Open(t, cudatest.Config{Seed: 1})
	first, last := step(cpu, "", "cpu1"), step(cpu, "cpu1", "cpu2")
	require.True(t, bytes.Equal(first, step(gpu, "", "gpu1")), "a step on the GPU")
	require.True(t, bytes.Equal(last, step(gpu, "cpu1", "gpu2")), "the second on the GPU")
	require.True(t, bytes.Equal(last, step(cpu, "gpu1", "cpu2")), "the second on the CPU")
}
