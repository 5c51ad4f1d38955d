package nn

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/ref64"
	"heavytail/kernels"
	"heavytail/tensor"
)

// lcg is the generator of the fixture rule in testdata/golden.
type lcg uint32

func (s *lcg) next() float64 {
	*s = *s*1664525 + 1013904223
	return float64(*s)/(1<<32) - 0.5
}

// fixture fills the parameters by the fixture rule.
func fixture(p *Params) {
	s := lcg(12345)
	for _, q := range p.List {
		buf := make([]float32, q.n)
		for i := range buf {
			v := s.next()
			switch {
			case len(q.Shape) >= 2:
				v = v * 2 / math.Sqrt(float64(count(q.Shape[1:])))
			case strings.HasSuffix(q.Name, ".weight"):
				v = 1 + 0.2*v
			default:
				v *= 0.2
			}
			buf[i] = float32(v)
		}
		p.Set(p.Flat, q, buf)
	}
	for _, b := range p.Buffers {
		for i := range b.Data {
			if !b.fixed {
				b.Data[i] = 0.5 * float32(i+1)
			}
		}
	}
	p.Touch()
}

// fixtureInput returns samples of c channels and n pixels, channels last.
func fixtureInput(samples, c, n int) []float32 {
	s := lcg(777)
	x := make([]float32, samples*c*n)
	for i := range samples {
		for j := range c {
			for k := range n {
				x[(i*n+k)*c+j] = float32(4 * s.next())
			}
		}
	}
	return x
}

type goldenNet struct {
	T      []float32          `json:"t"`
	Y      []float64          `json:"y"`
	First  []float64          `json:"y_first16"`
	Last   []float64          `json:"y_last16"`
	Mean   float64            `json:"y_mean"`
	Std    float64            `json:"y_std"`
	Loss   float64            `json:"loss"`
	GradL2 map[string]float64 `json:"grad_l2"`
}

func golden(t *testing.T, key string) goldenNet {
	t.Helper()
	raw, err := os.ReadFile("../testdata/golden/dlpm_vectors.json")
	require.NoError(t, err)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &all))
	var g goldenNet
	require.NoError(t, json.Unmarshal(all[key], &g))
	return g
}

// preset returns a network by name, its parameters zero.
func preset(t testing.TB, dev tensor.Device, name string) *Net {
	t.Helper()
	cfg, err := Preset(name)
	require.NoError(t, err)
	n, err := New(dev, cfg)
	require.NoError(t, err)
	return n
}

func near(t *testing.T, want, got, tol float64, what string) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s: got %.9g, want %.9g, off by %.2g (allowed %.2g)", what, got, want, got-want, tol)
	}
}

// run64 runs the fixture network and returns output, loss = mean y², and
// leaves the gradients of the loss in the parameters.
func runFixture(t *testing.T, net *Net, x, times []float32, train bool) ([]float32, float64) {
	t.Helper()
	dev := net.Device()
	ws, err := net.NewWorkspace(len(times), 0, 0, train)
	require.NoError(t, err)
	in := dev.New(append([]int{len(times)}, net.SampleShape()...)...)
	dev.Upload(in, x)
	y := net.Forward(ws, in, times, nil)
	out := make([]float32, y.Len())
	dev.Download(out, y)
	loss := 0.0
	for _, v := range out {
		loss += float64(v) * float64(v) / float64(len(out))
	}
	if train {
		dy := dev.New(y.Shape()...)
		g := make([]float32, len(out))
		for i, v := range out {
			g[i] = 2 * v / float32(len(out))
		}
		dev.Upload(dy, g)
		net.Params().ZeroGrad()
		net.Backward(ws, dy)
	}
	return out, loss
}

// devices are those that must reproduce the golden numbers.
func devices() map[string]tensor.Device {
	return map[string]tensor.Device{"ref64": ref64.New(), "cpu": kernels.New(2)}
}

func checkGradients(t *testing.T, net *Net, want map[string]float64) {
	t.Helper()
	p := net.Params()
	require.Len(t, p.List, len(want))
	for _, q := range p.List {
		s := 0.0
		for _, v := range p.Get(p.Grad, q) {
			s += float64(v) * float64(v)
		}
		w := want[q.Name]
		// Some norms are zero in exact arithmetic; there the golden value is noise.
		near(t, w, math.Sqrt(s), 2e-5+2e-4*w, "gradient norm of "+q.Name)
	}
}

func TestGoldenTimestepEmbedding(t *testing.T) {
	var all struct {
		Cases []struct {
			T     float32
			Value []float64
		} `json:"timestep_embedding"`
	}
	raw, err := os.ReadFile("../testdata/golden/dlpm_vectors.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &all))
	require.NotEmpty(t, all.Cases)
	for name, dev := range devices() {
		for _, c := range all.Cases {
			y, got := dev.New(1, len(c.Value)), make([]float32, len(c.Value))
			dev.TimestepEmbedding(y, []float32{c.T}, tensor.TimeOpt{Scale: 1})
			dev.Download(got, y)
			for i, v := range got {
				// The reference rounds t·f to float32 first: up to 3e-5 at t = 500.
				near(t, c.Value[i], float64(v), 1e-6+6e-8*float64(c.T), fmt.Sprint(name, " t=", c.T, " element ", i))
			}
		}
	}
}

func TestGoldenTinyUNet(t *testing.T) {
	g := golden(t, "unet_tiny")
	for name, dev := range devices() {
		t.Run(name, func(t *testing.T) {
			net := preset(t, dev, "tiny")
			require.Equal(t, 755009, net.Params().Count())
			fixture(net.Params())
			y, loss := runFixture(t, net, fixtureInput(2, 1, 64), g.T, true)
			require.Len(t, y, len(g.Y))
			for i, v := range y {
				near(t, g.Y[i], float64(v), 2e-5, fmt.Sprint("y", i))
			}
			near(t, g.Loss, loss, 2e-5, "loss")
			checkGradients(t, net, g.GradL2)
		})
	}
}

func TestGoldenMLP(t *testing.T) {
	g := golden(t, "mlp_2d")
	for name, dev := range devices() {
		t.Run(name, func(t *testing.T) {
			net := preset(t, dev, "2d")
			require.Equal(t, 55010, net.Params().Count())
			fixture(net.Params())
			y, loss := runFixture(t, net, fixtureInput(3, 1, 2), g.T, true)
			for i, v := range y {
				near(t, g.Y[i], float64(v), 2e-5, fmt.Sprint("y", i))
			}
			near(t, g.Loss, loss, 2e-5, "loss")
			checkGradients(t, net, g.GradL2)
		})
	}
}

func TestGoldenMNISTUNet(t *testing.T) {
	g := golden(t, "unet_mnist")
	for name, dev := range devices() {
		t.Run(name, func(t *testing.T) {
			net := preset(t, dev, "mnist")
			fixture(net.Params())
			y, _ := runFixture(t, net, fixtureInput(2, 1, 1024), g.T, false)
			mean, std := 0.0, 0.0
			for _, v := range y {
				mean += float64(v) / float64(len(y))
			}
			for _, v := range y {
				std += (float64(v) - mean) * (float64(v) - mean) / float64(len(y)-1)
			}
			near(t, g.Mean, mean, 2e-5, "mean")
			near(t, g.Std, math.Sqrt(std), 1e-4, "standard deviation")
			for i := range g.First {
				near(t, g.First[i], float64(y[i]), 2e-5, fmt.Sprint("y", i))
				near(t, g.Last[i], float64(y[len(y)-16+i]), 2e-5, fmt.Sprint("y end-16+", i))
			}
		})
	}
}

// TestPublishedNames compares names, order, shapes and zero starts with the
// published state dictionaries.
func TestPublishedNames(t *testing.T) {
	for name, params := range map[string]int{"mnist": 2489441, "cifar10": 39625603, "cifar10_lt": 36988803, "2d": 55010} {
		cfg, err := Preset(name)
		require.NoError(t, err)
		p, _ := describe(cfg)
		require.Equal(t, params, p.Count(), name)
		f, err := os.Open("../testdata/golden/dlpm_" + name + "_state_dict.txt")
		require.NoError(t, err)
		defer f.Close()
		next := 0
		for s := bufio.NewScanner(f); s.Scan(); {
			if strings.HasPrefix(s.Text(), "#") {
				continue
			}
			col := strings.Split(s.Text(), "\t")
			require.GreaterOrEqual(t, len(col), 3)
			q := p.Find(col[0])
			require.NotNil(t, q, col[0])
			require.Equal(t, strings.ReplaceAll(strings.Trim(col[1], "[]"), ", ", " "), strings.Trim(fmt.Sprint(q.Shape), "[]"), col[0])
			if of, ok := strings.CutPrefix(col[2], "alias of "); ok {
				require.Equal(t, p.Find(of), q)
				continue
			}
			require.Equal(t, col[0], p.List[next].Name)
			if len(col) > 3 {
				require.Equal(t, col[3] == "zero", q.start == zeros, col[0])
			}
			next++
		}
		require.Equal(t, len(p.List), next)
	}
}
