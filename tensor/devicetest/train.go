package devicetest

import (
	"fmt"
	"math"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// dropoutCases: the mask must be the reference's, the scale two roundings off
// at most.
func dropoutCases() []Case {
	var out []Case
	for i, s := range rowShapes {
		for _, mode := range []string{"dense", "view"} {
			p, seed := []float32{0.1, 0.5, 0, 0.9}[i%4], 0x9E3779B97F4A7C15*uint64(i+1)
			out = append(out, Case{
				Name: fmt.Sprintf("Dropout/%v,p=%v/%s", s, p, mode), pitch: mode == "view",
				units: map[string]float64{"y": 3, "twice": 3},
				run: func(e *env) {
					e.uniform(3, 1) // no zeros of its own
					x, y, tw := e.in("x", s...), e.out("y", s...), e.inout("twice", s...)
					keys := make([]uint64, s[0])
					for i := range keys {
						keys[i] = e.rnd.Uint64()
					}
					e.batches(s[0], func(lo, hi int) {
						e.dev.Dropout(y.Batch(lo, hi), x.Batch(lo, hi), p, seed, keys[lo:hi])
						e.dev.Dropout(tw.Batch(lo, hi), tw.Batch(lo, hi), p, seed, keys[lo:hi])
					})
				},
			})
		}
	}
	return out
}

// lossCases: a mean of non-negative terms, each a few operations on a residual
// that is rounded once.
func lossCases() []Case {
	var out []Case
	for _, s := range rowShapes {
		for _, kind := range []tensor.LossKind{tensor.Squared, tensor.Huber, tensor.PNorm} {
			for _, mode := range []string{"dense", "view"} {
				p := 1.3
				per := float64(size(s) / s[0])
				out = append(out, Case{
					Name: fmt.Sprintf("Loss/%v,kind=%d/%s", s, kind, mode), pitch: mode == "view",
					units: map[string]float64{"loss": per/16 + 16, "dpred": 16},
					run: func(e *env) {
						e.uniform(0, 2)
						pred, target := e.in("pred", s...), e.in("target", s...)
						dpred, loss, w := e.out("dpred", s...), make([]float64, s[0]), make([]float64, s[0])
						for i := range w {
							w[i] = e.rnd.Float64()
						}
						e.batches(s[0], func(lo, hi int) {
							e.dev.Loss(loss[lo:hi], pred.Batch(lo, hi), target.Batch(lo, hi), kind, p)
							e.dev.LossBackward(dpred.Batch(lo, hi), pred.Batch(lo, hi), target.Batch(lo, hi), kind, p, w[lo:hi])
						})
						e.numbers["loss"] = loss
					},
					magnitude: func(v Values) Values { return Values{"loss": v["loss"], "dpred": abs(v["dpred"])} },
				})
			}
		}
	}
	return out
}

// optimCases: three steps of AdamW and of the moving average, and a product
// with the weight they changed.
func optimCases() []Case {
	var out []Case
	for _, s := range [][2]int{{1, 1}, {3, 5}, {17, 33}, {70, 130}} {
		C, O, steps := s[0], s[1], 3
		opt := tensor.AdamWOpt{LR: 2e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, GradScale: 0.7}
		out = append(out, Case{
			Name: fmt.Sprintf("AdamW/%v", s), units: map[string]float64{"p": 24, "m": 24, "v": 24, "ema": 24, "y": float64(C + 27), "first": float64(C + 3)},
			run: func(e *env) {
				x, p, m := e.in("x", 2, C), e.acc("p", C, O), e.acc("m", C, O)
				e.uniform(1.1, 1) // second moments are positive
				v := e.acc("v", C, O)
				e.uniform(0, 1)
				ema, first, y := e.acc("ema", C, O), e.out("first", 2, O), e.out("y", 2, O)
				e.dev.Linear(first, x, p, nil)
				for i := range steps {
					o := opt
					o.Step = i + 1
					e.dev.AdamW(p, e.param(fmt.Sprint("g", i), C, O), m, v, o)
					e.dev.Lerp(ema, p, 0.99)
				}
				e.dev.Linear(y, x, p, nil)
			},
			magnitude: func(v Values) Values { return adamMagnitude(v, opt, steps, C, O) },
		})
	}
	return out
}

// adamMagnitude: m is a sum of terms of either sign, v of positive ones; p
// moves by LR times their quotient.
func adamMagnitude(v Values, opt tensor.AdamWOpt, steps, C, O int) Values {
	r := Values{
		"p": abs(v["p0"]), "m": abs(v["m0"]), "v": abs(v["v"]), "ema": abs(v["ema0"]),
		"y": make([]float64, 2*O), "first": make([]float64, 2*O),
	}
	for k := range steps {
		c1, c2 := 1-math.Pow(opt.Beta1, float64(k+1)), 1-math.Pow(opt.Beta2, float64(k+1))
		for i, g := range v[fmt.Sprint("g", k)] {
			r["m"][i] = opt.Beta1*r["m"][i] + (1-opt.Beta1)*opt.GradScale*math.Abs(g)
			// v only decays over the steps, so its last value gives the largest quotient.
			r["p"][i] += opt.LR / c1 * r["m"][i] / math.Sqrt(v["v"][i]*opt.Beta2/c2)
			r["ema"][i] = 0.99*r["ema"][i] + 0.01*r["p"][i]
		}
	}
	ref64.Linear(r["first"], abs(v["x"]), abs(v["p0"]), nil, 2, C, O)
	ref64.Linear(r["y"], abs(v["x"]), r["p"], nil, 2, C, O)
	return r
}
