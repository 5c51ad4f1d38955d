package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// golden is the entry "metrics" of testdata/golden/dlpm_vectors.json.
type golden struct {
	Metrics struct {
		MMD struct {
			X, Y  [][]float32
			Value float64
		}
		PRD struct {
			Eval []float64 `json:"eval_hist"`
			Ref  []float64 `json:"ref_hist"`
			F8   float64
			F18  float64 `json:"F1_8"`
			F1   float64
		}
		PRDC map[string]float64 `json:"prdc_k2"`
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/golden/dlpm_vectors.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &g))
	return g
}

// normals returns n normal values of a stream of their own.
func normals(seed uint64, n int) []float64 {
	x := make([]float32, n)
	stable.Key{Seed: seed}.Normal(x, 0)
	return widen(x)
}

// points returns n normal points of d coordinates, each coordinate times scale
// plus shift.
func points(seed uint64, n, d int, scale, shift float32) []float32 {
	x := make([]float32, n*d)
	stable.Key{Seed: seed}.Normal(x, 0)
	for i := range x {
		x[i] = float32(x[i]*scale) + shift
	}
	return x
}

// mapped returns f of every value.
func mapped(x []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = f(v)
	}
	return out
}

var nan, inf = math.NaN(), math.Inf(1)
