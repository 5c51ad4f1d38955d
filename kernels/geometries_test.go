package kernels

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/conv"
	"heavytail/internal/machine"
	"heavytail/simd"
)

// Programs that see many image sizes must not collect tables for ever: neither
// many small ones nor few large ones.
func TestConvTablesAreBounded(t *testing.T) {
	for size := range 2*geometriesKept + 10 {
		key := convKey{Shape: conv.Shape{K: 1, Stride: 2, H: 1, W: size + 1}, read: 1, aPitch: 1, cPitch: 1}
		require.Same(t, tableFor(key), tableFor(key))
		require.LessOrEqual(t, len(convTables.m), geometriesKept)
	}
	var convs geometries[convKey, *convTable]
	var winos geometries[winoKey, *winoTable]
	convs.limit, winos.limit = 1<<20, 1<<20
	builds, first := 0, convKey{Shape: conv.Shape{K: 3, Stride: 1, H: 30, W: 30}, read: 1, aPitch: 1, cPitch: 1}
	build := func(k convKey) *convTable { builds++; return buildTable(k) }
	for size := 8; size < 200; size++ {
		key := first
		key.H, key.W = size, size
		before := builds
		got := convs.of(key, build)
		winos.of(winoKey{form: simd.Wino4, h: size, w: size, aPitch: 1, cPitch: 1, rPitch: 1}, buildWinoTable)
		if size > 40 {
			require.Equal(t, before+1, builds)
		}
		require.LessOrEqual(t, convs.bytes, convs.limit)
		require.LessOrEqual(t, winos.bytes, winos.limit)
		held, heldWino := int64(0), int64(0)
		for _, e := range convs.m {
			held += e.table.bytes()
		}
		for _, e := range winos.m {
			heldWino += e.table.bytes()
		}
		require.Equal(t, []int64{held, heldWino}, []int64{convs.bytes, winos.bytes})
		if got.bytes() <= convs.limit-(40<<10) {
			convs.of(first, build) // used again and again, it stays
			require.Contains(t, convs.m, first)
			require.Same(t, got, convs.of(key, build), "what was used last is there")
		}
	}
	require.Greater(t, builds, len(convs.m))
	require.LessOrEqual(t, 2*geometriesBytes(), max(machine.Memory()/10, 128<<20))
}

// What Kept tells of the tables is what they take, to the ends of rows of tiles.
func TestTablesTakeWhatKeptTells(t *testing.T) {
	k := convKey{Shape: conv.Shape{K: 3, Stride: 1, H: 240, W: 240}, read: 1, aPitch: 1, cPitch: 1}
	require.InEpsilon(t, 240*240*(4*9+8), buildTable(k).bytes(), 0.01)
}

// Goroutines that need the same geometry share its tables.
func TestGeometriesAreShared(t *testing.T) {
	var g geometries[convKey, *convTable]
	g.limit = 200 << 10
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 300 {
				key := convKey{Shape: conv.Shape{K: 3, Stride: 1, H: 8 + (i*7+w)%20, W: 16}, read: 1, aPitch: 1, cPitch: 1}
				if got, want := g.of(key, buildTable), buildTable(key); len(got.parts[0].aOff) != len(want.parts[0].aOff) {
					t.Error("the tables of another geometry")
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, g.bytes, g.limit)
}
