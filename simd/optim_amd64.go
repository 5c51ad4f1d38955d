//go:build !purego

package simd

import "heavytail/internal/isa"

// adamwAVX512: one step of AdamW.Apply; k points at the first field of AdamW.
//
//go:noescape
func adamwAVX512(p, g, m, v []float32, k *float32)

// adamwAVX2 is adamwAVX512 for AVX2.
//
//go:noescape
func adamwAVX2(p, g, m, v []float32, k *float32)

func adamw(p, g, m, v []float32, k *AdamW) {
	switch isa.Cur() {
	case isa.AVX512:
		adamwAVX512(p, g, m, v, &k.Grad)
	case isa.AVX2:
		adamwAVX2(p, g, m, v, &k.Grad)
	default:
		adamwGeneric(p, g, m, v, k)
	}
}
