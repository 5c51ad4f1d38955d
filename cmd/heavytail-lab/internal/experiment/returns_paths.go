package experiment

import (
	"context"
	"math"
	"slices"
)

// memoryLags is the number of lags of the autocorrelation.
const memoryLags = 20

// memory returns the autocorrelation of the values of paths, about the mean of all:
// its mean over the lags 1 to memoryLags, and at lag 1.
func memory(paths [][]float64) (mean, first float64) {
	acf := autocorrelation(paths)
	for _, v := range acf {
		mean += v / memoryLags
	}
	return mean, acf[0]
}

func autocorrelation(paths [][]float64) (acf [memoryLags]float64) {
	mid := Summarise(slices.Concat(paths...)).Mean
	power, n := 0.0, 0
	var lagged [memoryLags]float64
	var pairs [memoryLags]int
	for _, p := range paths {
		for i, v := range p {
			power += float64((v - mid) * (v - mid))
			n++
			for k := range min(memoryLags, len(p)-i-1) {
				lagged[k] += float64((v - mid) * (p[i+k+1] - mid))
				pairs[k]++
			}
		}
	}
	for k := range acf {
		acf[k] = lagged[k] / float64(pairs[k]) / (power / float64(n))
	}
	return acf
}

// paths draws the days after the last one that was trained on, each given the
// volatility that the drawn ones before it make, and returns |r| of each path.
func (s series) paths(ctx context.Context, f forecast, z returnsSizes, seed uint64) ([][]float64, error) {
	last := s.held[0].vol // known before the first held-out day
	vol, seeds := make([]float64, z.paths), make([]uint64, z.paths)
	for i := range vol {
		vol[i] = last
	}
	out := make([][]float64, z.paths)
	for t := range z.length {
		for i := range seeds {
			seeds[i] = mix(seed ^ uint64(t*z.paths+i))
		}
		r, err := f(ctx, vol, seeds)
		if err != nil {
			return nil, err
		}
		for i, x := range r {
			x = min(max(x, -1), 1) // a logarithmic return of 1 is a share that triples: beyond that a path has no tomorrow
			out[i] = append(out[i], math.Abs(x))
			vol[i] = math.Sqrt(float64(decay*vol[i]*vol[i]) + float64((1-decay)*x*x))
		}
	}
	return out, nil
}

func returnsOf(days []day) (r []float64) {
	for _, d := range days {
		r = append(r, d.r)
	}
	return r
}

// absolute returns |x|, sorted.
func absolute(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Abs(v)
	}
	slices.Sort(out)
	return out
}
