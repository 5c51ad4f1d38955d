package plan

import (
	"math"

	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// The convolutions and products here round their operands to bfloat16 and add in
// the order of the hardware: they promise no bits. An operand is rounded by at most
// 2⁻⁸ of itself, so a sum of terms a·b is within 2⁻⁷·Σ|a·b| of the exact one, and
// what its float32 additions lose.

// product16 and conv16 are the kernels by their width.
var (
	product16 = map[bool]*gen.MMA{false: mma("mma_bf16_nn"), true: mma("mma_bf16_nn_big")}
	conv16    = map[bool]*gen.MMA{false: mma("mma_bf16_conv"), true: mma("mma_bf16_conv_big")}
)

func mma(name string) *gen.MMA {
	for i := range gen.MMAs {
		if gen.MMAs[i].Name == name {
			return &gen.MMAs[i]
		}
	}
	panic("plan: no product " + name)
}

// Halves reports whether Conv16 and Product16 take these tensors: channels read in
// multiples of 32, channels written in multiples of 8, and even pitches.
func Halves(y, x, res Image) bool {
	return x.C%32 == 0 && x.quads() && y.C%8 == 0 && y.pairs() && res.pairs()
}

// ToBF16 rounds x to bfloat16: dst gets its pixels without gaps. x is as Halves
// wants it, or a dense matrix of so many elements.
func (s *Stream) ToBF16(dst uint64, x Image) {
	m, groups := x.pixels(), x.C/4
	if m == 0 || groups == 0 {
		return
	}
	all, each := Rows(x.At, m, x.C, x.Pitch), math.MaxInt32/groups // rows of a launch, whose threads have numbers of 32 bits
	for row := 0; row < m; row += each {
		count := min(each, m-row) * groups
		s.begin()
		s.u64(dst+8*uint64(row)*uint64(groups), all.row(row).At)
		s.u32(x.Pitch, groups, count)
		s.launch("to_bf16", up(count, 256), 1, 1, 256, 0)
	}
}

// wide reports whether the wider tiling, which reads less of the second-level
// cache, has enough outputs and makes enough blocks.
func (s *Stream) wide(m, n int, g *gen.MMA) bool {
	return n%g.BN == 0 && up(m, g.BM)*(n/g.BN) >= s.Processors
}

// Product16 sets the rows y = x·w + bias on tensor cores: x is dense bfloat16, w K×N
// bfloat16 with rows ldw apart, K a multiple of 32, ldw of 8.
func (s *Stream) Product16(y Image, x uint64, k int, w uint64, ldw int, bias uint64) {
	m := y.pixels()
	g := product16[s.wide(m, y.C, product16[true])]
	for row, each := 0, most(1, g.BM); row < m; row += each {
		rows := min(m-row, each)
		s.begin()
		s.u64(x+2*uint64(row)*uint64(k), w, y.row(row).At, bias)
		s.u32(rows, y.C, k, k, ldw, y.Pitch)
		s.launch(g.Name, up(y.C, g.BN), up(rows, g.BM), 1, g.Threads(), g.Shared())
	}
}

// Pixels is a matrix as m images of one pixel, which convolutions with K = 1 take in
// pieces.
func Pixels(m Image) Image {
	m.N, m.H, m.W = m.pixels(), 1, 1
	return m
}

// Conv16 is Conv on tensor cores. x.At is that of the bfloat16 pixels that ToBF16
// made, x.Pitch their channels, and w holds bfloat16 matrices; y, bias and res are
// float32. See Halves.
func (s *Stream) Conv16(y, x Image, w, bias uint64, res Image, sh conv.Shape) {
	for _, p := range s.partsOf(sh) {
		g := conv16[s.wide(y.N*p.H*p.W, y.C, conv16[true])]
		s.cores(g, y, x, w, y.C, bias, res, p)
	}
}

var convTF32 = mma("mma_tf32_conv")

// TF32 reports whether ConvTF32 takes these tensors: channels read in multiples of
// 16, an even number written, and even pitches.
func TF32(y, x, res Image) bool {
	return x.C%16 == 0 && x.quads() && y.C%2 == 0 && y.pairs() && res.pairs()
}

// ConvTF32 is Conv on tensor cores, which read of float32 the upper 10 bits of
// fraction: a sum of terms a·b is within 2⁻⁹·Σ|a·b| of the exact one, and what its
// float32 additions lose. The matrices at w are the transposes of those of Conv. A
// product is a convolution with K = 1. See TF32.
func (s *Stream) ConvTF32(y, x Image, w, bias uint64, res Image, sh conv.Shape) {
	for _, p := range s.partsOf(sh) {
		s.cores(convTF32, y, x, w, x.C, bias, res, p)
	}
}

// cores computes a part with g; ldw is the pitch of the matrices at w.
func (s *Stream) cores(g *gen.MMA, y, x Image, w uint64, ldw int, bias uint64, res Image, p conv.Part) {
	if len(p.Taps) == 0 { // pixels that no output sees
		s.direct(y, x, w, bias, res, p)
		return
	}
	size := 2
	if g.TF32 {
		size = 4
	}
	pixels, each := p.H*p.W, imagesOf(p, g.BM, y, x, res)
	if each == 0 {
		s.refuse(g.Name)
		return
	}
	for n := 0; n < y.N && pixels > 0; n += each {
		m := min(each, y.N-n) * pixels
		out, r := y.from(n), res.from(n)
		s.begin()
		s.u64(x.At+uint64(size*n*x.H*x.W*x.Pitch), w, out.At, bias)
		s.u32(m, y.C, x.C, x.Pitch, ldw, y.Pitch)
		s.u64(r.At)
		s.u32(r.Pitch)
		s.table(p, y)
		s.launch(g.Name, up(y.C, g.BN), up(m, g.BM), 1, g.Threads(), g.Shared())
	}
}
