package kernels

import (
	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// Linear sets y = x·w + b: x [M,C], w [C,O], b [O] or nil, y [M,O]. Each
// output is one chain of fused multiply-adds over C ascending, then + b. x and
// y may be column views. It panics on other shapes.
func (c *CPU) Linear(y, x, w, b *tensor.Tensor) {
	shapes.Linear("Linear", y, x, w, b)
	c.linear(y, x, w, b, nil)
	y.Touch()
}

func dataOf(t *tensor.Tensor) []float32 {
	if t == nil {
		return nil
	}
	return t.Data()
}

// linear computes y = x·w + b + res over the rows of x.
func (c *CPU) linear(y, x, w, b, res *tensor.Tensor) {
	p := product{
		a: x.Data(), ai: x.Pitch(), ak: 1,
		b: forwardPanels(w), bPanel: w.Rows() * simd.TileCols, kb: simd.TileCols,
		c: y.Data(), ci: y.Pitch(), bias: dataOf(b), k: w.Rows(), cols: w.Cols(), stop: c.stop,
	}
	if res != nil {
		p.res, p.ri = res.Data(), res.Pitch()
	}
	p.far = far(x, y)
	mul(c.width(), x.Rows(), 0, &p)
}

// far says whether what a product reads and writes is beyond near caches, where rows that
// it waits for are worth fetching.
func far(x, y *tensor.Tensor) bool { return max(x.Len(), y.Len()) >= farFloats }

// farFloats is 256 KiB, a quarter of the second cache of a Zen 4. Of less the fetching cost
// small 1×1 convolutions 1 to 3 % there.
const farFloats = 1 << 16

// LinearBackward computes dx = dy·wᵀ, dw += xᵀ·dy and db += Σ_rows dy, each nil:
// skipped. The sums over rows are chains in ascending
// order that continue from dw and db. It panics on other shapes.
func (c *CPU) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	shapes.LinearBackward(dx, dw, db, dy, x, w)
	c.linearBackward(dx, dw, db, dy, x, w)
}

func (c *CPU) linearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	if dx != nil {
		mul(c.width(), dx.Rows(), 0, &product{
			a: dy.Data(), ai: dy.Pitch(), ak: 1,
			b: backwardPanels(w), bPanel: w.Cols() * simd.TileCols, kb: simd.TileCols,
			c: dx.Data(), ci: dx.Pitch(), k: w.Cols(), cols: w.Rows(), far: far(dy, dx), stop: c.stop,
		})
		dx.Touch()
	}
	if dw != nil {
		mul(c.width(), w.Rows(), rowBlock, &product{
			a: x.Data(), ai: 1, ak: x.Pitch(),
			b: dy.Data(), bPanel: simd.TileCols, kb: dy.Pitch(),
			c: dw.Data(), ci: w.Cols(), k: x.Rows(), cols: w.Cols(), acc: true, stop: c.stop,
		})
		dw.Touch()
	}
	c.sumRows(db, dy)
}

// rowBlock is how many rows of x and dy a block of dw = xᵀ·dy reads, so that
// they stay in the second-level cache.
const rowBlock = 256

var ones = func() []float32 {
	one := tensor.Aligned(rowBlock)
	for i := range one {
		one[i] = 1
	}
	return one
}()

// sumRows adds the rows of dy to db in ascending order: a product with a row
// of ones, since fma(1, v, s) is s + v.
func (c *CPU) sumRows(db, dy *tensor.Tensor) {
	if db == nil {
		return
	}
	j := sumPool.Get()
	j.db, j.dy = db, dy
	j.parts = 1
	if dy.Len() >= 1<<17 {
		j.parts = min(panels(dy.Cols()), c.width())
	}
	par.Run(c.width(), j.parts, j)
	sumPool.Free(j)
	db.Touch()
}
