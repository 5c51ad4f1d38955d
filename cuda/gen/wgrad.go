package gen

// A wgrad writes dw = dw + xᵀ·dy in the order of the CPU: C[m,n] += Σ_k
// A[k,m]·B[k,n] in ascending k, both with k outermost. Tiles of 64×64 by 128
// threads with 8×4 outputs each; M, N and the pitches are multiples of 4.
type wgrad struct {
	*builder
	v                map[string]string
	bm, bn           string
	to, from, next   [2]string // of A and B: where copies go, come from, and 8 rows on
	rowNext          string    // first row of k that the thread copies next
	write, read      string    // offsets of stages
	tx, ty, aAt, bAt string
	acc              [][]string
}

const (
	wgradStages = 3
	wgradTile   = 16 * 64 * 4 // bytes of one operand

	// WgradShared is the dynamic shared memory of a launch.
	WgradShared = wgradStages * 2 * wgradTile
)

// Wgrad is the gradient of a weight. Grid: (⌈N/64⌉, ⌈M/64⌉), 128 threads.
func Wgrad() string {
	b := newBuilder()
	params := []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u32", "M"}, {"u32", "N"}, {"u32", "K"}, {"u32", "lda"}, {"u32", "ldb"}, {"u32", "ldc"}}
	w := &wgrad{builder: b, v: b.load(params)}
	w.plan()
	w.eachRow(func(at, ok string, x []string) {
		for _, r := range x {
			b.emit("mov.f32 %s, 0f00000000;", r)
		}
		b.emit("@%s ld.global.v4.f32 %s, [%s];", ok, list(x), at)
	})
	for range wgradStages - 1 {
		w.copyTile()
	}
	w.loop()
	w.eachRow(func(at, ok string, x []string) { b.emit("@%s st.global.v4.f32 [%s], %s;", ok, at, list(x)) })
	b.emit("ret;")
	return module80(b.entry("wgrad", params, 128, 4))
}

// plan: a thread copies 16 bytes of two rows of either operand, 8 rows apart, and
// owns rows 4·ty + 0…3 and 32 more, columns 4·tx + 0…3.
func (w *wgrad) plan() {
	tid := w.def('r', "mov.u32 %%tid.x")
	w.bn = w.def('r', "shl.b32 %s, 6", w.def('r', "mov.u32 %%ctaid.x"))
	w.bm = w.def('r', "shl.b32 %s, 6", w.def('r', "mov.u32 %%ctaid.y"))
	smem := w.def('r', "mov.u32 smem")
	w.tx, w.ty = w.def('r', "and.b32 %s, 15", tid), w.def('r', "shr.u32 %s, 4", tid)
	to := w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", tid))
	for i, op := range [][4]string{{"pA", w.bm, "M", "lda"}, {"pB", w.bn, "N", "ldb"}} {
		col := w.def('r', "mad.lo.u32 %s, 4, %s", w.tx, op[1])
		col = w.def('r', "min.u32 %s, %s", col, w.def('r', "sub.u32 %s, 4", w.v[op[2]]))
		at := w.def('d', "add.u64 %s, %s", w.def('d', "mul.wide.u32 %s, %s", w.ty, w.v[op[3]]), w.def('d', "cvt.u64.u32 %s", col))
		w.from[i] = w.def('d', "add.u64 %s, %s", w.v[op[0]], w.def('d', "shl.b64 %s, 2", at))
		w.next[i] = w.def('d', "mul.wide.u32 %s, 32", w.v[op[3]])
		w.to[i] = to
	}
	w.rowNext, w.write, w.read = w.def('r', "mov.u32 %s", w.ty), w.def('r', "mov.u32 0"), w.def('r', "mov.u32 0")
	w.aAt = w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", w.ty))
	w.bAt = w.def('r', "add.u32 %s, %s", smem, w.def('r', "shl.b32 %s, 4", w.tx))
	for range 8 {
		w.acc = append(w.acc, w.regs('f', 4))
	}
}

func (w *wgrad) copyTile() {
	for i := range 2 {
		in := w.test("setp.lt.u32 %s, %s", w.def('r', "add.u32 %s, %d", w.rowNext, 8*i), w.v["K"])
		for op := range 2 {
			to := w.def('r', "add.u32 %s, %s", w.to[op], w.write)
			w.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", in, to, op*wgradTile+i*2048, w.from[op])
			w.emit("add.u64 %s, %s, %s;", w.from[op], w.from[op], w.next[op])
		}
	}
	w.emit("cp.async.commit_group;")
	w.emit("add.u32 %s, %s, 16;", w.rowNext, w.rowNext)
	w.nextStage(w.write)
}

func (w *wgrad) nextStage(at string) {
	w.emit("add.u32 %s, %s, %d;", at, at, 2*wgradTile)
	w.emit("selp.b32 %s, 0, %s, %s;", at, at, w.test("setp.eq.u32 %s, %d", at, WgradShared))
}

// eachRow runs f on the thread's four outputs of each of its rows.
func (w *wgrad) eachRow(f func(at, ok string, x []string)) {
	col := w.def('r', "mad.lo.u32 %s, 4, %s", w.tx, w.bn)
	in := w.test("setp.lt.u32 %s, %s", col, w.v["N"])
	for i, x := range w.acc {
		row := w.def('r', "add.u32 %s, %d", w.def('r', "mad.lo.u32 %s, 4, %s", w.ty, w.bm), i/4*32+i%4)
		ok := w.test("setp.lt.and.u32 %s, %s, %s", row, w.v["M"], in)
		e := w.def('d', "add.u64 %s, %s", w.def('d', "mul.wide.u32 %s, %s", row, w.v["ldc"]), w.def('d', "cvt.u64.u32 %s", col))
		f(w.def('d', "add.u64 %s, %s", w.v["pC"], w.def('d', "shl.b64 %s, 2", e)), ok, x)
	}
}

// step adds the products of one k.
func (w *wgrad) step(aAt, bAt string, off int) {
	x, y := w.regs('f', 8), w.regs('f', 4)
	w.emit("ld.shared.v4.f32 %s, [%s+%d];", list(x[:4]), aAt, off)
	w.emit("ld.shared.v4.f32 %s, [%s+%d];", list(x[4:]), aAt, off+128)
	w.emit("ld.shared.v4.f32 %s, [%s+%d];", list(y), bAt, off+wgradTile)
	for i, row := range w.acc {
		for j := range row {
			w.emit("fma.rn.f32 %s, %s, %s, %s;", row[j], x[i], y[j], row[j])
		}
	}
}

// loop goes over the whole tiles, then over the rows that are left.
func (w *wgrad) loop() {
	left, rest := w.def('r', "shr.u32 %s, 4", w.v["K"]), w.def('r', "and.b32 %s, 15", w.v["K"])
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
	for k := range 16 {
		w.step(a, b, k*256)
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
	w.emit("add.u32 %s, %s, 256;", a, a)
	w.emit("add.u32 %s, %s, 256;", b, b)
	w.emit("sub.u32 %s, %s, 1;", rest, rest)
	w.jump(tail, "setp.ne.u32 %s, 0", rest)
	w.mark(end)
}
