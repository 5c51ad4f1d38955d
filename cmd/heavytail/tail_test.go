package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
	"heavytail/stable"
	"heavytail/tails"
)

// columnsOf writes n rows of a stable, a Student-t and a normal column.
func columnsOf(t *testing.T, dir string, n int) {
	t.Helper()
	s := stable.Key{Seed: 6}
	a, b, c := make([]float32, n), make([]float32, n), make([]float32, n)
	s.Symmetric(a, 1.5, 0)
	s.Normal(b, 0)
	s.Normal(c, n)
	var text strings.Builder
	text.WriteString("a,b,c\n")
	for i := range n {
		fmt.Fprintf(&text, "%g,%g,%g\n", 10+2*a[i], float64(b[i])/math.Sqrt(s.Kappa(4, i)), c[i])
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(text.String()), 0o644))
}

// report runs tail -json.
func report(t *testing.T, dir string, args ...string) tails.Report {
	t.Helper()
	var r tails.Report
	out := ok(t, dir, append([]string{"tail", "-json"}, args...)...).stdout
	require.NoError(t, json.Unmarshal([]byte(out), &r), out)
	return r
}

func TestTailOfColumns(t *testing.T) {
	dir := t.TempDir()
	columnsOf(t, dir, 4000)
	r := report(t, dir, "csv:d.csv")
	require.Equal(t, 4000, r.Samples)
	require.Len(t, r.Columns, 3)
	for name, e := range map[string]*tails.Estimate{"alpha": r.Columns[0].Alpha, "regression": r.Columns[0].Regression,
		"quantiles": r.Columns[0].Quantiles, "log-moments": r.Columns[0].LogMoments} {
		require.InDelta(t, 1.5, *e.Value, 0.12, name)
		require.Less(t, *e.Lo, *e.Value)
		require.Greater(t, *e.Hi, *e.Value)
	}
	require.InDelta(t, 2, r.Columns[0].Scale, 0.1)
	require.InDelta(t, 10, r.Columns[0].Location, 0.2)
	require.InDelta(t, 4, *r.Columns[1].Nu.Value, 1)
	require.Less(t, *r.Columns[1].Index.Lo, 4.0)
	require.Greater(t, *r.Columns[1].Index.Hi, 4.0)
	require.Nil(t, r.Columns[2].Nu.Hi, "the interval of a normal column is open")
	s := r.Suggestion
	require.Equal(t, 0, s.Column)
	require.Equal(t, "stable", s.Law)
	require.InDelta(t, *r.Columns[0].Alpha.Value, s.Alpha, 0.006)

	s = report(t, dir, "csv:d.csv", "-columns", "1").Suggestion
	require.Equal(t, "student", s.Law)
	require.InDelta(t, 4, *s.Nu, 1)
	s = report(t, dir, "csv:d.csv", "-columns", "2").Suggestion
	require.Equal(t, "gaussian", s.Law)
	require.Equal(t, 2.0, s.Alpha)
	require.Nil(t, s.Nu)

	text := ok(t, dir, "tail", "csv:d.csv", "-n", "1000").stdout
	require.Contains(t, text, "suggestion: train -process dlpm -alpha 1.")
	require.Contains(t, text, "1000 ")
	require.Equal(t, text, ok(t, dir, "tail", "csv:d.csv", "-n", "1000").stdout, "the same command, the same text")
}

// TestTailOfLosses: one-sided data are called skewed, and no noise is suggested
// that training refuses.
func TestTailOfLosses(t *testing.T) {
	dir := t.TempDir()
	u := make([]float32, 2000)
	stable.Key{Seed: 5}.Uniform(u, 0)
	var text strings.Builder
	for _, v := range u {
		fmt.Fprintf(&text, "%g\n", math.Pow(float64(v), -0.7))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "loss.csv"), []byte(text.String()), 0o644))
	r := report(t, dir, "csv:loss.csv")
	require.Greater(t, *r.Columns[0].Beta.Value, 0.9)
	require.Contains(t, strings.Join(r.Columns[0].Notes, ";"), "skewed")
	require.Less(t, *r.Columns[0].Nu.Value, 2.0)
	require.Nil(t, r.Suggestion.Nu)
	require.Equal(t, "-process flow -transform softlog", r.Suggestion.Train[0])
	require.Equal(t, fmt.Sprintf("-process dlpm -alpha %.3g", r.Suggestion.Alpha), r.Suggestion.Train[1])
	require.InDelta(t, *r.Columns[0].Index.Value, r.Suggestion.Alpha, 0.0051, "symmetric laws follow the body")
	require.NotContains(t, ok(t, dir, "tail", "csv:loss.csv").stdout, "-nu")
}

// TestTailOfMixtures: the bulk is far from any law and hides the tails, which
// the extremes show.
func TestTailOfMixtures(t *testing.T) {
	dir := t.TempDir()
	x := make([]float32, 20000)
	stable.Key{Seed: 8}.Symmetric(x, 1.6, 0)
	for i := range x {
		x[i] = x[i]*0.05 + float32(i%2) - 0.5
	}
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, x, len(x)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.npy"), b.Bytes(), 0o644))
	s := report(t, dir, "npy:m.npy").Suggestion
	require.Contains(t, s.Why, "extremes")
	require.Less(t, s.Alpha, 2.0, "an index below 2 is an alpha")
	require.Equal(t, "stable", s.Law)
}

func TestTailPlots(t *testing.T) {
	dir := t.TempDir()
	columnsOf(t, dir, 1000)
	ok(t, dir, "tail", "csv:d.csv", "-o", "p.svg")
	ok(t, dir, "tail", "csv:d.csv", "-o", "p.png")
	text, err := os.ReadFile(filepath.Join(dir, "p.svg"))
	require.NoError(t, err)
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
	}
	for _, want := range []string{"stable, alpha 1.", "Student-t, nu ", "tail index", "data, 1000 values", "1e-3", "&gt;"} {
		require.Contains(t, string(text), want)
	}
	f, err := os.Open(filepath.Join(dir, "p.png"))
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	seen := map[[3]uint32]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	require.Greater(t, seen[[3]uint32{200, 40, 40}], 300, "the stable curve")
	require.Greater(t, seen[[3]uint32{30, 90, 200}], 300, "Student's curve")
	require.Greater(t, seen[[3]uint32{70, 70, 70}], 300, "the data")
}

func TestTailOfImages(t *testing.T) {
	dir := t.TempDir()
	images(t, dir, 40)
	r := report(t, dir, "npy:images.npy")
	require.True(t, r.Bounded)
	require.Equal(t, 2.0, r.Suggestion.Alpha)
	require.Contains(t, r.Suggestion.Why, "bounded")
	require.Equal(t, 40*64, r.Columns[0].Values)
}

// TestTailUnfit: data and flags that tail must refuse, with the remedy.
func TestTailUnfit(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	x := make([]float32, 2*200)
	for i := range 200 {
		x[2*i], x[2*i+1] = 7, float32(i%2)
	}
	require.NoError(t, npy.Write(&b, x, 200, 2))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.npy"), b.Bytes(), 0o644))
	columnsOf(t, dir, 200)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"tail", 2, "want DATA"},
		{"tail csv:d.csv csv:d.csv", 2, "want DATA"},
		{"tail csv:none.csv", 2, "none.csv"},
		{"tail web:x", 2, "want idx:DIR"},
		{"tail npy:c.npy", 2, "leave a constant column out"},
		{"tail csv:d.csv -columns 3", 2, "columns 0 to 2"},
		{"tail csv:d.csv -columns x", 2, "no column \"x\""},
		{"tail csv:d.csv -n 5", 2, "want 100"},
		{"tail csv:d.csv -o p.gif", 2, ".svg or .png"},
		{"tail csv:d.csv -o none/p.png", 2, "make it first"},
	} {
		r := heavytailIn(t, dir, strings.Fields(c.args)...)
		require.Equal(t, c.status, r.status, "%s: %s", c.args, r.stderr)
		require.Contains(t, r.stderr, c.want, c.args)
		require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
		require.Empty(t, r.stdout)
	}
}
