//go:build cuda

package device

import (
	"fmt"

	"heavytail/cuda"
	"heavytail/tensor"
)

// Built is whether the program can compute on a GPU at all.
const Built = true

// modes are those of a GPU, the default exact.
var modes = map[Mode]cuda.Mode{Exact: cuda.Exact, TF32: cuda.TF32, BF16: cuda.BF16}

func open(number int, mode Mode) (tensor.Device, error) {
	dev, err := cuda.OpenWith(number, cuda.Options{Mode: modes[mode]})
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// GPUs lists the GPUs, or says what is missing.
func GPUs() ([]GPU, error) {
	all, err := cuda.Devices()
	if err != nil {
		return nil, err
	}
	out := make([]GPU, len(all))
	for i, in := range all {
		out[i] = GPU{Number: i, Name: in.Name, Driver: in.Version, Capability: fmt.Sprintf("%d.%d", in.Capability/10, in.Capability%10),
			Processors: in.Processors, Memory: in.Memory, Modes: []Mode{}}
		if in.Capability >= cuda.LeastCapability {
			out[i].Modes = append(out[i].Modes, Exact, TF32, BF16)
		}
	}
	return out, nil
}
