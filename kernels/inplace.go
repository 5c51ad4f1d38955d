package kernels

import (
	"heavytail/simd"
	"heavytail/tensor"
)

// Pack implements tensor.Packer: whole panels of 32 outputs have as many values as the
// rows that they are copied from, so a weight whose outputs 32 divides is packed in its
// own storage.
func (c *CPU) Pack(ws ...*tensor.Tensor) {
	for _, w := range ws {
		p := w.Pack(0)
		p.Mu.Lock()
		if panels := w.Cols() / simd.TileCols; !p.Own && w.Cols()%simd.TileCols == 0 && w.Dense() {
			transposeBlocks(w.Data(), w.Rows(), panels)
			p.Data, p.Own = w.Data(), true
			p.Gen.Store(w.Gen() + 1)
		}
		p.Mu.Unlock()
	}
}

// Unpack implements tensor.Packer.
func (c *CPU) Unpack(ws ...*tensor.Tensor) {
	for _, w := range ws {
		p := w.Pack(0)
		p.Mu.Lock()
		if p.Own {
			transposeBlocks(w.Data(), w.Cols()/simd.TileCols, w.Rows())
			p.Data, p.Own = nil, false
			p.Gen.Store(0)
		}
		p.Mu.Unlock()
	}
}

// transposeBlocks transposes data, rows×cols blocks of 32 values, in place: it follows
// each cycle of places from the first block that has not moved.
func transposeBlocks(data []float32, rows, cols int) {
	n := rows * cols
	if rows < 2 || cols < 2 {
		return
	}
	block := func(i int) *[simd.TileCols]float32 { return (*[simd.TileCols]float32)(data[i*simd.TileCols:]) }
	moved := make([]uint64, (n+63)/64)
	for first := range n {
		if moved[first/64]>>(first%64)&1 != 0 {
			continue
		}
		held := *block(first)
		for at := first; ; {
			moved[at/64] |= 1 << (at % 64)
			from := at%rows*cols + at/rows // what comes to at, row by row of the transpose
			if from == first {
				*block(at) = held
				break
			}
			*block(at) = *block(from)
			at = from
		}
	}
}

// Unpacked implements tensor.Packer.
func (c *CPU) Unpacked(dst []float32, w *tensor.Tensor) {
	if w.Pack(0).Own {
		unpackPanels(dst, w.Data(), w.Rows(), w.Cols())
		return
	}
	for i := range w.Rows() {
		copy(dst[i*w.Cols():][:w.Cols()], w.Data()[i*w.Pitch():])
	}
}

// unpackPanels is the inverse of packPanels for a dense matrix b of k rows and cols
// columns, which 32 divides.
func unpackPanels(b, src []float32, k, cols int) {
	for col := 0; col < cols; col += simd.TileCols {
		for i := range k {
			*(*[simd.TileCols]float32)(b[i*cols+col:]) = *(*[simd.TileCols]float32)(src[i*simd.TileCols:])
		}
		src = src[k*simd.TileCols:]
	}
}
