package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/internal/device"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// onInterpreter lets -device cuda be the interpreter of the GPU's kernels. Before
// every call of its driver it asks fail, if there is one.
func onInterpreter(t *testing.T, fail func(call string) error) {
	t.Helper()
	was := openDevice
	t.Cleanup(func() { openDevice = was })
	modes := map[device.Mode]cuda.Mode{device.TF32: cuda.TF32, device.BF16: cuda.BF16}
	openDevice = func(s device.Spec, threads int) (tensor.Device, error) {
		if !s.GPU {
			return was(s, threads)
		}
		return cuda.New(cudatest.New(cudatest.Config{Fail: fail}), cuda.Options{Mode: modes[s.Mode], Segment: 1 << 16})
	}
}

// here runs a command in this process.
func here(t *testing.T, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	status := program.Run(t.Context(), env{Stdout: &out, Stderr: &errs}, args)
	return result{status, out.String(), errs.String()}
}

// smallTraining is a run of a small network on points.
func smallTraining(out string, more ...string) []string {
	return append(strings.Fields("train -data toy:rings -points 60 -batch 4 -schedule constant -warmup 1 -preview-every 0 -out "+out), more...)
}

// Training, evaluation and sampling with -device cuda write the files of the CPU, to
// the byte.
func TestCommandsOnADevice(t *testing.T) {
	t.Chdir(t.TempDir())
	onInterpreter(t, nil)
	for _, on := range []string{"cpu", "cuda"} {
		for _, args := range [][]string{
			smallTraining(on, "-steps", "2"), {"train", "-resume", "-steps", "3", "-out", on, "-preview-every", "0"},
			strings.Fields("eval toy:rings model:" + on + "/model.safetensors -n 20 -steps 2 -json " + on + "/eval.json"),
			strings.Fields("sample -model " + on + "/model.safetensors -n 3 -steps 2 -o " + on + "/x.npy"),
		} {
			r := here(t, append(args, "-device", on)...)
			require.Zero(t, r.status, r.stderr)
		}
	}
	for _, name := range []string{train.ModelFile, "eval.json", "x.npy"} {
		got := strings.ReplaceAll(readFile(t, "cuda", name), "model:cuda/", "model:cpu/")
		require.Equal(t, readFile(t, "cpu", name), strings.ReplaceAll(got, `"cuda/model`, `"cpu/model`), name)
	}
}

// A training remembers the mode in which it rounds, and goes on in another one only
// where -device asks for it; then the recipe says from which step on.
func TestModeOfATraining(t *testing.T) {
	t.Chdir(t.TempDir())
	onInterpreter(t, nil)
	t.Setenv(device.EnvVar, "")
	good := func(args ...string) string {
		r := here(t, args...)
		require.Zero(t, r.status, r.stderr)
		return r.stderr
	}
	more := func(steps string, flags ...string) []string {
		return append([]string{"train", "-resume", "-out", "run", "-preview-every", "0", "-steps", steps}, flags...)
	}
	saved := func() recipe.Train { return savedRecipe(t, "run", train.ModelFile).Train }
	good(smallTraining("run", "-steps", "1", "-device", "cuda,bf16")...)
	require.Equal(t, "bf16", saved().Mode)

	before := readFile(t, "run", train.ModelFile)
	r := here(t, more("2")...)
	require.Equal(t, 2, r.status)
	require.Regexp(t, "the steps of the run, 1 so far, are rounded .bf16., those on cpu .* would be exact, with other bytes: -device cuda,bf16 goes on", r.stderr)
	t.Setenv(device.EnvVar, "cuda,tf32")
	require.Contains(t, here(t, more("2")...).stderr, "would be rounded (tf32)")
	require.Equal(t, before, readFile(t, "run", train.ModelFile))

	t.Setenv(device.EnvVar, "cuda,bf16")
	require.NotContains(t, good(more("2")...), "until then")
	require.Empty(t, saved().Changes)
	t.Setenv(device.EnvVar, "")
	require.Contains(t, good(more("3", "-device", "cpu")...), "exact from step 3 on, rounded (bf16) until then")
	require.NotContains(t, good(more("4")...), "until then")
	good(more("5", "-device", "cuda,tf32")...)
	require.Equal(t, "tf32", saved().Mode)
	require.Equal(t, []recipe.Change{{Step: 2, Field: "train.mode", Text: "bf16"}, {Step: 4, Field: "train.mode"}}, saved().Changes)

	good(smallTraining("anew", "-from", filepath.Join("run", train.ModelFile), "-steps", "1")...)
	require.Empty(t, savedRecipe(t, "anew", train.ModelFile).Train.Mode, "a new run is as its device")
	good(strings.Fields("eval toy:rings model:anew/model.safetensors -n 20 -steps 2 -json eval.json -device cuda,bf16")...)
	require.Contains(t, readFile(t, "eval.json"), `"mode": "bf16"`)
}

// Where a GPU fails, at the start, in the middle or at the end, training and
// evaluation return its error, and leave whole files or none: package cuda lets every
// call fail in turn.
func TestCommandsWhereAGPUFails(t *testing.T) {
	t.Chdir(t.TempDir())
	cause := errors.New("CUDA_ERROR_ILLEGAL_ADDRESS")
	left, calls := 0, 0
	onInterpreter(t, func(string) error {
		calls++
		if left--; left == 0 {
			return cause
		}
		return nil
	})
	r := here(t, smallTraining("begun", "-steps", "1", "-device", "cpu")...)
	require.Zero(t, r.status, r.stderr)
	model := readFile(t, "begun", train.ModelFile)
	for name, args := range map[string][]string{
		"a new run": smallTraining("run", "-steps", "1", "-device", "cuda"),
		"resumed":   strings.Fields("train -resume -steps 2 -preview-every 0 -out begun -device cuda"),
		"eval":      strings.Fields("eval toy:rings model:begun/model.safetensors -n 20 -steps 2 -json eval.json -device cuda"),
	} {
		left, calls = 0, 0
		require.NoError(t, os.RemoveAll("eval.json"))
		require.NoError(t, os.WriteFile(filepath.Join("begun", train.ModelFile), []byte(model), 0o666))
		require.Zero(t, here(t, args...).status, name)
		all := calls
		want, err := os.ReadFile("eval.json")
		require.Equal(t, name == "eval", err == nil)
		for part := range 4 {
			n := 1 + part*(all-1)/3
			for _, old := range []string{"run", "eval.json"} {
				require.NoError(t, os.RemoveAll(old))
			}
			require.NoError(t, os.WriteFile(filepath.Join("begun", train.ModelFile), []byte(model), 0o666))
			left = n
			r := here(t, args...)
			require.Equal(t, 75, r.status, "%s, call %d of %d", name, n, all)
			require.Contains(t, r.stderr, cause.Error(), "%s, call %d of %d", name, n, all)
			require.NoFileExists(t, "eval.json")
		}
		left = 0
		require.NoError(t, os.RemoveAll("run"))
		require.Zero(t, here(t, args...).status, "%s afterwards", name)
		again, _ := os.ReadFile("eval.json")
		require.Equal(t, want, again)
		t.Log(name, all, "calls")
	}
}
