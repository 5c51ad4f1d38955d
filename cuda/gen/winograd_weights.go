package gen

// winoSumImages is how many images a block of Sum has in work at a time, one a warp,
// which are as many as the taps that it then adds, one a warp.
const winoSumImages = 9

// WinoSumThreads is the size of a block of Sum.
const WinoSumThreads = 32 * winoSumImages

// Grad transforms gradients at outputs, what the gradient of the taps multiplies with V:
// D = A·dy·Aᵀ, as In does with pixels; beyond the image they are zero.
// Grid: ⌈tiles·cols/256⌉.
func (m Winograd) Grad() string {
	return m.transform(m.Names().Grad, int(m), int(m), 0, (*builder).winoGrad)
}

// Sum adds to the nine matrices C×O at pW what each image gives, Gᵀ·U·G, image after
// image: U [point][image] are matrices of size elements, of which rows are cols ≥ O
// long. Each warp transforms another image, and then adds another tap of all these.
// Grid: ⌈C·cols/32⌉, WinoSumThreads threads.
func (m Winograd) Sum() string {
	params := []Param{{"u64", "pW"}, {"u64", "pU"}, {"u32", "images"}, {"u32", "C"}, {"u32", "O"}, {"u32", "size"}, {"u32", "cols"}}
	b := newBuilder()
	v := b.load(params)
	const tap = 32 * 4                // bytes of a tap in shared memory
	const image = winoSumImages * tap // of an image
	const stage = winoSumImages * image
	b.emit(".shared .align 16 .b8 taps[%d];", 2*stage)
	tid := b.def('r', "mov.u32 %%tid.x")
	lane, warp := b.def('r', "and.b32 %s, 31", tid), b.def('r', "shr.u32 %s, 5", tid)
	pair := b.def('r', "mad.lo.u32 %s, 32, %s", b.def('r', "mov.u32 %%ctaid.x"), lane)
	row := b.def('r', "div.u32 %s, %s", pair, v["cols"])
	col := b.rest(pair, row, v["cols"])
	ok := b.test("setp.lt.and.u32 %s, %s, %s", col, v["O"], b.test("setp.lt.u32 %s, %s", row, v["C"]))
	to := b.item(b.at(v["pW"], b.def('r', "mad.lo.u32 %s, %s, %s", warp, v["C"], row), v["O"]), col)
	sum := b.zero()
	b.emit("@%s ld.global.f32 %s, [%s];", ok, sum, to)

	pair = b.def('r', "min.u32 %s, %s", pair, b.def('r', "sub.u32 %s, 1", v["size"]))
	from := b.item(b.at(v["pU"], warp, v["size"]), pair)
	next := b.def('d', "mul.wide.u32 %s, %d", v["size"], 4*winoSumImages)
	step := b.def('d', "shl.b64 %s, 2", b.def('d', "mul.wide.u32 %s, %s", v["size"], v["images"]))
	smem := b.def('r', "mad.lo.u32 %s, 4, %s", lane, b.def('r', "mov.u32 taps"))
	write, read := b.def('r', "mad.lo.u32 %s, %d, %s", warp, image, smem), b.def('r', "mad.lo.u32 %s, %d, %s", warp, tap, smem)
	other := b.def('r', "mov.u32 %d", stage) // from this stage to the next
	left := b.def('r', "mov.u32 %s", v["images"])
	loop, none, done := b.label("IMAGES"), b.label("NONE"), b.label("DONE")
	b.mark(loop)
	b.jump(none, "setp.ge.u32 %s, %s", warp, left)
	at := b.def('d', "mov.b64 %s", from)
	var u []string
	for range m.Points() {
		u = append(u, b.load32(at))
		b.emit("add.u64 %s, %s, %s;", at, at, step)
	}
	for i, x := range b.winoBoth(m, u, int(m)+2, b.winoBack) {
		b.emit("st.shared.f32 [%s+%d], %s;", write, i*tap, x)
	}
	b.mark(none)
	b.emit("bar.sync 0;") // the other stage is read before the next one
	for i := range winoSumImages {
		x, in := b.reg('f'), b.test("setp.gt.u32 %s, %d", left, i)
		b.emit("@%s ld.shared.f32 %s, [%s+%d];", in, x, read, i*image)
		b.emit("@%s add.rn.f32 %s, %s, %s;", in, sum, sum, x)
	}
	b.jump(done, "setp.le.u32 %s, %d", left, winoSumImages)
	b.emit("sub.u32 %s, %s, %d;", left, left, winoSumImages)
	b.emit("add.u64 %s, %s, %s;", from, from, next)
	b.emit("add.s32 %s, %s, %s;", write, write, other)
	b.emit("add.s32 %s, %s, %s;", read, read, other)
	b.emit("neg.s32 %s, %s;", other, other)
	b.emit("bra %s;", loop)
	b.mark(done)
	b.emit("@%s st.global.f32 [%s], %s;", ok, to, sum)
	b.emit("ret;")
	return module70(false, b.entry(m.Names().Sum, params, WinoSumThreads, 0))
}

// winoGrad is A·y, A without the divisors, which winoBack has.
func (b *builder) winoGrad(m Winograd, y winoRow) winoRow {
	if m == 2 {
		return winoRow{y[0], b.add(y[0], y[1]), b.sub(y[0], y[1]), y[1]}
	}
	s, t := b.fma(lit(winoB2), y[2], y[0]), b.fma(lit(winoB2), y[3], y[1])
	p, q := b.fma(lit(winoA2), y[2], y[0]), b.fma(lit(winoA2), y[3], y[1])
	return winoRow{y[0], b.fma(lit(winoA), q, p), b.fma(lit(-winoA), q, p), b.fma(lit(winoB), t, s), b.fma(lit(-winoB), t, s), y[3]}
}

// winoBack is Gᵀ·u, with the divisors.
func (b *builder) winoBack(m Winograd, u winoRow) winoRow {
	p, q := b.add(u[1], u[2]), b.sub(u[1], u[2])
	if m == 2 {
		return winoRow{b.fma(lit(0.5), p, u[0]), b.mul(lit(0.5), q), b.fma(lit(0.5), p, b.neg(u[3]))}
	}
	r, s := b.add(u[3], u[4]), b.sub(u[3], u[4])
	return winoRow{
		b.fma(lit(winoK0), u[0], b.fma(lit(winoK1), p, b.mul(lit(winoK2), r))),
		b.fma(lit(winoK1*winoA), q, b.mul(lit(winoK2*winoB), s)),
		b.fma(lit(winoK1*winoA2), p, b.fma(lit(winoK2*winoB2), r, u[5])),
	}
}
