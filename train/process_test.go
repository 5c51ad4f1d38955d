package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/recipe"
)

// Every process is trained on two Gaussians of deviation 0.1 at (±3, 0), and
// every sampler that its network drives finds both, in their shares.
func TestEveryProcessAndSampler(t *testing.T) {
	if testing.Short() {
		t.Skip("several seconds")
	}
	set, err := data.Open(t.Context(), "toy:gmm_2", data.Options{N: 4000})
	require.NoError(t, err)
	for _, kind := range append(recipe.Kinds(), "ddpm", "dlpm -spread", "tedm -spread") {
		t.Run(kind, func(t *testing.T) {
			r, err := recipe.Preset("toy")
			require.NoError(t, err)
			r.Data = recipe.Data{Spec: "toy:gmm_2", Samples: set.Len(), Shape: set.Shape}
			if kind == "ddpm" {
				r.Process.Alpha, r.Train.Loss = 2, diffusion.Loss{Kind: diffusion.Squared}
			} else {
				name, spread := strings.CutSuffix(kind, " -spread")
				require.NoError(t, r.Use(name))
				if r.Network.MLP.Spread = spread; spread && name == recipe.DLPM {
					r.Train.Loss.Kind = diffusion.Weighted
				}
			}
			if r.EDM != nil {
				r.EDM.SigmaData = []float64{2}
			}
			const n = 400
			r.Train.Steps, r.Train.Batch, r.Train.EMA = n, 256, []float64{0.95}
			r.Train.Rate.Total = n
			tr := start(t, 0, r, set)
			losses := steps(t, tr, n)
			tr.Net.Params().CopyFrom(tr.EMA[0].Shadow)
			for _, method := range modelOf(t, tr.Net, r).Methods() {
				const m = 1000
				var near [2]int
				o := heavytail.Options{N: m, Method: method, Batch: 250}
				err := modelOf(t, tr.Net, r).Stream(context.Background(), o, func(_ int, x []float32) error {
					for ; len(x) > 0; x = x[2:] {
						for k, c := range []float64{-3, 3} {
							if math.Hypot(float64(x[0])-c, float64(x[1])) < 0.5 {
								near[k]++
							}
						}
					}
					return nil
				})
				require.NoError(t, err)
				t.Logf("%s: loss %.3f to %.3f, near the two: %v of %d", method, losses[0], losses[n-1], near, m)
				require.Greater(t, near[0]+near[1], m*95/100, method)
				require.InDelta(t, m/2, near[0], 0.08*m, method) // five deviations of a fair share
			}
		})
	}
}

// The step of every process allocates nothing.
func TestProcessStepsDoNotAllocate(t *testing.T) {
	for _, kind := range recipe.Kinds() {
		r, set := toyRun(t, 1000)
		require.NoError(t, r.Use(kind))
		tr := start(t, 2, r, set)
		steps(t, tr, 2)
		n := testing.AllocsPerRun(20, func() {
			if _, err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		})
		require.Zero(t, n, kind)
	}
}

// Far out the toy network begins as x/t, the noise of DLPM; LIM's target is
// −1/α of it.
func TestTailOfLIM(t *testing.T) {
	set, err := data.Open(t.Context(), "toy:gmm_2", data.Options{N: 50})
	require.NoError(t, err)
	tail := func(kind string) []float32 {
		r, err := recipe.Preset("toy")
		require.NoError(t, err)
		r.Data = recipe.Data{Spec: "toy:gmm_2", Samples: set.Len(), Shape: set.Shape}
		require.NoError(t, r.Use(kind))
		r.Train.Rate.Total = r.Train.Steps
		p := start(t, 1, r, set).Net.Params()
		return p.Get(p.Flat, p.Find("tail.weight"))
	}
	dlpm, lim := tail(recipe.DLPM), tail(recipe.LIM)
	require.NotZero(t, slices.Max(dlpm))
	for i, w := range dlpm {
		require.InDelta(t, -w/1.8, lim[i], 1e-7)
	}
}
