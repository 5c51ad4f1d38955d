//go:build !amd64.v3 && !arm64 && !loong64 && !ppc64 && !ppc64le && !riscv64 && !s390x

package simd

// fuses and fusesLanes: see fma_fuse.go. Here the compiler never fuses, or the
// processor may not have the instruction.
const fuses, fusesLanes = false, false
