package gen

import "fmt"

// An attention writes the forward pass for heads of d channels: 32 queries to a
// block of 128 threads, all their scores in shared memory, since a softmax in
// pieces would add in another order than the CPU.
type attention struct {
	*builder
	v                  map[string]string
	d, pitch           int // channels; bytes from row to row of what is staged
	tid, q0, n, h      string
	base, last, smem   string
	scores, scoresStep string // address; bytes of a row
	ry                 string // tid/16
	k0                 string // first key of the tile
}

const (
	attentionQueries = 32
	attentionKeys    = 64 // that are staged at a time
)

// AttentionHeads are the numbers of channels of a head that have a kernel.
var AttentionHeads = []int{16, 32, 64}

// AttentionName is the entry for heads of d channels.
func AttentionName(d int) string { return fmt.Sprintf("attention_%d", d) }

// AttentionWidth is the distance of rows of scores in float32: neighbouring rows
// lie half the banks apart. AttentionShared is the dynamic shared memory.
func AttentionWidth(T int) int {
	return (T+attentionKeys-1)/attentionKeys*attentionKeys + 16
}

// AttentionShared holds the queries, a tile of keys or values, and the scores.
func AttentionShared(d, T int) int {
	return (attentionQueries+attentionKeys)*(d+4)*4 + attentionQueries*4*AttentionWidth(T)
}

// Attention is softmax(q·kᵀ·scale)·v for qkv [N,T,heads·3·d]. Grid: (⌈T/32⌉,
// N·heads), 128 threads.
func Attention(d int) string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u64", "pQKV"}, {"u32", "T"}, {"u32", "heads"}, {"u32", "pitch"}, {"u32", "pitchY"}, {"f32", "scale"}, {"u32", "width"}}
	a := &attention{builder: b, v: b.load(params), d: d, pitch: (d + 4) * 4} // rows four banks apart
	a.tid = b.def('r', "mov.u32 %%tid.x")
	a.q0 = b.def('r', "shl.b32 %s, 5", b.def('r', "mov.u32 %%ctaid.x"))
	nh := b.def('r', "mov.u32 %%ctaid.y")
	a.n, a.h = b.def('r', "div.u32 %s, %s", nh, a.v["heads"]), b.def('r', "rem.u32 %s, %s", nh, a.v["heads"])
	a.last = b.def('r', "sub.u32 %s, 1", a.v["T"])
	at := b.def('d', "mul.wide.u32 %s, %s", a.n, b.def('r', "mul.lo.u32 %s, %s", a.v["T"], a.v["pitch"]))
	at = b.def('d', "add.u64 %s, %s", at, b.def('d', "mul.wide.u32 %s, %d", a.h, 3*d))
	a.base = b.def('d', "add.u64 %s, %s", a.v["pQKV"], b.def('d', "shl.b64 %s, 2", at))
	a.smem = b.def('r', "mov.u32 smem")
	a.scores = b.def('r', "add.u32 %s, %d", a.smem, (attentionQueries+attentionKeys)*a.pitch)
	a.scoresStep = b.def('r', "shl.b32 %s, 2", a.v["width"])
	a.ry = b.def('r', "shr.u32 %s, 4", a.tid)
	a.k0 = b.def('r', "mov.u32 0")
	a.stage(a.q0, attentionQueries, 0, 0, "")
	a.products()
	a.softmax()
	a.values()
	b.emit("ret;")
	return module70(true, b.entry(AttentionName(d), params, 128, 2))
}

// stage copies rows row0… of part 0 (q), 1 (k) or 2 (v) to the offset at, times
// factor if there is one. Rows past the end are the last one again. The eight threads
// that write at a time have rows of four chunks four apart, not next to each other,
// which would lie in the same banks.
func (a *attention) stage(row0 string, rows, part, at int, factor string) {
	chunks := a.d / 4
	c, r := a.def('r', "and.b32 %s, %d", a.tid, chunks-1), a.def('r', "shr.u32 %s, %d", a.tid, log2(chunks))
	if chunks == 4 {
		b0, b2 := a.def('r', "and.b32 %s, 1", r), a.def('r', "bfe.u32 %s, 2, 1", r)
		r = a.def('r', "mad.lo.u32 %s, 4, %s", b0, a.def('r', "add.u32 %s, %s", b2, a.def('r', "and.b32 %s, -6", r)))
	}
	for i := 0; i < rows*chunks; i += 128 {
		row := a.def('r', "add.u32 %s, %d", r, i/chunks)
		src := a.def('r', "min.u32 %s, %s", a.def('r', "add.u32 %s, %s", row0, row), a.last)
		e := a.def('d', "add.u64 %s, %d", a.def('d', "mul.wide.u32 %s, %s", src, a.v["pitch"]), part*a.d)
		from := a.def('d', "add.u64 %s, %s", a.base, a.def('d', "shl.b64 %s, 2", e))
		x := a.regs('f', 4)
		a.emit("ld.global.v4.f32 %s, [%s];", list(x), a.def('d', "add.u64 %s, %s", from, a.def('d', "mul.wide.u32 %s, 16", c)))
		if factor != "" {
			for j := range x {
				x[j] = a.mul(x[j], factor)
			}
		}
		to := a.def('r', "mad.lo.u32 %s, %d, %s", row, a.pitch, a.def('r', "mad.lo.u32 %s, 16, %s", c, a.smem))
		a.emit("st.shared.v4.f32 [%s+%d], %s;", to, at, list(x))
	}
}

// tile stages the next keys or values between two barriers.
func (a *attention) tile(part int, factor string) {
	a.emit("bar.sync 0;")
	a.stage(a.k0, attentionKeys, part, attentionQueries*a.pitch, factor)
	a.emit("bar.sync 0;")
}

// products: a thread has queries ry + 8i and keys kx + 16j of a tile.
func (a *attention) products() {
	kx := a.def('r', "and.b32 %s, 15", a.tid)
	qAt := a.def('r', "mad.lo.u32 %s, %d, %s", a.ry, a.pitch, a.smem)
	kAt := a.def('r', "mad.lo.u32 %s, %d, %s", kx, a.pitch, a.smem)
	loop := a.label("SCORES")
	a.mark(loop)
	a.tile(1, a.v["scale"])
	var acc [4][4]string
	for i := range 4 {
		for j := range 4 {
			acc[i][j] = a.def('f', "mov.f32 0f00000000")
		}
	}
	for e := 0; e < a.d; e += 4 {
		var q, k [4][]string
		for i := range 4 {
			q[i], k[i] = a.regs('f', 4), a.regs('f', 4)
			a.emit("ld.shared.v4.f32 %s, [%s+%d];", list(q[i]), qAt, 8*i*a.pitch+4*e)
			a.emit("ld.shared.v4.f32 %s, [%s+%d];", list(k[i]), kAt, (attentionQueries+16*i)*a.pitch+4*e)
		}
		for x := range 4 {
			for i := range 4 {
				for j := range 4 {
					a.emit("fma.rn.f32 %s, %s, %s, %s;", acc[i][j], q[i][x], k[j][x], acc[i][j])
				}
			}
		}
	}
	for i := range 4 {
		at := a.def('r', "mad.lo.u32 %s, %s, %s", a.def('r', "add.u32 %s, %d", a.ry, 8*i), a.scoresStep, a.scores)
		at = a.def('r', "mad.lo.u32 %s, 4, %s", a.def('r', "add.u32 %s, %s", a.k0, kx), at)
		for j := range 4 {
			a.emit("st.shared.f32 [%s+%d], %s;", at, 64*j, acc[i][j])
		}
	}
	a.emit("add.u32 %s, %s, %d;", a.k0, a.k0, attentionKeys)
	a.jump(loop, "setp.lt.u32 %s, %s", a.k0, a.v["T"])
	a.emit("bar.sync 0;")
}

// softmax: half a warp to a row, in 16 lanes as on the CPU.
func (a *attention) softmax() {
	for i := range attentionQueries / 8 {
		row := a.def('r', "mad.lo.u32 %s, %s, %s", a.def('r', "add.u32 %s, %d", a.ry, 8*i), a.scoresStep, a.scores)
		top := a.def('f', "mov.f32 0fFF800000")
		larger := func(x string) {
			a.emit("selp.f32 %s, %s, %s, %s;", top, x, top, a.test("setp.gt.f32 %s, %s", x, top))
		}
		a.lanes(row, func(at string) { larger(a.def('f', "ld.shared.f32 [%s]", at)) })
		a.foldLanes(top, larger)
		sum := a.def('f', "mov.f32 0f00000000")
		plus := func(x string) { a.emit("add.rn.f32 %s, %s, %s;", sum, sum, x) }
		a.lanes(row, func(at string) {
			e := a.exp1(a.sub(a.def('f', "ld.shared.f32 [%s]", at), top))
			a.emit("st.shared.f32 [%s], %s;", at, e)
			plus(e)
		})
		a.foldLanes(sum, plus)
		inv := a.div(lit(1), sum)
		a.lanes(row, func(at string) {
			a.emit("st.shared.f32 [%s], %s;", at, a.mul(a.def('f', "ld.shared.f32 [%s]", at), inv))
		})
	}
}

// lanes runs body on elements i, i+16, … of a row of T scores, i the lane.
func (a *attention) lanes(row string, body func(at string)) {
	loop, end := a.label("LANES"), a.label("LANESEND")
	i := a.def('r', "and.b32 %s, 15", a.tid)
	at := a.def('r', "mad.lo.u32 %s, 4, %s", i, row)
	a.mark(loop)
	a.jump(end, "setp.ge.u32 %s, %s", i, a.v["T"])
	body(at)
	a.emit("add.u32 %s, %s, 64;", at, at)
	a.emit("add.u32 %s, %s, 16;", i, i)
	a.emit("bra %s;", loop)
	a.mark(end)
}
