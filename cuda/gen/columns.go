package gen

import "slices"

// ColumnSums adds rows to a chain per column, ascending: the gradient of a bias,
// SumPixels, and what samples add to gamma and beta of a GroupNorm. Sample n has
// rows n·rows … of pX and row n of pD, which the chain starts from if acc is not
// 0. Grid: (⌈cols/32⌉, samples), 32 threads.
func ColumnSums() string {
	params := []Param{{"u64", "pD"}, {"u32", "pitchD"}, {"u64", "pX"}, {"u32", "pitchX"}, {"u32", "rows"}, {"u32", "cols"}, {"u32", "acc"}}
	b := newBuilder()
	v := b.load(params)
	col := b.column(v)
	n := b.def('r', "mov.u32 %%ctaid.y")
	to := b.item(b.at(v["pD"], n, v["pitchD"]), col)
	sum := b.zero()
	b.emit("@%s ld.global.f32 %s, [%s];", b.test("setp.ne.u32 %s, 0", v["acc"]), sum, to)
	at := b.def('d', "mul.wide.u32 %s, %s", n, v["rows"])
	at = b.def('d', "mul.lo.u64 %s, %s", at, b.def('d', "cvt.u64.u32 %s", v["pitchX"]))
	at = b.item(b.def('d', "add.u64 %s, %s", v["pX"], b.def('d', "shl.b64 %s, 2", at)), col)
	b.down(v["rows"], []stream{{at, v["pitchX"]}}, []int{64, 16}, func(x []string) { b.plus(sum, x[0]) })
	b.emit("st.global.f32 [%s], %s;", to, sum)
	b.emit("ret;")
	return module70(false, b.entry("column_sums", params, 32, 0))
}

// column is the thread's column, of cols; the others end.
func (b *builder) column(v map[string]string) string {
	col := b.def('r', "mad.lo.u32 %s, 32, %s", b.def('r', "mov.u32 %%ctaid.x"), b.def('r', "mov.u32 %%tid.x"))
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", col, v["cols"]))
	return col
}

// A stream is a column of a matrix: its address and the pitch.
type stream struct{ at, pitch string }

// down runs use on the elements of each row of some columns, ascending. The loads of
// so many rows come first as ahead says, its numbers descending: a warp that waits for
// memory once in 64 rows waits a quarter of the times.
func (b *builder) down(rows string, from []stream, ahead []int, use func(x []string)) {
	i := b.def('r', "mov.u32 %s", rows)
	var at, step []string
	for _, s := range from {
		at, step = append(at, b.def('d', "mov.b64 %s", s.at)), append(step, b.def('d', "mul.wide.u32 %s, 4", s.pitch))
	}
	row := func() (x []string) {
		for j := range from {
			x = append(x, b.load32(at[j]))
			b.emit("add.u64 %s, %s, %s;", at[j], at[j], step[j])
		}
		return x
	}
	for _, n := range append(slices.Clone(ahead), 1) {
		many, fewer := b.label("MANY"), b.label("FEWER")
		b.mark(many)
		b.jump(fewer, "setp.lt.u32 %s, %d", i, n)
		xs := make([][]string, n)
		for j := range xs {
			xs[j] = row()
		}
		for _, x := range xs {
			use(x)
		}
		b.emit("sub.u32 %s, %s, %d;", i, i, n)
		b.emit("bra %s;", many)
		b.mark(fewer)
	}
}

// EmbeddingBackward adds row i of dy to row ids[i] of a table of cols columns,
// samples ascending; a negative id adds nothing. Grid: (⌈cols/32⌉, rows of the
// table), 32 threads; ids are 32-bit, n of them.
func EmbeddingBackward() string {
	params := []Param{{"u64", "pTable"}, {"u64", "pDY"}, {"u32", "pitchDY"}, {"u64", "ids"}, {"u32", "n"}, {"u32", "cols"}}
	b := newBuilder()
	v := b.load(params)
	col := b.column(v)
	class := b.def('r', "mov.u32 %%ctaid.y")
	to := b.item(b.at(v["pTable"], class, v["cols"]), col)
	sum := b.load32(to)
	i := b.def('r', "mov.u32 0")
	loop, next, end := b.label("SAMPLE"), b.label("NEXT"), b.label("DONE")
	b.mark(loop)
	b.jump(end, "setp.ge.u32 %s, %s", i, v["n"])
	b.jump(next, "setp.ne.u32 %s, %s", class, b.def('r', "ld.global.u32 [%s]", b.item(v["ids"], i)))
	b.plus(sum, b.load32(b.item(b.at(v["pDY"], i, v["pitchDY"]), col)))
	b.mark(next)
	b.emit("add.u32 %s, %s, 1;", i, i)
	b.emit("bra %s;", loop)
	b.mark(end)
	b.emit("st.global.f32 [%s], %s;", to, sum)
	b.emit("ret;")
	return module70(false, b.entry("embedding_backward", params, 32, 0))
}
