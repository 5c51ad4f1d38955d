package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// A vecOp is an elementwise function of nin slices into nout slices with its
// float64 twin. got must lie within ulp units in the last place of want, plus
// abs.
type vecOp struct {
	name      string
	nin, nout int
	run       func(out, in [][]float32)
	want      func(o, x []float64)
	ulp, abs  float64
	wild      bool // also test wide exponents, infinities and NaN
}

// The bounds of the elementary functions hold for all inputs; see act.go.
var vecOps = []vecOp{
	{"Add", 2, 1, func(o, x [][]float32) { Add(o[0], x[0], x[1]) }, func(o, x []float64) { o[0] = x[0] + x[1] }, 0.5, 0, true},
	{"Sub", 2, 1, func(o, x [][]float32) { Sub(o[0], x[0], x[1]) }, func(o, x []float64) { o[0] = x[0] - x[1] }, 0.5, 0, true},
	{"Mul", 2, 1, func(o, x [][]float32) { Mul(o[0], x[0], x[1]) }, func(o, x []float64) { o[0] = x[0] * x[1] }, 0.5, 0, true},
	{"Scale", 1, 1, func(o, x [][]float32) { Scale(o[0], x[0], 0.75) }, func(o, x []float64) { o[0] = x[0] * 0.75 }, 0.5, 0, true},
	{"AxpBy", 2, 1, func(o, x [][]float32) { AxpBy(o[0], 1.5, x[0], -0.7, x[1]) },
		func(o, x []float64) { o[0] = 1.5*x[0] - float64(float32(0.7))*x[1] }, 1, 1e-6, false},
	{"LinComb3", 3, 1, func(o, x [][]float32) { LinComb3(o[0], 1.5, x[0], -0.75, x[1], 3, x[2]) },
		func(o, x []float64) { o[0] = 1.5*x[0] - 0.75*x[1] + 3*x[2] }, 1, 2e-6, false},
	{"Clamp", 1, 1, func(o, x [][]float32) { Clamp(o[0], x[0], -0.5, 0.25) },
		func(o, x []float64) { o[0] = math.Min(math.Max(x[0], -0.5), 0.25) }, 0, 0, true},
	{"Huber", 1, 1, func(o, x [][]float32) { Huber(o[0], x[0]) }, func(o, x []float64) {
		if o[0] = math.Abs(x[0]); o[0] < 1 {
			o[0] *= o[0] / 2
		} else {
			o[0] -= 0.5
		}
	}, 0.5, 0, true},
	{"Exp", 1, 1, func(o, x [][]float32) { Exp(o[0], x[0]) }, func(o, x []float64) { o[0] = exp64(x[0]) }, 1.02, 0, true},
	{"Log", 1, 1, func(o, x [][]float32) { Log(o[0], x[0]) }, func(o, x []float64) { o[0] = math.Log(x[0]) }, 0.8, 0, true},
	{"Sigmoid", 1, 1, func(o, x [][]float32) { Sigmoid(o[0], x[0]) }, func(o, x []float64) { o[0] = 1 / (1 + exp64(-x[0])) }, 2.5, 0, true},
	{"Tanh", 1, 1, func(o, x [][]float32) { Tanh(o[0], x[0]) }, func(o, x []float64) { o[0] = tanh64(x[0]) }, 2.7, 0, true},
	{"SiLU", 1, 1, func(o, x [][]float32) { SiLU(o[0], x[0]) }, func(o, x []float64) { o[0] = silu64(x[0]) }, 2.5, 0, true},
	{"SiLUBackward", 2, 1, func(o, x [][]float32) { SiLUBackward(o[0], x[0], x[1]) },
		func(o, x []float64) { o[0] = x[0] * siluGrad64(x[1]) }, 4, 3e-7, false},
	{"SinCos", 1, 2, func(o, x [][]float32) { SinCos(o[0], o[1], x[0]) },
		func(o, x []float64) {
			switch a := math.Abs(x[0]); {
			case !(a <= sinMax):
				o[0], o[1] = math.NaN(), math.NaN()
			case a < tiny:
				o[0], o[1] = x[0], 1
			default:
				o[0], o[1] = math.Sincos(x[0])
			}
		}, 2.1, 0, true},
}

// tiny bounds the x whose x² is lost beside 1 in float64; most float32 are
// below it, and the twins are quick there.
const tiny = 1e-9

func exp64(x float64) float64 {
	switch {
	case math.Abs(x) < tiny:
		return 1 + x
	case x < -800:
		return 0
	case x > 800:
		return math.Inf(1)
	}
	return math.Exp(x)
}

func tanh64(x float64) float64 {
	if math.Abs(x) < tiny {
		return x
	}
	return math.Tanh(x)
}

func silu64(x float64) float64 {
	if x < -700 {
		return math.Copysign(0, -1)
	}
	return x / (1 + exp64(-x))
}

func siluGrad64(x float64) float64 {
	s, c := 1/(1+math.Exp(-x)), 1/(1+math.Exp(x))
	return s * (1 + x*c)
}

// ulps returns |got − want| in units in the last place of a float32 near want;
// 0 for equal infinities and for NaN that is wanted, +Inf for a wrong special.
func ulps(got float32, want float64) float64 {
	w := float32(want)
	switch {
	case math.IsNaN(want) || got != got:
		if math.IsNaN(want) && got != got {
			return 0
		}
		return math.Inf(1)
	case math.IsInf(float64(w), 0) || math.IsInf(float64(got), 0):
		if w == got || math.Abs(want) > math.MaxFloat32*(1-1e-7) && math.Abs(float64(got)) >= math.MaxFloat32*(1-1e-7) {
			return 0
		}
		return math.Inf(1)
	}
	unit := 0x1p-149
	if b := math.Float64bits(want) &^ (1 << 63); b >= (1023-126)<<52 {
		unit = math.Float64frombits(b&^(1<<52-1) - 23<<52)
	}
	return math.Abs(float64(got)-want) / unit
}

// check runs op on inputs of length n and judges every output element; edge
// makes the slices end at a page that faults, and canaries stand around them
// otherwise.
func (op vecOp) check(t testing.TB, n int, seed uint64, wild, edge bool) ([][]float32, error) {
	r := numtest.NewRand(seed)
	const pad = 24
	var all [][]float32
	buf := func() []float32 {
		if edge {
			return numtest.Guarded(t, n, seed&1 == 0)
		}
		b := make([]float32, n+2*pad)
		for i := range b {
			b[i] = 77
		}
		all = append(all, b)
		return b[pad : pad+n]
	}
	in, out := make([][]float32, op.nin), make([][]float32, op.nout)
	for i := range in {
		if in[i] = buf(); wild {
			r.Wild(in[i], true)
		} else {
			r.Fill(in[i], 6)
		}
	}
	for i := range out {
		out[i] = buf()
	}
	before := make([][]float32, op.nin)
	for i := range in {
		before[i] = append([]float32(nil), in[i]...)
	}
	op.run(out, in)
	for _, b := range all {
		for i, v := range b {
			if (i < pad || i >= pad+n) && v != 77 {
				return nil, fmt.Errorf("%s: n = %d: element %d past the slice is written", op.name, n, i-pad)
			}
		}
	}
	x, want := make([]float64, op.nin), make([]float64, op.nout)
	for i := range n {
		for k := range x {
			if x[k] = float64(before[k][i]); math.Float32bits(in[k][i]) != math.Float32bits(before[k][i]) {
				return nil, fmt.Errorf("%s: n = %d: input %d changed at %d", op.name, n, k, i)
			}
		}
		op.want(want, x)
		for k, w := range want {
			if u := ulps(out[k][i], w); !(u <= op.ulp || math.Abs(float64(out[k][i])-w) <= op.abs) {
				return nil, fmt.Errorf("%s%v: n = %d, element %d: got %v, want %v: %.3g ulp", op.name, x, n, i, out[k][i], w, u)
			}
		}
	}
	for k := range out {
		out[k] = append([]float32{}, out[k]...) // outlives the guarded pages
	}
	return out, nil
}

func TestVec(t *testing.T) {
	for _, op := range vecOps {
		ref := map[string][][]float32{}
		numtest.EachLevel(t, func(t *testing.T) {
			for _, n := range numtest.Lengths(67) {
				for mode := range 4 {
					wild, edge := mode&1 != 0, mode&2 != 0
					if wild && !op.wild || edge && n > 200 {
						continue
					}
					out, err := op.check(t, n, uint64(n), wild, edge)
					require.NoError(t, err)
					key := fmt.Sprint(n, mode)
					if ref[key] == nil {
						ref[key] = out
					}
					for k := range out {
						numtest.SameBits(t, ref[key][k], out[k], op.name+" "+key)
					}
				}
			}
		})
	}
}

// Every function allows its destination to be any of its inputs.
func TestVecAliases(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, op := range vecOps {
			for _, n := range []int{1, 15, 16, 33, 100} {
				for alias := range op.nin {
					r := numtest.NewRand(uint64(n))
					in, out, cp := make([][]float32, op.nin), make([][]float32, op.nout), make([][]float32, op.nin)
					for i := range in {
						in[i] = r.Fill(make([]float32, n), 6)
						cp[i] = append([]float32(nil), in[i]...)
					}
					for i := range out {
						out[i] = make([]float32, n)
					}
					op.run(out, in)
					for k := range out {
						for i := range cp {
							copy(cp[i], in[i])
						}
						got := make([][]float32, op.nout)
						for i := range got {
							got[i] = make([]float32, n)
						}
						got[k] = cp[alias]
						op.run(got, cp)
						numtest.SameBits(t, out[k], got[k], fmt.Sprintf("%s: output %d is input %d", op.name, k, alias))
					}
				}
			}
		}
	})
}

// A NaN in any lane stays in its lane.
func TestVecNaN(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, op := range vecOps {
			for at := range 40 {
				in, out := make([][]float32, op.nin), make([][]float32, op.nout)
				for i := range in {
					in[i] = numtest.NewRand(uint64(at)).Fill(make([]float32, 40), 1)
				}
				in[0][at] = float32(math.NaN())
				for i := range out {
					out[i] = make([]float32, 40)
				}
				op.run(out, in)
				for _, o := range out {
					for i, v := range o {
						if op.name != "Log" {
							require.Equal(t, i == at, v != v, "%s: NaN at %d, element %d is %v", op.name, at, i, v)
						} else if i == at {
							require.True(t, v != v)
						}
					}
				}
			}
		}
	})
}

// The checker must reject broken kernels.
func TestVecMutants(t *testing.T) {
	exp := vecOps[slices.IndexFunc(vecOps, func(op vecOp) bool { return op.name == "Exp" })]
	mutants := map[string]func(o, x [][]float32){
		"nothing done": func(o, x [][]float32) {},
		"short tail":   func(o, x [][]float32) { k := len(x[0]) &^ 15; Exp(o[0][:k], x[0][:k]) },
		"one past":     func(o, x [][]float32) { Exp(o[0], x[0]); o[0][:len(o[0])+1][len(o[0])] = 0 },
		"one before": func(o, x [][]float32) {
			Exp(o[0], x[0])
			*(*float32)(before(o[0])) = 0
		},
		"NaN": func(o, x [][]float32) { Exp(o[0], x[0]); o[0][len(o[0])/2] = float32(math.NaN()) },
		"swapped lanes": func(o, x [][]float32) {
			Exp(o[0], x[0])
			o[0][0], o[0][1] = o[0][1], o[0][0]
		},
		"input written": func(o, x [][]float32) { Exp(o[0], x[0]); x[0][3] = 0 },
		"two ulp off": func(o, x [][]float32) {
			Exp(o[0], x[0])
			o[0][5] = math.Float32frombits(math.Float32bits(o[0][5]) + 2)
		},
	}
	for name, f := range mutants {
		m := exp
		m.run = f
		_, err := m.check(t, 37, 1, false, false)
		require.Error(t, err, name)
	}
	_, err := exp.check(t, 37, 1, false, false)
	require.NoError(t, err)
}

func TestVecAllocatesNothing(t *testing.T) {
	x, y, z := make([]float32, 100), make([]float32, 100), make([]float32, 100)
	in, out := [][]float32{x, y, z}, [][]float32{make([]float32, 100), make([]float32, 100)}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, op := range vecOps {
			require.Zero(t, testing.AllocsPerRun(5, func() { op.run(out, in) }), op.name)
		}
		var local [50]float32
		require.Zero(t, testing.AllocsPerRun(5, func() { SoftmaxRow(local[:]); Sum(local[:]); Max(local[:]) }))
	})
}

func TestVecPanics(t *testing.T) {
	require.PanicsWithValue(t, "simd: Add: lengths 2, 3 and 3 differ", func() { Add(make([]float32, 2), make([]float32, 3), make([]float32, 3)) })
	require.PanicsWithValue(t, "simd: Exp: lengths 2 and 3 differ", func() { Exp(make([]float32, 2), make([]float32, 3)) })
}

// forEach runs f at every level without a subtest.
func forEach(f func(l isa.Level)) {
	for _, l := range isa.Available() {
		restore := isa.Force(l)
		f(l)
		restore()
	}
}

// before returns the address of the element before x.
func before(x []float32) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(&x[0]), -4) }

func TestMask(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, n := range numtest.Lengths(67) {
			for _, limit := range []uint32{0, 1, 1 << 31, math.MaxUint32 - 255} {
				r := numtest.NewRand(uint64(n))
				x, dst := r.Wild(numtest.Guarded(t, n, false), true), numtest.Guarded(t, n, n&1 == 0)
				raw := numtest.Guarded(t, n, n&1 == 0)
				words := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(raw))), n)
				want := make([]float32, n)
				for i := range words {
					words[i] = uint32(r.Uint64())
					if i%5 == 0 {
						words[i] = limit - uint32(i/5%2) // the limit itself and below
					}
					if words[i] >= limit {
						want[i] = x[i] * 1.25
					}
				}
				Mask(dst, x, words, limit, 1.25)
				numtest.SameBits(t, want, dst, "mask")
			}
		}
	})
}
