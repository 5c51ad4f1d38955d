//go:build purego || !amd64

package simd

// noise64GroupsAsm fills dst with whole groups, if there is assembly for it.
func noise64GroupsAsm([]float64, Noise64Op, *Philox, uint32, *Noise64Params) bool { return false }
