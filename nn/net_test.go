package nn

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/kernels"
	"heavytail/tensor"
)

// small networks that together use every layer.
func smallNets() map[string]Config {
	return map[string]Config{
		"unet": {UNet: &UNetConfig{InChannels: 2, OutChannels: 2, ModelChannels: 8, ChannelMult: []int{1, 2}, NumResBlocks: 2,
			AttentionRes: []int{3}, NumHeads: 2, NumClasses: 3, TimeScale: 1000, ImageSize: 6, Dropout: 0.25, Magnitude: true, CondChannels: 2}},
		"ddpm++": {Song: smallSong(false)},
		"ncsn++": {Song: smallSong(true)},
		"unet2d": {UNet2D: smallUNet2D(func(c *UNet2DConfig) {
			c.ClassEmbedding = "timestep"
			c.NumClasses, c.Center, c.HeadDim, c.MidScale, c.Dropout, c.MidAttention = 3, true, 2, 1.25, 0.25, true
			c.Down, c.DownType, c.UpType = []string{"AttnDownBlock2D", "DownBlock2D"}, "resnet", "resnet"
			c.Up = []string{"AttnUpBlock2D", "UpBlock2D"}
		})},
		"unet2d fourier": {UNet2D: smallUNet2D(func(c *UNet2DConfig) {
			c.Embedding, c.CosFirst, c.DownPadding, c.TimeShift, c.MidAttention = "fourier", false, 0, "scale_shift", true
		})},
		"unet2d learned": {UNet2D: smallUNet2D(func(c *UNet2DConfig) {
			c.Embedding, c.Times, c.CosFirst, c.NumClasses, c.Mid = "learned", 5, false, 3, ""
		})},
		"mlp": {MLP: &MLPConfig{Dim: 2, Units: 16, Blocks: 1, TimeEmb: 8}},
		"mlp fixed": {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 1, TimeEmb: 8, TimeScale: 1000, Magnitude: true,
			TailRadius: 1}},
		"mlp given":    {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 1, TimeEmb: 8, Conditions: 2}},
		"mlp spread":   {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 1, TimeEmb: 8, Magnitude: true, TailRadius: 1, Spread: true}},
		"plain spread": {MLP: &MLPConfig{Dim: 2, Hidden: []int{16, 12}, Spread: true}},
		"mlp plain":    {MLP: &MLPConfig{Dim: 2, Hidden: []int{16, 12}}},
	}
}

// smallUNet2D returns a network of two levels with what change says.
func smallUNet2D(change func(c *UNet2DConfig)) *UNet2DConfig {
	c := &UNet2DConfig{ImageSize: 4, InChannels: 2, OutChannels: 2, Embedding: "positional", EmbDim: 8, CosFirst: true, Channels: []int{4, 6},
		Down: []string{"DownBlock2D", "AttnDownBlock2D"}, Up: []string{"UpBlock2D", "UpBlock2D"}, Mid: "UNetMidBlock2D", MidScale: 1, Layers: 1, DownPadding: 1,
		DownType: "conv", UpType: "conv", Groups: 2, Eps: 1e-5, TimeShift: "default"}
	change(c)
	return c
}

// smallSong returns a SongUNet of three levels with every option of one form.
func smallSong(ncsnpp bool) *SongConfig {
	c := songPreset(ncsnpp, 8, 2, 8, []int{1, 1, 2}, 1)
	c.AttentionRes, c.NumHeads, c.NumClasses, c.AugmentDim, c.CondChannels, c.Dropout = []int{4}, 2, 3, 2, 1, 0.25
	c.AdaptiveScale, c.Magnitude = ncsnpp, ncsnpp
	return c
}

// batch is a set of training samples for a network.
type batch struct {
	x, dy  []float32
	t      []float32
	labels []int
	keys   []uint64
	extra  Extra
	sizes  [2]int // values per sample in extra
}

func newBatch(net *Net, n int, seed uint64) batch {
	r := numtest.NewRand(seed)
	per := count(net.SampleShape())
	b := batch{x: r.Fill(make([]float32, n*per), 3), dy: r.Fill(make([]float32, n*net.Outputs(per)), 1), t: make([]float32, n)}
	for i := range n {
		b.t[i] = float32(0.5 + 0.5*r.Float64())
		b.keys = append(b.keys, r.Uint64())
		b.labels = append(b.labels, i%max(net.Classes(), 1)-1)
	}
	b.sizes[0] = net.CondChannels()*per/net.SampleShape()[len(net.SampleShape())-1] + net.Conditions()
	b.extra.Cond = r.Fill(make([]float32, n*b.sizes[0]), 1)
	if net.cfg.Song != nil {
		b.sizes[1] = net.cfg.Song.AugmentDim
		b.extra.Augment = r.Fill(make([]float32, n*b.sizes[1]), 1)
	}
	return b
}

func (b batch) part(lo, hi int) batch {
	per, out := len(b.x)/len(b.t), len(b.dy)/len(b.t)
	return batch{b.x[lo*per : hi*per], b.dy[lo*out : hi*out], b.t[lo:hi], b.labels[lo:hi], b.keys[lo:hi],
		b.extra.part(lo, hi, b.sizes[0], b.sizes[1]), b.sizes}
}

func upload(dev tensor.Device, x []float32, shape ...int) *tensor.Tensor {
	t := dev.New(shape...)
	dev.Upload(t, x)
	return t
}

// outputShape is SampleShape of what the network makes of a sample.
func outputShape(net *Net) []int {
	s := net.SampleShape()
	last := len(s) - 1
	s[last] = net.Outputs(s[last])
	return s
}

// pass runs one forward and, if train, one backward pass; it returns the output.
func pass(net *Net, ws *Workspace, b batch, train bool) []float32 {
	shape := append([]int{len(b.t)}, net.SampleShape()...)
	ws.SetDropout(5, b.keys)
	y := net.ForwardWith(ws, upload(net.Device(), b.x, shape...), b.t, b.labels, b.extra)
	out := make([]float32, y.Len())
	net.Device().Download(out, y)
	if train {
		net.Backward(ws, upload(net.Device(), b.dy, y.Shape()...))
	}
	return out
}

func workspace(t testing.TB, net *Net, n int, train bool) *Workspace {
	t.Helper()
	ws, err := net.NewWorkspace(n, 0, 0, train)
	require.NoError(t, err)
	return ws
}

func build(t testing.TB, dev tensor.Device, cfg Config) *Net {
	t.Helper()
	net, err := New(dev, cfg)
	require.NoError(t, err)
	fixture(net.Params())
	return net
}

// TestBits: output and gradients are the same bits at every level, for every
// number of threads and however the batch is split.
func TestBits(t *testing.T) {
	const n = 5
	cfgs := smallNets()
	tiny, err := Preset("tiny")
	require.NoError(t, err)
	cfgs["tiny"] = tiny
	for name, cfg := range cfgs {
		t.Run(name, func(t *testing.T) {
			var wantY, wantG []float32
			check := func(t *testing.T, threads int, splits ...int) {
				net := build(t, kernels.New(threads), cfg)
				b := newBatch(net, n, 3)
				ws := workspace(t, net, n, true)
				var y []float32
				for i := 1; i < len(splits); i++ {
					y = append(y, pass(net, ws, b.part(splits[i-1], splits[i]), true)...)
				}
				g := net.Params().Grad.Data()
				if wantY == nil {
					wantY, wantG = y, g
				}
				numtest.SameBits(t, wantY, y, fmt.Sprint("output, threads ", threads, " splits ", splits))
				numtest.SameBits(t, wantG, g, fmt.Sprint("gradients, threads ", threads, " splits ", splits))
			}
			numtest.EachLevel(t, func(t *testing.T) {
				check(t, 1, 0, n)
				check(t, 3, 0, 2, 5)
				if isa.Cur() == isa.Generic { // slow; the others run every case
					return
				}
				for _, threads := range []int{2, 3, 7} {
					check(t, threads, 0, n)
				}
				check(t, 2, 0, 1, 2, 3, 4, 5)
			})
		})
	}
}

// trainSteps trains a network for ten steps and returns weights, moments and
// averages.
func trainSteps(t *testing.T, dev tensor.Device, cfg Config) []float32 {
	net, err := New(dev, cfg)
	require.NoError(t, err)
	p := net.Params()
	p.Init(9)
	ws := workspace(t, net, 4, true)
	opt, ema := NewAdamW(p), NewEMA(p, 0.9)
	for i := range 10 {
		b := newBatch(net, 4, uint64(i))
		p.ZeroGrad()
		pass(net, ws, b.part(0, 3), true)
		pass(net, ws, b.part(3, 4), true)
		_, err := opt.Update(1e-3, 1)
		require.NoError(t, err)
		ema.Update(i)
	}
	out := append([]float32(nil), p.Flat.Data()...)
	return append(append(out, opt.V.Data()...), ema.Shadow.Data()...)
}

func TestTrainingBits(t *testing.T) {
	for name, cfg := range smallNets() {
		t.Run(name, func(t *testing.T) {
			var want []float32
			numtest.EachLevel(t, func(t *testing.T) {
				threads := []int{1, 2, 3, 7}
				if testing.Short() {
					threads = threads[2:3]
				}
				for _, threads := range threads {
					got := trainSteps(t, kernels.New(threads), cfg)
					if want == nil {
						want = got
					}
					numtest.SameBits(t, want, got, fmt.Sprint("after ten steps, threads ", threads))
				}
			})
		})
	}
}

// TestDifferences checks the gradient of every parameter of every small
// network, tiny U-Net included, along random directions in float64:
// ⟨∇f, v⟩ = (f(p+hv) − f(p−hv))/2h for f = ⟨dy, net(x)⟩.
func TestDifferences(t *testing.T) {
	cfgs := smallNets()
	tiny, err := Preset("tiny")
	require.NoError(t, err)
	tiny.UNet.ImageSize = 4 // the same layers in a quarter of the time
	switch {
	case !testing.Short():
		cfgs["tiny"] = tiny
	case runtime.GOARCH != "amd64": // float64 of the reference device: the processor does not matter
		delete(cfgs, "ncsn++")
		delete(cfgs, "ddpm++")
	}
	dev := ref64.New()
	for name, cfg := range cfgs {
		t.Run(name, func(t *testing.T) {
			net := build(t, dev, cfg)
			p := net.Params()
			b := newBatch(net, 2, 8)
			ws := workspace(t, net, 2, true)
			p.ZeroGrad()
			pass(net, ws, b, true)
			value := func() float64 {
				x := upload(dev, b.x, append([]int{2}, net.SampleShape()...)...)
				f := 0.0
				for i, v := range ref64.Values(net.ForwardWith(ws, x, b.t, b.labels, b.extra)) {
					f += v * float64(b.dy[i])
				}
				return f
			}
			r := numtest.NewRand(1)
			for _, q := range p.List {
				at, grad := ref64.Values(q.Tensor), ref64.Values(q.Grad)
				v := make([]float64, len(at))
				slope := 0.0
				for i := range v {
					v[i] = r.Float64()
					slope += v[i] * grad[i]
				}
				shift := func(h float64) float64 {
					moved := make([]float64, len(at))
					for i := range at {
						moved[i] = at[i] + h*v[i]
					}
					ref64.SetValues(q.Tensor, moved)
					return value()
				}
				const h = 1e-6
				want := (shift(h) - shift(-h)) / (2 * h)
				ref64.SetValues(q.Tensor, at)
				near(t, want, slope, 1e-6+1e-6*math.Abs(want), q.Name)
			}
		})
	}
}

// TestUnalteredByArenaReuse compares inference, whose activations share
// memory, with training, and a small batch in a large workspace with its own.
func TestUnalteredByArenaReuse(t *testing.T) {
	for name, cfg := range smallNets() {
		if cfg.UNet != nil {
			cfg.UNet.Dropout = 0
		}
		if cfg.Song != nil {
			cfg.Song.Dropout = 0
		}
		if cfg.UNet2D != nil {
			cfg.UNet2D.Dropout = 0
		}
		net := build(t, kernels.New(2), cfg)
		b := newBatch(net, 3, 2)
		want := pass(net, workspace(t, net, 3, true), b, true)
		big := workspace(t, net, 8, false)
		require.Less(t, workspace(t, net, 8, false).Bytes(), workspace(t, net, 8, true).Bytes())
		numtest.SameBits(t, want, pass(net, big, b, false), name)
		pass(net, big, newBatch(net, 8, 3), false)
		numtest.SameBits(t, want, pass(net, big, b, false), name+", used before")
		out := make([]float32, len(b.dy))
		net.PredictWith(workspace(t, net, 2, false), out, b.x, b.t, b.labels, b.extra)
		numtest.SameBits(t, want, out, name+", Predict in parts")
	}
}

func TestConcurrentForward(t *testing.T) {
	net := build(t, kernels.New(2), smallNets()["unet"])
	b := newBatch(net, 2, 2)
	want := pass(net, workspace(t, net, 2, false), b, false)
	net = net.Clone() // nothing packed yet
	var wg sync.WaitGroup
	for range 4 {
		ws := workspace(t, net, 2, false)
		wg.Go(func() {
			for range 3 {
				numtest.SameBits(t, want, pass(net, ws, b, false), "concurrent")
			}
		})
	}
	wg.Wait()
}

// TestStartIsZero: the last convolutions start at zero, so a fresh U-Net
// gives exactly zero for every input.
func TestStartIsZero(t *testing.T) {
	for _, name := range []string{"tiny", "fashion"} {
		net := preset(t, kernels.New(2), name)
		net.Params().Init(1)
		b := newBatch(net, 1, 4)
		for _, v := range pass(net, workspace(t, net, 1, false), b, false) {
			require.Zero(t, v)
		}
	}
}

func TestInit(t *testing.T) {
	net := preset(t, kernels.New(1), "fashion")
	p := net.Params()
	p.Init(1)
	for _, q := range p.List {
		x := p.Get(p.Flat, q)
		mean, sq := 0.0, 0.0
		for _, v := range x {
			mean += float64(v) / float64(len(x))
			sq += float64(v) * float64(v) / float64(len(x))
		}
		want := map[initial]float64{zeros: 0, ones: 1, uniform: 1 / (3 * float64(q.fan)), normal: 1}[q.start]
		if q.start == zeros || q.start == ones || len(x) >= 1000 {
			near(t, want, sq, 0.15*want, "mean square of "+q.Name)
		}
		if q.start == normal {
			near(t, 0, mean, 0.1, "mean of "+q.Name)
		}
	}
	first := append([]float32(nil), p.Flat.Data()...)
	p.Init(2)
	require.NotEqual(t, first, p.Flat.Data())
	p.Init(1)
	numtest.SameBits(t, first, p.Flat.Data(), "same seed")
}

func TestNoAllocations(t *testing.T) {
	for name, cfg := range smallNets() {
		net := build(t, kernels.New(2), cfg)
		p := net.Params()
		shape := net.SampleShape()
		b := newBatch(net, 3, 2)
		x := upload(net.Device(), b.x, append([]int{3}, shape...)...)
		dy := upload(net.Device(), b.dy, append([]int{3}, outputShape(net)...)...)
		ws := workspace(t, net, 4, true)
		opt, ema := NewAdamW(p), NewEMA(p, 0.99)
		step := func() {
			ws.SetDropout(1, b.keys)
			p.ZeroGrad()
			net.ForwardWith(ws, x, b.t, b.labels, b.extra)
			net.Backward(ws, dy)
			if _, err := opt.Update(1e-4, 1); err != nil {
				t.Fatal(err)
			}
			ema.Update(opt.Step)
		}
		t.Log(name, "training step")
		numtest.NoAllocs(t, step)
		infer := workspace(t, net, 2, false)
		out := make([]float32, len(b.dy))
		predict := func() { net.PredictWith(infer, out, b.x, b.t, b.labels, b.extra) }
		t.Log(name, "Predict")
		numtest.NoAllocs(t, predict)
	}
}
