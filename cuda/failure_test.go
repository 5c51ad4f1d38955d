package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/data"
	"heavytail/internal/numtest"
	"heavytail/kernels"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// pointsRecipe is a run on points with the smallest network.
func pointsRecipe(t *testing.T) (recipe.Recipe, *data.Set) {
	t.Helper()
	set, err := data.Open(t.Context(), "toy:gmm_grid", data.Options{N: 20})
	require.NoError(t, err)
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: "toy:gmm_grid", Samples: set.Len(), Shape: set.Shape, Points: 20}
	r.Network = nn.Config{MLP: &nn.MLPConfig{Dim: 2, Units: 4, Blocks: 1, TimeEmb: 4, TimeScale: 100}}
	r.Train.Steps, r.Train.Batch, r.Train.EMA = 1, 4, []float64{0.9}
	r.Train.Rate = nn.Schedule{Kind: nn.Constant, LR: 1e-3}
	require.NoError(t, r.Validate())
	return r, set
}

// A job is what a program does with a device, from opening to the end; it returns
// numbers.
type job func(dev tensor.Device) ([]float32, error)

func sampling(r recipe.Recipe) job {
	return func(dev tensor.Device) (out []float32, err error) {
		net, err := nn.New(dev, r.Network)
		if err != nil {
			return nil, err
		}
		m, err := heavytail.New(net, r)
		if err != nil {
			return nil, err
		}
		err = m.Stream(context.Background(), heavytail.Options{Seeds: []uint64{1, 2}, Steps: 2, Batch: 2}, func(_ int, x []float32) error {
			out = append(out, x...)
			return nil
		})
		return out, err
	}
}

// training is a step, its checkpoint, and what a resumed run reads of that.
func training(r recipe.Recipe, set *data.Set, file string) job {
	return func(dev tensor.Device) ([]float32, error) {
		tr, err := train.New(dev, set, r)
		if err != nil {
			return nil, err
		}
		s, err := tr.Step()
		if err != nil {
			return nil, err
		}
		if err := tr.Save(file); err != nil {
			return nil, err
		}
		return []float32{float32(s.Loss), float32(s.Norm)}, tr.Restore(file)
	}
}

// What a driver may answer, to which calls.
var driverFailures = []struct {
	name  string
	err   error
	calls func(call string) bool
}{
	{"out of memory", cuda.ErrMemory, func(call string) bool { return call == "Alloc" }},
	{"not compiled", errors.New("ptxas: no such instruction"), func(call string) bool { return call == "Load" || call == "Func" }},
	{"lost", errors.New("CUDA_ERROR_ILLEGAL_ADDRESS"), func(call string) bool { return call != "Load" && call != "Func" }},
}

// Every call of the driver fails, one after the other, in every way that it may: the
// job returns that error, the driver is asked for nothing more if the GPU is lost,
// all memory is back in the pool when the tensors are gone, and the CPU and, where
// the GPU lives, a second try on the same device give what they always gave.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	r, set := pointsRecipe(t)
	for name, do := range map[string]job{"sampling": sampling(r), "training": training(r, set, filepath.Join(t.TempDir(), "x"))} {
		want, err := do(kernels.New(1))
		require.NoError(t, err)
		for _, f := range driverFailures {
			t.Run(name+"/"+f.name, func(t *testing.T) {
				n := 0
				for ; failsAt(t, do, want, n, f.err, f.calls); n++ {
				}
				require.Positive(t, n, "no such call")
				t.Log(n, "calls failed")
			})
		}
		again, err := do(kernels.New(1))
		require.NoError(t, err)
		numtest.SameBits(t, want, again, "the CPU afterwards")
	}
}

// failsAt lets call number n of those that match fail; it reports whether there was
// one.
func failsAt(t *testing.T, do job, want []float32, n int, cause error, match func(call string) bool) bool {
	t.Helper()
	seen, failed, tries := 0, "", 1
	if errors.Is(cause, cuda.ErrMemory) {
		tries = 4 // of one allocation: two sizes, and again when what nobody reaches is back
	}
	drv := cudatest.New(cudatest.Config{Fail: func(call string) error {
		if !match(call) {
			return nil
		}
		if seen++; seen > n && seen <= n+tries {
			failed = fmt.Sprintf("%s, call %d", call, n)
			return cause
		}
		return nil
	}})
	d, err := cuda.New(drv, cuda.Options{Segment: 512, Limit: 1 << 24})
	require.NoError(t, err)
	defer d.Close()
	got, err := do(d)
	if failed == "" {
		require.NoError(t, err)
		numtest.SameBits(t, want, got, "on the GPU")
		return false
	}
	var f *tensor.Failure
	require.ErrorAs(t, err, &f, failed)
	require.ErrorIs(t, err, cause, failed)
	require.NoError(t, drv.Misuse, failed)
	if d.Err() != nil {
		require.ErrorIs(t, d.Err(), cause)
		return true
	}
	got, err = do(d) // the GPU lives
	require.NoError(t, err, failed)
	numtest.SameBits(t, want, got, failed)
	require.Eventually(t, func() bool { return d.InUse() == 0 }, 10*time.Second, time.Millisecond, "memory that nobody gave back: %s", failed)
	return true
}
