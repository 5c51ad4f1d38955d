package gen

// Constants of the sine and cosine of simd/act_generic.go.
const (
	twoOverPi = 0.636619772
	piHalfA   = 1.57079637
	piHalfB   = -4.37113883e-8
	piHalfC   = -1.71512451e-15
)

var (
	sinC = []float32{-0.166666552, 0.00833219104, -0.000195186003}
	cosC = []float32{0.0416666456, -0.00138873013, 2.44306611e-05}
)

// Timestep is TimestepEmbedding: rows of 2·half columns for times pT (float32) and
// frequencies pFreq, float64, f_k = 10000^(−k/(half − shift)), which the host
// makes. scale is the factor of the times; sinFirst puts the sines first. count =
// rows·half. Grid: ⌈count/256⌉, 256 threads.
func Timestep() string {
	params := []Param{{"u64", "pY"}, {"u32", "pitchY"}, {"u64", "pT"}, {"u64", "pFreq"}, {"u32", "count"}, {"u32", "half"}, {"f32", "scale"}, {"u32", "sinFirst"}}
	b := newBuilder()
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["count"]))
	row := b.def('r', "div.u32 %s, %s", i, v["half"])
	k := b.def('r', "sub.u32 %s, %s", i, b.def('r', "mul.lo.u32 %s, %s", row, v["half"]))
	st := b.mul64(b.widen(v["scale"]), b.widen(b.load32(b.item(v["pT"], row))))
	freq := b.def('g', "ld.global.f64 [%s]", b.def('d', "add.u64 %s, %s", v["pFreq"], b.def('d', "mul.wide.u32 %s, 8", k)))
	a := b.mul64(st, freq)
	const twoPi = 0x1.921fb54442d18p+2
	a = b.sub64(a, b.mul64(lit64(twoPi), b.round64(b.div64(a, lit64(twoPi)))))
	sin, cos := b.sinCos(b.narrow(a))
	first := b.item(b.at(v["pY"], row, v["pitchY"]), k)
	second := b.item(first, v["half"])
	swap := b.test("setp.ne.u32 %s, 0", v["sinFirst"])
	b.emit("st.global.f32 [%s], %s;", first, b.def('f', "selp.f32 %s, %s, %s", sin, cos, swap))
	b.emit("st.global.f32 [%s], %s;", second, b.def('f', "selp.f32 %s, %s, %s", cos, sin, swap))
	b.emit("ret;")
	return module70(false, b.entry("timestep", params, 256, 0))
}

// round64 is math.Round: halves away from zero.
func (b *builder) round64(x string) string {
	t := b.def('g', "cvt.rzi.f64.f64 %s", x)
	rest := b.def('g', "abs.f64 %s", b.sub64(x, t))
	up := b.where64(b.test("setp.lt.f64 %s, %s", x, zero64), b.add64(t, lit64(-1)), b.add64(t, lit64(1)))
	return b.where64(b.test("setp.ge.f64 %s, %s", rest, lit64(0.5)), up, t)
}

// sinCos is simd.SinCos.
func (b *builder) sinCos(x string) (sin, cos string) {
	const most = 1 << 21
	in := b.test("setp.le.f32 %s, %s", b.def('f', "abs.f32 %s", x), lit(most))
	x = b.def('f', "selp.f32 %s, 0f7FFFFFFF, %s", x, in)
	u := b.fma(x, lit(twoOverPi), lit(magic))
	k := b.sub(u, lit(magic))
	r := b.fma(k, lit(-piHalfA), x)
	r = b.fma(k, lit(-piHalfB), r)
	r = b.fma(k, lit(-piHalfC), r)
	z := b.mul(r, r)
	s := b.fma(b.mul(r, z), b.horner(z, sinC), r)
	c := b.fma(b.mul(z, z), b.horner(z, cosC), b.fma(lit(-0.5), z, lit(1)))
	q := b.def('r', "mov.b32 %s", u)
	odd := b.test("setp.ne.u32 %s, 0", b.def('r', "and.b32 %s, 1", q))
	sign := func(q string) string { return b.def('r', "shl.b32 %s, 30", q) }
	sin = b.signed(b.def('f', "selp.f32 %s, %s, %s", c, s, odd), sign(q))
	return sin, b.signed(b.def('f', "selp.f32 %s, %s, %s", s, c, odd), sign(b.def('r', "add.u32 %s, 1", q)))
}
