package ptx

import (
	"math"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/gen"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
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
		if m.Conv {
			continue // TestConv16
		}
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

// whole is an image of integers from −8 to 8 as a tensor too.
func (g *gpu) whole(n, h, w, c int, seed int64) (plan.Image, *tensor.Tensor) {
	rnd := rand.New(rand.NewSource(seed))
	x := make([]float32, n*h*w*c)
	for i := range x {
		x[i] = float32(rnd.Intn(17) - 8)
	}
	return plan.Image{At: g.put(x), N: n, H: h, W: w, C: c, Pitch: c}, onCPU(x, n, h, w, c)
}

// Convolutions on tensor cores are right for integers, forwards and backwards, at
// any stride, and with upsampling, with bias and residual.
func TestConv16(t *testing.T) {
	for i, c := range []convCase{
		{1, 9, 8, 32, 136, 3, 1, false, false, 0}, {1, 5, 7, 32, 40, 3, 2, false, false, 0}, {1, 6, 4, 32, 8, 3, 2, false, true, 0},
		{1, 3, 5, 32, 256, 3, 1, true, false, 0}, {1, 5, 6, 64, 32, 1, 2, false, false, 0},
	} {
		g := &gpu{t: t}
		s := g.stream(int64(i))
		ho, wo := c.out()
		x, xt := g.whole(c.n, c.h, c.w, c.c, 1)
		w, wt := g.whole(1, 1, c.k*c.k*c.c, c.o, 2)
		res, rt := g.whole(c.n, ho, wo, c.o, 3)
		bias := dense(wt)[:c.o]
		want := cpu.New(c.n, ho, wo, c.o)
		kernel := onCPU(dense(wt), c.k, c.k, c.c, c.o)
		cpu.Conv2D(want, xt, kernel, onCPU(bias, c.o), rt, c.opt())
		y, got := g.space(c.n, ho, wo, c.o, 0)
		at, mats := w.At, c.shape().Mats()
		if c.up && c.k == 3 {
			at = g.room(mats * c.c * c.o)
			s.UpSums(at, w.At, c.c, c.o)
		}
		half := func(m plan.Image) plan.Image {
			h := m
			h.At = g.m.Alloc(2 * m.N * m.H * m.W * m.C)
			s.ToBF16(h.At, m)
			return h
		}
		require.True(t, plan.Halves(y, x, res))
		s.Conv16(y, half(x), half(plan.Rows(at, mats*c.c, c.o, c.o)).At, g.put(bias), res, c.shape())
		same(t, dense(want), got(), "%+v", c)
		turned := g.room(mats * c.c * c.o)
		s.Transpose(turned, at, mats, c.c, c.o)
		require.True(t, plan.TF32(y, x, res))
		y, got = g.space(c.n, ho, wo, c.o, 2)
		s.ConvTF32(y, x, turned, g.put(bias), res, c.shape())
		same(t, dense(want), got(), "tf32 %+v", c)
		if c.o%32 != 0 {
			continue
		}
		if mats = c.k * c.k; c.up { // gradients read the taps themselves
			at, turned = w.At, g.room(mats*c.c*c.o)
			s.Transpose(turned, at, mats, c.c, c.o)
		}
		back := cpu.New(c.n, c.h, c.w, c.c)
		cpu.Conv2DBackward(back, cpu.New(c.k, c.k, c.c, c.o), nil, rt, xt, kernel, c.opt())
		dx, gotX := g.space(c.n, c.h, c.w, c.c, 0)
		sh := c.shape()
		sh.Back = true
		dy := c.seen(g, s, res)
		s.Conv16(dx, half(dy), half(plan.Rows(turned, mats*c.o, c.c, c.c)).At, 0, plan.Image{}, sh)
		same(t, dense(back), gotX(), "gradient %+v", c)
		dx, gotX = g.space(c.n, c.h, c.w, c.c, 2)
		s.ConvTF32(dx, dy, at, 0, plan.Image{}, sh)
		same(t, dense(back), gotX(), "tf32 gradient %+v", c)
	}
	for _, m := range gen.MMAs {
		require.True(t, !m.Conv || ran[m.Name] > 0, "no case takes %s", m.Name)
	}
}

// Gradients of weights on tensor cores are right for integers, of convolutions of
// every kind and of products, where they come in parts and where a tap sees nothing;
// their main loops do not wait for banks.
func TestMMAWeights(t *testing.T) {
	for i, c := range []convCase{
		{1, 5, 7, 8, 136, 3, 2, false, false, 0}, {2, 18, 29, 8, 8, 1, 1, true, false, 0}, {1, 6, 4, 136, 8, 3, 2, false, true, 0},
		{2, 3, 5, 16, 8, 3, 1, true, false, 0}, {3, 1, 1, 8, 8, 3, 1, false, false, 0}, {5, 31, 29, 8, 40, 1, 2, false, false, 0}, {1, 1, 1100, 8, 16, 1, 1, false, false, 0},
	} {
		g := &gpu{t: t}
		s := g.stream(int64(i))
		s.Processors = 132 // which want parts
		ho, wo := c.out()
		x, xt := g.whole(c.n, c.h, c.w, c.c, 1)
		dy, dyt := g.whole(c.n, ho, wo, c.o, 2)
		want := cpu.New(c.k, c.k, c.c, c.o)
		cpu.Conv2DBackward(nil, want, nil, dyt, xt, onCPU(make([]float32, want.Len()), c.k, c.k, c.c, c.o), c.opt())
		dy = c.seen(g, s, dy)
		for _, tf32 := range []bool{false, true} {
			p, ok := s.Parted(dy, x, c.shape(), tf32)
			require.True(t, ok)
			require.Equal(t, min(c.n*c.h*c.w, c.n*ho*wo) > 1000, p.Parts > 1, "%+v", c)
			n := want.Len()
			at := g.room(p.Parts * n)
			from, to := x, dy
			if !tf32 {
				for _, m := range []*plan.Image{&from, &to} {
					rounded := g.m.Alloc(2 * m.N * m.H * m.W * m.C)
					s.ToBF16(rounded, *m)
					m.At = rounded
				}
			}
			s.WeightParts(at, to, from, c.shape(), p)
			got := make([]float32, n)
			for part := range p.Parts {
				for j, v := range g.floats(at+uint64(4*n*part), n) {
					got[j] += v
				}
			}
			same(t, dense(want), got, "%+v tf32 %v", c, tf32)
		}
	}
}

// Rounding to bfloat16 is that of package tensor.
func TestToBF16(t *testing.T) {
	g := &gpu{t: t}
	x := random(5*12, 3)
	copy(x, []float32{1.00390625, 1.01171875, float32(math.Inf(1)), 1e-40, -1e-40, 3.4e38, 0, float32(math.Copysign(0, -1))})
	at := g.m.Alloc(2 * 5 * 8)
	g.stream(1).ToBF16(at, plan.Rows(g.put(x), 5, 8, 12))
	var want []float32
	for i, v := range x {
		if i%12 < 8 {
			want = append(want, tensor.FromBF16(tensor.ToBF16(v)))
		}
	}
	same(t, want, g.halves(at, 5*8), "bfloat16")
}

// Operands are cut, not more: a product of fractions is within 2⁻⁹·Σ|a·b| of that
// in float64 and what K additions of float32 lose.
func TestTF32Error(t *testing.T) {
	const M, N, K = 40, 24, 48
	g := &gpu{t: t}
	a, w, bias := random(M*K, 1), random(N*K, 2), random(N, 3)
	y, got := g.space(1, 1, M, N, 0)
	g.stream(1).ConvTF32(y, plan.Rows(g.put(a), M, K, K), g.put(w), g.put(bias), plan.Image{}, conv.Shape{K: 1, Stride: 1, H: 1, W: M})
	out := got()
	for i := range M {
		for j := range N {
			sum, abs := float64(bias[j]), math.Abs(float64(bias[j]))
			for k := range K {
				p := float64(a[i*K+k]) * float64(w[j*K+k])
				sum, abs = sum+p, abs+math.Abs(p)
			}
			require.InDelta(t, sum, out[i*N+j], abs*(1.0/512+(K+1)/float64(1<<23)))
		}
	}
}

// A product of bfloat16 through a plan.
func TestProduct16(t *testing.T) {
	for _, n := range []int{40, 256} {
		g := &gpu{t: t}
		a, b, want := integers(70, n, 96)
		y, got := g.space(1, 1, 70, n, 0)
		g.stream(2).Product16(y, g.put(half(a)), 96, g.put(half(b)), n, 0)
		same(t, want, got(), "%d columns", n)
	}
}
