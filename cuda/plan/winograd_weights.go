package plan

import (
	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// A winoGroup is what a gradient of taps in Winograd's form has in work at a time: whole
// images, or of one image some tiles.
type winoGroup struct{ images, tiles int }

// leastTiles is how many tiles of an image are in work at least.
const leastTiles = 256

// winoGroup is as much as fits into the cache beside the products, in groups that are
// alike.
func (s *Stream) winoGroup(m int, dy, x Image) winoGroup {
	points, each := gen.Winograd(m).Points(), conv.Tiles(x.H, x.W, m)
	c, o := roundUp(x.C), roundUp(dy.C)
	fit := s.cache() / 4 / points
	image := int64(each)*int64(c+o) + int64(c)*int64(o) // an int may have 32 bits
	if n := int(min(int64(fit)/image, int64(min(x.N, maxY/points)))); n > 0 {
		return winoGroup{up(x.N, up(x.N, n)), each}
	}
	parts := up(each, max(leastTiles, (fit-c*o)/(c+o)))
	return winoGroup{1, up(each, parts)}
}

// WinogradWeightsRoom returns how many float32 WinogradWeights needs at room for images
// like these: those of the products of one image, and what fits beside them into Cache
// bytes, or of tiles the least number.
func (s *Stream) WinogradWeightsRoom(m int, dy, x Image) int {
	if x.pixels() == 0 || x.C == 0 || dy.C == 0 {
		return 0
	}
	g := s.winoGroup(m, dy, x)
	c, o := roundUp(x.C), roundUp(dy.C)
	return gen.Winograd(m).Points() * g.images * (g.tiles*(c+o) + c*o)
}

// WinogradWeights adds to dw, dense [9][x.C][dy.C], the gradient of the taps in form m:
// of each image, the images ascending, Gᵀ·U·G with U = Σ V·D at each point, tiles
// ascending. room is for WinogradWeightsRoom float32. Channels of V and D come in
// multiples of four, the last ones zeros.
func (s *Stream) WinogradWeights(m int, dw uint64, dy, x Image, room uint64) {
	if x.pixels() == 0 || x.C == 0 || dy.C == 0 {
		return
	}
	g, f, each := s.winoGroup(m, dy, x), gen.Winograd(m), conv.Tiles(x.H, x.W, m)
	c, o := roundUp(x.C), roundUp(dy.C)
	for n := 0; n < x.N; n += g.images {
		images := min(g.images, x.N-n)
		z := images * f.Points()
		v := room + 4*uint64(z*c*o)
		for first := 0; first < each; first += g.tiles {
			tiles := min(g.tiles, each-first)
			d := v + 4*uint64(z*tiles*c)
			s.tiles(m, v, x.from(n), x, images*tiles, first, c)
			s.launch(f.Names().In, up(images*tiles*c, 256), 1, 1, 256, 0)
			s.tiles(m, d, dy.from(n), x, images*tiles, first, o)
			s.launch(f.Names().Grad, up(images*tiles*o, 256), 1, 1, 256, 0)
			s.outer(room, Rows(d, tiles, o, o), Rows(v, tiles, c, c), Batch{z, tiles * c, tiles * o, c * o}, first > 0)
		}
		s.begin()
		s.u64(dw, room)
		s.u32(images, x.C, dy.C, c*o, o)
		s.launch(f.Names().Sum, up(x.C*o, 32), 1, 1, gen.WinoSumThreads, 0)
	}
}

// outer sets a batch of matrices at u to the products of x, transposed, and dy, or with
// acc adds these.
func (s *Stream) outer(u uint64, dy, x Image, z Batch, acc bool) {
	g := s.wgrad(x.C, dy.C, z.N, true, true)
	s.begin()
	s.u64(x.At, dy.At, u)
	s.u32(x.C, dy.C, x.Pitch, dy.Pitch, x.W, dy.C, z.A, z.B, z.C, number(acc))
	s.launch(g.Name, up(dy.C, g.BN), up(x.C, g.BM), z.N, g.Threads(), g.Shared())
}
