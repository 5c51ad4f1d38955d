package rare_test

import (
	"context"
	"fmt"
	"log"

	"heavytail/diffusion"
	"heavytail/diffusion/rare"
)

// The probability that a value of Student's law with ν = 3 is above 103, one in a million,
// from ten thousand samples. Map is the sampler, here the identity, so the truth is known.
func ExampleGuided() {
	m := rare.Model{
		Dim:   1,
		Noise: diffusion.TEDM(3).UnitNoise(1),
		Map:   func(context.Context, []float64) error { return nil },
	}
	event := rare.Event{Value: func(x []float64) float64 { return x[0] }, Threshold: 103.3}
	e, err := rare.Guided(context.Background(), m, event, 10000, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1g, reliable: %v\n", e.P, e.Reliable())
	fmt.Println("1e-6 in the interval:", e.Lo < 1e-6 && 1e-6 < e.Hi)
	// Output:
	// 1e-06, reliable: true
	// 1e-6 in the interval: true
}
