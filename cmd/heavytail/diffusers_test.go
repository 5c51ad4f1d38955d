package main

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/modelfile"
)

// diffusersFolder returns the absolute path of a folder that diffusers wrote.
func diffusersFolder(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../internal/diffusers/testdata/" + name)
	require.NoError(t, err)
	return path
}

// A folder of diffusers is a model for every command: it samples, also zipped and
// converted, with the same bytes; info knows it; and it is trained on.
func TestDiffusersFolder(t *testing.T) {
	dir, model := t.TempDir(), diffusersFolder(t, "heads")
	zipped, err := os.Create(filepath.Join(dir, "heads.zip"))
	require.NoError(t, err)
	w := zip.NewWriter(zipped)
	require.NoError(t, w.AddFS(os.DirFS(model)))
	require.NoError(t, w.Close())
	require.NoError(t, zipped.Close())
	ok(t, dir, "convert", model, "heads.safetensors")
	ok(t, dir, "convert", "-type", "f32", "heads.zip", "heads.pt")
	ok(t, dir, "convert", model, "heads.onnx")
	sample := func(model string) []byte {
		ok(t, dir, "sample", "-model", model, "-n", "3", "-steps", "5", "-o", "x.npy")
		b, err := os.ReadFile(filepath.Join(dir, "x.npy"))
		require.NoError(t, err)
		return b
	}
	want := sample(model)
	for _, other := range []string{"heads.zip", "heads.safetensors", "heads.pt"} {
		require.Equal(t, want, sample(other), other)
	}
	infoOf := func(file string) (i modelfile.Info) {
		require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", file).stdout), &i))
		return i
	}
	i := infoOf(model)
	require.Equal(t, []any{"diffusers", "F16", true, diffusion.Given}, []any{i.Format, i.Storage, i.HasRecipe, i.Recipe.Process.Scale})
	require.Equal(t, i.Recipe, infoOf("heads.safetensors").Recipe)

	ok(t, dir, "sample", "-model", model, "-n", "2", "-steps", "3", "-o", "x.png")
	require.Contains(t, ok(t, dir, "info", "x.png").stdout, `"sha256": "`)

	for _, bad := range []struct{ model, says string }{
		{diffusersFolder(t, "fourier"), "fourier"}, {dir, "is a folder; give the file of a model"},
		{filepath.Join(model, "unet"), "scheduler_config.json"}, {filepath.Join(model, "unet", "diffusion_pytorch_model.fp16.safetensors"), "config.json"},
	} {
		r := heavytailIn(t, dir, "sample", "-model", bad.model, "-o", "y.npy")
		require.NotZero(t, r.status)
		require.Contains(t, r.stderr, bad.says)
		require.NoFileExists(t, filepath.Join(dir, "y.npy"))
	}

	classes := diffusersFolder(t, "classes") // a network that was never without them
	ok(t, dir, "sample", "-model", classes, "-class", "1", "-n", "1", "-steps", "2", "-o", "y.npy")
	require.Contains(t, fails(t, dir, 2, "sample", "-model", classes, "-class", "1", "-guidance", "2", "-n", "1", "-steps", "2"), "always saw its classes; train it on with train -from")

	require.NoError(t, os.MkdirAll(filepath.Join(dir, "cut", "scheduler"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cut", "model_index.json"), []byte(`{"unet": ["diffusers", "UNet2DModel"]}`), 0o644))
	require.Contains(t, fails(t, dir, 2, "sample", "-model", "cut"), "unet/config.json: no such file")
}

// Training goes on from a folder, or from what it was converted to, with its network and
// its process.
func TestTrainFromDiffusers(t *testing.T) {
	dir, model := t.TempDir(), diffusersFolder(t, "ddpm")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "pictures"), 0o755))
	ok(t, dir, "sample", "-seeds", "0-5", "-steps", "2", "-o", "pictures/")
	ok(t, dir, "convert", model, "ddpm.safetensors")
	train := func(from, out string) []byte {
		ok(t, dir, "train", "-from", from, "-data", "images:pictures", "-size", "8", "-channels", "3", "-steps", "3", "-batch", "2", "-lr", "1e-4", "-preview-every", "0", "-out", out)
		ok(t, dir, "sample", "-model", out+"/model.safetensors", "-n", "2", "-steps", "4", "-o", "x.npy")
		b, err := os.ReadFile(filepath.Join(dir, "x.npy"))
		require.NoError(t, err)
		return b
	}
	want := train(model, "a")
	require.Equal(t, want, train("ddpm.safetensors", "b"))
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "a/model.safetensors").stdout), &i))
	require.Equal(t, []any{diffusion.Given, diffusion.Squared, true}, []any{i.Recipe.Process.Scale, i.Recipe.Train.Loss.Kind, i.Resumable})
	require.Contains(t, i.Recipe.Train.From, "ddpm sha256:")
	r := heavytailIn(t, dir, "train", "-from", model, "-width", "8", "-data", "images:pictures", "-size", "8", "-channels", "3", "-out", "c")
	require.NotZero(t, r.status)
	require.Contains(t, r.stderr, "-width")
}
