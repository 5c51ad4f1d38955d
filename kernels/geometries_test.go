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
			convs.of(first, build) // used twice, it takes the place of what was used before
			convs.of(first, build)
			require.Contains(t, convs.m, first)
			require.Same(t, got, convs.of(key, build), "what was used last is there")
		}
	}
	require.Greater(t, builds, len(convs.m))
	require.LessOrEqual(t, 2*geometriesBytes(), max(machine.Memory()/10, 128<<20))
}

// A network whose tables do not fit builds in a pass those that do not, not all;
// and one that comes in its place takes the room of the first.
func TestTablesOfALargeNetwork(t *testing.T) {
	var g geometries[convKey, *convTable]
	builds := 0
	build := func(k convKey) *convTable { builds++; return buildTable(k) }
	network := func(w int) (keys []convKey) {
		for i := range 30 {
			keys = append(keys, convKey{Shape: conv.Shape{K: 3, Stride: 1, H: 64, W: w + i}, read: 1, aPitch: 1, cPitch: 1})
		}
		return keys
	}
	pass := func(keys []convKey) int {
		builds = 0
		for _, k := range keys {
			require.NotNil(t, g.of(k, build))
		}
		return builds
	}
	one, other := network(64), network(200)
	for _, k := range one[:20] {
		g.limit += buildTable(k).bytes()
	}
	require.Equal(t, 30, pass(one))
	for range 8 {
		require.LessOrEqual(t, pass(one), 30-17) // later ones are larger
		require.LessOrEqual(t, g.bytes, g.limit)
	}
	whole := int64(0)
	for _, k := range other {
		whole += buildTable(k).bytes()
	}
	g.limit = max(g.limit, whole)
	pass(other)
	require.Zero(t, pass(other), "the second network's tables fit")
	for range 3 {
		pass(one) // by and by it has its room again
	}
	require.LessOrEqual(t, pass(one), 30-17)
	for i := range 8 * geometriesKept {
		g.leave(convKey{read: i + 1}, 0)
		require.LessOrEqual(t, len(g.left), 4*geometriesKept)
	}
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
