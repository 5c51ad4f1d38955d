package rare

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
)

// Three ways tell of one event, each its numbers or why there are none, in JSON without
// what JSON cannot say.
func TestEstimates(t *testing.T) {
	m := identity(1, diffusion.EDM{}.UnitNoise(1))
	e, err := ParseEvent("x0 > 1", nil, 1)
	require.NoError(t, err)
	found, err := Estimates(context.Background(), m, e, 2000, 0)
	require.NoError(t, err)
	require.Len(t, found, 3)
	plain, err := Plain(context.Background(), m, e, 2000, 0)
	require.NoError(t, err)
	require.Equal(t, plain, found[0].Estimate)
	require.InDelta(t, 0.15866, found[1].P, 5*found[1].StdError) // 1 − Φ(1)
	l := found[0].Line(10)
	require.InEpsilon(t, 1/plain.P/10, *l.ReturnPeriod, 1e-12)
	require.Equal(t, "sampling", l.By)

	short, err := ParseEvent("norm < -1", nil, 1)
	require.NoError(t, err)
	found, err = Estimates(context.Background(), m, short, 200, 0)
	require.NoError(t, err)
	require.ErrorContains(t, found[2].Err, "lengths end at 0")
	text, err := json.Marshal([]Line{found[0].Line(1), found[2].Line(1)})
	require.NoError(t, err)
	require.Contains(t, string(text), `"return_period":null`)
	require.Contains(t, string(text), `{"by":"tail","error":"lengths end at 0`)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err = Estimates(ctx, m, e, 200, 0)
	require.ErrorIs(t, err, context.Canceled)
}

// A law of another number of values than the model's would weigh its samples wrongly.
func TestNoiseOfAnotherDim(t *testing.T) {
	m := identity(3, diffusion.TEDM(3).UnitNoise(1))
	e := Event{Value: column, Threshold: 30}
	_, err := Guided(context.Background(), m, e, 2000, 1)
	require.ErrorIs(t, err, &diffusion.OptionError{Field: "Noise"})
	require.EqualError(t, err, "rare: the noise has 1 values, the model's samples 3: use a law of as many")
	_, err = Values(context.Background(), m, e, 2000, 1)
	require.ErrorIs(t, err, &diffusion.OptionError{Field: "Noise"})
	m.Noise = diffusion.UnitNoise{}
	var none context.Context
	require.PanicsWithValue(t, "rare: a Model needs Dim, Noise and Map, an Event Value", func() { Values(context.Background(), m, e, 2000, 1) })
	require.PanicsWithValue(t, "rare: a nil context: use context.Background()", func() { Values(none, m, e, 2000, 1) })
}

// A Map that does not look at its context is stopped all the same.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	calls := 0
	m := Model{Dim: 1, Noise: diffusion.TEDM(3).UnitNoise(1), Map: func(context.Context, []float64) error {
		if calls++; calls == 3 {
			stop()
		}
		return nil
	}}
	e := Event{Value: column, Threshold: 2}
	for name, f := range map[string]func() error{
		"values": func() error { _, err := Values(ctx, m, e, 1<<24, 1); return err },
		"plain":  func() error { _, err := Plain(ctx, m, e, 1<<24, 1); return err },
		"guided": func() error { _, err := Guided(ctx, m, e, 1<<20, 1); return err },
	} {
		ctx, stop = context.WithCancel(context.Background())
		calls = 0
		require.ErrorIs(t, f(), context.Canceled, name)
		require.Equal(t, 3, calls, name)
	}
	stop()
	q := newProposal(m)
	q.fit(ctx, []float64{1, 2, 3}, []float64{1, 1, 1}, 0)
	whole := newProposal(m)
	whole.fit(context.Background(), []float64{1, 2, 3}, []float64{1, 1, 1}, 0)
	require.NotEqual(t, whole.parts, q.parts)
}
