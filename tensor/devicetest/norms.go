package devicetest

import (
	"fmt"
	"math"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// normCases covers GroupNorm and LayerNorm with every option.
func normCases() []Case {
	var out []Case
	for i, s := range []struct{ N, H, W, C, G int }{
		{1, 1, 2, 2, 1}, {2, 3, 3, 6, 3}, {3, 2, 5, 32, 32}, {3, 4, 4, 64, 32}, {2, 5, 3, 96, 32}, {3, 7, 3, 34, 2}, {2, 3, 2, 40, 1},
		{2, 16, 16, 64, 32}, {2, 32, 32, 32, 32}, {3, 16, 16, 96, 3},
	} {
		for _, mode := range []string{"plain", "silu", "ss", "ss silu view", "silu view add", "spike", "nan"} {
			out = append(out, groupNormCase(i >= 7, s.N, s.H, s.W, s.C, s.G, mode))
		}
	}
	for i, s := range [][2]int{{1, 1}, {3, 2}, {5, 17}, {4, 64}, {9, 100}, {70, 130}, {33, 600}} {
		for _, mode := range []string{"plain", "silu view", "silu add", "nan"} {
			out = append(out, layerNormCase(i >= 5, s[0], s[1], mode))
		}
	}
	return out
}

func normOpt(mode string, groups int) tensor.NormOpt {
	return tensor.NormOpt{Groups: groups, Eps: 1e-5, SiLU: has(mode, "silu"), AddDX: has(mode, "add")}
}

func groupNormCase(big bool, N, H, W, C, G int, mode string) Case {
	opt := normOpt(mode, G)
	shape := ref64.NormShape{N: N, P: H * W, C: C, G: G, Eps: float64(opt.Eps), SiLU: opt.SiLU}
	return Case{
		Name: fmt.Sprintf("GroupNorm/N=%d,H=%d,W=%d,C=%d,G=%d/%s", N, H, W, C, G, mode),
		Big:  big, pitch: has(mode, "view"), poison: mode == "nan",
		units: normUnits(shape), magnitude: func(v Values) Values { return normMagnitude(v, shape, opt.AddDX) },
		run: func(e *env) {
			e.uniform(1.5, 1)
			x := e.in("x", N, H, W, C)
			// A heavy-tailed draw in the corner, and one in the middle: a variance
			// from sums about such a value would lose what the others say.
			if has(mode, "spike") {
				e.dev.Fill(x.Batch(0, 1).Reshape(H*W, C).Batch(0, 1), 300)
				e.dev.Fill(x.Batch(N-1, N).Reshape(H*W, C).Batch(H*W/2, H*W/2+1), -3000)
			}
			e.uniform(0, 1)
			gamma, beta := e.param("gamma", C), e.param("beta", C)
			var ss, dss *tensor.Tensor
			if has(mode, "ss") {
				ss, dss = e.param("ss", N, 2*C), e.dense("dss", N, 2*C)
			}
			y, dy := e.out("y", N, H, W, C), e.in("dy", N, H, W, C)
			dgamma, dbeta, stats := e.acc("dgamma", C), e.acc("dbeta", C), e.dev.New(N, 2*C)
			dx := normDX(e, opt, N, H, W, C)
			e.batches(N, func(lo, hi int) {
				e.dev.GroupNorm(y.Batch(lo, hi), x.Batch(lo, hi), gamma, beta, sub(ss, lo, hi), stats.Batch(lo, hi), opt)
			})
			e.batches(N, func(lo, hi int) {
				normGradients(e, lo, dx.Batch(lo, hi), dgamma, dbeta, opt, func(dx, dgamma, dbeta *tensor.Tensor, opt tensor.NormOpt) {
					e.dev.GroupNormBackward(dx, dgamma, dbeta, sub(dss, lo, hi), dy.Batch(lo, hi),
						x.Batch(lo, hi), gamma, beta, sub(ss, lo, hi), stats.Batch(lo, hi), opt)
				})
			})
		},
	}
}

func layerNormCase(big bool, M, C int, mode string) Case {
	opt := normOpt(mode, 0)
	shape := ref64.NormShape{N: M, P: 1, C: C, G: 1, Eps: float64(opt.Eps), SiLU: opt.SiLU}
	return Case{
		Name: fmt.Sprintf("LayerNorm/M=%d,C=%d/%s", M, C, mode), Big: big, pitch: has(mode, "view"), poison: mode == "nan",
		units: normUnits(shape), magnitude: func(v Values) Values { return normMagnitude(v, shape, opt.AddDX) },
		run: func(e *env) {
			e.uniform(-1, 1.5)
			x := e.in("x", M, C)
			e.uniform(0, 1)
			gamma, beta, y, dy := e.param("gamma", C), e.param("beta", C), e.out("y", M, C), e.in("dy", M, C)
			dgamma, dbeta, stats := e.acc("dgamma", C), e.acc("dbeta", C), e.dev.New(M, 2)
			dx := normDX(e, opt, M, C)
			e.batches(M, func(lo, hi int) {
				e.dev.LayerNorm(y.Batch(lo, hi), x.Batch(lo, hi), gamma, beta, stats.Batch(lo, hi), opt)
				normGradients(e, lo, dx.Batch(lo, hi), dgamma, dbeta, opt, func(dx, dgamma, dbeta *tensor.Tensor, opt tensor.NormOpt) {
					e.dev.LayerNormBackward(dx, dgamma, dbeta, dy.Batch(lo, hi), x.Batch(lo, hi), gamma, beta, stats.Batch(lo, hi), opt)
				})
			})
		},
	}
}

// normGradients calls back for all gradients of a part of a batch from sample lo on: at
// once, and of a later part first for dx without those of gamma and beta, then for these.
func normGradients(e *env, lo int, dx, dgamma, dbeta *tensor.Tensor, opt tensor.NormOpt, back func(dx, dgamma, dbeta *tensor.Tensor, opt tensor.NormOpt)) {
	if lo == 0 {
		back(dx, dgamma, dbeta, opt)
		return
	}
	back(dx, nil, nil, opt)
	opt.AddDX = false
	back(e.dev.New(dx.Shape()...), dgamma, dbeta, opt)
}

// normDX makes dx: overwritten, or added to.
func normDX(e *env, opt tensor.NormOpt, shape ...int) *tensor.Tensor {
	if opt.AddDX {
		return e.inout("dx", shape...)
	}
	return e.out("dx", shape...)
}

// normUnits: a sum of K values in 16 lanes takes K/16 + 4 roundings, a sum over
// pixels and samples at most N·P; the rest is a handful of operations.
func normUnits(s ref64.NormShape) map[string]float64 {
	k := float64(s.P*s.C/s.G)/16 + 28
	sum := k + float64(s.N*s.P)
	return map[string]float64{"y": k, "dx": 2 * k, "dss": sum, "dgamma": sum, "dbeta": sum}
}

// normMagnitude repeats the computation of GroupNorm and its backward pass
// with every term replaced by a bound of its magnitude. A normalised value is
// uncertain by X = |x̂| + rstd·mean|x|, since the mean is; SiLU and its
// derivative pass an uncertainty on by at most 1.1 and 0.5.
func normMagnitude(v Values, s ref64.NormShape, addDX bool) Values {
	m := Values{
		"y": make([]float64, len(v["x"])), "dx": make([]float64, len(v["x"])), "dss": make([]float64, len(v["dss"])),
		"dgamma": abs(v["dgamma0"]), "dbeta": abs(v["dbeta0"]),
	}
	if addDX {
		m["dx"] = abs(v["dx0"])
	}
	for n := range s.N {
		for g := range s.G {
			normGroupMagnitude(m, v, s, n, g)
		}
	}
	return m
}

// normGroupMagnitude does group g of sample n.
func normGroupMagnitude(m, v Values, s ref64.NormShape, n, g int) {
	var at []int
	for i := range s.P * s.C {
		if i%s.C/(s.C/s.G) == g {
			at = append(at, n*s.P*s.C+i)
		}
	}
	k := float64(len(at))
	x := v["x"]
	mean, meanAbs, variance := 0.0, 0.0, 0.0
	for _, i := range at {
		mean += x[i] / k
		meanAbs += math.Abs(x[i]) / k
	}
	for _, i := range at {
		variance += (x[i] - mean) * (x[i] - mean) / k
	}
	rstd := 1 / math.Sqrt(variance+s.Eps)
	X, G := make([]float64, len(at)), make([]float64, len(at))
	meanG, meanGX := 0.0, 0.0
	for j, i := range at {
		c, scale, shift := i%s.C, 1.0, 0.0
		if ss := v["ss"]; ss != nil {
			scale, shift = 1+math.Abs(ss[2*n*s.C+c]), math.Abs(ss[(2*n+1)*s.C+c])
		}
		gamma, beta := math.Abs(v["gamma"][c]), math.Abs(v["beta"][c])
		X[j] = math.Abs(x[i]-mean)*rstd + rstd*meanAbs
		N := gamma*X[j] + beta
		V := N*scale + shift
		dv := math.Abs(v["dy"][i])
		m["y"][i] = V
		if s.SiLU {
			m["y"][i] = 1.1 * V
			dv *= 1.4 + 0.5*V
		}
		if len(m["dss"]) > 0 {
			m["dss"][2*n*s.C+c] += dv * N
			m["dss"][(2*n+1)*s.C+c] += dv
		}
		m["dgamma"][c] += dv * scale * X[j]
		m["dbeta"][c] += dv * scale
		G[j] = dv * scale * gamma
		meanG += G[j] / k
		meanGX += G[j] * X[j] / k
	}
	for j, i := range at {
		m["dx"][i] += rstd * (G[j] + meanG + X[j]*meanGX)
	}
}

func abs(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Abs(v)
	}
	return out
}
