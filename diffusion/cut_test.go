package diffusion

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A countdown is a context that ends when it has been asked so many times.
type countdown struct {
	context.Context
	left, asked int
}

func (c *countdown) Err() error {
	if c.asked++; c.asked > c.left {
		return context.Canceled
	}
	return nil
}

// A chain ends with its context also while it draws the A of its steps, which for
// many steps or pixels takes longer than the network: before the first evaluation,
// and where the rows between two marks are made again.
func TestChainsEndWhileTheyDraw(t *testing.T) {
	p := Default(1.7, 100)
	p.Isotropic = false
	for _, consistent := range []bool{false, true} {
		for _, s := range []interface {
			Sample(context.Context, Denoiser, []uint64, int) ([]float32, error)
		}{DLPMSampler{Process: p, ConsistentStart: consistent}, DLIM{Process: p, Eta: 0.5, ConsistentStart: consistent}} {
			for _, left := range []int{0, 1, 50, 299, 300, 301, 320, 333, 340, 500, 700} {
				ctx := &countdown{Context: t.Context(), left: left}
				calls := 0
				den := func(_ context.Context, out, x, _ []float32) error {
					calls++
					clear(out)
					return nil
				}
				_, err := s.Sample(ctx, den, []uint64{1, 2, 3}, 5)
				if err == nil { // it was done by then
					require.LessOrEqual(t, ctx.asked, left)
					continue
				}
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, "stopped at step")
				require.LessOrEqual(t, ctx.asked, left+3, "left %d: it went on", left)
				if _, dlpm := s.(DLPMSampler); left < 300 && (dlpm || consistent) {
					require.Zero(t, calls)
				}
			}
		}
	}
}
