package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/internal/npy"
	"heavytail/modelfile"
)

// A table as other programs write it is looked at, trained on and compared with;
// the names of its columns go through the model to the samples.
func TestTableToSamples(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("\ufeffday;price, EUR;n\r\n")
	for i := range 120 {
		b.WriteString("2020-01-01;1.000.000.0")
		b.WriteByte(byte('0' + i%10))
		b.WriteString("0,5;" + string(rune('1'+i%7)) + "\r\n")
	}
	b.WriteString("2020-01-01;;3\r\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.csv"), []byte(b.String()), 0o644))

	r := ok(t, dir, "tail", "csv:x.csv", "-columns", "n,price, EUR"[:1])
	require.Contains(t, r.stdout, "\nn ")
	require.NotContains(t, r.stderr, "left out", "only what is asked for is read")
	r = heavytailIn(t, dir, "tail", "csv:x.csv", "-columns", "day")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, `line 2: column "day": "2020-01-01" is no number; mend it, empty it (-missing drop leaves the row out), or name the columns to read with -columns`)

	train := strings.Fields("train -data csv:x.csv -out run -steps 3 -batch 8 -preview-every 0")
	r = ok(t, dir, train...)
	require.Contains(t, r.stderr, `column "day" holds no numbers`)
	require.Contains(t, r.stderr, "1 of 121 rows has a cell without value, line 122")
	require.Contains(t, r.stderr, "120 samples of [2]")
	ok(t, dir, append(train, "-resume")...)
	require.Equal(t, 2, heavytailIn(t, dir, append(train, "-missing", "error", "-out", "other")...).status)
	r = heavytailIn(t, dir, append(train, "-resume", "-missing", "drop")...)
	require.NotZero(t, r.status, "another setting is not that of the run")
	ok(t, dir, append(train, "-resume")...)

	ok(t, dir, "sample", "-model", "run/model.safetensors", "-n", "30", "-o", "s.csv")
	ok(t, dir, "sample", "-model", "run/model.safetensors", "-n", "30", "-o", "s.npy")
	text, err := os.ReadFile(filepath.Join(dir, "s.csv"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "\"price, EUR\",n\n"), "%.40q", text)
	rows := points64(t, dir, "csv:s.csv", 2)
	for i, v := range points64(t, dir, "npy:s.npy", 2) {
		require.Equal(t, v, rows[i], "a table has all digits")
	}
	require.Len(t, rows, 60)

	r = ok(t, dir, "eval", "x.csv", "s.csv")
	require.Contains(t, r.stdout, "\nprice, EUR ")
	ok(t, dir, "eval", "x.csv", "run/model.safetensors", "-n", "20")
	ok(t, dir, "eval", "x.csv", "s.csv", "-columns", "n")
}

// Names that a recipe has no room for are left to numbers, with a word, and the
// model opens.
func TestTooManyNames(t *testing.T) {
	dir := t.TempDir()
	names := make([]string, 200)
	for i := range names {
		names[i] = strings.Repeat("n", 300) + strconv.Itoa(i)
	}
	text := strings.Join(names, ",") + "\n" + strings.Repeat(strings.Repeat("1.5,2,", 99)+"0.5,3\n", 3)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.csv"), []byte(text), 0o644))
	r := ok(t, dir, strings.Fields("train -data csv:x.csv -out run -steps 1 -batch 2 -preview-every 0 -standardize none")...)
	require.Contains(t, r.stderr, "names of the columns take more than 256 KiB")
	ok(t, dir, "sample", "-model", "run/model.safetensors", "-n", "2", "-o", "s.csv")
	require.Len(t, points64(t, dir, "csv:s.csv", 200), 400)
}

// points64 reads points of d columns.
func points64(t *testing.T, dir, spec string, d int) []float64 {
	t.Helper()
	set, err := data.Open(t.Context(), spec[:4]+filepath.Join(dir, spec[4:]), data.Options{Rules: data.Rules})
	require.NoError(t, err)
	require.Equal(t, []int{d}, set.Shape)
	out := make([]float64, set.Len()*d)
	for i := range set.Len() {
		set.Float64(out[i*d:], i)
	}
	return out
}

// What says how data are read is refused where it says nothing.
func TestReadingFlagsWhereTheyDoNotFit(t *testing.T) {
	dir := t.TempDir()
	images(t, dir, 30)
	ok(t, dir, "noise", "-law", "normal", "-n", "50", "-o", "points.npy")
	for args, want := range map[string]string{
		"train -data toy:rings -missing drop -out o":           "are for tables",
		"train -data npy:images.npy -columns 1 -out o":         "these are images",
		"tail npy:images.npy -decimal comma":                   "are for tables",
		"eval npy:images.npy npy:images.npy -separator tab":    "are for tables",
		"eval npy:points.npy npy:points.npy -separator tab":    "are for tables",
		"eval npy:points.npy npy:points.npy -background black": "is for pictures",
		"sample -n 2 -o x.csv":                                 "a table is for points",
	} {
		r := heavytailIn(t, dir, strings.Fields(args)...)
		require.NotZero(t, r.status, args)
		require.Contains(t, r.stderr, want, args)
	}
	require.NoFileExists(t, filepath.Join(dir, "x.csv"))
}

// Classes have their names: those of the folders, and of Fashion-MNIST, whose
// files have numbers only.
func TestClassNames(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, "sample", "-n", "2", "-steps", "2", "-class", "Ankle boot", "-o", "a.npy")
	ok(t, dir, "sample", "-n", "2", "-steps", "2", "-class", "9", "-o", "b.npy")
	require.Equal(t, readNoise(t, filepath.Join(dir, "a.npy")), readNoise(t, filepath.Join(dir, "b.npy")))
	r := heavytailIn(t, dir, "sample", "-class", "boot")
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "want 0 to 9 or a name (T-shirt/top, Trouser")

	for _, class := range []string{"a, b", "evil\x1b[31m", "c\u009b"} {
		for i := range 4 {
			path := filepath.Join(dir, "set", class, string(rune('0'+i))+".png")
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, squarePNG(t, 8, i), 0o644))
		}
	}
	ok(t, dir, append(strings.Fields("train -data images:set -out run -steps 1 -batch 2 -preview-every 0"), smallNet...)...)
	model := []string{"sample", "-model", "run/model.safetensors", "-n", "1", "-steps", "2", "-o", "c.npy", "-class"}
	ok(t, dir, append(model, "a, b")...)
	ok(t, dir, append(model, "evil\x1b[31m,none")...)
	r = heavytailIn(t, dir, append(model, "dog")...)
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, `a name ("a, b", "c\u009b", "evil\x1b[31m")`)
	r = ok(t, dir, "info", "run/model.safetensors")
	for _, raw := range []string{"\x1b", "\u009b"} {
		require.NotContains(t, r.stdout, raw)
	}
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "run/model.safetensors").stdout), &i))
	require.Equal(t, []string{"a, b", "c\u009b", "evil\x1b[31m"}, i.Recipe.Data.Names)
}

// The range of an array of images is found, said, kept with the run and used for
// what the run is compared with.
func TestRangeThroughTheCommands(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	x := make([]float32, 40*64)
	for i := range x {
		x[i] = float32(i%256) + 0.5*float32(i/64%2)
	}
	x[0] = 255
	for i := range x {
		x[i] = min(x[i], 255)
	}
	require.NoError(t, npy.Write(&b, x, 40, 8, 8))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.npy"), b.Bytes(), 0o644))
	train := append(strings.Fields("train -data npy:x.npy -out run -steps 1 -batch 2 -preview-every 0"), smallNet...)
	r := ok(t, dir, train...)
	require.Contains(t, r.stderr, "0 is taken for black, 255 for white")
	ok(t, dir, append(train, "-resume")...)
	require.NotZero(t, heavytailIn(t, dir, append(train, "-resume", "-range", "0,256")...).status)
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "run/model.safetensors").stdout), &i))
	require.Equal(t, []float64{0, 255}, i.Recipe.Data.Range)
	r = ok(t, dir, "eval", "x.npy", "run/model.safetensors", "-n", "20", "-steps", "2")
	require.NotContains(t, r.stderr, "taken for", "the range is the run's")
	r = ok(t, dir, "tail", "npy:x.npy", "-range", "0,300")
	require.Contains(t, r.stdout, "bounded")
}
