package nn

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/kernels"
	"heavytail/tensor"
)

var smallClassifier = ClassifierConfig{Size: 9, Channels: 2, Width: 4, Features: 5, Classes: 3, Dropout: 0.25}

func newTestClassifier(t testing.TB, dev tensor.Device, cfg ClassifierConfig) *Classifier {
	t.Helper()
	c, err := NewClassifier(dev, cfg)
	require.NoError(t, err)
	c.Params().Init(3)
	return c
}

// images returns n random images and a gradient of the scores.
func (c ClassifierConfig) images(n int) (x, dy []float32) {
	r := numtest.NewRand(4)
	return r.Fill(make([]float32, n*c.Size*c.Size*c.Channels), 1), r.Fill(make([]float32, n*c.Classes), 1)
}

// classify runs images forward and, if train, backward; it returns scores,
// features and gradients.
func classify(t testing.TB, c *Classifier, x, dy []float32, n int, train bool) []float32 {
	t.Helper()
	ws, err := c.NewWorkspace(n+1, train)
	require.NoError(t, err)
	ws.SetDropout(7, []uint64{1, 2, 3, 4, 5}[:n])
	cfg, dev := c.cfg, c.net.dev
	s, f := c.Forward(ws, upload(dev, x, n, cfg.Size, cfg.Size, cfg.Channels))
	require.Equal(t, []int{n, cfg.Classes}, s.Shape())
	require.Equal(t, []int{n, cfg.Features}, f.Shape())
	out := make([]float32, s.Len()+f.Len())
	dev.Download(out[:s.Len()], s)
	dev.Download(out[s.Len():], f)
	if train {
		c.Params().ZeroGrad()
		c.Backward(ws, upload(dev, dy, n, cfg.Classes))
		g := make([]float32, c.Params().Grad.Len())
		dev.Download(g, c.Params().Grad)
		out = append(out, g...)
	}
	return out
}

// TestClassifierDifferences checks every gradient along a random direction in
// float64, dropout included.
func TestClassifierDifferences(t *testing.T) {
	dev := ref64.New()
	cfg := smallClassifier
	c := newTestClassifier(t, dev, cfg)
	x, dy := cfg.images(2)
	classify(t, c, x, dy, 2, true)
	ws, err := c.NewWorkspace(2, true)
	require.NoError(t, err)
	ws.SetDropout(7, []uint64{1, 2})
	in := upload(dev, x, 2, cfg.Size, cfg.Size, cfg.Channels)
	value := func() (f float64) {
		scores, _ := c.Forward(ws, in)
		for i, v := range ref64.Values(scores) {
			f += v * float64(dy[i])
		}
		return f
	}
	r := numtest.NewRand(1)
	for _, q := range c.Params().List {
		at, grad := ref64.Values(q.Tensor), ref64.Values(q.Grad)
		v, slope, size := make([]float64, len(at)), 0.0, 0.0
		for i := range v {
			v[i] = r.Float64()
			slope += v[i] * grad[i]
			size += math.Abs(grad[i])
		}
		require.NotZero(t, size, q.Name)
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
}

// TestClassifierBits: one result at every level and number of threads, in
// training and inference.
func TestClassifierBits(t *testing.T) {
	cfg := smallClassifier
	x, dy := cfg.images(4)
	var want []float32
	for _, l := range isa.Available() {
		for _, threads := range []int{1, 3} {
			restore := isa.Force(l)
			got := classify(t, newTestClassifier(t, kernels.New(threads), cfg), x, dy, 4, true)
			restore()
			if want == nil {
				want = got
			}
			numtest.SameBits(t, want, got, fmt.Sprint(l, threads))
		}
	}
	cfg.Dropout = 0
	c := newTestClassifier(t, kernels.New(2), cfg)
	four := classify(t, c, x, dy, 4, false)
	require.Equal(t, four, classify(t, c, x, dy, 4, true)[:len(four)], "activations share memory in inference")
	per := len(x) / 4
	one := classify(t, c, x[per:2*per], dy, 1, false)
	require.Equal(t, four[cfg.Classes:2*cfg.Classes], one[:cfg.Classes])
	require.Equal(t, four[4*cfg.Classes+cfg.Features:][:cfg.Features], one[cfg.Classes:])
}

// TestClassifierFile writes and reads a classifier, and damages the file.
func TestClassifierFile(t *testing.T) {
	dev := kernels.New(1)
	c := newTestClassifier(t, dev, smallClassifier)
	var file bytes.Buffer
	require.NoError(t, c.Write(&file, tensor.F32, map[string]string{"origin": "test"}))
	got, meta, err := OpenClassifier(dev, bytes.NewReader(file.Bytes()), int64(file.Len()))
	require.NoError(t, err)
	require.Equal(t, "test", meta["origin"])
	require.Equal(t, smallClassifier, got.Config())
	require.Equal(t, c.Params().Flat.Data(), got.Params().Flat.Data())

	open := func(b []byte) error {
		_, _, err := OpenClassifier(dev, bytes.NewReader(b), int64(len(b)))
		return err
	}
	require.ErrorContains(t, open(nil), "classifier:")
	require.ErrorContains(t, open(file.Bytes()[:file.Len()-9]), "classifier:")
	for old, change := range map[string][2]string{
		"heavytail.classifier": {"heavytail.classifies", "holds none"},
		`\"width\":4`:          {`\"width\":5`, "another network"},
		`\"width\":4,`:         {`\"width\":0,`, "width 0; want 1 to"},
		"features.bias":        {"features.bios", "no tensor features.bias"},
	} {
		b := bytes.ReplaceAll(unsummed(file.Bytes()), []byte(old), []byte(change[0]))
		require.NotEqual(t, unsummed(file.Bytes()), b, old)
		require.ErrorContains(t, open(b), change[1])
	}
	for _, bad := range []ClassifierConfig{{}, {Size: 1 << 20, Channels: 1, Width: 1, Features: 1, Classes: 1},
		{Size: 8, Channels: 1, Width: 1, Features: 1, Classes: 1},
		{Size: 9, Channels: 1, Width: 12, Features: 1, Classes: 1},
		{Size: 9, Channels: 1, Width: 1, Features: 1, Classes: 1, Dropout: 1}} {
		_, err := NewClassifier(dev, bad)
		require.ErrorContains(t, err, "classifier:")
	}
}
