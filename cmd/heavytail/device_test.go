package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/device"
)

// fails runs the command and returns what it says about its failure.
func fails(t *testing.T, dir string, status int, args ...string) string {
	t.Helper()
	r := heavytailIn(t, dir, args...)
	require.Equal(t, status, r.status, "heavytail %v: %s", args, r.stderr)
	return r.stderr
}

// Every command with -device refuses a GPU that is not there in one line, before it
// writes anything, and takes the CPU by name; the environment holds the default.
func TestDevice(t *testing.T) {
	if gpus, err := device.GPUs(); err == nil && len(gpus) > 0 {
		t.Skip("this machine has a GPU")
	}
	dir := t.TempDir()
	ok(t, dir, "noise", "-law", "isotropic:1.7", "-n", "40", "-d", "2", "-o", "x.npy")
	for _, args := range [][]string{
		{"sample", "-steps", "2", "-n", "1", "-o", "out.png"},
		{"train", "-data", "toy:gmm_grid", "-steps", "1", "-out", "run"},
		{"eval", "-n", "20", "-steps", "2", "npy:x.npy", "model:built-in"},
		{"bench", "unet", "-config", "tiny", "-count", "1"},
	} {
		before := listing(t, dir)
		t.Setenv(device.EnvVar, "")
		for _, given := range []string{"cuda", "cuda:1"} {
			require.Regexp(t, "^heavytail "+args[0]+": -device "+given+": .*(built without -tags cuda|no driver for NVIDIA|shows 0).*compute on the CPU\n$", fails(t, dir, 1, append(args, "-device", given)...))
		}
		require.Contains(t, fails(t, dir, 1, append(args, "-device", "cuda,tf32")...), "-device cuda,tf32: the mode tf32 does not exist yet")
		require.Contains(t, fails(t, dir, 2, append(args, "-device", "gpu")...), `"gpu" is no device: want cpu, or cuda`)
		t.Setenv(device.EnvVar, "cuda")
		require.Contains(t, fails(t, dir, 1, args...), ": HEAVYTAIL_DEVICE cuda: ")
		t.Setenv(device.EnvVar, "tpu")
		require.Contains(t, fails(t, dir, 2, args...), `HEAVYTAIL_DEVICE: "tpu" is no device`)
		require.Equal(t, before, listing(t, dir), args[0])
		if args[0] != "eval" { // whose model is for images
			ok(t, dir, append(args, "-device", "cpu")...)
		}
	}
	require.FileExists(t, filepath.Join(dir, "run", "model.safetensors"))
	require.Regexp(t, "^heavytail noise: -device cuda: .*compute on the CPU\n$", fails(t, dir, 1, "noise", "-device", "cuda", "-o", "z.npy"))
	require.NoFileExists(t, filepath.Join(dir, "z.npy"))
	// What the environment's device need not do is done on the processor.
	t.Setenv(device.EnvVar, "cuda")
	ok(t, dir, "noise", "-law", "isotropic:1.7", "-n", "40", "-d", "2", "-seed", "9", "-o", "y.npy")
	ok(t, dir, "bench", "noise", "-count", "1")
	require.Contains(t, fails(t, dir, 2, "bench", "law", "-device", "cuda"), "bench law times the processor")
	require.Regexp(t, "^heavytail bench: -device cuda: .*compute on the CPU\n$", fails(t, dir, 1, "bench", "noise", "-device", "cuda"))
	t.Setenv(device.EnvVar, "")
	require.Contains(t, fails(t, dir, 2, "eval", "npy:x.npy", "npy:y.npy", "-device", "cpu"), "-device is for samples of a model")
}
