package ref64

import (
	"math"

	"heavytail/tensor"
)

// NormShape is the geometry of a group normalisation: N samples of P pixels of
// C channels in G groups. LayerNorm has N rows, P = G = 1.
type NormShape struct {
	N, P, C, G int
	Eps        float64
	SiLU       bool
}

// moments returns mean and 1/√(variance+eps) of group g of sample n.
func (s NormShape) moments(x []float64, n, g int) (mean, rstd float64) {
	count := float64(s.P * s.C / s.G)
	s.group(n, g, func(i, _ int) { mean += x[i] / count })
	v := 0.0
	s.group(n, g, func(i, _ int) { v += (x[i] - mean) * (x[i] - mean) / count })
	return mean, 1 / math.Sqrt(v+s.Eps)
}

// group calls f with the index and the channel of every element of group g of
// sample n.
func (s NormShape) group(n, g int, f func(i, c int)) {
	for p := range s.P {
		for c := g * s.C / s.G; c < (g+1)*s.C/s.G; c++ {
			f((n*s.P+p)*s.C+c, c)
		}
	}
}

// scaleShift returns 1+scale and shift of channel c of sample n.
func (s NormShape) scaleShift(ss []float64, n, c int) (scale, shift float64) {
	if ss == nil {
		return 1, 0
	}
	return 1 + ss[n*2*s.C+c], ss[n*2*s.C+s.C+c]
}

// GroupNorm sets y = act(n·(1+scale) + shift), n = (x−mean)·rstd·gamma + beta;
// ss [N,2C] may be nil.
func GroupNorm(y, x, gamma, beta, ss []float64, s NormShape) {
	for n := range s.N {
		for g := range s.G {
			mean, rstd := s.moments(x, n, g)
			s.group(n, g, func(i, c int) {
				scale, shift := s.scaleShift(ss, n, c)
				v := ((x[i]-mean)*rstd*gamma[c]+beta[c])*scale + shift
				if s.SiLU {
					v = SiLU(v)
				}
				y[i] = v
			})
		}
	}
}

// GroupNormBackward adds to dx, dgamma and dbeta (both nil: skipped) and dss (nil if ss
// is nil).
func GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss []float64, s NormShape) {
	count := float64(s.P * s.C / s.G)
	for n := range s.N {
		for g := range s.G {
			mean, rstd := s.moments(x, n, g)
			// grad returns x̂ and the gradient with respect to it.
			grad := func(i, c int, sums bool) (xh, gx float64) {
				xh = (x[i] - mean) * rstd
				nrm := xh*gamma[c] + beta[c]
				scale, shift := s.scaleShift(ss, n, c)
				dv := dy[i]
				if s.SiLU {
					dv *= SiLUDeriv(nrm*scale + shift)
				}
				if sums {
					if dss != nil {
						dss[n*2*s.C+c] += dv * nrm
						dss[n*2*s.C+s.C+c] += dv
					}
					if dgamma != nil {
						dgamma[c] += dv * scale * xh
						dbeta[c] += dv * scale
					}
				}
				return xh, dv * scale * gamma[c]
			}
			m1, m2 := 0.0, 0.0
			s.group(n, g, func(i, c int) {
				xh, gx := grad(i, c, true)
				m1 += gx / count
				m2 += gx * xh / count
			})
			s.group(n, g, func(i, c int) {
				xh, gx := grad(i, c, false)
				dx[i] += rstd * (gx - m1 - xh*m2)
			})
		}
	}
}

// GroupNorm normalises x over groups of channels. stats is left alone: the
// backward pass recomputes what it needs.
func (Device) GroupNorm(y, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	s := normShape("GroupNorm", y, x, gamma, beta, ss, stats, opt)
	out := like(y)
	GroupNorm(out, Values(x), Values(gamma), Values(beta), values(ss), s)
	SetValues(y, out)
}

// GroupNormBackward computes the gradients of GroupNorm.
func (Device) GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	s := normShape("GroupNormBackward", dy, x, gamma, beta, ss, stats, opt)
	check("GroupNormBackward", "dss", dss, s.N, 2*s.C)
	normBackward("GroupNormBackward", dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, s, opt.AddDX)
}

// LayerNorm normalises each row of x.
func (Device) LayerNorm(y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	s := layerShape("LayerNorm", y, x, gamma, beta, stats, opt)
	out := like(y)
	GroupNorm(out, Values(x), Values(gamma), Values(beta), nil, s)
	SetValues(y, out)
}

// LayerNormBackward computes the gradients of LayerNorm.
func (Device) LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	s := layerShape("LayerNormBackward", dy, x, gamma, beta, stats, opt)
	normBackward("LayerNormBackward", dx, dgamma, dbeta, nil, dy, x, gamma, beta, nil, s, opt.AddDX)
}

func normBackward(op string, dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss *tensor.Tensor, s NormShape, addDX bool) {
	check(op, "dx", dx, x.Shape()...)
	check(op, "dgamma", dgamma, s.C)
	check(op, "dbeta", dbeta, s.C)
	if (dgamma == nil) != (dbeta == nil) {
		panic("ref64: " + op + ": want both gradients of parameters or neither")
	}
	gx, gg, gb, gs := like(dx), values(dgamma), values(dbeta), like(dss)
	if addDX {
		gx = Values(dx)
	}
	GroupNormBackward(gx, gg, gb, gs, Values(dy), Values(x), Values(gamma), Values(beta), values(ss), s)
	SetValues(dx, gx)
	setIf(dgamma, gg)
	setIf(dbeta, gb)
	setIf(dss, gs)
}

func normShape(op string, y, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) NormShape {
	N, C := x.Dim(0), x.Cols()
	s := NormShape{N, x.Rows() / max(N, 1), C, opt.Groups, float64(opt.Eps), opt.SiLU}
	if s.G < 1 || C%s.G != 0 {
		panic("ref64: " + op + ": channels do not divide into groups")
	}
	check(op, "y", y, x.Shape()...)
	check(op, "gamma", gamma, C)
	check(op, "beta", beta, C)
	check(op, "ss", ss, N, 2*C)
	check(op, "stats", stats, N, 2*C)
	return s
}

func layerShape(op string, y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) NormShape {
	M, C := x.Rows(), x.Cols()
	check(op, "y", y, x.Shape()...)
	check(op, "gamma", gamma, C)
	check(op, "beta", beta, C)
	check(op, "stats", stats, M, 2)
	return NormShape{M, 1, C, 1, float64(opt.Eps), opt.SiLU}
}
