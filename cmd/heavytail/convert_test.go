package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/tensor"
	"heavytail/train"
)

// A weight that a half cannot hold became Inf, with status 0.
func TestConvertRefusesToOverflow(t *testing.T) {
	dir := t.TempDir()
	cfg := nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 4, Blocks: 1, TimeEmb: 4}}
	net, err := nn.New(kernels.New(1), cfg)
	require.NoError(t, err)
	net.Params().Init(1)
	q := net.Params().Find("linear_in.weight")
	w := net.Params().Get(net.Params().Flat, q)
	w[5] = -70000
	net.Params().Set(net.Params().Flat, q, w)
	var b bytes.Buffer
	require.NoError(t, (&nn.State{Net: net}).Write(&b, tensor.F32))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.safetensors"), b.Bytes(), 0o644))
	for _, out := range []string{"b.safetensors", "b.pt"} {
		r := heavytailIn(t, dir, "convert", "-type", "f16", "a.safetensors", out)
		require.Equal(t, 2, r.status)
		require.Contains(t, r.stderr, "linear_in.weight: value 5 is -70000, beyond the range of F16")
		require.Contains(t, r.stderr, "-type bf16")
		require.Equal(t, []string{"a.safetensors"}, listing(t, dir))
	}
	ok(t, dir, "convert", "-type", "bf16", "a.safetensors", "b.safetensors")
}

// One bit of a checkpoint changed: everything that reads it says so.
func TestDamagedCheckpoint(t *testing.T) {
	dir := trained(t)
	path := filepath.Join(dir, "run/model.safetensors")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	for data := b[8+binary.LittleEndian.Uint64(b):]; len(data) >= 1<<12; data = data[1<<12:] {
		data[0] ^= 4 // in the weights, the averages and the moments
	}
	require.NoError(t, os.WriteFile(path, b, 0o644))
	for _, args := range [][]string{{"sample", "-model", path, "-o", "x.npy"}, {"info", path}, {"convert", path, "x.pt"}, {"train", "-resume", "-out", "run"}} {
		r := heavytailIn(t, dir, args...)
		require.Equal(t, 2, r.status, "%s", args)
		require.Contains(t, r.stderr, "damaged", "%s", args)
	}
}

// What a .pt file has no place for is said, unless it was left out on purpose.
func TestConvertSaysWhatIsLost(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, toyArgs("run", "-steps", "2")...)
	const said = "without the state of training"
	for args, want := range map[string]bool{
		"run/model.safetensors a.pt": true, "run/model.safetensors a.pth": true, "run/model.safetensors a.safetensors": false,
		"-weights-only run/model.safetensors b.pt": false, "-ema run/model.safetensors c.pt": false, "-weights-only run/model.safetensors c.safetensors": false,
	} {
		r := ok(t, dir, append([]string{"convert"}, strings.Fields(args)...)...)
		require.Equal(t, want, strings.Contains(r.stderr, said), "%s: %s", args, r.stderr)
	}
	_, _, err := train.ReadRecipe(filepath.Join(dir, "a.safetensors"))
	require.NoError(t, err)
	_, _, err = train.ReadRecipe(filepath.Join(dir, "a.pt"))
	require.ErrorContains(t, err, "without the state of its training")
}

// An ONNX model holds the weights that sample takes, or those asked for, the recipe
// and what the process is.
func TestConvertToONNX(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, toyArgs("run", "-steps", "2", "-process", "edm", "-ema", "0.5,0.9", "-ema-warmup", "0")...)
	written := func(args string) string {
		r := ok(t, dir, append([]string{"convert"}, strings.Fields(args)...)...)
		require.NotContains(t, r.stderr, "state of training", args) // who asks for a network misses none
		b := readFile(t, filepath.Join(dir, "x.onnx"))
		require.NoError(t, os.Remove(filepath.Join(dir, "x.onnx")))
		return b
	}
	def := written("run/model.safetensors x.onnx")
	same := func(a, b string, want bool) { t.Helper(); require.Equal(t, want, a == b) } // without a print of two files
	same(def, written("-ema run/model.safetensors x.onnx"), true)
	same(def, written("-ema -rate 0.9 run/model.safetensors x.onnx"), true)
	other := written("-ema -rate 0.5 run/model.safetensors x.onnx")
	raw := written("-weights-only run/model.safetensors x.onnx")
	same(def, other, false)
	same(def, raw, false)
	same(other, raw, false)
	ok(t, dir, "convert", "-weights-only", "run/model.safetensors", "raw.safetensors")
	same(raw, written("raw.safetensors x.onnx"), true)
	require.Less(t, len(written("-type f16 raw.safetensors x.onnx")), len(raw))

	rec, _, err := train.ReadRecipe(filepath.Join(dir, "run/model.safetensors"))
	require.NoError(t, err)
	for _, text := range []string{string(rec.JSON()), rec.About(), "D = σ_d²/(aσ²+σ_d²)·x_σ"} {
		require.True(t, strings.Contains(def, text), text)
	}
	bare, err := os.ReadFile("../../nn/testdata/mlp_small.pt")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bare.pt"), bare, 0o644))
	require.True(t, strings.Contains(written("bare.pt x.onnx"), "the model came without a recipe"))
	require.Contains(t, fails(t, dir, 2, "convert", "bare.pt", "x.onnx", "-size", "28"), "a model of points, which have no pixels")
	before := listing(t, dir)
	require.Contains(t, fails(t, dir, 2, "convert", "built-in", "x.onnx", "-size", "30"), "multiples of 4")
	require.Contains(t, fails(t, dir, 2, "convert", "raw.safetensors", "x.onnx", "-ema"), "leave out -ema")
	require.Equal(t, before, listing(t, dir))
}
