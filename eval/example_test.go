package eval_test

import (
	"context"
	"fmt"
	"log"

	"heavytail/eval"
	"heavytail/stable"
)

// Normal numbers beside numbers of Student's law with three degrees of freedom: the middle
// is near, the tail is not.
func ExamplePoints() {
	real, normal := make([]float64, 4000), make([]float32, 4000)
	stable.Key{Seed: 1}.StudentT(real, 3, 0)
	stable.Key{Seed: 2}.Normal(normal, 0)
	gen := make([]float64, len(normal))
	for i, v := range normal {
		gen[i] = float64(v)
	}
	s, err := eval.Points(context.Background(), real, gen, 1, []int{0}, func(int) string { return "return" }, eval.Defaults())
	if err != nil {
		log.Fatal(err)
	}
	c := s.Columns[0]
	fmt.Printf("%s: Kolmogorov distance %.2f, 99.9 %% quantile %.2f of the real one\n", c.Column, float64(c.KS), float64(c.Ratio999))
	// Output: return: Kolmogorov distance 0.06, 99.9 % quantile 0.24 of the real one
}
