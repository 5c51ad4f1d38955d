package gen

import "heavytail/internal/dmath"

// gammaTries attempts are made of a gamma variate, which owns 64 blocks.
const gammaTries = 31

// Gamma is the module of gamma64: simd.Gamma64, with the fields of
// simd.Gamma64Params. Thread i makes variate first+i of n, whose blocks begin at
// 64·(first+i); what rounding leaves open is NaN, as there, and the host makes it
// with stable.Key.Gamma. Grid: ⌈n/256⌉, 256 threads.
func Gamma() string {
	params := append([]Param{{"u64", "pY"}, {"u32", "n"}, {"u32", "first"}, {"u32", "k0"}, {"u32", "k1"}, {"u32", "c1"}, {"u32", "c2"}, {"u32", "c3"}},
		params("f64", []string{"d", "c", "shape", "mul", "div", "tol"})...)
	b := newBuilder()
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["n"]))
	base := b.def('r', "shl.b32 %s, 6", b.def('r', "add.u32 %s, %s", i, v["first"]))
	units := func(block string) (u, uc, w string) {
		x := b.philox([4]string{block, v["c1"], v["c2"], v["c3"]}, [2]string{v["k0"], v["k1"]})
		return b.units(x)
	}
	boost := b.def('g', "mov.f64 %s", lit64(1))
	whole := b.label("WHOLE")
	b.jump(whole, "setp.eq.f64 %s, %s", v["shape"], zero64)
	u, uc, _ := units(base)
	y := b.div64(b.neg64(b.expUnit(u, uc)), v["shape"])
	b.emit("mov.f64 %s, %s;", boost, b.where64(b.test("setp.gt.f64 %s, %s", y, lit64(-700)), b.exp64(y), "0d7FF8000000000000"))
	b.mark(whole)
	try, last := b.def('r', "add.u32 %s, 2", base), b.def('r', "add.u32 %s, %d", base, 2+2*gammaTries)
	out := b.def('d', "add.u64 %s, %s", v["pY"], b.def('d', "mul.wide.u32 %s, 8", i))
	loop, done := b.label("TRY"), b.label("MADE")
	x := b.def('g', "mov.f64 0d7FF8000000000000")
	b.mark(loop)
	u, uc, w := units(try)
	z := b.mul64(b.sqrt64(b.mul64(lit64(2), b.expUnit(u, uc))), b.cosPi64(b.mul64(lit64(2), w)))
	u, uc, _ = units(b.def('r', "add.u32 %s, 1", try))
	b.emit("mov.f64 %s, %s;", x, b.gammaTry(z, u, uc, boost, v))
	// a number with a sign has been rejected
	b.jump(done, "setp.ge.s64 %s, 0", b.bitsOf(x))
	b.jump(done, "setp.nan.f64 %s, %s", x, x)
	b.emit("mov.f64 %s, 0d7FF8000000000000;", x)
	b.emit("add.u32 %s, %s, 2;", try, try)
	b.jump(loop, "setp.ne.u32 %s, %s", try, last)
	b.mark(done)
	b.emit("st.global.f64 [%s], %s;", out, x)
	b.emit("ret;")
	return module70(false, b.entry("gamma64", params, 256, 0))
}

// units are simd.gamma64Units of the words of a block.
func (b *builder) units(x [4]string) (u, uc, v string) {
	w0, w1 := b.wide(x)
	k, m := b.def('d', "shr.u64 %s, 11", w0), b.def('d', "shr.u64 %s, 11", w1)
	unit := func(k string) string {
		return b.mul64(b.add64(b.def('g', "cvt.rn.f64.u64 %s", k), lit64(0.5)), lit64(0x1p-53))
	}
	return unit(k), unit(b.def('d', "xor.b64 %s, 0x001FFFFFFFFFFFFF", k)), unit(m)
}

// expUnit is −ln u, by dmath.Log of u below ½ and else dmath.Log1p of −uc.
func (b *builder) expUnit(u, uc string) string {
	low := b.test("setp.lt.f64 %s, %s", u, lit64(0.5))
	s, c := b.twoSum(lit64(1), b.neg64(uc))
	x := b.where64(low, u, s)
	h, l := b.logDD(x)
	y := b.add64(h, b.add64(l, b.div64(c, s)))
	y = b.where64(b.test("setp.lt.f64 %s, %s", uc, lit64(0x1p-54)), b.neg64(uc), y)
	return b.neg64(b.where64(low, h, y))
}

// gammaTry is simd.gamma64Try after its normal variate z and its uniform u.
func (b *builder) gammaTry(z, u, uc, boost string, v map[string]string) string {
	t := b.add64(lit64(1), b.mul64(v["c"], z))
	cube, zz := b.mul64(b.mul64(t, t), t), b.mul64(z, z)
	x := b.mul64(v["d"], cube)
	sure := b.test("setp.gt.f64 %s, %s", uc, b.mul64(b.mul64(lit64(0.0331), zz), zz))
	log := func(x string) string {
		e, s, l := b.split64(x)
		return b.mul64(b.fma64(s, l, e), lit64(ln2f64))
	}
	right := b.add64(b.mul64(lit64(0.5), zz), b.mul64(v["d"], b.add64(b.sub64(lit64(1), cube), b.mul64(log(t), lit64(3)))))
	left := log(u)
	y := b.where64(b.test("setp.lt.f64 %s, %s", b.add64(left, v["tol"]), right), x, "0d7FF8000000000000")
	y = b.where64(b.test("setp.gt.f64 %s, %s", left, b.add64(right, v["tol"])), lit64(-1), y)
	x = b.where64(sure, x, y)
	x = b.where64(b.test("setp.le.f64 %s, %s", t, zero64), lit64(-1), x)
	return b.div64(b.mul64(b.mul64(x, boost), v["mul"]), v["div"])
}

// sinPi64 is dmath.SinPi for 0 < x < 2, cosPi64 dmath.CosPi for 0 ≤ x ≤ 2.
func (b *builder) sinPi64(x string) string { return b.quadrants(x, 0) }
func (b *builder) cosPi64(x string) string { return b.quadrants(x, 1) }

// quadrants is the sine of πx and more quarters of a turn.
func (b *builder) quadrants(x string, more int) string {
	n := b.def('g', "cvt.rni.f64.f64 %s", b.mul64(lit64(2), x))
	y, l := b.mulDD(b.sub64(x, b.mul64(lit64(0.5), n)), zero64, lit64(dmath.PiHi), lit64(dmath.PiLo))
	q := b.def('r', "add.s32 %s, %d", b.def('r', "cvt.rzi.s32.f64 %s", n), more)
	t := b.mul64(y, y)
	// sine
	sl := b.fma64(b.mul64(t, y), b.horner64(t, sinC64), b.fma64(b.mul64(lit64(-0.5), t), l, l))
	// cosine
	tl := b.fma64(y, y, b.neg64(t))
	h := b.mul64(lit64(0.5), t)
	w := b.sub64(lit64(1), h)
	e := b.sub64(b.sub64(b.sub64(lit64(1), w), h), b.fma64(y, l, b.mul64(lit64(0.5), tl)))
	cl := b.fma64(b.mul64(t, t), b.horner64(t, cosC64), e)
	odd := b.test("setp.ne.s32 %s, 0", b.def('r', "and.b32 %s, 1", q))
	sum := b.add64(b.where64(odd, w, y), b.where64(odd, cl, sl))
	minus := b.test("setp.ne.s32 %s, 0", b.def('r', "and.b32 %s, 2", q))
	return b.where64(minus, b.neg64(sum), sum)
}
