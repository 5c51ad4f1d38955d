//go:build !purego

package simd

func noiseGroups(dst []float32, op NoiseOp, p *Philox, block uint32, q *NoiseParams) {
	noiseGroupsGeneric(dst, op, p, block, q)
}
