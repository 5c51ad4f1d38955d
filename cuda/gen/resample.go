package gen

// A resample computes one element of the result: a chain down each column that the
// taps meet, rounded, and a chain along their results.
type resample struct {
	*builder
	v         map[string]string
	spread    bool
	src, step string // address of the element's channel at pixel 0 of the sample; bytes from row to row
}

// Resample is the module of resample_gather, y[o] = Σ f[k]·x[step·o+k−pad], and
// resample_spread, y[o] = Σ f[o+pad−step·i]·x[i] (one side shown): Resample is the
// first unless it doubles the size (then the second, step 2), and its gradient
// the other one with the same step. x [N,H,W,C], y [N,OH,OW,C], count =
// N·OH·OW·C; half is 1 for step 2, 0 for step 1; f0 … f3 the taps, n of them.
// Grid: ⌈count/256⌉, 256 threads.
func Resample() string {
	return module70(false, resampled("resample_gather", false), resampled("resample_spread", true))
}

func resampled(name string, spread bool) string {
	params := []Param{{"u64", "pY"}, {"u64", "pX"}, {"u32", "count"}, {"u32", "C"}, {"u32", "H"}, {"u32", "W"}, {"u32", "OH"}, {"u32", "OW"},
		{"u32", "pitchY"}, {"u32", "pitchX"}, {"u32", "half"}, {"u32", "pad"}, {"u32", "n"},
		{"f32", "f0"}, {"f32", "f1"}, {"f32", "f2"}, {"f32", "f3"}}
	b := newBuilder()
	r := &resample{builder: b, v: b.load(params), spread: spread}
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, r.v["count"]))
	divide := func(x, by string) (q, rest string) {
		q = b.def('r', "div.u32 %s, %s", x, by)
		return q, b.def('r', "sub.u32 %s, %s", x, b.def('r', "mul.lo.u32 %s, %s", q, by))
	}
	pixel, c := divide(i, r.v["C"])
	row, ox := divide(pixel, r.v["OW"])
	n, oy := divide(row, r.v["OH"])
	r.step = b.def('d', "mul.wide.u32 %s, %s", r.v["W"], r.v["pitchX"])
	sample := b.def('d', "mul.lo.u64 %s, %s", b.def('d', "mul.wide.u32 %s, %s", n, r.v["H"]), r.step)
	r.step = b.def('d', "shl.b64 %s, 2", r.step)
	r.src = b.item(b.def('d', "add.u64 %s, %s", r.v["pX"], b.def('d', "shl.b64 %s, 2", sample)), c)
	y := r.chain(ox, r.v["W"], func(x string) string {
		column := b.at(r.src, x, r.v["pitchX"])
		return r.chain(oy, r.v["H"], func(y string) string {
			at := b.def('d', "mul.lo.u64 %s, %s", b.def('d', "cvt.u64.u32 %s", y), r.step)
			return b.load32(b.def('d', "add.u64 %s, %s", column, at))
		})
	})
	b.emit("st.global.f32 [%s], %s;", b.item(b.at(r.v["pY"], pixel, r.v["pitchY"]), c), y)
	b.emit("ret;")
	return b.entry(name, params, 256, 0)
}

// chain adds the taps that meet the size pixels of a side for output o, the first
// product rounded, the others fused; 0 if there is none.
func (r *resample) chain(o, size string, value func(i string) string) string {
	lo, hi, tap := r.terms(o, size)
	sum := r.zero()
	i, end, rest, done := r.def('r', "mov.u32 %s", lo), hi, r.label("REST"), r.label("CHAIN")
	next := func() { // the tap of the next pixel
		r.emit("add.s32 %s, %s, 1;", i, i)
		if r.spread {
			r.emit("sub.s32 %s, %s, %s;", tap, tap, r.def('r', "shl.b32 1, %s", r.v["half"]))
		} else {
			r.emit("add.s32 %s, %s, 1;", tap, tap)
		}
	}
	r.jump(done, "setp.ge.s32 %s, %s", i, end)
	r.emit("mul.rn.f32 %s, %s, %s;", sum, value(i), r.tap(tap))
	next()
	r.mark(rest)
	r.jump(done, "setp.ge.s32 %s, %s", i, end)
	r.addProduct(sum, r.tap(tap), value(i))
	next()
	r.emit("bra %s;", rest)
	r.mark(done)
	return sum
}

// terms are the pixels lo … hi−1 that meet output o, and the tap of the first.
func (r *resample) terms(o, size string) (lo, hi, tap string) {
	if r.spread { // 0 ≤ o+pad−step·i < n
		at := r.def('r', "add.s32 %s, %s", o, r.v["pad"])
		over := r.def('r', "max.s32 0, %s", r.def('r', "add.s32 %s, 1", r.def('r', "sub.s32 %s, %s", at, r.v["n"])))
		lo = r.def('r', "shr.s32 %s, %s", r.def('r', "add.s32 %s, %s", over, r.v["half"]), r.v["half"]) // rounded up
		hi = r.def('r', "min.s32 %s, %s", size, r.def('r', "add.s32 1, %s", r.def('r', "shr.s32 %s, %s", at, r.v["half"])))
		return lo, hi, r.def('r', "sub.s32 %s, %s", at, r.def('r', "shl.b32 %s, %s", lo, r.v["half"]))
	}
	at := r.def('r', "sub.s32 %s, %s", r.def('r', "shl.b32 %s, %s", o, r.v["half"]), r.v["pad"])
	lo = r.def('r', "max.s32 %s, 0", at)
	hi = r.def('r', "min.s32 %s, %s", size, r.def('r', "add.s32 %s, %s", at, r.v["n"]))
	return lo, hi, r.def('r', "sub.s32 %s, %s", lo, at)
}

// tap is the tap of that number.
func (r *resample) tap(k string) string {
	f := r.v["f3"]
	for i := 2; i >= 0; i-- {
		f = r.def('f', "selp.f32 %s, %s, %s", r.v[[]string{"f0", "f1", "f2"}[i]], f, r.test("setp.eq.s32 %s, %d", k, i))
	}
	return f
}
