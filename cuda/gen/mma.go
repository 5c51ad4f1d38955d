package gen

import (
	"fmt"
	"slices"
)

// An MMA is a product on tensor cores, C = A·B + bias: bfloat16 operands, or
// float32 ones of which the cores see 10 bits of fraction (tf32), and float32
// sums. The order of the additions is the hardware's: it promises no bits.
//
// A is [M,K] with K contiguous. With BT, B is [N,K] with K contiguous; without,
// [K,N] with N contiguous, for bfloat16 only: ldmatrix.trans moves 16-bit
// elements. A block makes BM×BN outputs from tiles BK deep, a warp WM×WN of them.
// K is a multiple of BK, N and the pitches of 16 bytes. Grid: (⌈N/BN⌉, ⌈M/BM⌉).
//
// With Conv, A is an image seen through at least one tap: see tapParams; with BT
// the matrices of B are transposed too. C and the residual, which is added last, are
// float32; their pitches and N are even.
type MMA struct {
	Name             string
	BM, BN, BK       int
	WM, WN           int
	Stages, MinBlock int
	TF32, BT         bool
	Out16            bool // C is bfloat16
	Conv             bool
	Weights          bool // see MMAWeights
}

// MMAs are the products; the second is the main one for N ≥ 256: it reads least
// of the second-level cache.
var MMAs = []MMA{
	{Name: "mma_bf16_nn", BM: 128, BN: 128, BK: 32, WM: 64, WN: 64, Stages: 4, MinBlock: 2},
	{Name: "mma_bf16_nn_big", BM: 128, BN: 256, BK: 32, WM: 64, WN: 64, Stages: 4, MinBlock: 1},
	{Name: "mma_bf16_nt", BM: 128, BN: 128, BK: 32, WM: 64, WN: 64, Stages: 4, MinBlock: 2, BT: true, Out16: true},
	{Name: "mma_bf16_nt_deep", BM: 128, BN: 128, BK: 64, WM: 64, WN: 64, Stages: 3, MinBlock: 2, BT: true},
	{Name: "mma_tf32_nt", BM: 128, BN: 128, BK: 16, WM: 64, WN: 64, Stages: 4, MinBlock: 2, TF32: true, BT: true},
	{Name: "mma_bf16_conv", BM: 128, BN: 128, BK: 32, WM: 64, WN: 64, Stages: 4, MinBlock: 2, Conv: true},
	{Name: "mma_tf32_conv", BM: 128, BN: 128, BK: 16, WM: 64, WN: 64, Stages: 4, MinBlock: 2, TF32: true, BT: true, Conv: true},
	{Name: "mma_bf16_conv_big", BM: 128, BN: 256, BK: 32, WM: 64, WN: 64, Stages: 4, MinBlock: 1, Conv: true},
}

// Threads is the size of a block.
func (g MMA) Threads() int { return g.BM / g.WM * (g.BN / g.WN) * 32 }

// Shared is the dynamic shared memory of a launch.
func (g MMA) Shared() int { return g.Stages * g.stage() }

func (g MMA) stage() int { return g.aBytes() + g.BN*g.BK*g.size() }

func (g MMA) aBytes() int { return g.BM * g.BK * g.size() }

// size is the bytes of an element of A and B.
func (g MMA) size() int {
	if g.TF32 {
		return 4
	}
	return 2
}

// steps is the number of mma along k in a tile: each takes 32 bytes of a row.
func (g MMA) steps() int { return g.BK * g.size() / 32 }

// params are the parameters, and how many of them come before the taps.
func (g MMA) params() (ps []Param, plain int) {
	if g.Weights {
		ps = slices.Concat(weightParams, placeParams)
		return ps, len(ps)
	}
	ps = []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u64", "pBias"}, {"u32", "M"}, {"u32", "N"}, {"u32", "K"}, {"u32", "lda"}, {"u32", "ldb"}, {"u32", "ldc"}}
	if !g.Conv {
		return ps, len(ps)
	}
	ps = append(ps, Param{"u64", "pRes"}, Param{"u32", "ldr"})
	return append(ps, tapParams()...), len(ps) + convPlain
}

// A mma writes one MMA.
type mma struct {
	*builder
	MMA
	v                          map[string]string
	tid, lane, wm, wn          string
	bm, bn, smem               string
	a, b                       copies
	tiles, loaded, write, read string // tiles in all and asked for; offsets of stages
	aBase, bBase               string
	aOff, bOff                 []string // by step of k; without BT by pair of columns
	fa                         [2][][]string
	fb                         [2][][]string
	acc                        [][][]string
	taps                       *taps    // of a convolution
	pixel                      *viewed  // of a gradient of a weight: the next one that is copied
	row, end                   string   // its number, and the first one of another part
	z                          string   // matrix of C
	masks                      []string // of a convolution: taps that lie in the image
}

// copies are the 16-byte chunks of an operand's tile that a thread copies.
type copies struct {
	to, from, have []string // register of the address, of the source (of a convolution its offset), of the bytes that there are
	off            []int
	advance        string // to the source of the next tile
}

// Text returns the module.
func (g MMA) Text() string {
	b := newBuilder()
	params, plain := g.params()
	v := b.load(params[:plain])
	m := &mma{builder: b, MMA: g, v: v, taps: &taps{builder: b, v: v, size: g.size(), a: v["pA"], b: v["pB"], rows: "K"}}
	if g.BT {
		m.taps.rows = "N"
	}
	m.tid = b.def('r', "mov.u32 %%tid.x")
	m.lane = b.def('r', "and.b32 %s, 31", m.tid)
	warp := b.def('r', "shr.u32 %s, 5", m.tid)
	wide := g.BN / g.WN
	m.wn, m.wm = b.def('r', "and.b32 %s, %d", warp, wide-1), b.def('r', "shr.u32 %s, %d", warp, log2(wide))
	m.bn = b.def('r', "mul.lo.u32 %s, %d", b.def('r', "mov.u32 %%ctaid.x"), g.BN)
	m.bm = b.def('r', "mul.lo.u32 %s, %d", b.def('r', "mov.u32 %%ctaid.y"), g.BM)
	m.smem = b.def('r', "mov.u32 smem")
	if g.Weights {
		m.operands()
	} else {
		m.sources()
	}
	m.loaded, m.write, m.read = b.def('r', "mov.u32 0"), b.def('r', "mov.u32 0"), b.def('r', "mov.u32 0")
	m.fragments()
	for range g.Stages - 1 {
		m.copyTile()
	}
	m.loop()
	m.finish()
	return module80(b.entry(g.Name, params, g.Threads(), g.MinBlock))
}

// sources plans the copies of both operands.
func (m *mma) sources() {
	if m.Conv {
		m.a = m.pixels()
	} else {
		m.a = m.rows(m.BM, "pA", m.bm, "M", "lda", 0)
	}
	if m.BT {
		m.b = m.rows(m.BN, "pB", m.bn, "N", "ldb", m.aBytes())
	} else {
		m.b = m.columns()
	}
	m.tiles = m.def('r', "div.u32 %s, %d", m.v["K"], m.BK)
	if m.Conv {
		m.tiles = m.def('r', "mul.lo.u32 %s, %s", m.tiles, m.v["taps"])
		m.taps.begin()
	}
}

// swizzle is what the number of a row's chunk is xored with, so that eight rows
// lie in different banks: rows of 4 chunks fill half of the banks.
func (m *mma) swizzle(chunks int, row string) string {
	if chunks == 4 {
		return m.def('r', "and.b32 %s, 3", m.def('r', "shr.u32 %s, 1", row))
	}
	return m.def('r', "and.b32 %s, 7", row)
}

// rows plans the copy of n rows of BK elements along k. Rows past the end are
// filled with zeros.
func (m *mma) rows(n int, base, row0, limit, pitch string, at int) (c copies) {
	chunks := m.BK * m.size() / 16
	chunk, r := m.def('r', "and.b32 %s, %d", m.tid, chunks-1), m.def('r', "shr.u32 %s, %d", m.tid, log2(chunks))
	step := m.Threads() / chunks // rows apart: a multiple of 8, so one swizzle serves all
	place := m.def('r', "mad.lo.u32 %s, %d, %s", r, chunks, m.def('r', "xor.b32 %s, %s", chunk, m.swizzle(chunks, r)))
	to := m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "shl.b32 %s, 4", place))
	for i := range n * chunks / m.Threads() {
		row := m.def('r', "add.u32 %s, %s", row0, m.def('r', "add.u32 %s, %d", r, i*step))
		in := m.test("setp.lt.u32 %s, %s", row, m.v[limit])
		row = m.def('r', "selp.b32 %s, 0, %s", row, in)
		c.have = append(c.have, m.def('r', "selp.b32 16, 0, %s", in))
		c.to, c.off = append(c.to, to), append(c.off, at+i*step*chunks*16)
		if m.Conv {
			first := m.def('r', "shl.b32 %s, %d", chunk, log2(16/m.size()))
			c.from = append(c.from, m.def('r', "mad.lo.u32 %s, %s, %s", row, m.v[pitch], first))
			continue
		}
		from := m.def('d', "mul.lo.u64 %s, %d", m.def('d', "mul.wide.u32 %s, %s", row, m.v[pitch]), m.size())
		from = m.def('d', "add.u64 %s, %s", m.v[base], from)
		c.from = append(c.from, m.def('d', "add.u64 %s, %s", from, m.def('d', "mul.wide.u32 %s, 16", chunk)))
	}
	c.advance = fmt.Sprint(m.BK * m.size())
	return c
}

// pixels plans the copy of BM pixels of BK channels; pixels past the end are the
// last one again.
func (m *mma) pixels() (c copies) {
	chunks := m.BK * m.size() / 16
	chunk, r := m.def('r', "and.b32 %s, %d", m.tid, chunks-1), m.def('r', "shr.u32 %s, %d", m.tid, log2(chunks))
	step := m.Threads() / chunks
	place := m.def('r', "mad.lo.u32 %s, %d, %s", r, chunks, m.def('r', "xor.b32 %s, %s", chunk, m.swizzle(chunks, r)))
	to := m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "shl.b32 %s, 4", place))
	first := m.def('r', "shl.b32 %s, %d", chunk, log2(16/m.size()))
	var ys, xs []string
	for i := range m.BM * chunks / m.Threads() {
		row := m.def('r', "add.u32 %s, %s", m.bm, m.def('r', "add.u32 %s, %d", r, i*step))
		row, y, x := m.taps.source(m.def('r', "min.u32 %s, %s", row, m.def('r', "sub.u32 %s, 1", m.v["M"])))
		ys, xs = append(ys, y), append(xs, x)
		c.from = append(c.from, m.def('r', "mad.lo.u32 %s, %s, %s", row, m.v["lda"], first))
		c.to, c.off = append(c.to, to), append(c.off, i*step*chunks*16)
	}
	m.masks = m.taps.masks(ys, xs)
	return c
}

// columns plans the copy of BK rows of B along its columns.
func (m *mma) columns() (c copies) {
	chunks := m.BN * m.size() / 16
	chunk, r := m.def('r', "and.b32 %s, %d", m.tid, chunks-1), m.def('r', "shr.u32 %s, %d", m.tid, log2(chunks))
	step := m.Threads() / chunks
	col := m.def('r', "mad.lo.u32 %s, %d, %s", chunk, 16/m.size(), m.bn)
	in := m.test("setp.lt.u32 %s, %s", col, m.v["N"])
	col = m.def('r', "selp.b32 %s, 0, %s", col, in)
	have := m.def('r', "selp.b32 16, 0, %s", in)
	for i := range m.BK * chunks / m.Threads() {
		row := m.def('r', "add.u32 %s, %d", r, i*step)
		place := m.def('r', "mad.lo.u32 %s, %d, %s", row, chunks, m.def('r', "xor.b32 %s, %s", chunk, m.swizzle(chunks, row)))
		c.to = append(c.to, m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "shl.b32 %s, 4", place)))
		if m.Conv {
			c.from = append(c.from, m.def('r', "mad.lo.u32 %s, %s, %s", row, m.v["ldb"], col))
		} else {
			at := m.def('d', "add.u64 %s, %s", m.def('d', "mul.wide.u32 %s, %s", row, m.v["ldb"]), m.def('d', "cvt.u64.u32 %s", col))
			c.from = append(c.from, m.def('d', "add.u64 %s, %s", m.v["pB"], m.def('d', "mul.lo.u64 %s, %d", at, m.size())))
		}
		c.have, c.off = append(c.have, have), append(c.off, m.aBytes())
	}
	c.advance = m.def('d', "mul.wide.u32 %s, %d", m.v["ldb"], m.BK*m.size())
	return c
}

// copyTile asks for the next tile of both operands; a group is committed even
// after the last.
func (m *mma) copyTile() {
	ok := m.test("setp.lt.u32 %s, %s", m.loaded, m.tiles)
	switch {
	case m.Weights:
		m.copyPixels(ok)
	case m.Conv:
		m.copyTaps(ok)
	default:
		m.copyPlain(ok)
	}
	m.emit("cp.async.commit_group;")
	m.emit("add.u32 %s, %s, 1;", m.loaded, m.loaded)
	m.nextStage(m.write)
}

func (m *mma) copyPlain(ok string) {
	for _, c := range []copies{m.a, m.b} {
		for i, from := range c.from {
			to := m.def('r', "add.u32 %s, %s", c.to[i], m.write)
			m.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, to, c.off[i], from, c.have[i])
			m.emit("add.u64 %s, %s, %s;", from, from, c.advance)
		}
	}
}

// copyTaps copies BK channels of the current tap.
func (m *mma) copyTaps(ok string) {
	for i, off := range m.a.from {
		have := m.def('r', "selp.b32 16, 0, %s", m.taps.inside(m.masks[i]))
		to := m.def('r', "add.u32 %s, %s", m.a.to[i], m.write)
		m.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, to, m.a.off[i], m.taps.from(m.taps.atA, off), have)
	}
	for i, off := range m.b.from {
		to := m.def('r', "add.u32 %s, %s", m.b.to[i], m.write)
		m.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, to, m.b.off[i], m.taps.from(m.taps.atB, off), m.b.have[i])
	}
	m.taps.next(m.BK, m.b.advance)
}

func (m *mma) nextStage(at string) {
	m.emit("add.u32 %s, %s, %d;", at, at, m.stage())
	m.emit("selp.b32 %s, 0, %s, %s;", at, at, m.test("setp.eq.u32 %s, %d", at, m.Shared()))
}

// ToBF16 rounds rows of float32 to dense rows of bfloat16: what products on tensor
// cores read. A thread has four of a row; columns and pitch are multiples of four,
// groups = columns/4, count = rows·groups. Grid: ⌈count/256⌉.
func ToBF16() string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u64", "pX"}, {"u32", "pitch"}, {"u32", "groups"}, {"u32", "count"}}
	v := b.load(params)
	i := b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, v["count"]))
	row := b.def('r', "div.u32 %s, %s", i, v["groups"])
	e := b.def('d', "mul.wide.u32 %s, 4", b.rest(i, row, v["groups"]))
	e = b.def('d', "mad.wide.u32 %s, %s, %s", row, v["pitch"], e)
	x := b.regs('f', 4)
	b.emit("ld.global.v4.f32 %s, [%s];", list(x), b.def('d', "add.u64 %s, %s", v["pX"], b.def('d', "shl.b64 %s, 2", e)))
	lo, hi := b.def('r', "cvt.rn.bf16x2.f32 %s, %s", x[1], x[0]), b.def('r', "cvt.rn.bf16x2.f32 %s, %s", x[3], x[2])
	b.emit("st.global.v2.b32 [%s], {%s, %s};", b.def('d', "add.u64 %s, %s", v["pY"], b.def('d', "mul.wide.u32 %s, 8", i)), lo, hi)
	b.emit("ret;")
	return module80(b.entry("to_bf16", params, 256, 0))
}
