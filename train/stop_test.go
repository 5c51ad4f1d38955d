package train

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/tensor"
)

// ending is a device that ends a context within the backward product number at.
type ending struct {
	*kernels.CPU
	done *int
	at   int
	end  context.CancelFunc
}

func (e ending) Until(*tensor.Stop) tensor.Device { return e }

func (e ending) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	if *e.done++; *e.done == e.at {
		e.end()
	}
	e.CPU.LinearBackward(dx, dw, db, dy, x, w)
}

// A context that ends within a step ends the run there and then; the step is as
// if it had not begun, and the resumed run ends with the same bytes.
func TestRunStopsWithinAStep(t *testing.T) {
	const n = 6
	r, set := toyRun(t, n)
	whole := t.TempDir()
	require.NoError(t, do(t, whole, start(t, 2, r, set), 0))
	want, err := os.ReadFile(filepath.Join(whole, ModelFile))
	require.NoError(t, err)

	perStep := 0
	tr, err := New(ending{kernels.New(1), &perStep, -1, nil}, set, r)
	require.NoError(t, err)
	steps(t, tr, 1)
	require.Greater(t, perStep, 3)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done, at, dir := 0, 3*perStep+2, t.TempDir()
	tr, err = New(ending{kernels.New(1), &done, at, cancel}, set, r)
	require.NoError(t, err)
	require.ErrorIs(t, (&Run{Dir: dir, SaveEvery: 7, LogEvery: 5}).Do(ctx, tr), context.Canceled)
	require.Equal(t, at, done, "operations after the context's end")
	require.Equal(t, 3, tr.Done())
	tr = start(t, 2, r, set)
	require.NoError(t, tr.Restore(filepath.Join(dir, ModelFile)))
	require.NoError(t, do(t, dir, tr, 0))
	got, err := os.ReadFile(filepath.Join(dir, ModelFile))
	require.NoError(t, err)
	require.Equal(t, want, got)
}
