package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
	"heavytail/stable"
)

// writePoints writes n Student points of the plane, the second column times
// scale, as CSV or NPY.
func writePoints(t *testing.T, path string, seed uint64, n int, nu, scale float64) {
	t.Helper()
	x, s := make([]float32, 2*n), stable.Key{Seed: seed}
	s.Normal(x, 0)
	var text strings.Builder
	text.WriteString("x,y\n")
	for i := range n {
		for k := range 2 {
			x[2*i+k] = float32(float64(x[2*i+k]) / math.Sqrt(stable.Key{Seed: seed, Sample: uint64(i)}.Kappa(nu, 0)))
		}
		x[2*i+1] *= float32(scale)
		fmt.Fprintf(&text, "%g,%g\n", x[2*i], x[2*i+1])
	}
	if strings.HasSuffix(path, ".csv") {
		require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o644))
		return
	}
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, npy.Write(f, x, n, 2))
	require.NoError(t, f.Close())
}

// Columns of the same names in another order were taken by their places: compared
// with each other, started from, and trained on with another model's scaling.
func TestColumnsInAnotherOrder(t *testing.T) {
	dir := t.TempDir()
	table := func(name, head, row string) {
		text := head + "\n"
		for i := range 60 {
			text += fmt.Sprintf(row+"\n", i%7, 100+i%11)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	table("ab.csv", "a,b", "%[1]d,%[2]d")
	table("ba.csv", "b,a", "%[2]d,%[1]d")
	table("xy.csv", "x,y", "%[1]d,%[2]d")
	ok(t, dir, "train", "-data", "csv:ba.csv", "-out", "ba", "-steps", "2", "-batch", "8", "-warmup", "1", "-preview-every", "0")
	model := "ba/model.safetensors"
	for _, args := range [][]string{
		{"eval", "%s", "ba.csv"}, {"eval", "%s", "model:" + model, "-n", "40", "-steps", "3"},
		{"sample", "-model", model, "-init", "%s", "-n", "60", "-steps", "3", "-o", "x.csv"},
		{"train", "-from", model, "-data", "csv:%s", "-out", "run", "-steps", "2", "-batch", "8", "-warmup", "1", "-preview-every", "0"},
	} {
		with := func(table string) []string {
			return strings.Split(strings.ReplaceAll(strings.Join(args, " "), "%s", table), " ")
		}
		r := heavytailIn(t, dir, with("ab.csv")...)
		require.NotZero(t, r.status, "%v", args)
		require.Contains(t, r.stderr, "are known by their places", "%v", args)
		require.NoDirExists(t, filepath.Join(dir, "run"))
		ok(t, dir, with("ba.csv")...)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "run")))
		ok(t, dir, with("xy.csv")...) // other words, perhaps
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "run")))
	}
}

// The numbers of a checkpoint's raw and averaged weights differ, and the report
// names them. The toy run's average of rate 0.9 has the whole of its start.
func TestEvalWeights(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, "train", "-data", "toy:rings", "-points", "200", "-out", "toy", "-steps", "5", "-batch", "20", "-ema", "0.5,0.9", "-ema-warmup", "0", "-preview-every", "0")
	seen := map[string]string{}
	for _, w := range []string{"", "ema", "raw", "0.5", "0.9"} {
		e, _, table := evaluate(t, dir, "toy:rings", "model:toy/model.safetensors", "-n", "40", "-steps", "3", "-weights", w)
		require.Equal(t, w, e.Generated.Weights)
		require.Contains(t, table, w)
		seen[w] = fmt.Sprint(e.Columns)
	}
	require.Equal(t, seen[""], seen["ema"])
	require.Equal(t, seen[""], seen["0.9"])
	require.NotEqual(t, seen["0.9"], seen["0.5"])
	require.NotEqual(t, seen["0.9"], seen["raw"])
	require.NotEqual(t, seen["0.5"], seen["raw"])
	for want, args := range map[string][]string{
		"there are raw and 0.5, 0.9": {"model:toy/model.safetensors", "-weights", "0.7"},
		"want ema or raw":            {"model:toy/model.safetensors", "-weights", "best"},
		"toy:grid is none":           {"toy:grid", "-weights", "raw"},
	} {
		require.Contains(t, heavytailIn(t, dir, append([]string{"eval", "toy:rings"}, args...)...).stderr, want)
	}
}

// evaluated is the part of eval's JSON that tests look at.
type evaluated struct {
	Kind, Extractor string
	Used            int
	Generated       struct {
		Model, Method, Classes, Weights string
		Samples, Steps                  int
	}
	Metrics []struct {
		Name  string
		Value *float64
	}
	Columns []map[string]any
	Notes   []string
}

func (e evaluated) value(t *testing.T, name string) float64 {
	t.Helper()
	for _, m := range e.Metrics {
		if m.Name == name {
			require.NotNil(t, m.Value, name)
			return *m.Value
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// evaluate runs eval and returns its JSON and its table.
func evaluate(t *testing.T, dir string, args ...string) (e evaluated, raw, table string) {
	t.Helper()
	table = ok(t, dir, append([]string{"eval", "-json", "eval.json"}, args...)...).stdout
	text, err := os.ReadFile(filepath.Join(dir, "eval.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &e))
	return e, string(text), table
}

func TestEvalPoints(t *testing.T) {
	dir := t.TempDir()
	writePoints(t, filepath.Join(dir, "real.csv"), 1, 3000, 5, 1)
	writePoints(t, filepath.Join(dir, "same.npy"), 2, 3000, 5, 1)
	writePoints(t, filepath.Join(dir, "wide.npy"), 2, 4000, 5, 3)
	same, raw, table := evaluate(t, dir, "csv:real.csv", "same.npy")
	require.Equal(t, "points", same.Kind)
	require.Equal(t, 3000, same.Used)
	require.Greater(t, same.value(t, "prd_f1"), 0.9)
	require.Less(t, same.value(t, "mmd"), 0.01)
	require.Len(t, same.Columns, 3)
	require.Equal(t, "norm", same.Columns[2]["column"])
	for _, word := range []string{"precision, PRD F1/8", "sliced Wasserstein", "Q.999 ratio", "norm", "3000 samples"} {
		require.Contains(t, table, word)
	}
	_, again, _ := evaluate(t, dir, "csv:real.csv", "same.npy", "-threads", "1")
	require.Equal(t, raw, again, "one seed, one result")
	_, other, _ := evaluate(t, dir, "csv:real.csv", "same.npy", "-seed", "1")
	require.NotEqual(t, raw, other)

	wide, _, _ := evaluate(t, dir, "real.csv", "wide.npy", "-columns", "1", "-q", "0.9", "-n", "2500", "-pairs", "500")
	require.Equal(t, 2500, wide.Used)
	require.Less(t, wide.value(t, "prd_f1"), same.value(t, "prd_f1")-0.05)
	require.Greater(t, wide.value(t, "sliced_wasserstein"), 5*same.value(t, "sliced_wasserstein"))
	require.Greater(t, wide.value(t, "mmd"), 0.01)
	require.Len(t, wide.Columns, 2)
	require.InDelta(t, 3, wide.Columns[0]["quantile_ratio_99"], 0.8)
	require.InDelta(t, 1.2, wide.Columns[0]["msle_mean"], 0.5) // (ln 3)²
}

// TestEvalSmallWithNulls: what a sample does not allow is null, not an error.
func TestEvalSmallWithNulls(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.csv"), []byte(strings.Repeat("1\n", 15)+strings.Repeat("2\n", 15)), 0o644))
	e, raw, _ := evaluate(t, dir, "a.csv", "a.csv")
	require.Zero(t, e.value(t, "sliced_wasserstein"))
	require.Nil(t, e.Columns[0]["hill_real"])
	require.Contains(t, raw, `"tail_ks": null`)
	require.Len(t, e.Columns, 1, "one column has no norm of its own")
}

func TestEvalImages(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, "sample", "-n", "24", "-steps", "2", "-seed", "5", "-o", "real.npy")
	ok(t, dir, "sample", "-n", "24", "-steps", "2", "-o", "pictures/")
	ok(t, dir, "sample", "-n", "24", "-steps", "2", "-o", "drawn.npy")
	files, _, table := evaluate(t, dir, "real.npy", "images:pictures")
	require.Equal(t, "images", files.Kind)
	require.Equal(t, "heavytail/fashion-classifier-1", files.Extractor)
	require.Contains(t, table, "features   heavytail/fashion-classifier-1")
	require.Positive(t, files.value(t, "frechet"))
	// Numbers, 8-bit files and the model itself are the same samples.
	numbers, _, _ := evaluate(t, dir, "real.npy", "npy:drawn.npy")
	require.Equal(t, files.Metrics, numbers.Metrics)
	model, _, table := evaluate(t, dir, "real.npy", "model:", "-steps", "2")
	require.Equal(t, files.Metrics, model.Metrics)
	require.Equal(t, "built-in", model.Generated.Model)
	require.Equal(t, "dlim", model.Generated.Method)
	require.Equal(t, "in turn", model.Generated.Classes)
	require.Contains(t, table, "24 samples by dlim in 2 steps, 2 evaluations, seed 0, classes in turn")
	moved, _, _ := evaluate(t, dir, "real.npy", "model:", "-steps", "2", "-seed", "5")
	require.InDelta(t, 0, moved.value(t, "frechet"), 1e-6, "the same samples")
	require.Equal(t, 1.0, moved.value(t, "coverage"))

	small, _, _ := evaluate(t, dir, "images:pictures", "images:pictures", "-size", "14")
	require.Equal(t, "heavytail/random-features-1", small.Extractor)
	require.Zero(t, small.value(t, "pixel_ks"))
	require.InDelta(t, 0, small.value(t, "frechet"), 1e-6)
	random, _, _ := evaluate(t, dir, "real.npy", "npy:drawn.npy", "-extractor", "random")
	require.Equal(t, small.Extractor, random.Extractor)
	require.Positive(t, random.value(t, "frechet"))
	r := heavytailIn(t, dir, "eval", "images:pictures", "images:pictures", "-size", "14", "-extractor", "fashion")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "-extractor random")
}

func TestEvalErrors(t *testing.T) {
	dir := t.TempDir()
	writePoints(t, filepath.Join(dir, "a.csv"), 1, 30, 5, 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "few.csv"), []byte("1,2\n3,4\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "one.csv"), []byte(strings.Repeat("1\n", 30)), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.safetensors"), []byte("nothing"), 0o644))
	for _, c := range []struct {
		args   string
		status int
		text   string
	}{
		{"a.csv", 2, "want REAL and GENERATED"},
		{"a.csv gone.csv", 2, "gone.csv"},
		{"a.csv few.csv", 2, "few.csv 2: want at least 20 of each"},
		{"a.csv one.csv", 2, "give sets of the same columns"},
		{"a.csv model:", 2, "the model built-in makes [28 28 1]"},
		{"a.csv m.safetensors", 2, "model m.safetensors: a text, no model: neither safetensors nor"},
		{"a.csv model:gone.pt", 2, "gone.pt"},
		{"a.csv a.csv -n 3", 2, "-n 3: want 0 or at least 20"},
		{"a.csv a.csv -k 20", 2, "-k 20: want 1 to 19"},
		{"a.csv a.csv -xi 1", 2, "-xi 1"},
		{"a.csv a.csv -q NaN", 2, "-q NaN"},
		{"a.csv a.csv -columns 2", 2, "no column 2"},
		{"a.csv a.csv -json no/x.json", 2, "there is no folder no"},
		{"one.csv toy:nothing", 2, "nothing"},
	} {
		r := heavytailIn(t, dir, append([]string{"eval"}, strings.Fields(c.args)...)...)
		require.Equal(t, c.status, r.status, "%s: %s", c.args, r.stderr)
		require.Contains(t, r.stderr, c.text, c.args)
		require.NoFileExists(t, filepath.Join(dir, "eval.json"))
	}
}

// A signal ends eval within a metric that takes long.
func TestUntilDone(t *testing.T) {
	full := errors.New("full")
	require.ErrorIs(t, untilDone(t.Context(), func() error { return full }), full)
	require.NoError(t, untilDone(t.Context(), func() error { return nil }))
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	err := untilDone(ctx, func() error { cancel(); <-release; return nil })
	require.ErrorIs(t, err, context.Canceled)
}

// TestEvalFarFromZero: points around 2³⁰ compare as the same points around 0, for
// which float32 has no digits left there.
func TestEvalFarFromZero(t *testing.T) {
	dir := t.TempDir()
	var got [2]evaluated
	for i, loc := range []float64{0, 1 << 30} {
		for _, file := range []struct {
			name string
			nu   float64
		}{{"real", 3}, {"gen", 5}} {
			a, b := studentValues(300, file.nu), studentValues(600, file.nu)[300:]
			move := func(_ int, v float64) float64 { return loc + math.Round(v*(1<<16))/(1<<16) } // exact
			table(t, filepath.Join(dir, file.name+".csv"), "x,y", mapped(a, move), mapped(b, move))
		}
		got[i], _, _ = evaluate(t, dir, "csv:real.csv", "csv:gen.csv")
	}
	require.Equal(t, got[0].Metrics, got[1].Metrics)
	require.Equal(t, got[0].Columns, got[1].Columns)
}

// TestEvalUnits: a column counts in the metrics of all columns whatever its unit.
func TestEvalUnits(t *testing.T) {
	dir := t.TempDir()
	table := func(name string, small, big float64, wrong bool) {
		var b strings.Builder
		for i := range 400 {
			u, v := math.Sin(float64(i*i)), math.Cos(float64(3*i*i))
			if wrong {
				u = 50*u + 3
			}
			fmt.Fprintf(&b, "%v,%v\n", small*u, big*v)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644))
	}
	table("a.csv", 0.01, 1e6, false)
	table("b.csv", 0.01, 1e6, true)
	table("c.csv", 1e6, 1e6, false)
	table("d.csv", 1e6, 1e6, true)
	e, _, _ := evaluate(t, dir, "a.csv", "b.csv")
	require.Less(t, e.value(t, "coverage"), 0.5)
	require.Greater(t, e.value(t, "mmd"), 0.1)
	same, _, _ := evaluate(t, dir, "c.csv", "d.csv")
	for _, name := range []string{"prd_f1", "coverage", "mmd", "sliced_wasserstein"} {
		require.InDelta(t, same.value(t, name), e.value(t, name), 1e-5, name)
	}
}
