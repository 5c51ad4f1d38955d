package diffusion

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLogSigmaIsWhole: a mean of ln σ whose deviation says that the usual pair is
// meant would not be used, so that training refuses it.
func TestLogSigmaIsWhole(t *testing.T) {
	_, err := NewEDMNoiser(EDM{PMean: 0.5}, 1)
	require.ErrorContains(t, err, "set both")
	n, err := NewEDMNoiser(EDM{PMean: 0.5, PStd: 1.2}, 1)
	require.NoError(t, err)
	usual, err := NewEDMNoiser(EDM{}, 1)
	require.NoError(t, err)
	require.InDelta(t, 1.7, math.Log(n.Sigma(3)/usual.Sigma(3)), 1e-12) // 0.5 − (−1.2)
}
