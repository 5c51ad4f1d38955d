package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

var gamma64Shapes = []float64{0.01, 0.06, 0.25, 0.999, 1, 1.5, 7.3, 1538.5, 1e9, 1e300}

// TestGamma64LevelsAgree compares the levels, decisions included, bit by bit.
func TestGamma64LevelsAgree(t *testing.T) {
	p := NewPhilox(0x123456789abcdef0, 7, 0xfffffff0, 0x09000001)
	n := 1 << 13
	if testing.Short() {
		n = 1 << 10
	}
	want, got := make([]float64, n), make([]float64, n)
	for _, shape := range gamma64Shapes {
		q := NewGamma64Params(shape)
		q.Mul, q.Div = 2, 2*shape
		restore := isa.Force(isa.Generic)
		Gamma64(want, &p, 96, &q)
		restore()
		open := 0
		for _, x := range want {
			if x != x {
				open++
			} else if !(x > 0) {
				t.Fatalf("shape %v: %v", shape, x)
			}
		}
		t.Logf("shape %v: %.2f %% left open", shape, 100*float64(open)/float64(n))
		if shape >= 0.1 && shape < 1e6 {
			require.Zero(t, open)
		}
		numtest.EachLevel(t, func(t *testing.T) {
			Gamma64(got, &p, 96, &q)
			if err := same64(want, got); err != nil {
				t.Fatalf("shape %v: %v", shape, err)
			}
		})
	}
}

func BenchmarkGamma64(b *testing.B) {
	p := NewPhilox(1, 2, 3, 4)
	dst := make([]float64, 8192)
	for _, shape := range []float64{0.25, 1.5, 1538.5} {
		q := NewGamma64Params(shape)
		for _, l := range isa.Available() {
			b.Run(fmt.Sprintf("%v/%s", shape, l), func(b *testing.B) {
				defer isa.Force(l)()
				for b.Loop() {
					Gamma64(dst, &p, 0, &q)
				}
				b.ReportMetric(float64(len(dst))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

func TestGamma64Panics(t *testing.T) {
	p := NewPhilox(1, 2, 3, 4)
	q := NewGamma64Params(1)
	require.Panics(t, func() { Gamma64(make([]float64, 2), &p, 1<<26-1, &q) })
	require.Panics(t, func() { Gamma64(nil, &p, math.MaxUint64, &q) })
	require.NotPanics(t, func() { Gamma64(make([]float64, 1), &p, 1<<26-1, &q) })
}
