package npy

import (
	"encoding/binary"
	"math"
)

// AppendFloats appends the little-endian numbers in b, float32 where they have 4 bytes
// each and float64 where they have 8.
func AppendFloats(x []float64, b []byte, size int) []float64 {
	for ; len(b) >= size; b = b[size:] {
		if size == 4 {
			x = append(x, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		} else {
			x = append(x, math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	}
	return x
}
