//go:build !purego

package simd

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// Tiles that points can compute go that way, and no others do.
func TestPointsAreTaken(t *testing.T) {
	if !slices.Contains(isa.Available(), isa.AVX2) {
		t.Skip("this processor has no AVX2")
	}
	defer isa.Force(isa.AVX2)()
	r := numtest.NewRand(1)
	fill := func(x []float32) { r.Fill(x, 1) }
	good := pointTiles{n: 3, rows: 12, cols: 32, k: 16}
	for _, change := range []func(c *pointTiles){
		func(c *pointTiles) {}, func(c *pointTiles) { c.beside = true }, func(c *pointTiles) { c.back, c.rows = true, 8 },
		func(c *pointTiles) { c.cols, c.loose = 20, true }, func(c *pointTiles) { c.acc, c.k, c.rows = true, 3, 4 },
	} {
		c := good
		change(&c)
		require.True(t, c.build(t, fill, true).points(), "%+v", c)
	}
	for _, change := range []func(c *pointTiles){
		func(c *pointTiles) { c.cols = 20 }, func(c *pointTiles) { c.repeated = true }, func(c *pointTiles) { c.outside = true },
		func(c *pointTiles) { c.beside, c.back = true, true },
	} {
		c := good
		change(&c)
		require.False(t, c.build(t, fill, true).points(), "%+v", c)
	}
	for _, change := range []func(x *Tiles){
		func(x *Tiles) { x.Bias = x.A }, func(x *Tiles) { x.BInc = 0 }, func(x *Tiles) { x.CStep = 1 }, func(x *Tiles) { x.Segs = 2 },
	} {
		x := good.build(t, fill, true)
		change(x)
		require.False(t, x.points())
	}
}
