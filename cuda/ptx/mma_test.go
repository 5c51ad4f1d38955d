package ptx

import (
	"math/rand"
	"testing"

	"heavytail/cuda/gen"
	"heavytail/tensor"
)

// integers are operands from −8 to 8 and their product, which is exact in
// float32 in whatever order it is added: tensor cores have no other.
func integers(M, N, K int) (a, b, c []float32) {
	rnd := rand.New(rand.NewSource(8))
	a, b, c = make([]float32, M*K), make([]float32, K*N), make([]float32, M*N)
	for _, x := range [][]float32{a, b} {
		for i := range x {
			x[i] = float32(rnd.Intn(17) - 8)
		}
	}
	for i := range M {
		for k := range K {
			for j := range N {
				c[i*N+j] += float32(a[i*K+k] * b[k*N+j])
			}
		}
	}
	return a, b, c
}

// half are the bfloat16 of x.
func half(x []float32) []uint16 {
	h := make([]uint16, len(x))
	for i, v := range x {
		h[i] = tensor.ToBF16(v)
	}
	return h
}

func transposed(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

// The products on tensor cores are right for integers, of which no order of
// additions loses a bit, with bias and beyond the edges of tiles; and neither
// copies nor ldmatrix wait for banks.
func TestMMA(t *testing.T) {
	for _, m := range gen.MMAs {
		for i, s := range [][3]int{{200, 136, 192}, {64, 64, 64}, {130, 264, 128}} {
			M, N, K := s[0], s[1], s[2]
			a, b, want := integers(M, N, K)
			bias := make([]float32, N)
			for j := range bias {
				bias[j] = float32(j - 40)
			}
			for k := range want {
				want[k] += bias[k%N]
				if m.Out16 {
					want[k] = tensor.FromBF16(tensor.ToBF16(want[k]))
				}
			}
			ldb := N
			if m.BT {
				b, ldb = transposed(b, K, N), K
			}
			for seed := range int64(2 - min(i, 1)) {
				g := &gpu{t: t}
				var pa, pb uint64
				if m.TF32 {
					pa, pb = g.put(a), g.put(b)
				} else {
					pa, pb = g.put(half(a)), g.put(half(b))
				}
				c := g.room(M * N)
				l := launch(up(N, m.BN), up(M, m.BM), m.Threads(), m.Shared(), seed)
				l.Count = seed == 0
				st := g.run(m.Name, m.Name, l, pa, pb, c, g.put(bias), M, N, K, K, ldb, N)
				clean(t, m.Name, m.Name, st)
				got := g.floats
				if m.Out16 {
					got = g.halves
				}
				same(t, want, got(c, M*N), "%s %v seed %d", m.Name, s, seed)
			}
		}
	}
}

// halves reads n bfloat16.
func (g *gpu) halves(at uint64, n int) []float32 {
	raw := g.m.Read(at, 2*n)
	x := make([]float32, n)
	for i := range x {
		x[i] = tensor.FromBF16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
	}
	return x
}
