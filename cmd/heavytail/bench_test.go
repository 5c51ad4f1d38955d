package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/bench"
	"heavytail/internal/numtest"
)

// results reads what bench -json printed.
func results(t *testing.T, text string) (out []bench.Result) {
	t.Helper()
	for line := range strings.Lines(text) {
		var r bench.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		out = append(out, r)
	}
	return out
}

// The rows of -layers add up to the pass: in time, operations and shares, whether one
// thread, all threads together or each alone computes.
func TestBenchLayers(t *testing.T) {
	dir := t.TempDir()
	for _, flags := range [][]string{{"-batch", "1"}, {"-batch", "1", "-threads", "2"}, {"-batch", "6", "-threads", "2", "-config", "fashion"}} {
		args := append([]string{"bench", "unet", "-config", "tiny", "-layers", "-json", "-count", "3"}, flags...)
		all := results(t, ok(t, dir, args...).stdout)
		require.Greater(t, len(all), 10)
		whole, rows := all[len(all)-1], all[:len(all)-1]
		require.Equal(t, "waiting and copies", rows[len(rows)-1].Name)
		require.GreaterOrEqual(t, rows[len(rows)-1].MedianMS, 0.0, "the threads' operations took longer than the pass")
		var ms, share, flops float64
		names := map[string]bool{}
		for _, r := range rows {
			require.False(t, names[r.Name], r.Name)
			names[r.Name] = true
			ms, share, flops = ms+r.MedianMS, share+r.Share, flops+r.GFlops*r.MedianMS
		}
		require.InEpsilon(t, whole.MedianMS, ms, 1e-9)
		require.InEpsilon(t, 1, share, 1e-9)
		require.InEpsilon(t, whole.GFlops*whole.MedianMS, flops, 1e-9)
		text := strings.Join(func() (s []string) {
			for _, r := range rows {
				s = append(s, r.Name)
			}
			return s
		}(), "\n")
		for _, want := range []string{"convolution 3×3", "convolution 3×3/2", "direct", "group norm", "linear", "attention"} {
			require.Contains(t, text, want)
		}
	}
}

// The roofline has a dot for every row of products.
func TestBenchRoofline(t *testing.T) {
	dir := t.TempDir()
	all := results(t, ok(t, dir, "bench", "unet", "-config", "tiny", "-layers", "-json", "-count", "1", "-roofline", "r.svg").stdout)
	products, kinds := 0, map[string]bool{}
	for _, r := range all[:len(all)-1] {
		if r.GFlops > 0 {
			products++
			kinds[strings.Fields(r.Name)[0]] = true
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "r.svg"))
	require.NoError(t, err)
	dots := numtest.Elements(t, string(svg))["circle"]
	require.GreaterOrEqual(t, dots, products+2*len(kinds), "dots of the rows, and two for each kind in the legend")
	require.Contains(t, string(svg), "GB/s")
}

// -compare prints the time of the same case in an earlier run beside the new one.
func TestBenchCompare(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	run := func(flags ...string) []bench.Result {
		return results(t, ok(t, dir, append([]string{"bench", "unet", "-config", "tiny", "-count", "1", "-json"}, flags...)...).stdout)
	}
	before := run()[0]
	require.Zero(t, before.BeforeMS)
	before.MedianMS, before.Device = 1e6, "cpu of yesterday"
	line, err := json.Marshal(before)
	require.NoError(t, err)
	write("before.json", `{"name":"another","median_ms":1}`+"\n"+string(line)+"\n")
	r := run("-compare", "before.json")[0]
	require.Equal(t, 1e6, r.BeforeMS)
	require.Equal(t, "cpu of yesterday", r.BeforeOn)
	require.Contains(t, fails(t, dir, 2, "bench", "unet", "-config", "tiny", "-count", "1", "-compare", "before.json", "-batch", "2"), "-compare before.json: nothing in it", "another batch is another case")
	text := ok(t, dir, "bench", "unet", "-config", "tiny", "-count", "1", "-compare", "before.json").stdout
	require.Contains(t, text, "of 1000000.000 ms before on cpu of yesterday")

	write("empty", "")
	write("junk", "x")
	write("other", `{"a":1}`)
	for _, c := range []struct{ file, want string }{
		{"none", "no such file"}, {"empty", "what bench -json printed"}, {"junk", "what bench -json printed"}, {"other", "no name or no time"},
	} {
		require.Contains(t, fails(t, dir, 2, "bench", "gemm", "-compare", c.file), c.want)
	}
	require.Contains(t, fails(t, dir, 2, "bench", "gemm", "-layers"), "-layers with gemm")
	require.Contains(t, fails(t, dir, 2, "bench", "unet", "-roofline", "x.svg"), "without -layers")
	require.Contains(t, fails(t, dir, 2, "bench", "unet", "-layers", "-roofline", "x.png"), "ends in .svg")
	require.Contains(t, fails(t, dir, 2, "bench", "unet", "-layers", "-roofline", "no/x.svg"), "no folder no")
	for _, kind := range []string{"gemm", "conv", "attention", "norm", "noise", "law"} {
		require.Contains(t, fails(t, dir, 2, "bench", kind, "-config", "tiny"), "-config tiny: "+kind+" times no network")
	}
	for _, kind := range []string{"gemm", "noise", "law"} {
		require.Contains(t, fails(t, dir, 2, "bench", kind, "-batch", "1"), "-batch 1: "+kind+" times no samples")
	}
}
