package kernels

import (
	"heavytail/internal/par"
)

// productJob runs a product cut into rows × panels, in blocks of kBlock terms
// of the sum (0: all at once) so that a block of A and B stays in the caches.
type productJob struct {
	product
	rows, kBlock       int
	rowParts, colParts int
}

var productPool par.Pool[productJob]

// mul computes p for rows rows on at most threads goroutines.
func mul(threads, rows, kBlock int, p *product) {
	if rows == 0 || p.cols == 0 {
		return
	}
	j := productPool.Get()
	j.product, j.rows, j.kBlock = *p, rows, kBlock
	threads = par.Threads(threads)
	j.rowParts, j.colParts = splits(partsFor(threads, rows*p.cols*p.k), rows, p.cols, p.cols > rows)
	par.Run(threads, j.rowParts*j.colParts, j)
	productPool.Free(j)
}

// Do computes one part.
func (j *productJob) Do(part int) {
	m0, m1 := cutRows(j.rows, part/j.colParts, j.rowParts)
	np, c := panels(j.cols), part%j.colParts
	p0, p1 := np*c/j.colParts, np*(c+1)/j.colParts
	if j.kBlock == 0 || j.k <= j.kBlock {
		j.run(m0, m1, p0, p1)
		return
	}
	p := j.product
	for k := 0; k < j.k; k += j.kBlock {
		p.a, p.b = j.a[k*j.ak:], j.b[k*j.kb:]
		p.k = min(j.kBlock, j.k-k)
		p.acc = j.acc || k > 0
		p.run(m0, m1, p0, p1)
	}
}
