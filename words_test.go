package heavytail_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
	"heavytail/fashion"
)

func TestParseClasses(t *testing.T) {
	m, err := fashion.Model()
	require.NoError(t, err)
	for text, want := range map[string][]int{"": nil, "7": {7}, "Bag": {8}, "1, none,Ankle boot": {1, heavytail.Unconditional, 9}, "none": {heavytail.Unconditional}} {
		got, err := m.ParseClasses(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"10", "-1", "Bags", "1,,2"} {
		_, err := m.ParseClasses(text)
		require.ErrorContains(t, err, "want 0 to 9 or a name (T-shirt/top, Trouser", text)
	}
	x, err := m.ParseGiven("")
	require.NoError(t, err)
	require.Nil(t, x)
	_, err = m.ParseGiven("a=1")
	require.ErrorContains(t, err, "has no conditions")
}
