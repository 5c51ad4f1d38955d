package kernels

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/simd"
	"heavytail/tensor"
)

// Tensors of several chunks, dense and as views, give the same bits on any
// number of threads, and the float64 value.
func TestFlatChunks(t *testing.T) {
	for _, gap := range []int{0, 7} {
		run := func(c *CPU) []float32 {
			r := numtest.NewRand(3)
			a, b, d := view(r, gap, 2, 400, 101), view(r, gap, 2, 400, 101), view(r, 2*gap, 2, 400, 101)
			edge := frame(d)
			var out []float32
			c.Add(d, a, b)
			x, y := dense(a), dense(b)
			for i, v := range dense(d) {
				if v != x[i]+y[i] {
					t.Fatalf("Add: element %d: %v", i, v)
				}
			}
			out = append(out, dense(d)...)
			c.SiLU(d, a)
			out = append(out, dense(d)...)
			c.SiLUBackward(d, b, a)
			out = append(out, dense(d)...)
			c.Copy(d, a)
			numtest.SameBits(t, dense(a), dense(d), "Copy")
			c.Scale(d, 3)
			out = append(out, dense(d)...)
			c.Fill(d, 5)
			out = append(out, dense(d)...)
			numtest.SameBits(t, edge, frame(d), "between the rows")
			return out
		}
		bitsOf(t, run)
	}
}

func TestSumSqChunks(t *testing.T) {
	c := New(1)
	x := c.New(3*sumChunk + 100)
	numtest.NewRand(1).Fill(x.Data(), 1)
	want := 0.0
	for _, v := range x.Data() {
		want += float64(v) * float64(v)
	}
	bitsOf(t, func(c *CPU) []float32 {
		got := c.SumSq(x)
		require.InEpsilon(t, want, got, 1e-6)
		return []float32{float32(got), float32(got - float64(float32(got)))}
	})
}

// The mask is a function of the element alone: rows of any width see the same
// words, and the words are Philox's.
func TestDropoutMask(t *testing.T) {
	const p, seed = 0.3, 0x1234_5678_9abc_def0
	keys := []uint64{7, 1 << 40, 0}
	bitsOf(t, func(c *CPU) []float32 {
		var first []float32
		for _, shape := range [][]int{{3, 60, 41}, {3, 41, 60}, {3, 2460}, {3, 2460, 1}} {
			x, y := c.New(shape...), c.New(shape...)
			c.Fill(x, 2)
			c.Dropout(y, x, p, seed, keys)
			if first == nil {
				first = y.Data()
			}
			numtest.SameBits(t, first, y.Data(), fmt.Sprint(shape))
		}
		for i, v := range first {
			j, key := i%2460, keys[i/2460]
			w := simd.PhiloxBlock([4]uint32{uint32(j / 4), 0, uint32(key), uint32(key >> 32)}, [2]uint32{seed & math.MaxUint32, seed >> 32}, 10)[j%4]
			want := float32(2) * float32(1/(1-float64(float32(p))))
			if float64(w) < float64(float32(p))*(1<<32) {
				want = 0
			}
			require.Equal(t, want, v, i)
		}
		return first
	})
}

// maskWords continues past 2³⁴ words of one c1.
func TestMaskWordsCarry(t *testing.T) {
	var w [8]uint32
	maskWords(w[:], 1, 2, 1<<34-4)
	a := simd.PhiloxBlock([4]uint32{math.MaxUint32, 0, 2, 0}, [2]uint32{1, 0}, 10)
	b := simd.PhiloxBlock([4]uint32{0, 1, 2, 0}, [2]uint32{1, 0}, 10)
	require.Equal(t, append(a[:], b[:]...), w[:])
}

// The gradients of the losses agree with differences of the float64 twin in a
// random direction.
func TestLossGradient(t *testing.T) {
	for _, k := range []struct {
		kind tensor.LossKind
		p    float64
	}{{tensor.Squared, 0}, {tensor.Huber, 0}, {tensor.PNorm, 1}, {tensor.PNorm, 1.4}, {tensor.PNorm, 2}, {tensor.PNorm, 0.5}} {
		bitsOf(t, func(c *CPU) []float32 {
			r := numtest.NewRand(9)
			pred, target, d := view(r, 5, 3, 70, 71), view(r, 0, 3, 70, 71), view(r, 2, 3, 70, 71)
			c.Scale(pred, 2)
			w, out := []float64{1, -0.5, 2}, make([]float64, 3)
			c.Loss(out, pred, target, k.kind, k.p)
			c.LossBackward(d, pred, target, k.kind, k.p, w)
			a, b, g := values(pred), values(target), values(d)
			dir, slope, h := make([]float64, len(a)), 0.0, 1e-7
			up, down := make([]float64, 3), make([]float64, 3)
			n := len(a) / 3
			for i := range a {
				dir[i] = r.Float64()
				slope += dir[i] * g[i]
				f := func(x float64) float64 { v, _ := ref64.Loss(x-b[i], k.kind, k.p); return v / float64(n) }
				up[i/n] += f(a[i] + h*dir[i])
				down[i/n] += f(a[i] - h*dir[i])
			}
			want := 0.0
			for i := range w {
				want += w[i] * (up[i] - down[i]) / (2 * h)
				require.InEpsilon(t, (up[i]+down[i])/2, out[i], 1e-5, "%v", k)
			}
			require.InDelta(t, want, slope, 1e-4, "%v", k)
			return append(dense(d), float32(out[0]), float32(out[1]), float32(out[2]))
		})
	}
}

// Every method of the file group runs without allocating.
func TestElementwiseAllocatesNothing(t *testing.T) {
	c, r := New(2), numtest.NewRand(1)
	x, y, z := view(r, 0, 4, 100, 100), view(r, 0, 4, 100, 100), view(r, 0, 4, 100, 100)
	row, table := view(r, 0, 4, 64), view(r, 0, 10, 64)
	keys, out, ids, times := make([]uint64, 4), make([]float64, 4), []int{1, -1, 3, 3}, []float32{0, 1, 2, 999}
	opt := tensor.AdamWOpt{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, GradScale: 1, Step: 3}
	ops := map[string]func(){
		"Add":               func() { c.Add(z, x, y) },
		"Copy":              func() { c.Copy(z, x) },
		"Fill":              func() { c.Fill(z, 1) },
		"Scale":             func() { c.Scale(z, 1) },
		"SiLU":              func() { c.SiLU(z, x); c.SiLUBackward(z, x, y) },
		"Dropout":           func() { c.Dropout(z, x, 0.1, 1, keys) },
		"Loss":              func() { c.Loss(out, x, y, tensor.Huber, 0); c.LossBackward(z, x, y, tensor.Huber, 0, out) },
		"SumSq":             func() { c.SumSq(x) },
		"AdamW":             func() { c.AdamW(x, y, z, z, opt) },
		"Lerp":              func() { c.Lerp(x, y, 0.9) },
		"Embedding":         func() { c.Embedding(row, table, ids); c.EmbeddingBackward(table, row, ids) },
		"TimestepEmbedding": func() { c.TimestepEmbedding(row, times, tensor.TimeOpt{Scale: 1000}) },
	}
	for name, f := range ops {
		t.Run(name, func(t *testing.T) { numtest.NoAllocs(t, f) })
	}
}
