package gen

// A Wgrad is a gradient of a weight in the order of the CPU, one that goes on from
// what C holds: C[m,n] += Σ_k A[k,m]·B[k,n] in ascending k, both with k outermost.
// A block makes BM×BN of them, a thread TM×TN: rows 4·ty + 0…3 and every 4·BM/TM
// more, columns 4·tx + 0…3 and every 4·BN/TN more, or with TN = 2 columns 2·tx and
// 2·tx + 1. M, N and the pitches are multiples of 4 and addresses of 16, unless Any is
// set. Grid: (⌈N/BN⌉, ⌈M/BM⌉), with Conv and taps; without it the third dimension is a
// batch, of whose product z A, B and C lie z·zA, z·zB and z·zC float32 on. Without acc
// such sums begin at 0 and not at what C holds.
//
// With Conv, A is x and B is dy of a convolution, or the sums of its boxes where that
// doubles x, and k runs over the pixels of B through which a tap sees inside of x: see
// viewed.
type Wgrad struct {
	Name           string
	BM, BN, TM, TN int
	Conv, Any      bool
}

// Wgrads are the gradients of weights: of products, of convolutions, and of both
// at any size, since a product is a convolution of one tap. A sum must not be cut, so
// that only smaller tiles make more blocks; they read more for what they compute.
var Wgrads = []Wgrad{
	{Name: "wgrad_128x64", BM: 128, BN: 64, TM: 8, TN: 8},
	{Name: "wgrad_64x64", BM: 64, BN: 64, TM: 8, TN: 4},
	{Name: "wgrad_64x32", BM: 64, BN: 32, TM: 4, TN: 4},
	{Name: "wgrad_32x32", BM: 32, BN: 32, TM: 4, TN: 4},
	{Name: "wgrad_32x16", BM: 32, BN: 16, TM: 4, TN: 2},
	{Name: "wgrad_taps_128x64", BM: 128, BN: 64, TM: 8, TN: 8, Conv: true},
	{Name: "wgrad_taps_64x64", BM: 64, BN: 64, TM: 8, TN: 4, Conv: true},
	{Name: "wgrad_taps_64x32", BM: 64, BN: 32, TM: 4, TN: 4, Conv: true},
	{Name: "wgrad_taps_32x32", BM: 32, BN: 32, TM: 4, TN: 4, Conv: true},
	{Name: "wgrad_taps_32x16", BM: 32, BN: 16, TM: 4, TN: 2, Conv: true},
	{Name: "wgrad_any", BM: 32, BN: 32, TM: 4, TN: 4, Conv: true, Any: true},
}

const wgradStages = 3

// Threads is the size of a block.
func (g Wgrad) Threads() int { return g.BM / g.TM * (g.BN / g.TN) }

// Shared is the dynamic shared memory of a launch.
func (g Wgrad) Shared() int { return wgradStages * g.stage() }

func (g Wgrad) stage() int { return tileK * (g.BM + g.BN) * 4 }

// width is that of an operand's tile, A or B.
func (g Wgrad) width(op int) int { return [2]int{g.BM, g.BN}[op] }

// offset is where an operand's tile begins in a stage.
func (g Wgrad) offset(op int) int { return op * tileK * g.BM * 4 }

// group is how many threads copy a row of both operands.
func (g Wgrad) group() int { return g.Threads() / tileK }

func (g Wgrad) params() []Param {
	ps := []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u32", "M"}, {"u32", "N"}, {"u32", "lda"}, {"u32", "ldb"}}
	if g.Conv {
		return append(ps, placeParams...)
	}
	return append(ps, []Param{{"u32", "K"}, {"u32", "ldc"}, {"u32", "zA"}, {"u32", "zB"}, {"u32", "zC"}, {"u32", "acc"}}...)
}

// A wgrad writes one Wgrad.
type wgrad struct {
	*builder
	Wgrad
	v          map[string]string
	bm, bn     string
	from, next [2]string       // of A and B: where the row begins, and 16 rows on
	chunks     [2][]wgradChunk // what the thread copies of it
	rowNext    string          // row of k that the thread copies next
	at         *viewed
	write      string // offset of a stage
	read       string
	tx, ty     string
	aAt, bAt   string
	c, ldc, k  string
	acc        [][]string
}

// A wgradChunk is four columns of a row: where they lie in shared memory from the
// row's place on, and how many bytes of them there are, and the first column, or with Any all columns.
type wgradChunk struct {
	to, have string
	cols     []string
}

// Text returns the module.
func (g Wgrad) Text() string {
	b := newBuilder()
	w := &wgrad{builder: b, Wgrad: g, v: b.load(g.params())}
	w.plan()
	w.start()
	for range wgradStages - 1 {
		w.copyTile()
	}
	w.loop()
	w.eachRow(func(at, ok string, x []string) {
		b.emit("@%s st.global%s [%s], %s;", ok, vector(len(x)), at, group(x))
	})
	b.emit("ret;")
	return module80(b.entry(g.Name, g.params(), g.Threads(), 512/g.Threads()))
}

// start begins the sums: outputs beside the tile are zeros.
func (w *wgrad) start() {
	for _, x := range w.acc {
		for _, r := range x {
			w.emit("mov.f32 %s, 0f00000000;", r)
		}
	}
	zero := w.label("ZERO")
	if !w.Conv {
		w.jump(zero, "setp.eq.u32 %s, 0", w.v["acc"])
	}
	w.eachRow(func(at, ok string, x []string) {
		w.emit("@%s ld.global%s %s, [%s];", ok, vector(len(x)), group(x), at)
	})
	if !w.Conv {
		w.mark(zero)
	}
}

// batch is where an operand of the block's product begins.
func (w *wgrad) batch(pointer, step string) string {
	z := w.def('d', "mul.wide.u32 %s, %s", w.def('r', "mov.u32 %%ctaid.z"), w.v[step])
	return w.def('d', "add.u64 %s, %s", w.v[pointer], w.def('d', "shl.b64 %s, 2", z))
}

// plan: a thread copies chunks of 16 bytes of one row of either operand.
func (w *wgrad) plan() {
	tid := w.def('r', "mov.u32 %%tid.x")
	w.bn = w.def('r', "mul.lo.u32 %s, %d", w.def('r', "mov.u32 %%ctaid.x"), w.BN)
	w.bm = w.def('r', "mul.lo.u32 %s, %d", w.def('r', "mov.u32 %%ctaid.y"), w.BM)
	smem := w.def('r', "mov.u32 smem")
	wide := w.BN / w.TN
	w.tx, w.ty = w.def('r', "and.b32 %s, %d", tid, wide-1), w.def('r', "shr.u32 %s, %d", tid, log2(wide))
	row, lane := w.def('r', "shr.u32 %s, %d", tid, log2(w.group())), w.def('r', "and.b32 %s, %d", tid, w.group()-1)
	for i, op := range [][5]string{{"pA", w.bm, "M", "lda", "zA"}, {"pB", w.bn, "N", "ldb", "zB"}} {
		w.plan16(i, smem, row, lane, op[1], w.v[op[2]])
		if !w.Conv {
			at := w.def('d', "shl.b64 %s, 2", w.def('d', "mul.wide.u32 %s, %s", row, w.v[op[3]]))
			w.from[i] = w.def('d', "add.u64 %s, %s", w.batch(op[0], op[4]), at)
			w.next[i] = w.def('d', "mul.wide.u32 %s, 64", w.v[op[3]])
		}
	}
	w.write, w.read = w.def('r', "mov.u32 0"), w.def('r', "mov.u32 0")
	w.aAt = w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", w.ty))
	w.bAt = w.def('r', "add.u32 %s, %s", smem, w.def('r', "mul.lo.u32 %s, %d", w.tx, 4*min(w.TN, 4)))
	for range w.TM {
		w.acc = append(w.acc, w.regs('f', w.TN))
	}
	w.c, w.ldc, w.k = w.v["pC"], w.v["ldc"], w.v["K"]
	if !w.Conv {
		w.c = w.batch("pC", "zC")
		w.rowNext = w.def('r', "mov.u32 %s", row)
		return
	}
	w.ldc = w.v["N"]
	tap := w.def('r', "mov.u32 %%ctaid.z")
	matrix := w.def('d', "mul.wide.u32 %s, %s", w.def('r', "mul.lo.u32 %s, %s", tap, w.v["M"]), w.v["N"])
	w.c = w.def('d', "add.u64 %s, %s", w.c, w.def('d', "shl.b64 %s, 2", matrix))
	w.at, w.k = w.builder.viewed(w.v, tap, 2)
	w.at.begin("0", row)
	w.from = [2]string{w.at.firstInput(w.v["pA"], "lda"), w.at.firstOutput(w.v["pB"], "ldb")}
}

// plan16 are the chunks that a thread copies of a row of operand i: number lane and
// every so many more as there are threads to a row. Where eight threads, which write
// at a time, have two rows of 32 columns, the odd row's halves change places in time,
// so that no two lie in one bank. Columns past the end are zeros, with Any the last one
// again; and there word e ^ (row/2 mod 4) is copied as number e, for the same reason.
func (w *wgrad) plan16(i int, smem, row, lane, first, n string) {
	g := w.group()
	count := w.width(i) / 4 / g
	line := w.def('r', "mad.lo.u32 %s, %d, %s", row, w.width(i)*4, smem)
	for j := range count {
		chunk := w.def('r', "add.u32 %s, %d", lane, j*g)
		if g == 4 && count == 2 {
			half := w.def('r', "xor.b32 %s, %d", w.def('r', "and.b32 %s, 1", row), j)
			chunk = w.def('r', "mad.lo.u32 %s, 4, %s", half, lane)
		}
		c := wgradChunk{to: w.def('r', "mad.lo.u32 %s, 16, %s", chunk, line)}
		col := w.def('r', "mad.lo.u32 %s, 4, %s", chunk, first)
		if !w.Any {
			c.have, c.cols = w.def('r', "selp.b32 16, 0, %s", w.test("setp.lt.u32 %s, %s", col, n)), []string{col}
			w.chunks[i] = append(w.chunks[i], c)
			continue
		}
		word := w.def('r', "and.b32 %s, 3", w.def('r', "shr.u32 %s, 1", row))
		c.to = w.def('r', "mad.lo.u32 %s, 4, %s", word, c.to)
		for e := range 4 {
			x := w.def('r', "add.u32 %s, %s", col, w.def('r', "xor.b32 %s, %d", word, e))
			c.cols = append(c.cols, w.def('r', "min.u32 %s, %s", x, w.def('r', "sub.u32 %s, 1", n)))
		}
		w.chunks[i] = append(w.chunks[i], c)
	}
}

func (w *wgrad) copyTile() {
	var in string
	from := w.from
	if w.Conv {
		in = w.test("setp.lt.u32 %s, %s", w.at.image, w.v["images"])
		from[0] = w.def('d', "add.u64 %s, %s", from[0], w.at.input("lda"))
		from[1] = w.def('d', "add.u64 %s, %s", from[1], w.at.output("ldb"))
	} else {
		in = w.test("setp.lt.u32 %s, %s", w.rowNext, w.k)
	}
	for op := range 2 {
		for _, c := range w.chunks[op] {
			to := w.def('r', "add.u32 %s, %s", c.to, w.write)
			if !w.Any {
				w.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", in, to, w.offset(op), w.column(from[op], c.cols[0]), c.have)
				continue
			}
			for e, col := range c.cols {
				word := w.def('r', "xor.b32 %s, %d", to, 4*e)
				w.emit("@%s cp.async.ca.shared.global [%s+%d], [%s], 4;", in, word, w.offset(op), w.column(from[op], col))
			}
		}
		if !w.Conv {
			w.emit("add.u64 %s, %s, %s;", w.from[op], w.from[op], w.next[op])
		}
	}
	w.emit("cp.async.commit_group;")
	if w.Conv {
		w.at.advance(16)
	} else {
		w.emit("add.u32 %s, %s, 16;", w.rowNext, w.rowNext)
	}
	w.nextStage(w.write)
}

// column is the address of a column of the row at from.
func (w *wgrad) column(from, col string) string {
	return w.def('d', "mad.wide.u32 %s, 4, %s", col, from)
}

func (w *wgrad) nextStage(at string) {
	w.emit("add.u32 %s, %s, %d;", at, at, w.stage())
	w.emit("selp.b32 %s, 0, %s, %s;", at, at, w.test("setp.eq.u32 %s, %d", at, w.Shared()))
}

// eachRow runs f on the thread's outputs of each of its rows, as many at a time as lie
// together: four or two, with Any one.
func (w *wgrad) eachRow(f func(at, ok string, x []string)) {
	width := min(w.TN, 4)
	if w.Any {
		width = 1
	}
	for i, x := range w.acc {
		row := w.def('r', "add.u32 %s, %d", w.def('r', "mad.lo.u32 %s, 4, %s", w.ty, w.bm), i/4*4*w.BM/w.TM+i%4)
		in := w.test("setp.lt.u32 %s, %s", row, w.v["M"])
		for j := 0; j < w.TN; j += width {
			col := w.def('r', "add.u32 %s, %d", w.def('r', "mad.lo.u32 %s, %d, %s", w.tx, min(w.TN, 4), w.bn), j/4*4*w.BN/w.TN+j%4)
			ok := w.test("setp.lt.and.u32 %s, %s, %s", col, w.v["N"], in)
			e := w.def('d', "add.u64 %s, %s", w.def('d', "mul.wide.u32 %s, %s", row, w.ldc), w.def('d', "cvt.u64.u32 %s", col))
			f(w.def('d', "add.u64 %s, %s", w.c, w.def('d', "shl.b64 %s, 2", e)), ok, x[j:j+width])
		}
	}
}

// step adds the products of one k.
func (w *wgrad) step(aAt, bAt string, off int) {
	x, y := w.regs('f', w.TM), w.regs('f', w.TN)
	for i := 0; i < w.TM; i += 4 {
		w.emit("ld.shared.v4.f32 %s, [%s+%d];", list(x[i:i+4]), aAt, off*w.BM*4+i*4*w.BM/w.TM)
	}
	n := min(w.TN, 4)
	for j := 0; j < w.TN; j += n {
		w.emit("ld.shared%s %s, [%s+%d];", vector(n), list(y[j:j+n]), bAt, w.offset(1)+off*w.BN*4+j*4*w.BN/w.TN)
	}
	for j := range y { // down, then up: fewest conflicts of register banks
		for i := range x {
			if j%2 == 1 {
				i = len(x) - 1 - i
			}
			w.emit("fma.rn.f32 %s, %s, %s, %s;", w.acc[i][j], x[i], y[j], w.acc[i][j])
		}
	}
}

// loop goes over the whole tiles, then over the rows that are left.
func (w *wgrad) loop() {
	left, rest := w.def('r', "shr.u32 %s, 4", w.k), w.def('r', "and.b32 %s, 15", w.k)
	loop, done, tail, end := w.label("LOOP"), w.label("DONE"), w.label("TAIL"), w.label("END")
	stage := func() (a, b string) {
		return w.def('r', "add.u32 %s, %s", w.aAt, w.read), w.def('r', "add.u32 %s, %s", w.bAt, w.read)
	}
	w.jump(done, "setp.eq.u32 %s, 0", left)
	w.mark(loop)
	w.emit("cp.async.wait_group %d;", wgradStages-2)
	w.emit("bar.sync 0;")
	w.copyTile()
	a, b := stage()
	for k := range tileK {
		w.step(a, b, k)
	}
	w.nextStage(w.read)
	w.emit("sub.u32 %s, %s, 1;", left, left)
	w.jump(loop, "setp.ne.u32 %s, 0", left)
	w.mark(done)
	w.jump(end, "setp.eq.u32 %s, 0", rest)
	w.emit("cp.async.wait_group 0;")
	w.emit("bar.sync 0;")
	a, b = stage()
	w.mark(tail)
	w.step(a, b, 0)
	w.emit("add.u32 %s, %s, %d;", a, a, w.BM*4)
	w.emit("add.u32 %s, %s, %d;", b, b, w.BN*4)
	w.emit("sub.u32 %s, %s, 1;", rest, rest)
	w.jump(tail, "setp.ne.u32 %s, 0", rest)
	w.mark(end)
}
