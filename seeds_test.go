package heavytail_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail"
)

func TestSeeds(t *testing.T) {
	for text, want := range map[string]string{"0-3": "0-3", "5": "5", "1,2,3,9": "1-3,9", " 4 , 4-5": "4,4-5", "18446744073709551614-18446744073709551615,0": "18446744073709551614-18446744073709551615,0"} {
		s, err := heavytail.ParseSeeds(text)
		require.NoError(t, err, text)
		require.Equal(t, want, heavytail.FormatSeeds(s))
	}
	for _, text := range []string{"", "-", "1-", "a", "1,,2", "3-1", "-1", "18446744073709551616"} {
		_, err := heavytail.ParseSeeds(text)
		require.Error(t, err, text)
	}
}

func TestSeedList(t *testing.T) {
	for want, o := range map[string]heavytail.Options{
		"7": {Seed: 7, N: 1}, "7-9": {Seed: 7, N: 3}, "4-5,1": {Seeds: []uint64{4, 5, 1}, N: 3},
		"18446744073709551614-18446744073709551615,0-2": {Seed: math.MaxUint64 - 1, N: 5}, "18446744073709551615,0": {Seed: math.MaxUint64, N: 2},
	} {
		require.Equal(t, want, o.SeedList())
		seeds, err := heavytail.ParseSeeds(want)
		require.NoError(t, err)
		for i, s := range seeds {
			require.Equal(t, s, o.SeedOf(i), want)
		}
	}
}

func FuzzSeeds(f *testing.F) {
	f.Add("0-63,100")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := heavytail.ParseSeeds(text)
		if err != nil || len(s) > 1000 {
			return
		}
		back, err := heavytail.ParseSeeds(heavytail.FormatSeeds(s))
		require.NoError(t, err)
		require.Equal(t, s, back)
	})
}

// There are as many seeds as samples.
func TestSeedsBeyondTheSamples(t *testing.T) {
	require.EqualValues(t, 2, heavytail.Options{N: 3}.SeedOf(2))
	require.EqualValues(t, 7, heavytail.Options{Seed: 4}.SeedOf(3))
	require.PanicsWithValue(t, "heavytail: SeedOf(3) of options with N 3 and 0 Seeds: samples are numbered from 0", func() { heavytail.Options{N: 3}.SeedOf(3) })
}

// A way takes whole samples.
func TestWayOfParts(t *testing.T) {
	m := pointModel(t, nil)
	w, err := m.Way(heavytail.Options{})
	require.NoError(t, err)
	defer w.Close()
	require.PanicsWithValue(t, "heavytail: Way.Map: 3 values do not divide into samples of 2", func() { _ = w.Map(t.Context(), make([]float64, 3)) })
	var none context.Context
	require.PanicsWithValue(t, "heavytail: Way.Map with a nil context: use context.Background()", func() { _ = w.Map(none, make([]float64, 2)) })
}
