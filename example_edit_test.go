package heavytail_test

import (
	"context"
	"fmt"
	"log"

	"heavytail"
	"heavytail/fashion"
)

// A sneaker is drawn, then a boot like it, and then the sneaker's upper half
// with another sole. Guidance keeps them true to their class.
func ExampleEdit() {
	m, err := fashion.Model()
	if err != nil {
		log.Fatal(err)
	}
	draw := func(o heavytail.Options) []float32 {
		s, err := m.Sample(context.Background(), o)
		if err != nil {
			log.Fatal(err)
		}
		return s.Float32()
	}
	sneaker := draw(heavytail.Options{Steps: 10, Classes: []int{7}, Guidance: 2})

	boot := draw(heavytail.Options{Steps: 10, Classes: []int{9}, Guidance: 2,
		Edit: &heavytail.Edit{Image: sneaker, Strength: 0.6}})

	keep := make([]bool, len(sneaker)) // 28×28 pixels, the first 16 rows
	for j := range 16 * 28 {
		keep[j] = true
	}
	sole := draw(heavytail.Options{Steps: 10, Seed: 1, Classes: []int{7},
		Edit: &heavytail.Edit{Image: sneaker, Known: keep, Resample: 5}})

	same := 0
	for j, v := range sole {
		if v == sneaker[j] {
			same++
		}
	}
	fmt.Println(len(boot), "values;", same >= 16*28, "that the kept pixels are the same")
	// Output: 784 values; true that the kept pixels are the same
}
