//go:build !(386.sse2 || wasm)

package dmath

const noFMA = false
