//go:build purego || !amd64

package simd

// noiseGroupsAsm fills dst with whole groups, if there is assembly for it.
func noiseGroupsAsm([]float32, NoiseOp, *Philox, uint32, *NoiseParams) bool { return false }

// noiseGivenAsm is noiseGroupsAsm for words in memory.
func noiseGivenAsm([]float32, NoiseOp, []uint32, *NoiseParams) bool { return false }
