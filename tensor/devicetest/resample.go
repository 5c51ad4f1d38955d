package devicetest

import (
	"fmt"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// resampleShapes covers one to four taps, halving, doubling, neither, images
// smaller than the filter, and channel counts off every vector width. Taps
// holds their number only; the values are drawn.
var resampleShapes = []ref64.ResampleShape{
	{N: 1, H: 1, W: 1, C: 1, Stride: 1, Taps: make([]float64, 1)}, {N: 2, H: 3, W: 4, C: 3, Stride: 1, Taps: make([]float64, 1), Pad: 2},
	{N: 2, H: 4, W: 6, C: 5, Stride: 2, Taps: make([]float64, 2)}, {N: 3, H: 7, W: 5, C: 17, Stride: 2, Taps: make([]float64, 2)},
	{N: 3, H: 6, W: 4, C: 33, Stride: 2, Taps: make([]float64, 4), Pad: 1}, {N: 2, H: 10, W: 6, C: 6, Stride: 2, Taps: make([]float64, 4)},
	{N: 2, H: 1, W: 2, C: 7, Stride: 2, Taps: make([]float64, 4), Pad: 3}, {N: 2, H: 5, W: 4, C: 20, Stride: 1, Taps: make([]float64, 3), Pad: 1},
	{N: 3, H: 3, W: 5, C: 18, Stride: 1, Up: true, Taps: make([]float64, 2)}, {N: 2, H: 4, W: 3, C: 34, Stride: 1, Up: true, Taps: make([]float64, 4), Pad: 1},
	{N: 2, H: 1, W: 1, C: 3, Stride: 1, Up: true, Taps: make([]float64, 4), Pad: 1}, {N: 2, H: 2, W: 3, C: 9, Stride: 1, Up: true, Taps: make([]float64, 1)},
	{N: 3, H: 32, W: 32, C: 40, Stride: 2, Taps: make([]float64, 4), Pad: 1}, {N: 3, H: 16, W: 16, C: 64, Stride: 1, Up: true, Taps: make([]float64, 4), Pad: 1},
}

// resampleCases: a tap is a product of two; a sum over k of them per side, in
// two passes, is off by at most 2k roundings of the sum of magnitudes.
func resampleCases() []Case {
	var out []Case
	for i, s := range resampleShapes {
		for _, mode := range []string{"dense", "view", "nan"} {
			k := len(s.Taps)
			h, w := s.Out()
			out = append(out, Case{
				Name: fmt.Sprintf("Resample/N=%d,H=%d,W=%d,C=%d,taps=%d,stride=%d,up=%v,pad=%d/%s", s.N, s.H, s.W, s.C, k, s.Stride, s.Up, s.Pad, mode),
				Big:  i >= 12, pitch: mode == "view", poison: mode == "nan",
				units: map[string]float64{"y": float64(2*k + 1), "dx": float64(2*k + 1)},
				run: func(e *env) {
					x, dy := e.in("x", s.N, s.H, s.W, s.C), e.in("dy", s.N, h, w, s.C)
					y, dx := e.out("y", s.N, h, w, s.C), e.out("dx", s.N, s.H, s.W, s.C)
					opt := tensor.ResampleOpt{Taps: e.random([]int{k}), Stride: s.Stride, Up: s.Up, Pad: s.Pad}
					e.batches(s.N, func(lo, hi int) {
						e.dev.Resample(y.Batch(lo, hi), x.Batch(lo, hi), opt)
						e.dev.ResampleBackward(dx.Batch(lo, hi), dy.Batch(lo, hi), opt)
					})
				},
			})
		}
	}
	return out
}

// channelCases: an addition rounds once, a sum over p pixels p times.
func channelCases() []Case {
	var out []Case
	for _, s := range append(rowShapes, []int{2, 24, 24, 66}) {
		for _, mode := range []string{"dense", "view", "nan"} {
			out = append(out, Case{
				Name: fmt.Sprintf("AddChannels/%v/%s", s, mode), Big: s[1] > 8, pitch: mode == "view", poison: mode == "nan",
				units: map[string]float64{"y": 1, "same": 1, "dv": float64(s[1]*s[2] + 1)},
				run: func(e *env) {
					x, v := e.in("x", s...), e.in("v", s[0], s[3])
					y, same, dv := e.out("y", s...), e.inout("same", s...), e.out("dv", s[0], s[3])
					e.batches(s[0], func(lo, hi int) {
						e.dev.AddChannels(y.Batch(lo, hi), x.Batch(lo, hi), v.Batch(lo, hi))
						e.dev.AddChannels(same.Batch(lo, hi), same.Batch(lo, hi), v.Batch(lo, hi))
						e.dev.SumPixels(dv.Batch(lo, hi), x.Batch(lo, hi))
					})
				},
			})
		}
	}
	return out
}
