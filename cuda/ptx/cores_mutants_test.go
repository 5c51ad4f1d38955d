package ptx

import (
	"fmt"
	"math"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/simd"
	"heavytail/tensor"
)

// tryFlash judges flash attention as TestFlash does.
func tryFlash(g *gpu, k *emu.Kernel, seed int64) error {
	const T = 130
	raw := half(random(T*3*64, 9))
	x := make([]float32, len(raw))
	for i, h := range raw {
		x[i] = tensor.FromBF16(h)
	}
	want, size := attention64(x, 1, T, 1)
	at, l := g.room(len(want)), launch(up(T, 64), 1, 128, gen.FlashShared, seed)
	l.Params = pack(g.t, k, at, g.put(raw), T, 1, 3*64, 64)
	if _, err := k.Run(&g.m, l); err != nil {
		return err
	}
	for i, v := range g.floats(at, len(want)) {
		if !(math.Abs(float64(v)-want[i]) <= 0x1.2p-8*size[i]) {
			return fmt.Errorf("element %d is %v, want %v", i, v, want[i])
		}
	}
	return nil
}

// tryParts is the gradient of a weight on tensor cores, of integers, in several tiles
// of pixels but one part.
func tryParts(tf32 bool) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		c := convCase{2, 9, 11, 8, 16, 3, 1, false, false, 0}
		x, xt := g.whole(c.n, c.h, c.w, c.c, 1)
		dy, dyt := g.whole(c.n, c.h, c.w, c.o, 2)
		want := cpu.New(3, 3, c.c, c.o)
		cpu.Conv2DBackward(nil, want, nil, dyt, xt, cpu.New(3, 3, c.c, c.o), c.opt())
		at := g.room(want.Len())
		return g.compare(k, seed, want, func() []float32 { return g.floats(at, want.Len()) }, func(s *plan.Stream) {
			p, _ := s.Parted(dy, x, c.shape(), tf32)
			from, to := x, dy
			if !tf32 {
				from.At, to.At = g.m.Alloc(2*xt.Len()), g.m.Alloc(2*dyt.Len())
				s.ToBF16(from.At, x)
				s.ToBF16(to.At, dy)
			}
			s.WeightParts(at, to, from, c.shape(), p)
		})
	}
}

func tryTF32(g *gpu, k *emu.Kernel, seed int64) error {
	const M, N, K = 70, 40, 96
	a, b, c := integers(M, N, K)
	want := onCPU(c, M, N)
	y, got := g.space(1, 1, M, N, 0)
	return g.compare(k, seed, want, got, func(s *plan.Stream) {
		s.ConvTF32(y, plan.Rows(g.put(a), M, K, K), g.put(transposed(b, K, N)), 0, plan.Image{}, conv.Shape{K: 1, Stride: 1, H: 1, W: M})
	})
}

func tryToBF16(g *gpu, k *emu.Kernel, seed int64) error {
	const rows, cols = 5, 12
	x := random(rows*cols, 3)
	want := cpu.New(rows, cols)
	for i, v := range x {
		want.Data()[i] = tensor.FromBF16(tensor.ToBF16(v))
	}
	at := g.m.Alloc(2 * rows * cols)
	return g.compare(k, seed, want, func() []float32 { return g.halves(at, rows*cols) }, func(s *plan.Stream) {
		s.ToBF16(at, plan.Rows(g.put(x), rows, cols, cols))
	})
}

func tryTranspose(g *gpu, k *emu.Kernel, seed int64) error {
	const R, C = 37, 70
	x, at := random(R*C, 1), g.room(R*C)
	return g.compare(k, seed, onCPU(transposed(x, R, C), C, R), func() []float32 { return g.floats(at, R*C) }, func(s *plan.Stream) { s.Transpose(at, g.put(x), 1, R, C) })
}

// tryUpSums is an upsampled convolution with the sums of its taps.
func tryUpSums(g *gpu, k *emu.Kernel, seed int64) error {
	c := convCase{1, 3, 2, 5, 17, 3, 1, true, false, 2}
	x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
	ho, wo := c.out()
	w := random(9*c.c*c.o, 2)
	want := cpu.New(c.n, ho, wo, c.o)
	cpu.Conv2D(want, xt, onCPU(w, 3, 3, c.c, c.o), nil, nil, c.opt())
	y, got := g.space(c.n, ho, wo, c.o, 0)
	return g.compare(k, seed, want, got, func(s *plan.Stream) {
		sums := g.room(16 * c.c * c.o)
		s.UpSums(sums, g.put(w), c.c, c.o)
		s.Conv(y, x, sums, 0, plan.Image{}, c.shape())
	})
}

func tryEmbeddingBackward(g *gpu, k *emu.Kernel, seed int64) error {
	const n, classes, cols = 9, 4, 37
	dy, table := random(n*cols, 1), random(classes*cols, 2)
	want := onCPU(table, classes, cols)
	cpu.EmbeddingBackward(want, onCPU(dy, n, cols), ids(n))
	c := g.put(table)
	return attempt(k, g, launch(up(cols, 32), classes, 32, 0, seed), c, want.Data()[:classes*cols], c, g.put(dy), cols, g.put(words32(ids(n))), n, cols)
}

// coreMutants break the kernels of tensor cores that mutants leaves out, those that
// bring weights into another order, and variates.
var coreMutants = []mutant{
	{"barrier before the tile removed", "mma_flash_64", "mma_flash_64", tryFlash, nth("bar.sync 0;", "", 0)},
	{"barrier after the tile removed", "mma_flash_64", "mma_flash_64", tryFlash, nth("bar.sync 0;", "", 1)},
	{"keys past the end counted", "mma_flash_64", "mma_flash_64", tryFlash, each(`0fFF800000;\n`, "0f00000000;\n")},
	{"sum of other largest scores", "mma_flash_64", "mma_flash_64", tryFlash, nth("bfly.b32", "down.b32", 0)},
	{"barrier of the loop removed", "mma_bf16_wgrad", "mma_bf16_wgrad", tryParts(false), nth("bar.sync 0;", "", 1)},
	{"waits for one group less", "mma_bf16_wgrad", "mma_bf16_wgrad", tryParts(false), each("cp.async.wait_group 2;", "cp.async.wait_group 3;")},
	{"barrier of the loop removed", "mma_tf32_wgrad", "mma_tf32_wgrad", tryParts(true), nth("bar.sync 0;", "", 1)},
	{"first wait removed", "mma_tf32_conv", "mma_tf32_conv", tryTF32, nth("cp.async.wait_group 2;", "", 0)},
	{"halves exchanged", "to_bf16", "to_bf16", tryToBF16, each(`cvt\.rn\.bf16x2\.f32 (%r\d+), (%f\d+), (%f\d+);`, "cvt.rn.bf16x2.f32 $1, $3, $2;")},
	{"barrier removed", "transpose", "transpose", tryTranspose, nth("bar.sync 0;", "", 0)},
	{"rows and columns exchanged at the edge", "transpose", "transpose", tryTranspose, each(`setp\.lt\.and\.u32 (%p\d+), (%r\d+), %r1,`, "setp.lt.and.u32 $1, $2, %r0,")},
	{"a tap left out", "up_sums", "up_sums", tryUpSums, nth("add.rn.f32 %f13, %f12, %f2;", "mov.f32 %f13, %f12;", 0)},
	{"gradient of another class", "embedding_backward", "embedding_backward", tryEmbeddingBackward, each(`setp\.ne\.u32`, "setp.eq.u32")},
	{"one coefficient's last bit", "exponential", "exponential", tryLaw(law{"exponential", simd.NoiseExponential, simd.NoiseParams{}, f32()}, 4), each("0f3F317218", "0f3F317219")},
	{"one coefficient's last bit", "symmetric_low", "symmetric_low", tryLaw(symmetric(0.8), 2), each("0f3FB8AA3B", "0f3FB8AA3A")},
	{"one coefficient's last bit", "symmetric_high", "symmetric_high", tryLaw(symmetric(1.7), 2), each("0f3FB8AA3B", "0f3FB8AA3A")},
}
