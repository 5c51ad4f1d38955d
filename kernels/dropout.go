package kernels

import (
	"math"

	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// dropBlock is the number of random words that a part makes at a time.
const dropBlock = 1024

type dropJob struct {
	y, x  *tensor.Tensor
	limit uint32
	scale float32
	seed  uint64
	keys  []uint64
	rows  int // rows of a sample
	parts int // parts of a sample
}

type dropWork struct {
	words [dropBlock]uint32
}

var (
	dropPool     par.Pool[dropJob]
	dropWorkPool par.Pool[dropWork]
)

// Dropout sets y = x·mask/(1−p); y may be x. Element j (row-major) of sample i
// is dropped when word(j) < p·2³², where word(j) is word j mod 4 of
// Philox4x32-10 under the key seed at the counter (j/4, keys[i]), both as 64
// bits. A dropped NaN is 0. It panics unless 0 ≤ p < 1 and there is one key per
// sample.
func (c *CPU) Dropout(y, x *tensor.Tensor, p float32, seed uint64, keys []uint64) {
	shapes.Dropout(y, x, p, len(keys))
	n := x.Dim(0)
	if x.Len() > 0 {
		j := dropPool.Get()
		j.y, j.x, j.seed, j.keys = y, x, seed, keys
		// word < p·2³² exactly when word < ⌈p·2³²⌉; p ≤ 1 − 2⁻²⁴ keeps that in 32 bits.
		j.limit = uint32(math.Ceil(float64(p) * (1 << 32)))
		j.scale = float32(1 / (1 - float64(p)))
		j.rows = x.Rows() / n
		j.parts = min(j.rows, max(1, j.rows*x.Cols()/flatChunk))
		par.Run(c.width(), n*j.parts, j)
		dropPool.Free(j)
	}
	y.Touch()
}

// Do drops elements of some rows of one sample.
func (j *dropJob) Do(part int) {
	w := dropWorkPool.Get()
	i, k := part/j.parts, part%j.parts
	key := j.keys[i]
	for r := j.rows * k / j.parts; r < j.rows*(k+1)/j.parts; r++ {
		cols := j.x.Cols()
		y := j.y.Data()[(i*j.rows+r)*j.y.Pitch():][:cols]
		x := j.x.Data()[(i*j.rows+r)*j.x.Pitch():][:cols]
		for lo := 0; lo < cols; lo += dropBlock {
			hi := min(cols, lo+dropBlock)
			words := w.words[:hi-lo]
			maskWords(words, j.seed, key, uint64(r*cols+lo))
			simd.Mask(y[lo:hi], x[lo:hi], words, j.limit, j.scale)
		}
	}
	dropWorkPool.Put(w)
}

// maskWords sets dst to the words from element at on.
func maskWords(dst []uint32, seed, key, at uint64) {
	for len(dst) > 0 {
		// The generator counts blocks in 32 bits: 2³⁴ words, then c1 goes up.
		p := simd.NewPhilox(seed, uint32(at>>34), uint32(key), uint32(key>>32))
		off := at & (1<<34 - 1)
		n := min(uint64(len(dst)), 1<<34-off)
		simd.Uint32s(dst[:n], &p, off)
		dst, at = dst[n:], at+n
	}
}
