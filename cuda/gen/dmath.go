package gen

import "heavytail/internal/dmath"

// The functions of internal/dmath on float64, step by step in the same order, with its
// coefficients.

const rootHalf = "0x3FE6A09E667F3BCD" // bits of √½

var expC64, logC64, sinC64, cosC64 = dmath.Terms()

// horner64 is c[0] + c[1]·x + … with fused steps.
func (b *builder) horner64(x string, c []float64) string {
	r := lit64(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		r = b.fma64(r, x, lit64(c[i]))
	}
	return r
}

// where64 is x where the predicate holds, else y.
func (b *builder) where64(p, x, y string) string {
	return b.def('g', "selp.f64 %s, %s, %s", x, y, p)
}

// twoSum is a sum and its error.
func (b *builder) twoSum(x, y string) (s, e string) {
	s = b.add64(x, y)
	bb := b.sub64(s, x)
	return s, b.add64(b.sub64(x, b.sub64(s, bb)), b.sub64(y, bb))
}

// mulDD is dmath.mulDD.
func (b *builder) mulDD(ah, al, bh, bl string) (h, l string) {
	p := b.mul64(ah, bh)
	e := b.fma64(ah, bh, b.neg64(p))
	e = b.fma64(ah, bl, b.fma64(al, bh, e))
	h = b.add64(p, e)
	return h, b.add64(b.sub64(p, h), e)
}

// normalise returns n and m in [√½, √2) with x = m·2^n, for finite x > 0.
func (b *builder) normalise(x string) (n, m string) {
	tiny := b.test("setp.lt.f64 %s, %s", x, lit64(0x1p-1022))
	x = b.where64(tiny, b.mul64(x, lit64(0x1p54)), x)
	w := b.def('d', "mov.b64 %s", x)
	k := b.def('d', "shr.s64 %s, 52", b.def('d', "sub.s64 %s, %s", w, rootHalf))
	m = b.def('g', "mov.b64 %s", b.def('d', "sub.s64 %s, %s", w, b.def('d', "shl.b64 %s, 52", k)))
	n = b.def('g', "cvt.rn.f64.s64 %s", k)
	return b.where64(tiny, b.add64(n, lit64(-54)), n), m
}

// logDD is dmath.logDD: ln x in two numbers, for finite x > 0.
func (b *builder) logDD(x string) (hi, lo string) {
	n, m := b.normalise(x)
	f := b.sub64(m, lit64(1))
	d, dl := b.twoSum(m, lit64(1))
	s := b.div64(f, d)
	back := b.neg64(s)
	sl := b.div64(b.fma64(back, dl, b.fma64(back, d, f)), d)
	t := b.mul64(s, s)
	s2 := b.mul64(lit64(2), s)
	tl := b.fma64(s2, sl, b.fma64(s, s, b.neg64(t)))
	c := b.mul64(s, t)
	cl := b.fma64(s, tl, b.fma64(sl, t, b.fma64(s, t, b.neg64(c))))
	g := b.mul64(lit64(dmath.TwoThird), c)
	gl := b.fma64(lit64(dmath.TwoThird), cl, b.fma64(lit64(dmath.TwoLow), c, b.fma64(lit64(dmath.TwoThird), c, b.neg64(g))))
	p := b.mul64(b.mul64(c, t), b.horner64(t, logC64))
	a, al := b.twoSum(b.mul64(n, lit64(dmath.Ln2Hi)), s2)
	q, ql := b.twoSum(a, g)
	rest := b.add64(p, b.add64(gl, b.mul64(lit64(2), sl)))
	r := b.add64(b.add64(al, ql), b.fma64(n, lit64(dmath.Ln2Mid), rest))
	hi = b.add64(q, r)
	return hi, b.add64(b.sub64(q, hi), r)
}

// log64 is dmath.Log of a finite x > 0.
func (b *builder) log64(x string) string {
	hi, _ := b.logDD(x)
	return hi
}

// expDD is e^(x+xl)·(1+…) of dmath's reduction and kernel, for |x| < 746.
func (b *builder) expDD(x, xl string) string {
	n := b.def('g', "cvt.rni.f64.f64 %s", b.mul64(x, lit64(dmath.Log2E)))
	back := b.neg64(n)
	h, l := b.twoSum(b.fma64(back, lit64(dmath.Ln2Hi), x), b.fma64(back, lit64(dmath.Ln2Mid), xl))
	q := b.add64(l, b.fma64(b.mul64(h, h), b.horner64(h, expC64), b.mul64(l, h)))
	s := b.add64(lit64(1), h)
	e := b.add64(s, b.add64(b.add64(b.sub64(lit64(1), s), h), q))
	return b.scale64(e, b.def('r', "cvt.rzi.s32.f64 %s", n))
}

// scale64 is x·2^k rounded once, for |k| ≤ 1100 and x near 1.
func (b *builder) scale64(x, k string) string {
	h := b.def('r', "shr.s32 %s, 1", k)
	return b.mul64(b.mul64(x, b.pow264(h)), b.pow264(b.def('r', "sub.s32 %s, %s", k, h)))
}

// pow264 is 2^k for −1023 < k < 1024.
func (b *builder) pow264(k string) string {
	w := b.def('d', "cvt.u64.u32 %s", b.def('r', "add.s32 %s, 1023", k))
	return b.def('g', "mov.b64 %s", b.def('d', "shl.b64 %s, 52", w))
}

const inf64 = "0d7FF0000000000000"

// exp64 is dmath.Exp of a number.
func (b *builder) exp64(x string) string {
	y := b.expDD(x, zero64)
	y = b.where64(b.test("setp.gt.f64 %s, %s", x, lit64(709.782712893384)), inf64, y)
	return b.where64(b.test("setp.lt.f64 %s, %s", x, lit64(-745.1332191019412)), zero64, y)
}

// powLoss is kernels.pow: x^y for x ≥ 0 or NaN and a finite y, y = 0 and 1 exact.
func (b *builder) powLoss(x, y string) string {
	h, l := b.logDD(x)
	p := b.mul64(y, h)
	ph, pl := b.mulDD(h, l, y, zero64)
	z := b.expDD(ph, pl)
	z = b.where64(b.test("setp.gt.f64 %s, %s", p, lit64(710)), inf64, z)
	z = b.where64(b.test("setp.lt.f64 %s, %s", p, lit64(-746)), zero64, z)
	// 0 and infinity: infinity if x > 1 equals y > 0
	up := b.test("setp.gt.f64 %s, %s", x, lit64(1))
	up = b.def('p', "xor.pred %s, %s", up, b.test("setp.gt.f64 %s, %s", y, zero64))
	edge := b.test("setp.eq.or.f64 %s, %s, %s", x, inf64, b.test("setp.eq.f64 %s, %s", x, zero64))
	z = b.where64(edge, b.where64(up, zero64, inf64), z)
	z = b.where64(b.test("setp.nan.f64 %s, %s", x, x), x, z)
	z = b.where64(b.test("setp.eq.f64 %s, %s", y, lit64(1)), x, z)
	one := b.test("setp.eq.or.f64 %s, %s, %s", x, lit64(1), b.test("setp.eq.f64 %s, %s", y, zero64))
	return b.where64(one, lit64(1), z)
}
