package ptx

import (
	"fmt"
	"math"

	"heavytail/cuda/emu"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/tensor"
)

// tryConv runs a strided convolution of any size through the kernels of k's module.
func tryConv(c convCase) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
		ho, wo := c.out()
		w := random(c.k*c.k*c.c*c.o, 2)
		want := cpu.New(c.n, ho, wo, c.o)
		cpu.Conv2D(want, xt, onCPU(w, c.k, c.k, c.c, c.o), nil, nil, c.opt())
		y, got := g.space(c.n, ho, wo, c.o, c.gap)
		return g.compare(k, seed, want, got, func(s *plan.Stream) { s.Conv(y, x, g.put(w), 0, plan.Image{}, c.shape()) })
	}
}

func tryWeight(g *gpu, k *emu.Kernel, seed int64) error {
	return tryWeightOf(convCase{2, 3, 5, 4, 8, 3, 1, true, false, 0})(g, k, seed)
}

// tryWeightOf runs the gradient of the weight of a convolution.
func tryWeightOf(c convCase) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error { return g.weight(c, k, seed) }
}

func (g *gpu) weight(c convCase, k *emu.Kernel, seed int64) error {
	x, xt := g.image(c.n, c.h, c.w, c.c, 0, 1)
	ho, wo := c.out()
	dy, dyt := g.image(c.n, ho, wo, c.o, 0, 2)
	want := cpu.New(3, 3, c.c, c.o)
	cpu.Conv2DBackward(nil, want, nil, dyt, xt, cpu.New(3, 3, c.c, c.o), c.opt())
	at := g.put(make([]float32, want.Len()))
	return g.compare(k, seed, want, func() []float32 { return g.floats(at, want.Len()) }, func(s *plan.Stream) { s.WeightGradient(at, c.seen(g, s, dy), x, c.shape()) })
}

// tryBoxes sums the boxes of two images.
func tryBoxes(g *gpu, k *emu.Kernel, seed int64) error {
	dy, dyt := g.edged(2, 3, 4, 5, 2, 1)
	want := boxesOf(dyt)
	at := g.room(want.Len())
	return g.compare(k, seed, want, func() []float32 { return g.floats(at, want.Len()) }, func(s *plan.Stream) { s.Boxes(at, dy) })
}

func tryWinograd(g *gpu, k *emu.Kernel, seed int64) error {
	const n, c, o = 14, 32, 4
	x, xt := g.image(1, n, n, c, 0, 1)
	w := random(9*c*o, 2)
	want := cpu.New(1, n, n, o)
	cpu.Conv2D(want, xt, onCPU(w, 3, 3, c, o), nil, nil, tensor.ConvOpt{Normalized: true})
	y, got := g.space(1, n, n, o, 0)
	return g.compare(k, seed, want, got, func(s *plan.Stream) {
		u := g.room(36 * c * o)
		s.WinogradTaps(4, u, g.put(w), c, o, false)
		s.Winograd(4, y, x, u, 0, plan.Image{}, g.room(s.WinogradRoom(4, y, x)))
	})
}

// tryWinogradWeights runs the gradient of a weight of so many images, n by n pixels.
func tryWinogradWeights(images, n int) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		const c, o = 9, 7
		x, xt := g.image(images, n, n, c, 0, 1)
		dy, dyt := g.image(images, n, n, o, 0, 2)
		want, opt := cpu.New(3, 3, c, o), tensor.ConvOpt{Normalized: true}
		m := conv.WinogradWeight(n, n, want, opt)
		cpu.Conv2DBackward(nil, want, nil, dyt, xt, cpu.New(3, 3, c, o), opt)
		at := g.put(make([]float32, want.Len()))
		return g.compare(k, seed, want, func() []float32 { return g.floats(at, want.Len()) }, func(s *plan.Stream) {
			s.WinogradWeights(m, at, dy, x, g.room(s.WinogradWeightsRoom(m, dy, x)))
		})
	}
}

func tryConv16(g *gpu, k *emu.Kernel, seed int64) error {
	c := convCase{1, 9, 8, 32, 8, 3, 1, false, false, 0}
	x, xt := g.whole(1, c.h, c.w, c.c, 1)
	w, wt := g.whole(1, 1, 9*c.c, c.o, 2)
	want := cpu.New(1, c.h, c.w, c.o)
	cpu.Conv2D(want, xt, onCPU(dense(wt), 3, 3, c.c, c.o), nil, nil, c.opt())
	y, got := g.space(1, c.h, c.w, c.o, 0)
	in, taps := x, g.m.Alloc(2*9*c.c*c.o)
	in.At = g.m.Alloc(2 * c.h * c.w * c.c)
	return g.compare(k, seed, want, got, func(s *plan.Stream) {
		s.ToBF16(in.At, x)
		s.ToBF16(taps, w)
		s.Conv16(y, in, taps, 0, plan.Image{}, c.shape())
	})
}

// compare runs a plan with k in place of the kernel of its name. An error is also that k
// waits for banks of shared memory.
func (g *gpu) compare(k *emu.Kernel, seed int64, want *tensor.Tensor, got func() []float32, f func(s *plan.Stream)) (err error) {
	s := g.stream(seed)
	s.Processors = 1
	s.Run = func(l plan.Launch) {
		run := parsed(g.t, l.Entry).Kernels[l.Entry]
		if l.Entry == k.Name {
			run = k
		}
		if err != nil {
			return
		}
		var st *emu.Stats
		st, err = run.Run(&g.m, emu.Launch{Grid: l.Grid, Block: [3]uint32{uint32(l.Threads), 1, 1}, Dynamic: l.Shared, Params: l.Params, Seed: seed, Count: l.Shared > 0})
		if err == nil && len(st.Conflicts) > 0 {
			err = fmt.Errorf("lines wait for banks of shared memory, with so many wavefronts more than needed: %v", st.Conflicts)
		}
	}
	f(s)
	if err != nil {
		return err
	}
	out := got()
	for i, v := range dense(want) {
		if math.Float32bits(v) != math.Float32bits(out[i]) && (v == v || out[i] == out[i]) {
			return fmt.Errorf("element %d is wrong", i)
		}
	}
	return nil
}

// strided is a convolution for the large tiling, uneven one for any sizes.
var (
	strided = convCase{2, 13, 16, 16, 68, 3, 2, false, false, 0}
	uneven  = convCase{1, 7, 5, 5, 33, 3, 2, false, false, 3}
)

// firstWord is which word a thread of sany_* copies first.
const firstWord = `(shr\.u32 (?:%r\d+), (?:%r\d+), 3;\s+and\.b32 %r\d+, %r\d+), 3;`

// convMutants break the kernels of convolutions.
var convMutants = []mutant{
	{"columns of the taps in another field", "sconv_128x128", "sconv_128x128", tryConv(strided), each(`bfe\.s32 (%r\d+), (%r\d+), 16, 8`, "bfe.s32 $1, $2, 24, 8")},
	{"taps outside are read", "sconv_128x128", "sconv_128x128", tryConv(strided), each(`selp\.b32 (%r\d+), 16, 0, `, "selp.b32 $1, 16, 16, ")},
	{"pixels of the lattice side by side", "sconv_128x128", "sconv_128x128", tryConv(strided), each(`ld\.param\.u32 (%r\d+), \[mul\]`, "mov.u32 $1, 1")},
	{"terms beyond the channels", "sany_64x64", "sany_64x64", tryConv(uneven), each(`setp\.lt\.u32 (%p\d+), (%r\d+), 16;`, "setp.lt.u32 $1, $2, 0;")},
	{"barrier removed", "sany_64x64", "sany_64x64", tryConv(uneven), nth("bar.sync 0;", "", 0)},
	{"words in the order of their columns", "sany_64x64", "sany_64x64", tryConv(uneven), each(firstWord, "$1, 0;")},
	{"words in the order of their columns", "wgrad_any", "wgrad_any", tryWeightOf(convCase{2, 3, 5, 5, 7, 3, 1, true, false, 0}), each(`(shr\.u32 %r\d+, %r\d+, 1;\s+and\.b32 %r\d+, %r\d+), 3;`, "$1, 0;")},
	{"halves of odd rows in the order of even ones", "wgrad_taps_32x16", "wgrad_taps_32x16", tryWeight, each(`(and\.b32 %r\d+, %r\d+), 1;(\s+xor)`, "$1, 0;$2")},
	{"word of another place", "sany_64x64", "sany_64x64", tryConv(uneven), each(`(?m)(xor\.b32 %r\d+, %r\d+), 12;$`, "$1, 8;")},
	{"boxes one to the left and above", "wgrad_taps_32x16", "wgrad_taps_32x16", tryWeight, each(`sub\.s32 (%r\d+), 1, (%r\d+);`, "sub.s32 $1, 0, $2;")},
	{"pixels of one image only", "wgrad_taps_32x16", "wgrad_taps_32x16", tryWeight, each(`(mov\.u32 %r\d+, 0;\s+add\.u32 %r\d+, %r\d+), 1;`, "$1, 0;")},
	{"empty view counted", "wgrad_taps_32x16", "wgrad_taps_32x16", tryWeightOf(convCase{2, 1, 3, 4, 8, 3, 1, false, false, 0}), each(`(sub\.s32 %r\d+, %r\d+, %r\d+;\s+max\.s32 %r\d+, %r\d+), 0;`, "$1, 1;")},
	{"0 outside, not −0", "boxes", "boxes", tryBoxes, each("0f80000000", "0f00000000")},
	{"a row below the last", "boxes", "boxes", tryBoxes, nth("setp.lt.u32", "setp.le.u32", 0)},
	{"a column behind the last", "boxes", "boxes", tryBoxes, nth("setp.lt.u32", "setp.le.u32", 1)},
	{"the first row twice", "boxes", "boxes", tryBoxes, nth("setp.ne.u32", "setp.ge.u32", 0)},
	{"one image for all", "boxes", "boxes", tryBoxes, each(`mov\.u32 (%r\d+), %ctaid\.y;`, "mov.u32 $1, 0;")},
	{"taps outside are read", "mma_bf16_conv", "mma_bf16_conv", tryConv16, each(`selp\.b32 (%r\d+), 16, 0, `, "selp.b32 $1, 16, 16, ")},
	{"a tap twice", "mma_bf16_conv", "mma_bf16_conv", tryConv16, each(`ld\.param\.u32 (%r\d+), \[t5\]`, "ld.param.u32 $1, [t4]")},
	{"barrier of the loop removed", "mma_bf16_conv", "mma_bf16_conv", tryConv16, nth("bar.sync 0;", "", 1)},
	{"a constant's last bit", "wino4_in", "wino4_in", tryWinograd, each("0f3F300000", "0f3F300001")},
	{"a constant's last bit", "wino4_taps", "wino4_taps", tryWinograd, each("0f3F300000", "0f3F300001")},
	{"pixels outside are read", "wino4_in", "wino4_in", tryWinograd, nth("setp.lt.and.u32", "setp.le.and.u32", 4)},
	{"outputs beyond the image", "wino4_out", "wino4_out", tryWinograd, each(`setp\.lt\.and\.u32`, "setp.le.and.u32")},
	{"a constant's last bit", "wino4_grad", "wino4_grad", tryWinogradWeights(1, 14), each("0f3F300000", "0f3F300001")},
	{"outputs beyond the image", "wino4_grad", "wino4_grad", tryWinogradWeights(1, 14), each(`setp\.lt\.and\.u32`, "setp.le.and.u32")},
	{"channels beyond the last", "wino2_grad", "wino2_grad", tryWinogradWeights(1, 7), nth("setp.lt.u32", "setp.le.u32", 0)},
	{"barrier removed", "wino4_sum", "wino4_sum", tryWinogradWeights(2, 14), nth("bar.sync 0;", "", 0)},
	{"one stage for all", "wino2_sum", "wino2_sum", tryWinogradWeights(10, 6), each(`mov\.u32 (%r\d+), 10368;`, "mov.u32 $1, 0;")},
	{"an image too few", "wino2_sum", "wino2_sum", tryWinogradWeights(10, 6), each(`setp\.le\.u32 (%p\d+), (%r\d+), 9;`, "setp.le.u32 $1, $2, 10;")},
	{"rows of O columns", "wino2_sum", "wino2_sum", tryWinogradWeights(1, 6), each(`setp\.lt\.and\.u32 (%p\d+), %r\d+, (%r\d+), `, "setp.le.and.u32 $1, $2, $2, ")},
	{"a constant's last bit", "wino4_sum", "wino4_sum", tryWinogradWeights(1, 14), each(`mul\.rn\.f32 (%f\d+), (0f\w+), (%f\d+);`, "fma.rn.f32 $1, $2, $3, 0f33000000;")},
	{"sums go on from what was there", "wgrad_32x16", "wgrad_32x16", tryWinogradWeights(1, 6), each(`setp\.eq\.u32 (%p\d+), (%r\d+), 0;(\s+@%p\d+ bra ZERO)`, "setp.ne.u32 $1, $2, 0;$3")},
	{"the batch's matrices in one place", "wgrad_32x16", "wgrad_32x16", tryWinogradWeights(1, 6), each(`mov\.u32 (%r\d+), %ctaid\.z;`, "mov.u32 $1, 0;")},
	{"a term too much", "wino4_out", "wino4_out", tryWinograd, each(`mul\.rn\.f32 (%f\d+), (0f\w+), (%f\d+);`, "fma.rn.f32 $1, $2, $3, 0f33000000;")},
}
