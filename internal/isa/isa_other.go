//go:build purego || (!amd64 && !arm64)

package isa

// detect lists the levels above Generic: this build has no assembly.
func detect() []Level { return nil }
