package kernels

import (
	"math"
	"testing"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// view returns random values as columns 3…3+cols−1 of a wider tensor (gap > 0)
// or as a dense tensor (gap = 0).
func view(r *numtest.Rand, gap int, shape ...int) *tensor.Tensor {
	cols := shape[len(shape)-1]
	wide := append([]int{}, shape...)
	wide[len(wide)-1] = cols + gap
	t := New(1).New(wide...)
	r.Fill(t.Data(), 1)
	if gap == 0 {
		return t
	}
	return t.Columns(min(3, gap), min(3, gap)+cols)
}

// frame returns the values of a tensor of view's that lie between its rows.
func frame(t *tensor.Tensor) []float32 {
	var out []float32
	for i := range t.Rows() - 1 {
		out = append(out, t.Data()[i*t.Pitch()+t.Cols():(i+1)*t.Pitch()]...)
	}
	return out
}

// dense returns t's values row by row.
func dense(t *tensor.Tensor) []float32 {
	var out []float32
	for i := range t.Rows() {
		out = append(out, t.Data()[i*t.Pitch():][:t.Cols()]...)
	}
	return out
}

// nearSum fails unless t equals the twin's sums within the rounding of float32:
// an element that is a sum of products, in any order and with at most n
// roundings on the way of each product, is off by at most γ·size, γ = nu/(1−nu),
// u = 2^−24, size being the sum of the products' magnitudes (Higham, Accuracy
// and Stability of Numerical Algorithms, Lemma 3.1), and by n steps of 2^−149
// where products underflow.
func nearSum(t *testing.T, want, size []float64, got *tensor.Tensor, n int, msg string) {
	t.Helper()
	nu := float64(n) * 0x1p-24
	for i, v := range dense(got) {
		if e := math.Abs(float64(v) - want[i]); !(e <= nu/(1-nu)*size[i]+float64(n)*0x1p-149) {
			t.Fatalf("%s: element %d is %v, want %v: off by %.3g, the bound of %d roundings is %.3g", msg, i, v, want[i], e, n, nu/(1-nu)*size[i])
		}
	}
}

// magnitudes returns |x|.
func magnitudes(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Abs(v)
	}
	return out
}

// bitsOf collects the results of f at every level and for several numbers of
// threads and fails unless all have the same bits; it returns them.
func bitsOf(t *testing.T, f func(c *CPU) []float32) []float32 {
	t.Helper()
	var want []float32
	for _, l := range isa.Available() {
		for _, threads := range []int{1, 2, 3, 7} {
			if (l == isa.Generic || testing.Short()) && threads > 2 {
				continue
			}
			restore, least := isa.Force(l), leastPart
			if threads > 1 {
				leastPart = 64
			}
			soil([]float32{float32(math.NaN()), 1e30}[threads%2])
			got := f(New(threads))
			restore()
			leastPart = least
			if want == nil {
				want = got
				continue
			}
			numtest.SameBits(t, want, got, l.String())
		}
	}
	return want
}

// soil leaves v in free workspaces: no bit may depend on what an earlier operation left
// there.
func soil(v float32) {
	var all []*scratch
	for class := 10; class <= 16; class++ {
		for range 2 {
			s := getScratch(1<<class, 0)
			for i := range s.f {
				s.f[i] = v
			}
			all = append(all, s)
		}
	}
	for _, s := range all {
		s.free()
	}
}

// dot returns ⟨a, b⟩ in float64.
func dot(a, b []float64) (s float64) {
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// values returns t's values in float64, row by row.
func values(t *tensor.Tensor) []float64 { return ref64.Float64s(dense(t)) }

func twin(ts ...*tensor.Tensor) [][]float64 {
	var out [][]float64
	for _, t := range ts {
		out = append(out, values(t))
	}
	return out
}
