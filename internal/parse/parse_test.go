package parse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbers(t *testing.T) {
	v, err := Float("1e3")
	require.NoError(t, err)
	require.Equal(t, 1000.0, v)
	inf, err := Extended("inf")
	require.NoError(t, err)
	require.True(t, math.IsInf(inf, 1))
	for _, text := range []string{"", "x", "inf", "NaN", "1e999", "1 "} {
		_, err := Float(text)
		require.EqualError(t, err, "want a number in range", text)
	}
	_, err = Int("1.5")
	require.Error(t, err)
	_, err = Uint("-1")
	require.Error(t, err)
	_, err = Bool("yes")
	require.EqualError(t, err, "want true or false")
}

func TestSize(t *testing.T) {
	h, w, err := Size("32")
	require.NoError(t, err)
	require.Equal(t, [2]int{32, 32}, [2]int{h, w})
	h, w, err = Size("32x64")
	require.NoError(t, err)
	require.Equal(t, [2]int{32, 64}, [2]int{h, w})
	for _, text := range []string{"", "0", "3x", "x3", "1x-1", "2x3x4"} {
		_, _, err := Size(text)
		require.ErrorContains(t, err, "want pixels", text)
	}
}

func TestList(t *testing.T) {
	v, err := List(Int)("1, 2,3")
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3}, v)
	v, err = List(Int)("none")
	require.NoError(t, err)
	require.Nil(t, v)
	_, err = List(Int)("1,,2")
	require.Error(t, err)
	words, err := List(Text)("a b, c")
	require.NoError(t, err)
	require.Equal(t, []string{"a b", "c"}, words)
}
