//go:build !cuda

// Package cudrv runs kernels on NVIDIA's GPUs, in programs that are built with the
// tag cuda.
package cudrv

import (
	"errors"

	"heavytail/cuda/internal/driver"
)

var errTag = errors.New("this program was built without the tag cuda: build it again with -tags cuda (linux/amd64, cgo), or compute on the CPU")

// Open returns the GPU of that number. This program has none.
func Open(int) (driver.Driver, error) { return nil, errTag }

// Devices lists the GPUs by their numbers. This program has none.
func Devices() ([]driver.Info, error) { return nil, errTag }
