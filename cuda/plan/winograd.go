package plan

import (
	"math"

	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// defaultCache is Stream.Cache if that is 0: two thirds of the second-level cache
// of an H100.
const defaultCache = 32 << 20

// WinogradTaps sets the points of form m at u, [points][k][n], to the transform of the
// taps w [9][k][n]. With flip the taps are taken in reverse order, and w holds
// the transposes of the weight's matrices: what gradients at x take.
func (s *Stream) WinogradTaps(m int, u, w uint64, k, n int, flip bool) {
	s.begin()
	s.u64(u, w)
	s.u32(k*n, number(flip))
	s.launch(gen.Winograd(m).Names().Taps, up(k*n, 256), 1, 1, 256, 0)
}

// WinogradRoom returns how many float32 Winograd needs at room for images like
// these: at most Cache bytes, unless the tiles of one block of products take more.
func (s *Stream) WinogradRoom(m int, y, x Image) int {
	return s.winoChunk(m, y, x) * gen.Winograd(m).Points() * (roundUp(x.C) + y.C)
}

// cache is Cache, or what it is by default.
func (s *Stream) cache() int {
	if s.Cache == 0 {
		return defaultCache
	}
	return s.Cache
}

// winoChunk is how many tiles are in work at a time: of the numbers that fit into the
// cache, that of which the product takes the fewest cycles for each.
func (s *Stream) winoChunk(m int, y, x Image) int {
	points, step := gen.Winograd(m).Points(), products[0].BM
	fit := s.cache() / 4 / (points * (roundUp(x.C) + y.C)) / step
	best, least := 1, math.Inf(1)
	for n := 1; n <= fit; n++ {
		if _, c := s.tiling(n*step, y.C, points, products); float64(c)/float64(n) <= least {
			best, least = n, float64(c)/float64(n)
		}
	}
	return min(x.N*conv.Tiles(x.H, x.W, m), best*step)
}

// roundUp is the next multiple of 4, where the products begin on 16 bytes.
func roundUp(n int) int { return (n + 3) &^ 3 }

// Winograd sets y to the convolution of x in the form m that conv.Winograd chose,
// + bias + res: u is what WinogradTaps made, room is for WinogradRoom float32. In
// conv.Up y has twice the rows and columns of x, by which the tiles are counted.
// Gradients at x are the same with dx for y and dy for x, but not in conv.Up.
func (s *Stream) Winograd(m int, y, x Image, u, bias uint64, res Image, room uint64) {
	f := gen.Winograd(m)
	all, chunk := x.N*conv.Tiles(x.H, x.W, m), s.winoChunk(m, y, x)
	for first := 0; first < all; first += chunk {
		tiles := min(chunk, all-first)
		prods := room + 4*uint64(tiles*f.Points()*roundUp(x.C))
		s.tiles(m, room, x, x, tiles, first, x.C)
		s.launch(f.Names().In, up(tiles*x.C, 256), 1, 1, 256, 0)
		s.Product(Rows(prods, tiles, y.C, y.C), Rows(room, tiles, x.C, x.C), u, y.C, 0, Image{},
			Batch{f.Points(), tiles * x.C, x.C * y.C, tiles * y.C})
		s.tiles(m, prods, y, x, tiles, first, y.C)
		s.u64(bias, res.At)
		s.u32(res.Pitch)
		s.launch(f.Names().Out, up(tiles*y.C, 256), 1, 1, 256, 0)
	}
}

// tiles begins the parameters of a kernel that goes over tiles of images from first on,
// whose points at an address have cols columns; x are the pixels by which tiles are
// counted.
func (s *Stream) tiles(m int, at uint64, of, x Image, tiles, first, cols int) {
	s.begin()
	s.u64(at, of.At)
	s.u32(tiles, first, of.H, of.W, conv.Along(x.W, m), conv.Tiles(x.H, x.W, m), of.C, of.Pitch, cols)
}
