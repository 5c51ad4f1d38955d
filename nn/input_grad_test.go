package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/stable"
)

// The vector–Jacobian product of the input against differences along random
// directions: ⟨dy, f(x+hv) − f(x−hv)⟩/2h = ⟨(∂f/∂x)ᵀ·dy, v⟩.
func TestInputGradient(t *testing.T) {
	dev := kernels.New(1)
	unet := &UNetConfig{InChannels: 2, OutChannels: 2, ModelChannels: 8, ChannelMult: []int{1, 2}, NumResBlocks: 1, AttentionDS: []int{2}, NumHeads: 2, TimeScale: 1, ImageSize: 8}
	grown := *unet
	grown.Magnitude = true
	for name, c := range map[string]Config{
		"plain":             {MLP: &MLPConfig{Dim: 3, Hidden: []int{16, 16}}},
		"mlp":               {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 2, TimeEmb: 8}},
		"mlp, magnitude":    {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 2, TimeEmb: 8, Magnitude: true, TailRadius: 1}},
		"mlp, spread":       {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 2, TimeEmb: 8, Magnitude: true, TailRadius: 1, Spread: true}},
		"plain, spread":     {MLP: &MLPConfig{Dim: 3, Hidden: []int{16, 16}, Spread: true}},
		"mlp, conditions":   {MLP: &MLPConfig{Dim: 3, Units: 16, Blocks: 2, TimeEmb: 8, Conditions: 2}},
		"u-net":             {UNet: unet},
		"u-net, magnitude":  {UNet: &grown},
		"published network": must(Preset("2d")),
		"ddpm++":            inputNet("ddpm++"),
		"ncsn++":            inputNet("ncsn++"),
		"unet2d":            inputNet("unet2d"),
		"unet2d fourier":    inputNet("unet2d fourier"),
		"unet2d learned":    inputNet("unet2d learned"),
	} {
		t.Run(name, func(t *testing.T) {
			net, err := New(dev, c)
			require.NoError(t, err)
			net.Params().Init(3)
			flat := net.Params().Flat.Data() // layers that start at 0 too
			noise := make([]float32, len(flat))
			stable.Key{Seed: 9}.Normal(noise, 0)
			for i := range flat {
				flat[i] += 0.1 * noise[i]
			}
			ws, err := net.NewInputWorkspace(2, 0, 0)
			require.NoError(t, err)
			x := dev.New(append([]int{2}, net.SampleShape()...)...)
			n := x.Len()
			draw := func(step uint32) []float32 {
				v := make([]float32, n)
				stable.Key{Seed: 1, Step: step}.Normal(v, 0)
				return v
			}
			base, v, times := draw(0), draw(1), []float32{0.3, 0.8}
			for i := range n / 2 {
				base[i] *= 3 // one sample far out
			}
			dy := dev.New(append([]int{2}, outputShape(net)...)...)
			m := dy.Len()
			w := make([]float32, m)
			stable.Key{Seed: 1, Step: 2}.Normal(w, 0)
			dev.Upload(dy, w)
			at := func(h float64) []float64 {
				moved := make([]float32, n)
				for i := range moved {
					moved[i] = base[i] + float32(h)*v[i]
				}
				dev.Upload(x, moved)
				y := make([]float32, m)
				dev.Download(y, net.Forward(ws, x, times, nil))
				out := make([]float64, m)
				for i := range out {
					out[i] = float64(y[i])
				}
				return out
			}
			const h = 1e-2
			up, down := at(h), at(-h)
			at(0)
			net.Backward(ws, dy)
			g := make([]float32, n)
			dev.Download(g, net.InputGradient(ws))
			for k := range 2 { // each sample by itself
				want, got, size := 0.0, 0.0, 0.0
				for i := k * m / 2; i < (k+1)*m/2; i++ {
					d := float64(w[i]) * (up[i] - down[i]) / (2 * h)
					want, size = want+d, size+math.Abs(d)
				}
				for i := k * n / 2; i < (k+1)*n/2; i++ {
					got += float64(g[i] * v[i])
				}
				// differences of float32 values of order 1, 1e-7/h, and h² of their own
				require.InDelta(t, want, got, 2e-3*(1+size), "sample %d", k)
			}
		})
	}
	net, err := New(dev, Config{MLP: &MLPConfig{Dim: 3, Hidden: []int{16}}})
	require.NoError(t, err)
	ws, err := net.NewWorkspace(1, 0, 0, true)
	require.NoError(t, err)
	require.Panics(t, func() { net.InputGradient(ws) })
}

// inputNet returns the small network of that name without conditioning images.
func inputNet(name string) Config {
	c := smallNets()[name]
	if c.Song != nil {
		c.Song.CondChannels = 0
	}
	if c.UNet != nil {
		c.UNet.CondChannels = 0
	}
	return c
}

// The gradient of the input has the same bits in lanes, and no gradient of parameters is
// made.
func TestInputGradientLanes(t *testing.T) {
	cutSmall(t)
	const n = 13
	for name := range smallNets() {
		cfg := inputNet(name)
		gradient := func(threads, k int) []float32 {
			net := build(t, kernels.New(threads), cfg)
			ws, err := net.NewInputWorkspace(n, 0, 0)
			require.NoError(t, err)
			require.Equal(t, threads, ws.Lanes(n))
			own, _, err := net.InputMemory(n, 0, 0)
			require.NoError(t, err)
			require.Equal(t, ws.Bytes(), own)
			var out []float32
			for _, m := range []int{k, n, k} {
				out = append(out, pass(net, ws, newBatch(net, n, 3).part(0, m), true)...)
				dx := net.InputGradient(ws)
				g := make([]float32, dx.Len())
				net.dev.Download(g, dx)
				require.Equal(t, m, dx.Dim(0))
				require.NotZero(t, g[len(g)-1], name)
				out = append(out, g...)
			}
			require.Nil(t, net.params.Grad)
			return out
		}
		for _, k := range []int{1, 5, n} {
			want := gradient(1, k)
			for _, threads := range []int{2, 3, 8} {
				numtest.SameBits(t, want, gradient(threads, k), name)
			}
		}
	}
}

func must(c Config, err error) Config {
	if err != nil {
		panic(err)
	}
	return c
}
