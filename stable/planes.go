package stable

import (
	"fmt"
	"math"
	"sync"

	"heavytail/simd"
)

// planeRows is how many vectors are made together. Of m numbers to a vector,
// number k of vector i is element
//
//	(i/256)·256·m + k·256 + i%256
//
// of its family: the same number of 256 vectors is one run of elements, which the
// kernels fill and combine, and a cut of vectors into calls changes no number.
const planeRows = 256

// Family tags; see the list in stream.go.
const (
	tagEllipse     = 14 // normals
	tagEllipseRoot = 15 // √K, one to a vector
	tagSpectral    = 16
	tagSpectral64  = 70 // at α = 1
)

// planes turn m independent numbers to a vector into d coordinates, M·z + δ with
// M d×m by rows.
type planes struct {
	m, d int
	mix  []float32
	loc  []float32
	zero []float32 // of a coordinate: what a sum that cancels stands for
	pool sync.Pool // of work space

	// terms is how many terms the rows of M have from each twelfth on, up to the next:
	// half of the d on average where M is triangular.
	terms []int
}

func newPlanes(m, d int, mix []float32, loc []float64) *planes {
	p := &planes{m: m, d: d, mix: mix, loc: make([]float32, d), zero: make([]float32, d)}
	for i, v := range loc {
		p.loc[i] = float32(max(min(v, math.MaxFloat32), -math.MaxFloat32))
		if i%simd.TileRows == 0 {
			p.terms = append(p.terms, 1)
		}
		last := &p.terms[len(p.terms)-1]
		most := float32(0) // 0 for a coordinate that is constant
		for k, c := range mix[i*m : (i+1)*m] {
			most = max(most, c, -c)
			if c != 0 {
				*last = max(*last, k+1)
			}
		}
		if most > 0 {
			p.zero[i] = quarter(max(most, p.loc[i], -p.loc[i]))
		}
	}
	p.pool.New = func() any {
		s := make([]float32, (m+d+1)*planeRows)
		return &s
	}
	return p
}

// fill sets dst to vectors from off on. make fills plane k with elements at of the
// family; finish is applied to a coordinate's plane before δ is added.
func (p *planes) fill(op string, dst []float32, off int, words int, number func(plane []float32, at int), begin func(scratch []float32, at int), finish func(plane, scratch []float32)) {
	n := len(dst) / p.d
	if most := int64(1<<34)/int64(p.m*words) - planeRows; len(dst)%p.d != 0 || off < 0 || int64(off) > most-int64(n) {
		panic(fmt.Sprintf("stable: %s: %d values from vector %d on, want vectors of %d and at most %d in all", op, len(dst), off, p.d, most))
	}
	work := p.pool.Get().(*[]float32)
	defer p.pool.Put(work)
	z, y, scratch := (*work)[:p.m*planeRows], (*work)[p.m*planeRows:(p.m+p.d)*planeRows], (*work)[(p.m+p.d)*planeRows:]
	for len(dst) > 0 {
		group, at := off/planeRows, off%planeRows
		n := min(planeRows-at, len(dst)/p.d)
		begin(scratch[:n], off)
		if n == planeRows { // of all planes one run of elements
			number(z, group*planeRows*p.m)
		} else {
			for k := range p.m {
				number(z[k*planeRows:][:n], group*planeRows*p.m+k*planeRows+at)
			}
		}
		p.combine(y, z, n)
		for i := range p.d {
			finish(y[i*planeRows:][:n], scratch[:n])
		}
		if p.d >= simd.TileRows {
			p.transpose(dst[:n*p.d], y, scratch[:n], n, off)
		} else {
			p.scatter(dst[:n*p.d], y, n, off)
		}
		dst, off = dst[n*p.d:], off+n
	}
}

// combine sets the planes of y to M times those of z, each value one chain of fused
// multiply-adds, which terms of 0 do not change but for the sign of a sum of 0, and scatter
// sets that.
func (p *planes) combine(y, z []float32, n int) {
	if p.d >= simd.TileRows {
		p.product(y, z, n)
		return
	}
	for i := range p.d {
		row, out, first := p.mix[i*p.m:(i+1)*p.m], y[i*planeRows:][:n], true
		for k, v := range row {
			switch in := z[k*planeRows:][:n]; {
			case v == 0:
			case first:
				simd.Scale(out, in, v)
				first = false
			default:
				simd.Axpy(out, v, in)
			}
		}
		if first {
			clear(out)
		}
	}
}

// product is combine by tiles, of which planes of y are the rows and vectors the columns.
func (p *planes) product(y, z []float32, n int) {
	var rows, outs [simd.TileRows]int32
	for first := 0; first < p.d; first += simd.TileRows {
		valid := min(simd.TileRows, p.d-first)
		t := simd.Tiles{N: 1, Rows: (valid + 3) / 4 * 4, Segs: 1, BOff: oneSegment, K: p.terms[first/simd.TileRows], KA: 1, KB: planeRows,
			A: p.mix[first*p.m:], AOff: rows[:], COff: outs[:]}
		for i := range t.Rows {
			r := int32(min(i, valid-1)) // rows beyond the last are it again
			rows[i], outs[i] = r*int32(p.m), r*planeRows
		}
		for col := 0; col < n; col += simd.TileCols {
			t.Cols, t.B, t.C = min(simd.TileCols, n-col), z[col:], y[first*planeRows+col:]
			t.Run()
		}
	}
}

var oneSegment = []int32{0}

// scatter writes the planes as vectors from off on, δ added: sixteen vectors at a time, so that
// few lines of dst are open at once. A sum that cancels to 0 is a quarter of the
// spacing of its terms, of either sign by turns.
func (p *planes) scatter(dst, y []float32, n, off int) {
	const rows = 16
	for first := 0; first < n; first += rows {
		count := min(rows, n-first)
		out := dst[first*p.d:]
		for i, loc := range p.loc {
			at, zero := i, p.zero[i]
			for j, v := range y[i*planeRows+first:][:count] {
				x := v + loc
				if x == 0 {
					x = zero
					if (off+first+j)&1 != 0 {
						x = 0 - x
					}
				}
				out[at] = x
				at += p.d
			}
		}
	}
	simd.Clamp(dst, dst, -math.MaxFloat32, math.MaxFloat32)
}

// transpose is scatter, plane by plane and then all at once, by way of scratch.
func (p *planes) transpose(dst, y, scratch []float32, n, off int) {
	for i, loc := range p.loc {
		plane := y[i*planeRows:][:n]
		if loc != 0 {
			simd.Fill(scratch, loc)
			simd.Add(plane, plane, scratch)
		}
		if p.zero[i] == 0 {
			continue
		}
		for j, v := range plane {
			if v == 0 {
				plane[j] = p.zero[i]
				if (off+j)&1 != 0 {
					plane[j] = -p.zero[i]
				}
			}
		}
	}
	simd.Transpose(dst, y, p.d, n, p.d, planeRows, 1)
	simd.Clamp(dst, dst, -math.MaxFloat32, math.MaxFloat32)
}
