package devicetest

import (
	"fmt"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// linearCases: a sum of k products, each fused or not, in any order, is off by
// at most k+1 roundings of the sum of magnitudes.
func linearCases() []Case {
	var out []Case
	for i, s := range []rowsShape{
		{1, 1, 1}, {2, 3, 5}, {7, 17, 33}, {5, 64, 16}, {13, 31, 100}, {33, 48, 7}, {3, 130, 129}, {300, 70, 150}, {67, 300, 65},
	} {
		out = append(out, linearCase("Linear", s, i >= 7)...)
	}
	return out
}

// A rowsShape is a product of M×C by C×O.
type rowsShape struct{ M, C, O int }

// linearCase returns the cases of one shape.
func linearCase(name string, s rowsShape, big bool) (out []Case) {
	for _, mode := range []string{"dense", "view", "bare", "nan"} {
		M, C, O := s.M, s.C, s.O
		out = append(out, Case{
			Name: fmt.Sprintf("%s/M=%d,C=%d,O=%d/%s", name, M, C, O, mode), Big: big,
			pitch: mode == "view", poison: mode == "nan", products: true,
			units: map[string]float64{"y": float64(C + 3), "dx": float64(O + 2), "dw": float64(M + 3), "db": float64(M + 3)},
			run: func(e *env) {
				x, w := e.in("x", M, C), e.param("w", C, O)
				y, dy, dw := e.out("y", M, O), e.in("dy", M, O), e.acc("dw", C, O)
				var b, db, dx *tensor.Tensor
				if mode != "bare" { // bare: everything that may be nil is
					b, db, dx = e.param("b", O), e.acc("db", O), e.out("dx", M, C)
				}
				e.batches(M, func(lo, hi int) {
					e.dev.Linear(y.Batch(lo, hi), x.Batch(lo, hi), w, b)
					gradients(lo, sub(dx, lo, hi), dw, db, func(dx, dw, db *tensor.Tensor) {
						e.dev.LinearBackward(dx, dw, db, dy.Batch(lo, hi), x.Batch(lo, hi), w)
					})
				})
			},
		})
	}
	return out
}

// convShapes covers both kernels, both strides, upsampling, images smaller
// than the kernel and channel counts on both sides of every vector width.
var convShapes = []ref64.ConvShape{
	{N: 1, H: 1, W: 1, C: 1, O: 1, K: 3}, {N: 2, H: 2, W: 3, C: 3, O: 5, K: 3}, {N: 3, H: 5, W: 7, C: 17, O: 33, K: 3},
	{N: 2, H: 8, W: 8, C: 16, O: 16, K: 3}, {N: 2, H: 5, W: 4, C: 7, O: 66, K: 1}, {N: 3, H: 9, W: 6, C: 33, O: 17, K: 1},
	{N: 2, H: 6, W: 6, C: 8, O: 20, K: 3, Stride: 2}, {N: 3, H: 7, W: 5, C: 5, O: 3, K: 3, Stride: 2},
	{N: 2, H: 5, W: 8, C: 18, O: 9, K: 1, Stride: 2}, {N: 2, H: 3, W: 4, C: 6, O: 10, K: 3, Up: true},
	{N: 2, H: 1, W: 1, C: 34, O: 2, K: 3, Up: true}, {N: 3, H: 5, W: 1, C: 3, O: 33, K: 3, Up: true},
	{N: 2, H: 2, W: 3, C: 5, O: 4, K: 1, Up: true}, {N: 3, H: 4, W: 4, C: 1, O: 32, K: 3}, {N: 2, H: 4, W: 4, C: 32, O: 1, K: 3},
	{N: 3, H: 13, W: 17, C: 40, O: 50, K: 3}, {N: 2, H: 16, W: 16, C: 64, O: 64, K: 3}, {N: 3, H: 8, W: 8, C: 64, O: 96, K: 3, Up: true},
	{N: 3, H: 32, W: 32, C: 32, O: 16, K: 3, Stride: 2}, {N: 2, H: 32, W: 32, C: 3, O: 48, K: 3},
}

// convCases: as linearCases with k = K²·C terms and the bias and the residual, and of
// gradients of upsampled ones the two additions of a box.
func convCases() []Case {
	var out []Case
	for i, s := range convShapes {
		out = append(out, convCase("Conv2D", s, i >= 15)...)
	}
	return out
}

// afterCases pad below and on the right only.
func afterCases() []Case {
	var out []Case
	for i, s := range []ref64.ConvShape{
		{N: 2, H: 6, W: 6, C: 8, O: 20}, {N: 3, H: 7, W: 5, C: 5, O: 3}, {N: 2, H: 2, W: 3, C: 17, O: 33}, {N: 3, H: 32, W: 32, C: 32, O: 16},
	} {
		s.K, s.Stride, s.After = 3, 2, true
		out = append(out, convCase("Conv2DAfter", s, i >= 3)...)
	}
	return out
}

// convCase returns the cases of one shape.
func convCase(name string, s ref64.ConvShape, big bool) (out []Case) {
	for _, mode := range []string{"dense", "view", "inplace", "nan"} {
		opt := tensor.ConvOpt{Stride: s.Stride, Up: s.Up, After: s.After}
		s.Stride = max(s.Stride, 1)
		h, w := s.Out()
		taps, pixels := s.K*s.K, s.N*h*w
		seen := min(s.N*s.H*s.W, pixels)
		out = append(out, Case{
			Name: fmt.Sprintf("%s/%s/%s", name, shapeName(s), mode), Big: big,
			pitch: mode == "view" || mode == "inplace", poison: mode == "nan", products: true,
			units: map[string]float64{
				"y": float64(taps*s.C + 4), "dx": float64(taps*s.O + 4),
				"dw": float64(seen + 5), "db": float64(pixels + 3),
			},
			run: func(e *env) { runConv(e, s, opt, mode == "inplace") },
		})
	}
	return out
}

func shapeName(s ref64.ConvShape) string {
	return fmt.Sprintf("{N:%d H:%d W:%d C:%d O:%d K:%d Stride:%d Up:%v}", s.N, s.H, s.W, s.C, s.O, s.K, s.Stride, s.Up)
}

// runConv runs forward and backward; inplace adds the result to y and leaves
// out dx.
func runConv(e *env, s ref64.ConvShape, opt tensor.ConvOpt, inplace bool) {
	h, w := s.Out()
	x, wt, b := e.in("x", s.N, s.H, s.W, s.C), e.param("w", s.K, s.K, s.C, s.O), e.param("b", s.O)
	dy, dw, db := e.in("dy", s.N, h, w, s.O), e.acc("dw", s.K, s.K, s.C, s.O), e.acc("db", s.O)
	var y, res, dx *tensor.Tensor
	if inplace {
		y = e.inout("y", s.N, h, w, s.O)
		res = y
	} else {
		y, dx = e.out("y", s.N, h, w, s.O), e.out("dx", s.N, s.H, s.W, s.C)
		if s.C%2 == 0 {
			res = e.in("res", s.N, h, w, s.O)
		}
	}
	e.batches(s.N, func(lo, hi int) {
		e.dev.Conv2D(y.Batch(lo, hi), x.Batch(lo, hi), wt, b, sub(res, lo, hi), opt)
		gradients(lo, sub(dx, lo, hi), dw, db, func(dx, dw, db *tensor.Tensor) {
			e.dev.Conv2DBackward(dx, dw, db, dy.Batch(lo, hi), x.Batch(lo, hi), wt, opt)
		})
	})
}

// gradients calls back for all gradients of a part of a batch from sample lo on: at once,
// and of a later part one after the other, for each may be nil.
func gradients(lo int, dx, dw, db *tensor.Tensor, back func(dx, dw, db *tensor.Tensor)) {
	if lo == 0 {
		back(dx, dw, db)
		return
	}
	back(nil, dw, nil)
	back(dx, nil, nil)
	back(nil, nil, db)
}

// staleCases change a weight in every way that a program can and use it after
// each: a copy that the device keeps in another order must follow.
func staleCases() []Case { return staleCase("Linear", rowsShape{5, 20, 18}) }

// staleCase returns the case of one shape.
func staleCase(name string, s rowsShape) []Case {
	M, C, O := s.M, s.C, s.O
	y, dx := float64(C+9), float64(O+9)
	return []Case{{
		Name: name + "/weight changes", products: true,
		// The weight itself goes through at most six roundings.
		units: map[string]float64{"y0": y, "y1": y, "y2": y, "y3": y, "y4": y, "dx4": dx, "dx5": dx, "w": 9},
		run: func(e *env) {
			x, dy, w, v := e.in("x", M, C), e.in("dy", M, O), e.acc("w", C, O), e.param("v", C, O)
			d := e.dev
			d.Linear(e.out("y0", M, O), x, w, nil)
			d.Copy(w, v)
			d.Linear(e.out("y1", M, O), x, w, nil)
			d.Scale(w, 3)
			d.Linear(e.out("y2", M, O), x, w, nil)
			d.Add(w, w, v)
			d.Linear(e.out("y3", M, O), x, w, nil)
			dw := e.param("dw", C, O)
			d.Lerp(w, dw, 0.25)
			d.Linear(e.out("y4", M, O), x, w, nil)
			d.LinearBackward(e.out("dx4", M, C), dw, nil, dy, x, w)
			d.Upload(w, e.random([]int{C, O}))
			d.LinearBackward(e.out("dx5", M, C), dw, nil, dy, x, w)
		},
	}}
}
