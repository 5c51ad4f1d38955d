package gen

// affine is the map y = fma(x, a, b) of the lane's channel, formed in float64, and
// 1 + scale.
func (g *groupNorm) affine(meanF, rstdF string) (a, b, scale string) {
	gamma := g.mul64(g.widen(rstdF), g.channel("pGamma"))
	beta := g.sub64(g.channel("pBeta"), g.mul64(g.widen(meanF), gamma))
	scale, shift := g.scaleShift()
	return g.narrow(g.mul64(gamma, scale)), g.narrow(g.add64(g.mul64(beta, scale), shift)), scale
}

// scaleShift is 1 + scale and shift of the lane's channel: 1 and 0 without pSS.
func (g *groupNorm) scaleShift() (scale, shift string) {
	scale, shift = g.def('g', "mov.f64 %s", lit64(1)), g.zero64()
	none := g.label("NOSS")
	g.jump(none, "setp.eq.u64 %s, 0", g.v["pSS"])
	ss := g.item(g.rowOf("pSS"), g.ch)
	g.emit("add.rn.f64 %s, %s, %s;", scale, lit64(1), g.widen(g.load32(ss)))
	g.emit("mov.f64 %s, %s;", shift, g.widen(g.load32(g.item(ss, g.v["C"]))))
	g.mark(none)
	return scale, shift
}

// apply maps the pixels of the sample, each warp every normWarps-th one.
func (g *groupNorm) apply(a, b string) {
	x0, y0 := g.sample("pX", "pitchX"), g.sample("pY", "pitchY")
	plain, end := g.label("PLAIN"), g.label("APPLIED")
	map1 := func(silu bool) {
		g.walk(g.def('r', "mov.u32 %s", g.warp), g.v["P"], normWarps,
			func(i string) []string { return []string{g.load32(g.pixel(x0, "pitchX", i))} },
			func(i string, x []string) {
				z := g.fma(x[0], a, b)
				if silu {
					z = g.silu(z)
				}
				g.emit("@%s st.global.f32 [%s], %s;", g.in, g.pixel(y0, "pitchY", i), z)
			})
	}
	g.jump(plain, "setp.eq.u32 %s, 0", g.v["act"])
	map1(true)
	g.emit("bra %s;", end)
	g.mark(plain)
	map1(false)
	g.mark(end)
}

// A normGrad is what the backward pass knows of the lane's channel.
type normGrad struct{ a, b, mean, rstd, scale string }

// gradCoefficients reads the statistics of the channel and forms its coefficients.
func (g *groupNorm) gradCoefficients() (k normGrad) {
	stats := g.item(g.rowOf("pStats"), g.ch)
	k.mean, k.rstd = g.load32(stats), g.load32(g.item(stats, g.v["C"]))
	k.a, k.b, k.scale = g.affine(k.mean, k.rstd)
	return k
}

// grad is the gradient at what the activation saw.
func (g *groupNorm) grad(k normGrad, dy, x string, silu bool) string {
	if !silu {
		return dy
	}
	return g.mul(dy, g.siluGrad(g.fma(x, k.a, k.b)))
}

func groupNormBackward(name string, silu bool) string {
	params := []Param{{"u64", "pDX"}, {"u64", "pDY"}, {"u64", "pX"}, {"u64", "pGamma"}, {"u64", "pBeta"}, {"u64", "pSS"}, {"u64", "pStats"},
		{"u64", "pGrads"}, {"u64", "pDSS"}, {"u32", "P"}, {"u32", "C"}, {"u32", "cpg"}, {"u32", "width"},
		{"u32", "pitchDX"}, {"u32", "pitchDY"}, {"u32", "pitchX"}, {"u32", "acc"}}
	g := newGroupNorm(params)
	acc := g.test("setp.ne.u32 %s, 0", g.v["acc"])
	g.slices(func() {
		k := g.gradCoefficients()
		from := []stream{{g.sample("pX", "pitchX"), g.v["pitchX"]}, {g.sample("pDY", "pitchDY"), g.v["pitchDY"]}}
		s1, s2 := g.sums(from, func(s, sq string, x []string) {
			dv := g.grad(k, x[1], x[0], silu)
			g.plus(s, dv)
			g.addProduct(sq, dv, g.mul(g.sub(x[0], k.mean), k.rstd))
		})
		g.total(s1, s2, g.mul64(g.channel("pGamma"), k.scale))
		g.paramGrads(s1, s2, k.scale)
	})
	g.emit("bar.sync 0;")
	m1, m2 := g.groupGrads()
	g.slices(func() {
		k := g.gradCoefficients()
		p, q, r := g.inputCoefficients(k, m1, m2)
		g.inputGrads(k, [3]string{p, q, r}, acc, silu)
	})
	g.emit("ret;")
	return g.entry(name, params, 256, 0)
}

// paramGrads stores the sample's gradients of gamma, beta, scale and shift.
func (g *groupNorm) paramGrads(s1, s2, scale string) {
	mine := g.def('p', "and.pred %s, %s", g.first, g.in)
	pair := func(base, x, y string, when string) {
		at := g.item(g.rowOf(base), g.ch)
		g.emit("@%s st.global.f32 [%s], %s;", when, at, g.narrow(x))
		g.emit("@%s st.global.f32 [%s], %s;", when, g.item(at, g.v["C"]), g.narrow(y))
	}
	pair("pGrads", g.mul64(scale, s2), g.mul64(scale, s1), mine)
	some := g.test("setp.ne.and.u64 %s, 0, %s", g.v["pDSS"], mine)
	pair("pDSS", g.add64(g.mul64(g.channel("pGamma"), s2), g.mul64(g.channel("pBeta"), s1)), s1, some)
}

// groupGrads is the means over the lane's group of dv·A and dv·A·x̂.
func (g *groupNorm) groupGrads() (m1, m2 string) {
	m1, m2 = g.zero64(), g.zero64()
	g.channels(func(x []string) {
		g.plus64(m1, g.mul64(x[2], x[0]))
		g.plus64(m2, g.mul64(x[2], x[1]))
	})
	return g.div64(m1, g.count), g.div64(m2, g.count)
}

// inputCoefficients are p, q and r of dx = fma(dv, p, fma(x, q, r)).
func (g *groupNorm) inputCoefficients(k normGrad, m1, m2 string) (p, q, r string) {
	rs := g.widen(k.rstd)
	p = g.narrow(g.mul64(rs, g.mul64(g.channel("pGamma"), k.scale)))
	z := g.mul64(rs, m2)
	q = g.narrow(g.mul64(g.neg64(rs), z))
	return p, q, g.narrow(g.mul64(rs, g.sub64(g.mul64(g.widen(k.mean), z), m1)))
}

// inputGrads writes dx, or adds to it.
func (g *groupNorm) inputGrads(k normGrad, c [3]string, acc string, silu bool) {
	x0, dy0, dx0 := g.sample("pX", "pitchX"), g.sample("pDY", "pitchDY"), g.sample("pDX", "pitchDX")
	g.walk(g.def('r', "mov.u32 %s", g.warp), g.v["P"], normWarps,
		func(i string) []string {
			old := g.zero()
			g.emit("@%s ld.global.f32 %s, [%s];", acc, old, g.pixel(dx0, "pitchDX", i))
			return []string{g.load32(g.pixel(x0, "pitchX", i)), g.load32(g.pixel(dy0, "pitchDY", i)), old}
		},
		func(i string, x []string) {
			dv := g.grad(k, x[1], x[0], silu)
			z := g.fma(dv, c[0], g.fma(x[0], c[1], c[2]))
			z = g.def('f', "selp.f32 %s, %s, %s", g.add(x[2], z), z, acc)
			g.emit("@%s st.global.f32 [%s], %s;", g.in, g.pixel(dx0, "pitchDX", i), z)
		})
}
