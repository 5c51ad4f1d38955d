package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
	"heavytail/stable"
)

func readNoise(t *testing.T, path string) *npy.Array {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	a, err := npy.Read(f, 1<<30)
	require.NoError(t, err)
	return a
}

// The file holds the stream's own numbers, whatever the threads.
func TestNoiseWritesTheStream(t *testing.T) {
	dir, n := t.TempDir(), 3*(1<<16)+17
	ok(t, dir, "noise", "-law", "stable:1.7,0", "-n", "196625", "-seed", "1", "-threads", "1", "-o", "x.npy")
	require.Equal(t, 196625, n)
	a := readNoise(t, filepath.Join(dir, "x.npy"))
	want := make([]float32, n)
	stable.Key{Seed: 1}.Symmetric(want, 1.7, 0)
	require.Equal(t, []int{n}, a.Shape)
	require.True(t, slices.Equal(want, a.F32))

	r := ok(t, dir, "noise", "-law", "stable:1.7,0", "-n", "196625", "-seed", "1", "-threads", "5", "-o", "-")
	file, err := os.ReadFile(filepath.Join(dir, "x.npy"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(file, []byte(r.stdout)))

	ok(t, dir, "noise", "-law", "isotropic:1.7,2", "-d", "5", "-n", "100", "-o", "rows.npy")
	rows := readNoise(t, filepath.Join(dir, "rows.npy"))
	require.Equal(t, []int{100, 5}, rows.Shape)
	row := make([]float32, 5)
	stable.Noise{Alpha: 1.7, Isotropic: true}.Fill(row, stable.Key{Sample: 99})
	for i := range row {
		require.Equal(t, 2*row[i], rows.F32[99*5+i])
	}
}

// Every law has the quartiles of its distribution, scale and location applied.
func TestNoiseLaws(t *testing.T) {
	s0 := stable.Law{Alpha: 0.9, Beta: 0.5, Scale: 2, Loc: 1, Param: stable.S0}
	one := stable.Law{Alpha: 1, Beta: 0.5, Scale: 2, Loc: 1, Param: stable.S1}
	student := stable.StudentT{Nu: 3, Scale: 2, Loc: 1}
	for law, quantile := range map[string]func(float64) float64{
		"stable:0.9,0.5,2,1 -param s0":               s0.Quantile,
		"stable:1,0.5,2,1 -param s1":                 one.Quantile,
		"student:3,2,1":                              student.Quantile,
		"student:3,2,1 -type f64":                    student.Quantile,
		"stable:1.5,0,2,1 -type f64":                 stable.Law{Alpha: 1.5, Scale: 2, Loc: 1}.Quantile,
		"stable:1,0.5,2,1 -type f64 -param s1":       one.Quantile,
		"stable:0.9,0.5,2,1 -param s0 -method table": s0.Quantile,
		"gamma:1,3 -type f64":                        func(p float64) float64 { return -3 * math.Log1p(-p) },
		"normal:2,1":                                 func(p float64) float64 { return 1 + 2*math.Sqrt2*math.Erfinv(2*p-1) },
		"exponential:3":                              func(p float64) float64 { return -3 * math.Log1p(-p) },
		"uniform":                                    func(p float64) float64 { return p },
		"gamma:1,3":                                  func(p float64) float64 { return -3 * math.Log1p(-p) },
		"chi2:2":                                     func(p float64) float64 { return -2 * math.Log1p(-p) },
		// Lévy's law: with G normal, 1/(2G²) has Laplace transform exp(−√s).
		"positive:0.5":               func(p float64) float64 { g := math.Sqrt2 * math.Erfinv(1-p); return 1 / (2 * g * g) },
		"isotropic:1.5 -d 1":         stable.Symmetric(1.5).Quantile,
		"isotropic-student:3,2 -d 1": stable.StudentT{Nu: 3, Scale: 2}.Quantile,
	} {
		dir, n := t.TempDir(), 40000
		args := append([]string{"noise", "-n", "4e4", "-seed", "3", "-o", "x.npy", "-law"}, strings.Fields(law)...)
		ok(t, dir, args...)
		a := readNoise(t, filepath.Join(dir, "x.npy"))
		x := a.F64
		for _, v := range a.F32 {
			x = append(x, float64(v))
		}
		require.Len(t, x, n)
		for _, p := range []float64{0.1, 0.25, 0.5, 0.9} {
			below, q := 0, quantile(p)
			for _, v := range x {
				if v <= q {
					below++
				}
			}
			z := (float64(below) - p*float64(n)) / math.Sqrt(float64(n)*p*(1-p))
			require.Less(t, math.Abs(z), 4.5, "%s: %d of %d below the %v quantile %v", law, below, n, p, q)
		}
	}
}

func TestNoiseRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"-law bad -o x.npy":                                  "want stable, positive",
		"-law stable:1 -o x.npy":                             "1 parameter; want stable:ALPHA,BETA",
		"-law stable:1.5,0.5 -o x.npy":                       "-param s0 or -param s1",
		"-law stable:1.5,x -o x.npy":                         "no finite number",
		"-law stable:2.5,0 -o x.npy":                         "Alpha = 2.5",
		"-law stable:1.5,0.5 -param s2 -o x.npy":             "want s0 or s1",
		"-law normal -param s0 -o x.npy":                     "belongs to -law stable",
		"-law normal:-1 -o x.npy":                            "scale -1",
		"-law isotropic:1.5 -o x.npy":                        "-d 0",
		"-law normal -d 3 -o x.npy":                          "-d 3",
		"-law normal -n 1.5 -o x.npy":                        "whole number",
		"-law normal -n 0 -o x.npy":                          "whole number",
		"-law normal -o x.txt":                               "ends in .npy",
		"-law normal":                                        "-o is missing",
		"-law stable:1.5,2 -o x.npy":                         "Beta = 2",
		"-law normal -o none/x.npy":                          "no folder",
		"-law positive:0.5 -type f64 -o x.npy":               "float32 only",
		"-law stable:1.5,0 -type f64 -method table -o x.npy": "float32 only",
		"-law normal -method table -o x.npy":                 "want map, or table with",
		"-law stable:0.3,0 -method table -o x.npy":           "0.5",
		"-law uniform -type f16 -o x.npy":                    "want f32 or f64",
		"-law isotropic:1.5 -d 100000000 -o x.npy":           "-d 100000000",
		"-law isotropic:1.5 -d 1000000 -n 1e12 -o x.npy":     "a file of 4e+09 GB",
		"-law stable:1.5,0.5 -param s0 -threads -1 -o x":     "-threads -1",
	} {
		r := heavytailIn(t, t.TempDir(), append([]string{"noise"}, strings.Fields(args)...)...)
		require.NotZero(t, r.status, args)
		require.Contains(t, r.stderr, want, args)
	}
}

// What is beyond the type of the file is its largest number, in every law.
func TestNoiseIsHeld(t *testing.T) {
	dir := t.TempDir()
	for _, law := range []string{"student:0.01", "student:0.01,1e30", "stable:0.1,0,1e30", "stable:0.1,1,1e30,5 -param s1", "isotropic:0.05,1e30 -d 4",
		"isotropic-student:0.01 -d 4", "isotropic-student:0.002,1e-3 -d 4"} {
		for _, kind := range []string{"f32", "f64"} {
			args := append([]string{"noise", "-n", "4000", "-type", kind, "-o", "x.npy", "-law"}, strings.Fields(law)...)
			if kind == "f64" && strings.HasPrefix(law, "iso") {
				continue
			}
			ok(t, dir, args...)
			a := readNoise(t, filepath.Join(dir, "x.npy"))
			most := 0
			for _, v := range a.F32 {
				require.LessOrEqual(t, math.Abs(float64(v)), math.MaxFloat32, law) // NaN fails
				if math.Abs(float64(v)) == math.MaxFloat32 {
					most++
				}
			}
			for _, v := range a.F64 {
				require.LessOrEqual(t, math.Abs(v), math.MaxFloat64, law)
			}
			require.Equal(t, kind == "f32", most > 0, "%s %s", law, kind)
		}
	}
}

// No value is 0: below the type's smallest number it is that, and where a location
// cancels, a quarter of the spacing there, of either sign.
func TestNoiseIsNotZero(t *testing.T) {
	dir := t.TempDir()
	for _, law := range []string{"gamma:0.01", "gamma:0.001", "chi2:0.02", "gamma:0.01,1e-40", "student:3,1e-44", "normal:1e-45", "isotropic:0.01 -d 3", "isotropic:1.5,1e-45 -d 3",
		"isotropic-student:3,1e-45 -d 2", "positive:1e-8", "stable:1.7,0.5,1e-45 -param s1"} {
		for _, kind := range []string{"f32", "f64"} {
			if kind == "f64" && (strings.HasPrefix(law, "iso") || strings.HasPrefix(law, "pos")) {
				continue
			}
			ok(t, dir, append([]string{"noise", "-n", "2000", "-type", kind, "-o", "x.npy", "-law"}, strings.Fields(law)...)...)
			a := readNoise(t, filepath.Join(dir, "x.npy"))
			require.NotContains(t, a.F32, float32(0), law)
			require.NotContains(t, a.F64, 0.0, law)
			require.Equal(t, kind == "f32", slices.Contains(a.F32, math.SmallestNonzeroFloat32), law)
		}
	}
}
