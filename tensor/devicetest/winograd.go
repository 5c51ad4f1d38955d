package devicetest

import (
	"fmt"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// winogradShapes are 3×3 convolutions of inputs that are alike: sizes that
// tiles divide and that they do not, less than a tile, many and few channels, and
// more tiles than the gradient of the weight transforms at a time.
var winogradShapes = []ref64.ConvShape{
	{N: 3, H: 7, W: 9, C: 33, O: 35, K: 3}, {N: 2, H: 8, W: 8, C: 64, O: 32, K: 3}, {N: 2, H: 6, W: 6, C: 40, O: 17, K: 3},
	{N: 3, H: 1, W: 13, C: 32, O: 40, K: 3}, {N: 2, H: 12, W: 10, C: 9, O: 33, K: 3}, {N: 2, H: 9, W: 11, C: 34, O: 3, K: 3},
	{N: 2, H: 3, W: 2, C: 36, O: 36, K: 3}, {N: 2, H: 5, W: 5, C: 2, O: 34, K: 3},
	{N: 2, H: 36, W: 33, C: 9, O: 7, K: 3}, {N: 3, H: 14, W: 15, C: 18, O: 19, K: 3},
	{N: 3, H: 16, W: 16, C: 64, O: 72, K: 3}, {N: 2, H: 28, W: 28, C: 32, O: 32, K: 3}, {N: 3, H: 4, W: 4, C: 150, O: 130, K: 3},
}

// winogradCases: the device may use any of three forms; the errors of a
// transformed one follow the magnitudes that its transforms see. Seven
// operations follow each other in the two dimensions of each transform at
// most, with two rounded coefficients in the last. The gradient of the weight is
// a chain over the pixels, or over fewer tiles with transforms around it, and one
// addition for each image.
func winogradCases() []Case {
	var out []Case
	for i, s := range winogradShapes {
		for _, mode := range []string{"dense", "view", "inplace"} {
			opt := tensor.ConvOpt{Normalized: true}
			s.Stride = 1
			pixels := s.N * s.H * s.W
			out = append(out, Case{
				Name: fmt.Sprintf("Winograd/%s/%s", shapeName(s), mode), Big: i >= 10, pitch: mode != "dense", products: true,
				units: map[string]float64{
					"y": float64(9*s.C + 24), "dx": float64(9*s.O + 24), "dw": float64(pixels + 24), "db": float64(pixels + 3),
				},
				run:       func(e *env) { runConv(e, s, opt, mode == "inplace") },
				magnitude: func(v Values) Values { return winogradMagnitude(v, s, mode == "inplace") },
			})
		}
	}
	return out
}

// winogradMagnitude adds up, for each output, the magnitudes that the errors
// of the direct form and of the two others are relative to. A chain over C
// channels of a transformed form rounds C times where the direct one, whose
// bound is stated, rounds 9·C times.
func winogradMagnitude(v Values, s ref64.ConvShape, inplace bool) Values {
	x, w, dy := abs(v["x"]), abs(v["w"]), abs(v["dy"])
	res := v["res"]
	if inplace {
		res = v["y0"]
	}
	if res != nil {
		res = abs(res)
	}
	m := Values{"y": make([]float64, len(dy)), "dw": abs(v["dw0"]), "db": abs(v["db0"]), "dx": nil}
	ref64.Conv2D(m["y"], x, w, abs(v["b"]), res, s)
	dx := make([]float64, len(x))
	ref64.Conv2DBackward(dx, m["dw"], m["db"], dy, x, w, s)
	back := s
	back.C, back.O = s.O, s.C
	flipped := ref64.Flipped(w, s.C, s.O)
	for _, form := range []int{2, 4} {
		f := ref64.NewWinograd(form).Abs()
		f.Conv2D(m["y"], x, w, s, 0)
		f.Conv2D(dx, dy, flipped, back, 0)
		f.Weight(m["dw"], x, dy, s, 0)
	}
	if m["dx"] = dx; inplace {
		delete(m, "dx")
	}
	return m
}

// upCases double an image that is large enough for the form of fewer products. Of its
// errors those of taps, pixels and products follow the magnitudes that its transforms see,
// two operations in each dimension; a chain of it has C terms where the direct one, whose
// bound is stated, has 9·C.
func upCases() []Case {
	var out []Case
	for i, s := range []ref64.ConvShape{
		{N: 3, H: 5, W: 7, C: 9, O: 33}, {N: 2, H: 8, W: 8, C: 40, O: 32}, {N: 2, H: 6, W: 5, C: 33, O: 17}, {N: 2, H: 13, W: 2, C: 34, O: 3},
		{N: 3, H: 16, W: 16, C: 64, O: 72}, {N: 2, H: 7, W: 7, C: 96, O: 96},
	} {
		s.K, s.Stride, s.Up = 3, 1, true
		for _, mode := range []string{"dense", "view", "inplace", "nan"} {
			pixels := 4 * s.N * s.H * s.W
			out = append(out, Case{
				Name: fmt.Sprintf("Up/%s/%s", shapeName(s), mode), Big: i >= 4,
				pitch: mode == "view" || mode == "inplace", poison: mode == "nan", products: true,
				units: map[string]float64{
					"y": float64(9*s.C + 16), "dx": float64(9*s.O + 4), "dw": float64(s.N*s.H*s.W + 5), "db": float64(pixels + 3),
				},
				run:       func(e *env) { runConv(e, s, tensor.ConvOpt{Up: true}, mode == "inplace") },
				magnitude: func(v Values) Values { return upMagnitude(v, s, mode == "inplace") },
			})
		}
	}
	return out
}

// upMagnitude is winogradMagnitude of upCases.
func upMagnitude(v Values, s ref64.ConvShape, inplace bool) Values {
	x, w, dy := abs(v["x"]), abs(v["w"]), abs(v["dy"])
	res := v["res"]
	if inplace {
		res = v["y0"]
	}
	if res != nil {
		res = abs(res)
	}
	m := Values{"y": make([]float64, len(dy)), "dw": abs(v["dw0"]), "db": abs(v["db0"]), "dx": make([]float64, len(x))}
	ref64.Conv2D(m["y"], x, w, abs(v["b"]), res, s)
	ref64.NewUp().Abs().Conv2D(m["y"], x, w, s, 0)
	ref64.Conv2DBackward(m["dx"], m["dw"], m["db"], dy, x, w, s)
	if inplace {
		delete(m, "dx")
	}
	return m
}
