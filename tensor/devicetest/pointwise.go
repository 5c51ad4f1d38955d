package devicetest

import (
	"fmt"
	"math"

	"heavytail/tensor"
)

// Cases returns the suite, without the large shapes if short.
func Cases(short bool) []Case {
	var all []Case
	for _, f := range []func() []Case{
		copyCases, linearCases, convCases, afterCases, winogradCases, upCases, staleCases, resampleCases, channelCases, normCases, siluCases, attentionCases, wideCases,
		embeddingCases, dropoutCases, lossCases, optimCases,
	} {
		for _, c := range f() {
			if !short || !c.Big {
				all = append(all, c)
			}
		}
	}
	return all
}

// rowShapes are activations [N,H,W,C] for what works element by element.
var rowShapes = [][]int{{1, 1, 1, 1}, {2, 1, 3, 5}, {3, 2, 2, 17}, {2, 5, 3, 33}, {3, 8, 8, 64}, {3, 31, 17, 35}}

// copyCases: Copy and Fill are exact, Add and Scale round once.
func copyCases() []Case {
	var out []Case
	for _, s := range rowShapes {
		for _, mode := range []string{"dense", "view"} {
			out = append(out, Case{
				Name: fmt.Sprintf("Add/%v/%s", s, mode), pitch: mode == "view",
				units: map[string]float64{"copy": 1e-9, "fill": 1e-9, "sum": 1, "left": 1, "right": 1, "scaled": 1, "samples": 1, "sumsq": float64(size(s))/16 + 16},
				run: func(e *env) {
					a, b := e.in("a", s...), e.in("b", s...)
					cp, fill, sum := e.out("copy", s...), e.out("fill", s...), e.out("sum", s...)
					l, r, sc := e.inout("left", s...), e.inout("right", s...), e.acc("scaled", s...)
					each, factors := e.out("samples", s...), []float32{-1.5, 0.3, 7}
					e.batches(s[0], func(lo, hi int) {
						e.dev.Copy(cp.Batch(lo, hi), a.Batch(lo, hi))
						e.dev.Fill(fill.Batch(lo, hi), -2.5)
						e.dev.Add(sum.Batch(lo, hi), a.Batch(lo, hi), b.Batch(lo, hi))
						e.dev.Add(l.Batch(lo, hi), l.Batch(lo, hi), b.Batch(lo, hi))
						e.dev.Add(r.Batch(lo, hi), a.Batch(lo, hi), r.Batch(lo, hi))
						e.dev.Scale(sc.Batch(lo, hi), 0.37)
						e.dev.ScaleSamples(each.Batch(lo, hi), a.Batch(lo, hi), factors[lo:hi])
					})
					e.numbers["sumsq"] = []float64{e.dev.SumSq(sc)}
				},
				magnitude: func(v Values) Values {
					return Values{"copy": abs(v["copy"]), "fill": abs(v["fill"]), "sum": abs(v["sum"]), "left": abs(v["left"]),
						"right": abs(v["right"]), "scaled": abs(v["scaled"]), "samples": abs(v["samples"]), "sumsq": v["sumsq"]}
				},
			})
		}
	}
	return out
}

// siluCases: the sigmoid is good to a few ulp; the derivative is a sum of two
// terms that cancel near x = −1.28. Where e^x underflows it may be any number
// up to the smallest normal one, 2⁻¹²⁶.
func siluCases() []Case {
	var out []Case
	for i, s := range rowShapes {
		for _, mode := range []string{"dense", "view", "nan"} {
			amp := []float64{1, 5, 30, 120}[i%4]
			out = append(out, Case{
				Name: fmt.Sprintf("SiLU/%v/%s", s, mode), pitch: mode == "view", poison: mode == "nan",
				units: map[string]float64{"y": 8, "dx": 8},
				run: func(e *env) {
					e.uniform(0, amp)
					x := e.in("x", s...)
					e.uniform(0, 1)
					y, dy, dx := e.out("y", s...), e.in("dy", s...), e.out("dx", s...)
					e.batches(s[0], func(lo, hi int) {
						e.dev.SiLU(y.Batch(lo, hi), x.Batch(lo, hi))
						e.dev.SiLUBackward(dx.Batch(lo, hi), dy.Batch(lo, hi), x.Batch(lo, hi))
					})
				},
				magnitude: func(v Values) Values {
					const floor = 0x1p-126 * 0x1p24 / 8 // 2⁻¹²⁶ after the 8 units above
					m := Values{"y": abs(v["y"]), "dx": abs(v["dy"])}
					for i, x := range v["x"] {
						s := 1 / (1 + math.Exp(-x))
						m["y"][i] += math.Abs(x) * floor
						m["dx"][i] *= s + math.Abs(x)*(s*(1-s)+floor)
					}
					return m
				},
			})
		}
	}
	return out
}

// embeddingCases: a look-up adds once, its gradient once per sample.
func embeddingCases() []Case {
	var out []Case
	for _, s := range []struct{ K, C, N int }{{1, 2, 1}, {3, 18, 5}, {10, 64, 7}, {4, 130, 33}} {
		for _, mode := range []string{"dense", "view"} {
			out = append(out, Case{
				Name: fmt.Sprintf("Embedding/%+v/%s", s, mode), pitch: mode == "view",
				units: map[string]float64{"y": 1, "dtable": float64(s.N + 1)},
				run: func(e *env) {
					ids := make([]int, s.N)
					for i := range ids {
						ids[i] = int(e.rnd.Uint64()%uint64(s.K+1)) - 1
					}
					y, table := e.inout("y", s.N, s.C), e.param("table", s.K, s.C)
					dy, dtable := e.in("dy", s.N, s.C), e.acc("dtable", s.K, s.C)
					e.batches(s.N, func(lo, hi int) {
						e.dev.Embedding(y.Batch(lo, hi), table, ids[lo:hi])
						e.dev.EmbeddingBackward(dtable, dy.Batch(lo, hi), ids[lo:hi])
					})
				},
			}, timestepCase("TimestepEmbedding", s.N, s.C, mode, tensor.TimeOpt{Scale: 1000}))
			for shift := range min(2, s.C/2) {
				opt := tensor.TimeOpt{Scale: 1000, SinFirst: true, Shift: shift}
				out = append(out, timestepCase(fmt.Sprintf("TimeOrder/shift=%d", shift), s.N, s.C, mode, opt))
			}
		}
	}
	return out
}

// timestepCase: the angle s·t·f_k may carry three roundings, the result one.
func timestepCase(name string, N, D int, mode string, opt tensor.TimeOpt) Case {
	var times []float32
	return Case{
		Name: fmt.Sprintf("%s/N=%d,D=%d/%s", name, N, D, mode), pitch: mode == "view", units: map[string]float64{"y": 3},
		run: func(e *env) {
			times = make([]float32, N)
			for i := range times {
				times[i] = float32(e.rnd.Float64()+1) / 2
			}
			y := e.out("y", N, D)
			e.batches(N, func(lo, hi int) { e.dev.TimestepEmbedding(y.Batch(lo, hi), times[lo:hi], opt) })
		},
		magnitude: func(v Values) Values {
			m := make([]float64, N*D)
			for i := range m {
				m[i] = 1 + 1000*float64(times[i/D])*math.Pow(10000, -float64(i%D%(D/2))/float64(D/2-opt.Shift))
			}
			return Values{"y": m}
		},
	}
}
