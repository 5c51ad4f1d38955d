package experiment

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/jobs"
)

// The shares of an experiment, one of which is stopped and goes on, give the files of
// one run; what is missing or of other options is refused.
func TestShares(t *testing.T) {
	var did atomic.Int64
	ctx, o := t.Context(), Options{Seed: 3}
	whole := t.TempDir()
	require.NoError(t, runner(t, whole, 1).Do(ctx, counting(5, &did, 0), o))
	for _, of := range []int{1, 2, 7, 20} {
		dir := t.TempDir()
		r := runner(t, dir, 1)
		did.Store(0)
		_, err := r.Share(ctx, counting(5, &did, 1), o, jobs.Share{Index: of - 1, Of: of})
		require.ErrorContains(t, err, "struck")
		for i := range of {
			done, err := r.Share(ctx, counting(5, &did, 0), o, jobs.Share{Index: i, Of: of})
			require.NoError(t, err)
			require.True(t, done)
			done, err = r.Share(ctx, counting(5, &did, 0), o, jobs.Share{Index: i, Of: of})
			require.NoError(t, err)
			require.False(t, done)
			if i < of-1 {
				var lack *jobs.IncompleteError
				require.ErrorAs(t, r.Merge(ctx, counting(5, &did, 0), o), &lack)
			}
		}
		require.EqualValues(t, 1+10, did.Load(), "%d shares", of)
		require.NoError(t, r.Merge(ctx, counting(5, &did, 0), o))
		for _, name := range []string{"count.csv", "count.svg", "count.md"} {
			require.Equal(t, text(t, whole, "out", name), text(t, dir, "out", name), "%d shares", of)
		}
		var stranger *jobs.StrangerError
		require.ErrorAs(t, r.Merge(ctx, counting(5, &did, 0), Options{Seed: 4}), &stranger)
		_, err = r.Share(ctx, counting(5, &did, 0), Options{Seed: 4}, jobs.Share{Of: of})
		require.ErrorAs(t, err, &stranger)
	}
}

// spread is a permutation that parts neighbours.
func TestSpread(t *testing.T) {
	for n := 1; n < 200; n++ {
		seen := make([]bool, n)
		for i := range n {
			require.False(t, seen[spread(i, n)])
			seen[spread(i, n)] = true
			if n > 12 && i > 0 {
				d := (spread(i, n) - spread(i-1, n) + n) % n
				require.Greater(t, min(d, n-d), n/5, "%d of %d", i, n)
			}
		}
	}
}
