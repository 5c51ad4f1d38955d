package ptx

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/tensor"
)

// ran counts the launches of each entry by plans.
var ran = map[string]int{}

// stream runs the launches of a plan on g, in the order of seed. None of them may wait
// for banks of shared memory.
func (g *gpu) stream(seed int64) *plan.Stream {
	return &plan.Stream{Processors: 1, Run: func(l plan.Launch) {
		g.t.Helper()
		k := parsed(g.t, l.Entry).Kernels[l.Entry]
		require.NotNil(g.t, k, l.Entry)
		ran[l.Entry]++
		count := l.Shared > 0 || l.Threads == gen.WinoSumThreads
		st, err := k.Run(&g.m, emu.Launch{Grid: l.Grid, Block: [3]uint32{uint32(l.Threads), 1, 1}, Dynamic: l.Shared, Params: l.Params, Seed: seed, Count: count})
		require.NoError(g.t, err)
		if t, ok := g.t.(*testing.T); ok && count {
			clean(t, l.Entry, l.Entry, st)
		}
	}}
}

// A convCase is a convolution; gap is what pitches have beyond the channels.
type convCase struct {
	n, h, w, c, o, k int
	stride           int
	up, after        bool
	gap              int
}

var convCases = []convCase{
	{2, 5, 7, 16, 20, 3, 1, false, false, 0},
	{1, 8, 14, 16, 100, 3, 1, false, false, 4},
	{1, 5, 4, 3, 20, 3, 1, false, false, 0},
	{1, 4, 5, 18, 3, 3, 1, false, false, 1},
	{2, 13, 16, 16, 68, 3, 2, false, false, 0},
	{2, 5, 6, 16, 8, 3, 2, false, false, 0},
	{1, 7, 5, 5, 33, 3, 2, false, false, 3},
	{2, 6, 5, 16, 4, 3, 2, false, true, 0},
	{1, 2, 3, 19, 5, 3, 2, false, true, 0},
	{2, 3, 4, 16, 12, 3, 1, true, false, 0},
	{1, 3, 2, 5, 17, 3, 1, true, false, 2},
	{1, 1, 1, 3, 2, 3, 1, true, false, 0},
	{2, 5, 4, 16, 4, 1, 2, false, false, 0},
	{2, 3, 2, 3, 4, 1, 1, true, false, 0},
}

func (c convCase) shape() conv.Shape {
	return conv.Shape{Up: c.up, After: c.after, K: c.k, Stride: c.stride, H: c.h, W: c.w}
}

func (c convCase) opt() tensor.ConvOpt {
	return tensor.ConvOpt{Stride: c.stride, Up: c.up, After: c.after}
}

// out is the size of the output.
func (c convCase) out() (h, w int) { s := c.shape(); return s.Out(c.h), s.Out(c.w) }

// image uploads n images of random pixels with a gap, as a tensor of the CPU too.
func (g *gpu) image(n, h, w, c, gap int, seed int64) (plan.Image, *tensor.Tensor) {
	pitch := c + gap
	x := odd(random(n*h*w*pitch, seed))
	t := onCPU(x, n, h, w, pitch)
	return plan.Image{At: g.put(x), N: n, H: h, W: w, C: c, Pitch: pitch}, t.Columns(0, c)
}

// space is room for n images with a gap, and what they hold afterwards.
func (g *gpu) space(n, h, w, c, gap int) (plan.Image, func() []float32) {
	m := plan.Image{At: g.room(n * h * w * (c + gap)), N: n, H: h, W: w, C: c, Pitch: c + gap}
	return m, func() (x []float32) {
		for p := range n * h * w {
			x = append(x, g.floats(m.At+4*uint64(p*m.Pitch), c)...)
		}
		return x
	}
}

// seen is what gradients read of dy: with up the sums of its boxes.
func (c convCase) seen(g *gpu, s *plan.Stream, dy plan.Image) plan.Image {
	if !c.up {
		return dy
	}
	return s.Boxes(g.room(plan.BoxesOf(dy).Elements()), dy)
}

func dense(t *tensor.Tensor) []float32 {
	x := make([]float32, t.Len())
	cpu.Download(x, t)
	return x
}

// The direct form of a convolution, of every kind and at any pitch, with bias and
// residual: the weights of an upsampled one are summed first.
func TestConvForward(t *testing.T) {
	for i, c := range convCases {
		g := &gpu{t: t}
		x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
		ho, wo := c.out()
		w, bias := random(c.k*c.k*c.c*c.o, 2), random(c.o, 3)
		res, rt := g.image(c.n, ho, wo, c.o, c.gap, 4)
		want := cpu.New(c.n, ho, wo, c.o)
		cpu.Conv2D(want, xt, onCPU(w, c.k, c.k, c.c, c.o), onCPU(bias, c.o), rt, c.opt())
		y, got := g.space(c.n, ho, wo, c.o, c.gap)
		s, at := g.stream(int64(i)), g.put(w)
		if c.up && c.k == 3 {
			sums := g.room(16 * c.c * c.o)
			s.UpSums(sums, at, c.c, c.o)
			at = sums
		}
		s.Conv(y, x, at, g.put(bias), res, c.shape())
		same(t, dense(want), got(), "%s", fmt.Sprintf("%+v", c))
	}
	for _, name := range []string{"sconv_128x128", "sconv_128x64", "sconv_64x64", "sany_64x64", "sany_64x32"} {
		require.NotZero(t, ran[name], "no case takes %s", name)
	}
}

// Products of any size, at any pitch and in a batch.
func TestProduct(t *testing.T) {
	for i, c := range [][5]int{{70, 20, 17, 0, 1}, {3, 1, 1, 1, 2}, {65, 68, 33, 3, 1}, {40, 36, 20, 4, 3}, {5, 65, 16, 0, 2}} {
		M, N, K, gap, batch := c[0], c[1], c[2], c[3], c[4]
		g := &gpu{t: t}
		x, xt := g.image(batch, 1, M, K, gap, 1)
		w, bias := random(batch*K*N, 2), random(N, 3)
		y, got := g.space(batch, 1, M, N, gap)
		first, out := x, y
		first.N, out.N = 1, 1
		g.stream(int64(i)).Product(out, first, g.put(w), N, g.put(bias), plan.Image{}, plan.Batch{N: batch, A: M * x.Pitch, B: K * N, C: M * y.Pitch})
		var want []float32
		all := dense(xt)
		for b := range batch {
			one := cpu.New(M, N)
			cpu.Linear(one, onCPU(all[b*M*K:][:M*K], M, K), onCPU(w[b*K*N:][:K*N], K, N), onCPU(bias, N))
			want = append(want, one.Data()...)
		}
		same(t, want, got(), "%v", c)
	}
}

// boxesOf is the sums of dy over boxes, as conv.Shape.Grad defines them.
func boxesOf(dy *tensor.Tensor) *tensor.Tensor {
	n, h, w, c := dy.Dim(0), dy.Dim(1), dy.Dim(2), dy.Cols()
	out, x := cpu.New(n, h+1, w+1, c), dense(dy)
	minus := float32(math.Copysign(0, -1))
	for i := range out.Data() {
		r, s := i/c/(w+1)%(h+1), i/c%(w+1)
		at := func(r, s int) float32 {
			if r < 0 || r >= h || s < 0 || s >= w {
				return minus
			}
			return x[((i/c/(w+1)/(h+1)*h+r)*w+s)*c+i%c]
		}
		left, right := at(r-1, s-1)+at(r, s-1), at(r-1, s)+at(r, s)
		out.Data()[i] = left + right
	}
	return out
}

// edged is image whose first and last pixel are −0: in the corners of the sums over
// boxes they stand alone.
func (g *gpu) edged(n, h, w, c, gap int, seed int64) (plan.Image, *tensor.Tensor) {
	pitch := c + gap
	x := odd(random(n*h*w*pitch, seed))
	for i := range pitch {
		x[i], x[len(x)-1-i] = float32(math.Copysign(0, -1)), float32(math.Copysign(0, -1))
	}
	return plan.Image{At: g.put(x), N: n, H: h, W: w, C: c, Pitch: pitch}, onCPU(x, n, h, w, pitch).Columns(0, c)
}

// Sums over boxes of images at any pitch, NaN and −0 among them.
func TestBoxes(t *testing.T) {
	for i, c := range [][5]int{{1, 1, 1, 1, 0}, {2, 3, 4, 5, 2}, {3, 2, 6, 40, 0}, {1, 9, 3, 33, 1}} {
		g := &gpu{t: t}
		dy, dyt := g.edged(c[0], c[1], c[2], c[3], c[4], int64(i))
		want := boxesOf(dyt)
		at := g.room(want.Len())
		require.Equal(t, plan.Image{At: at, N: c[0], H: c[1] + 1, W: c[2] + 1, C: c[3], Pitch: c[3]}, g.stream(int64(i)).Boxes(at, dy))
		same(t, dense(want), g.floats(at, want.Len()), "%v", c)
	}
}

// The gradient at the input: the same kernels with other taps and the transposes
// of the weight's matrices.
func TestConvInputGradient(t *testing.T) {
	for i, c := range convCases {
		g := &gpu{t: t}
		ho, wo := c.out()
		dy, dyt := g.image(c.n, ho, wo, c.o, c.gap, 1)
		w := random(c.k*c.k*c.c*c.o, 2)
		want, x := cpu.New(c.n, c.h, c.w, c.c), cpu.New(c.n, c.h, c.w, c.c)
		cpu.Conv2DBackward(want, cpu.New(c.k, c.k, c.c, c.o), nil, dyt, x, onCPU(w, c.k, c.k, c.c, c.o), c.opt())
		dx, got := g.space(c.n, c.h, c.w, c.c, c.gap)
		sh := c.shape()
		sh.Back = true
		s, at, turned := g.stream(int64(i)), g.put(w), g.room(sh.Mats()*c.c*c.o)
		s.Transpose(turned, at, sh.Mats(), c.c, c.o)
		s.Conv(dx, c.seen(g, s, dy), turned, 0, plan.Image{}, sh)
		same(t, dense(want), got(), "%s", fmt.Sprintf("%+v", c))
	}
}

// The gradient of a weight, of convolutions of every kind and of products, goes on
// from what it held, with many blocks and with few.
func TestWeightGradient(t *testing.T) {
	cases := append([]convCase{{1, 1, 21, 17, 5, 1, 1, false, false, 1}, {1, 1, 40, 68, 36, 1, 1, false, false, 0}, {3, 1, 2, 36, 68, 3, 1, false, false, 0}, {2, 2, 2, 4, 8, 3, 2, false, true, 4}, {3, 4, 1, 8, 4, 3, 1, true, false, 0}}, convCases...)
	for i, c := range cases {
		for _, processors := range []int{1, 1000} {
			weightGradient(t, c, int64(i), processors)
		}
	}
	for i, processors := range []int{1, 2, 4, 9, 18, 36, 72} { // for which other tilings are the fastest
		weightGradient(t, convCase{1, 1, 21, 128, 64, 1, 1, false, false, 0}, int64(i), processors)
		weightGradient(t, convCase{1, 2, 3, 128, 64, 3, 1, false, false, 0}, int64(i), processors)
	}
	for _, k := range gen.Wgrads {
		require.NotZero(t, ran[k.Name], "no case takes %s", k.Name)
	}
}

func weightGradient(t *testing.T, c convCase, seed int64, processors int) {
	g := &gpu{t: t}
	ho, wo := c.out()
	x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
	dy, dyt := g.image(c.n, ho, wo, c.o, c.gap, 2)
	dw := random(c.k*c.k*c.c*c.o, 3)
	want := onCPU(dw, c.k, c.k, c.c, c.o)
	cpu.Conv2DBackward(nil, want, nil, dyt, xt, cpu.New(c.k, c.k, c.c, c.o), c.opt())
	s, at := g.stream(seed), g.put(dw)
	s.Processors = processors
	s.WeightGradient(at, c.seen(g, s, dy), x, c.shape())
	same(t, dense(want), g.floats(at, len(dw)), "%s", fmt.Sprintf("%+v, %d processors", c, processors))
}
