package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/bench"
	"heavytail/internal/cli"
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
		for _, given := range []string{"cuda", "cuda:1", "cuda,tf32", "cuda:1,bf16"} {
			require.Regexp(t, "^heavytail "+args[0]+": -device "+given+": .*(built without -tags cuda|no driver for NVIDIA|shows 0).*compute on the CPU\n$", fails(t, dir, 2, append(args, "-device", given)...))
		}
		several := fails(t, dir, 2, append(args, "-device", "cuda:0+1")...)
		require.Equal(t, args[0] == "train" || args[0] == "bench", strings.Contains(several, "-device cuda:0+1: only sampling divides its work between several GPUs: give one, such as cuda"), several)
		require.Contains(t, fails(t, dir, 2, append(args, "-device", "gpu")...), `"gpu" is no device: want cpu, or cuda`)
		t.Setenv(device.EnvVar, "cuda")
		require.Contains(t, fails(t, dir, 2, args...), ": HEAVYTAIL_DEVICE cuda: ")
		t.Setenv(device.EnvVar, "tpu")
		require.Contains(t, fails(t, dir, 2, args...), `HEAVYTAIL_DEVICE: "tpu" is no device`)
		require.Equal(t, before, listing(t, dir), args[0])
		if args[0] != "eval" { // whose model is for images
			ok(t, dir, append(args, "-device", "cpu")...)
		}
	}
	require.FileExists(t, filepath.Join(dir, "run", "model.safetensors"))
	require.Regexp(t, "^heavytail noise: -device cuda: .*compute on the CPU\n$", fails(t, dir, 2, "noise", "-device", "cuda", "-o", "z.npy"))
	require.NoFileExists(t, filepath.Join(dir, "z.npy"))
	// What the environment's device need not do is done on the processor.
	t.Setenv(device.EnvVar, "cuda")
	ok(t, dir, "noise", "-law", "isotropic:1.7", "-n", "40", "-d", "2", "-seed", "9", "-o", "y.npy")
	ok(t, dir, "bench", "noise", "-count", "1")
	require.Contains(t, fails(t, dir, 2, "bench", "law", "-device", "cuda"), "bench law times the processor")
	require.Regexp(t, "^heavytail bench: -device cuda: .*compute on the CPU\n$", fails(t, dir, 2, "bench", "noise", "-device", "cuda"))
	t.Setenv(device.EnvVar, "")
	require.Contains(t, fails(t, dir, 2, "eval", "npy:x.npy", "npy:y.npy", "-device", "cpu"), "-device is for samples of a model")
}

// bench cuda times every operation that cuda/bench/torch_ref.py times beside it, and
// names sizes that the script knows.
func TestBenchCuda(t *testing.T) {
	if testing.Short() {
		t.Skip("large products")
	}
	script, err := os.ReadFile("../../cuda/bench/torch_ref.py")
	require.NoError(t, err)
	_, list, ok1 := strings.Cut(string(script), "CASES = {")
	list, _, ok2 := strings.Cut(list, "}")
	require.True(t, ok1 && ok2)
	theirs := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(list, -1) {
		theirs[m[1]] = true
	}
	delete(theirs, "normal") // which the CPU's device does not make
	ours := map[string]bool{}
	for line := range strings.Lines(ok(t, t.TempDir(), "bench", "cuda", "-device", "cpu", "-config", "tiny", "-count", "1", "-json").stdout) {
		var r bench.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.Greater(t, r.MedianMS, 0.0)
		require.Equal(t, "exact", r.Mode)
		ours[r.Op] = true
		for name := range r.Shape {
			if name != "normalized" {
				require.Regexp(t, `s\["`+name+`"\]|s\.get\("`+name+`"`, string(script))
			}
		}
	}
	require.Equal(t, theirs, ours)
}

// A retry elsewhere mends that a machine has no GPU, but not a program that knows none.
func TestMissingGPU(t *testing.T) {
	spec, err := device.Parse("cuda")
	require.NoError(t, err)
	none := notOpened("-device", spec, errors.New("no driver"))
	require.EqualError(t, none, "-device cuda: no driver")
	require.Equal(t, device.Built, cli.Passes(none))
}
