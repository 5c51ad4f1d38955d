package heavytail_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/bench"
	"heavytail/data"
	"heavytail/eval"
	"heavytail/fashion"
	"heavytail/modelfile"
	"heavytail/output"
	"heavytail/recipe"
	"heavytail/stable/laws"
	"heavytail/tails"
	"heavytail/train"
)

// TestWhatIsMissingIsSaid: a nil context, and what else only a mistake of the program
// leaves out, is a panic that says so where the program calls, and no nil dereference
// below it.
func TestWhatIsMissingIsSaid(t *testing.T) {
	var none context.Context
	ctx := t.Context()
	m, err := fashion.Model()
	require.NoError(t, err)
	set, err := data.FromPoints(make([]float32, 200), 2)
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	_, err = train.Prepare(&r, set)
	require.NoError(t, err)
	tr, err := train.New(nil, set, r)
	require.NoError(t, err)
	dir := t.TempDir()
	table := filepath.Join(dir, "a.csv")
	require.NoError(t, os.WriteFile(table, []byte("1,2\n3,4\n"), 0o600))
	kept := filepath.Join(dir, "parts")
	parts := func() *output.Samples {
		s, err := output.Of(m, heavytail.Options{N: 2, Steps: 1, Method: "dlim"})
		require.NoError(t, err)
		return s
	}
	_, err = parts().WritePart(ctx, kept, output.Share{Of: 1}, false)
	require.NoError(t, err)
	law, err := laws.New("normal", laws.Options{})
	require.NoError(t, err)
	values := laws.Values{Maker: law}
	points := make([]float64, 100)
	for name, f := range map[string]func(){
		"data.Open":             func() { _, _ = data.Open(none, "csv:"+table, data.Options{}) },
		"data.ReadValues":       func() { _, _ = data.ReadValues(none, table, []int{2}, nil) },
		"data.ReadMask":         func() { _, _, _ = data.ReadMask(none, table, []int{2}, nil) },
		"data.ReadConditions":   func() { _, _ = data.ReadConditions(none, table, []string{"a"}) },
		"modelfile.Open":        func() { _, _ = modelfile.Open(none, table) },
		"modelfile.File.Sum":    func() { _, _ = modelfile.Bytes("x", fashion.File()).Sum(none) },
		"output.WriteArray":     func() { _ = parts().WriteArray(none, io.Discard) },
		"output.File.Write":     func() { _ = (&output.File{Path: filepath.Join(dir, "a.png")}).Write(none, parts()) },
		"output.WritePart":      func() { _, _ = parts().WritePart(none, kept, output.Share{Of: 1}, false) },
		"output.Open":           func() { _, _ = output.Open(none, kept) },
		"train.Start.In":        func() { _, _ = train.Start{Data: "csv:" + table, Preset: "toy"}.In(none, filepath.Join(dir, "run")) },
		"train.Start.Dry":       func() { _, _ = train.Start{Data: "csv:" + table, Preset: "toy"}.Dry(none, filepath.Join(dir, "run")) },
		"train.OpenSource":      func() { _, _ = train.OpenSource(none, table) },
		"train.Open":            func() { rec := r.Clone(); rec.Data.Spec = "csv:" + table; _, _ = train.Open(none, &rec) },
		"train.Open of nothing": func() { _, _ = train.Open(ctx, nil) },
		"train.Fit":             func() { _, _ = train.Fit(none, r, set, train.Options{}) },
		"train.Steps": func() {
			for range train.Steps(none, r, set, train.Options{}) {
			}
		},
		"train.Run.Do":       func() { _ = (&train.Run{}).Do(none, tr) },
		"train.Run.Describe": func() { _ = (&train.Run{}).Describe(none, io.Discard, tr) },
		"eval.Points":        func() { _, _ = eval.Points(none, points, points, 2, []int{0}, nil, eval.Defaults()) },
		"eval.Points, no name": func() {
			_, _ = eval.Points(ctx, points, points, 2, []int{0}, nil, eval.Defaults())
		},
		"eval.Images": func() {
			_, _ = eval.Images(none, make([]float32, 784*20), make([]float32, 784*20), []int{28, 28, 1}, eval.Defaults())
		},
		"eval.Draw":           func() { _, _ = eval.Draw(none, set, m, heavytail.Options{}, 20, "a", "b", nil) },
		"eval.Draw, no set":   func() { _, _ = eval.Draw(ctx, nil, m, heavytail.Options{}, 20, "a", "b", nil) },
		"eval.Densities":      func() { _ = eval.Densities(none, m, set, heavytail.DensityOptions{}, nil) },
		"eval.WriteDensities": func() { _, _ = eval.WriteDensities(none, io.Discard, m, set, heavytail.DensityOptions{}, nil) },
		"eval.OpenArray":      func() { _, _ = eval.OpenArray(none, table) },
		"tails.Look":          func() { _, _ = tails.Look(none, set, nil, 0) },
		"laws.Values.Stream":  func() { _ = values.Stream(none, 0, 1, func(int, []float32) error { return nil }) },
		"bench.Run":           func() { _ = bench.Run(none, "gemm", bench.Options{}, func(bench.Result) error { return nil }) },
		"bench.Layers":        func() { _, _ = bench.Layers(none, bench.Options{}, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				p := recover()
				require.NotNil(t, p, "no panic")
				_, raw := p.(runtime.Error)
				require.False(t, raw, "%v", p)
				require.Regexp(t, "context|without|: false", fmt.Sprint(p))
			}()
			f()
		})
	}
}
