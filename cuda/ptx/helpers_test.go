package ptx

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/kernels"
	"heavytail/tensor"
)

var modules = map[string]*emu.Module{}

// parsed is the committed module.
func parsed(t testing.TB, name string) *emu.Module {
	t.Helper()
	if modules[name] == nil {
		text, err := Text(name)
		require.NoError(t, err)
		m, err := emu.Parse(text)
		require.NoError(t, err, name)
		modules[name] = m
	}
	return modules[name]
}

// gpu is the memory of one launch.
type gpu struct {
	t testing.TB
	m emu.Memory
}

// put uploads float32, uint32 or uint64 values.
func (g *gpu) put(x any) uint64 {
	raw, err := binary.Append(nil, binary.LittleEndian, x)
	require.NoError(g.t, err)
	at := g.m.Alloc(len(raw))
	g.m.Write(at, raw)
	return at
}

// room takes memory for n float32.
func (g *gpu) room(n int) uint64 { return g.m.Alloc(4 * n) }

func (g *gpu) floats(at uint64, n int) []float32 {
	x := make([]float32, n)
	_, err := binary.Decode(g.m.Read(at, 4*n), binary.LittleEndian, x)
	require.NoError(g.t, err)
	return x
}

func (g *gpu) doubles(at uint64, n int) []float64 {
	x := make([]float64, n)
	_, err := binary.Decode(g.m.Read(at, 8*n), binary.LittleEndian, x)
	require.NoError(g.t, err)
	return x
}

// pack lays parameters out: uint64, int (as 32 bits), uint32, float32 and float64, each
// aligned to its size.
func pack(t testing.TB, k *emu.Kernel, v ...any) []byte {
	t.Helper()
	require.Len(t, v, len(k.Params), k.Name)
	p := make([]byte, k.ParamBytes)
	for i, x := range v {
		at := p[k.Params[i].Offset:]
		switch x := x.(type) {
		case uint64:
			require.Equal(t, "u64", k.Params[i].Type, k.Params[i].Name)
			binary.LittleEndian.PutUint64(at, x)
		case int:
			require.Equal(t, "u32", k.Params[i].Type, k.Params[i].Name)
			binary.LittleEndian.PutUint32(at, uint32(x))
		case uint32:
			require.Equal(t, "u32", k.Params[i].Type, k.Params[i].Name)
			binary.LittleEndian.PutUint32(at, x)
		case float32:
			require.Equal(t, "f32", k.Params[i].Type, k.Params[i].Name)
			binary.LittleEndian.PutUint32(at, math.Float32bits(x))
		case float64:
			require.Equal(t, "f64", k.Params[i].Type, k.Params[i].Name)
			binary.LittleEndian.PutUint64(at, math.Float64bits(x))
		default:
			t.Fatalf("a parameter of type %T", x)
		}
	}
	return p
}

// run launches an entry of a module of the same or another name.
func (g *gpu) run(module, entry string, l emu.Launch, params ...any) *emu.Stats {
	g.t.Helper()
	k := parsed(g.t, module).Kernels[entry]
	require.NotNil(g.t, k, entry)
	l.Params = pack(g.t, k, params...)
	st, err := k.Run(&g.m, l)
	require.NoError(g.t, err)
	return st
}

// launch is a grid of x·y blocks of so many threads, in the order of seed.
func launch(x, y, threads, dynamic int, seed int64) emu.Launch {
	return emu.Launch{Grid: [3]uint32{uint32(x), uint32(y), 1}, Block: [3]uint32{uint32(threads), 1, 1}, Dynamic: dynamic, Seed: seed}
}

func up(n, d int) int { return (n + d - 1) / d }

// random are normal numbers, with a NaN, subnormals and zeros of both signs.
func random(n int, seed int64) []float32 {
	r := rand.New(rand.NewSource(seed))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func odd(x []float32) []float32 {
	for i, v := range []float32{float32(math.NaN()), 1e-39, 0, float32(math.Copysign(0, -1))} {
		x[(7*i+5)%len(x)] = v
	}
	return x
}

var cpu = kernels.New(1)

func onCPU(x []float32, shape ...int) *tensor.Tensor {
	t := cpu.New(shape...)
	cpu.Upload(t, x)
	return t
}

// same compares bits; a NaN is as good as another.
func same(t testing.TB, want, got []float32, f string, a ...any) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i, w := range want {
		if v := got[i]; math.Float32bits(w) != math.Float32bits(v) && (w == w || v == v) {
			t.Fatalf("%s: element %d of %d is %v (%08x) on the CPU and %v (%08x) in PTX",
				fmt.Sprintf(f, a...), i, len(want), w, math.Float32bits(w), v, math.Float32bits(v))
		}
	}
}

func same64(t testing.TB, want, got []float64, f string, a ...any) {
	t.Helper()
	require.Equal(t, len(want), len(got))
	for i, w := range want {
		if v := got[i]; math.Float64bits(w) != math.Float64bits(v) && (w == w || v == v) {
			t.Fatalf("%s: element %d of %d is %v (%016x) on the CPU and %v (%016x) in PTX",
				fmt.Sprintf(f, a...), i, len(want), w, math.Float64bits(w), v, math.Float64bits(v))
		}
	}
}

// view is a tensor of rows·cols that lies in rows of a larger pitch, and where
// put uploaded those.
func (g *gpu) view(x []float32, rows, cols, pitch int) (*tensor.Tensor, uint64) {
	return onCPU(x[:rows*pitch], rows, pitch).Columns(0, cols), g.put(x[:rows*pitch])
}
