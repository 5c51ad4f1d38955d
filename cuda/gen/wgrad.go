package gen

// A Wgrad is a gradient of a weight in the order of the CPU, one that goes on from
// what C holds: C[m,n] += Σ_k A[k,m]·B[k,n] in ascending k, both with k outermost.
// A block makes Tile×Tile of them, a thread (Tile/8)×4: rows 4·ty + 0…3 and 32
// more, columns 4·tx + 0…3. M, N and the pitches are multiples of 4 and addresses
// of 16, unless Any is set. Grid: (⌈N/Tile⌉, ⌈M/Tile⌉), with Conv and taps.
//
// With Conv, A is x and B is dy of a convolution, and k runs over the pixels of
// dy through which a tap sees inside of x: see place.
type Wgrad struct {
	Name      string
	Tile      int // 64, or 32 for more blocks
	Conv, Any bool
}

// Wgrads are the gradients of weights: of products, of convolutions, and of both
// at any size, since a product is a convolution of one tap.
var Wgrads = []Wgrad{
	{Name: "wgrad_64", Tile: 64}, {Name: "wgrad_32", Tile: 32},
	{Name: "wgrad_taps_64", Tile: 64, Conv: true}, {Name: "wgrad_taps_32", Tile: 32, Conv: true},
	{Name: "wgrad_any", Tile: 32, Conv: true, Any: true},
}

const wgradStages = 3

// Threads is the size of a block.
func (g Wgrad) Threads() int { return 2 * g.Tile }

// Shared is the dynamic shared memory of a launch.
func (g Wgrad) Shared() int { return wgradStages * 2 * g.operand() }

func (g Wgrad) operand() int { return tileK * g.Tile * 4 } // bytes of one tile

func (g Wgrad) params() []Param {
	ps := []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u32", "M"}, {"u32", "N"}, {"u32", "lda"}, {"u32", "ldb"}}
	if g.Conv {
		return append(ps, placeParams...)
	}
	return append(ps, Param{"u32", "K"}, Param{"u32", "ldc"})
}

// A wgrad writes one Wgrad.
type wgrad struct {
	*builder
	Wgrad
	v                map[string]string
	bm, bn           string
	to, from, next   [2]string // of A and B: where copies go, come from, and 8 rows on
	cols             [2][]string
	first            string // with Any: which of four columns a thread copies first
	rowNext          string // first row of k that the thread copies next
	at               *viewed
	write, read      string // offsets of stages
	tx, ty, aAt, bAt string
	c, ldc, k        string
	acc              [][]string
}

// Text returns the module.
func (g Wgrad) Text() string {
	b := newBuilder()
	w := &wgrad{builder: b, Wgrad: g, v: b.load(g.params())}
	w.plan()
	w.eachRow(func(at, ok string, x []string) {
		for _, r := range x {
			b.emit("mov.f32 %s, 0f00000000;", r)
		}
		b.emit("@%s ld.global%s %s, [%s];", ok, vector(len(x)), group(x), at)
	})
	for range wgradStages - 1 {
		w.copyTile()
	}
	w.loop()
	w.eachRow(func(at, ok string, x []string) {
		b.emit("@%s st.global%s [%s], %s;", ok, vector(len(x)), at, group(x))
	})
	b.emit("ret;")
	return module80(b.entry(g.Name, g.params(), g.Threads(), 256/g.Tile))
}

// plan: a thread copies 16 bytes of two rows of either operand, 8 rows apart. With Any
// thread t copies its word e ^ (t/8 mod 4) as number e: of the 32 words that a warp
// copies at a time no two lie in one bank.
func (w *wgrad) plan() {
	tid := w.def('r', "mov.u32 %%tid.x")
	w.bn = w.def('r', "mul.lo.u32 %s, %d", w.def('r', "mov.u32 %%ctaid.x"), w.Tile)
	w.bm = w.def('r', "mul.lo.u32 %s, %d", w.def('r', "mov.u32 %%ctaid.y"), w.Tile)
	smem := w.def('r', "mov.u32 smem")
	w.tx, w.ty = w.def('r', "and.b32 %s, %d", tid, w.Tile/4-1), w.def('r', "shr.u32 %s, %d", tid, log2(w.Tile/4))
	to := w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", tid))
	if w.Any {
		w.first = w.def('r', "and.b32 %s, 3", w.def('r', "shr.u32 %s, 3", tid))
		to = w.def('r', "mad.lo.u32 %s, 4, %s", w.first, to)
	}
	for i, op := range [][4]string{{"pA", w.bm, "M", "lda"}, {"pB", w.bn, "N", "ldb"}} {
		w.to[i] = to
		w.from[i] = w.columns(i, w.def('r', "mad.lo.u32 %s, 4, %s", w.tx, op[1]), w.v[op[0]], w.v[op[2]])
		if !w.Conv {
			row := w.def('d', "shl.b64 %s, 2", w.def('d', "mul.wide.u32 %s, %s", w.ty, w.v[op[3]]))
			w.from[i] = w.def('d', "add.u64 %s, %s", w.from[i], row)
			w.next[i] = w.def('d', "mul.wide.u32 %s, 32", w.v[op[3]])
		}
	}
	w.write, w.read = w.def('r', "mov.u32 0"), w.def('r', "mov.u32 0")
	w.aAt = w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", w.ty))
	w.bAt = w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", w.tx))
	for range w.Tile / 8 {
		w.acc = append(w.acc, w.regs('f', 4))
	}
	w.c, w.ldc, w.k = w.v["pC"], w.v["ldc"], w.v["K"]
	if !w.Conv {
		w.rowNext = w.def('r', "mov.u32 %s", w.ty)
		return
	}
	w.ldc = w.v["N"]
	tap := w.def('r', "mov.u32 %%ctaid.z")
	matrix := w.def('d', "mul.wide.u32 %s, %s", w.def('r', "mul.lo.u32 %s, %s", tap, w.v["M"]), w.v["N"])
	w.c = w.def('d', "add.u64 %s, %s", w.c, w.def('d', "shl.b64 %s, 2", matrix))
	w.at, w.k = w.builder.viewed(w.v, tap, w.ty)
}

// columns is where the thread's four columns of an operand begin, in its first
// row; columns past the end are the last ones again. With Any it is the row's
// begin, and cols are the offsets of the four.
func (w *wgrad) columns(i int, col, base, n string) string {
	if w.Any {
		for e := range 4 {
			x := w.def('r', "add.u32 %s, %s", col, w.def('r', "xor.b32 %s, %d", w.first, e))
			x = w.def('r', "min.u32 %s, %s", x, w.def('r', "sub.u32 %s, 1", n))
			w.cols[i] = append(w.cols[i], w.def('d', "mul.wide.u32 %s, 4", x))
		}
		return base
	}
	col = w.def('r', "min.u32 %s, %s", col, w.def('r', "sub.u32 %s, 4", n))
	return w.def('d', "add.u64 %s, %s", base, w.def('d', "mul.wide.u32 %s, 4", col))
}

func (w *wgrad) copyTile() {
	for i := range 2 {
		var in string
		from := w.from
		if w.Conv {
			in = w.test("setp.lt.u32 %s, %s", w.at.image, w.v["images"])
			from[0] = w.def('d', "add.u64 %s, %s", from[0], w.at.input("lda"))
			from[1] = w.def('d', "add.u64 %s, %s", from[1], w.at.output("ldb"))
		} else {
			in = w.test("setp.lt.u32 %s, %s", w.def('r', "add.u32 %s, %d", w.rowNext, 8*i), w.k)
		}
		for op := range 2 {
			to, off := w.def('r', "add.u32 %s, %s", w.to[op], w.write), op*w.operand()+i*8*w.Tile*4
			if !w.Any {
				w.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", in, to, off, from[op])
			}
			for e, col := range w.cols[op] {
				word := w.def('r', "xor.b32 %s, %d", to, 4*e)
				w.emit("@%s cp.async.ca.shared.global [%s+%d], [%s], 4;", in, word, off, w.def('d', "add.u64 %s, %s", from[op], col))
			}
			if !w.Conv {
				w.emit("add.u64 %s, %s, %s;", w.from[op], w.from[op], w.next[op])
			}
		}
		if w.Conv {
			w.at.advance(8)
		}
	}
	w.emit("cp.async.commit_group;")
	if !w.Conv {
		w.emit("add.u32 %s, %s, 16;", w.rowNext, w.rowNext)
	}
	w.nextStage(w.write)
}

func (w *wgrad) nextStage(at string) {
	w.emit("add.u32 %s, %s, %d;", at, at, 2*w.operand())
	w.emit("selp.b32 %s, 0, %s, %s;", at, at, w.test("setp.eq.u32 %s, %d", at, w.Shared()))
}

// eachRow runs f on the thread's four outputs of each of its rows, with Any on
// every one.
func (w *wgrad) eachRow(f func(at, ok string, x []string)) {
	width := 4
	if w.Any {
		width = 1
	}
	for i, x := range w.acc {
		row := w.def('r', "add.u32 %s, %d", w.def('r', "mad.lo.u32 %s, 4, %s", w.ty, w.bm), i/4*32+i%4)
		in := w.test("setp.lt.u32 %s, %s", row, w.v["M"])
		for j := 0; j < 4; j += width {
			col := w.def('r', "add.u32 %s, %d", w.def('r', "mad.lo.u32 %s, 4, %s", w.tx, w.bn), j)
			ok := w.test("setp.lt.and.u32 %s, %s, %s", col, w.v["N"], in)
			e := w.def('d', "add.u64 %s, %s", w.def('d', "mul.wide.u32 %s, %s", row, w.ldc), w.def('d', "cvt.u64.u32 %s", col))
			f(w.def('d', "add.u64 %s, %s", w.c, w.def('d', "shl.b64 %s, 2", e)), ok, x[j:j+width])
		}
	}
}

// step adds the products of one k.
func (w *wgrad) step(aAt, bAt string, off int) {
	x, y := w.regs('f', w.Tile/8), w.regs('f', 4)
	for i := 0; i < len(x); i += 4 {
		w.emit("ld.shared.v4.f32 %s, [%s+%d];", list(x[i:i+4]), aAt, off+i/4*128)
	}
	w.emit("ld.shared.v4.f32 %s, [%s+%d];", list(y), bAt, off+w.operand())
	for i, row := range w.acc {
		for j := range row {
			w.emit("fma.rn.f32 %s, %s, %s, %s;", row[j], x[i], y[j], row[j])
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
		w.step(a, b, k*w.Tile*4)
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
	w.emit("add.u32 %s, %s, %d;", a, a, w.Tile*4)
	w.emit("add.u32 %s, %s, %d;", b, b, w.Tile*4)
	w.emit("sub.u32 %s, %s, 1;", rest, rest)
	w.jump(tail, "setp.ne.u32 %s, 0", rest)
	w.mark(end)
}
