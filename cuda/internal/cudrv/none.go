//go:build !(cuda && cgo && linux && amd64)

package cudrv

import "heavytail/cuda/internal/driver"

// Open returns the GPU of that number. This program has none.
func Open(int) (driver.Driver, error) { return nil, errTag }

// Devices lists the GPUs by their numbers. This program has none.
func Devices() ([]driver.Info, error) { return nil, errTag }
