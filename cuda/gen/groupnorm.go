package gen

// A groupNorm writes GroupNorm, forward or backward, for a slice of channels of a
// sample that holds whole groups: a warp has 32 of them at a time, lane = channel.
// Sums of blocks of 32 pixels in float32 go to shared memory, are added in
// float64 in ascending order, and are joined over the channels of a group.
type groupNorm struct {
	*builder
	v               map[string]string
	n, lane, warp   string
	c0, size        string // first channel of the slice, and how many it has
	own, ch, in     string // the lane's channel in the slice and in all; whether it is one of its own
	blocks, totals  string // addresses of sums of blocks and of channels
	first           string // the predicate of warp 0
	count           string // pixels·channels of a group, float64
	channelOfGroup0 string // first channel of the lane's group in the slice
}

const (
	normRound  = 64 // blocks of pixels that are in shared memory at a time
	normWarps  = 8
	normSums   = normRound * 32 * 8
	normTotals = 24 // bytes of a channel's two sums and shift
)

// GroupNormWidth is the number of channels of a slice for groups of cpg channels.
func GroupNormWidth(cpg int) int { return max(32/cpg, 1) * cpg }

// GroupNormShared is the dynamic shared memory of all three entries: sums of
// blocks, then the totals of channels. A processor that has 99 KiB of shared memory
// takes groups of up to 3500 channels, one of 227 KiB up to 9000.
func GroupNormShared(cpg int) int { return normSums + GroupNormWidth(cpg)*normTotals }

// GroupNorm is the module of groupnorm and of groupnorm_backward and
// groupnorm_silu_backward, which differ in the activation (groupnorm has the
// parameter act). cpg = C/groups, width = GroupNormWidth(cpg). Grid:
// (⌈C/width⌉, N), 256 threads, GroupNormShared(cpg) bytes. pSS and pDSS [N,2C]
// may be 0. pStats [N,2C] is written forward and read backward.
//
// Backward, pGrads [N,2C] receives the gradients of gamma and beta of each
// sample, which column_sums adds to dgamma (samples 1, rows N, from pGrads at
// pitch 2C) and dbeta (from pGrads+4C). acc adds to dx. dx may be dy.
func GroupNorm() string {
	return module70(true, groupNormForward(), groupNormBackward("groupnorm_backward", false), groupNormBackward("groupnorm_silu_backward", true))
}

func groupNormForward() string {
	params := []Param{{"u64", "pY"}, {"u64", "pX"}, {"u64", "pGamma"}, {"u64", "pBeta"}, {"u64", "pSS"}, {"u64", "pStats"},
		{"u32", "P"}, {"u32", "C"}, {"u32", "cpg"}, {"u32", "width"}, {"u32", "pitchY"}, {"u32", "pitchX"}, {"f32", "eps"}, {"u32", "act"}}
	g := newGroupNorm(params)
	g.slices(func() {
		x0 := g.sample("pX", "pitchX")
		shift := g.median(g.load32(x0), g.load32(g.pixel(x0, "pitchX", g.def('r', "shr.u32 %s, 1", g.v["P"]))),
			g.load32(g.pixel(x0, "pitchX", g.def('r', "sub.u32 %s, 1", g.v["P"]))))
		s1, s2 := g.sums([]stream{{x0, g.v["pitchX"]}}, func(s, sq string, x []string) {
			d := g.sub(x[0], shift)
			g.plus(s, d)
			g.addProduct(sq, d, d)
		})
		g.total(s1, s2, g.widen(shift))
	})
	g.emit("bar.sync 0;")
	mean, rstd := g.moments()
	meanF, rstdF := g.narrow(mean), g.narrow(rstd)
	g.slices(func() {
		stats := g.item(g.rowOf("pStats"), g.ch)
		mine := g.def('p', "and.pred %s, %s", g.first, g.in)
		g.emit("@%s st.global.f32 [%s], %s;", mine, stats, meanF)
		g.emit("@%s st.global.f32 [%s], %s;", mine, g.item(stats, g.v["C"]), rstdF)
		a, b, _ := g.affine(meanF, rstdF)
		g.apply(a, b)
	})
	g.emit("ret;")
	return g.entry("groupnorm", params, 256, 0)
}

func newGroupNorm(params []Param) *groupNorm {
	b := newBuilder()
	g := &groupNorm{builder: b, v: b.load(params)}
	tid := b.def('r', "mov.u32 %%tid.x")
	g.lane, g.warp = b.def('r', "and.b32 %s, 31", tid), b.def('r', "shr.u32 %s, 5", tid)
	g.n = b.def('r', "mov.u32 %%ctaid.y")
	g.c0 = b.def('r', "mul.lo.u32 %s, %s", b.def('r', "mov.u32 %%ctaid.x"), g.v["width"])
	g.size = b.def('r', "min.u32 %s, %s", g.v["width"], b.def('r', "sub.u32 %s, %s", g.v["C"], g.c0))
	g.blocks = b.def('r', "mov.u32 smem")
	g.totals = b.def('r', "add.u32 %s, %d", g.blocks, normSums)
	g.first = b.test("setp.eq.u32 %s, 0", g.warp)
	g.count = b.def('g', "cvt.rn.f64.u32 %s", b.def('r', "mul.lo.u32 %s, %s", g.v["P"], g.v["cpg"]))
	c := b.def('r', "min.u32 %s, %s", g.lane, b.def('r', "sub.u32 %s, 1", g.size))
	g.channelOfGroup0 = b.def('r', "sub.u32 %s, %s", c, b.def('r', "rem.u32 %s, %s", c, g.v["cpg"]))
	return g
}

// slices runs body for 32 channels of the slice after the other. Lanes past the
// last have the last again.
func (g *groupNorm) slices(body func()) {
	k, loop := g.def('r', "mov.u32 0"), g.label("CHANNELS")
	g.mark(loop)
	own := g.def('r', "add.u32 %s, %s", k, g.lane)
	g.in = g.test("setp.lt.u32 %s, %s", own, g.size)
	g.own = g.def('r', "min.u32 %s, %s", own, g.def('r', "sub.u32 %s, 1", g.size))
	g.ch = g.def('r', "add.u32 %s, %s", g.c0, g.own)
	body()
	g.emit("add.u32 %s, %s, 32;", k, k)
	g.jump(loop, "setp.lt.u32 %s, %s", k, g.size)
}

// sample is the address of pixel 0 of the sample in the lane's channel.
func (g *groupNorm) sample(base, pitch string) string {
	e := g.def('d', "mul.wide.u32 %s, %s", g.n, g.v["P"])
	e = g.def('d', "mul.lo.u64 %s, %s", e, g.def('d', "cvt.u64.u32 %s", g.v[pitch]))
	return g.item(g.def('d', "add.u64 %s, %s", g.v[base], g.def('d', "shl.b64 %s, 2", e)), g.ch)
}

// pixel is the address of pixel i from that of pixel 0.
func (g *groupNorm) pixel(base, pitch, i string) string { return g.at(base, i, g.v[pitch]) }

// rowOf is the address of row n of an array of rows of 2C.
func (g *groupNorm) rowOf(base string) string {
	return g.at(g.v[base], g.n, g.def('r', "shl.b32 %s, 1", g.v["C"]))
}

// channel is the lane's element of an array of channels, in float64.
func (g *groupNorm) channel(base string) string { return g.widen(g.load32(g.item(g.v[base], g.ch))) }

// sums adds the lane's channel up: rounds of normRound blocks of 32 pixels, of
// which term adds those of a pixel.
func (g *groupNorm) sums(from []stream, term func(s, sq string, x []string)) (s1, s2 string) {
	s1, s2 = g.zero64(), g.zero64()
	blocks := g.def('r', "shr.u32 %s, 5", g.def('r', "add.u32 %s, 31", g.v["P"]))
	start := g.def('r', "mov.u32 0")
	round, block, done := g.label("ROUND"), g.label("BLOCK"), g.label("BLOCKS")
	g.mark(round)
	stop := g.def('r', "min.u32 %s, %s", blocks, g.def('r', "add.u32 %s, %d", start, normRound))
	blk := g.def('r', "add.u32 %s, %s", start, g.warp)
	g.mark(block)
	g.jump(done, "setp.ge.u32 %s, %s", blk, stop)
	s, sq := g.blockSums(blk, from, term)
	slot := g.def('r', "mad.lo.u32 %s, 256, %s", g.def('r', "sub.u32 %s, %s", blk, start), g.blocks)
	slot = g.def('r', "mad.lo.u32 %s, 4, %s", g.lane, slot)
	g.emit("st.shared.f32 [%s], %s;", slot, s)
	g.emit("st.shared.f32 [%s+128], %s;", slot, sq)
	g.emit("add.u32 %s, %s, %d;", blk, blk, normWarps)
	g.emit("bra %s;", block)
	g.mark(done)
	g.emit("bar.sync 0;")
	// every warp adds the blocks in ascending order: nobody needs to wait for a result
	j, at := g.def('r', "mov.u32 %s", start), g.def('r', "mad.lo.u32 %s, 4, %s", g.lane, g.blocks)
	join, joined := g.label("JOIN"), g.label("JOINED")
	g.mark(join)
	g.jump(joined, "setp.ge.u32 %s, %s", j, stop)
	for h, sum := range []string{s1, s2} {
		g.plus64(sum, g.widen(g.def('f', "ld.shared.f32 [%s+%d]", at, 128*h)))
	}
	g.emit("add.u32 %s, %s, 256;", at, at)
	g.emit("add.u32 %s, %s, 1;", j, j)
	g.emit("bra %s;", join)
	g.mark(joined)
	g.emit("bar.sync 0;")
	g.emit("mov.u32 %s, %s;", start, stop)
	g.jump(round, "setp.lt.u32 %s, %s", start, blocks)
	return s1, s2
}

// blockSums adds the pixels of a block.
func (g *groupNorm) blockSums(blk string, from []stream, term func(s, sq string, x []string)) (s, sq string) {
	s, sq = g.zero(), g.zero()
	i := g.def('r', "shl.b32 %s, 5", blk)
	rows := g.def('r', "min.u32 32, %s", g.def('r', "sub.u32 %s, %s", g.v["P"], i))
	at := make([]stream, len(from))
	for j, f := range from {
		at[j] = stream{g.at(f.at, i, f.pitch), f.pitch}
	}
	g.down(rows, at, []int{8}, func(x []string) { term(s, sq, x) })
	return s, sq
}

// total keeps what a channel gives to its group.
func (g *groupNorm) total(x ...string) {
	mine := g.def('p', "and.pred %s, %s", g.first, g.in)
	at := g.def('r', "mad.lo.u32 %s, %d, %s", g.own, normTotals, g.totals)
	for i, v := range x {
		g.emit("@%s st.shared.f64 [%s+%d], %s;", mine, at, 8*i, v)
	}
}

// moments is the mean and 1/σ of the lane's group: every lane walks the channels
// of its own group in order. (A group of more than 32 channels is the slice.)
func (g *groupNorm) moments() (mean, rstd string) {
	pixels := g.def('g', "cvt.rn.f64.u32 %s", g.v["P"])
	mean = g.zero64()
	g.channels(func(x []string) { g.plus64(mean, g.add64(x[2], g.div64(x[0], pixels))) })
	mean = g.div64(mean, g.def('g', "cvt.rn.f64.u32 %s", g.v["cpg"]))
	m2 := g.zero64()
	g.channels(func(x []string) {
		own := g.div64(x[0], pixels)
		d := g.sub64(g.add64(x[2], own), mean)
		g.plus64(m2, g.sub64(x[1], g.mul64(own, x[0])))
		g.plus64(m2, g.mul64(g.mul64(d, d), pixels))
	})
	m2 = g.where64(g.test("setp.lt.f64 %s, %s", m2, zero64), zero64, m2)
	return mean, g.reciprocalRoot(g.div64(m2, g.count), g.v["eps"])
}

// channels runs body on the totals of each channel of the lane's group.
func (g *groupNorm) channels(body func(x []string)) {
	loop, end := g.label("CHANNEL"), g.label("CHANNELEND")
	c := g.def('r', "mov.u32 %s", g.channelOfGroup0)
	at := g.def('r', "mad.lo.u32 %s, %d, %s", c, normTotals, g.totals)
	stop := g.def('r', "add.u32 %s, %s", c, g.v["cpg"])
	g.mark(loop)
	g.jump(end, "setp.ge.u32 %s, %s", c, stop)
	var x []string
	for i := range 3 {
		x = append(x, g.def('g', "ld.shared.f64 [%s+%d]", at, 8*i))
	}
	body(x)
	g.emit("add.u32 %s, %s, %d;", at, at, normTotals)
	g.emit("add.u32 %s, %s, 1;", c, c)
	g.emit("bra %s;", loop)
	g.mark(end)
}
