package output

import (
	"context"

	"heavytail/stable/laws"
)

// Noise is everything that variates of a law follow from.
type Noise struct {
	Law    string `json:"law"`             // as laws.New takes it
	Param  string `json:"param,omitempty"` // of a skewed stable law: s0 or s1
	Method string `json:"method"`          // map or table
	Seed   uint64 `json:"seed"`
}

// OfNoise returns n variates, or rows, of a law as samples, which are made as they are
// written: to .npy, or in parts. wide makes them float64; it panics if the law is made in
// float32 only.
func OfNoise(v laws.Values, of Noise, n int, wide bool) *Samples {
	s := &Samples{Command: "noise", N: n, Wide: wide, noise: &of}
	if v.Rows > 0 {
		s.Shape = []int{v.Rows}
	}
	if wide && v.Fill64 == nil {
		panic("output: OfNoise: float64 values of a law that is made in float32 only")
	}
	s.stream = func(ctx context.Context, lo, hi int, emit func(first int, x []float32) error) error {
		return v.Stream(ctx, lo, hi, emit)
	}
	s.stream64 = func(ctx context.Context, lo, hi int, emit func(first int, x []float64) error) error {
		return v.Stream64(ctx, lo, hi, emit)
	}
	return s
}
