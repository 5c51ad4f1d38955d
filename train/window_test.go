package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/stable"
)

// Of rows whose column a changes its sign from row to row and whose column b is 10 + n,
// windows of four rows are drawn that do so. Where one of the three changes is left to
// chance, half of the windows have it, within 5 deviations 136 of 200 at most. Every
// column has one scaling, whatever its place in the window.
func TestWindowLaw(t *testing.T) {
	const n, m = 400, 200
	noise := make([]float32, 2*n)
	stable.Key{Seed: 4}.Normal(noise, 0)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%g,%g\n", float64(2-4*(i%2))+0.2*float64(noise[2*i]), 10+float64(noise[2*i+1]))
	}
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, []byte("a,b\n"+b.String()), 0o644))
	for _, kind := range []string{recipe.TEDM, recipe.DLPM} {
		r, err := recipe.Preset("toy")
		require.NoError(t, err)
		r.Network.MLP.Units, r.Network.MLP.Blocks = 32, 1
		require.NoError(t, r.Use(kind))
		r.Data.Spec, r.Data.Rules, r.Data.Window, r.Data.Held = "csv:"+path, data.Rules, 4, 0.25
		r.Data.Transform = []recipe.Transform{{Kind: recipe.None}, {Kind: recipe.Asinh}}
		set, err := Open(t.Context(), &r)
		require.NoError(t, err)
		_, err = Prepare(&r, set)
		require.NoError(t, err)
		require.Equal(t, []int{300 - 3, 8}, []int{r.Data.Samples, r.Network.MLP.Dim})
		for c := range 8 {
			require.Equal(t, r.Data.Scaling.Center[c%2], r.Data.Scaling.Center[c])
			require.Equal(t, r.Data.Scaling.Scale[c%2], r.Data.Scaling.Scale[c])
			require.Equal(t, []string{recipe.None, recipe.Asinh}[c%2], r.Data.Transform[c].Kind)
		}
		back, err := recipe.Parse(r.JSON())
		require.NoError(t, err)
		require.Equal(t, r.Data, back.Data)
		const steps0 = 200
		r.Train.Steps, r.Train.Batch, r.Train.EMA = steps0, 128, []float64{0.9}
		r.Train.Rate = nn.Schedule{Kind: nn.Cosine, LR: 1e-2, Total: steps0}
		tr := start(t, 0, r, set)
		steps(t, tr, steps0)
		tr.Net.Params().CopyFrom(tr.EMA[0].Shadow)
		right := 0
		err = modelOf(t, tr.Net, r).Stream64(context.Background(), heavytail.Options{N: m, Batch: 100}, func(_ int, x []float64) error {
			for ; len(x) > 0; x = x[8:] {
				if x[0]*x[2] < 0 && x[2]*x[4] < 0 && x[4]*x[6] < 0 && min(x[1], x[3], x[5], x[7]) > 0 {
					right++
				}
			}
			return nil
		})
		require.NoError(t, err)
		t.Logf("%s: %d of %d", kind, right, m)
		require.Greater(t, right, 136, kind)
	}
}
