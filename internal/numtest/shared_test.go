package numtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShared(t *testing.T) {
	type inner struct{ X []int }
	type outer struct {
		A   inner
		P   *inner
		M   map[string]int
		own []int
		All []inner
	}
	a, b := Full[outer](), Full[outer]()
	require.Len(t, a.P.X, 1)
	require.Len(t, a.All[0].X, 1)
	require.Empty(t, Shared(a, b))
	c := a
	require.Equal(t, "numtest.outer.A.X", Shared(a, c))
	c.A.X = []int{1}
	require.Equal(t, "numtest.outer.P", Shared(a, c))
	c.P = &inner{a.P.X}
	require.Equal(t, "numtest.outer.P.X", Shared(a, c))
	c.P = nil
	require.Equal(t, "numtest.outer.M", Shared(a, c))
	c.M = nil
	require.Equal(t, "numtest.outer.All", Shared(a, c))
	c.All = []inner{{a.All[0].X}}
	require.Equal(t, "numtest.outer.All[0].X", Shared(a, c))
	a.own, c.own, c.All = make([]int, 0, 3), nil, nil
	c.own = a.own
	require.Equal(t, "numtest.outer.own", Shared(a, c))
}
