package nn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
)

// The second output starts at 0, and with it the first is what it is without.
func TestSecondOutputStartsAtZero(t *testing.T) {
	for _, c := range []MLPConfig{{Dim: 3, Units: 16, Blocks: 1, TimeEmb: 8, Magnitude: true, TailRadius: 1}, {Dim: 3, Units: 16, Blocks: 1, TimeEmb: 8}} {
		dev := kernels.New(1)
		alone, err := New(dev, Config{MLP: &c})
		require.NoError(t, err)
		alone.Params().Init(1)
		with := c
		with.Spread = true
		net, err := New(dev, Config{MLP: &with})
		require.NoError(t, err)
		net.Params().Init(1)
		for _, q := range alone.Params().List { // Init draws them from one stream
			p := net.Params()
			p.Set(p.Flat, p.Find(q.Name), alone.Params().Get(alone.Params().Flat, q))
		}
		b := newBatch(alone, 4, 2)
		want := pass(alone, workspace(t, alone, 4, false), b, false)
		got := pass(net, workspace(t, net, 4, false), b, false)
		require.Equal(t, 6, net.Outputs(3))
		for i := range 4 {
			require.Equal(t, want[3*i:3*i+3], got[6*i:6*i+3])
			require.Equal(t, make([]float32, 3), got[6*i+3:6*i+6])
		}
	}
}
