//go:build 386.sse2 || wasm

package dmath

// noFMA says that math.FMA is no instruction here, and that + and × of float64
// are: GO386=softfloat has neither, and math.FMA is the faster one there.
const noFMA = true
