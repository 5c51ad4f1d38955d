package kernels

import (
	"fmt"

	"heavytail/simd"
	"heavytail/tensor"
)

// packed returns the copy of w in slot, n float32 long, that fill makes from
// w's values; it is remade when w changed or when another form of the same
// weight was packed last. It panics where w is its own copy and cannot be another.
func packed(w *tensor.Tensor, slot, n int, fill func(dst []float32, w *tensor.Tensor)) []float32 {
	p := w.Pack(slot)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	want := w.Gen() + 1
	if p.Gen.Load() == want && len(p.Data) == n {
		return p.Data
	}
	if p.Own {
		panic(fmt.Sprintf("kernels: a weight %v that was packed in its own storage was written, or is read in another form: unpack it first", w.Shape()))
	}
	if len(p.Data) != n {
		p.Data = tensor.Aligned(n)
	}
	fill(p.Data, w)
	p.Gen.Store(want)
	return p.Data
}

// packPanels copies the k×cols matrix b (rows ldb apart) into panels of 32
// columns, zero beyond the last.
func packPanels(dst, b []float32, k, cols, ldb int) {
	for col := 0; col < cols; col += simd.TileCols {
		n := min(simd.TileCols, cols-col)
		for i := range k {
			row := (*[simd.TileCols]float32)(dst[i*simd.TileCols:])
			if n == simd.TileCols { // without a call for each 128 bytes
				*row = *(*[simd.TileCols]float32)(b[i*ldb+col:])
				continue
			}
			copy(row[:n], b[i*ldb+col:])
			clear(row[n:])
		}
		dst = dst[k*simd.TileCols:]
	}
}

// packTransposed packs the transposes of taps matrices of rows×cols (dense,
// one after the other) into panels of 32 of their rows: entry
// (tap, r, c) lies at row tap·cols+c, column r%32 of panel r/32.
func packTransposed(dst, w []float32, taps, rows, cols int) {
	for r0 := 0; r0 < rows; r0 += simd.TileCols {
		n := min(simd.TileCols, rows-r0)
		for tap := range taps {
			block := dst[tap*cols*simd.TileCols:][:cols*simd.TileCols]
			transpose(block, w[(tap*rows+r0)*cols:], n, cols, cols, 1)
		}
		dst = dst[taps*cols*simd.TileCols:]
	}
}

// packKeys packs scale·kᵀ, k being t rows of d values pitch apart, into panels
// of 32 rows of k: k[i][e] lies at row e, column i%32 of panel i/32.
func packKeys(dst, k []float32, t, d, pitch int, scale float32) {
	for t0 := 0; t0 < t; t0 += simd.TileCols {
		transpose(dst[:d*simd.TileCols], k[t0*pitch:], min(simd.TileCols, t-t0), d, pitch, scale)
		dst = dst[d*simd.TileCols:]
	}
}

// transpose sets dst[32·c+r] = scale·src[r·pitch+c] for r < rows ≤ 32 and
// c < cols, and clears the columns of dst beyond rows.
func transpose(dst, src []float32, rows, cols, pitch int, scale float32) {
	if rows < simd.TileCols {
		clear(dst)
	}
	simd.Transpose(dst, src, rows, cols, simd.TileCols, pitch, scale)
}

// forwardPanels returns w [k,k,C,O] or [C,O] in panels of outputs.
func forwardPanels(w *tensor.Tensor) []float32 {
	return packed(w, 0, panels(w.Cols())*simd.TileCols*w.Rows(), fillForward)
}

// firstPanel returns the first panel of w as forwardPanels left it, to be fetched and not
// to be read: nil if w is nil or was not packed since it changed.
func firstPanel(w *tensor.Tensor) []float32 {
	if w == nil || w.Cols() == 0 {
		return nil
	}
	p := w.Pack(0)
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if p.Gen.Load() != w.Gen()+1 {
		return nil
	}
	return p.Data[:len(p.Data)/panels(w.Cols())]
}

func fillForward(dst []float32, w *tensor.Tensor) {
	packPanels(dst, w.Data(), w.Rows(), w.Cols(), w.Pitch())
}

// backwardPanels returns the transposes of w's matrices (one per tap) in
// panels of inputs.
func backwardPanels(w *tensor.Tensor) []float32 {
	taps := tapCount(w)
	return packed(w, 1, panels(w.Rows()/taps)*simd.TileCols*taps*w.Cols(), fillBackward)
}

func fillBackward(dst []float32, w *tensor.Tensor) {
	taps := tapCount(w)
	data := w.Data()
	if w.Pack(0).Own {
		s := getScratch(len(data), 0)
		defer s.free()
		unpackPanels(s.f, data, w.Rows(), w.Cols())
		data = s.f
	}
	packTransposed(dst, data, taps, w.Rows()/taps, w.Cols())
}

// tapCount returns k² of a convolution's weight, 1 of a matrix.
func tapCount(w *tensor.Tensor) int {
	if w.Rank() == 4 {
		return w.Dim(0) * w.Dim(1)
	}
	return 1
}
