//go:build !purego

package simd

import "heavytail/internal/isa"

// adamwNEON: one step of AdamW.Apply; k points at the first field of AdamW.
//
//go:noescape
func adamwNEON(p, g, m, v []float32, k *float32)

func adamw(p, g, m, v []float32, k *AdamW) {
	if isa.Cur() == isa.NEON {
		adamwNEON(p, g, m, v, &k.Grad)
		return
	}
	adamwGeneric(p, g, m, v, k)
}
