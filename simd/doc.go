// Package simd promises nothing to other modules: it changes with any version, and is
// exported because this module's generators and tests are elsewhere. Use tensor and
// kernels, or stable for random numbers.
//
// It holds the vector kernels: loops over []float32 in Go, and the same loops in
// assembly for AVX2, AVX-512 and NEON, with the same bits.
//
// # One result
//
// A kernel has one defined result, written as the Go function <name>Generic.
// Every assembly level gives its bits: the tests compare for equality. That
// fixes, for every kernel, the order of its additions and where it fuses a
// multiplication with an addition (FMA: rounded once). There are five orders.
//
// Chain: an output that sums over k (products, convolutions, attention, sums
// over rows or pixels) is one chain in ascending k,
//
//	s = fma(a[k], b[k], s)
//
// and vectors run across outputs. A chain starts at zero or, where gradients
// accumulate, at what the output held, so two batches of 8 give the bits of
// one of 16. A bias and then a residual are added after the last term. See
// Tiles.
//
// Winograd: a 3×3 convolution whose input is normalised may take a form with
// fewer multiplications, F(4×4, 3×3) or F(2×2, 3×3) of Wino. Tiles of m×m
// outputs start at the image's origin; pixels outside the image are zero, and
// outputs beyond it are left out. Pixels, taps and products go through
// transforms of listed operations (wino_generic.go), down the columns and then
// along the rows; each of the (m+2)² products of a tile is a chain over the
// channels ascending, from zero; bias and then residual are added last. The
// taps are transformed in float32: the coefficients of G are exact, and the
// measured error is that of a transform in float64. Which form a convolution
// takes is a function of its options, H, W and channels (internal/conv), never of
// batch, threads or level.
//
// The error against float64 of a result, of dw and, for the gradients that networks have,
// of dx is bounded for every layer of the networks of package nn: its root mean square at
// most 2 times that of the direct form, the largest at most 3 times. The tests
// TestWinogradErrors, TestWinogradInputErrors and TestWinogradWeightErrors of package
// kernels take the shapes from the networks, TestFormErrorsInNets of package nn the numbers
// too. Where the channels are just enough for F(4×4), 32 from 14×14 pixels on and 64 at 8×8,
// dx of normal numbers, neighbours alike, is at 1.9 to 2.1 times; other shapes, which no network
// here has, are not held to the bound.
//
// A convolution that doubles its image first may take the form of WinoUp, whether its
// input is normalised or not. Tiles lie around the pixels (2i, 2j) and give the outputs
// from (4i−1, 4j−1) to (4i+2, 4j+2), those of them that there are. Its transforms, its
// chains, one for each of the 25 points, and what is added last are as above, but instead
// of a transform the taps have sums in float32, ascending, down the columns and then along
// the rows.
//
// The gradient of the taps of a convolution in Winograd's form may take the adjoint form
// (wino_back.go), image after image ascending: pixels of x are transformed as above,
// tiles of dy by A, in which the divisors are left out, outputs beyond the image being
// zero; each of the (m+2)² sums of a pair of channels is a chain over the tiles of
// the image ascending, from zero; Gᵀ with the divisors turns them into nine taps, and
// each of these is added to the gradient, one addition for each image. So two batches
// of 8 give the bits of one of 16 here, too.
//
// Boxes: the gradients of a convolution that doubles its image first are chains whose
// operand is not dy but T, its sums over boxes of 2×2 outputs (conv.Shape.Grad): for each
// row r of T the sums of rows r−1 and r of dy, and of these, for each s, the sum of
// columns s−1 and s. What lies outside dy is left out. dw is a chain over (image, pixel of
// x), dx one over (tap, output channel), ascending: of a pixel and a tap both have one
// product, where sums over dy itself have four for dw and 16/9 for dx.
//
// Lanes: a sum over the elements of one row (Sum, Dot, SumSq, SoftmaxRow,
// ColSoftmax, RowSums, RowGradSums) runs in 16 virtual lanes: lane i takes elements i,
// i+16, i+32, …; then lane j adds lane j+8 for j < 8, lane j+4 for j < 4, j+2,
// j+1:
//
//	for i, v := range x { l[i%16] += v }
//	for w := 8; w > 0; w /= 2 { for j := range w { l[j] += l[j+w] } }
//
// AVX-512 keeps the lanes in one register, AVX2 in two, NEON in four, Go in an
// array. The lanes that a short tail does not reach add nothing.
//
// Blocks: a long sum is cut into blocks of a fixed number of elements
// (SumBlock for rows, ChanBlock pixels for the per-channel sums of
// normalisation); each block is summed in float32 as above, and the blocks are
// added in float64 in ascending order. The cut depends on the data's length
// only, never on the number of threads.
//
// exp, log, sin, cos and what is made of them are polynomials of +, −, ×, fma,
// ÷, √, integer operations, selections and conversions that round to nearest.
// Estimates of reciprocals are not used: they differ between processors.
//
// # Words and variates
//
// The cipher stands in one kernel, philoxWords, which makes the words of blocks in
// a row or of a list of blocks. The kernels of the families turn whole blocks of
// words into variates, in place: a chunk of words is made, at most 16 KiB, and
// read back from the nearest cache. A family of two words for a variate makes
// those of half the place that is left, then of half of the rest, and the last
// through a buffer, as ragged ends.
//
// # No zeros
//
// A law without an atom has no zeros, and no variate of one is 0, whose logarithm
// is −Inf: the uniform of an angle that rounds to an end is the middle of those
// that do; a product below float32 is the smallest number, 2^-149, with its sign,
// as one beyond is the largest; and where a sum cancels, the result is a quarter
// of the spacing of its terms, the mean size of what rounds to 0 there, with a
// sign from a bit that is used for nothing else (plus for logarithms).
//
// # Contract
//
// For every kernel, unless its comment says otherwise:
//
//  1. The exported function checks lengths and panics; assembly trusts them.
//  2. A length of 0 is allowed and does nothing.
//  3. Any alignment works; multiples of 64 bytes are fast.
//  4. Nothing outside the slices is read or written, tails included: masks on
//     AVX-512, masks or single elements on AVX2, one to three elements on NEON.
//  5. A destination is one of the sources only where the comment allows it;
//     partial overlap is undefined.
//  6. It allocates nothing, starts no goroutine and writes no global.
//  7. The result is a function of the inputs only, the same at every level.
//  8. NaN and infinities go through as in the Go reference, which states what
//     a maximum does with NaN. The payload of a NaN is not defined.
//  9. Assembly for amd64 ends with VZEROUPPER; constants lie in static tables.
//
// Go's compiler fuses x*y + z on arm64 and, with GOAMD64=v3, on amd64. In this
// package a product that must be rounded before an addition is written
// float32(x*y) + z; one that must not is FMA(x, y, z).
//
// # Levels
//
// The level is chosen by internal/isa. Each dispatcher is a switch with direct
// calls: a call through a function variable would move its arguments to the
// heap. A kernel that has no version for a level runs the Go reference there.
// The build tag purego leaves all assembly out.
//
// # Files
//
// A family of kernels is a fixed set of files:
//
//	family.go                  exported functions: check, then dispatch
//	family_generic.go          the Go reference: the definition
//	family_avx2_amd64.s        generated
//	family_avx512_amd64.s      generated
//	family_neon_arm64.s        generated
//	dispatch_GOARCH.go         generated for all families by ../asm/dispatch: the
//	                           assembly's declarations, the choice by level
//	family_amd64.go …          the same by hand, where shapes or settings choose
//	                           too: products, Winograd's transforms, noise
//	family_test.go             one body of tests for all levels
//	../asm/family/             the generator; ../asm/neon/ that for NEON, ../asm/internal/formula
//	                           the formulas that amd64 and arm64 share, operation by
//	                           operation
//
// The formulas stand once, for every level; what writes their instructions is there twice,
// since avo, which makes those of amd64 (../asm/internal/lanes), has no arm64: ../asm/neon
// has registers and an encoder of its own. Beside these, ciphers, tables, sums, loops of norms,
// AdamW, transposes, softmax of columns and products of matrices are written for amd64 and
// again for arm64.
//
// CONTRIBUTING.md lists the steps to add one.
package simd
