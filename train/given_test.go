package train

import (
	"context"
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
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/stable"
)

// givenRun returns a small network for points x = 2·sign(side) + 0.2·n given side and
// far, a heavy-tailed number that says nothing, and the n rows.
func givenRun(t *testing.T, kind string, n int) (recipe.Recipe, *data.Set) {
	t.Helper()
	noise, far := make([]float32, n), make([]float64, n)
	stable.Key{Seed: 4}.Normal(noise, 0)
	stable.Key{Seed: 5}.Uniform64(far, 0)
	var b strings.Builder
	b.WriteString("far,x,side\n")
	for i := range n {
		side := 1 - 2*float64(i%2)
		fmt.Fprintf(&b, "%g,%g,%g\n", math.Tan(math.Pi*(far[i]-0.5)), 2*side+0.2*float64(noise[i]), side)
	}
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	r.Network.MLP.Units, r.Network.MLP.Blocks = 32, 1
	require.NoError(t, r.Use(kind))
	r.Data.Spec, r.Data.Rules, r.Data.Given = "csv:"+path, data.Rules, &recipe.Given{Select: []string{"side", "0"}}
	set, err := Open(t.Context(), &r)
	require.NoError(t, err)
	_, err = Prepare(&r, set)
	require.NoError(t, err)
	require.Equal(t, []string{"side", "far"}, r.Data.Given.Columns)
	return r, set
}

// Every process learns which of two laws a condition names, however far out another
// condition lies. A sample is right if its sign is that of its condition, which all data
// are. Of a network that is blind to it, whatever its law, half of the samples are
// right, as of one that has the conditions of other rows: within 5 deviations, at most
// 250 of 400; where that is so in one batch of three alone, those of 150, 150 and 100, at
// most 300 + 75. More than 375 are wanted.
func TestConditionalLaw(t *testing.T) {
	for _, kind := range recipe.Kinds() {
		r, set := givenRun(t, kind, 500)
		const n, m = 200, 400
		r.Train.Steps, r.Train.Batch, r.Train.EMA = n, 128, []float64{0.9}
		r.Train.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Total: n}
		tr := start(t, 0, r, set)
		steps(t, tr, n)
		tr.Net.Params().CopyFrom(tr.EMA[0].Shadow)
		right, row := 0, 0
		given := []float64{1, 0.3, -1, 0.3, 1, 40, -1, -1e6} // far out in training, too
		err := modelOf(t, tr.Net, r).Stream64(context.Background(), heavytail.Options{N: m, Batch: 150, Given: given}, func(first int, x []float64) error {
			require.Equal(t, row, first)
			for _, v := range x {
				if v*given[row%4*2] > 0 {
					right++
				}
				row++
			}
			return nil
		})
		require.NoError(t, err)
		t.Logf("%s: %d of %d", kind, right, m)
		require.Greater(t, right, 375, kind)
	}
}

// A step with conditions allocates nothing, and copies of a sample share them: a
// batch in parts has the bits of a whole one.
func TestConditionsOfCopies(t *testing.T) {
	r, set := givenRun(t, recipe.DLPM, 100)
	r.Train.Batch, r.Train.Loss.Outer, r.Train.Loss.Inner = 12, 3, 2
	whole := start(t, 0, r, set)
	r.Train.Micro = 5
	parts := start(t, 0, r, set)
	for range 3 {
		_, err := whole.Step()
		require.NoError(t, err)
		_, err = parts.Step()
		require.NoError(t, err)
	}
	require.Equal(t, weights(whole), weights(parts))
	want, given := make([]float32, 2), make([]float64, 2)
	for i, got := range slices.Collect(slices.Chunk(whole.buf.cond, 2)) {
		set.Conditions(given, whole.order.at(uint64(24+i%12))) // of the third step
		r.Data.Given.ToNetwork(want, given)
		require.Equal(t, want, got, "row %d", i)
	}
	require.Len(t, whole.buf.cond, 2*12*6)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if _, err := parts.Step(); err != nil {
			t.Fatal(err)
		}
	}))
}

func TestConditionsAreRefused(t *testing.T) {
	r, set := givenRun(t, recipe.EDM, 40)
	less := r.Clone()
	less.Data.Given, less.Network.MLP.Conditions = nil, 0
	_, err := New(kernels.New(1), set, less)
	require.ErrorContains(t, err, "2 conditions, the recipe says 0")
	less.Network.MLP.Conditions = 1
	require.ErrorContains(t, less.Validate(), "1 conditions, the data have 0")

	path := filepath.Join(t.TempDir(), "c.csv")
	require.NoError(t, os.WriteFile(path, []byte("x,c\n1,7\n2,7\n3,7\n"), 0o644))
	r.Data = recipe.Data{Spec: "csv:" + path, Rules: data.Rules, Given: &recipe.Given{Select: []string{"c"}}}
	set, err = Open(t.Context(), &r)
	require.NoError(t, err)
	_, err = Prepare(&r, set)
	require.ErrorContains(t, err, "setting given c: the column is constant")

	pictures, images := imageRun(t, 10)
	pictures.Data.Given = &recipe.Given{Select: []string{"c"}}
	require.ErrorContains(t, pictures.Validate(), "conditions of images")
	_ = images
}
