package modelfile_test

import (
	"fmt"
	"log"

	"heavytail/fashion"
	"heavytail/modelfile"
)

// What is in the file of the built-in model, without its weights in memory.
func ExampleBytes() {
	f := modelfile.Bytes("fashion.safetensors", fashion.File())
	defer f.Close()
	info, err := f.Info()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Noise, info.Storage, info.Parameters, "parameters")
	fmt.Println("training can go on:", info.Resumable)
	// Output:
	// dlpm, α = 1.7 F16 1956065 parameters
	// training can go on: false
}
