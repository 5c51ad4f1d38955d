package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/gif"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/bench"
	"heavytail/internal/device"
	"heavytail/internal/imageio"
	limits "heavytail/internal/machine"
	"heavytail/internal/npy"
	"heavytail/modelfile"
	"heavytail/output"
)

// longest is more than any command of a test takes, on a slow machine too. 32-bit
// processors emulate the multiply-adds of float64 variates: "bench noise", a minute of
// theirs, took five beside forty other processes.
var longest = func() time.Duration {
	if math.MaxInt == math.MaxInt32 {
		return 20 * time.Minute
	}
	return 5 * time.Minute
}()

// TestMain lets the test binary be the command: tests run it as a process of
// its own, to see exit codes, pipes, signals and memory. One that does not end
// shows what it waits for, and its test fails.
func TestMain(m *testing.M) {
	if os.Getenv("HEAVYTAIL_TEST_COMMAND") == "1" {
		time.AfterFunc(longest, func() {
			debug.SetTraceback("all")
			panic(fmt.Sprintf("%q has run for %v", os.Args[1:], longest))
		})
		main()
		return
	}
	os.Exit(m.Run())
}

// process prepares a run of the command in dir.
func process(dir string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "HEAVYTAIL_TEST_COMMAND=1")
	return c
}

// result is how a run of the command ended.
type result struct {
	status         int
	stdout, stderr string
}

func heavytailIn(t *testing.T, dir string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := process(dir, args...)
	c.Stdout, c.Stderr = &out, &errs
	_ = c.Run()
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

func ok(t *testing.T, dir string, args ...string) result {
	t.Helper()
	r := heavytailIn(t, dir, args...)
	require.Zero(t, r.status, "heavytail %s: %s", strings.Join(args, " "), r.stderr)
	return r
}

// listing returns the names in a folder.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// images writes n small grey images as an .npy file of floats.
func images(t *testing.T, dir string, n int) string {
	t.Helper()
	x := make([]float32, n*8*8)
	for i := range x {
		x[i] = float32(i%17)/8 - 1
	}
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, x, n, 8, 8))
	path := filepath.Join(dir, "images.npy")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	return path
}

// smallNet are flags of a network that trains in no time.
var smallNet = []string{"-width", "8", "-mult", "1,1", "-blocks", "1", "-attention", "none", "-heads", "2", "-batch", "4", "-preview-every", "0"}

// trained makes a folder with a tiny image model in run/ and a tiny point
// model in toy/.
func trained(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	images(t, dir, 10)
	ok(t, dir, append([]string{"train", "-data", "npy:images.npy", "-out", "run", "-steps", "3"}, smallNet...)...)
	ok(t, dir, "train", "-data", "toy:rings", "-points", "200", "-out", "toy", "-steps", "3", "-batch", "20", "-preview-every", "0")
	return dir
}

func TestMistakesAreExplained(t *testing.T) {
	dir := trained(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "junk.safetensors"), []byte("junk"), 0o644))
	whole, err := os.ReadFile(filepath.Join(dir, "run/model.safetensors"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cut.safetensors"), whole[:len(whole)/2], 0o644))
	before := listing(t, dir)
	for _, c := range []struct {
		args   string
		status int
		want   string // in the message
	}{
		{"", 2, "heavytail COMMAND -h"},
		{"dance", 2, "want sample, train, info, convert"},
		{"sample -nonsense", 2, "heavytail sample -h lists the flags"},
		{"sample -n x", 2, "-h lists"},
		{"sample extra", 2, "all settings are flags"},
		{"sample -n 0", 2, "want 1 to"},
		{"sample -seeds 5-3", 2, "ranges such as 0-63,100"},
		{"sample -seeds 0-99999999999", 2, "at most"},
		{"sample -seeds 1 -n 3", 2, "leave out -n"},
		{"sample -steps 1048576", 2, "want 1 to 1048575"},
		{"sample -steps -3", 2, "want 1 or more"},
		{"sample -method euler", 2, "want dlpm, dlim"},
		{"sample -method edm", 2, "method edm with a model of dlpm, α = 1.7; want dlpm, dlim"},
		{"sample -eta 2", 2, "want 0 (deterministic) to 1"},
		{"sample -eta NaN", 2, "-eta NaN: want a number"},
		{"sample -eta 0.5 -method dlpm", 2, "belongs to dlim"},
		{"sample -churn 1,2", 2, "one number or four"},
		{"sample -churn 5", 2, "belongs to edm"},
		{"sample -solver heun", 2, "belongs to edm, flow"},
		{"sample -sigma-max Inf", 2, "want a number"},
		{"sample -nu-coeff x", 2, "want a number"},
		{"sample -clamp-a -1", 2, "want a positive one"},
		{"sample -threads -1", 2, "want 0"},
		{"sample -batch 0", 2, "at least 1"},
		{"sample -class 10", 2, "want 0 to 9"},
		{"sample -class x", 2, "or none"},
		{"sample -o x.jpg", 2, ".png, .gif, .npy or .csv"},
		{"sample -o no/x.png", 2, "make it first"},
		{"sample -weights best", 2, "ema or raw"},
		{"sample -model none.safetensors", 2, "none.safetensors"},
		{"sample -model junk.safetensors", 2, "neither safetensors nor a PyTorch"},
		{"sample -model cut.safetensors", 2, "cut.safetensors"},
		{"sample -model images.npy", 2, "neither safetensors"},
		{"sample -model run/model.safetensors -class 1", 2, "knows no classes"},
		{"sample -model run/model.safetensors -alpha 1.2", 2, "trained with dlpm, α = 1.7"},
		{"sample -model toy/model.safetensors -o pics/", 2, "are points"},
		{"train -out x", 2, "-data is missing"},
		{"train -data toy:rings", 2, "-out is missing"},
		{"train -data toy:moons -out x", 2, "there are checkerboard"},
		{"train -data web:x -out x", 2, "want idx:DIR"},
		{"train -data idx:none -out x", 2, "train-images-idx3-ubyte"},
		{"train -data npy:none.npy -out x", 2, "none.npy"},
		{"train -data npy:junk.safetensors -out x", 2, "not an .npy file"},
		{"train -data toy:rings -out run", 2, "add -resume"},
		{"train -data toy:rings -out x -preset best", 2, "there are fashion, toy"},
		{"train -data toy:rings -out x -preset mnist", 2, "of the preset, are for images, these are points"},
		{"train -data toy:rings -out x -preset fashion", 2, "use -preset toy"},
		{"train -data npy:images.npy -out x -preset toy", 2, "use -preset fashion"},
		{"train -data toy:rings -out x -width 8", 2, "no such setting"},
		{"train -data npy:images.npy -out x -mult 1,1,1,1,1", 2, "multiples of 16"},
		{"train -data npy:images.npy -out x -width 7", 2, "even number"},
		{"train -data toy:rings -out x -alpha 3", 2, "at most 2"},
		{"train -data toy:rings -out x -process best", 2, "there are dlpm, lim, edm"},
		{"train -data toy:rings -out x -process edm -alpha 1.5", 2, "the process is edm, which has no such setting; leave it out, or choose -process dlpm or lim"},
		{"train -data toy:rings -out x -process tedm -nu 2", 2, "nu is 2: use a value above 2"},
		{"train -data toy:rings -out x -process tedm -nu 3,4,5", 2, "one per channel"},
		{"train -data toy:rings -out x -nu 3", 2, "choose -process tedm or tflow"},
		{"train -data toy:rings -out x -process lim -T 50", 2, "choose -process dlpm"},
		{"train -data toy:rings -out x -process flow -target best", 2, "use \"noise\""},
		{"train -data toy:rings -out x -process edm -outer 5", 2, "leave out outer"},
		{"train -data toy:rings -out x -process edm -p-std -1", 2, "use a positive value"},
		{"train -data toy:rings -out x -lr -1", 2, "learning rate"},
		{"train -data toy:rings -out x -lr Inf", 2, "-h lists"},
		{"train -data toy:rings -out x -loss best", 2, "use \"root\""},
		{"train -data toy:rings -out x -ema 1", 2, "EMA rate"},
		{"train -data toy:rings -out x -steps 0", 2, "steps is 0"},
		{"train -data toy:rings -out x -batch 0", 2, "batch is 0"},
		{"train -data toy:rings -out x -save-every 0", 2, "at least 1"},
		{"train -data toy:rings -out x -threads -2", 2, "want 0"},
		{"train -resume -out x", 2, "no checkpoint to resume"},
		{"train -resume -out run -batch 5", 2, "-batch would change train.batch from 4 to 5: leave it out"},
		{"train -resume -out run -data toy:rings", 2, "that the run was started with"},
		{"info none", 2, "none"},
		{"info run", 2, "a folder"},
		{"info junk.safetensors", 2, "neither"},
		{"info a b", 2, "want one at most"},
		{"convert junk.safetensors", 2, "want IN and OUT"},
		{"convert run/model.safetensors x.gguf", 2, ".safetensors, .pt, .pth or .onnx"},
		{"convert run/model.safetensors x.pt -size 28", 2, "leave it out, or write an .onnx"},
		{"convert run/model.safetensors x.onnx -size 0x3", 2, "want pixels such as 32 or 32x64"},
		{"convert run/model.safetensors x.onnx -ema -weights-only", 2, "holds one set of weights"},
		{"convert built-in x.onnx -size 30", 2, "multiples of 4"},
		{"convert run/model.safetensors x.pt -type f8", 2, "want f32, f16 or bf16"},
		{"convert run/model.safetensors x.pt -rate 0.5", 2, "add -ema"},
		{"convert run/model.safetensors x.pt -ema -rate 0.5", 2, "no average with rate 0.5"},
		{"convert cut.safetensors x.pt", 2, "cut.safetensors"},
		{"bench", 2, "want gemm"},
		{"bench gemm conv", 2, "one kind at a run"},
		{"bench unet -config best", 2, "there are"},
		{"bench unet -config 2d", 2, "not a network for images"},
		{"bench gemm -count 0", 2, "-count"},
	} {
		r := heavytailIn(t, dir, strings.Fields(c.args)...)
		require.Equal(t, c.status, r.status, "heavytail %s: %s", c.args, r.stderr)
		require.Contains(t, r.stderr, c.want, "heavytail %s", c.args)
		require.Empty(t, r.stdout, "heavytail %s", c.args)
		if c.args != "" {
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), "heavytail %s: one line: %q", c.args, r.stderr)
			require.True(t, strings.HasPrefix(r.stderr, "heavytail"), r.stderr)
			require.Less(t, len(r.stderr), 400, r.stderr)
		}
	}
	require.Equal(t, before, listing(t, dir), "a mistake left a file behind")
}

func TestHelpHasExamples(t *testing.T) {
	dir := t.TempDir()
	require.Contains(t, ok(t, dir, "-h").stdout, "convert")
	for _, name := range program.Names() {
		r := ok(t, dir, name, "-h")
		require.Contains(t, r.stdout, "examples:\n  heavytail "+name)
		require.Equal(t, name != "version", strings.Contains(r.stdout, "flags:\n  -"))
		require.Empty(t, r.stderr)
		require.Equal(t, r.stdout, ok(t, dir, "help", name).stdout)
	}
}

func TestSampleForms(t *testing.T) {
	dir := trained(t)
	model := []string{"sample", "-model", "run/model.safetensors", "-steps", "3", "-seeds", "4-7,1"}
	with := func(args ...string) []string { return append(append([]string{}, model...), args...) }
	r := ok(t, dir, with("-o", "a.png")...)
	require.Empty(t, r.stdout+r.stderr, "no progress in a pipe")
	ok(t, dir, with("-o", "b.png", "-batch", "2", "-threads", "1")...)
	a, err := os.ReadFile(filepath.Join(dir, "a.png"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "b.png"))
	require.NoError(t, err)
	require.Equal(t, a, b, "batches and threads change nothing")

	var rec output.Recipe
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "a.png").stdout), &rec))
	require.Equal(t, "4-7,1", rec.Seeds)
	require.Equal(t, "model.safetensors", rec.Model)
	require.Equal(t, 3, rec.Steps)
	require.Equal(t, 3, rec.Evaluations)

	// The numbers are those of the picture, and of single pictures.
	ok(t, dir, with("-o", "a.npy")...)
	f, err := os.Open(filepath.Join(dir, "a.npy"))
	require.NoError(t, err)
	defer f.Close()
	x, err := npy.Read(f, 1<<20)
	require.NoError(t, err)
	require.Equal(t, []int{5, 8, 8, 1}, x.Shape)
	ok(t, dir, with("-o", "pics/")...)
	require.Equal(t, []string{"000001.png", "000004.png", "000005.png", "000006.png", "000007.png"}, listing(t, filepath.Join(dir, "pics")))
	grid, err := png.Decode(bytes.NewReader(a))
	require.NoError(t, err)
	one, err := os.ReadFile(filepath.Join(dir, "pics/000001.png"))
	require.NoError(t, err)
	single, err := png.Decode(bytes.NewReader(one))
	require.NoError(t, err)
	require.Equal(t, 8, single.Bounds().Dx())
	for y := range 8 {
		for i := range 8 {
			v := imageio.Byte(x.F32[4*64+y*8+i]) // seed 1 comes last: row 1, column 1
			r, _, _, _ := single.At(i, y).RGBA()
			require.EqualValues(t, v, r>>8)
			r, _, _, _ = grid.At(2+10+i, 2+10+y).RGBA()
			require.EqualValues(t, v, r>>8)
		}
	}
	require.Contains(t, ok(t, dir, "info", "pics/000006.png").stdout, `"seeds": "6"`)

	ok(t, dir, with("-o", "a.gif", "-frames", "3", "-batch", "2")...)
	g, err := os.ReadFile(filepath.Join(dir, "a.gif"))
	require.NoError(t, err)
	film, err := gif.DecodeAll(bytes.NewReader(g))
	require.NoError(t, err)
	require.Len(t, film.Image, 3)
	for _, p := range []string{"p.png", "p.gif", "p.npy"} {
		ok(t, dir, "sample", "-model", "toy/model.safetensors", "-n", "9", "-steps", "3", "-o", p)
	}
	p, err := os.ReadFile(filepath.Join(dir, "p.gif"))
	require.NoError(t, err)
	film, err = gif.DecodeAll(bytes.NewReader(p))
	require.NoError(t, err)
	require.Equal(t, 512, film.Image[0].Bounds().Dx())
}

func TestInfo(t *testing.T) {
	dir := trained(t)
	require.Contains(t, ok(t, dir, "info").stdout, runtime.Version())
	var m bench.Machine
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json").stdout), &m))
	require.Equal(t, min(runtime.GOMAXPROCS(0), limits.Processors()), m.Threads)
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "run/model.safetensors", "-json").stdout), &i))
	require.Equal(t, 3, i.Step)
	require.True(t, i.Resumable && i.HasRecipe)
	require.Equal(t, "npy:images.npy", i.Recipe.Data.Spec)
	require.Positive(t, i.Memory["32"])
	require.Contains(t, ok(t, dir, "info", "built-in").stdout, `"classes": 10`)
}

func TestConvert(t *testing.T) {
	dir := trained(t)
	sample := func(model, out string, more ...string) []byte {
		ok(t, dir, append([]string{"sample", "-model", model, "-n", "2", "-steps", "3", "-o", out}, more...)...)
		b, err := os.ReadFile(filepath.Join(dir, out))
		require.NoError(t, err)
		return b
	}
	want := sample("run/model.safetensors", "0.npy")
	require.NotEqual(t, want, sample("run/model.safetensors", "1.npy", "-weights", "raw"))
	for _, w := range []string{"ema", "0.999"} {
		require.Equal(t, want, sample("run/model.safetensors", "1.npy", "-weights", w), w)
	}
	r := heavytailIn(t, dir, "sample", "-model", "run/model.safetensors", "-weights", "0.5")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "there are raw and 0.999")
	ok(t, dir, "convert", "-weights-only", "run/model.safetensors", "only.safetensors")
	r = heavytailIn(t, dir, "sample", "-model", "only.safetensors", "-weights", "ema")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "the raw ones alone")
	ok(t, dir, "convert", "run/model.safetensors", "a.pt")
	ok(t, dir, "convert", "a.pt", "b.safetensors")
	ok(t, dir, "convert", "-ema", "run/model.safetensors", "ema.safetensors")
	for _, m := range []string{"a.pt", "b.safetensors", "ema.safetensors"} {
		require.Equal(t, want, sample(m, "1.npy"), m)
	}
	ok(t, dir, "convert", "-ema", "-type", "f16", "run/model.safetensors", "half.safetensors")
	ok(t, dir, "convert", "-weights-only", "-type", "bf16", "run/model.safetensors", "raw.safetensors")
	require.NotEqual(t, want, sample("raw.safetensors", "1.npy"))
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "half.safetensors", "-json").stdout), &i))
	require.Equal(t, "F16", i.Storage)
	require.False(t, i.Resumable)
	require.True(t, i.HasRecipe)
	size := func(name string) int64 {
		st, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		return st.Size()
	}
	require.Less(t, size("half.safetensors"), size("run/model.safetensors")/3)
}

// A checkpoint that PyTorch wrote is a model too.
func TestPyTorchFile(t *testing.T) {
	file, err := filepath.Abs("../../nn/testdata/mlp_small.pt")
	require.NoError(t, err)
	dir := t.TempDir()
	require.Contains(t, ok(t, dir, "info", file).stdout, "none in the file; assumed")
	ok(t, dir, "sample", "-model", file, "-alpha", "1.6", "-n", "5", "-steps", "5", "-o", "x.npy")
	ok(t, dir, "convert", file, "x.safetensors")
	ok(t, dir, "sample", "-model", "x.safetensors", "-alpha", "1.6", "-n", "5", "-steps", "5", "-o", "y.npy")
	x, err := os.ReadFile(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	y, err := os.ReadFile(filepath.Join(dir, "y.npy"))
	require.NoError(t, err)
	require.Equal(t, x, y)
}

func TestBenchJSON(t *testing.T) {
	var r bench.Result
	out := ok(t, t.TempDir(), "bench", "unet", "-config", "tiny", "-count", "2", "-json").stdout
	require.NoError(t, json.Unmarshal([]byte(out), &r), "one object")
	require.Positive(t, r.MedianMS)
	require.Positive(t, r.GFlops)
	require.Positive(t, r.Peak)
	require.NotEmpty(t, ok(t, t.TempDir(), "bench", "train", "-config", "tiny", "-count", "1").stdout)
}

// A training killed without warning, again and again, then resumed to its end
// leaves the same model and the same log as one that ran through.
func TestKilledTrainingEndsWithTheSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	dir := t.TempDir()
	args := func(out string) []string {
		return []string{"train", "-data", "toy:gmm_grid", "-points", "500", "-steps", "300", "-batch", "64", "-save-every", "10", "-log-every", "5",
			"-preview-every", "0", "-out", out}
	}
	ok(t, dir, args("whole")...)
	want, err := os.ReadFile(filepath.Join(dir, "whole/model.safetensors"))
	require.NoError(t, err)
	kills := 0
	for wait := 20 * time.Millisecond; ; wait += 10 * time.Millisecond {
		c := process(dir, append(args("killed"), "-resume")...)
		require.NoError(t, c.Start())
		timer := time.AfterFunc(wait, func() { _ = c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		kills++
		require.Less(t, kills, 500)
	}
	t.Logf("killed %d times", kills)
	require.Positive(t, kills)
	got, err := os.ReadFile(filepath.Join(dir, "killed/model.safetensors"))
	require.NoError(t, err)
	require.Equal(t, want, got)
	lines := func(run string) []string {
		b, err := os.ReadFile(filepath.Join(dir, run, "log.csv"))
		require.NoError(t, err)
		var out []string
		for _, l := range strings.Split(string(b), "\n") {
			out = append(out, strings.Join(strings.SplitN(l, ",", 5)[:min(4, strings.Count(l, ",")+1)], ","))
		}
		return out
	}
	require.Equal(t, lines("whole"), lines("killed"))
}

// info says which GPUs there are, or why there are none.
func TestInfoGPUs(t *testing.T) {
	dir := t.TempDir()
	var m bench.Machine
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json").stdout), &m))
	text := ok(t, dir, "info").stdout
	if len(m.GPUs) == 0 {
		require.NotEmpty(t, m.NoGPUs)
		require.Contains(t, text, "\nGPU        none: "+m.NoGPUs+"\n")
	}
	for i, g := range m.GPUs {
		require.Equal(t, i, g.Number)
		require.Contains(t, text, "\n"+device.Spec{GPU: true, Number: i}.String())
		require.Contains(t, text, g.Name+", capability "+g.Capability)
	}
}
