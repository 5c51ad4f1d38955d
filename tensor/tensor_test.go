package tensor

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A product of dimensions that wraps around would make a tensor whose length
// agrees with nothing: it is refused, also where a 0 hides it.
func TestShapesThatOverflow(t *testing.T) {
	const half = 1 << (math.MaxInt>>62*16 + 15) // 2^31, or 2^15 where int has 32 bits
	for _, shape := range [][]int{
		{half * 2, half * 2}, {half, half, half}, {math.MaxInt, 2}, {math.MaxInt}, {math.MaxInt/4 + 1}, {0, half * 2, half * 2}, {half * 2, half * 2, 0}, {-1}, {2, -2},
	} {
		_, ok := Elements(shape...)
		require.False(t, ok, shape)
		require.Panics(t, func() { Make(nil, nil, shape...) }, shape)
		require.Panics(t, func() { NewHandle(nil, nil, shape...) }, shape)
		require.Panics(t, func() { Make(nil, nil, 4).Reshape(shape...) }, shape)
	}
	for _, c := range []struct {
		shape []int
		want  int
	}{{[]int{math.MaxInt / 4}, math.MaxInt / 4}, {[]int{3, 4, 5}, 60}, {[]int{half, 0, 2}, 0}, {nil, 1}} {
		n, ok := Elements(c.shape...)
		require.True(t, ok, c.shape)
		require.Equal(t, c.want, n, c.shape)
	}
	require.Equal(t, 12, Make(nil, nil, 3, 4).Len())
}
