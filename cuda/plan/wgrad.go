package plan

import (
	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// WeightGradient adds to dw, dense [K²][x.C][dy.C], the gradient of a product
// (K = 1) or a convolution: sh.H and sh.W are the size of x. The bits are those of
// dw in tensor.Device.LinearBackward and Conv2DBackward.
func (s *Stream) WeightGradient(dw uint64, dy, x Image, sh conv.Shape) {
	taps := sh.K * sh.K
	if x.pixels() == 0 || x.C == 0 || dy.C == 0 {
		return
	}
	plain := sh.K == 1 && sh.Stride == 1 && !sh.Up
	quads := x.quads() && dy.quads() && dw%16 == 0
	g := s.wgrad(x.C, dy.C, taps, plain, quads)
	s.begin()
	s.u64(x.At, dy.At, dw)
	s.u32(x.C, dy.C, x.Pitch, dy.Pitch)
	if g.Conv {
		s.u32(sh.K, sh.Pad(), sh.Stride-1, number(sh.Up), x.N, x.H, x.W, dy.H, dy.W)
	} else {
		s.u32(x.pixels(), dy.C)
	}
	s.launch(g.Name, up(dy.C, g.Tile), up(x.C, g.Tile), taps, g.Threads(), g.Shared())
}

// wgrad is the largest tiling that makes enough blocks: there is no other way to
// have more, for a sum must not be split.
func (s *Stream) wgrad(m, n, taps int, plain, quads bool) *gen.Wgrad {
	var best *gen.Wgrad
	for i := range gen.Wgrads {
		g := &gen.Wgrads[i]
		if g.Any == quads || quads && g.Conv == plain {
			continue
		}
		best = g
		if up(m, g.Tile)*up(n, g.Tile)*taps >= s.Processors {
			break
		}
	}
	return best
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
