package gen

// A rowKernel gives half a warp to each row: its lane i has elements i, i+16, …
// of a row, in the order of the lanes of package simd. Blocks of 128 threads have
// rowsPerBlock rows; rows past the last are the last one again, and in says which
// are not.
type rowKernel struct {
	*builder
	v             map[string]string
	lane, row, in string
}

const rowsPerBlock = 8

// newRows reads the parameters, of which last is the number of rows.
func newRows(params []Param, last string) *rowKernel {
	b := newBuilder()
	k := &rowKernel{builder: b, v: b.load(params)}
	tid := b.def('r', "mov.u32 %%tid.x")
	k.lane = b.def('r', "and.b32 %s, 15", tid)
	row := b.def('r', "mad.lo.u32 %s, %d, %s", b.def('r', "mov.u32 %%ctaid.x"), rowsPerBlock, b.def('r', "shr.u32 %s, 4", tid))
	k.in = b.test("setp.lt.u32 %s, %s", row, k.v[last])
	k.row = b.def('r', "min.u32 %s, %s", row, b.def('r', "sub.u32 %s, 1", k.v[last]))
	return k
}

// first says whether the thread is lane 0 of a row that counts.
func (k *rowKernel) first() string {
	return k.test("setp.eq.and.u32 %s, 0, %s", k.lane, k.in)
}

// at is the address of element 0 of row i.
func (b *builder) at(base, i, pitch string) string {
	return b.def('d', "add.u64 %s, %s", base, b.def('d', "shl.b64 %s, 2", b.def('d', "mul.wide.u32 %s, %s", i, pitch)))
}

// item is the address of float32 number i behind base.
func (b *builder) item(base, i string) string {
	return b.def('d', "add.u64 %s, %s", base, b.def('d', "mul.wide.u32 %s, 4", i))
}

func (b *builder) load32(at string) string { return b.def('f', "ld.global.f32 [%s]", at) }

// walk runs use on i, i+step, … below n, after load of the same; the loads of
// four at a time come first. i ends beyond n.
func (b *builder) walk(i, n string, step int, load func(i string) []string, use func(i string, x []string)) {
	const ahead = 4
	four, one, end := b.label("FOUR"), b.label("ONE"), b.label("DONE")
	b.mark(four)
	// n − i as a signed number: i + 3·step could wrap
	left := b.def('r', "sub.s32 %s, %s", n, i)
	b.jump(one, "setp.le.s32 %s, %d", left, (ahead-1)*step)
	var at []string
	var xs [][]string
	for j := range ahead {
		at = append(at, b.def('r', "add.u32 %s, %d", i, j*step))
		xs = append(xs, load(at[j]))
	}
	for j, x := range xs {
		use(at[j], x)
	}
	b.emit("add.u32 %s, %s, %d;", i, i, ahead*step)
	b.emit("bra %s;", four)
	b.mark(one)
	b.jump(end, "setp.ge.s32 %s, %s", i, n)
	use(i, load(i))
	b.emit("add.u32 %s, %s, %d;", i, i, step)
	b.emit("bra %s;", one)
	b.mark(end)
}

// lanes walks over the elements of a row of n.
func (k *rowKernel) lanes(n string, load func(i string) []string, use func(i string, x []string)) {
	k.walk(k.def('r', "mov.u32 %s", k.lane), n, 16, load, use)
}

// fold16 adds the 16 lanes in the order of package simd and gives all of them
// the sum.
func (b *builder) fold16(x string) string {
	s := b.def('f', "mov.f32 %s", x)
	b.foldLanes(s, func(y string) { b.plus(s, y) })
	return s
}

// foldLanes joins lane j with lane j+8, j+4, j+2 and j+1 of half a warp and gives
// all lanes the result.
func (b *builder) foldLanes(x string, join func(other string)) {
	for w := 8; w > 0; w /= 2 {
		y := b.reg('f')
		b.emit("shfl.sync.down.b32 %s, %s, %d, 0x101F, 0xFFFFFFFF;", y, x, w)
		join(y)
	}
	b.emit("shfl.sync.idx.b32 %s, %s, 0, 0x101F, 0xFFFFFFFF;", x, x)
}
