package gen

import (
	"fmt"
	"math"
)

// A FlashBack is a kernel of attention's gradients on tensor cores, of heads of Head
// channels: in bfloat16, or with TF32 in float32 of which the cores see 10 bits of
// fraction. It has two forms. That of queries, which runs first, goes over the keys
// twice: for the largest score, the sum of the powers and D = Σ_j p·dp of each of its
// queries, which it leaves behind, and for dq = Σ_j ds·k/√d with
//
//	p = exp(q·k/√d − l), dp = dy·v, ds = p·(dp − D).
//
// That of keys goes over the queries for dv = Σ_i p·dy and dk = Σ_i ds·q/√d. Both are
// one program: the 64 rows of a block, one operand of each of the two products q·kᵀ
// and dy·vᵀ, stay in registers, and tiles of 64 rows of the other go by, which are an
// operand of the gradients too. Scores never leave the registers. Neither promises
// bits: the CPU adds in another order.
//
// D is the sum of the very products dp that it is subtracted from, so that rounding of
// dy and v moves both alike; Σ dy·y would be as many products.
type FlashBack struct {
	Head       int
	TF32, Keys bool
}

// FlashBacks are all of them.
var FlashBacks = func() (all []FlashBack) {
	for _, d := range FlashBackHeads {
		for _, tf32 := range []bool{false, true} {
			all = append(all, FlashBack{d, tf32, false}, FlashBack{d, tf32, true})
		}
	}
	return all
}()

// FlashBackHeads are the channels of heads that there are kernels for.
var FlashBackHeads = []int{16, 32, 64}

// FlashRows is how many queries or keys a block of FlashBack has, in tiles of as many.
const FlashRows = 64

// Name is the name of the module and of its entry: mma_flash_dq_bf16_64, say.
func (f FlashBack) Name() string {
	what, of := "dq", "bf16"
	if f.Keys {
		what = "dkv"
	}
	if f.TF32 {
		of = "tf32"
	}
	return fmt.Sprintf("mma_flash_%s_%s_%d", what, of, f.Head)
}

// Shared is the dynamic shared memory of a launch: two buffers of a tile of both
// operands and, for keys, of what the queries left.
func (f FlashBack) Shared() int { return 2 * f.bufferBytes() }

func (f FlashBack) bufferBytes() int {
	if f.Keys {
		return 2*f.tileBytes() + 8*FlashRows
	}
	return 2 * f.tileBytes()
}

func (f FlashBack) tileBytes() int { return FlashRows * f.rowBytes() }

// rowBytes is the bytes from row to row of a tile: 16 more than it has, so that eight rows,
// or four rows two apart, lie in different banks.
func (f FlashBack) rowBytes() int { return f.Head*f.size() + 16 }

// size is the bytes of an element.
func (f FlashBack) size() int {
	if f.TF32 {
		return 4
	}
	return 2
}

// minBlocks is how many blocks a processor is to have, which bounds the registers.
func (f FlashBack) minBlocks() int {
	if f.Head == 64 {
		return 2
	}
	return 3
}

// A flashBack writes one.
type flashBack struct {
	*builder
	FlashBack
	v                  map[string]string
	scale              string // log2 e/√Head: exponentials are powers of two
	tid, lane, warp    string
	n, h, own0, last   string
	x, g               source // qkv and dy, from the head's first element on
	smem, row, to      string // of the chunk that the thread copies: row of a tile, place in the first buffer
	at, current        string // first row of the tile at work; offset of its buffer
	atA, atB, atC, atD string // where lanes read: own rows, rows as columns, rows as k, what is known of queries
	own                [2][][]string
	top, sum, d, shift []string // of queries g and g+8: largest score, sum of powers, D, −l in powers of two
}

// A source is where rows of an operand come from.
type source struct{ base, pitch string }

// Text returns the module: dqkv like qkv [N,T,heads·3·Head], of pitch pitchOut, float32
// and even; qkv and dy [N,T,heads·Head] in bfloat16 or float32, their pitches of 16
// bytes; and two float32 for each query of each head, ⌈T/64⌉·64 of them, which the form
// of queries writes and that of keys reads. Grid: (⌈T/64⌉, N·heads), 128 threads.
func (f FlashBack) Text() string {
	b := newBuilder()
	params := []Param{{"u64", "pOut"}, {"u64", "pX"}, {"u64", "pG"}, {"u64", "pStats"}, {"u32", "T"}, {"u32", "heads"}, {"u32", "pitch"}, {"u32", "pitchG"}, {"u32", "pitchOut"}}
	a := &flashBack{builder: b, FlashBack: f, v: b.load(params), scale: lit(float32(math.Log2E / math.Sqrt(float64(f.Head))))}
	a.places()
	a.sources()
	own, other := []operand{{a.x, 0}, {a.g, 0}}, []operand{{a.x, 1}, {a.x, 2}} // q and dy; k and v
	if f.Keys {
		own, other = other, own
	}
	a.copyTiles(own, a.own0, a.def('r', "add.u32 %s, %d", a.to, f.bufferBytes()))
	a.copyRows(other, a.at, a.current)
	a.arrived()
	a.own = [2][][]string{a.ownRows(0), a.ownRows(f.tileBytes())}
	b.emit("bar.sync 0;") // before the second tile takes their place
	if f.Keys {
		a.keys(other)
	} else {
		a.queries(other)
	}
	b.emit("ret;")
	return module80(b.entry(f.Name(), params, 128, f.minBlocks()))
}

// places sets which rows and heads the block has, and where its lanes read.
func (a *flashBack) places() {
	a.tid = a.def('r', "mov.u32 %%tid.x")
	a.lane, a.warp = a.def('r', "and.b32 %s, 31", a.tid), a.def('r', "shr.u32 %s, 5", a.tid)
	a.own0 = a.def('r', "shl.b32 %s, 6", a.def('r', "mov.u32 %%ctaid.x"))
	nh := a.def('r', "mov.u32 %%ctaid.y")
	a.n, a.h = a.def('r', "div.u32 %s, %s", nh, a.v["heads"]), a.def('r', "rem.u32 %s, %s", nh, a.v["heads"])
	a.last = a.def('r', "sub.u32 %s, 1", a.v["T"])
	a.smem, a.at, a.current = a.def('r', "mov.u32 smem"), a.def('r', "mov.u32 0"), a.def('r', "mov.u32 0")
	l8, l16 := a.def('r', "and.b32 %s, 7", a.lane), a.def('r', "and.b32 %s, 15", a.lane)
	high, mid := a.def('r', "shr.u32 %s, 4", a.lane), a.def('r', "and.b32 %s, 1", a.def('r', "shr.u32 %s, 3", a.lane))
	place := func(row, chunk string) string {
		return a.def('r', "mad.lo.u32 %s, 16, %s", chunk, a.def('r', "mad.lo.u32 %s, %d, %s", row, a.rowBytes(), a.smem))
	}
	a.atA = place(a.def('r', "mad.lo.u32 %s, 16, %s", a.warp, l16), high)
	a.atB = place(a.def('r', "mad.lo.u32 %s, 8, %s", high, l8), mid)
	g, t := a.def('r', "shr.u32 %s, 2", a.lane), a.def('r', "and.b32 %s, 3", a.lane)
	if a.TF32 { // ldmatrix transposes no words of 32 bits
		a.atC = a.def('r', "mad.lo.u32 %s, 4, %s", g, a.def('r', "mad.lo.u32 %s, %d, %s", t, 2*a.rowBytes(), a.smem))
	} else {
		a.atC = place(l16, high)
	}
	a.atD = a.def('r', "mad.lo.u32 %s, 16, %s", t, a.smem)
}

// sources sets what the thread copies: a chunk of 16 bytes of rows of qkv and dy. Eight
// threads write at a time: those of rows of two or four chunks have rows four apart,
// not next to each other, which would lie in the same banks.
func (a *flashBack) sources() {
	of := func(p, pitch string, head int) source {
		e := a.def('d', "mul.wide.u32 %s, %s", a.n, a.def('r', "mul.lo.u32 %s, %s", a.v["T"], a.v[pitch]))
		e = a.def('d', "add.u64 %s, %s", e, a.def('d', "mul.wide.u32 %s, %d", a.h, head))
		return source{a.def('d', "add.u64 %s, %s", a.v[p], a.def('d', "shl.b64 %s, %d", e, log2(a.size()))), a.v[pitch]}
	}
	a.x, a.g = of("pX", "pitch", 3*a.Head), of("pG", "pitchG", a.Head)
	chunks := a.chunks()
	c, r := a.def('r', "and.b32 %s, %d", a.tid, chunks-1), a.def('r', "shr.u32 %s, %d", a.tid, log2(chunks))
	if chunks <= 4 {
		b0, b2 := a.def('r', "and.b32 %s, 1", r), a.def('r', "bfe.u32 %s, 2, 1", r)
		r = a.def('r', "mad.lo.u32 %s, 4, %s", b0, a.def('r', "add.u32 %s, %s", b2, a.def('r', "and.b32 %s, -6", r)))
	}
	a.row = r
	a.to = a.def('r', "mad.lo.u32 %s, 16, %s", c, a.def('r', "mad.lo.u32 %s, %d, %s", r, a.rowBytes(), a.smem))
	column := a.def('d', "mul.wide.u32 %s, 16", c)
	a.x.base, a.g.base = a.def('d', "add.u64 %s, %s", a.x.base, column), a.def('d', "add.u64 %s, %s", a.g.base, column)
}

// chunks is how many of 16 bytes a row has.
func (a *flashBack) chunks() int { return a.Head * a.size() / 16 }

// An operand is part 0, 1 or 2 of the head's channels of a source.
type operand struct {
	source
	part int
}

// copyTiles asks for 64 rows from row0 on of both operands. Rows past the end are the
// last one again.
func (a *flashBack) copyTiles(ops []operand, row0, to string) {
	step := 128 / a.chunks()
	for i := range FlashRows / step {
		row := a.def('r', "add.u32 %s, %s", row0, a.def('r', "add.u32 %s, %d", a.row, step*i))
		row = a.def('r', "min.u32 %s, %s", row, a.last)
		for j, op := range ops {
			e := a.def('d', "shl.b64 %s, %d", a.def('d', "mul.wide.u32 %s, %s", row, op.pitch), log2(a.size()))
			from := a.def('d', "add.u64 %s, %s", op.base, e)
			a.emit("cp.async.cg.shared.global [%s+%d], [%s+%d], 16;", to, j*a.tileBytes()+i*step*a.rowBytes(), from, op.part*a.Head*a.size())
		}
	}
}

// copyRows is copyTiles for a tile that goes by: for keys, with what is known of its
// queries.
func (a *flashBack) copyRows(ops []operand, row0, buffer string) {
	a.copyTiles(ops, row0, a.def('r', "add.u32 %s, %s", a.to, buffer))
	if a.Keys {
		first := a.test("setp.lt.u32 %s, 32", a.tid)
		e := a.def('d', "mul.wide.u32 %s, 8", a.stat(row0))
		from := a.def('d', "add.u64 %s, %s", a.def('d', "add.u64 %s, %s", a.v["pStats"], e), a.def('d', "mul.wide.u32 %s, 16", a.tid))
		at := a.def('r', "add.u32 %s, %s", buffer, a.def('r', "mad.lo.u32 %s, 16, %s", a.tid, a.smem))
		a.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", first, at, 2*a.tileBytes(), from)
	}
	a.emit("cp.async.commit_group;")
}

// stat is the number of a query of the head among all queries in whole tiles.
func (a *flashBack) stat(row string) string {
	whole := a.def('r', "and.b32 %s, -%d", a.def('r', "add.u32 %s, %d", a.v["T"], FlashRows-1), FlashRows)
	return a.def('r', "mad.lo.u32 %s, %s, %s", a.def('r', "mov.u32 %%ctaid.y"), whole, row)
}

// arrived waits for what was asked for.
func (a *flashBack) arrived() {
	a.emit("cp.async.wait_group 0;")
	a.emit("bar.sync 0;")
}

// over writes a loop over the tiles, the next of which is copied while body works on
// one; after the last comes the first again, or with once none.
func (a *flashBack) over(ops []operand, once bool, body func(next string)) {
	loop := a.label("LOOP")
	a.mark(loop)
	next := a.def('r', "add.u32 %s, %d", a.at, FlashRows)
	other := a.def('r', "sub.u32 %d, %s", a.bufferBytes(), a.current)
	if none := a.label("NONE"); once {
		a.jump(none, "setp.ge.u32 %s, %s", next, a.v["T"])
		a.copyRows(ops, next, other)
		a.mark(none)
	} else {
		a.copyRows(ops, a.def('r', "selp.b32 %s, 0, %s", next, a.test("setp.lt.u32 %s, %s", next, a.v["T"])), other)
	}
	body(next)
	a.arrived()
	a.emit("mov.u32 %s, %s;", a.current, other)
	a.emit("mov.u32 %s, %s;", a.at, next)
	a.jump(loop, "setp.lt.u32 %s, %s", a.at, a.v["T"])
}
