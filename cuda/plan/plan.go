// Package plan says which kernels a product or a convolution runs: their entries,
// grids and parameters, in order. It knows shapes and addresses only; what runs
// the launches is the device, or in tests the interpreter.
//
// All tensors are float32. Addresses are those of the GPU's memory, of the first
// element; pitches count elements.
package plan

import (
	"encoding/binary"
	"math"

	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// A Launch is one call of a kernel: an entry, which is also the name of its
// module, a grid of blocks of Threads threads, bytes of dynamic shared memory and
// the parameters as PTX lays them out, each at a multiple of its size.
type Launch struct {
	Entry           string
	Grid            [3]uint32
	Threads, Shared int
	Params          []byte
}

// A Stream hands launches to Run, one after the other, in the order in which
// they must run. Params are valid until Run returns. It is for one goroutine at a
// time; in a steady state it allocates nothing.
type Stream struct {
	Run        func(Launch)
	Processors int // of the GPU: as many blocks should run at least
	Cache      int // bytes that pixels and products of Winograd's form may take at a time, to stay in the cache; 0: 32 MiB

	params []byte
	over   bool // a parameter does not fit
	parts  map[conv.Shape][]conv.Part
}

// An Image is N images of H×W pixels with C channels, Pitch elements apart.
// Rows of a matrix are the pixels of one image of one row: see Rows.
type Image struct {
	At         uint64
	N, H, W, C int
	Pitch      int
}

// Rows is a matrix of m rows and c columns.
func Rows(at uint64, m, c, pitch int) Image { return Image{at, 1, 1, m, c, pitch} }

func (m Image) pixels() int { return m.N * m.H * m.W }

// from is the images n and after.
func (m Image) from(n int) Image {
	if m.At != 0 {
		m.At += 4 * uint64(n*m.H*m.W*m.Pitch)
	}
	m.N -= n
	return m
}

// Part is n images from image first on, or as many as there are; of no image it is none.
func (m Image) Part(first, n int) Image {
	m = m.from(first)
	m.N = min(m.N, n)
	return m
}

// quads reports whether the pixels can be read 16 bytes at a time.
func (m Image) quads() bool { return m.At%16 == 0 && m.C%4 == 0 && m.Pitch%4 == 0 }

// pairs reports whether the pixels can be written 8 bytes at a time.
func (m Image) pairs() bool { return m.At%8 == 0 && m.Pitch%2 == 0 }

func (s *Stream) begin() { s.params, s.over = s.params[:0], false }

// u64 and u32 append parameters.
func (s *Stream) u64(v ...uint64) {
	for _, x := range v {
		for len(s.params)%8 != 0 {
			s.params = append(s.params, 0)
		}
		s.params = binary.LittleEndian.AppendUint64(s.params, x)
	}
}

func (s *Stream) u32(v ...int) {
	for _, x := range v {
		s.over = s.over || uint64(x) > math.MaxUint32
		s.params = binary.LittleEndian.AppendUint32(s.params, uint32(x))
	}
}

func (s *Stream) launch(entry string, x, y, z, threads, shared int) {
	switch {
	case s.over || uint64(max(x, y, z)) > math.MaxUint32:
		s.refuse(entry)
	case x > 0 && y > 0 && z > 0:
		s.Run(Launch{entry, [3]uint32{uint32(x), uint32(y), uint32(z)}, threads, shared, s.params})
	}
}

// refuse hands on a launch without parameters on more blocks than there are: of an
// image too large for one, whose numbers or offsets have not 32 bits.
func (s *Stream) refuse(entry string) {
	s.Run(Launch{Entry: entry, Grid: [3]uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32}})
}

// up is ⌈n/d⌉.
func up(n, d int) int { return (n + d - 1) / d }

// maxY is the most blocks of a grid in its second and third dimension; maxOffset
// bounds the elements of what one launch reads or writes, whose offsets have 32
// bits.
const (
	maxY      = 65535
	maxOffset = 1<<32 - 1
)

// most is how many pieces of so many rows and of so many elements one launch may
// have with tiles of height rows: 0 if there are too many in one.
func most(rows, height int, elements ...int) int {
	n := maxY * height / max(rows, 1)
	for _, e := range elements {
		n = int(min(int64(n), maxOffset/int64(max(e, 1)))) // an int may have 32 bits
	}
	return n
}

// sgemm is the product of that name.
func sgemm(name string) *gen.SGEMM {
	for i := range gen.SGEMMs {
		if gen.SGEMMs[i].Name == name {
			return &gen.SGEMMs[i]
		}
	}
	panic("plan: no product " + name)
}

var (
	products           = []*gen.SGEMM{sgemm("sgemm_128x128"), sgemm("sgemm_128x64"), sgemm("sgemm_64x64")}
	convolutions       = []*gen.SGEMM{sgemm("sconv_128x128"), sgemm("sconv_128x64"), sgemm("sconv_64x64")}
	anyWide, anyNarrow = sgemm("sany_64x64"), sgemm("sany_64x32")
)

// tiling is that which takes the fewest cycles for batch matrices of m×n, and how many
// for 16 terms.
func (s *Stream) tiling(m, n, batch int, of []*gen.SGEMM) (best *gen.SGEMM, least int) {
	for _, g := range of {
		if c := s.cycles(g.Cost(), up(m, g.BM)*up(n, g.BN)*batch); best == nil || c < least {
			best, least = g, c
		}
	}
	return best, least
}

// anyTiling is that of the kernels for any sizes.
func anyTiling(n int) *gen.SGEMM {
	if n <= anyNarrow.BN {
		return anyNarrow
	}
	return anyWide
}
