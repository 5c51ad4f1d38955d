package diffusion_test

import (
	"context"
	"fmt"
	"math"

	"heavytail/diffusion"
)

// A denoiser of one's own, without a network: the data are three points in the
// plane, of which D(x; σ) is the mean, weighted by how likely each has become x
// under Gaussian noise. Every sampler of the levels σ takes it.
func Example_ownDenoiser() {
	points := [][2]float64{{-1, 0}, {1, 0}, {0, 1}}
	var D diffusion.DataDenoiser = func(_ context.Context, data, x, sigma []float64) error {
		for i, s := range sigma { // row i is the point (x[2i], x[2i+1])
			at, out, total := x[2*i:][:2], data[2*i:][:2], 0.0
			var distance [3]float64
			for k, p := range points {
				distance[k] = math.Pow(at[0]-p[0], 2) + math.Pow(at[1]-p[1], 2)
			}
			nearest := min(distance[0], distance[1], distance[2]) // a factor that cancels, so that no weight is 0/0
			out[0], out[1] = 0, 0
			for k, p := range points {
				w := math.Exp((nearest - distance[k]) / (2 * s * s))
				total += w
				out[0] += w * p[0]
				out[1] += w * p[1]
			}
			out[0] /= total
			out[1] /= total
		}
		return nil
	}
	seeds := []uint64{1, 2, 3, 4, 5, 6}
	s := diffusion.EDMSampler{Process: diffusion.EDM{}, Steps: 18}
	x, err := s.Sample(context.Background(), D, seeds, 2)
	if err != nil {
		panic(err)
	}
	for i := range seeds {
		fmt.Printf("(%.0f, %.0f) ", math.Abs(float64(x[2*i])), math.Abs(float64(x[2*i+1])))
	}
	// Output: (1, 0) (0, 1) (1, 0) (1, 0) (1, 0) (0, 1)
}
