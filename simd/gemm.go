package simd

import (
	"fmt"

	"heavytail/internal/isa"
)

// TileRows and TileCols are the largest tile of a product: its accumulators
// fill the vector registers of AVX-512.
const (
	TileRows = 12
	TileCols = 32
)

// Tiles is a run of N tiles of one matrix product with indirect rows. It is
// the only product kernel: matrix multiplication, convolution in all three
// directions and attention are tables for it.
//
// Tile n computes, for its rows i < Rows and columns j < Cols,
//
//	acc[j] = C[c+j] if Acc, else 0, c = n·CInc + COff[n·CStep+i]
//	for s in 0…Segs−1, for k in 0…K−1:
//	    acc[j] = fma(A[a + k·KA], B[n·BInc + BOff[s] + k·KB + j], acc[j]),
//	    a = n·AInc + AOff[n·AStep + 12·s + i]
//	if Bias: acc[j] += Bias[j]
//	if Res:  acc[j] += Res[r+j], r = n·RInc + ROff[n·RStep+i]
//	C[c+j] = acc[j]
//
// so every output is one chain of fused multiply-adds in ascending order of
// (s, k). A negative entry of AOff reads Zero[k·KA] instead of A: that is how
// a convolution sees pixels outside the image. All offsets and strides count
// float32.
//
// A tile with fewer valid rows repeats the last valid row in its tables;
// repeated rows must be neighbours. Res may be C with ROff = COff.
type Tiles struct {
	A, B, C, Bias, Res, Zero []float32
	AOff, BOff, COff, ROff   []int32

	N    int // tiles
	Rows int // rows of a tile: 4, 8 or 12
	Cols int // columns, 1…32
	Segs int // segments; 0 leaves an empty sum
	K    int // terms of a segment, at least 1
	KA   int // distance of consecutive k in A, at least 1
	KB   int // distance of consecutive k in B

	AStep, CStep, RStep int // advance per tile in AOff, COff, ROff
	AInc, CInc, RInc    int // advance per tile in A, C, Res
	BInc                int // and in B

	Acc    bool // start from C instead of zero
	Packed bool // rows of B have 32 columns whatever Cols, and KB is 32
	Beside bool // in every tile and segment entry i of AOff is that of row 0 plus i
	Loose  bool // columns of C beyond Cols, up to a multiple of 16, may change: Packed without Bias and Res

	// Next is fetched into the second-level cache meanwhile, 16 float32 with every four
	// terms of a segment of a tile, where Packed and KA is 1, and changes nothing: what
	// the following tiles will read as B, which would wait for memory. Soon fetches 64
	// where Rows is 8, for so few tiles that all of them wait, and 48 where it is 12, with
	// AVX-512, whose tiles without it ask for the other lines again, 3 loads beside 168 or
	// 2 beside 256; with AVX2 16 in each of the parts that tiles are computed in.
	Next []float32
	Soon bool

	// Far says that no near cache has A, C and Res. With AVX-512 it fetches rows of C and
	// Res when a tile of them begins and, where A is tile after tile of 12 whole rows of
	// one segment, those of the next tile in place of Next.
	Far bool
}

// Run computes the tiles. It panics if the sizes are impossible; the tables
// are trusted to stay inside the slices.
func (t *Tiles) Run() {
	t.check()
	if t.N > 0 {
		runTiles(t)
	}
}

// check panics where Run does.
func (t *Tiles) check() {
	if t.Rows != 4 && t.Rows != 8 && t.Rows != 12 || t.Cols < 1 || t.Cols > TileCols ||
		t.Segs < 0 || t.Segs > 0 && (t.K < 1 || t.KA < 1) || len(t.BOff) < t.Segs || t.Packed && t.KB != TileCols ||
		t.Loose && (!t.Packed || t.Bias != nil || t.Res != nil) {
		panic(fmt.Sprintf("simd: Tiles: rows %d, cols %d, segs %d, k %d, ka %d, kb %d, packed %v, %d entries of BOff",
			t.Rows, t.Cols, t.Segs, t.K, t.KA, t.KB, t.Packed, len(t.BOff)))
	}
	if t.N <= 0 {
		return
	}
	if last := (t.N - 1) * t.CStep; len(t.COff) < last+t.Rows ||
		t.Segs > 0 && len(t.AOff) < (t.N-1)*t.AStep+(t.Segs-1)*TileRows+t.Rows ||
		t.Res != nil && len(t.ROff) < (t.N-1)*t.RStep+t.Rows || t.Bias != nil && len(t.Bias) < t.Cols {
		panic(fmt.Sprintf("simd: Tiles: %d tiles of %d rows, %d segs: tables of %d, %d, %d, bias of %d",
			t.N, t.Rows, t.Segs, len(t.AOff), len(t.COff), len(t.ROff), len(t.Bias)))
	}
}

// Fetched returns how many float32 of a long Next a Run fetches at the current level,
// where that fetches at all and Far, which may take its place, is not set.
func (t *Tiles) Fetched() int {
	n := 16 * t.lines()
	switch l := isa.Cur(); {
	case !t.Soon:
	case l == isa.AVX2: // every part of the tiles fetches
		n *= t.Rows / partRows(t.Rows) * ((t.Cols + 15) / 16)
	case l == isa.AVX512 && t.Rows == 8:
		n *= 4
	case l == isa.AVX512 && t.Rows == 12:
		n *= 3
	}
	return n
}

// partRows returns how many rows of so tall tiles AVX2 computes at a time.
func partRows(rows int) int {
	if rows == 12 {
		return 6
	}
	return 4
}

// lines returns how many times four terms of a segment of a tile are added.
func (t *Tiles) lines() int { return t.N * t.Segs * (t.K / 4) }

// PeakFlops executes independent multiply-adds of the current level for the
// caller to time and returns how many floating-point operations they were, a
// multiply-add counting two. iters is the length of the loop, at least 1.
func PeakFlops(iters int) (flops float64) {
	iters = max(1, iters)
	return 2 * 16 * float64(iters) * float64(peak(iters))
}
