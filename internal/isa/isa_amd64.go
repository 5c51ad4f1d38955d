//go:build !purego

package isa

import "github.com/klauspost/cpuid/v2"

// detect lists the levels above Generic. cpuid clears the AVX and AVX-512
// features when the operating system does not save their registers (XGETBV),
// so a level listed here cannot raise an illegal instruction.
func detect() []Level {
	var out []Level
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		out = append(out, AVX2)
		if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512DQ, cpuid.AVX512VL) {
			out = append(out, AVX512)
		}
	}
	return out
}
