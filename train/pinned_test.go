package train

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/nn"
	"heavytail/recipe"
)

var update = flag.Bool("update", false, "rewrite testdata/bits_*.txt")

// pinnedSteps is the number of steps whose bits are pinned.
const pinnedSteps = 10

// pinnedPoints are small runs on points, one of each process and one with what
// the others leave out.
func pinnedPoints(t *testing.T) (runs []goldenRun) {
	for _, kind := range recipe.Kinds() {
		r, set := toyRun(t, pinnedSteps)
		require.NoError(t, r.Use(kind))
		r.Train.EMAWarmup = 3
		runs = append(runs, goldenRun{kind, r, set})
	}
	r, set := toyRun(t, pinnedSteps)
	r.Process.Isotropic, r.Process.Grid = false, diffusion.Quadratic
	r.Train.Loss = diffusion.Loss{Kind: diffusion.Root, Median: true, Outer: 3}
	r.Train.Rate = nn.Schedule{Kind: nn.StepLR, LR: 1e-2, Every: 3, Gamma: 0.9}
	scaling, _, err := recipe.MeasureScaling(recipe.Robust, recipe.Points{Len: set.Len(), Dim: 2, Row: set.Float64})
	require.NoError(t, err)
	r.Data.Scaling = scaling
	runs = append(runs, goldenRun{"dlpm-median-scaled", r, set})
	for i, kind := range []string{recipe.SoftLog, recipe.Asinh, recipe.TTF} {
		r, set := toyRun(t, pinnedSteps)
		require.NoError(t, r.Use([]string{recipe.Flow, recipe.DLPM, recipe.EDM}[i]))
		r.Data.Transform = []recipe.Transform{{Kind: kind}, {Kind: recipe.None}}
		if r.Data.Scaling = scaling; kind == recipe.TTF {
			r.Data.Transform[0].Lower, r.Data.Transform[0].Upper = 0.2, 0.5
		}
		runs = append(runs, goldenRun{r.Kind() + "-" + kind, r, set})
	}
	r, set = toyRun(t, pinnedSteps)
	r.Network.MLP.Spread, r.Train.Loss = true, diffusion.Loss{Kind: diffusion.Weighted}
	runs = append(runs, goldenRun{"dlpm-spread", r, set})
	r, set = toyRun(t, pinnedSteps)
	require.NoError(t, r.Use(recipe.TEDM))
	r.EDM.LogUniform = true
	return append(runs, goldenRun{"tedm-log-uniform", r, set})
}

// pinnedImages are small runs on images, one of each process, the Student-t ones
// in colour, and one of the other network.
func pinnedImages(t *testing.T) (runs []goldenRun) {
	for _, kind := range recipe.Kinds() {
		r, set := imageRun(t, pinnedSteps)
		r.Train.Batch = 6
		if kind == recipe.TEDM || kind == recipe.TFlow {
			set = data.Random(50, []int{8, 8, 3}, 3)
			r.Data.Shape = set.Shape
			r.Network.UNet.InChannels, r.Network.UNet.OutChannels = 3, 3
		}
		require.NoError(t, r.Use(kind))
		runs = append(runs, goldenRun{kind, r, set})
	}
	r, set := imageRun(t, pinnedSteps)
	read := r.Data
	r, err := recipe.Preset("fashion-song")
	require.NoError(t, err)
	r.Data = read
	require.NoError(t, r.Fit())
	r.Network.Song.ModelChannels = 8
	r.Train.Steps, r.Train.Batch, r.Train.Rate = pinnedSteps, 6, nn.Schedule{Kind: nn.Constant, LR: 1e-3}
	return append(runs, goldenRun{"edm-song", r, set})
}

// runBits returns hashes of what ten steps compute: of weights, averages and
// moments, and of losses and norms.
func runBits(t *testing.T, g goldenRun, threads, micro int) [2]string {
	t.Helper()
	r := g.recipe
	r.Train.Micro = micro
	require.NoError(t, r.Validate(), g.name)
	tr := start(t, threads, r, g.set)
	sum := func(v any) string {
		h := sha256.New()
		require.NoError(t, binary.Write(h, binary.LittleEndian, v))
		return fmt.Sprintf("%x", h.Sum(nil)[:12])
	}
	var stats []Stats
	for range pinnedSteps {
		s, err := tr.Step()
		require.NoError(t, err, g.name)
		stats = append(stats, s)
	}
	return [2]string{sum(weights(tr)), sum(stats)}
}

// TestPinnedBits compares ten steps of every process with the bits that were
// committed, on every level, with several threads and in parts. A change that is
// meant says so with -update, with the reason in the commit and in the change log:
// a run of an older version, resumed, would go on with other numbers. Points and
// images have files of their own, as what changes convolutions leaves points alone.
func TestPinnedBits(t *testing.T) {
	for file, runs := range map[string][]goldenRun{"bits_points.txt": pinnedPoints(t), "bits_images.txt": pinnedImages(t)} {
		var got strings.Builder
		for _, g := range runs {
			sums := runBits(t, g, 1, 0)
			fmt.Fprintf(&got, "%-18s %s %s\n", g.name, sums[0], sums[1])
			if testing.Short() {
				continue
			}
			numtest.EachLevel(t, func(t *testing.T) {
				require.Equal(t, sums, runBits(t, g, 3, 0), "%s, 3 threads", g.name)
			})
			// The loss of parts is summed in another order, the weights are the same.
			require.Equal(t, sums[0], runBits(t, g, 2, 4)[0], "%s, in parts of 4", g.name)
		}
		path := filepath.Join("testdata", file)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got.String()), 0o666))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got.String(), "%s: the bits of these trainings changed", file)
	}
}
