package simd

import (
	"fmt"
	"unsafe"
)

// A NoiseOp names a family of variates made from Philox words. Every variate
// is a function of the generator and of its index alone.
//
// With w the words of block n, the families that use one word per variate
// (Words, Uniform, Exponential, Normal, Table) give four variates 4n … 4n+3 to a
// block, the others (two words per variate) give two: variate 2n uses w0, w1
// and variate 2n+1 uses w2, w3.
type NoiseOp uint8

// The families. q are the parameters, see NoiseParams; log and pow below stand
// for the polynomials of this package, whose results define the bits.
const (
	// NoiseWords: the words themselves (Uint32s only).
	NoiseWords NoiseOp = iota
	// NoiseUniform: u(w) = fma(w>>1, 2^-31, 2^-32) in [2^-32, 1].
	NoiseUniform
	// NoiseExponential: −ln u(w), with full relative precision at both ends.
	NoiseExponential
	// NoiseNormal: Box and Muller. With v(w) = fma(w mod 2^31, 2^-32, 2^-33),
	// r = √(−2 ln u(w1)): r·cos(πv(w0)) with the sign of bit 0 of w1, then
	// r·sin(πv(w0)) with the sign of bit 31 of w0; the same with w2, w3.
	// Multiplied by Scale.
	NoiseNormal
	// NoiseTable: the polynomials of an OctaveTable.
	NoiseTable
	// NoiseSymmetricLow and NoiseSymmetricHigh: symmetric α-stable variates by
	// Chambers, Mallows and Stuck for α ≤ 1 and 1 < α ≤ 2.
	NoiseSymmetricLow
	NoiseSymmetricHigh
	// NoiseSkewed: α-stable variates with skewness, α ≠ 1, in S1 plus a shift.
	NoiseSkewed
	// NoisePositiveLow and NoisePositiveHigh: Kanter's positive stable law of
	// index a < ½ and a ≥ ½; then its square root and its logarithm.
	NoisePositiveLow
	NoisePositiveHigh
	NoiseRootLow
	NoiseRootHigh
	NoiseLogLow
	NoiseLogHigh
	noiseOps
)

// perBlock is the number of variates that one block of four words gives.
func (op NoiseOp) perBlock() uint64 {
	if op <= NoiseTable {
		return 4
	}
	return 2
}

// NoiseParams are the parameters of the families, in the order in which the
// kernels read them. Unused ones are 0. The formulas are in noise_generic.go and
// noise_stable_generic.go. Names that end in Lo hold what float32 leaves of a
// parameter; pairs are for U > 0 and U < 0.
type NoiseParams struct {
	Scale float32 // Normal: factor
	A     float32 // Positive: min(a, 1−a)
	Expo  float32 // Symmetric, Skewed: (1−α)/α. Positive: (1−a)/a, halved for Root
	Bias  float32 // added to the binary logarithm of the power

	Alpha   float32    // Symmetric, Skewed: α
	AlphaLo float32    // Skewed
	Eps     float32    // 1−α; its amount for SymmetricHigh
	ExpoLo  float32    // Symmetric, Skewed, Positive
	BiasN   float32    // Skewed: whole part of the bias
	K, K1   [2]float32 // Skewed: k = α/2 ± φ and 1−k. Symmetric: α/2 and 1−α/2
	KLo     [2]float32 // Skewed
	Shift   float32    // Skewed: added to the result
	Least   float32    // Symmetric, Skewed: the angle for one that rounds to 0, α·2^-27
	Zero    float32    // Skewed: the size of a result that the shift would make 0

	Table *OctaveTable // Table
}

// noiseGroup is the number of blocks that one step of a kernel takes, and
// noiseChunk the number of words that are made before they are turned into
// variates: 16 KiB.
const (
	noiseGroup = 32
	noiseChunk = 4096
)

// Noise sets dst[i] to variate off+i of the family op of the generator p, so
// that any cut of a range gives the same values. It panics when off+len(dst)
// exceeds what 2^32 blocks hold, and for the family NoiseWords.
func Noise(dst []float32, op NoiseOp, p *Philox, off uint64, q *NoiseParams) {
	if op == NoiseWords || op >= noiseOps || op == NoiseTable && q.Table == nil {
		panic(fmt.Sprintf("simd: Noise: no family %d, or no table", op))
	}
	noiseFill(dst, op, p, off, q)
}

// NoiseOf sets dst to the variates that a generator with the given words would
// give from its block 0 on: for points of a lattice or of a low-discrepancy
// sequence in place of random words, and for tests. It panics unless words holds
// whole blocks of four and dst their variates.
func NoiseOf(dst []float32, op NoiseOp, words []uint32, q *NoiseParams) {
	per := int(op.perBlock())
	if op == NoiseWords || op >= noiseOps || op == NoiseTable && q.Table == nil || len(words)%4 != 0 || len(dst) != len(words)/4*per {
		panic(fmt.Sprintf("simd: NoiseOf: family %d, %d variates of %d words", op, len(dst), len(words)))
	}
	noiseTransform(dst, words, op, q)
}

// Uint32s sets dst[i] to word off+i of the generator p.
func Uint32s(dst []uint32, p *Philox, off uint64) {
	f := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst))
	noiseFill(f, NoiseWords, p, off, &NoiseParams{})
}

// noiseFill makes words and turns them into variates in place, a chunk at a
// time: where a variate takes two words, those of a chunk fill twice its place.
// The ragged ends go through a buffer, and what is left when there is no place
// for the words.
func noiseFill(dst []float32, op NoiseOp, p *Philox, off uint64, q *NoiseParams) {
	per := op.perBlock()
	limit := per << 32
	if off > limit || uint64(len(dst)) > limit-off {
		panic(fmt.Sprintf("simd: Noise: %d variates at offset %d exceed %d", len(dst), off, limit))
	}
	each, size := 4/int(per), int(per*noiseGroup)
	for len(dst) > 0 {
		block, skip := uint32(off/per), int(off%per)
		n := len(dst)
		if op != NoiseWords {
			n = min(n, noiseChunk)
		}
		n = n / each / size * size
		if skip != 0 || n == 0 {
			n = noiseRagged(dst, op, p, block, skip, q)
		} else {
			words := unsafe.Slice((*uint32)(unsafe.Pointer(&dst[:n*each][0])), n*each)
			p.words(words, block, nil)
			noiseTransform(dst[:n], words, op, q)
		}
		dst, off = dst[n:], off+uint64(n)
	}
}

// noiseRagged makes a group, or as much as is needed of it, and copies what of it
// lies in dst; it returns how much that is.
func noiseRagged(dst []float32, op NoiseOp, p *Philox, block uint32, skip int, q *NoiseParams) int {
	var buf [4 * noiseGroup]uint32
	per := int(op.perBlock())
	blocks := min((skip+len(dst)+per-1)/per, noiseGroup)
	if noiseGrouped() {
		blocks = noiseGroup
	}
	words, x := buf[:4*blocks], (*[4 * noiseGroup]float32)(unsafe.Pointer(&buf))[:per*blocks]
	p.words(words, block, nil)
	noiseTransform(x, words, op, q)
	return copy(dst, x[skip:])
}

// noiseTransform turns whole blocks of words into the variates dst, which may
// begin where the words do.
func noiseTransform(dst []float32, words []uint32, op NoiseOp, q *NoiseParams) {
	if op == NoiseWords {
		return // in place
	}
	n := noiseTransformAsm(dst, words, op, q)
	noiseTransformGeneric(dst[n*int(op.perBlock()):], words[4*n:], op, q)
}
