package kernels

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

const twoPi = 2 * math.Pi

// TimestepEmbedding sets row i of y [N,D] to cos(s·t_i·f_k) for k < D/2, then
// sin(s·t_i·f_k), or the sines first, with s = opt.Scale and
// f_k = 10000^(−k/(D/2 − opt.Shift)). The angle is formed and reduced to one
// period in float64, then rounded for simd.SinCos: the error stays below 4e−7
// for any |s·t| < 2⁴⁰. It panics if D is odd, len(t) ≠ N or the shift is not 0
// or less than D/2.
func (c *CPU) TimestepEmbedding(y *tensor.Tensor, t []float32, opt tensor.TimeOpt) {
	shapes.Timestep(y, len(t), opt)
	d := y.Cols()
	half := d / 2
	w := getNormWork(half)
	angle, freq := w.a, w.s1
	Frequencies(freq, opt)
	for i, ti := range t {
		row := y.Data()[i*y.Pitch():][:d]
		st := float64(opt.Scale) * float64(ti)
		for k, f := range freq {
			a := float64(st * f)
			angle[k] = float32(a - float64(twoPi*math.Round(a/twoPi)))
		}
		sin, cos := row[half:], row[:half]
		if opt.SinFirst {
			sin, cos = cos, sin
		}
		simd.SinCos(sin, cos, angle)
	}
	w.free()
	y.Touch()
}

// Frequencies sets f, of D/2 values, to the frequencies 10000^(−k/(D/2 − opt.Shift))
// of an embedding of times.
func Frequencies(f []float64, opt tensor.TimeOpt) {
	const log1e4 = 9.210340371976184
	for k := range f {
		f[k] = dmath.Exp(-log1e4 * float64(k) / float64(len(f)-opt.Shift))
	}
}

// Embedding adds row ids[i] of table [K,C] to row i of y [N,C]; a negative id
// adds nothing. It panics if an id is ≥ K or the shapes do not fit.
func (c *CPU) Embedding(y, table *tensor.Tensor, ids []int) {
	shapes.Embedding("Embedding", y, table, ids)
	n := table.Cols()
	for i, id := range ids {
		if id >= 0 {
			row := y.Data()[i*y.Pitch():][:n]
			simd.Add(row, row, table.Data()[id*n:][:n])
		}
	}
	y.Touch()
}

// EmbeddingBackward adds dy[i] to row ids[i] of dtable, i ascending; a
// negative id adds nothing. It panics as Embedding does.
func (c *CPU) EmbeddingBackward(dtable, dy *tensor.Tensor, ids []int) {
	shapes.Embedding("EmbeddingBackward", dy, dtable, ids)
	n := dtable.Cols()
	for i, id := range ids {
		if id >= 0 {
			row := dtable.Data()[id*n:][:n]
			simd.Add(row, row, dy.Data()[i*dy.Pitch():][:n])
		}
	}
	dtable.Touch()
}
