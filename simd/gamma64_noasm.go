//go:build purego || !amd64

package simd

// gamma64Asm makes the attempts at try of the variates of the blocks at, whole
// groups of them, if there is assembly for it.
func gamma64Asm([]float64, *[gamma64Batch]uint64, uint32, *Philox, *Gamma64Params) bool { return false }
