package cuda_test

import (
	"context"
	"fmt"

	"heavytail"
	"heavytail/cuda"
)

// A model on the first GPU of the machine, in a program built with -tags cuda: the
// samples are those of the CPU, to the byte.
func ExampleOpen() {
	gpu, err := cuda.Open(0)
	if err != nil {
		fmt.Println(err) // what is missing; the CPU works without it
		return
	}
	defer gpu.Close()
	m, err := heavytail.Loader{Device: gpu}.OpenFile("model.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	images, err := m.Sample(context.Background(), heavytail.Options{N: 64, Seed: 1})
	if err != nil {
		fmt.Println(err) // also if the GPU fails on the way
		return
	}
	fmt.Println(images.Len())
}
