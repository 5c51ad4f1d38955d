package tails_test

import (
	"context"
	"fmt"
	"log"

	"heavytail/data"
	"heavytail/stable"
	"heavytail/tails"
)

// The tails of numbers in memory, and the settings with which the command train takes
// the noise that they ask for.
func ExampleLook() {
	x := make([]float64, 5000)
	stable.Key{Seed: 1}.StudentT(x, 3, 0)
	points := make([]float32, len(x))
	for i, v := range x {
		points[i] = float32(v)
	}
	set, err := data.FromPoints(points, 1)
	if err != nil {
		log.Fatal(err)
	}
	r, err := tails.Look(context.Background(), set, nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ν = %.1f, so train %s\n", *r.Suggestion.Nu, r.Suggestion.Train[0])
	// Output: ν = 2.9, so train -process tedm -nu 2.9
}
