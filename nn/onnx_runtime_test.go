package nn

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/internal/onnx"
	"heavytail/internal/ref64"
	"heavytail/kernels"
	"heavytail/tensor"
)

// onnxRun is one call of a model, as testdata/onnxrun.py reads it.
type onnxRun struct {
	Inputs [][4]any `json:"inputs"` // name, type, shape, file
	Output string   `json:"output"`
	Fails  bool     `json:"fails,omitempty"`
}

// writeONNXCase writes net and batches for it to a folder.
func writeONNXCase(t *testing.T, dir string, net *Net, d tensor.DType, batches []batch) {
	require.NoError(t, os.MkdirAll(dir, 0o777))
	f, err := os.Create(filepath.Join(dir, "model.onnx"))
	require.NoError(t, err)
	require.NoError(t, (&State{Net: net}).WriteONNX(f, d, ONNX{}))
	require.NoError(t, f.Close())
	var runs []onnxRun
	for i, b := range batches {
		r := onnxRun{Output: fmt.Sprint("y", i)}
		for name, a := range onnxInputs(net, b) {
			file, kind := fmt.Sprint(name, i), "float32"
			var raw []byte
			for _, v := range a.v {
				if a.kind == onnx.Int64 {
					kind = "int64"
					raw = binary.LittleEndian.AppendUint64(raw, uint64(int64(v)))
					r.Fails = r.Fails || int(v) >= net.Classes()
				} else {
					raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
				}
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), raw, 0o666))
			r.Inputs = append(r.Inputs, [4]any{name, kind, a.shape, file})
		}
		runs = append(runs, r)
	}
	text, err := json.Marshal(runs)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "inputs.json"), text, 0o666))
}

// runtimeNets are the networks of onnxNets and the presets, as published and repaired;
// those of over 30 million parameters with HEAVYTAIL_EXHAUSTIVE=1.
func runtimeNets(t *testing.T) map[string]Config {
	nets := onnxNets(t)
	for _, name := range Presets() {
		c, err := Preset(name)
		require.NoError(t, err)
		if p, _ := describe(c); p.Count() > 3e7 && os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "" {
			continue
		}
		nets["preset "+name] = c
		if name == "2d" || name == "mnist" { // what training repairs
			nets["preset "+name+" repaired"] = c.Fixed()
		}
	}
	return nets
}

// rounding returns the expected difference of two computations of net in float32,
// relative to the largest output, and never less than 1e−6: sums of K terms have
// after k of them the size √(k/K) of the result and an error of variance u²/6 of that
// squared, u = 2^−24, by every addition, u²·K/12 in all; the sums of all layers add up, as the
// sum of each reaches the output through normalisations with a weight of about 1; and
// two computations differ by √2 of the error of one. That is the root mean square;
// the largest of n differences is to it as the largest of n outputs is to theirs.
func rounding(t *testing.T, net *Net) float64 {
	g := &graph{}
	h, w := net.size(0, 0)
	require.NoError(t, net.model.record(g, h, w))
	terms := 0
	for _, p := range g.products {
		terms += p.weight.n / p.weight.Shape[0]
	}
	return max(1e-6, math.Sqrt(2*float64(terms)/12)/(1<<24))
}

// TestONNXRuntime compares every network, and the built-in model, with what ONNX Runtime
// makes of its model, the program and the language of which have nothing of ours. The
// root mean square of the differences is at most 1e−6 of a sample's largest value. So is
// the largest where the network's own rounding is below it; otherwise it is at most three
// times the expected difference of direct sums: the worst values of convolutions that
// multiply less have up to three times the error of direct ones, TestWholeNetErrors.
func TestONNXRuntime(t *testing.T) {
	python := os.Getenv("HEAVYTAIL_ONNXRUNTIME")
	if python == "" {
		t.Skip("HEAVYTAIL_ONNXRUNTIME names no python3 that has onnxruntime")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	dir, dev := t.TempDir(), kernels.New(2)
	configs := runtimeNets(t)
	nets, batches := map[string]*Net{}, map[string][]batch{}
	args := []string{"testdata/onnxrun.py"}
	add := func(name string, net *Net, d tensor.DType, b ...batch) {
		at := filepath.Join(dir, name)
		writeONNXCase(t, at, net, d, b)
		nets[name], batches[name], args = net, b, append(args, at)
	}
	for name, cfg := range configs {
		net := build(t, dev, cfg)
		b := []batch{plainBatch(net, 1, 1), plainBatch(net, 3, 2)}
		if cfg.magnitude() {
			for i := range len(b[1].x) / 3 {
				b[1].x[i] *= 1e25 // beyond float32 when squared
			}
		}
		add(name, net, tensor.F32, b...)
	}
	builtin := builtIn(t, dev)
	add("built-in model", builtin, tensor.F32, plainBatch(builtin, 1, 1), plainBatch(builtin, 3, 2))
	for name, d := range map[string]tensor.DType{"as F16": tensor.F16, "as BF16": tensor.BF16} {
		net := build(t, dev, configs["unet"])
		for _, q := range net.params.List { // what comes back of weights so stored
			raw, err := tensor.Encode(d, net.params.Get(net.params.Flat, q))
			require.NoError(t, err)
			v, err := tensor.Decode(d, raw)
			require.NoError(t, err)
			net.params.Set(net.params.Flat, q, v)
		}
		add(name, net, d, plainBatch(net, 3, 4))
	}
	for _, name := range []string{"unet", "ddpm++"} { // a class too many
		net := build(t, dev, configs[name])
		b := plainBatch(net, 2, 1)
		b.labels = []int{0, net.Classes()}
		add(name+" fails", net, tensor.F32, b)
	}
	out, err := exec.CommandContext(ctx, python, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("%s", out)
	for _, name := range slices.Sorted(maps.Keys(nets)) {
		for i, b := range batches[name] {
			compareONNX(t, filepath.Join(dir, name, fmt.Sprint("y", i)), name, nets[name], b)
		}
	}
}

// builtIn returns the network of the built-in model: trained weights.
func builtIn(t *testing.T, dev tensor.Device) *Net {
	b, err := os.ReadFile("../fashion/fashion.safetensors")
	require.NoError(t, err)
	c, err := OpenCheckpoint(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	net, err := c.Net(dev, "")
	require.NoError(t, err)
	return net
}

// compareONNX compares the output in a file with net's for b, and both with that in
// float64 where the network is small enough.
func compareONNX(t *testing.T, path, name string, net *Net, b batch) {
	n := len(b.t)
	for _, l := range b.labels {
		if net.Classes() > 0 && l >= net.Classes() {
			require.NoFileExists(t, path)
			return
		}
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	got, err := tensor.Decode(tensor.F32, raw)
	require.NoError(t, err)
	want := firsts(pass(net, workspace(t, net, n, false), b, false), n, pixelsOf(net))
	expect := rounding(t, net)
	d, rms := distance(t, want, got, n), rmsDistance(want, got, n)
	text := fmt.Sprintf("%-24s %d samples: %.2g apart (rms %.2g), expected %.2g", name, n, d, rms, expect)
	most := 3 * expect
	if expect == 1e-6 {
		most = expect
	}
	if !(d <= most && rms <= 1e-6) {
		t.Errorf("%s, want at most %.2g (rms 1e-6)", text, most)
	}
	if macs, err := net.MACs(0, 0); err == nil && (macs*int64(n) < 1e8 || os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" && n == 1) {
		exact := build(t, ref64.New(), net.cfg)
		for _, q := range exact.params.List {
			exact.params.Set(exact.params.Flat, q, net.params.Get(net.params.Flat, net.params.Find(q.Name)))
		}
		exactly := firsts(pass(exact, workspace(t, exact, n, false), b, false), n, pixelsOf(net))
		text += fmt.Sprintf("; from float64 ours %.2g (%.2g), its %.2g (%.2g)", distance(t, exactly, want, n), rmsDistance(exactly, want, n), distance(t, exactly, got, n), rmsDistance(exactly, got, n))
	}
	t.Log(text)
}

// rmsDistance returns the root mean square of the differences of a sample, relative to its
// largest value: of the sample where it is largest.
func rmsDistance(want, got []float32, samples int) (far float64) {
	per := len(want) / samples
	for i := range samples {
		most, square := 0.0, 0.0
		for j := i * per; j < (i+1)*per; j++ {
			d := float64(want[j]) - float64(got[j])
			most, square = max(most, math.Abs(float64(want[j]))), square+d*d
		}
		far = max(far, math.Sqrt(square/float64(per))/most)
	}
	return far
}
