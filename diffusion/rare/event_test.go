package rare

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Events in words, and what is none.
func TestParseEvent(t *testing.T) {
	x := []float64{3, -4, 12}
	columns := []string{"loss", "a b", "norm2"}
	for text, want := range map[string][2]float64{ // value and threshold
		"loss > 100":                 {3, 100},
		"x1>-2e1":                    {-4, -20},
		`-"a b" + 2*loss > 5`:        {10, 5},
		"loss < -1":                  {-3, 1},
		"norm > 5":                   {13, 5},
		"norm<0.5":                   {-13, -0.5},
		"0.5*loss - 1e1*x2 + loss>0": {-115.5, 0},
		"norm2 > 1":                  {12, 1},
	} {
		e, err := ParseEvent(text, columns, 3)
		require.NoError(t, err, text)
		require.Equal(t, want, [2]float64{e.Value(x), e.Threshold}, text)
		require.Equal(t, text == "norm<0.5", e.Short, text)
	}
	for text, want := range map[string]string{
		"": "no column", "loss": "> or <", "loss > ": "a number", "loss > 1 2": "a number", "gain > 1": `no column "gain"`, "x3 > 1": `no column "x3"`,
		"2 loss > 1": `\*`, "norm + loss > 1": "alone", "2*norm > 1": "no column", "loss > inf": "a number", "loss = 1": "> or <", "x-1 > 2": "no column", "> 1": "no column",
		"loss > 1e400": `"1e400" where`, "1e400*loss > 1": "no column",
	} {
		_, err := ParseEvent(text, columns, 3)
		require.Error(t, err, text)
		require.Regexp(t, want, err.Error(), text)
	}
}

// The length of a sample is finite where the sample is.
func TestLength(t *testing.T) {
	require.Equal(t, 13.0, length([]float64{3, -4, 12}))
	require.InEpsilon(t, 5e200, length([]float64{3e200, 4e200}), 1e-15)
	require.InEpsilon(t, 5e-200, length([]float64{3e-200, 4e-200, 0}), 1e-15)
	require.Zero(t, length([]float64{0, 0}))
}
