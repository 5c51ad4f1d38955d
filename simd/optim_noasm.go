//go:build purego || (!amd64 && !arm64)

package simd

func adamw(p, g, m, v []float32, k *AdamW) {
	adamwGeneric(p, g, m, v, k)
}
