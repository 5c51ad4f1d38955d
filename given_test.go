package heavytail_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/internal/numtest"
	"heavytail/nn"
	"heavytail/recipe"
)

// givenModel returns a model of points given a and b, with random weights.
func givenModel(t *testing.T, kind string) *heavytail.Model {
	t.Helper()
	r, err := recipe.Preset("toy")
	require.NoError(t, err)
	require.NoError(t, r.Use(kind))
	r.Network.MLP = &nn.MLPConfig{Units: 8, Blocks: 1, TimeEmb: 4, TimeScale: 100}
	r.Data = recipe.Data{Spec: "x.csv", Samples: 9, Shape: []int{2}, Given: &recipe.Given{Select: []string{"0", "b"}, Columns: []string{"a", "b"},
		Scaling: &recipe.Scaling{Kind: recipe.Robust, Center: []float64{1e6, 0}, Scale: []float64{0.5, 2}}}}
	return randomModel(t, r)
}

// Sample i is drawn given row i mod the number of rows, whatever is drawn beside it,
// by all that draws, and is another one given something else.
func TestSamplesAreGivenTheirOwnConditions(t *testing.T) {
	rows := []float64{1e6, 1, 1e6 + 3, -40, 1e6 - 0.1, 7e9}
	for _, kind := range recipe.Kinds() {
		m := givenModel(t, kind)
		require.Equal(t, []string{"a", "b"}, m.Given())
		var want []float32
		for i := range 5 {
			k := i % 3
			want = append(want, values(t, m, heavytail.Options{Seed: uint64(i), Steps: 4, Given: rows[2*k : 2*k+2]})...)
		}
		o := heavytail.Options{N: 5, Steps: 4, Batch: 2, Given: rows}
		numtest.SameBits(t, want, values(t, m, o), kind)
		var last []float32
		for s, err := range m.Steps(t.Context(), o) {
			require.NoError(t, err)
			if s.Left == 0 {
				last = append(last, s.Samples.Float32()...)
			}
		}
		numtest.SameBits(t, want, last, kind+", Steps")
		require.NotEqual(t, want[:2], values(t, m, heavytail.Options{Steps: 4, Given: rows[2:4]}), kind)

		d, err := m.Denoiser(heavytail.Options{N: 3, Given: rows})
		require.NoError(t, err)
		single, err := m.Denoiser(heavytail.Options{N: 1, Given: rows[4:]})
		require.NoError(t, err)
		x := []float32{1, 2, -1, 0.5, 3, 3}
		if d.Noise == nil {
			continue
		}
		all, one := make([]float32, 6), make([]float32, 2)
		require.NoError(t, d.Noise(t.Context(), all, x, []float32{0.5, 0.5, 0.5}))
		require.NoError(t, single.Noise(t.Context(), one, x[4:], []float32{0.5}))
		numtest.SameBits(t, one, all[4:], kind+", Denoiser")
		require.NoError(t, d.Noise(t.Context(), all[:2], x[:2], []float32{0.5}), "fewer rows than conditions")
	}
}

// The way from noise to samples and the density go with the conditions, too: ln p of
// Φ(n) given c is that of n less the logarithm of Φ's Jacobian given c, by differences.
func TestDensityGivenConditions(t *testing.T) {
	for _, kind := range recipe.Kinds() {
		m := givenModel(t, kind)
		given := []float64{1e6 + 0.4, 3}
		w, err := m.Way(heavytail.Options{Steps: 200, Given: given})
		require.NoError(t, err)
		const h = 0.02
		n := []float64{0.4, -0.9}
		x := []float64{n[0], n[1], n[0] + h, n[1], n[0] - h, n[1], n[0], n[1] + h, n[0], n[1] - h}
		require.NoError(t, w.Map(t.Context(), x))
		w.Close()
		slope := func(column, value int) float64 { return (x[2+4*column+value] - x[4+4*column+value]) / (2 * h) }
		det := slope(0, 0)*slope(1, 1) - slope(0, 1)*slope(1, 0)
		want := w.Noise.LogDensity(n) - math.Log(math.Abs(det))
		// The point stands beside one with other conditions.
		got, err := m.LogDensity(t.Context(), append([]float64{0, 0}, x[:2]...), heavytail.DensityOptions{Steps: 400, Given: append([]float64{0, 0}, given...)})
		require.NoError(t, err)
		require.InDelta(t, want, got[1].Value, 0.02, kind) // as in TestDensityIsThatOfTheSampler
		one, err := m.LogDensity(t.Context(), x[:2], heavytail.DensityOptions{Steps: 400, Given: given})
		require.NoError(t, err)
		require.Equal(t, one[0], got[1], kind)
	}
}

// Conditions that are missing, too many, broken or not the model's are errors of the
// field Given.
func TestImpossibleConditions(t *testing.T) {
	m, plain := givenModel(t, recipe.EDM), pointModel(t, nil)
	require.Nil(t, plain.Given())
	for want, c := range map[string]struct {
		m     *heavytail.Model
		given []float64
	}{
		`given ["a" "b"]`:           {m, nil},
		"rows of 2":                 {m, []float64{1, 2, 3}},
		`"b" of row 1 is NaN`:       {m, []float64{1, 2, 3, math.NaN()}},
		`"a" of row 0 is +Inf`:      {m, []float64{math.Inf(1), 2}},
		"not beyond float64 in":     {m, []float64{1, 1e308, -1.7e308, 2}},
		"this model has none, leav": {plain, []float64{1}},
	} {
		o := heavytail.Options{N: 2, Given: c.given}
		for name, err := range map[string]error{
			"Sample":     second(c.m.Sample(t.Context(), o)),
			"Denoiser":   second(c.m.Denoiser(o)),
			"Way":        second(c.m.Way(o)),
			"LogDensity": second(c.m.LogDensity(t.Context(), []float64{1, 2, 3, 4}, heavytail.DensityOptions{Given: c.given})),
		} {
			require.ErrorContains(t, err, want, name)
			require.ErrorIs(t, err, &heavytail.OptionError{Field: "Given"}, name)
		}
	}
	_, err := m.Way(heavytail.Options{Given: []float64{1, 2, 3, 4}})
	require.ErrorContains(t, err, "2 rows of conditions for 1 points")
	_, err = m.LogDensity(t.Context(), make([]float64, 6), heavytail.DensityOptions{Given: []float64{1, 2, 3, 4}})
	require.ErrorContains(t, err, "2 rows of conditions for 3 points")
	require.Positive(t, must(m.Memory(4)))
}

// models/returns.safetensors draws what it drew: ten days in turn given a volatility.
func TestReturnsModel(t *testing.T) {
	m, err := heavytail.OpenFile("models/returns.safetensors")
	require.NoError(t, err)
	require.Equal(t, []string{"vol"}, m.Given())
	require.Equal(t, 10, m.Recipe().Data.Window)
	s, err := m.Sample(t.Context(), heavytail.Options{N: 3, Seed: 4, Steps: 8, Given: []float64{0.012, 0.03, 0.006}})
	require.NoError(t, err)
	h := sha256.New()
	for _, v := range s.Float64() {
		require.Less(t, math.Abs(v), 0.2)
		_ = binary.Write(h, binary.LittleEndian, v)
	}
	require.Equal(t, "fa275370e42c9163f3eaa9d4202952120d2e690a722354224c224830634e0e3c", hex.EncodeToString(h.Sum(nil)))
}

func second[T any](_ T, err error) error { return err }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
