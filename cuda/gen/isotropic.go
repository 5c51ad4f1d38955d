package gen

// Isotropic is the module of vectors of one multiplier each: stable.SubGaussian
// and stable.Noise with Isotropic. Sample j of n is the first one + j; k0, k1 are
// the seed's halves, c1 the step, and tag is the family's, of package stable.
//
//	multipliers  float32 √A of each sample, A = 2K(α/2) at most the parameter most
//	             (+Inf for no clamp), √A at most the largest float32: a = α/2 < 1,
//	             rest = 1−a, power = rest/a. Grid: ⌈n/256⌉, 256 threads.
//	normal_rows  normal variates times pScale[j] to row j of pY, d columns at pitch,
//	             limited to ±limit, and 0 the smallest number; blocks = ⌈d/4⌉. Grid: (⌈blocks/256⌉, n), 256
//	             threads.
func Isotropic() string { return module70(false, multipliers(), normalRows()) }

var sampleParams = []Param{{"u32", "n"}, {"u32", "k0"}, {"u32", "k1"}, {"u32", "c1"}, {"u64", "sample"}, {"u32", "tag"}}

// sampleBlock is the block of that number of sample j.
func (b *builder) sampleBlock(block, j string, v map[string]string) [4]string {
	s := b.def('d', "add.u64 %s, %s", v["sample"], b.def('d', "cvt.u64.u32 %s", j))
	lo, hi := b.def('r', "cvt.u32.u64 %s", s), b.def('r', "cvt.u32.u64 %s", b.def('d', "shr.u64 %s, 32", s))
	c3 := b.def('r', "or.b32 %s, %s", hi, b.def('r', "shl.b32 %s, 24", v["tag"]))
	return b.philox([4]string{block, v["c1"], lo, c3}, [2]string{v["k0"], v["k1"]})
}

func multipliers() string {
	params := append(append([]Param{{"u64", "pY"}}, sampleParams...), params("f64", []string{"a", "rest", "power", "most"})...)
	b := newBuilder()
	v := b.load(params)
	j := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", j, v["n"]))
	w := b.sampleBlock(b.def('r', "mov.u32 0"), j, v)
	u, uc, t := b.units(w)
	_, _, tc := b.units([4]string{w[0], w[1], b.def('r', "not.b32 %s", w[2]), b.def('r', "not.b32 %s", w[3])})
	sa, sb := b.sinPi64(b.mul64(v["a"], u)), b.sinPi64(b.mul64(v["rest"], u))
	st := b.sinPi64(b.def('g', "min.f64 %s, %s", u, uc))
	k := b.sub64(b.log64(b.div64(sb, st)), b.log64(b.expUnit(t, tc)))
	k = b.add64(b.log64(b.div64(sa, st)), b.mul64(v["power"], k))
	a := b.def('g', "min.f64 %s, %s", b.mul64(lit64(2), b.exp64(k)), v["most"])
	root := b.def('f', "min.f32 %s, %s", b.narrow(b.sqrt64(a)), lit(0x1.fffffep127))
	b.emit("st.global.f32 [%s], %s;", b.item(v["pY"], j), root)
	b.emit("ret;")
	return b.entry("multipliers", params, 256, 0)
}

func normalRows() string {
	params := append(append([]Param{{"u64", "pY"}}, sampleParams...), []Param{{"u32", "d"}, {"u32", "pitch"}, {"u32", "blocks"}, {"u64", "pScale"}, {"f32", "limit"}}...)
	b := newBuilder()
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["blocks"]))
	j := b.def('r', "mov.u32 %%ctaid.y")
	w := b.sampleBlock(i, j, v)
	scale, least := b.load32(b.item(v["pScale"], j)), b.neg(v["limit"])
	var x [4]string
	x[0], x[1] = b.normal(w[0], w[1], scale)
	x[2], x[3] = b.normal(w[2], w[3], scale)
	col := b.def('r', "shl.b32 %s, 2", i)
	at := b.item(b.at(v["pY"], j, v["pitch"]), col)
	left := b.def('r', "sub.u32 %s, %s", v["d"], col)
	for e, y := range x {
		y = b.lifted(b.atMost(b.atLeast(y, least), v["limit"]))
		b.emit("@%s st.global.f32 [%s+%d], %s;", b.test("setp.gt.u32 %s, %d", left, e), at, 4*e, y)
	}
	b.emit("ret;")
	return b.entry("normal_rows", params, 256, 0)
}
