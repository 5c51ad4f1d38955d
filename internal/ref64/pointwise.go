package ref64

import (
	"fmt"
	"math"
	"math/bits"

	"heavytail/tensor"
)

// SiLU returns x·sigmoid(x).
func SiLU(x float64) float64 { return x / (1 + math.Exp(-x)) }

// SiLUDeriv returns the derivative of SiLU.
func SiLUDeriv(x float64) float64 {
	s := 1 / (1 + math.Exp(-x))
	return s + x*s*(1-s)
}

// SiLU sets y = x·sigmoid(x).
func (Device) SiLU(y, x *tensor.Tensor) {
	check("SiLU", "y", y, x.Shape()...)
	v := Values(x)
	for i := range v {
		v[i] = SiLU(v[i])
	}
	SetValues(y, v)
}

// SiLUBackward sets dx = dy·silu'(x).
func (Device) SiLUBackward(dx, dy, x *tensor.Tensor) {
	check("SiLUBackward", "dx", dx, x.Shape()...)
	check("SiLUBackward", "dy", dy, x.Shape()...)
	v, g := Values(x), Values(dy)
	for i := range v {
		v[i] = g[i] * SiLUDeriv(v[i])
	}
	SetValues(dx, v)
}

// TimestepEmbedding sets row i of y to [cos(s·t_i·f_k)…, sin(s·t_i·f_k)…], or
// the sines first.
func (Device) TimestepEmbedding(y *tensor.Tensor, t []float32, opt tensor.TimeOpt) {
	D := y.Cols()
	if D%2 != 0 || opt.Shift < 0 || opt.Shift > 0 && opt.Shift >= D/2 {
		panic(fmt.Sprintf("ref64: TimestepEmbedding: width %d, shift %d", D, opt.Shift))
	}
	check("TimestepEmbedding", "y", y, len(t), D)
	out := like(y)
	for i, ti := range t {
		for k := range D / 2 {
			a := float64(opt.Scale) * float64(ti) * math.Pow(10000, -float64(k)/float64(D/2-opt.Shift))
			first, second := math.Cos(a), math.Sin(a)
			if opt.SinFirst {
				first, second = second, first
			}
			out[i*D+k], out[i*D+D/2+k] = first, second
		}
	}
	SetValues(y, out)
}

// Embedding adds row ids[i] of table to row i of y; negative ids add nothing.
func (Device) Embedding(y, table *tensor.Tensor, ids []int) {
	C := table.Cols()
	check("Embedding", "y", y, len(ids), C)
	v, w := Values(y), Values(table)
	for i, id := range ids {
		checkID("Embedding", id, table)
		for c := 0; id >= 0 && c < C; c++ {
			v[i*C+c] += w[id*C+c]
		}
	}
	SetValues(y, v)
}

// EmbeddingBackward adds dy[i] to row ids[i] of dtable.
func (Device) EmbeddingBackward(dtable, dy *tensor.Tensor, ids []int) {
	C := dtable.Cols()
	check("EmbeddingBackward", "dy", dy, len(ids), C)
	w, g := Values(dtable), Values(dy)
	for i, id := range ids {
		checkID("EmbeddingBackward", id, dtable)
		for c := 0; id >= 0 && c < C; c++ {
			w[id*C+c] += g[i*C+c]
		}
	}
	SetValues(dtable, w)
}

func checkID(op string, id int, table *tensor.Tensor) {
	if id >= table.Dim(0) {
		panic(fmt.Sprintf("ref64: %s: id %d in a table of shape %v", op, id, table.Shape()))
	}
}

// Philox returns the four words of Philox4x32-10 (Salmon et al., SC'11).
func Philox(c [4]uint32, key uint64) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, c[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k0, lo1, hi0 ^ c[3] ^ k1, lo0}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c
}
