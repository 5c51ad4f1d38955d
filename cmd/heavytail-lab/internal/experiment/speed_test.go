//go:build linux

package experiment

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
)

// TestPlanarSpeed times one training of tails and of grid on one thread, as
// testdata/peers/mlp_train.py does in PyTorch: run both on the same machine.
func TestPlanarSpeed(t *testing.T) {
	if os.Getenv("HEAVYTAIL_PEER") != "1" {
		t.Skip("a comparison with another program: set HEAVYTAIL_PEER=1")
	}
	cpu := func() time.Duration {
		var u syscall.Rusage
		require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for _, name := range []string{"tails", "grid"} {
		start, cpu0 := time.Now(), cpu()
		x, err := gridPoints(32000, 1)
		require.NoError(t, err)
		if name == "tails" {
			x = tailsPoints(20000, 1)
		}
		r, err := dlpmRow.recipe(1.7, publishedSize, 1)
		require.NoError(t, err)
		net, err := fitPoints(context.Background(), kernels.New(1), x, &r)
		require.NoError(t, err)
		middle, cpu1 := time.Now(), cpu()
		_, err = dlpmRow.draw(context.Background(), net, r, publishedSize, 2)
		require.NoError(t, err)
		t.Logf("heavytail %s threads 1: train %.2f s (%.2f s CPU), sample %.2f s (%.2f s CPU)", name,
			middle.Sub(start).Seconds(), (cpu1 - cpu0).Seconds(), time.Since(middle).Seconds(), (cpu() - cpu1).Seconds())
	}
}
