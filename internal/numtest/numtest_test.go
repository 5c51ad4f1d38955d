package numtest

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
)

var nan = float32(math.NaN())

func TestBitsSeesEveryDifference(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	x := []float32{1, 0, nan, float32(math.Inf(1))}
	require.NoError(t, bits(x, []float32{1, 0, math.Float32frombits(0x7fc00001), float32(math.Inf(1))}))
	for i, v := range []float32{math.Nextafter32(1, 2), negZero, 0, math.MaxFloat32} {
		y := append([]float32(nil), x...)
		y[i] = v
		require.ErrorContains(t, bits(x, y), "element "+string(rune('0'+i)))
	}
	require.Error(t, bits(x, x[:3]))
	require.Error(t, bits(nil, x))
}

func TestWithinRejects(t *testing.T) {
	want := []float64{1, 100}
	require.NoError(t, within(want, []float32{1.001, 100.1}, 0, 1.1e-3))
	require.NoError(t, within(want, []float32{1, 100}, 0, 0))
	for _, got := range [][]float32{{1, 100.2}, {nan, 100}, {1, nan}, {1, float32(math.Inf(1))}, {1}, {1, 100, 0}} {
		require.Error(t, within(want, got, 1e-9, 1.1e-3))
	}
	require.ErrorContains(t, within(want, []float32{1.5, 130}, 0, 0), "element 1", "the worst is reported")
	require.Error(t, within([]float64{math.NaN()}, []float32{0}, 1, 1))
}

func TestEachLevelRunsAndRestores(t *testing.T) {
	was := isa.Cur()
	var seen []isa.Level
	EachLevel(t, func(*testing.T) { seen = append(seen, isa.Cur()) })
	require.Equal(t, isa.Available(), seen)
	require.Equal(t, was, isa.Cur())
}

// A slice between guard pages must be usable to its last element and fault
// beyond.
func TestGuardedFaults(t *testing.T) {
	faults := func(f func()) (yes bool) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() { yes = recover() != nil }()
		f()
		return
	}
	var sink float32
	for _, n := range []int{1, 16, 1000, 1024, 1025} {
		end, front := Guarded(t, n, false), Guarded(t, n, true)
		require.Len(t, end, n)
		for _, x := range [][]float32{end, front} {
			x[0], x[n-1] = 1, 2
		}
		if !guards {
			continue
		}
		require.True(t, faults(func() { sink = *at(end, n) }), "read after the end")
		require.True(t, faults(func() { *at(end, n) = 1 }), "write after the end")
		require.True(t, faults(func() { sink = *at(front, -1) }), "read before the start")
	}
	_ = sink
	require.Empty(t, Guarded(t, 0, false))
}

func TestRand(t *testing.T) {
	x := NewRand(1).Fill(make([]float32, 4096), 2)
	sum, lo, hi := 0.0, x[0], x[0]
	for _, v := range x {
		sum += float64(v)
		lo, hi = min(lo, v), max(hi, v)
	}
	require.True(t, lo >= -2 && hi <= 2 && lo < -1.99 && hi > 1.99)
	require.Less(t, math.Abs(sum/4096), 5*2/math.Sqrt(3*4096), "the mean is within five standard errors")
	require.Equal(t, x, NewRand(1).Fill(make([]float32, 4096), 2))

	kinds := map[string]int{}
	for _, v := range NewRand(2).Wild(make([]float32, 4096), true) {
		a := math.Abs(float64(v))
		switch {
		case v != v:
			kinds["nan"]++
		case math.IsInf(a, 0):
			kinds["inf"]++
		case v == 0 && math.Signbit(float64(v)):
			kinds["-0"]++
		case a > 0 && a < 0x1p-126:
			kinds["subnormal"]++
		}
	}
	require.Len(t, kinds, 4)
	for _, v := range NewRand(2).Wild(make([]float32, 4096), false) {
		require.False(t, v != v || math.IsInf(float64(v), 0))
	}
}

func TestLengths(t *testing.T) {
	n := Lengths(5)
	require.Subset(t, n, []int{0, 1, 2, 3, 4, 5, 11, 23, 1000})
}

func TestAllocs(t *testing.T) {
	var kept []byte
	calls := 0
	warm := func() {
		if calls++; calls < 4 {
			kept = make([]byte, 1<<calls)
		}
	}
	require.Zero(t, allocs(warm))
	if !raceEnabled {
		require.Equal(t, 2.0, allocs(func() { kept = make([]byte, 64); kept = make([]byte, 64) }))
	}
	_ = kept
}
