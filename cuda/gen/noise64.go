package gen

// What the float64 fills of package simd are made of, step by step in the same
// order; the coefficients are those of simd/noise64_generic.go.

var (
	noise64Sin = []float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625bdaep+2, 0x1.466bc6774afcep+1, -0x1.32d2ccd46a482p-1,
		0x1.507821d4ee124p-4, -0x1.e2f3f10519cb1p-8, 0x1.dfc5c10c115e6p-12,
	}
	noise64SinWide = []float64{
		0x1.921fb54442d18p+1, -0x1.4abbce625be0fp+2, 0x1.466bc67757ff6p+1, -0x1.32d2cce4ddd03p-1,
		0x1.507833e7526b0p-4, -0x1.e306fb7beb896p-8, 0x1.e8db775042985p-12, -0x1.6bda94aa348d4p-16,
		0x1.2aceaa99135edp-21,
	}
	noise64Cos = []float64{
		-0x1.3bd3cc9be45dep+2, 0x1.03c1f081b5a39p+2, -0x1.55d3c7e3bc17cp+0, 0x1.e1f5066eec61dp-3,
		-0x1.a6d1dc9674721p-6, 0x1.f9c03baf53c0dp-10, -0x1.aedc4bd0d1a42p-14,
	}
	noise64Log = []float64{
		0x1.71547652b82fep+1, 0x1.ec709dc3a08f8p-1, 0x1.2776c50e48e5dp-1, 0x1.a61763d01ac90p-2,
		0x1.484a9be3fc4fep-2, 0x1.0cb423c0b3dd4p-2, 0x1.c0c8477492050p-3, 0x1.d931c6907cb53p-3,
	}
	noise64Exp = []float64{
		0x1.62e42fefa39efp-1, 0x1.ebfbdff82c59dp-3, 0x1.c6b08d704a0d6p-5, 0x1.3b2ab6fba0fddp-7,
		0x1.5d87fe78b312cp-10, 0x1.4309130c5d158p-13, 0x1.ffcbfbfcc597fp-17, 0x1.62bfcd11d99c7p-20,
		0x1.b52604239e7dap-24, 0x1.e612df9a3d2fep-28, 0x1.e81e5cf3ca570p-32,
	}
)

const (
	one64   = "0x3FF0000000000000" // bits of 1
	low64   = "0x000FFFFFFFFFFFFF" // the bits of a fraction
	magic64 = 0x1.8p52
	ln2f64  = 0x1.62e42fefa39efp-1
)

// wide are the two 64-bit numbers of a block.
func (b *builder) wide(w [4]string) (w0, w1 string) {
	return b.def('d', "mov.b64 {%s, %s}", w[1], w[0]), b.def('d', "mov.b64 {%s, %s}", w[3], w[2])
}

func (b *builder) float64Of(w string) string { return b.def('g', "mov.b64 %s", w) }
func (b *builder) bitsOf(x string) string    { return b.def('d', "mov.b64 %s", x) }

// unit64 is simd.noise64Unit, halfUnit64 simd.noise64HalfUnit.
func (b *builder) unit64(w string) string {
	k := b.def('d', "or.b64 %s, %s", b.def('d', "shr.u64 %s, 12", w), one64)
	return b.sub64(b.float64Of(k), lit64(1-0x1p-53))
}

func (b *builder) halfUnit64(w string) string {
	k := b.def('d', "and.b64 %s, %s", b.def('d', "shr.u64 %s, 11", w), low64)
	return b.sub64(b.float64Of(b.def('d', "or.b64 %s, 0x3FE0000000000000", k)), lit64(0.5-0x1p-54))
}

// sinCosPi64 is simd.noise64SinCosPi.
func (b *builder) sinCosPi64(y string) (sin, cos string) {
	w := b.def('g', "min.f64 %s, %s", y, b.sub64(lit64(0.5), y))
	t := b.mul64(w, w)
	p := b.mul64(b.horner64(t, noise64Sin), w)
	q := b.fma64(b.horner64(t, noise64Cos), t, lit64(1))
	far := b.test("setp.gt.f64 %s, %s", y, lit64(0.25))
	return b.where64(far, q, p), b.where64(far, p, q)
}

// split64 is simd.noise64Split.
func (b *builder) split64(x string) (e, s, p string) {
	d := b.def('d', "sub.s64 %s, %s", b.bitsOf(x), rootHalf)
	f := b.def('d', "add.s64 %s, %s", b.def('d', "and.b64 %s, %s", d, low64), rootHalf)
	g := b.sub64(b.float64Of(f), lit64(1))
	s = b.div64(g, b.add64(g, lit64(2)))
	return b.def('g', "cvt.rn.f64.s64 %s", b.def('d', "shr.s64 %s, 52", d)), s, b.horner64(b.mul64(s, s), noise64Log)
}

// negLog264 is simd.noise64NegLog2.
func (b *builder) negLog264(w string) string {
	e, s, p := b.split64(b.unit64(w))
	return b.fma64(b.neg64(s), p, b.neg64(e))
}

// integer64 rounds z to an integer n; pow is 2^n as bits to add to an exponent.
func (b *builder) integer64(z string) (pow, n string) {
	z = b.add64(z, lit64(magic64))
	return b.def('d', "shl.b64 %s, 52", b.bitsOf(z)), b.sub64(z, lit64(magic64))
}

// times64 is x·2^n for the bits of the power.
func (b *builder) times64(x, pow string) string {
	return b.float64Of(b.def('d', "add.s64 %s, %s", b.bitsOf(x), pow))
}

// power64 is simd.noise64Power.
func (b *builder) power64(x string, v map[string]string) (pow, n, f, log string) {
	e, s, p := b.split64(x)
	l := b.mul64(s, p)
	g := b.fma64(v["expo"], l, b.fma64(v["expolo"], e, v["bias"]))
	pow, n = b.integer64(b.fma64(v["expohi"], e, g))
	return pow, n, b.add64(b.fma64(v["expohi"], e, b.neg64(n)), g), b.add64(l, e)
}

// signed64 is x with its sign flipped where bit 63 of w is set.
func (b *builder) signed64(x, w string) string {
	sign := b.def('d', "and.b64 %s, 0x8000000000000000", w)
	return b.float64Of(b.def('d', "xor.b64 %s, %s", b.bitsOf(x), sign))
}

// normals64 is simd.noise64Normals.
func (b *builder) normals64(w0, w1 string) (x, y string) {
	s, c := b.sinCosPi64(b.halfUnit64(w0))
	r := b.sqrt64(b.mul64(b.negLog264(w1), lit64(2*ln2f64)))
	return b.signed64(b.mul64(r, c), b.def('d', "shl.b64 %s, 63", w1)), b.signed64(b.mul64(r, s), w0)
}

// symmetric64 is simd.noise64Symmetric.
func (b *builder) symmetric64(w0, w1 string, v map[string]string, high bool) string {
	u := b.halfUnit64(w0)
	sv, cv := b.sinCosPi64(u)
	sy, cy := b.sinCosPi64(b.fma64(u, v["a"], v["k"]))
	var s, c string
	if high {
		s, c = b.fma64(cv, sy, b.mul64(sv, cy)), sy
	} else {
		s, c = sy, b.fma64(sv, cy, b.mul64(cv, sy))
	}
	e := b.negLog264(w1)
	inv := b.div64(lit64(1), b.mul64(e, sv))
	pow, _, f, _ := b.power64(b.mul64(c, inv), v)
	r := b.fma64(b.horner64(f, noise64Exp), f, lit64(1))
	x := b.mul64(b.mul64(b.mul64(s, e), inv), b.times64(r, pow))
	return b.signed64(x, w0)
}

// skewed64 is simd.noise64Skewed.
func (b *builder) skewed64(w0, w1 string, v map[string]string, s0 bool) string {
	u := b.halfUnit64(w0)
	minus := b.test("setp.lt.s64 %s, 0", w0)
	beta, k := b.where64(minus, v["bm"], v["bp"]), b.where64(minus, v["km"], v["kp"])
	sv, cv := b.sinCosPi64(u)
	rest := b.sub64(lit64(0.5), u)
	t, h := b.mul64(u, v["eps"]), b.mul64(rest, v["halfeps"])
	t, h = b.mul64(t, t), b.mul64(h, h)
	sb := b.mul64(b.horner64(t, noise64SinWide), u)
	s2 := b.mul64(b.horner64(h, noise64Sin), b.mul64(rest, lit64(0.5)))
	ch := b.fma64(b.horner64(h, noise64Cos), h, lit64(1))
	sh := b.mul64(s2, v["eps"])
	twice := b.mul64(sh, lit64(2))
	s1 := b.mul64(b.mul64(s2, ch), lit64(2))
	c := b.fma64(b.neg64(twice), sh, lit64(1))
	p := b.fma64(sb, v["invsin"], b.mul64(beta, s1))
	e := b.mul64(b.negLog264(w1), lit64(ln2f64))
	inv := b.div64(lit64(1), b.mul64(e, sv))
	tan := b.mul64(b.mul64(cv, e), inv)
	q := b.fma64(tan, p, b.neg64(b.mul64(s1, v["eps"])))
	pow, n, f, log := b.power64(b.mul64(p, inv), v)
	pe := b.horner64(f, noise64Exp)
	m1 := b.mul64(pe, f)
	two := b.times64(lit64(1), pow)
	x := b.fma64(two, m1, two)
	if s0 {
		d := b.mul64(b.mul64(log, v["invalpha"]), pe)
		far := b.mul64(b.fma64(two, m1, b.sub64(two, lit64(1))), v["inveps"])
		d = b.where64(b.test("setp.neu.f64 %s, %s", n, zero64), far, d)
		d = b.fma64(c, d, b.neg64(b.mul64(twice, s2)))
		x = b.fma64(q, x, b.mul64(d, k))
	} else {
		x = b.mul64(b.fma64(c, k, q), x)
	}
	x = b.signed64(x, w0)
	x = b.where64(b.test("setp.gt.f64 %s, %s", x, v["lo"]), x, v["lo"])
	return b.where64(b.test("setp.lt.f64 %s, %s", x, v["hi"]), x, v["hi"])
}

// student64 is simd.noise64Student.
func (b *builder) student64(w0, w1 string, v map[string]string) string {
	_, cv := b.sinCosPi64(b.halfUnit64(w0))
	e, s, p := b.split64(b.unit64(w1))
	g := b.fma64(v["expo"], b.mul64(s, p), b.fma64(v["expolo"], e, v["bias"]))
	pow, n := b.integer64(b.def('g', "min.f64 %s, %s", b.fma64(v["expohi"], e, g), lit64(1023)))
	f := b.add64(b.fma64(v["expohi"], e, b.neg64(n)), g)
	m1 := b.mul64(b.horner64(f, noise64Exp), f)
	i := b.float64Of(b.def('d', "sub.s64 %s, %s", one64, pow))
	x, y := b.add64(m1, b.sub64(lit64(1), i)), b.add64(m1, b.add64(lit64(1), i))
	r := b.sqrt64(b.mul64(b.mul64(x, y), v["nu"]))
	z := b.mul64(b.mul64(r, cv), b.times64(lit64(1), pow))
	return b.signed64(b.def('g', "min.f64 %s, %s", z, lit64(0x1.fffffffffffffp1023)), w0)
}
