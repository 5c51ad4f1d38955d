package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/numtest"
	"heavytail/recipe"
	"heavytail/stable"
)

// student returns rows of two values of Student's law with ν = 3, multiples of
// 2⁻¹⁶.
func student(n int) [][]float64 {
	z := make([]float64, n)
	s := stable.Key{Seed: 11}
	out := make([][]float64, n)
	s.StudentT(z, 3, 0)
	for i, v := range z {
		out[i] = []float64{math.Round(v*(1<<16)) / (1 << 16), math.Round(z[(i*7+1)%n]*(1<<16)) / (1 << 16)}
	}
	return out
}

// pointRun returns a run of DLPM with α = 1.6, which tail advises for such data,
// on a table of rows, each value first sent through f.
func pointRun(t *testing.T, rows [][]float64, f func(float64) float64, scaling string, steps int) (recipe.Recipe, *data.Set) {
	t.Helper()
	var text strings.Builder
	for _, row := range rows {
		for c, v := range row {
			fmt.Fprint(&text, []string{"", ","}[min(c, 1)], f(v))
		}
		fmt.Fprintln(&text)
	}
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o644))
	set, err := data.Open(t.Context(), "csv:"+path, data.Options{Rules: data.FirstRules})
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: "x.csv", Samples: set.Len(), Shape: set.Shape}
	require.NoError(t, r.Fit())
	r.Process.Alpha = 1.6
	if scaling != recipe.None {
		r.Data.Scaling, _, err = recipe.MeasureScaling(scaling, recipe.Points{Len: set.Len(), Dim: set.Per(), Row: set.Float64, Name: r.Data.ColumnName})
		require.NoError(t, err)
	}
	r.Train.Steps, r.Train.Batch = steps, 128
	r.Train.Rate.Total, r.Train.Rate.Warmup = steps, min(20, steps-1)
	return r, set
}

// TestUnitsOfTheDataDoNotMatter: returns of 2⁻⁷ and values around 10⁶ train the
// network of plain numbers, to the last bit, and give its samples in their units.
func TestUnitsOfTheDataDoNotMatter(t *testing.T) {
	rows := student(300)
	r, set := pointRun(t, rows, func(v float64) float64 { return v }, recipe.Robust, 3)
	plain := start(t, 1, r, set)
	steps(t, plain, 3)
	want := samples64(t, plain, 20)
	for _, u := range []struct{ loc, scale float64 }{{0, 0x1p-7}, {1 << 20, 0x1p-7}, {1 << 30, 1}, {-3, 1 << 10}} {
		in := func(v float64) float64 { return u.loc + u.scale*v } // exact, and so are the quantiles between two: 48 bits at most
		r, set := pointRun(t, rows, in, recipe.Robust, 3)
		tr := start(t, 1, r, set)
		steps(t, tr, 3)
		numtest.SameBits(t, weights(plain), weights(tr), fmt.Sprint(u))
		for i, v := range samples64(t, tr, 20) {
			require.InDelta(t, in(want[i]), v, 0x1p-51*(math.Abs(u.loc)+u.scale*math.Abs(want[i])), "%v", u)
		}
	}
}

func samples64(t *testing.T, tr *Trainer, n int) (out []float64) {
	t.Helper()
	require.NoError(t, modelOf(t, tr.Net, tr.Recipe).Stream64(t.Context(), heavytail.Options{N: n, Batch: n}, func(_ int, x []float64) error {
		out = append(out, x...)
		return nil
	}))
	return out
}

// TestTransformIsTheDataBent: a run on scaled values with a transform trains the
// network of a run on those values, bent before, to the last bit, and gives its samples
// unbent; what EDM measures is of the bent values.
func TestTransformIsTheDataBent(t *testing.T) {
	rows := student(300)
	for _, tr := range []recipe.Transform{{Kind: recipe.SoftLog}, {Kind: recipe.Asinh}, {Kind: recipe.TTF, Lower: 0.3, Upper: 0.4}} {
		run := func(f func(float64) float64, with []recipe.Transform) (*Trainer, []float64) {
			r, set := pointRun(t, rows, f, recipe.None, 3)
			require.NoError(t, r.Use(recipe.EDM))
			r.Data.Transform = with
			_, err := Measure(&r, set)
			require.NoError(t, err)
			x := start(t, 1, r, set)
			steps(t, x, 3)
			return x, r.EDM.SigmaData
		}
		plain, sigma := run(tr.Bend, nil)
		bent, measured := run(func(v float64) float64 { return v }, []recipe.Transform{tr, tr})
		require.Equal(t, sigma, measured, "%v", tr)
		numtest.SameBits(t, weights(plain), weights(bent), fmt.Sprint(tr))
		want := samples64(t, plain, 20)
		for i, v := range samples64(t, bent, 20) {
			require.Equal(t, tr.Unbend(want[i]), v, "%v", tr)
		}
	}
}

// TestBend: transforms that a program asks for, one for all or one for each column, are
// settled by Prepare; a value that no scaling brings into reach is in it, bent.
func TestBend(t *testing.T) {
	values := func(i int) []float64 { return []float64{float64(i%7 - 3), math.Ldexp(float64(i%5-2), 4*(i%200))} }
	set, err := data.From(table{900, values}, []int{2}, nil)
	require.NoError(t, err)
	prepare := func(kinds ...string) (recipe.Recipe, []string, error) {
		r, err := recipe.Preset("toy")
		require.NoError(t, err)
		require.NoError(t, r.Use(recipe.Flow))
		for _, kind := range kinds {
			r.Data.Transform = append(r.Data.Transform, recipe.Transform{Kind: kind})
		}
		notes, err := Prepare(&r, set)
		return r, notes, err
	}
	_, _, err = prepare()
	require.Error(t, err, "2^800 scaled")
	_, _, err = prepare(recipe.SoftLog, recipe.None)
	require.Error(t, err, "2^800 scaled, where another column is bent")
	r, notes, err := prepare(recipe.None, recipe.SoftLog)
	require.NoError(t, err)
	require.Equal(t, []recipe.Transform{{Kind: recipe.None}, {Kind: recipe.SoftLog}}, r.Data.Transform)
	require.Contains(t, strings.Join(notes, "\n"), "columns bent by softlog (-transform)")
	r, _, err = prepare(recipe.TTF)
	require.NoError(t, err)
	require.Equal(t, recipe.Transform{Kind: recipe.TTF}, r.Data.Transform[0], "seven values have no tail")
	require.Greater(t, r.Data.Transform[1].Upper, 1.0)
	again := r.Data.Transform
	require.NoError(t, func() error { _, err := Prepare(&r, set); return err }())
	require.Equal(t, again, r.Data.Transform, "settled twice")
	_, _, err = prepare(recipe.SoftLog, recipe.SoftLog, recipe.SoftLog)
	require.ErrorContains(t, err, "setting transform softlog,softlog,softlog: transforms of 3 columns for data of 2")

	pictures, err := data.From(clouds(20), []int{1, 2, 1}, nil)
	require.NoError(t, err)
	_, err = Bend(&r, pictures)
	require.ErrorContains(t, err, "images are not transformed")
	r.Data.Transform = []recipe.Transform{{Kind: recipe.None}}
	_, err = Bend(&r, pictures)
	require.NoError(t, err)
	require.Nil(t, r.Data.Transform)
}

// table is a set of rows.
type table struct {
	n   int
	row func(i int) []float64
}

func (s table) Len() int { return s.n }

func (s table) Sample(dst []float64, i int) int {
	copy(dst, s.row(i))
	return -1
}

// TestReturnsKeepTheirScale: a short training on returns, Student-t of scale 0.01,
// gives samples that are nearer to that law than a law of twice the width is; so
// does one on values around 10⁹. Without scaling the same training does not.
func TestReturnsKeepTheirScale(t *testing.T) {
	const n, steps = 2000, 200
	rows := student(n)
	for i, row := range rows {
		rows[i] = row[:1]
	}
	law := stable.StudentT{Nu: 3, Scale: 1}
	// The distance of the law from that of twice the width, and the one of n values
	// from their own law, which is passed once in 10⁶ times (Dvoretzky, Kiefer,
	// Wolfowitz and Massart).
	twice := 0.0
	for x := 0.0; x < 20; x += 0.01 {
		twice = max(twice, law.CDF(x)-law.CDF(x/2))
	}
	bound := twice + math.Sqrt(math.Log(2e6)/(2*n))
	for _, c := range []struct {
		loc, scale float64
		scaling    string
		holds      bool
	}{{0, 0.01, recipe.Robust, true}, {1e9, 1, recipe.Robust, true}, {0, 0.01, recipe.None, false}} {
		r, set := pointRun(t, rows, func(v float64) float64 { return c.loc + c.scale*v }, c.scaling, steps)
		tr := start(t, 0, r, set)
		for range steps {
			_, err := tr.Step()
			require.NoError(t, err)
		}
		tr.Net.Params().CopyFrom(tr.EMA[0].Shadow)
		x := samples64(t, tr, n)
		slices.Sort(x)
		ks := 0.0
		for i, v := range x {
			p := law.CDF((v - c.loc) / c.scale)
			ks = max(ks, p-float64(i)/n, float64(i+1)/n-p)
		}
		t.Logf("%v: distance %.3f, bound %.3f", c, ks, bound)
		require.Equal(t, c.holds, ks < bound, "%v: distance %.3f, bound %.3f", c, ks, bound)
	}
}
