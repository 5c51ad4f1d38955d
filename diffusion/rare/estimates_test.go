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
