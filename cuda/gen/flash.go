package gen

import "math"

// A flash writes attention on tensor cores for heads of 64 channels in bfloat16:
// 64 queries to a block of four warps, keys in tiles of 64, two of them in shared
// memory, and a softmax that is corrected as larger scores come. It promises no
// bits: the CPU adds in another order.
type flash struct {
	*builder
	v                  map[string]string
	tid, lane, warp    string
	n, h, q0           string
	base, last, smem   string
	to, column         string // of the copies
	offQ, offK, offV   []string
	q                  [][]string // fragments of the queries
	out, s             [][]string // sums of outputs, scores
	top, sum           []string   // of rows g and g+8
	key, current, pair string     // first key of the tile; offset of its buffer; 2·(lane mod 4)
}

const (
	flashK, flashV = 8192, 16384 // after the queries: K0 V0 K1 V1
	flashBuffer    = 16384

	// FlashHead is how many channels a head has.
	FlashHead = 64

	// FlashShared is the dynamic shared memory of a launch.
	FlashShared = 40960

	mmaBF16 = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
)

// Flash is softmax(q·kᵀ/8)·v for qkv [N,T,heads·3·64] in bfloat16; y is float32,
// its pitch even. Grid: (⌈T/64⌉, N·heads), 128 threads.
func Flash() string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u64", "pQKV"}, {"u32", "T"}, {"u32", "heads"}, {"u32", "pitch"}, {"u32", "pitchY"}}
	a := &flash{builder: b, v: b.load(params)}
	a.addresses()
	a.copyTile(a.q0, 0, a.to, 0)
	a.copyTile(a.key, 1, a.to, flashK)
	a.copyTile(a.key, 2, a.to, flashV)
	b.emit("cp.async.commit_group;")
	a.registers()
	b.emit("cp.async.wait_group 0;")
	b.emit("bar.sync 0;")
	for k := range 4 {
		a.q = append(a.q, b.regs('r', 4))
		b.emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 %s, [%s];", list(a.q[k]), a.offQ[k])
	}
	loop := b.label("LOOP")
	b.mark(loop)
	next := b.def('r', "add.u32 %s, 64", a.key)
	other := b.def('r', "xor.b32 %s, %d", a.current, flashBuffer)
	a.prefetch(next, other)
	a.scores()
	a.mask(next)
	for i := range 2 {
		a.softmax(i)
	}
	a.values()
	b.emit("cp.async.wait_group 0;")
	b.emit("bar.sync 0;")
	b.emit("mov.u32 %s, %s;", a.current, other)
	b.emit("mov.u32 %s, %s;", a.key, next)
	b.jump(loop, "setp.lt.u32 %s, %s", a.key, a.v["T"])
	a.finish()
	return module80(b.entry("mma_flash_64", params, 128, 3))
}

func (a *flash) addresses() {
	a.tid = a.def('r', "mov.u32 %%tid.x")
	a.lane, a.warp = a.def('r', "and.b32 %s, 31", a.tid), a.def('r', "shr.u32 %s, 5", a.tid)
	a.q0 = a.def('r', "shl.b32 %s, 6", a.def('r', "mov.u32 %%ctaid.x"))
	nh := a.def('r', "mov.u32 %%ctaid.y")
	a.n, a.h = a.def('r', "div.u32 %s, %s", nh, a.v["heads"]), a.def('r', "rem.u32 %s, %s", nh, a.v["heads"])
	a.smem, a.key, a.current = a.def('r', "mov.u32 smem"), a.def('r', "mov.u32 0"), a.def('r', "mov.u32 0")
	a.last = a.def('r', "sub.u32 %s, 1", a.v["T"])
	at := a.def('d', "mul.wide.u32 %s, %s", a.n, a.def('r', "mul.lo.u32 %s, %s", a.v["T"], a.v["pitch"]))
	at = a.def('d', "add.u64 %s, %s", at, a.def('d', "mul.wide.u32 %s, 192", a.h))
	a.base = a.def('d', "add.u64 %s, %s", a.v["pQKV"], a.def('d', "shl.b64 %s, 1", at))
	c, r := a.def('r', "and.b32 %s, 7", a.tid), a.def('r', "shr.u32 %s, 3", a.tid)
	place := a.def('r', "mad.lo.u32 %s, 8, %s", r, a.def('r', "xor.b32 %s, %s", c, a.def('r', "and.b32 %s, 7", r)))
	a.to = a.def('r', "add.u32 %s, %s", a.smem, a.def('r', "shl.b32 %s, 4", place))
	a.column = a.def('d', "mul.wide.u32 %s, 16", c)
	l8, l16 := a.def('r', "and.b32 %s, 7", a.lane), a.def('r', "and.b32 %s, 15", a.lane)
	high, mid := a.def('r', "shr.u32 %s, 4", a.lane), a.def('r', "and.b32 %s, 1", a.def('r', "shr.u32 %s, 3", a.lane))
	offsets := func(row, first string) (off []string) {
		base := a.def('r', "mad.lo.u32 %s, 128, %s", row, a.smem)
		for s := range 4 {
			chunk := a.def('r', "xor.b32 %s, %s", a.def('r', "add.u32 %s, %d", first, 2*s), l8)
			off = append(off, a.def('r', "add.u32 %s, %s", base, a.def('r', "shl.b32 %s, 4", chunk)))
		}
		return off
	}
	a.offQ = offsets(a.def('r', "mad.lo.u32 %s, 16, %s", a.warp, l16), high)
	a.offK = offsets(a.def('r', "mad.lo.u32 %s, 8, %s", high, l8), mid)
	a.offV = offsets(l16, high)
	a.pair = a.def('r', "shl.b32 %s, 1", a.def('r', "and.b32 %s, 3", a.lane))
}

// copyTile asks for rows row0 … row0+63 of part 0 (q), 1 (k) or 2 (v). Rows past
// the end are the last one again.
func (a *flash) copyTile(row0 string, part int, to string, at int) {
	r := a.def('r', "shr.u32 %s, 3", a.tid)
	for i := range 4 {
		row := a.def('r', "add.u32 %s, %s", row0, a.def('r', "add.u32 %s, %d", r, 16*i))
		row = a.def('r', "min.u32 %s, %s", row, a.last)
		e := a.def('d', "shl.b64 %s, 1", a.def('d', "mul.wide.u32 %s, %s", row, a.v["pitch"]))
		from := a.def('d', "add.u64 %s, %s", a.def('d', "add.u64 %s, %s", a.base, e), a.column)
		a.emit("cp.async.cg.shared.global [%s+%d], [%s+%d], 16;", to, at+i*2048, from, part*128)
	}
}

// registers clears the outputs and what the softmax knows.
func (a *flash) registers() {
	for range 8 {
		a.out, a.s = append(a.out, a.regs('f', 4)), append(a.s, a.regs('f', 4))
		a.clear(a.out[len(a.out)-1])
	}
	a.top, a.sum = a.regs('f', 2), a.regs('f', 2)
	for _, x := range a.top {
		a.emit("mov.f32 %s, 0fFF800000;", x)
	}
	a.clear(a.sum)
}

func (a *builder) clear(x []string) {
	for _, r := range x {
		a.emit("mov.f32 %s, 0f00000000;", r)
	}
}

// prefetch asks for the next tile, if there is one, into the other buffer.
func (a *flash) prefetch(next, other string) {
	to := a.def('r', "add.u32 %s, %s", a.to, other)
	none := a.label("NONE")
	a.jump(none, "setp.ge.u32 %s, %s", next, a.v["T"])
	a.copyTile(next, 1, to, flashK)
	a.copyTile(next, 2, to, flashV)
	a.mark(none)
	a.emit("cp.async.commit_group;")
}

// scaleLog2 is log2 e/√64: exponentials are powers of two.
var scaleLog2 = lit(float32(math.Log2E / 8))
