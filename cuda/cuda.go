// Package cuda is the home of the GPU device: its kernels, written by gen into
// ptx, and emu, the interpreter that tests them. The device itself is not here
// yet; docs/cuda.md says what is.
package cuda

//go:generate go run ./gen/cmd ptx
