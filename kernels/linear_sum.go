package kernels

import (
	"heavytail/internal/par"
	"heavytail/simd"
	"heavytail/tensor"
)

type sumJob struct {
	db, dy *tensor.Tensor
	parts  int
}

var sumPool par.Pool[sumJob]

// Do sums the columns of one part.
func (j *sumJob) Do(part int) {
	np := panels(j.dy.Cols())
	p := product{
		a: ones, ak: 1, bPanel: simd.TileCols, kb: j.dy.Pitch(),
		c: j.db.Data(), cols: j.dy.Cols(), acc: true,
	}
	for row := 0; row < j.dy.Rows(); row += rowBlock {
		p.b = j.dy.Data()[row*j.dy.Pitch():]
		p.k = min(rowBlock, j.dy.Rows()-row)
		p.run(0, 1, np*part/j.parts, np*(part+1)/j.parts)
	}
}
