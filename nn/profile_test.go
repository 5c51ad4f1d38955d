package nn

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
)

// Operations hold all multiply-adds of the network, by their shapes, and Observe sees
// each of them once for every piece.
func TestOperations(t *testing.T) {
	cutSmall(t)
	for name, cfg := range smallNets() {
		net := build(t, narrow{kernels.New(2), 1}, cfg)
		ws := workspace(t, net, 13, false)
		ops := ws.Operations()
		var sum int64
		for _, op := range ops {
			require.NotEmpty(t, op.Name, name)
			sum += op.MACs
			switch op.Name {
			case "convolution":
				s := op.Weight.Shape
				require.EqualValues(t, op.Out[0]*op.Out[1]*count(s), op.MACs, "%s %+v", name, op)
				require.Equal(t, []int{s[1], s[0]}, []int{op.In[2], op.Out[2]}, "%s %+v", name, op)
			case "linear":
				require.EqualValues(t, op.In[0]*op.Out[0], op.MACs, "%s %+v", name, op)
			case "attention":
				require.EqualValues(t, 2*op.In[0]*op.In[1]*op.In[0]*op.In[1]*op.Out[2], op.MACs, "%s %+v", name, op)
			default:
				require.Zero(t, op.MACs, "%s %+v", name, op)
			}
		}
		want, err := net.MACs(0, 0)
		require.NoError(t, err)
		require.Equal(t, want, sum, name)

		var mu sync.Mutex
		seen := make([]int, len(ops))
		ws.Observe(func(i int, d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			require.GreaterOrEqual(t, d, time.Duration(0))
			seen[i]++
		})
		pass(net, ws, newBatch(net, 13, 1), false)
		require.Equal(t, 2, ws.Lanes(13))
		for i, n := range seen {
			if ws.g.steps[i].forward != nil {
				require.Equal(t, len(ws.cut(13).pieces), n, "%s: %s", name, ops[i].Name)
			}
		}
		ws.Observe(nil)
	}
}
