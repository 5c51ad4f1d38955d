// Package cuda computes on NVIDIA's GPUs: a tensor.Device whose results have the
// bits of the CPU's (package kernels), for every method and shape, unless it is
// opened in a fast Mode.
//
// Its kernels are PTX that package gen writes into ptx; package emu interprets them
// for the tests, so that everything here but the driver itself runs on any machine.
// Programs reach a GPU with the build tag cuda, on linux/amd64 with cgo; without it
// Open returns an error. docs/cuda.md says what exists.
package cuda

import (
	"fmt"

	"heavytail/cuda/internal/cudrv"
	"heavytail/cuda/internal/driver"
)

//go:generate go run ./gen/cmd ptx

type (
	// Info tells about a GPU: Name, such as "NVIDIA H100 80GB HBM3"; Version, that of the
	// driver, in words; Capability, the compute capability times ten; Processors, how many
	// streaming multiprocessors it has; Shared, the bytes of shared memory that a block of
	// threads may have; Memory, the bytes that are free.
	Info = driver.Info

	// Driver is what New needs of a GPU: memory, copies, and the start of kernels. Programs
	// do not make one, but call Open; tests put the interpreter of PTX (cuda/emu) behind New.
	Driver = driver.Driver
	// Watcher is a Driver that is told how its memory is divided, as the interpreter is.
	Watcher = driver.Watcher
	// Module is PTX that a Driver has loaded.
	Module = driver.Module
	// Func is a kernel of a Module.
	Func = driver.Func
)

// ErrMemory says that a GPU has not the memory that was asked for.
var ErrMemory = driver.ErrMemory

// Open returns the GPU of that number, from 0, which has the bits of the CPU. It
// returns an error that says what is missing if the program was built without the tag
// cuda, there is no driver, or no such GPU, or it is too old.
func Open(n int) (*Device, error) { return OpenWith(n, Options{}) }

// OpenWith is Open with options, such as a faster Mode.
func OpenWith(n int, opt Options) (*Device, error) {
	drv, err := cudrv.Open(n)
	if err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	return New(drv, opt)
}

// Devices lists the GPUs by their numbers, or says as Open does what is missing.
func Devices() ([]Info, error) {
	l, err := cudrv.Devices()
	if err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	return l, nil
}
