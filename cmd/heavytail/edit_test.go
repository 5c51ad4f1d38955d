package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
	"heavytail/output"
)

// writePNG writes an 8×8 grey picture, v at each pixel.
func writePNG(t *testing.T, path string, v func(x, y int) byte) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 8, 8))
	for y := range 8 {
		for x := range 8 {
			m.SetGray(x, y, color.Gray{Y: v(x, y)})
		}
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

// numbersIn reads an .npy file of samples.
func numbersIn(t *testing.T, path string) []float32 {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	a, err := npy.Read(f, 1<<20)
	require.NoError(t, err)
	return a.F32
}

func TestEditFlags(t *testing.T) {
	dir := trained(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	writePNG(t, at("init.png"), func(x, y int) byte { return byte(20*x + y) })
	writePNG(t, at("mask.png"), func(x, _ int) byte { return byte(255 * (x / 4)) }) // the right half anew
	run := func(model, out, flags string) []float32 {
		ok(t, dir, append([]string{"sample", "-model", model + "/model.safetensors", "-n", "3", "-steps", "6", "-o", out}, strings.Fields(flags)...)...)
		if strings.HasSuffix(out, ".npy") {
			return numbersIn(t, at(out))
		}
		return nil
	}
	plain := run("run", "plain.npy", "")
	require.Equal(t, plain, run("run", "one.npy", "-init init.png -strength 1"))
	require.NotEqual(t, plain, run("run", "twice.npy", "-resample 2"), "visits need no image")
	near := run("run", "near.npy", "-init init.png -strength 0.01")
	require.NotEqual(t, plain, near)

	filled := run("run", "filled.npy", "-init init.png -mask mask.png")
	require.NotEqual(t, filled, run("run", "once.npy", "-init init.png -mask mask.png -resample 1"))
	for i, v := range filled {
		if x, y := i%8, i/8%8; x < 4 {
			require.InDelta(t, float64(20*x+y)/127.5-1, float64(v), 1e-6)
		}
	}
	require.NotEqual(t, filled[4:8], plain[4:8])

	// The samples of one run are what the next begins with, one each.
	again := run("run", "again.npy", "-init filled.npy -mask mask.png -seed 50")
	require.Equal(t, filled[64:68], again[64:68])
	require.NotEqual(t, filled[68:72], again[68:72])

	// Points: a table to keep, one number of each.
	require.NoError(t, os.WriteFile(at("point.csv"), []byte("x,y\n0.25,7\n"), 0o644))
	require.NoError(t, os.WriteFile(at("free.csv"), []byte("x,y\n0,1\n"), 0o644))
	points := run("toy", "points.npy", "-init point.csv -mask free.csv -method dlpm")
	for i := range 3 {
		require.EqualValues(t, 0.25, points[2*i])
		require.NotEqual(t, float32(7), points[2*i+1])
	}

	for text, want := range map[string]string{"y,x\n1,0\n": "bring them into that order", "x,y\n0,0.6\n": "1 where it is drawn", "x,y\n0,NA\n": "give a number, as each row is one sample"} {
		require.NoError(t, os.WriteFile(at("bad.csv"), []byte(text), 0o644))
		require.Contains(t, fails(t, dir, 2, strings.Fields("sample -model toy/model.safetensors -n 1 -steps 2 -init point.csv -mask bad.csv -o z.npy")...), want)
	}
	require.NoError(t, os.WriteFile(at("gap.csv"), []byte("x,y\n0.25,NA\n"), 0o644))
	gap := fails(t, dir, 2, strings.Fields("sample -model toy/model.safetensors -n 1 -steps 2 -init gap.csv -mask free.csv -o z.npy")...)
	require.Contains(t, gap, "any, where -mask marks the value as one to be drawn")

	run("run", "a.png", "-init init.png -mask mask.png -strength 0.8")
	var rec output.Recipe
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "a.png").stdout), &rec))
	require.Equal(t, "init.png", rec.Edit.Init)
	require.Equal(t, "mask.png", rec.Edit.Mask)
	require.Equal(t, 0.8, rec.Edit.Strength)
	require.Equal(t, 5, rec.Edit.Resample)
	require.Len(t, rec.Edit.MaskSHA256, 64)
	run("run", "a.gif", "-init init.png -strength 0.5")
	run("run", "wide.png", "-size 4x16")
	b, err := os.ReadFile(at("wide.png"))
	require.NoError(t, err)
	m, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	require.Greater(t, m.Bounds().Dx(), 2*m.Bounds().Dy())
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "wide.png").stdout), &rec))
	require.Equal(t, []int{4, 16}, rec.Size)
}

// What sample wrote is taken for what it is by -init: the cells of a grid one by
// one, and other pictures are scaled, which is said.
func TestInitOfOwnPictures(t *testing.T) {
	dir := trained(t)
	sample := func(flags string) result {
		return ok(t, dir, append(strings.Fields("sample -model run/model.safetensors -steps 4"), strings.Fields(flags)...)...)
	}
	sample("-n 5 -o sheet.png") // 3×2 cells, the last one empty
	sample("-n 5 -o single/")
	r := sample("-init sheet.png -strength 0.3 -seed 9 -o again.npy")
	require.Contains(t, r.stderr, "-init sheet.png: its 22×32 pixels are a grid with black lines, as sample writes it, of 8×8 pixels each: pictures in it: 5")
	again := numbersIn(t, filepath.Join(dir, "again.npy"))
	require.Len(t, again, 5*64)
	for k := range 5 {
		r := sample(fmt.Sprintf("-n 1 -init single/%06d.png -strength 0.3 -seed %d -o one.npy", k, 9+k))
		require.Empty(t, r.stderr)
		require.Equal(t, again[64*k:64*(k+1)], numbersIn(t, filepath.Join(dir, "one.npy")))
	}
	sample("-n 1 -o one.png")
	r = sample("-init one.png -strength 0.3 -seed 9 -n 2 -o x.npy")
	require.Contains(t, r.stderr, "pictures in it: 1")
	sample("-init single/000000.png -strength 0.3 -seed 9 -n 2 -o y.npy")
	require.Equal(t, numbersIn(t, filepath.Join(dir, "x.npy")), numbersIn(t, filepath.Join(dir, "y.npy")))

	// A grid of other cells, and any other picture.
	sample("-n 1 -size 8x16 -o wide.png")
	r = sample("-init wide.png -strength 0.3 -n 1 -o x.npy")
	require.Contains(t, r.stderr, "-init wide.png: its 12×20 pixels are scaled to 8×8, which stretches it")
	sample("-n 1 -size 16 -o large/")
	r = sample("-init large/000000.png -mask sheet.png -n 5 -o x.npy")
	require.Contains(t, r.stderr, "-init large/000000.png: its 16×16 pixels are scaled to 8×8\n-mask sheet.png: its 22×32 pixels are a grid")
	for flags, want := range map[string]string{"-init sheet.png -n 4": "-init sheet.png: 5 samples in it, 4 to draw", "-init large/000000.png -n 2 -mask sheet.png": "-mask sheet.png: 5 masks in it"} {
		r := heavytailIn(t, dir, append(strings.Fields("sample -model run/model.safetensors"), strings.Fields(flags)...)...)
		require.Equal(t, 2, r.status)
		require.Contains(t, r.stderr, want)
	}
}

func TestEditMistakes(t *testing.T) {
	dir := trained(t)
	writePNG(t, filepath.Join(dir, "init.png"), func(int, int) byte { return 9 })
	for flags, want := range map[string]string{
		"-strength 0.5": "name it with -init", "-mask init.png": "name it with -init", "-init init.png -strength 2": "want a value above 0",
		"-init init.png -strength NaN": "want a value above 0", "-init init.png -resample 1": "leave it out", "-resample -1": "want 1 or more", "-resample 2 -method lim-ode": "dlpm", "-resample 5000": "use 1 to 1000", "-init no.png": "-init no.png",
		"-init init.png -mask no.png": "-mask no.png", "-n 64 -init images.npy": "10 samples in it, 64 to draw", "-size 0": "want pixels", "-size 3x": "want pixels",
		"-guidance 2": "without classes", "-guidance -1": "want 1 (none) or more", "-init run/model.safetensors": "want PNG or JPEG",
		"-init init.png -mask init.png -resample 5000": "use 1 to 1000",
	} {
		r := heavytailIn(t, dir, append(strings.Fields("sample -model run/model.safetensors"), strings.Fields(flags)...)...)
		require.NotZero(t, r.status, flags)
		require.Contains(t, r.stderr, want, flags)
		require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
	}
	r := heavytailIn(t, dir, "sample", "-model", "toy/model.safetensors", "-init", "init.png")
	require.Contains(t, r.stderr, "give an .npy or .csv file")
	r = heavytailIn(t, dir, "sample", "-model", "toy/model.safetensors", "-size", "8")
	require.Contains(t, r.stderr, "this model makes points")
	require.NotContains(t, listing(t, dir), "out.png")
}
