package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/internal/npy"
	"heavytail/modelfile"
	"heavytail/recipe"
	"heavytail/stable"
	"heavytail/train"
)

// farPoints writes n rows of 10⁹ + t₃, of 0.01·t₃ with six zeros in ten, and of 7.
func farPoints(t *testing.T, path string, n int) (x []float64) {
	t.Helper()
	a, b := make([]float64, n), make([]float64, n)
	s := stable.Key{Seed: 4}
	s.StudentT(a, 3, 0)
	s.StudentT(b, 3, n)
	var text strings.Builder
	for i := range n {
		if i%10 < 6 {
			b[i] = 0
		}
		x = append(x, 1e9+a[i], 0.01*b[i], 7)
		fmt.Fprintf(&text, "%v,%v,%v\n", x[3*i], x[3*i+1], x[3*i+2])
	}
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o644))
	return x
}

func recipeOf(t *testing.T, dir, model string) recipe.Recipe {
	t.Helper()
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", model).stdout), &i))
	return i.Recipe
}

// TestPointsComeBackInTheirUnits: what training scales, sampling undoes, to the
// digits of float64, and -init takes and -mask keeps values in those units.
func TestPointsComeBackInTheirUnits(t *testing.T) {
	dir := t.TempDir()
	farPoints(t, filepath.Join(dir, "x.csv"), 400)
	said := ok(t, dir, strings.Fields("train -data csv:x.csv -process tedm -nu 3 -steps 60 -batch 64 -preview-every 60 -out far")...).stderr
	require.Contains(t, said, "scaled by median and half interquartile range")
	require.Contains(t, said, "column 1 has no interquartile range, as 60 % of its values are 0")
	require.Contains(t, said, "column 2 is constant, 7")
	s := recipeOf(t, dir, "far/model.safetensors").Data.Scaling
	require.NotNil(t, s)
	require.FileExists(t, filepath.Join(dir, "far", "preview-00000060.png"))

	draw := func(args string) []float64 {
		ok(t, dir, strings.Fields("sample -model far/model.safetensors -n 200 -o s.npy "+args)...)
		f, err := os.Open(filepath.Join(dir, "s.npy"))
		require.NoError(t, err)
		defer f.Close()
		a, err := npy.Read(f, 1<<20)
		require.NoError(t, err)
		require.Equal(t, []int{200, 3}, a.Shape)
		require.NotNil(t, a.F64, "float64 in the file")
		return a.F64
	}
	x := draw("")
	near, distinct := 0, map[float64]bool{}
	for i := 0; i < len(x); i += 3 {
		// Most lie within ten scales even of a network of 60 steps; those of another
		// unit would not.
		if max(x[i]-1e9, 1e9-x[i]) < 10*s.Scale[0] && max(x[i+1], -x[i+1]) < 10*s.Scale[1] {
			near++
		}
		distinct[x[i]] = true
		require.Equal(t, 7.0, x[i+2])
	}
	require.Greater(t, near, 150)
	require.Greater(t, len(distinct), 190, "float32 has steps of 64 there")
	ok(t, dir, strings.Fields("sample -model far/model.safetensors -n 50 -o s.png")...)
	ok(t, dir, strings.Fields("sample -model far/model.safetensors -n 20 -steps 5 -o s.gif")...)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "init.csv"), []byte("1000000000.1,0.003,7\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mask.csv"), []byte("0,1,0\n"), 0o644)) // the second anew
	x = draw("-init init.csv -mask mask.csv")
	for i := 0; i < len(x); i += 3 {
		require.Equal(t, 1000000000.1, x[i])
		require.Equal(t, 7.0, x[i+2])
	}
	x = draw("-init init.csv -strength 0.02 -method edm -steps 50")
	for i := 0; i < len(x); i += 3 { // noise of the lowest level, a few thousandths of a scale
		require.InDelta(t, 1000000000.1, x[i], 0.2*s.Scale[0])
	}
}

// TestWhatIsScaled: data of one's own, unless a flag says otherwise; not the sets
// and the preset of the papers, nor images. A resumed run keeps what it has.
func TestWhatIsScaled(t *testing.T) {
	dir := t.TempDir()
	x := farPoints(t, filepath.Join(dir, "x.csv"), 60)
	f, err := os.Create(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	require.NoError(t, npy.WriteHeader64(f, 60, 3))
	require.NoError(t, npy.WriteValues(f, x))
	require.NoError(t, f.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "two.csv"), []byte("1,10\n3,30\n5,20\n"), 0o644))
	for i, c := range []struct{ flags, kind string }{
		{"-data csv:x.csv", recipe.Robust}, {"-data npy:x.npy", recipe.Robust}, {"-data csv:x.csv -standardize robust", recipe.Robust},
		{"-data csv:x.csv -standardize std", recipe.Std}, {"-data csv:two.csv -standardize none", recipe.None},
		{"-data toy:rings -points 100", recipe.None}, {"-data toy:rings -points 100 -standardize robust", recipe.Robust},
		{"-data csv:two.csv -preset 2d", recipe.None}, {"-data csv:two.csv -preset 2d -standardize std", recipe.Std},
	} {
		out := fmt.Sprint("run", i)
		ok(t, dir, strings.Fields("train -steps 1 -batch 2 -preview-every 0 -out "+out+" "+c.flags)...)
		rec := recipeOf(t, dir, out+"/model.safetensors")
		if c.kind == recipe.None {
			require.Nil(t, rec.Data.Scaling, c.flags)
		} else {
			require.NotNil(t, rec.Data.Scaling, c.flags)
			require.Equal(t, c.kind, rec.Data.Scaling.Kind, c.flags)
		}
		flags, _, _ := strings.Cut(c.flags, "-standardize")
		ok(t, dir, strings.Fields("train -resume -batch 2 -steps 1 -preview-every 0 -out "+out+" "+flags)...)
		require.Equal(t, string(rec.JSON()), string(recipeOf(t, dir, out+"/model.safetensors").JSON()), c.flags)
	}
	images(t, dir, 20)
	for args, want := range map[string]string{
		"-data npy:images.npy -standardize robust": "not scaled", "-data csv:x.csv -standardize best": "robust, std, none",
	} {
		r := heavytailIn(t, dir, strings.Fields("train -steps 1 -out no "+args)...)
		require.Equal(t, 2, r.status, r.stderr)
		require.Contains(t, r.stderr, want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "wild.csv"), []byte("0.001\n0.002\n0.003\n0.004\n1e37\n"), 0o644))
	r := heavytailIn(t, dir, strings.Fields("train -steps 1 -out no -data csv:wild.csv")...)
	require.Equal(t, 2, r.status)
	require.Contains(t, r.stderr, "1e+37 in line 5")
}

// TestTransformedPoints: what training bends, sampling undoes, -init takes points in
// their units, a resumed run keeps its transform, and the library's run is the same
// file.
func TestTransformedPoints(t *testing.T) {
	dir := t.TempDir()
	farPoints(t, filepath.Join(dir, "x.csv"), 400)
	flags := "-data csv:x.csv -process flow -transform softlog,ttf,none "
	said := ok(t, dir, strings.Fields("train "+flags+"-steps 60 -batch 64 -preview-every 60 -out bent")...).stderr
	require.Contains(t, said, "columns bent by softlog, ttf (-transform)")
	require.Contains(t, said, "column 1: tails of index")
	require.FileExists(t, filepath.Join(dir, "bent", "preview-00000060.png"))
	rec := recipeOf(t, dir, "bent/model.safetensors")
	s := rec.Data.Scaling
	require.Equal(t, recipe.SoftLog, rec.Data.Transform[0].Kind)
	require.InDelta(t, 1/3., rec.Data.Transform[1].Upper, 0.3)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "init.csv"), []byte("1000000000.1,0.003,7\n"), 0o644))
	draw := func(args string) []float64 {
		ok(t, dir, strings.Fields("sample -model bent/model.safetensors -n 100 -o s.npy "+args)...)
		f, err := os.Open(filepath.Join(dir, "s.npy"))
		require.NoError(t, err)
		defer f.Close()
		a, err := npy.Read(f, 1<<20)
		require.NoError(t, err)
		require.NotNil(t, a.F64, "float64 in the file")
		return a.F64
	}
	near := 0
	for x := draw(""); len(x) > 0; x = x[3:] {
		if max(x[0]-1e9, 1e9-x[0]) < 10*s.Scale[0] && max(x[1], -x[1]) < 10*s.Scale[1] {
			near++
		}
		require.Equal(t, 7.0, x[2])
	}
	require.Greater(t, near, 75)
	for x := draw("-init init.csv -strength 0.02 -steps 50"); len(x) > 0; x = x[3:] {
		require.InDelta(t, 1000000000.1, x[0], 0.5*s.Scale[0], "noise of the last level of fifty, a fiftieth, and a network of sixty steps")
	}
	ok(t, dir, strings.Fields("eval csv:x.csv model:bent/model.safetensors -n 50 -steps 5")...)
	ok(t, dir, strings.Fields("sample -model bent/model.safetensors -n 20 -steps 5 -o s.gif")...)

	resume := "train -resume -steps 60 -batch 64 -preview-every 60 -out bent -transform "
	ok(t, dir, strings.Fields(resume+"softlog,ttf,none")...)
	for _, other := range []string{"softlog", "none", "softlog,ttf,ttf"} {
		r := heavytailIn(t, dir, strings.Fields(resume+other)...)
		require.Equal(t, 2, r.status)
		require.Contains(t, r.stderr, "-transform would change data.transform")
	}

	t.Chdir(dir)
	lib, err := recipe.Preset("toy")
	require.NoError(t, err)
	require.NoError(t, lib.Use(recipe.Flow))
	lib.Train.Steps, lib.Train.Batch = 60, 64
	for _, kind := range []string{recipe.SoftLog, recipe.TTF, recipe.None} {
		lib.Data.Transform = append(lib.Data.Transform, recipe.Transform{Kind: kind})
	}
	set, err := data.Open(t.Context(), "csv:x.csv", data.Options{})
	require.NoError(t, err)
	_, err = train.Prepare(&lib, set)
	require.NoError(t, err)
	require.Equal(t, string(rec.JSON()), string(lib.JSON()))
	_, err = train.Fit(t.Context(), lib, set, train.Options{Dir: "lib", Threads: 1})
	require.NoError(t, err)
	require.Equal(t, readFile(t, "bent/model.safetensors"), readFile(t, "lib/model.safetensors"))
}

// TestTailSaysWhatToBend: softlog for the heavy columns and none for the light, which
// train takes as it is printed; nothing where none is heavy or a column is left out.
func TestTailSaysWhatToBend(t *testing.T) {
	dir := t.TempDir()
	normal := make([]float64, 3000)
	stable.Key{Seed: 2}.Normal64(normal, 0)
	table(t, filepath.Join(dir, "x.csv"), "a,b,c", studentValues(3000, 3), normal, stableValues(3000, 1.4))
	table(t, filepath.Join(dir, "n.csv"), "b", normal)
	require.Equal(t, "softlog,none,softlog", report(t, dir, "csv:x.csv").Suggestion.Transform)
	require.Contains(t, ok(t, dir, "tail", "csv:x.csv").stdout, "or: train -process flow -transform softlog,none,softlog\n")
	require.Equal(t, "softlog", report(t, dir, "csv:x.csv", "-columns", "a,c").Suggestion.Transform)
	require.Empty(t, report(t, dir, "csv:n.csv").Suggestion.Transform)
	ok(t, dir, strings.Fields("train -data csv:x.csv -process flow -transform softlog,none,softlog -steps 1 -batch 8 -preview-every 0 -out run")...)
}
