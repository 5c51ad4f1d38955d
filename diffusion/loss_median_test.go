package diffusion

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Of an even number of groups the median is the lower of the two in the middle,
// equal ones ranked by their index, and the gradient goes to that group alone.
func TestLowerMedian(t *testing.T) {
	for _, c := range []struct {
		means []float64
		at    int
	}{{[]float64{4, 1, 3, 2}, 3}, {[]float64{5, 7}, 0}, {[]float64{9, 2, 2, 8}, 2}, {[]float64{3, 1, 2}, 2}, {[]float64{6}, 0}} {
		l := Loss{Kind: Squared, Median: true, Outer: len(c.means)}
		w, want := make([]float64, len(c.means)), make([]float64, len(c.means))
		want[c.at] = 0.5 // of two samples in the step
		require.Equal(t, c.means[c.at]/2, l.Reduce(w, c.means, 2), "%v", c.means)
		require.Equal(t, want, w, "%v", c.means)
	}
}
