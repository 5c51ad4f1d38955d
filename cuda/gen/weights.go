package gen

import "heavytail/internal/conv"

// UpSums writes the 16 matrices of an upsampled 3×3 convolution (conv.UpGroup)
// from its nine taps: a thread per element of a matrix, and each sum begins at 0
// and adds the taps ascending. Grid: ⌈n/256⌉, n elements of a matrix.
func UpSums() string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u64", "pW"}, {"u32", "n"}}
	v := b.load(params)
	i, from := b.element(v["n"], v["pW"])
	step := b.def('d', "mul.wide.u32 %s, 4", v["n"])
	var w []string
	for range 9 {
		w = append(w, b.def('f', "ld.global.f32 [%s]", from))
		b.emit("add.u64 %s, %s, %s;", from, from, step)
	}
	to := b.def('d', "add.u64 %s, %s", v["pY"], b.def('d', "mul.wide.u32 %s, 4", i))
	for m := range 16 { // ((py·2+px)·2+ty)·2+tx
		py, px, ty, tx := m>>3, m>>2&1, m>>1&1, m&1
		sum := b.def('f', "mov.f32 0f00000000")
		for t, x := range w {
			if conv.UpGroup(t/3, py) == ty && conv.UpGroup(t%3, px) == tx {
				sum = b.add(sum, x)
			}
		}
		b.emit("st.global.f32 [%s], %s;", to, sum)
		b.emit("add.u64 %s, %s, %s;", to, to, step)
	}
	b.emit("ret;")
	return module70(false, b.entry("up_sums", params, 256, 0))
}

// element is the number of the thread in a grid of 256 threads, and where that
// element of base lies; threads beyond n end.
func (b *builder) element(n, base string) (i, at string) {
	i = b.thread()
	b.emit("@%s ret;", b.test("setp.ge.u32 %s, %s", i, n))
	return i, b.def('d', "add.u64 %s, %s", base, b.def('d', "mul.wide.u32 %s, 4", i))
}

// Transpose writes the transposes of matrices of R×C that lie one after the
// other. Grid: (⌈C/32⌉, ⌈R/32⌉, matrices), 256 threads: a block turns 32×32
// elements over in shared memory.
func Transpose() string {
	b := newBuilder()
	params := []Param{{"u64", "pY"}, {"u64", "pX"}, {"u32", "R"}, {"u32", "C"}}
	v := b.load(params)
	b.emit(".shared .align 16 .b8 tile[%d];", 33*32*4)
	tid := b.def('r', "mov.u32 %%tid.x")
	tx, ty := b.def('r', "and.b32 %s, 31", tid), b.def('r', "shr.u32 %s, 5", tid)
	bx, by := b.def('r', "shl.b32 %s, 5", b.def('r', "mov.u32 %%ctaid.x")), b.def('r', "shl.b32 %s, 5", b.def('r', "mov.u32 %%ctaid.y"))
	size := b.def('r', "mul.lo.u32 %s, %s", v["R"], v["C"])
	matrix := b.def('d', "shl.b64 %s, 2", b.def('d', "mul.wide.u32 %s, %s", b.def('r', "mov.u32 %%ctaid.z"), size))
	tile := b.def('r', "mov.u32 tile")
	// each moves rows ty, ty+8, … of a block at (r0, c0) of a matrix of r×c
	each := func(base, r0, c0, r, c string, f func(i int, ok, at string)) {
		col := b.def('r', "add.u32 %s, %s", c0, tx)
		in := b.test("setp.lt.u32 %s, %s", col, v[c])
		for i := 0; i < 32; i += 8 {
			row := b.def('r', "add.u32 %s, %s", b.def('r', "add.u32 %s, %d", ty, i), r0)
			ok := b.test("setp.lt.and.u32 %s, %s, %s", row, v[r], in)
			e := b.def('d', "shl.b64 %s, 2", b.def('d', "mad.wide.u32 %s, %s, %s", row, v[c], b.def('d', "cvt.u64.u32 %s", col)))
			f(i, ok, b.def('d', "add.u64 %s, %s", b.def('d', "add.u64 %s, %s", v[base], matrix), e))
		}
	}
	x := b.regs('f', 4)
	in := b.def('r', "add.u32 %s, %s", tile, b.def('r', "shl.b32 %s, 2", b.def('r', "mad.lo.u32 %s, 33, %s", ty, tx)))
	each("pX", by, bx, "R", "C", func(i int, ok, at string) {
		b.emit("mov.f32 %s, 0f00000000;", x[i/8])
		b.emit("@%s ld.global.f32 %s, [%s];", ok, x[i/8], at)
		b.emit("st.shared.f32 [%s+%d], %s;", in, 4*33*i, x[i/8])
	})
	b.emit("bar.sync 0;")
	out := b.def('r', "add.u32 %s, %s", tile, b.def('r', "shl.b32 %s, 2", b.def('r', "mad.lo.u32 %s, 33, %s", tx, ty)))
	each("pY", bx, by, "C", "R", func(i int, ok, at string) {
		b.emit("ld.shared.f32 %s, [%s+%d];", x[i/8], out, 4*i)
		b.emit("@%s st.global.f32 [%s], %s;", ok, at, x[i/8])
	})
	b.emit("ret;")
	return module70(false, b.entry("transpose", params, 256, 0))
}
