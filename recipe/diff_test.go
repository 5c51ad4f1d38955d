package recipe

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
)

func TestDiff(t *testing.T) {
	a := fitted(t, "toy", 2)
	require.Empty(t, Diff(a, a.Clone()))
	b := a.Clone()
	b.Train.Batch, b.Train.EMA, b.Train.Micro = 7, []float64{0.5, 0.25}, 3
	var got []string
	for _, d := range Diff(a, b) {
		got = append(got, d.String())
	}
	require.Equal(t, []string{"train.batch from 1024 to 7", "train.ema from [0.99] to [0.5,0.25]", "train.micro from none to 3"}, got)
	c := a.Clone()
	c.EDM = &diffusion.EDM{SigmaData: []float64{1}}
	require.Equal(t, []Difference{{"edm.sigma_data", nil, []any{1.0}}}, Diff(a, c))
}
