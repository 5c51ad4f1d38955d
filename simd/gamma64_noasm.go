//go:build purego || !amd64

package simd

// gamma64GroupsAsm is gamma64Generic for whole groups of 32 variates, if there
// is assembly for it.
func gamma64GroupsAsm([]float64, *Philox, uint32, *Gamma64Params) bool { return false }
