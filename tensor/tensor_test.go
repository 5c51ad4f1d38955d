package tensor

import (
	"fmt"
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

// A dimension that is not there is said.
func TestDimOfNothing(t *testing.T) {
	x := NewHandle(nil, nil, 2, 3)
	require.Equal(t, []int{2, 3, 3}, []int{x.Dim(0), x.Dim(1), x.Dim(-1)})
	said := func(i int) (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		x.Dim(i)
		return ""
	}
	require.Equal(t, "tensor: dimension 2 of a tensor of 2 dimensions", said(2))
	require.Equal(t, "tensor: dimension -3 of a tensor of 2 dimensions", said(-3))
}
