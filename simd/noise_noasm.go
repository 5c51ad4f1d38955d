//go:build purego || (!amd64 && !arm64)

package simd

// philoxWordsAsm and noiseTransformAsm return the number of blocks that they
// did, noiseGrouped whether it is quicker to make whole groups.
func philoxWordsAsm([]uint32, *Philox, uint32, []uint64) int                  { return 0 }
func noiseTransformAsm([]float32, []uint32, NoiseOp, *NoiseParams) (done int) { return 0 }
func noiseGrouped() bool                                                      { return false }
