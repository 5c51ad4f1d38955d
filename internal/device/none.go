//go:build !cuda

package device

import (
	"errors"

	"heavytail/tensor"
)

// Built is whether the program can compute on a GPU at all.
const Built = false

var errTag = errors.New("this program was built without -tags cuda: build it with that tag (docs/cuda.md), or compute on the CPU")

func open(int, Mode) (tensor.Device, error) { return nil, errTag }

// GPUs lists the GPUs. A program without the tag cuda has none.
func GPUs() ([]GPU, error) { return nil, errTag }
