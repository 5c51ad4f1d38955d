package plan

import (
	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// WeightGradient adds to dw, dense [K²][x.C][dy.C], the gradient of a product
// (K = 1) or a convolution: sh.H and sh.W are the size of x, and with sh.Up dy is what
// Boxes made of it. The bits are those of dw in tensor.Device.LinearBackward and
// Conv2DBackward.
func (s *Stream) WeightGradient(dw uint64, dy, x Image, sh conv.Shape) {
	taps := sh.K * sh.K
	if x.pixels() == 0 || x.C == 0 || dy.C == 0 {
		return
	}
	plain := sh.K == 1 && sh.Stride == 1 && !sh.Up
	quads := x.quads() && dy.quads() && dw%16 == 0
	g := s.wgrad(x.C, dy.C, taps, plain, quads)
	if int64(max(x.pixels(), dy.pixels())) > maxOffset { // whose numbers have 32 bits
		s.refuse(g.Name)
		return
	}
	s.begin()
	s.u64(x.At, dy.At, dw)
	s.u32(x.C, dy.C, x.Pitch, dy.Pitch)
	if g.Conv {
		s.geometry(dy, x, sh)
	} else {
		s.u32(x.pixels(), dy.C, 0, 0, 0, 1)
	}
	s.launch(g.Name, up(dy.C, g.BN), up(x.C, g.BM), taps, g.Threads(), g.Shared())
}

// wgrad is the tiling that takes the fewest cycles: a sum must not be split, so that
// smaller tiles are the only way to more blocks.
func (s *Stream) wgrad(m, n, taps int, plain, quads bool) *gen.Wgrad {
	var best *gen.Wgrad
	least := 0
	for i := range gen.Wgrads {
		g := &gen.Wgrads[i]
		if g.Any == quads || quads && g.Conv == plain {
			continue
		}
		if c := s.cycles(g.Cost(), up(m, g.BM)*up(n, g.BN)*taps); best == nil || c < least {
			best, least = g, c
		}
	}
	return best
}

// cycles is how long so many blocks take, for 16 terms of their sums.
func (s *Stream) cycles(c gen.Cost, blocks int) int {
	return c.Cycles(up(blocks, max(s.Processors, 1)))
}

// weights16 and weightsTF32 are gradients of weights on tensor cores.
var weights16, weightsTF32 = &gen.MMAWeights[0], &gen.MMAWeights[1]

// A Parted is how a gradient of a weight on tensor cores is computed: as a number of
// sums of a part of the pixels each, which are to be added.
type Parted struct {
	Parts int
	mma   *gen.MMA
	chunk int // pixels of a part
}

// Parted returns that of the gradient of a weight from dy and x, as WeightGradient
// takes them; ok is false if tensor cores do not take these tensors: channels and
// pitches in multiples of 8, with tf32 of 4. There are as many parts as make two
// rounds of blocks, of 16 tiles at least: nothing promises the order of the sum.
func (s *Stream) Parted(dy, x Image, sh conv.Shape, tf32 bool) (p Parted, ok bool) {
	p.mma = weights16
	channels := 8
	if tf32 {
		p.mma, channels = weightsTF32, 4
	}
	if x.C%channels != 0 || dy.C%channels != 0 || !x.quads() || !dy.quads() || x.pixels() == 0 || dy.pixels() == 0 || x.C == 0 || dy.C == 0 {
		return p, false
	}
	taps, pixels := sh.K*sh.K, min(dy.pixels(), x.pixels()) // with sh.Up a tap sees no more boxes than pixels
	blocks := up(x.C, p.mma.BM) * up(dy.C, p.mma.BN) * taps
	parts := min(up(2*s.Processors, blocks), up(pixels, 16*p.mma.BK), maxParted/max(1, taps*x.C*dy.C), maxY/taps)
	p.chunk = up(up(pixels, max(parts, 1)), p.mma.BK) * p.mma.BK
	p.Parts = up(pixels, p.chunk)
	return p, int64(pixels)+int64(p.chunk) < maxOffset // whose numbers have 32 bits
}

// maxParted bounds the elements of all parts: 64 MiB.
const maxParted = 16 << 20

// WeightParts sets Parts matrices like that of WeightGradient at dst, one after the
// other, whose sum is the gradient. With bfloat16 dy and x are what ToBF16 made of
// the images that Parted was given.
func (s *Stream) WeightParts(dst uint64, dy, x Image, sh conv.Shape, p Parted) {
	s.begin()
	s.u64(x.At, dy.At, dst)
	s.u32(x.C, dy.C, x.Pitch, dy.Pitch, p.chunk)
	s.geometry(dy, x, sh)
	s.launch(p.mma.Name, up(dy.C, p.mma.BN), up(x.C, p.mma.BM), p.Parts*sh.K*sh.K, p.mma.Threads(), p.mma.Shared())
}

// geometry appends what the kernels know of the pixels that a tap sees.
func (s *Stream) geometry(dy, x Image, sh conv.Shape) {
	s.u32(sh.K, sh.Pad(), sh.Stride-1, number(sh.Up), x.N, x.H, x.W, dy.H, dy.W)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
