package heavytail_test

import (
	"context"
	"fmt"
	"image/png"
	"os"
	"path/filepath"

	"heavytail"
	"heavytail/fashion"
)

// The whole way from the built-in model to a picture.
func Example() {
	m, err := fashion.Model() // or heavytail.OpenFile("runs/x/model.safetensors")
	if err != nil {
		panic(err)
	}
	images, err := m.Sample(context.Background(), heavytail.Options{N: 2, Seed: 7, Steps: 2})
	if err != nil {
		panic(err)
	}
	path := filepath.Join(os.TempDir(), "heavytail-example.png")
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer os.Remove(path)
	defer f.Close()
	if err := png.Encode(f, images.Grid(2)); err != nil {
		panic(err)
	}
	fmt.Println(images.Shape(), images.Grid(2).Bounds().Size(), images.Image(1).Bounds().Size())
	// Output: [2 28 28 1] (62,32) (28,28)
}

// Samples of chosen classes as float32, with progress.
func ExampleModel_Sample() {
	m, err := fashion.Model()
	if err != nil {
		panic(err)
	}
	steps := 0
	boots, err := m.Sample(context.Background(), heavytail.Options{
		Seeds: []uint64{3, 14}, Classes: []int{9}, Method: "dlpm", Steps: 2,
		Step: func(first, left int, x []float32) error { steps++; return nil },
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(boots.Len(), len(boots.Float32()), steps)
	// Output: 2 1568 3
}
