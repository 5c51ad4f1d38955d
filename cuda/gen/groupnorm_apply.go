package gen

// affine is the map y = fma(x, a, b) of the lane's channel, formed in float64,
// and stores the statistics that the backward pass needs.
func (g *groupNorm) affine(mean, rstd string) (a, b string) {
	wide := func(x string) string { return g.def('g', "cvt.f64.f32 %s", x) }
	mul := func(x, y string) string { return g.def('g', "mul.rn.f64 %s, %s", x, y) }
	meanF, rstdF := g.def('f', "cvt.rn.f32.f64 %s", mean), g.def('f', "cvt.rn.f32.f64 %s", rstd)
	row := g.def('d', "mul.wide.u32 %s, %s", g.n, g.def('r', "shl.b32 %s, 1", g.v["C"]))
	at := g.def('d', "shl.b64 %s, 2", g.def('d', "add.u64 %s, %s", row, g.def('d', "cvt.u64.u32 %s", g.ch)))
	half := g.def('d', "mul.wide.u32 %s, 4", g.v["C"])
	stats := g.def('d', "add.u64 %s, %s", g.v["pStats"], at)
	g.emit("@%s st.global.f32 [%s], %s;", g.first, stats, meanF)
	g.emit("@%s st.global.f32 [%s], %s;", g.first, g.def('d', "add.u64 %s, %s", stats, half), rstdF)
	channel := func(base string) string {
		return wide(g.load32(g.def('d', "add.u64 %s, %s", g.v[base], g.def('d', "mul.wide.u32 %s, 4", g.ch))))
	}
	gamma := mul(wide(rstdF), channel("pGamma"))
	beta := g.def('g', "sub.rn.f64 %s, %s", channel("pBeta"), mul(wide(meanF), gamma))
	scale, shift := g.def('g', "mov.f64 0d3FF0000000000000"), g.def('g', "mov.f64 0d0000000000000000")
	none := g.label("NOSS")
	g.jump(none, "setp.eq.u64 %s, 0", g.v["pSS"])
	ss := g.def('d', "add.u64 %s, %s", g.v["pSS"], at)
	g.emit("add.rn.f64 %s, 0d3FF0000000000000, %s;", scale, wide(g.load32(ss)))
	g.emit("mov.f64 %s, %s;", shift, wide(g.load32(g.def('d', "add.u64 %s, %s", ss, half))))
	g.mark(none)
	a = g.def('f', "cvt.rn.f32.f64 %s", mul(gamma, scale))
	return a, g.def('f', "cvt.rn.f32.f64 %s", g.def('g', "add.rn.f64 %s, %s", mul(beta, scale), shift))
}

// apply maps the pixels of the sample, each warp every normWarps-th one.
func (g *groupNorm) apply(a, b string) {
	y0 := g.sample("pY", "pitchY")
	loop := func(silu bool) {
		next, end := g.label("APPLY"), g.label("APPLIED")
		i := g.def('r', "mov.u32 %s", g.warp)
		g.mark(next)
		g.jump(end, "setp.ge.u32 %s, %s", i, g.v["P"])
		z := g.fma(g.load32(g.pixel(g.x0, "pitchX", i)), a, b)
		if silu {
			z = g.silu(z)
		}
		g.emit("st.global.f32 [%s], %s;", g.pixel(y0, "pitchY", i), z)
		g.emit("add.u32 %s, %s, %d;", i, i, normWarps)
		g.emit("bra %s;", next)
		g.mark(end)
	}
	plain := g.label("PLAIN")
	g.jump(plain, "setp.eq.u32 %s, 0", g.v["act"])
	loop(true)
	g.emit("ret;")
	g.mark(plain)
	loop(false)
}
