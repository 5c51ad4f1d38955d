package kernels

import (
	"fmt"

	"heavytail/internal/isa"
	"heavytail/internal/par"
	"heavytail/simd"
)

// GemmOpt chooses the form of a matrix product.
type GemmOpt struct {
	TransA     bool // op(A) = Aᵀ: a is stored [k][m]
	TransB     bool // op(B) = Bᵀ: b is stored [n][k]
	Accumulate bool // C += instead of C =
	Threads    int  // at most so many goroutines; 0: all processors
}

// Blocks of Gemm: gemmM·gemmK floats of A stay in the second-level cache;
// gemmB floats of B are packed at a time. BenchmarkGemm chose them. Copied rows
// of A lie an odd number of gemmPad floats apart, a line of a cache, so that twelve of
// them do not fall on the same sets. Of gemmParts per thread the last are short:
// a thread that waited longer for another than it looks for work would sleep, and miss
// much of what comes next.
const (
	gemmK     = 1024
	gemmM     = 10 * simd.TileRows
	gemmB     = 1 << 22
	gemmPad   = 16
	gemmParts = 16
)

// Gemm sets C = op(A)·op(B), or adds the product to C: op(A) is m×k, op(B)
// k×n, C m×n, stored by rows with leading dimensions lda, ldb and ldc. Every
// element is one chain of fused multiply-adds over k ascending, so the bits
// depend on the operands only. It panics if a slice is too short.
func Gemm(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, opt GemmOpt) {
	checkMatrix("a", m, k, len(a), lda, opt.TransA)
	checkMatrix("b", k, n, len(b), ldb, opt.TransB)
	checkMatrix("c", m, n, len(c), ldc, false)
	if m == 0 || n == 0 || k == 0 && opt.Accumulate {
		return
	}
	if k == 0 {
		for i := range m {
			clear(c[i*ldc:][:n])
		}
		return
	}
	j := gemmPool.Get()
	j.a, j.b, j.c, j.lda, j.ldb, j.ldc, j.opt = a, b, c, lda, ldb, ldc, opt
	j.m, j.n, j.k = m, n, k
	j.run()
	gemmPool.Free(j)
}

// checkMatrix panics unless a rows×cols matrix (stored transposed if trans)
// with leading dimension ld fits n floats.
func checkMatrix(name string, rows, cols, n, ld int, trans bool) {
	if trans {
		rows, cols = cols, rows
	}
	if rows < 0 || cols < 0 || rows > 0 && cols > 0 && (ld < cols || n < (rows-1)*ld+cols) {
		panic(fmt.Sprintf("kernels: Gemm: %s: %d×%d with leading dimension %d in %d values", name, rows, cols, ld, n))
	}
}

// gemmJob is one Gemm; its parts are first panels of B to pack, then blocks of
// C to compute.
type gemmJob struct {
	a, b, c            []float32
	lda, ldb, ldc      int
	m, n, k            int
	opt                GemmOpt
	n0, nc             int       // the columns of B in work
	packed             []float32 // per block of k: panels of B
	packing            bool
	rowParts, colParts int
}

var gemmPool par.Pool[gemmJob]

func (j *gemmJob) run() {
	threads := par.Threads(j.opt.Threads)
	width := max(1, gemmB/j.k/simd.TileCols) * simd.TileCols
	s := getScratch(panels(min(width, j.n))*simd.TileCols*j.k, 0)
	defer s.free()
	j.packed = s.f
	for j.n0 = 0; j.n0 < j.n; j.n0 += width {
		j.nc = min(width, j.n-j.n0)
		j.rowParts, j.colParts = splits(partsOf(threads, gemmParts, j.m*j.nc*j.k), j.m, j.nc, j.nc > 2*j.m)
		if j.rowParts*j.colParts == 1 {
			threads = 1
		}
		j.rowParts = max(j.rowParts, (j.m+gemmM-1)/gemmM)
		j.packing = true
		par.Run(threads, panels(j.nc), j)
		j.packing = false
		par.Run(threads, j.rowParts*j.colParts, j)
	}
}

// Do packs panel part of B or computes block part of C.
func (j *gemmJob) Do(part int) {
	np, c := panels(j.nc), part%j.colParts
	m0, m1 := cutRows(j.m, part/j.colParts, j.rowParts)
	for k0 := 0; k0 < j.k; k0 += gemmK {
		kc := min(gemmK, j.k-k0)
		b := j.packed[k0*np*simd.TileCols:]
		if j.packing {
			j.packB(b[part*kc*simd.TileCols:][:kc*simd.TileCols], j.n0+part*simd.TileCols, k0, kc)
		} else if m0 < m1 {
			j.block(b, m0, m1, np*c/j.colParts, np*(c+1)/j.colParts, k0, kc)
		}
	}
}

// block adds the terms k0…k0+kc−1 to rows m0…m1−1 of the panels p0…p1−1.
func (j *gemmJob) block(b []float32, m0, m1, p0, p1, k0, kc int) {
	p := product{
		b: b, bPanel: kc * simd.TileCols, kb: simd.TileCols,
		c: j.c[m0*j.ldc+j.n0:], ci: j.ldc, k: kc, cols: j.nc, acc: j.opt.Accumulate || k0 > 0,
	}
	switch {
	case !j.asIs():
		pitch := (kc+31)&^31 + gemmPad
		s := getScratch((m1-m0)*pitch, 0)
		defer s.free()
		p.a, p.ai, p.ak = s.f, pitch, 1
		j.packA(s.f, m0, m1, k0, kc, pitch)
	case j.opt.TransA:
		p.a, p.ai, p.ak = j.a[k0*j.lda+m0:], 1, j.lda
	default:
		p.a, p.ai, p.ak = j.a[m0*j.lda+k0:], j.lda, 1
	}
	p.run(0, m1-m0, p0, p1)
}

// asIs reports whether the kernel reads A where it lies: when too few columns
// would repay packing, or when its rows fall on different sets of the caches.
func (j *gemmJob) asIs() bool {
	return j.nc < 4*simd.TileCols || !j.opt.TransA && j.lda%rowsAlias() != 0
}

// rowsAlias returns the distance at which rows of A fall on the same sets of a cache:
// of the first one 4 KiB, where its sets hold fewer lines than a tile has rows, so that
// each of a line's 16 terms would fetch it anew; of the second one 16 KiB.
func rowsAlias() int {
	if ways := isa.Ways(); 0 < ways && ways < simd.TileRows {
		return 4096 / 4
	}
	return 16384 / 4
}

// packB packs the panel of op(B) that begins at column col, rows k0…k0+kc−1.
func (j *gemmJob) packB(dst []float32, col, k0, kc int) {
	cols := min(simd.TileCols, j.n0+j.nc-col)
	if j.opt.TransB {
		transpose(dst, j.b[col*j.ldb+k0:], cols, kc, j.ldb, 1)
		return
	}
	packPanels(dst, j.b[k0*j.ldb+col:], kc, cols, j.ldb)
}

// packA copies rows m0…m1−1 of op(A), columns k0…k0+kc−1, to rows that lie pitch apart.
func (j *gemmJob) packA(dst []float32, m0, m1, k0, kc, pitch int) {
	if j.opt.TransA {
		simd.Transpose(dst, j.a[k0*j.lda+m0:], kc, m1-m0, pitch, j.lda, 1)
		return
	}
	for i := range m1 - m0 {
		copy(dst[i*pitch:][:kc], j.a[(m0+i)*j.lda+k0:])
	}
}
