package kernels

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/simd"
	"heavytail/tensor"
)

const twoPi = 2 * math.Pi

// TimestepEmbedding sets row i of y [N,D] to cos(s·t_i·f_k) for k < D/2, then
// sin(s·t_i·f_k), f_k = 10000^(−k/(D/2)). The angle is formed and reduced to
// one period in float64, then rounded for simd.SinCos: the error stays below
// 4e−7 for any |s·t| < 2⁴⁰. It panics if D is odd or len(t) ≠ N.
func (c *CPU) TimestepEmbedding(y *tensor.Tensor, t []float32, s float32) {
	d := y.Cols()
	if d%2 != 0 || y.Rows() != len(t) {
		panic(fmt.Sprintf("kernels: TimestepEmbedding: y %v for %d times", y.Shape(), len(t)))
	}
	half := d / 2
	w := getNormWork(half)
	angle, freq := w.a, w.s1
	for k := range freq {
		freq[k] = frequency(k, half)
	}
	for i, ti := range t {
		row := y.Data()[i*y.Pitch():][:d]
		st := float64(s) * float64(ti)
		for k, f := range freq {
			a := float64(st * f)
			angle[k] = float32(a - float64(twoPi*math.Round(a/twoPi)))
		}
		simd.SinCos(row[half:], row[:half], angle)
	}
	w.free()
	y.Touch()
}

// frequency returns 10000^(−k/half).
func frequency(k, half int) float64 {
	const log1e4 = 9.210340371976184
	return dmath.Exp(-log1e4 * float64(k) / float64(half))
}

// Embedding adds row ids[i] of table [K,C] to row i of y [N,C]; a negative id
// adds nothing. It panics if an id is ≥ K or the shapes do not fit.
func (c *CPU) Embedding(y, table *tensor.Tensor, ids []int) {
	mustIDs("Embedding", y, table, ids)
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
	mustIDs("EmbeddingBackward", dy, dtable, ids)
	n := dtable.Cols()
	for i, id := range ids {
		if id >= 0 {
			row := dtable.Data()[id*n:][:n]
			simd.Add(row, row, dy.Data()[i*dy.Pitch():][:n])
		}
	}
	dtable.Touch()
}

func mustIDs(op string, y, table *tensor.Tensor, ids []int) {
	if table.Rank() != 2 || !table.Dense() || y.Cols() != table.Cols() || y.Rows() != len(ids) {
		panic(fmt.Sprintf("kernels: %s: y %v, table %v, %d ids", op, y.Shape(), table.Shape(), len(ids)))
	}
	for _, id := range ids {
		if id >= table.Rows() {
			panic(fmt.Sprintf("kernels: %s: id %d for table %v", op, id, table.Shape()))
		}
	}
}
