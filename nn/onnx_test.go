package nn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/onnx"
	"heavytail/internal/ref64"
	"heavytail/kernels"
	"heavytail/tensor"
)

// onnxNets are networks that together have every form of every layer.
func onnxNets(t testing.TB) map[string]Config {
	nets := smallNets()
	for _, name := range []string{"unet", "ddpm++", "ncsn++"} { // the other way around
		c := nets[name].Clone()
		if u := c.UNet; u != nil {
			u.CondChannels, u.NumClasses, u.Magnitude, u.TimeScale, u.AttentionRes, u.AttentionDS = 0, 0, false, 1, nil, []int{1}
		} else {
			s := c.Song
			s.CondChannels, s.NumClasses, s.AugmentDim, s.NumHeads = 0, 0, 0, 1
			s.AdaptiveScale, s.Magnitude = !s.AdaptiveScale, !s.Magnitude
		}
		nets[name+" otherwise"] = c
	}
	return nets
}

// firsts returns a of n samples of so many pixels with the channels first.
func firsts(a []float32, n, pixels int) []float32 {
	c := len(a) / n / pixels
	out := make([]float32, len(a))
	for i := range n {
		for p := range pixels {
			for k := range c {
				out[(i*c+k)*pixels+p] = a[(i*pixels+p)*c+k]
			}
		}
	}
	return out
}

// pixelsOf returns the pixels of a sample of net.
func pixelsOf(net *Net) int {
	s := net.SampleShape()
	return count(s) / s[len(s)-1]
}

// onnxInputs returns b as a model takes it.
func onnxInputs(net *Net, b batch) map[string]*array {
	n, shape := len(b.t), channelsFirst(net.SampleShape())
	wide := func(kind onnx.Type, v []float32, shape ...int) *array {
		a := &array{kind: kind, shape: shape}
		for _, x := range v {
			a.v = append(a.v, float64(x))
		}
		return a
	}
	in := map[string]*array{
		"x": wide(onnx.Float, firsts(b.x, n, pixelsOf(net)), append([]int{n}, shape...)...),
		"t": wide(onnx.Float, b.t, n),
	}
	if net.Classes() > 0 {
		c := wide(onnx.Int64, make([]float32, n), n)
		for i, l := range b.labels {
			c.v[i] = float64(l)
		}
		in["class"] = c
	}
	if c := net.Conditions(); c > 0 {
		in["cond"] = wide(onnx.Float, b.extra.Cond, n, c)
	}
	if c := net.CondChannels(); c > 0 {
		in["cond"] = wide(onnx.Float, firsts(b.extra.Cond, n, pixelsOf(net)), n, c, shape[1], shape[2])
	}
	return in
}

// plainBatch is newBatch without what a sampler does not have.
func plainBatch(net *Net, n int, seed uint64) batch {
	b := newBatch(net, n, seed)
	b.extra.Augment = nil
	return b
}

// exported returns net as a decoded model.
func exported(t testing.TB, net *Net, d tensor.DType) onnxModel {
	t.Helper()
	return decodeONNX(written(t, func(b *bytes.Buffer) error { return (&State{Net: net}).WriteONNX(b, d, ONNX{}) }))
}

// distance returns the largest difference of a sample, relative to its largest value.
func distance[A, B float32 | float64](t testing.TB, want []A, got []B, samples int) float64 {
	t.Helper()
	require.Len(t, got, len(want))
	far, per := 0.0, len(want)/samples
	for i := range samples {
		most, diff := 0.0, 0.0
		for j := i * per; j < (i+1)*per; j++ {
			most, diff = max(most, math.Abs(float64(want[j]))), max(diff, math.Abs(float64(want[j])-float64(got[j])))
		}
		require.NotZero(t, most)
		far = max(far, diff/most) // NaN stays
	}
	return far
}

// onceONNX skips a test where it runs a second time: it computes in float64 without any
// kernel, so that neither the processor nor its level matters.
func onceONNX(t testing.TB) {
	if testing.Short() && runtime.GOARCH != "amd64" || os.Getenv("HEAVYTAIL_ISA") != "" {
		t.Skip("float64 without kernels: it runs elsewhere")
	}
}

// TestONNXComputes: the model, evaluated in float64 by the specification of its
// operators, gives what the network does in float64, for any number of samples. They
// differ by what the host rounds to float32 for the network and by nothing else: the
// embedding of the time, x/s and ln s, or the features and the tail, each by 2^−24 of
// itself. Four of these are allowed; with another ε in a normalisation, the smallest
// mistake, it would be 4e−6.
func TestONNXComputes(t *testing.T) {
	onceONNX(t)
	for name, cfg := range onnxNets(t) {
		t.Run(name, func(t *testing.T) {
			net := build(t, ref64.New(), cfg)
			m := exported(t, net, tensor.F32)
			for _, n := range []int{1, 3} {
				b := plainBatch(net, n, 3)
				if n == 3 && cfg.magnitude() {
					for i := range len(b.x) / 3 {
						b.x[i] *= 1e25 // beyond float32 when squared
					}
				}
				shape := append([]int{n}, net.SampleShape()...)
				y := ref64.Values(net.ForwardWith(workspace(t, net, n, false), upload(net.Device(), b.x, shape...), b.t, b.labels, b.extra))
				want := make([]float64, 0, len(y))
				per := len(y) / n / pixelsOf(net)
				for i := range n {
					for k := range per {
						for p := range pixelsOf(net) {
							want = append(want, y[(i*pixelsOf(net)+p)*per+k])
						}
					}
				}
				got := m.run(onnxInputs(net, b))
				require.Equal(t, append([]int{n}, channelsFirst(outputShape(net))...), got.shape)
				d := distance(t, want, got.v, n)
				t.Logf("%d samples: %.2g", n, d)
				require.LessOrEqual(t, d, 4.0/(1<<24))
			}
		})
	}
}

// TestONNXStructure: the file says what it is, its inputs are documented, and its
// weights are the network's, as they are stored.
func TestONNXStructure(t *testing.T) {
	cfg := smallNets()["unet"]
	net := build(t, kernels.New(1), cfg)
	s := &State{Net: net, Recipe: json.RawMessage(`{"network":{}}`)}
	for d, size := range map[tensor.DType]int{tensor.F32: 4, tensor.F16: 2, tensor.BF16: 2} {
		b := written(t, func(b *bytes.Buffer) error { return s.WriteONNX(b, d, ONNX{Doc: "said", Version: "9"}) })
		require.Equal(t, b, written(t, func(b *bytes.Buffer) error { return s.WriteONNX(b, d, ONNX{Doc: "said", Version: "9"}) }))
		m := decodeONNX(b)
		require.Equal(t, []int{8, 17}, []int{m.ir, m.opset})
		require.Equal(t, []string{"heavytail", "said"}, []string{m.producer, m.doc})
		require.Equal(t, map[string]string{"heavytail": `{"network":{}}`}, m.meta)
		require.Equal(t, []onnxValue{
			{"x", onnx.Float, []int{-1, 2, 6, 6}, []string{"batch"}}, {"t", onnx.Float, []int{-1}, []string{"batch"}},
			{"class", onnx.Int64, []int{-1}, []string{"batch"}}, {"cond", onnx.Float, []int{-1, 2, 6, 6}, []string{"batch"}},
		}, m.inputs)
		require.Equal(t, []onnxValue{{"y", onnx.Float, []int{-1, 2, 6, 6}, []string{"batch"}}}, m.outputs)
		kind := map[tensor.DType]onnx.Type{tensor.F32: onnx.Float, tensor.F16: onnx.Float16, tensor.BF16: onnx.BFloat16}[d]
		for _, q := range net.params.List {
			a := m.tensors[q.Name]
			require.NotNil(t, a, q.Name)
			require.Equal(t, kind, a.kind, q.Name)
			require.Equal(t, size, m.sizes[q.Name], q.Name)
			values := net.params.Get(net.params.Flat, q)
			if q.layout == table { // with the row of no class
				require.Equal(t, []int{q.Shape[0] + 1, q.Shape[1]}, a.shape)
				values = append(make([]float32, q.Shape[1]), values...)
			}
			require.Equal(t, len(values), count(a.shape), q.Name)
			raw, err := tensor.Encode(d, values)
			require.NoError(t, err)
			stored, err := tensor.Decode(d, raw)
			require.NoError(t, err)
			require.Zero(t, distance(t, append(stored, 1), append(slices.Clone(a.v), 1), 1), q.Name)
		}
	}
}

// TestONNXRefuses: what cannot be written is named, and nothing is.
func TestONNXRefuses(t *testing.T) {
	net := build(t, kernels.New(1), smallNets()["unet"])
	for text, write := range map[string]func(b *bytes.Buffer) error{
		"onnx: weights as F64: want F32, F16 or BF16": func(b *bytes.Buffer) error { return (&State{Net: net}).WriteONNX(b, tensor.F64, ONNX{}) },
		"onnx: image of 7×8 pixels: 2 levels need multiples of 2": func(b *bytes.Buffer) error {
			return (&State{Net: net}).WriteONNX(b, tensor.F32, ONNX{Height: 7, Width: 8})
		},
		"onnx: flatten: has no form in ONNX here": func(b *bytes.Buffer) error {
			c, err := NewClassifier(kernels.New(1), ClassifierConfig{Size: 16, Channels: 1, Width: 4, Features: 3, Classes: 2})
			require.NoError(t, err)
			return (&State{Net: c.net, Recipe: json.RawMessage("{}")}).WriteONNX(b, tensor.F32, ONNX{})
		},
	} {
		var b bytes.Buffer
		require.ErrorContains(t, write(&b), text)
		require.Zero(t, b.Len())
	}
	q := net.params.Find("time_embed.0.bias")
	net.params.Set(net.params.Flat, q, slices.Repeat([]float32{1e6}, q.n))
	err := (&State{Net: net}).WriteONNX(&bytes.Buffer{}, tensor.F16, ONNX{})
	require.True(t, errors.Is(err, tensor.ErrRange))
	require.ErrorContains(t, err, "onnx: time_embed.0.bias: value 0 is 1e+06")
	require.NoError(t, (&State{Net: net}).WriteONNX(&bytes.Buffer{}, tensor.BF16, ONNX{}))
}

// TestONNXOtherSizes: images of another size than the trained one.
func TestONNXOtherSizes(t *testing.T) {
	onceONNX(t)
	cfg := smallNets()["unet"]
	cfg.UNet.CondChannels = 0
	net := build(t, ref64.New(), cfg)
	m := decodeONNX(written(t, func(b *bytes.Buffer) error {
		return (&State{Net: net}).WriteONNX(b, tensor.F32, ONNX{Height: 4, Width: 8})
	}))
	require.Equal(t, []int{-1, 2, 4, 8}, m.inputs[0].shape)
	ws, err := net.NewWorkspace(1, 4, 8, false)
	require.NoError(t, err)
	x := fixtureInput(1, 2, 32)
	want := ref64.Values(net.Forward(ws, upload(net.Device(), x, 1, 4, 8, 2), []float32{0.5}, []int{1}))
	in := map[string]*array{"x": {kind: onnx.Float, shape: []int{1, 2, 4, 8}}, "t": {onnx.Float, []int{1}, []float64{0.5}}, "class": {onnx.Int64, []int{1}, []float64{1}}}
	for _, v := range firsts(x, 1, 32) {
		in["x"].v = append(in["x"].v, float64(v))
	}
	y := m.run(in)
	for p := range 32 {
		for c := range 2 {
			near(t, want[2*p+c], y.v[32*c+p], 1e-6, fmt.Sprint(p, c))
		}
	}
}

// FuzzONNX: a network of any configuration is written so that each name is defined
// before its use and all shapes fit, or refused.
func FuzzONNX(f *testing.F) {
	onceONNX(f)
	nets := onnxNets(f)
	for _, name := range slices.Sorted(maps.Keys(nets)) {
		text, err := json.Marshal(nets[name])
		require.NoError(f, err)
		f.Add(text, 0, 0)
	}
	f.Add([]byte(`{"unet":{"in_channels":1,"out_channels":2,"model_channels":4,"channel_mult":[1,1],"num_res_blocks":1,"num_heads":1,"time_scale":1}}`), 4, 6)
	dev := kernels.New(1)
	f.Fuzz(func(t *testing.T, text []byte, h, w int) {
		var cfg Config
		if json.Unmarshal(text, &cfg) != nil || cfg.Validate() != nil {
			return
		}
		p, _ := describe(cfg)
		if p.total > 1e5 {
			return
		}
		net, err := New(dev, cfg)
		require.NoError(t, err)
		if macs, err := net.MACs(h, w); err == nil && macs > 1e6 {
			return
		}
		var b bytes.Buffer
		if err := (&State{Net: net}).WriteONNX(&b, tensor.F32, ONNX{Height: h, Width: w}); err != nil {
			require.Zero(t, b.Len())
			_, refused := net.MACs(h, w)
			require.Error(t, refused, "%v", err)
			return
		}
		m := decodeONNX(b.Bytes())
		in := map[string]*array{}
		for _, v := range m.inputs {
			shape := slices.Clone(v.shape)
			shape[0] = 2
			in[v.name] = &array{v.kind, shape, make([]float64, count(shape))}
		}
		want := slices.Clone(m.outputs[0].shape)
		want[0] = 2
		require.Equal(t, want, m.run(in).shape)
	})
}
