package simd

import "fmt"

// must2 panics unless the lengths agree.
func must2(op string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("simd: %s: lengths %d and %d differ", op, a, b))
	}
}

// must3 panics unless the lengths agree.
func must3(op string, a, b, c int) {
	if a != b || a != c {
		panic(fmt.Sprintf("simd: %s: lengths %d, %d and %d differ", op, a, b, c))
	}
}

// Add sets dst_i = a_i + b_i. dst may be a or b. It panics if lengths differ,
// as do the functions below.
func Add(dst, a, b []float32) {
	must3("Add", len(dst), len(a), len(b))
	add(dst, a, b)
}

// Sub sets dst_i = a_i − b_i. dst may be a or b.
func Sub(dst, a, b []float32) {
	must3("Sub", len(dst), len(a), len(b))
	sub(dst, a, b)
}

// Mul sets dst_i = a_i·b_i. dst may be a or b.
func Mul(dst, a, b []float32) {
	must3("Mul", len(dst), len(a), len(b))
	mul(dst, a, b)
}

// Scale sets dst_i = s·x_i. dst may be x.
func Scale(dst, x []float32, s float32) {
	must2("Scale", len(dst), len(x))
	scale(dst, x, s)
}

// Axpy sets y_i = fma(a, x_i, y_i). y may be x.
func Axpy(y []float32, a float32, x []float32) {
	must2("Axpy", len(y), len(x))
	axpby(y, a, x, 1, y)
}

// AxpBy sets dst_i = fma(a, x_i, b·y_i), the product b·y_i rounded first.
// dst may be x or y.
func AxpBy(dst []float32, a float32, x []float32, b float32, y []float32) {
	must3("AxpBy", len(dst), len(x), len(y))
	axpby(dst, a, x, b, y)
}

// LinComb3 sets dst_i = fma(c, z_i, fma(b, y_i, a·x_i)). dst may be x, y or z.
func LinComb3(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32) {
	must3("LinComb3", len(dst), len(x), len(y))
	must2("LinComb3", len(dst), len(z))
	linComb3(dst, a, x, b, y, c, z)
}

// Clamp sets dst_i to x_i limited to [lo, hi]: lo if x_i < lo, then hi if that
// is > hi. NaN stays NaN. dst may be x.
func Clamp(dst, x []float32, lo, hi float32) {
	must2("Clamp", len(dst), len(x))
	clamp(dst, x, lo, hi)
}

// Fill sets every element of dst to v.
func Fill(dst []float32, v float32) {
	if len(dst) == 0 {
		return
	}
	dst[0] = v
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// Mask sets dst_i = s·x_i where words_i ≥ limit, else 0 (whatever x_i is). dst
// may be x.
func Mask(dst, x []float32, words []uint32, limit uint32, s float32) {
	must3("Mask", len(dst), len(x), len(words))
	mask(dst, x, words, limit, s)
}

// Huber sets dst_i to x²/2 where |x| < 1, else |x| − ½, as m·(|x| − m/2) with
// m = min(|x|, 1): the difference is exact for |x| < 1. dst may be x.
func Huber(dst, x []float32) {
	must2("Huber", len(dst), len(x))
	huber(dst, x)
}

// transposed is the number of rows that the kernel of Transpose takes.
const transposed = 16

// Transpose sets dst[to·c+r] = scale·src[r·pitch+c] for r < rows and c < cols. With
// to = TileCols these are columns 0…rows−1 of a panel of B (Tiles) from rows of its
// transpose. It panics if rows overlap or a slice is too short.
func Transpose(dst, src []float32, rows, cols, to, pitch int, scale float32) {
	if rows == 0 || cols == 0 {
		return
	}
	if rows < 0 || cols < 0 || pitch < cols || to < rows || len(src) < (rows-1)*pitch+cols || len(dst) < (cols-1)*to+rows {
		panic(fmt.Sprintf("simd: Transpose: %d rows of %d columns, %d apart, in %d values, to %d, %d apart",
			rows, cols, pitch, len(src), len(dst), to))
	}
	whole := cols &^ 3
	for r := 0; r < rows; r += transposed {
		from := 0
		// of a last group its kernel does some rows of the one before again: single
		// elements are slow
		if whole > 0 && rows >= transposed && rows-r > transposed/8 {
			r = min(r, rows-transposed)
			transpose(dst[r:], src[r*pitch:], whole, to, pitch, scale)
			from = whole
		}
		if from == cols {
			continue
		}
		for i := r; i < min(r+transposed, rows); i++ {
			for c, v := range src[i*pitch:][from:cols] {
				dst[(from+c)*to+i] = v * scale
			}
		}
	}
}
