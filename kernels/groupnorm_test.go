package kernels

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// pitched returns a tensor of c with the given shape, as columns of a wider
// one if gap > 0, filled with uniform values in [−scale, scale).
func pitched(c *CPU, r *numtest.Rand, gap int, scale float64, shape ...int) *tensor.Tensor {
	wide := append([]int(nil), shape...)
	last := len(wide) - 1
	wide[last] += gap
	t := c.New(wide...)
	r.Fill(t.Data(), scale)
	return t.Columns(gap/2, gap/2+shape[last])
}

// mirror returns a float64 copy of t, nil for nil.
func mirror(t *tensor.Tensor) *tensor.Tensor {
	if t == nil {
		return nil
	}
	d := ref64.New().New(t.Shape()...)
	ref64.SetValues(d, ref64.Float64s(elems(t)))
	return d
}

// elems returns t's elements, row-major.
func elems(t *tensor.Tensor) []float32 {
	out := make([]float32, t.Len())
	New(1).Download(out, t)
	return out
}

// closeTo fails unless got is within tol of want, relative to want's largest
// value.
func closeTo(t *testing.T, want, got *tensor.Tensor, tol float64, msg string) {
	t.Helper()
	w := ref64.Values(want)
	big := 1e-30
	for _, v := range w {
		big = max(big, math.Abs(v))
	}
	numtest.Within(t, w, elems(got), tol*big, 0, msg)
}

// A normCase is one call of GroupNorm and its gradient.
type normCase struct {
	n, p, c, groups, gap int
	ss, silu, add        bool
	offset               float64 // added to x: the mean in units of its deviation
}

func (k normCase) String() string {
	return fmt.Sprintf("n=%d,p=%d,c=%d,g=%d,gap=%d,ss=%v,silu=%v,add=%v,off=%g", k.n, k.p, k.c, k.groups, k.gap, k.ss, k.silu, k.add, k.offset)
}

// A normRun holds the tensors of one case.
type normRun struct {
	opt                          tensor.NormOpt
	x, y, gamma, beta, ss, stats *tensor.Tensor
	dx, dgamma, dbeta, dss, dy   *tensor.Tensor
}

func newNormRun(c *CPU, k normCase) *normRun {
	r := numtest.NewRand(uint64(k.n*1000 + k.p*100 + k.c))
	m := &normRun{opt: tensor.NormOpt{Groups: k.groups, Eps: 1e-5, SiLU: k.silu, AddDX: k.add}}
	m.x = pitched(c, r, k.gap, 1, k.n, k.p, 1, k.c)
	for i := range m.x.Data() {
		m.x.Data()[i] += float32(k.offset)
	}
	m.y = pitched(c, r, k.gap, 1, k.n, k.p, 1, k.c)
	m.dx = pitched(c, r, 2*k.gap, 1, k.n, k.p, 1, k.c)
	m.dy = pitched(c, r, k.gap, 1, k.n, k.p, 1, k.c)
	m.gamma, m.beta = pitched(c, r, 0, 2, k.c), pitched(c, r, 0, 1, k.c)
	m.dgamma, m.dbeta = pitched(c, r, 0, 1, k.c), pitched(c, r, 0, 1, k.c)
	m.stats = c.New(k.n, 2*k.c)
	if k.ss {
		m.ss, m.dss = pitched(c, r, 0, 1, k.n, 2*k.c), pitched(c, r, 0, 1, k.n, 2*k.c)
	}
	return m
}

func (m *normRun) forward(c *CPU) {
	c.GroupNorm(m.y, m.x, m.gamma, m.beta, m.ss, m.stats, m.opt)
}

func (m *normRun) backward(c *CPU) {
	c.GroupNormBackward(m.dx, m.dgamma, m.dbeta, m.dss, m.dy, m.x, m.gamma, m.beta, m.ss, m.stats, m.opt)
}

var normCases = []normCase{
	{2, 64, 32, 32, 0, true, true, false, 0},
	{1, 37, 96, 32, 16, true, true, true, 3},
	{3, 16, 128, 32, 32, false, true, true, 0},
	{1, 256, 64, 32, 0, false, false, false, 100},
	{2, 5, 384, 32, 0, true, false, true, 1},
	{1, 9, 7, 7, 3, true, true, false, 0},
	{2, 33, 30, 5, 5, false, true, false, 0},
	{1, 1, 32, 8, 0, false, true, false, 0},
	{1, 4, 1024, 32, 0, true, true, true, 0},
	{1, 900, 96, 32, 0, true, true, false, 0}, // several threads
}

func TestGroupNorm(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, k := range normCases {
			t.Run(k.String(), func(t *testing.T) {
				c := New(2)
				m := newNormRun(c, k)
				x, gamma, beta, ss, dy := mirror(m.x), mirror(m.gamma), mirror(m.beta), mirror(m.ss), mirror(m.dy)
				dx, dgamma, dbeta, dss, y := mirror(m.dx), mirror(m.dgamma), mirror(m.dbeta), mirror(m.dss), mirror(m.y)
				d, stats := ref64.New(), mirror(m.stats)
				d.GroupNorm(y, x, gamma, beta, ss, stats, m.opt)
				d.GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats, m.opt)
				m.forward(c)
				m.backward(c)
				tol := 1e-6 * (1 + math.Abs(k.offset))
				closeTo(t, y, m.y, tol, "y")
				closeTo(t, dx, m.dx, 3*tol, "dx")
				closeTo(t, dgamma, m.dgamma, tol, "dgamma")
				closeTo(t, dbeta, m.dbeta, tol, "dbeta")
				if ss != nil {
					closeTo(t, dss, m.dss, 2*tol, "dss")
				}
			})
		}
	})
}

// outputs returns every result of m's two passes.
func (m *normRun) outputs(c *CPU) [][]float32 {
	m.forward(c)
	m.backward(c)
	out := [][]float32{elems(m.y), elems(m.dx), m.dgamma.Data(), m.dbeta.Data(), m.stats.Data()}
	if m.dss != nil {
		out = append(out, m.dss.Data())
	}
	return out
}

func TestGroupNormBits(t *testing.T) {
	for _, k := range normCases {
		var want [][]float32
		numtest.EachLevel(t, func(t *testing.T) {
			for _, threads := range []int{1, 2, 3, 7} {
				c := New(threads)
				got := newNormRun(c, k).outputs(c)
				if want == nil {
					want = got
				}
				for i := range want {
					numtest.SameBits(t, want[i], got[i], fmt.Sprintf("%v: output %d, %d threads", k, i, threads))
				}
			}
		})
	}
}

// One batch of n and n batches of one give the same bits.
func TestGroupNormBatchSplit(t *testing.T) {
	c := New(2)
	for _, k := range normCases {
		whole, parts := newNormRun(c, k), newNormRun(c, k)
		want := whole.outputs(c)
		for i := range k.n {
			one := *parts
			one.x, one.y, one.stats = parts.x.Batch(i, i+1), parts.y.Batch(i, i+1), parts.stats.Batch(i, i+1)
			one.dx, one.dy = parts.dx.Batch(i, i+1), parts.dy.Batch(i, i+1)
			if k.ss {
				one.ss, one.dss = parts.ss.Batch(i, i+1), parts.dss.Batch(i, i+1)
			}
			one.forward(c)
			one.backward(c)
		}
		got := [][]float32{elems(parts.y), elems(parts.dx), parts.dgamma.Data(), parts.dbeta.Data(), parts.stats.Data()}
		for i := range got {
			numtest.SameBits(t, want[i], got[i], fmt.Sprintf("%v: output %d", k, i))
		}
	}
}

// A constant channel has no variance: n is beta up to the rounding of
// x·rstd, rstd = 1/√eps.
func TestGroupNormConstant(t *testing.T) {
	c := New(1)
	m := newNormRun(c, normCase{n: 1, p: 16, c: 32, groups: 32})
	c.Fill(m.x, 3)
	m.forward(c)
	for p := range 16 {
		numtest.Within(t, ref64.Float64s(m.beta.Data()), m.y.Data()[p*32:][:32], 2e-4, 0, "y")
	}
}

func TestGroupNormNaN(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		c := New(1)
		m := newNormRun(c, normCase{n: 2, p: 40, c: 32, groups: 16, silu: true})
		m.x.Data()[7*32+5] = float32(math.NaN())
		m.forward(c)
		for i, v := range m.y.Data() {
			require.Equal(t, i < 40*32 && i%32/2 == 2, v != v, i)
		}
	})
}

func TestGroupNormInPlace(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		c := New(2)
		for _, k := range normCases {
			k.add = false
			m, a := newNormRun(c, k), newNormRun(c, k)
			want := m.outputs(c)
			a.forward(c)
			a.dx = a.dy
			a.backward(c)
			numtest.SameBits(t, want[1], elems(a.dx), "dx = dy")
			a.y = a.x
			a.forward(c)
			numtest.SameBits(t, want[0], elems(a.y), "y = x")
		}
	})
}

func TestNormAllocatesNothing(t *testing.T) {
	c := New(2)
	m := newNormRun(c, normCases[0])
	numtest.NoAllocs(t, func() { m.forward(c); m.backward(c) })
}

func TestNormPanics(t *testing.T) {
	c := New(1)
	m := newNormRun(c, normCases[0])
	require.PanicsWithValue(t, "tensor: GroupNorm: shapes [2 63 1 32] and [2 64 1 32] differ", func() {
		c.GroupNorm(c.New(2, 63, 1, 32), m.x, m.gamma, m.beta, m.ss, m.stats, m.opt)
	})
	m.opt.Groups = 5
	require.Panics(t, func() { m.forward(c) })
}

func TestLayerNorm(t *testing.T) {
	for _, k := range []struct {
		m, c, gap int
		silu, add bool
	}{{5, 64, 0, true, false}, {300, 64, 0, true, true}, {3, 3, 0, false, false}, {17, 100, 7, true, true}, {2, 1024, 16, false, false}} {
		var want [][]float32
		numtest.EachLevel(t, func(t *testing.T) {
			for _, threads := range []int{1, 2, 3, 7} {
				c, r := New(threads), numtest.NewRand(uint64(k.c))
				opt := tensor.NormOpt{Eps: 1e-5, SiLU: k.silu, AddDX: k.add}
				x, y := pitched(c, r, k.gap, 1, k.m, k.c), pitched(c, r, 0, 1, k.m, k.c)
				dx, dy := pitched(c, r, 0, 1, k.m, k.c), pitched(c, r, k.gap, 1, k.m, k.c)
				for i := range x.Data() {
					x.Data()[i] += 2
				}
				gamma, beta := pitched(c, r, 0, 2, k.c), pitched(c, r, 0, 1, k.c)
				dgamma, dbeta := pitched(c, r, 0, 1, k.c), pitched(c, r, 0, 1, k.c)
				stats := c.New(k.m, 2)
				d, rs := ref64.New(), mirror(stats)
				rx, ry, rdx, rdy, rg, rb, rdg, rdb := mirror(x), mirror(y), mirror(dx), mirror(dy), mirror(gamma), mirror(beta), mirror(dgamma), mirror(dbeta)
				d.LayerNorm(ry, rx, rg, rb, rs, opt)
				d.LayerNormBackward(rdx, rdg, rdb, rdy, rx, rg, rb, rs, opt)
				c.LayerNorm(y, x, gamma, beta, stats, opt)
				c.LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats, opt)
				closeTo(t, ry, y, 2e-6, "y")
				closeTo(t, rdx, dx, 3e-6, "dx")
				closeTo(t, rdg, dgamma, 3e-6, "dgamma")
				closeTo(t, rdb, dbeta, 3e-6, "dbeta")
				got := [][]float32{elems(y), elems(dx), dgamma.Data(), dbeta.Data(), stats.Data()}
				if want == nil {
					want = got
				}
				for i := range want {
					numtest.SameBits(t, want[i], got[i], fmt.Sprintf("%v: output %d, %d threads", k, i, threads))
				}
			}
		})
	}
}
