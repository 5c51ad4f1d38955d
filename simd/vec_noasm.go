//go:build purego || (!amd64 && !arm64)

package simd

func add(dst, a, b []float32) { addGeneric(dst, a, b) }

func sub(dst, a, b []float32) { subGeneric(dst, a, b) }

func mul(dst, a, b []float32) { mulGeneric(dst, a, b) }

func scale(dst, x []float32, s float32) { scaleGeneric(dst, x, s) }

func axpby(dst []float32, a float32, x []float32, b float32, y []float32) {
	axpbyGeneric(dst, a, x, b, y)
}

func linComb3(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32) {
	linComb3Generic(dst, a, x, b, y, c, z)
}

func clamp(dst, x []float32, lo, hi float32) { clampGeneric(dst, x, lo, hi) }

func huber(dst, x []float32) { huberGeneric(dst, x) }

func widenAdd(sum []float64, x []float32) { widenAddGeneric(sum, x) }

func sum(x []float32) float32 { return sumGeneric(x) }

func dot(a, b []float32) float32 { return dotGeneric(a, b) }

func vmax(x []float32) float32 { return maxGeneric(x) }

func mask(dst, x []float32, words []uint32, limit uint32, s float32) {
	maskGeneric(dst, x, words, limit, s)
}
