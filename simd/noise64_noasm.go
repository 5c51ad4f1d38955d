//go:build purego || (!amd64 && !arm64)

package simd

// noise64TransformAsm and gamma64Asm return the number of blocks and of variates
// that they did, noise64Grouped whether it is quicker to make whole groups.
func noise64TransformAsm([]float64, []uint32, Noise64Op, *Noise64Params) (done int) { return 0 }
func gamma64Asm([]float64, *gamma64Words, *Gamma64Params) (done int)                { return 0 }
func noise64Grouped() bool                                                          { return false }
