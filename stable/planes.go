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
}

func newPlanes(m, d int, mix []float32, loc []float64) *planes {
	p := &planes{m: m, d: d, mix: mix, loc: make([]float32, d), zero: make([]float32, d)}
	for i, v := range loc {
		p.loc[i] = float32(max(min(v, math.MaxFloat32), -math.MaxFloat32))
		most := float32(0) // 0 for a coordinate that is constant
		for _, c := range mix[i*m : (i+1)*m] {
			most = max(most, c, -c)
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
func (p *planes) fill(op string, dst []float32, off int, words int, number func(plane []float32, k, at int), begin func(scratch []float32, at int), finish func(plane, scratch []float32)) {
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
		for k := range p.m {
			number(z[k*planeRows:][:n], k, group*planeRows*p.m+k*planeRows+at)
		}
		p.combine(y, z, n)
		for i := range p.d {
			finish(y[i*planeRows:][:n], scratch[:n])
		}
		p.scatter(dst[:n*p.d], y, n, off)
		dst, off = dst[n*p.d:], off+n
	}
}

// combine sets the planes of y to M times those of z.
func (p *planes) combine(y, z []float32, n int) {
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

// scatter writes the planes as vectors from off on, δ added: sixteen vectors at a time, so that
// few lines of dst are open at once. A sum that cancels to 0 is a quarter of the
// spacing of its terms, of either sign by turns.
func (p *planes) scatter(dst, y []float32, n, off int) {
	const rows = 16
	d := p.d
	for first := 0; first < n; first += rows {
		count := min(rows, n-first)
		out := dst[first*d:]
		for i, loc := range p.loc {
			at := i
			for _, v := range y[i*planeRows+first:][:count] {
				x := v + loc
				if x == 0 && p.zero[i] > 0 {
					x = p.zero[i]
					if (off+first+at/d)&1 != 0 {
						x = -x
					}
				}
				out[at] = x
				at += d
			}
		}
	}
	simd.Clamp(dst, dst, -math.MaxFloat32, math.MaxFloat32)
}
