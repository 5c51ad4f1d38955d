package kernels

import (
	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// channelJob adds a vector to the pixels of each sample, or sums them.
type channelJob struct {
	y, x, v                   []float32
	yPitch, xPitch, vPitch, c int
	pixels, rows, perPart     int // of a sample; in all; of a part
	parts                     int // SumPixels: parts of a sample
}

type (
	addJob  struct{ channelJob }
	sumsJob struct{ channelJob }
)

var (
	addPool  par.Pool[addJob]
	sumsPool par.Pool[sumsJob]
)

// AddChannels adds row n of v [N,C] to every pixel of sample n: y = x + v. y
// may be x; all may be column views. It panics on other shapes.
func (c *CPU) AddChannels(y, x, v *tensor.Tensor) {
	shapes.Match("AddChannels", y, x)
	shapes.Channels("AddChannels", x, v)
	if x.Len() > 0 {
		j := addPool.Get()
		j.y, j.x, j.v = y.Data(), x.Data(), v.Data()
		j.yPitch, j.xPitch, j.vPitch, j.c = y.Pitch(), x.Pitch(), v.Pitch(), x.Cols()
		j.rows, j.pixels = x.Rows(), x.Rows()/x.Dim(0)
		j.perPart = max(1, flatChunk/j.c)
		par.Run(c.width(), (j.rows+j.perPart-1)/j.perPart, j)
		addPool.Free(j)
	}
	y.Touch()
}

// Do adds to the pixels of one part.
func (j *addJob) Do(part int) {
	for r := part * j.perPart; r < min(j.rows, (part+1)*j.perPart); r++ {
		v := j.v[r/j.pixels*j.vPitch:][:j.c]
		simd.Add(j.y[r*j.yPitch:][:j.c], j.x[r*j.xPitch:][:j.c], v)
	}
}

// SumPixels sets row n of dv [N,C] to the sum of the pixels of sample n of dy
// [N,H,W,C], added in ascending order. Both may be column views. It panics on
// other shapes.
func (c *CPU) SumPixels(dv, dy *tensor.Tensor) {
	shapes.Channels("SumPixels", dy, dv)
	if dv.Len() > 0 {
		j := sumsPool.Get()
		j.y, j.x = dv.Data(), dy.Data()
		j.yPitch, j.xPitch, j.c = dv.Pitch(), dy.Pitch(), dv.Cols()
		j.pixels = dy.Rows() / dy.Dim(0)
		j.parts = 1
		if j.pixels*j.c >= flatChunk {
			j.parts = panels(j.c)
		}
		par.Run(c.width(), dy.Dim(0)*j.parts, j)
		sumsPool.Free(j)
	}
	dv.Touch()
}

// Do sums some columns of one sample: a product with a row of ones.
func (j *sumsJob) Do(part int) {
	i, k, np := part/j.parts, part%j.parts, panels(j.c)
	lo, hi := np*k/j.parts, np*(k+1)/j.parts
	dv := j.y[i*j.yPitch:][:j.c]
	clear(dv[lo*simd.TileCols : min(j.c, hi*simd.TileCols)])
	p := product{a: ones, ak: 1, bPanel: simd.TileCols, kb: j.xPitch, c: dv, cols: j.c, acc: true}
	for row := 0; row < j.pixels; row += rowBlock {
		p.b = j.x[(i*j.pixels+row)*j.xPitch:]
		p.k = min(rowBlock, j.pixels-row)
		p.run(0, 1, lo, hi)
	}
}
