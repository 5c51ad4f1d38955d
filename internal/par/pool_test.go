package par

import (
	"testing"

	"github.com/stretchr/testify/require"
)

type poolJob struct {
	data []float32
	n    int
}

// A freed value comes back zero, whatever it held; one that was put back may
// come back as it was, and nothing else.
func TestPoolFreesZeroes(t *testing.T) {
	var p Pool[poolJob]
	for range 1000 {
		v := p.Get()
		require.Zero(t, *v)
		v.data, v.n = []float32{1}, 2
		p.Free(v)
	}
	w := p.Get()
	w.n = 3
	p.Put(w)
	require.Contains(t, []poolJob{{}, {n: 3}}, *p.Get())
}
