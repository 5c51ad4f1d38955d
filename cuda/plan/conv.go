package plan

import (
	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// A Batch is several products at once: A, B and C of the next one lie so many
// elements on.
type Batch struct{ N, A, B, C int }

// Product sets y = x·w + bias + res: x has K channels, w is K×N with rows ldw
// apart, y and res have N channels; bias 0 and res.At 0 add nothing. The bits are
// those of tensor.Device.Linear, and of Conv2D with k = 1.
func (s *Stream) Product(y, x Image, w uint64, ldw int, bias uint64, res Image, z Batch) {
	z.N = max(z.N, 1)
	m, n := y.pixels(), y.C
	if m == 0 || n == 0 {
		return
	}
	quads := x.quads() && y.quads() && w%16 == 0 && ldw%4 == 0 && bias%16 == 0 && (res.At == 0 || res.quads()) && (z.A|z.B|z.C)%4 == 0
	g, _ := s.tiling(m, n, z.N, products)
	if !quads {
		g = anyTiling(n)
	}
	each := most(1, g.BM, x.Pitch, y.Pitch, res.Pitch) // rows of a launch
	if each == 0 {
		s.refuse(g.Name)
		return
	}
	for row := 0; row < m; row += each {
		rows := min(m-row, each)
		a, c, r := Rows(x.At, m, x.C, x.Pitch), Rows(y.At, m, n, y.Pitch), Rows(res.At, m, n, res.Pitch)
		s.product(g, c.row(row), a.row(row), w, ldw, bias, r.row(row), rows, z)
		if g.Conv {
			s.u32(1, 1, rows, 1, rows, 1, 1, 0, 0, 1, rows) // one tap, which sees the row itself
			s.taps(nil)
		} else {
			s.u32(0)
		}
		s.launch(g.Name, up(n, g.BN), up(rows, g.BM), z.N, g.Threads(), g.Shared())
	}
}

// row is the matrix from row r on.
func (m Image) row(r int) Image {
	if m.At != 0 {
		m.At += 4 * uint64(r*m.Pitch)
	}
	return m
}

// product begins the parameters that all products have.
func (s *Stream) product(g *gen.SGEMM, y, x Image, w uint64, ldw int, bias uint64, res Image, rows int, z Batch) {
	s.begin()
	s.u64(x.At, w, y.At, bias, res.At)
	s.u32(rows, y.C, x.C, x.Pitch, ldw, y.Pitch, res.Pitch, z.A, z.B, z.C)
}

// table appends what the kernels of convolutions know of a part.
func (s *Stream) table(p conv.Part, y Image) {
	mul := 1
	if len(p.Taps) > 0 {
		mul = p.Taps[0].Mul
	}
	s.u32(len(p.Taps), p.ReadH, p.ReadW, p.H, p.W, mul, p.Step, p.Y, p.X, y.H, y.W)
	s.taps(p.Taps)
}

// taps appends the table of taps.
func (s *Stream) taps(taps []conv.Tap) {
	var t [gen.MaxTaps]int
	for i, p := range taps {
		t[i] = p.Mat | p.Y&255<<8 | p.X&255<<16
	}
	s.u32(t[:]...)
}

// shapesKept bounds the geometries that a stream remembers; a U-Net has about 30.
const shapesKept = 256

func (s *Stream) partsOf(sh conv.Shape) []conv.Part {
	p, ok := s.parts[sh]
	if !ok {
		if s.parts == nil || len(s.parts) >= shapesKept {
			s.parts = map[conv.Shape][]conv.Part{}
		}
		p = sh.Parts()
		s.parts[sh] = p
	}
	return p
}

// Conv sets y to the direct form of a convolution of x + bias + res: sh.H and
// sh.W are those of x. w holds sh.Mats() matrices of x.C×y.C: the weight as it is,
// or for an upsampled 3×3 one what UpSums makes. With sh.Back y is dx, sh.H and
// sh.W are its size, x is dy, or with sh.Up what Boxes makes of it, and w holds the
// transposes of the weight's matrices.
func (s *Stream) Conv(y, x Image, w, bias uint64, res Image, sh conv.Shape) {
	if y.pixels() == 0 || y.C == 0 {
		return
	}
	for _, p := range s.partsOf(sh) {
		s.direct(y, x, w, bias, res, p)
	}
}

// direct computes one part.
func (s *Stream) direct(y, x Image, w, bias uint64, res Image, p conv.Part) {
	quads := x.C%16 == 0 && x.quads() && y.quads() && w%16 == 0 && bias%16 == 0 && (res.At == 0 || res.quads())
	pixels := p.H * p.W
	g, _ := s.tiling(y.N*pixels, y.C, 1, convolutions)
	if !quads {
		g = anyTiling(y.C)
	}
	each := imagesOf(p, g.BM, y, x, res)
	if each == 0 {
		s.refuse(g.Name)
		return
	}
	for n := 0; n < y.N && pixels > 0; n += each {
		images := min(each, y.N-n)
		s.product(g, y.from(n), x.from(n), w, y.C, bias, res.from(n), images*pixels, Batch{})
		s.table(p, y)
		s.launch(g.Name, up(y.C, g.BN), up(images*pixels, g.BM), 1, g.Threads(), g.Shared())
	}
}

// imagesOf is how many images one launch may have.
func imagesOf(p conv.Part, height int, y, x, res Image) int {
	return most(p.H*p.W, height, x.H*x.W*x.Pitch, y.H*y.W*y.Pitch, y.H*y.W*res.Pitch)
}

// UpSums sets the 16 matrices of c×o at dst from the nine taps at w: the weight
// that Conv takes for an upsampled 3×3 convolution.
func (s *Stream) UpSums(dst, w uint64, c, o int) {
	s.begin()
	s.u64(dst, w)
	s.u32(c * o)
	s.launch("up_sums", up(c*o, 256), 1, 1, 256, 0)
}

// Boxes sets an image at t, of BoxesOf's size, to the sums of dy over boxes of 2×2
// pixels, and returns it: what gradients of an upsampled convolution read.
func (s *Stream) Boxes(t uint64, dy Image) Image {
	m := BoxesOf(dy)
	m.At = t
	count := m.H * m.W * m.C
	for n := 0; n < m.N; n += maxY {
		s.begin()
		s.u64(m.from(n).At, dy.from(n).At)
		s.u32(count, m.H, m.W, m.C, dy.Pitch)
		s.launch("boxes", up(count, 256), min(maxY, m.N-n), 1, 256, 0)
	}
	return m
}

// BoxesOf is the size of what Boxes makes of dy, without gaps.
func BoxesOf(dy Image) Image {
	return Image{N: dy.N, H: dy.H + 1, W: dy.W + 1, C: dy.C, Pitch: dy.C}
}

// BoxImages is how many images of dy, of which there are some, Boxes should take at a
// time: as many as have sums of Cache bytes, one at least, in groups that are alike.
func (s *Stream) BoxImages(dy Image) int {
	m := BoxesOf(dy)
	fit := int64(s.cache()/4) / max(1, int64(m.H)*int64(m.W)*int64(m.C)) // an int may have 32 bits
	return up(dy.N, up(dy.N, int(max(1, min(fit, int64(dy.N))))))
}

// Elements is how many elements an image without gaps has.
func (m Image) Elements() int { return m.pixels() * m.C }

// Transpose sets the matrices of c×r at dst to the transposes of those of r×c at
// x, one after the other: the weights that gradients at x take.
func (s *Stream) Transpose(dst, x uint64, matrices, r, c int) {
	s.begin()
	s.u64(dst, x)
	s.u32(r, c)
	s.launch("transpose", up(c, 32), up(r, 32), matrices, 256, 0)
}
