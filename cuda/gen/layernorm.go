package gen

// LayerNorm is the module of layernorm, layernorm_backward and layernorm_params:
// normalisation of rows of cols, M of them, with or without SiLU (act). pStats
// [M,2] holds mean and 1/σ.
//
// layernorm and layernorm_backward (dx, added to if acc is not 0; dx may be dy):
// grid ⌈M/8⌉, 128 threads. layernorm_params continues the chains of dgamma and
// dbeta over the rows, and runs before layernorm_backward where dx is dy: grid
// ⌈cols/32⌉, 32 threads.
func LayerNorm() string {
	return module70(false, layerNormForward(), layerNormBackward(), layerNormParams())
}

func layerNormForward() string {
	params := []Param{{"u64", "pY"}, {"u64", "pX"}, {"u64", "pGamma"}, {"u64", "pBeta"}, {"u64", "pStats"},
		{"u32", "M"}, {"u32", "cols"}, {"u32", "pitchY"}, {"u32", "pitchX"}, {"f32", "eps"}, {"u32", "act"}}
	k := newRows(params, "M")
	cols := k.v["cols"]
	x0, y0 := k.at(k.v["pX"], k.row, k.v["pitchX"]), k.at(k.v["pY"], k.row, k.v["pitchY"])
	shift := k.median(k.load32(x0), k.load32(k.item(x0, k.def('r', "shr.u32 %s, 1", cols))), k.load32(k.item(x0, k.def('r', "sub.u32 %s, 1", cols))))
	s, q := k.zero(), k.zero()
	k.lanes(cols, k.from(x0), func(_ string, x []string) {
		d := k.sub(x[0], shift)
		k.plus(s, d)
		k.addProduct(q, d, d)
	})
	s64, size := k.widen(k.fold16(s)), k.def('g', "cvt.rn.f64.u32 %s", cols)
	own := k.div64(s64, size)
	variance := k.div64(k.sub64(k.widen(k.fold16(q)), k.mul64(own, s64)), size)
	mean := k.narrow(k.add64(k.widen(shift), own))
	rstd := k.narrow(k.reciprocalRoot(variance, k.v["eps"]))
	k.emit("@%s st.global.v2.f32 [%s], {%s, %s};", k.first(), k.rowStats(), mean, rstd)
	act := k.test("setp.ne.u32 %s, 0", k.v["act"])
	k.lanes(cols, k.from(x0, k.v["pGamma"], k.v["pBeta"]), func(i string, x []string) {
		z := k.fma(k.mul(k.sub(x[0], mean), rstd), x[1], x[2])
		plain := k.label("PLAIN")
		k.emit("@!%s bra %s;", act, plain)
		k.emit("mov.f32 %s, %s;", z, k.silu(z))
		k.mark(plain)
		k.emit("@%s st.global.f32 [%s], %s;", k.in, k.item(y0, i), z)
	})
	k.emit("ret;")
	return k.entry("layernorm", params, 128, 0)
}

// from loads element i of some rows.
func (b *builder) from(rows ...string) func(i string) []string {
	return func(i string) (x []string) {
		for _, r := range rows {
			x = append(x, b.load32(b.item(r, i)))
		}
		return x
	}
}

// rowStats is the address of the row's two statistics.
func (k *rowKernel) rowStats() string { return k.at(k.v["pStats"], k.row, "2") }

// layerGrad is dv of an element and x̂: dv is dy or, behind the branch that act
// takes, dy·silu'(v).
func (b *builder) layerGrad(act, dy, x, gamma, beta, mean, rstd string) (dv, hat string) {
	hat = b.mul(b.sub(x, mean), rstd)
	dv = b.def('f', "mov.f32 %s", dy)
	plain := b.label("PLAIN")
	b.emit("@!%s bra %s;", act, plain)
	b.emit("mul.rn.f32 %s, %s, %s;", dv, dy, b.siluGrad(b.fma(hat, gamma, beta)))
	b.mark(plain)
	return dv, hat
}

func layerNormBackward() string {
	params := []Param{{"u64", "pDX"}, {"u64", "pDY"}, {"u64", "pX"}, {"u64", "pGamma"}, {"u64", "pBeta"}, {"u64", "pStats"},
		{"u32", "M"}, {"u32", "cols"}, {"u32", "pitchDX"}, {"u32", "pitchDY"}, {"u32", "pitchX"}, {"u32", "acc"}, {"u32", "act"}}
	k := newRows(params, "M")
	x0, dy0, dx0 := k.at(k.v["pX"], k.row, k.v["pitchX"]), k.at(k.v["pDY"], k.row, k.v["pitchDY"]), k.at(k.v["pDX"], k.row, k.v["pitchDX"])
	stats := k.regs('f', 2)
	k.emit("ld.global.v2.f32 %s, [%s];", list(stats), k.rowStats())
	act, acc := k.test("setp.ne.u32 %s, 0", k.v["act"]), k.test("setp.ne.u32 %s, 0", k.v["acc"])
	load := k.from(x0, dy0, k.v["pGamma"], k.v["pBeta"])
	s1, s2 := k.zero(), k.zero()
	k.lanes(k.v["cols"], load, func(_ string, x []string) {
		dv, hat := k.layerGrad(act, x[1], x[0], x[2], x[3], stats[0], stats[1])
		g := k.mul(dv, x[2])
		k.plus(s1, g)
		k.addProduct(s2, g, hat)
	})
	size, rs := k.def('g', "cvt.rn.f64.u32 %s", k.v["cols"]), k.widen(stats[1])
	m1 := k.div64(k.widen(k.fold16(s1)), size)
	m2 := k.mul64(rs, k.div64(k.widen(k.fold16(s2)), size))
	q := k.narrow(k.mul64(k.neg64(rs), m2))
	r := k.narrow(k.mul64(rs, k.sub64(k.mul64(k.widen(stats[0]), m2), m1)))
	k.lanes(k.v["cols"], func(i string) []string {
		old := k.zero()
		k.emit("@%s ld.global.f32 %s, [%s];", acc, old, k.item(dx0, i))
		return append(load(i), old)
	}, func(i string, x []string) {
		dv, _ := k.layerGrad(act, x[1], x[0], x[2], x[3], stats[0], stats[1])
		z := k.fma(k.mul(dv, x[2]), stats[1], k.fma(x[0], q, r))
		z = k.def('f', "selp.f32 %s, %s, %s", k.add(x[4], z), z, acc)
		k.emit("@%s st.global.f32 [%s], %s;", k.in, k.item(dx0, i), z)
	})
	k.emit("ret;")
	return k.entry("layernorm_backward", params, 128, 0)
}

func layerNormParams() string {
	params := []Param{{"u64", "pDGamma"}, {"u64", "pDBeta"}, {"u64", "pDY"}, {"u64", "pX"}, {"u64", "pGamma"}, {"u64", "pBeta"}, {"u64", "pStats"},
		{"u32", "M"}, {"u32", "cols"}, {"u32", "pitchDY"}, {"u32", "pitchX"}, {"u32", "act"}}
	b := newBuilder()
	v := b.load(params)
	col := b.column(v)
	act := b.test("setp.ne.u32 %s, 0", v["act"])
	gamma, beta := b.load32(b.item(v["pGamma"], col)), b.load32(b.item(v["pBeta"], col))
	toGamma, toBeta := b.item(v["pDGamma"], col), b.item(v["pDBeta"], col)
	dgamma, dbeta := b.load32(toGamma), b.load32(toBeta)
	from := []stream{{b.item(v["pX"], col), v["pitchX"]}, {b.item(v["pDY"], col), v["pitchDY"]},
		{v["pStats"], "2"}, {b.def('d', "add.u64 %s, 4", v["pStats"]), "2"}}
	b.down(v["M"], from, []int{4}, func(x []string) {
		dv, hat := b.layerGrad(act, x[1], x[0], gamma, beta, x[2], x[3])
		b.plus(dbeta, dv)
		b.addProduct(dgamma, dv, hat)
	})
	b.emit("st.global.f32 [%s], %s;", toGamma, dgamma)
	b.emit("st.global.f32 [%s], %s;", toBeta, dbeta)
	b.emit("ret;")
	return b.entry("layernorm_params", params, 32, 0)
}
