//go:build !purego

package isa

// detect lists the levels above Generic: every arm64 processor has NEON.
func detect() []Level { return []Level{NEON} }
