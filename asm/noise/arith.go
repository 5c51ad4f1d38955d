package main

import "github.com/mmcloughlin/avo/operand"

// addK, subK and mulK return x+k, x−k and x·k in d, or new registers if d is nil;
// minK and maxK the smaller and the larger one.
func (g *gen) addK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VADDPS, g.VADDPD), g.typed(g.VADDPS_BCST, g.VADDPD_BCST), k, x, d)
}

func (g *gen) subK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VSUBPS, g.VSUBPD), g.typed(g.VSUBPS_BCST, g.VSUBPD_BCST), k, x, d)
}

func (g *gen) mulK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VMULPS, g.VMULPD), g.typed(g.VMULPS_BCST, g.VMULPD_BCST), k, x, d)
}

func (g *gen) minK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VMINPS, g.VMINPD), g.typed(g.VMINPS_BCST, g.VMINPD_BCST), k, x, d)
}

func (g *gen) maxK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VMAXPS, g.VMAXPD), g.typed(g.VMAXPS_BCST, g.VMAXPD_BCST), k, x, d)
}

// plusK is an integer sum; andK, orK and xorK work on bits.
func (g *gen) plusK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VPADDD, g.VPADDQ), g.typed(g.VPADDD_BCST, g.VPADDQ_BCST), k, x, d)
}

func (g *gen) lessK(x vecs, k konst, d vecs) vecs {
	return g.to(g.typed(g.VPSUBD, g.VPSUBQ), g.typed(g.VPSUBD_BCST, g.VPSUBQ_BCST), k, x, d)
}

func (g *gen) andK(x vecs, k konst, d vecs) vecs {
	return g.to(three(g.VPAND), g.typed(g.VPANDD_BCST, g.VPANDQ_BCST), k, x, d)
}

func (g *gen) orK(x vecs, k konst, d vecs) vecs {
	return g.to(three(g.VPOR), g.typed(g.VPORD_BCST, g.VPORQ_BCST), k, x, d)
}

func (g *gen) xorK(x vecs, k konst, d vecs) vecs {
	return g.to(three(g.VPXOR), g.typed(g.VPXORD_BCST, g.VPXORQ_BCST), k, x, d)
}

// fmaK sets r = r·x + k, macK r = k·x + r, nmacK r = r − k·x and mscK r = k·x − r.
func (g *gen) fmaK(r, x vecs, k konst) {
	g.to(g.typed(g.VFMADD213PS, g.VFMADD213PD), g.typed(g.VFMADD213PS_BCST, g.VFMADD213PD_BCST), k, x, r)
}

func (g *gen) macK(r, x vecs, k konst) {
	g.to(g.typed(g.VFMADD231PS, g.VFMADD231PD), g.typed(g.VFMADD231PS_BCST, g.VFMADD231PD_BCST), k, x, r)
}

func (g *gen) nmacK(r, x vecs, k konst) {
	g.to(g.typed(g.VFNMADD231PS, g.VFNMADD231PD), g.typed(g.VFNMADD231PS_BCST, g.VFNMADD231PD_BCST), k, x, r)
}

func (g *gen) mscK(r, x vecs, k konst) {
	g.to(g.typed(g.VFMSUB231PS, g.VFMSUB231PD), g.typed(g.VFMSUB231PS_BCST, g.VFMSUB231PD_BCST), k, x, r)
}

// mul, add, sub and div return a∘b in d, or new registers if d is nil.
func (g *gen) mul(a, b, d vecs) vecs { return g.each(g.typed(g.VMULPS, g.VMULPD), a, b, d) }
func (g *gen) add(a, b, d vecs) vecs { return g.each(g.typed(g.VADDPS, g.VADDPD), a, b, d) }
func (g *gen) sub(a, b, d vecs) vecs { return g.each(g.typed(g.VSUBPS, g.VSUBPD), a, b, d) }
func (g *gen) div(a, b, d vecs) vecs { return g.each(g.typed(g.VDIVPS, g.VDIVPD), a, b, d) }

// fma emits an instruction of the kind r = ±a·b ± r (231) or r = ±r·a ± b (213).
func (g *gen) fma(f op, r, a, b vecs) {
	for i := range r {
		f(b[i], a[i], r[i])
	}
}

func (g *gen) sqrt(x vecs) { g.unary(g.typed(g.VSQRTPS, g.VSQRTPD), x, x) }

// copies returns copies of x.
func (g *gen) copies(x vecs) vecs { return g.unary(g.typed(g.VMOVAPS, g.VMOVAPD), x, nil) }

// horner returns Σ c[j]·x^j.
func (g *gen) horner(x vecs, c []float64) vecs {
	n := len(c) - 1
	r := g.vecs(len(x))
	for i := range r {
		g.loadTo(g.f(c[n]), r[i])
	}
	for j := n - 1; j >= 0; j-- {
		g.fmaK(r, x, g.f(c[j]))
	}
	return r
}

// xorSign flips the sign of x where that of w is set.
func (g *gen) xorSign(x, w vecs) {
	sign := g.u(1 << (8*g.bytes - 1))
	for i := range x {
		if g.wide { // x ^ w & sign
			g.typed(g.VPTERNLOGD_BCST, g.VPTERNLOGQ_BCST)(operand.U8(0x78), sign.Mem, w[i], x[i])
			continue
		}
		t := g.vec()
		g.VPAND(sign.Mem, w[i], t)
		g.VPXOR(t, x[i], x[i])
	}
}
