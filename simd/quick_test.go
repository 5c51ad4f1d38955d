package simd

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"heavytail/internal/dmath"
	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// A quickOp is a function of this family, in both places of its results.
type quickOp struct {
	name string
	run  func(a, b, x []float64) // b is nil for one result
	want func(x float64) (a, b float64)
	draw func(r *numtest.Rand) float64 // from the domain
	edge []float64
	ulps float64
	two  bool
}

func one64(f func(dst, x []float64)) func(a, b, x []float64) {
	return func(a, _, x []float64) { f(a, x) }
}

func twin(f func(x float64) float64) func(x float64) (a, b float64) {
	return func(x float64) (float64, float64) { return f(x), 0 }
}

// minus0 has a sign that products of zeros must not take away.
var minus0 = math.Copysign(0, -1)

var quickOps = []quickOp{
	{"ExpF64", one64(ExpF64), twin(func(x float64) float64 { return dmath.Exp(max(min(x, 700), -700)) }),
		func(r *numtest.Rand) float64 { return 720 * r.Float64() * math.Abs(r.Float64()) },
		[]float64{0, minus0, 1, -1, 700, -700, 800, -1e300, 0.34, -0.35}, 2.5, false},
	{"Expm1F64", one64(Expm1F64), twin(dmath.Expm1),
		func(r *numtest.Rand) float64 { return 3 * r.Float64() * math.Abs(r.Float64()) },
		[]float64{0, minus0, 0.34, -0.34, 0.3400001, -0.3400001, 1e-300, -1e-17, 600, -600}, 4.6, false},
	{"LogF64", one64(LogF64), twin(dmath.Log),
		func(r *numtest.Rand) float64 { return math.Ldexp(1.5+0.5*r.Float64(), int(r.Uint64()%2000)-1000) },
		[]float64{1, 2, 0.5, 0x1p-1022, math.MaxFloat64, math.Sqrt2, 1 / math.Sqrt2, math.Nextafter(1, 2), math.Nextafter(1, 0)}, 2.5, false},
	{"Log1pF64", one64(Log1pF64), twin(dmath.Log1p),
		func(r *numtest.Rand) float64 { return (1+r.Float64())/2*math.Exp(9*r.Float64()) - 0.99 },
		[]float64{0, minus0, 1e-300, -1e-18, -0.29, 0.41, -0.2900001, 0.4100001, -0.999, 1e10}, 3.5, false},
	{"SinF64", one64(SinF64), twin(dmath.Sin),
		func(r *numtest.Rand) float64 { return math.Pi / 2 * math.Abs(r.Float64()) },
		[]float64{0, minus0, 1e-300, 1e-9, math.Pi / 4, 0.787, 0.788, math.Pi / 2}, 2.5, false},
	{"SinCosF64", SinCosF64, func(x float64) (float64, float64) { return dmath.Sin(x), dmath.Cos(x) },
		func(r *numtest.Rand) float64 { return math.Pi / 2 * math.Abs(r.Float64()) },
		[]float64{0, minus0, 1e-300, 1e-9, math.Pi / 4, 0.787, 0.788, 1.57}, 2.5, true},
	{"ExpNegF64", ExpNegF64, func(x float64) (float64, float64) {
		if x > 700 {
			return 0, 1
		}
		return dmath.Exp(-x), -dmath.Expm1(-x)
	}, func(r *numtest.Rand) float64 { return 800 * math.Pow(math.Abs(r.Float64()), 5) },
		[]float64{0, minus0, 0.34, 0.3400001, 1e-300, 700, 701, 1e300}, 2.5, true},
}

// check judges results by functions that are good to 0.56 ulp.
func (op *quickOp) check(x, a, b []float64) error {
	for i, v := range x {
		wa, wb := op.want(v)
		got := [2]float64{a[i], 0}
		if op.two {
			got[1] = b[i]
		}
		for k, w := range [2]float64{wa, wb} {
			ulp := math.Nextafter(math.Abs(w), math.Inf(1)) - math.Abs(w)
			if !(math.Abs(got[k]-w) <= op.ulps*ulp) {
				return fmt.Errorf("%s(%v): result %d is %v, want %v: %.2f ulp", op.name, v, k, got[k], w, math.Abs(got[k]-w)/ulp)
			}
		}
	}
	return nil
}

func (op *quickOp) inputs(n int) []float64 {
	x, r := make([]float64, n), numtest.NewRand(uint64(n)+5)
	for i := range x {
		if x[i] = op.draw(r); i < len(op.edge) {
			x[i] = op.edge[i]
		}
	}
	return x
}

// TestQuickF64 judges every level, and compares it bit by bit with the functions
// of dmath one at a time.
func TestQuickF64(t *testing.T) {
	n := 20000
	if testing.Short() {
		n = 2000
	}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, op := range quickOps {
			x := op.inputs(n)
			a, b := make([]float64, n), make([]float64, n)
			op.run(a, b, x)
			require.NoError(t, op.check(x, a, b))
			wa, wb := make([]float64, n), make([]float64, n)
			func() {
				defer isa.Force(isa.Generic)()
				op.run(wa, wb, x)
			}()
			for i := range x {
				require.Equal(t, [2]uint64{math.Float64bits(wa[i]), math.Float64bits(wb[i])},
					[2]uint64{math.Float64bits(a[i]), math.Float64bits(b[i])}, "%s(%v)", op.name, x[i])
			}
			a[n/2] += 3 * op.ulps * (math.Nextafter(math.Abs(a[n/2]), math.Inf(1)) - math.Abs(a[n/2]))
			require.Error(t, op.check(x, a, b)) // the judge sees what is a few ulp off
		}
	})
}

// guarded64 returns n float64 beside a page that faults when touched.
func guarded64(t *testing.T, n int, front bool) []float64 {
	g := numtest.Guarded(t, 2*n, front)
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(g))), n)
}

// TestQuickF64Tails runs every length beside guard pages, in place.
func TestQuickF64Tails(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for n := range 20 {
			for _, front := range []bool{false, true} {
				a, b := guarded64(t, n, front), guarded64(t, n, front)
				for _, op := range quickOps {
					x := op.inputs(n)
					copy(a, x)
					op.run(a, b, a)
					require.NoError(t, op.check(x, a, b), "n = %d", n)
				}
			}
		}
	})
	for _, op := range quickOps {
		require.Panics(t, func() { op.run(make([]float64, 3), make([]float64, 4), make([]float64, 4)) }, op.name)
		x := op.inputs(100)
		a, b := make([]float64, 100), make([]float64, 100)
		require.Zero(t, testing.AllocsPerRun(10, func() { op.run(a, b, x) }), op.name)
	}
}

func BenchmarkQuickF64(b *testing.B) {
	for _, op := range quickOps {
		b.Run(op.name, func(b *testing.B) {
			x := op.inputs(144)
			y, z := make([]float64, len(x)), make([]float64, len(x))
			b.SetBytes(int64(8 * len(x)))
			for b.Loop() {
				op.run(y, z, x)
			}
		})
	}
}
