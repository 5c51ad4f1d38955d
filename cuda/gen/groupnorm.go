package gen

// A groupNorm writes the forward pass of GroupNorm for a slice of 32 channels of
// a sample: lane = channel. Sums of blocks of 32 pixels in float32 go to shared
// memory, are added in float64 in ascending order, and are joined over the
// channels of a group; then the affine map and SiLU.
type groupNorm struct {
	*builder
	v                            map[string]string
	n, ch, lane, warp, x0, shift string
	s1, s2, first                string // sums of a channel; the predicate of warp 0
}

const (
	normRound  = 64 // blocks of pixels that are in shared memory at a time
	normWarps  = 8
	normTotals = 24 // bytes of a channel's two sums and shift
)

// GroupNorm is simd's normalisation over groups of cpg channels, which divides
// 32. Grid: (C/32, N), 256 threads.
func GroupNorm() string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u64", "pX"}, {"u64", "pGamma"}, {"u64", "pBeta"}, {"u64", "pSS"}, {"u64", "pStats"},
		{"u32", "P"}, {"u32", "C"}, {"u32", "cpg"}, {"u32", "pitchY"}, {"u32", "pitchX"}, {"f32", "eps"}, {"u32", "act"}}
	g := &groupNorm{builder: b, v: b.load(params)}
	b.emit(".shared .align 16 .b8 sums[%d];", normRound*32*8)
	b.emit(".shared .align 16 .b8 tot[%d];", 32*normTotals)
	tid := b.def('r', "mov.u32 %%tid.x")
	g.lane, g.warp = b.def('r', "and.b32 %s, 31", tid), b.def('r', "shr.u32 %s, 5", tid)
	g.n = b.def('r', "mov.u32 %%ctaid.y")
	g.ch = b.def('r', "add.u32 %s, %s", b.def('r', "shl.b32 %s, 5", b.def('r', "mov.u32 %%ctaid.x")), g.lane)
	g.x0 = g.sample("pX", "pitchX")
	g.median()
	g.sums()
	mean, rstd := g.join()
	g.apply(g.affine(mean, rstd))
	b.emit("ret;")
	return module70(false, b.entry("groupnorm", params, 256, 0))
}

// sample is the address of pixel 0 of the sample in the lane's channel.
func (g *groupNorm) sample(base, pitch string) string {
	e := g.def('d', "mul.wide.u32 %s, %s", g.n, g.v["P"])
	e = g.def('d', "mul.lo.u64 %s, %s", e, g.def('d', "cvt.u64.u32 %s", g.v[pitch]))
	e = g.def('d', "add.u64 %s, %s", e, g.def('d', "cvt.u64.u32 %s", g.ch))
	return g.def('d', "add.u64 %s, %s", g.v[base], g.def('d', "shl.b64 %s, 2", e))
}

// pixel is the address of pixel i from that of pixel 0.
func (g *groupNorm) pixel(base, pitch, i string) string {
	return g.def('d', "add.u64 %s, %s", base, g.def('d', "shl.b64 %s, 2", g.def('d', "mul.wide.u32 %s, %s", i, g.v[pitch])))
}

// median is the shift: that of the first, middle and last pixel; NaN if one is.
func (g *groupNorm) median() {
	first := g.load32(g.x0)
	mid := g.load32(g.pixel(g.x0, "pitchX", g.def('r', "shr.u32 %s, 1", g.v["P"])))
	last := g.load32(g.pixel(g.x0, "pitchX", g.def('r', "sub.u32 %s, 1", g.v["P"])))
	lo, hi := g.def('f', "min.f32 %s, %s", first, mid), g.def('f', "max.f32 %s, %s", first, mid)
	k := g.def('f', "max.f32 %s, %s", lo, g.def('f', "min.f32 %s, %s", hi, last))
	nan := g.test("setp.nan.or.f32 %s, %s, %s", last, last, g.test("setp.nan.f32 %s, %s", first, mid))
	g.shift = g.def('f', "selp.f32 0f7FFFFFFF, %s, %s", k, nan)
}

// sums adds the lane's channel up: rounds of normRound blocks.
func (g *groupNorm) sums() {
	g.s1, g.s2 = g.def('g', "mov.f64 0d0000000000000000"), g.def('g', "mov.f64 0d0000000000000000")
	blocks := g.def('r', "shr.u32 %s, 5", g.def('r', "add.u32 %s, 31", g.v["P"]))
	base := g.def('r', "mov.u32 sums")
	start := g.def('r', "mov.u32 0")
	round, block, done := g.label("ROUND"), g.label("BLOCK"), g.label("BLOCKS")
	g.mark(round)
	stop := g.def('r', "min.u32 %s, %s", blocks, g.def('r', "add.u32 %s, %d", start, normRound))
	blk := g.def('r', "add.u32 %s, %s", start, g.warp)
	g.mark(block)
	g.jump(done, "setp.ge.u32 %s, %s", blk, stop)
	s, sq := g.blockSums(blk)
	slot := g.def('r', "mad.lo.u32 %s, 256, %s", g.def('r', "sub.u32 %s, %s", blk, start), base)
	slot = g.def('r', "mad.lo.u32 %s, 4, %s", g.lane, slot)
	g.emit("st.shared.f32 [%s], %s;", slot, s)
	g.emit("st.shared.f32 [%s+128], %s;", slot, sq)
	g.emit("add.u32 %s, %s, %d;", blk, blk, normWarps)
	g.emit("bra %s;", block)
	g.mark(done)
	g.emit("bar.sync 0;")
	// every warp adds the blocks in ascending order: nobody needs to wait for a result
	j, at := g.def('r', "mov.u32 %s", start), g.def('r', "mad.lo.u32 %s, 4, %s", g.lane, base)
	join, joined := g.label("JOIN"), g.label("JOINED")
	g.mark(join)
	g.jump(joined, "setp.ge.u32 %s, %s", j, stop)
	for h, sum := range []string{g.s1, g.s2} {
		w := g.def('g', "cvt.f64.f32 %s", g.def('f', "ld.shared.f32 [%s+%d]", at, 128*h))
		g.emit("add.rn.f64 %s, %s, %s;", sum, sum, w)
	}
	g.emit("add.u32 %s, %s, 256;", at, at)
	g.emit("add.u32 %s, %s, 1;", j, j)
	g.emit("bra %s;", join)
	g.mark(joined)
	g.emit("bar.sync 0;")
	g.emit("mov.u32 %s, %s;", start, stop)
	g.jump(round, "setp.lt.u32 %s, %s", start, blocks)
}

// blockSums adds x − shift and its square over the pixels of a block.
func (g *groupNorm) blockSums(blk string) (s, sq string) {
	s, sq = g.def('f', "mov.f32 0f00000000"), g.def('f', "mov.f32 0f00000000")
	i := g.def('r', "shl.b32 %s, 5", blk)
	end := g.def('r', "min.u32 %s, %s", g.v["P"], g.def('r', "add.u32 %s, 32", i))
	a := g.def('d', "mov.b64 %s", g.pixel(g.x0, "pitchX", i))
	step := g.def('d', "mul.wide.u32 %s, 4", g.v["pitchX"])
	term := func(x string) {
		d := g.sub(x, g.shift)
		g.emit("add.rn.f32 %s, %s, %s;", s, s, d)
		g.emit("fma.rn.f32 %s, %s, %s, %s;", sq, d, d, sq)
	}
	eight, one, end1 := g.label("EIGHT"), g.label("ONE"), g.label("ONEEND")
	g.mark(eight) // the loads of eight pixels first
	g.jump(one, "setp.gt.u32 %s, %s", g.def('r', "add.u32 %s, 8", i), end)
	var xs []string
	at := a
	for j := range 8 {
		if j > 0 {
			at = g.def('d', "add.u64 %s, %s", at, step)
		}
		xs = append(xs, g.load32(at))
	}
	for _, x := range xs {
		term(x)
	}
	g.emit("add.u64 %s, %s, %s;", a, at, step)
	g.emit("add.u32 %s, %s, 8;", i, i)
	g.emit("bra %s;", eight)
	g.mark(one)
	g.jump(end1, "setp.ge.u32 %s, %s", i, end)
	term(g.load32(a))
	g.emit("add.u64 %s, %s, %s;", a, a, step)
	g.emit("add.u32 %s, %s, 1;", i, i)
	g.emit("bra %s;", one)
	g.mark(end1)
	return s, sq
}

// join is the mean and 1/σ of the lane's group: every lane walks the channels of
// its own group in order.
func (g *groupNorm) join() (mean, rstd string) {
	tot := g.def('r', "mov.u32 tot")
	mine := g.def('r', "mad.lo.u32 %s, %d, %s", g.lane, normTotals, tot)
	g.first = g.test("setp.eq.u32 %s, 0", g.warp)
	g.emit("@%s st.shared.f64 [%s], %s;", g.first, mine, g.s1)
	g.emit("@%s st.shared.f64 [%s+8], %s;", g.first, mine, g.s2)
	g.emit("@%s st.shared.f64 [%s+16], %s;", g.first, mine, g.def('g', "cvt.f64.f32 %s", g.shift))
	g.emit("bar.sync 0;")
	pixels := g.def('g', "cvt.rn.f64.u32 %s", g.v["P"])
	c0 := g.def('r', "sub.u32 %s, %s", g.lane, g.def('r', "rem.u32 %s, %s", g.lane, g.v["cpg"]))
	at := g.def('r', "mad.lo.u32 %s, %d, %s", c0, normTotals, tot)
	op := func(f string, x, y string) string { return g.def('g', f+".rn.f64 %s, %s", x, y) }
	mean = g.def('g', "mov.f64 0d0000000000000000")
	g.channels(at, func(t1, _, sh string) {
		g.emit("add.rn.f64 %s, %s, %s;", mean, mean, op("add", sh, op("div", t1, pixels)))
	})
	mean = op("div", mean, g.def('g', "cvt.rn.f64.u32 %s", g.v["cpg"]))
	m2 := g.def('g', "mov.f64 0d0000000000000000")
	g.channels(at, func(t1, t2, sh string) {
		own := op("div", t1, pixels)
		d := op("sub", op("add", sh, own), mean)
		g.emit("add.rn.f64 %s, %s, %s;", m2, m2, op("sub", t2, op("mul", own, t1)))
		g.emit("add.rn.f64 %s, %s, %s;", m2, m2, op("mul", op("mul", d, d), pixels))
	})
	m2 = g.def('g', "selp.f64 0d0000000000000000, %s, %s", m2, g.test("setp.lt.f64 %s, 0d0000000000000000", m2))
	count := g.def('g', "cvt.rn.f64.u32 %s", g.def('r', "mul.lo.u32 %s, %s", g.v["P"], g.v["cpg"]))
	variance := op("add", op("div", m2, count), g.def('g', "cvt.f64.f32 %s", g.v["eps"]))
	return mean, op("div", "0d3FF0000000000000", g.def('g', "sqrt.rn.f64 %s", variance))
}

// channels runs body on the two sums and the shift of each channel of the group.
func (g *groupNorm) channels(from string, body func(t1, t2, shift string)) {
	loop, end := g.label("CHANNEL"), g.label("CHANNELS")
	count, at := g.def('r', "mov.u32 0"), g.def('r', "mov.u32 %s", from)
	g.mark(loop)
	g.jump(end, "setp.ge.u32 %s, %s", count, g.v["cpg"])
	body(g.def('g', "ld.shared.f64 [%s]", at), g.def('g', "ld.shared.f64 [%s+8]", at), g.def('g', "ld.shared.f64 [%s+16]", at))
	g.emit("add.u32 %s, %s, %d;", at, at, normTotals)
	g.emit("add.u32 %s, %s, 1;", count, count)
	g.emit("bra %s;", loop)
	g.mark(end)
}
