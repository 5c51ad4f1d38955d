// Package kernels is the CPU device: the operations of tensor.Device on top
// of the vector kernels of package simd, forward and backward, on any number
// of threads, with the same bits at every level and split.
package kernels

import (
	"fmt"

	"heavytail/internal/isa"
	"heavytail/internal/par"
	"heavytail/tensor"
)

// CPU is a tensor.Device on this machine's processor. It holds no state
// besides its options: any number of goroutines may use one value.
type CPU struct {
	threads int
}

var _ tensor.Device = (*CPU)(nil)

// New returns a CPU device that runs each operation on at most threads
// goroutines; threads ≤ 0 means GOMAXPROCS.
func New(threads int) *CPU { return &CPU{threads} }

// Name returns the level and the number of threads.
func (c *CPU) Name() string {
	return fmt.Sprintf("cpu %v, %d threads", isa.Cur(), par.Threads(c.threads))
}

// New returns a zeroed, aligned tensor.
func (c *CPU) New(shape ...int) *tensor.Tensor {
	n, ok := tensor.Elements(shape...)
	if !ok {
		n = 0 // of which Make says why
	}
	return tensor.Make(c, tensor.Aligned(n), shape...)
}
