package gen

import "heavytail/simd"

// A Winograd is a form of simd.Wino: 2 and 4 are the sides m of the tiles of outputs of
// Winograd's convolution F(m×m, 3×3), 5 is that of an image whose pixels are doubled. Its
// convolution is three kernels beside a batch of products, one for each of the points of
// a tile: the pixels are transformed to V [point][tile][channel], the taps to U
// [point][channel][output], and the products V·U are transformed to outputs. Tiles of an
// image are numbered by rows, those of all images one after the other; a launch has the
// tiles from first on.
type Winograd int

const winoUp = Winograd(simd.WinoUp)

// Points is the number of products of a tile.
func (m Winograd) Points() int { return simd.Wino(m).Points() }

// outputs is how many outputs lie along a side of a tile.
func (m Winograd) outputs() int { return simd.Wino(m).Outputs() }

// Names are those of a form's modules and their entries. That of doubled pixels has no
// Grad and no Sum.
type Names struct{ Taps, In, Out, Grad, Sum string }

// Names returns those of the form.
func (m Winograd) Names() Names {
	switch m {
	case 2:
		return Names{"wino2_taps", "wino2_in", "wino2_out", "wino2_grad", "wino2_sum"}
	case winoUp:
		return Names{Taps: "winoup_taps", In: "winoup_in", Out: "winoup_out"}
	}
	return Names{"wino4_taps", "wino4_in", "wino4_out", "wino4_grad", "wino4_sum"}
}

// Those of simd/wino_generic.go.
const (
	winoA  = simd.WinoA
	winoA2 = winoA * winoA
	winoB  = simd.WinoB
	winoB2 = winoB * winoB

	winoK0 = 1 / (winoA2 * winoB2)
	winoK1 = 1 / (2 * winoA2 * (winoA2 - winoB2))
	winoK2 = 1 / (2 * winoB2 * (winoB2 - winoA2))
)

// A winoRow holds the registers of a transform in one dimension.
type winoRow []string

// winoIn is Bᵀ·d.
func (b *builder) winoIn(m Winograd, d winoRow) winoRow {
	if m == winoUp {
		before, after := b.sub(d[0], d[1]), b.sub(d[2], d[1])
		return winoRow{before, before, d[1], after, after}
	}
	if m == 2 {
		return winoRow{b.sub(d[0], d[2]), b.add(d[1], d[2]), b.sub(d[2], d[1]), b.sub(d[1], d[3])}
	}
	u, v := b.fma(lit(-winoB2), d[2], d[4]), b.fma(lit(-winoB2), d[1], d[3])
	s, t := b.fma(lit(-winoA2), d[2], d[4]), b.fma(lit(-winoA2), d[1], d[3])
	return winoRow{
		b.fma(lit(winoA2*winoB2), d[0], b.fma(lit(-(winoA2+winoB2)), d[2], d[4])),
		b.fma(lit(winoA), v, u), b.fma(lit(-winoA), v, u), b.fma(lit(winoB), t, s), b.fma(lit(-winoB), t, s),
		b.fma(lit(winoA2*winoB2), d[1], b.fma(lit(-(winoA2+winoB2)), d[3], d[5])),
	}
}

// winoTaps is G·w.
func (b *builder) winoTaps(m Winograd, w winoRow) winoRow {
	if m == winoUp {
		two := b.add(w[0], w[1])
		return winoRow{two, w[0], b.add(two, w[2]), w[2], b.add(w[1], w[2])}
	}
	if m == 2 {
		h := b.add(w[0], w[2])
		return winoRow{w[0], b.add(h, w[1]), b.sub(h, w[1]), w[2]}
	}
	e, f := b.fma(lit(winoA2), w[2], w[0]), b.fma(lit(winoB2), w[2], w[0])
	return winoRow{w[0], b.fma(lit(winoA), w[1], e), b.fma(lit(-winoA), w[1], e), b.fma(lit(winoB), w[1], f), b.fma(lit(-winoB), w[1], f), w[2]}
}

// winoOut is Aᵀ·z.
func (b *builder) winoOut(m Winograd, z winoRow) winoRow {
	if m == winoUp {
		return winoRow{b.add(z[2], z[0]), b.add(z[2], z[1]), b.add(z[2], z[3]), b.add(z[2], z[4])}
	}
	p, q := b.add(z[1], z[2]), b.sub(z[1], z[2])
	if m == 2 {
		return winoRow{b.fma(lit(0.5), p, z[0]), b.fma(lit(0.5), q, b.neg(z[3]))}
	}
	r, s := b.add(z[3], z[4]), b.sub(z[3], z[4])
	return winoRow{
		b.fma(lit(winoK0), z[0], b.fma(lit(winoK1), p, b.mul(lit(winoK2), r))),
		b.fma(lit(winoK1*winoA), q, b.mul(lit(winoK2*winoB), s)),
		b.fma(lit(winoK1*winoA2), p, b.mul(lit(winoK2*winoB2), r)),
		b.fma(lit(winoK1*winoA2*winoA), q, b.fma(lit(winoK2*winoB2*winoB), s, z[5])),
	}
}

// winoBoth transforms a square of registers, row by row in x, down the columns and
// then along the rows.
func (b *builder) winoBoth(m Winograd, x []string, in int, f func(Winograd, winoRow) winoRow) (y []string) {
	var cols []winoRow
	for j := range in {
		var col winoRow
		for i := range in {
			col = append(col, x[i*in+j])
		}
		cols = append(cols, f(m, col))
	}
	for i := range cols[0] {
		var row winoRow
		for _, c := range cols {
			row = append(row, c[i])
		}
		y = append(y, f(m, row)...)
	}
	return y
}

// Taps transforms the nine matrices of n elements at pW; flip takes them in
// reverse order, as a gradient sees them. Grid: ⌈n/256⌉.
func (m Winograd) Taps() string {
	b := newBuilder()
	params := []Param{{"u64", "pU"}, {"u64", "pW"}, {"u32", "n"}, {"u32", "flip"}}
	v := b.load(params)
	i, from := b.element(v["n"], v["pW"])
	step := b.def('d', "mul.wide.u32 %s, 4", v["n"])
	back := b.test("setp.ne.u32 %s, 0", v["flip"])
	b.emit("@%s add.u64 %s, %s, %s;", back, from, from, b.def('d', "mul.lo.u64 %s, 8", step))
	by := b.def('d', "selp.b64 %s, %s, %s", b.def('d', "neg.s64 %s", step), step, back)
	var w []string
	for range 9 {
		w = append(w, b.def('f', "ld.global.f32 [%s]", from))
		b.emit("add.s64 %s, %s, %s;", from, from, by)
	}
	to := b.def('d', "add.u64 %s, %s", v["pU"], b.def('d', "mul.wide.u32 %s, 4", i))
	for _, u := range b.winoBoth(m, w, 3, b.winoTaps) {
		b.emit("st.global.f32 [%s], %s;", to, u)
		b.emit("add.u64 %s, %s, %s;", to, to, step)
	}
	b.emit("ret;")
	return module70(false, b.entry(m.Names().Taps, params, 256, 0))
}

// winoTile is where a thread's tile and channel are: i of tiles·cols.
type winoTile struct {
	v            map[string]string
	col, n, y, x string // channel, image, first row and column: see tile
	at, step     string // of V or of the products: address, and distance of points
	in           string // whether the image has the channel
}

// winoParams are the parameters of In, Out and Grad: the sizes of the images that are read
// or written, the tiles of a row and of an image, channels and pitches. V has cols ≥ C columns; those beyond C are
// of zeros.
func winoParams(more ...Param) []Param {
	return append([]Param{{"u64", "pV"}, {"u64", "pX"}, {"u32", "tiles"}, {"u32", "first"},
		{"u32", "H"}, {"u32", "W"}, {"u32", "wide"}, {"u32", "each"}, {"u32", "C"}, {"u32", "pitch"}, {"u32", "cols"}}, more...)
}

// tile splits the number of the thread, of tiles step pixels apart; threads beyond the
// last tile end.
func (b *builder) tile(step int, v map[string]string) winoTile {
	count := b.def('r', "mul.lo.u32 %s, %s", v["tiles"], v["cols"])
	i, at := b.element(count, v["pV"])
	t := winoTile{v: v, at: at, step: b.def('d', "mul.wide.u32 %s, 4", count)}
	tile := b.def('r', "div.u32 %s, %s", i, v["cols"])
	t.col = b.rest(i, tile, v["cols"])
	t.in = b.test("setp.lt.u32 %s, %s", t.col, v["C"])
	tile = b.def('r', "add.u32 %s, %s", tile, v["first"])
	t.n = b.def('r', "div.u32 %s, %s", tile, v["each"])
	tile = b.rest(tile, t.n, v["each"])
	y := b.def('r', "div.u32 %s, %s", tile, v["wide"])
	t.y, t.x = b.def('r', "mul.lo.u32 %s, %d", y, step), b.def('r', "mul.lo.u32 %s, %d", b.rest(tile, y, v["wide"]), step)
	return t
}

// rest is i − q·d.
func (b *builder) rest(i, q, d string) string {
	return b.def('r', "sub.u32 %s, %s", i, b.def('r', "mul.lo.u32 %s, %s", q, d))
}

// each runs f on the pixels of a square of size by size that begins off before the
// tile: whether they are in the image, and the address of the thread's channel.
func (b *builder) each(t winoTile, base, pitch string, size, off int, f func(i int, ok, at string)) {
	row := b.def('r', "mad.lo.u32 %s, %s, %s", t.n, t.v["H"], t.y)
	col := b.def('d', "add.u64 %s, %s", t.v[base], b.def('d', "mul.wide.u32 %s, 4", t.col))
	step := b.def('d', "mul.wide.u32 %s, 4", t.v[pitch])
	for i := range size {
		in := b.test("setp.lt.and.u32 %s, %s, %s", b.def('r', "add.s32 %s, %d", t.y, i-off), t.v["H"], t.in)
		line := b.def('d', "mul.wide.s32 %s, %s", b.def('r', "add.s32 %s, %d", row, i-off), t.v["W"])
		pixel := b.def('d', "add.s64 %s, %s", line, b.def('d', "cvt.s64.s32 %s", b.def('r', "sub.s32 %s, %d", t.x, off)))
		at := b.def('d', "add.s64 %s, %s", col, b.def('d', "mul.lo.s64 %s, %s", pixel, step))
		for j := range size {
			ok := b.test("setp.lt.and.u32 %s, %s, %s", b.def('r', "add.s32 %s, %d", t.x, j-off), t.v["W"], in)
			f(i*size+j, ok, at)
			if j < size-1 {
				b.emit("add.s64 %s, %s, %s;", at, at, step)
			}
		}
	}
}

// In transforms pixels: V = Bᵀ·d·B for the tiles from first on, all channels C of
// images of H×W; pixels outside are zero. Tiles of doubled pixels lie around every other
// one of each side, from the first on. Grid: ⌈tiles·cols/256⌉.
func (m Winograd) In() string {
	step := int(m)
	if m == winoUp {
		step = 2
	}
	return m.transform(m.Names().In, step, simd.Wino(m).Pixels(), 1, (*builder).winoIn)
}

// transform writes the kernel that transforms squares of pixels, size by size, which
// begin off before each tile, step pixels apart.
func (m Winograd) transform(name string, step, size, off int, f func(*builder, Winograd, winoRow) winoRow) string {
	b := newBuilder()
	params := winoParams()
	t := b.tile(step, b.load(params))
	d := b.regs('f', size*size)
	b.each(t, "pX", "pitch", size, off, func(i int, ok, at string) {
		b.emit("mov.f32 %s, 0f00000000;", d[i])
		b.emit("@%s ld.global.f32 %s, [%s];", ok, d[i], at)
	})
	for _, x := range b.winoBoth(m, d, size, func(m Winograd, d winoRow) winoRow { return f(b, m, d) }) {
		b.emit("st.global.f32 [%s], %s;", t.at, x)
		b.emit("add.u64 %s, %s, %s;", t.at, t.at, t.step)
	}
	b.emit("ret;")
	return module70(false, b.entry(name, params, 256, 0))
}

// Out transforms the products at pV to outputs in the image at pX, Aᵀ·z·A + bias +
// residual, C = cols being their channels. Those of a tile of doubled pixels begin one
// before it. Grid: ⌈tiles·C/256⌉.
func (m Winograd) Out() string {
	side, off := m.outputs(), 0
	if m == winoUp {
		off = 1
	}
	b := newBuilder()
	params := winoParams(Param{"u64", "pBias"}, Param{"u64", "pRes"}, Param{"u32", "pitchR"})
	t := b.tile(side, b.load(params))
	var z []string
	for range m.Points() {
		z = append(z, b.def('f', "ld.global.f32 [%s]", t.at))
		b.emit("add.u64 %s, %s, %s;", t.at, t.at, t.step)
	}
	y := b.winoBoth(m, z, simd.Wino(m).Side(), b.winoOut)
	noBias, noRes := b.label("NOBIAS"), b.label("NORES")
	b.jump(noBias, "setp.eq.u64 %s, 0", t.v["pBias"])
	bias := b.def('f', "ld.global.f32 [%s]", b.def('d', "add.u64 %s, %s", t.v["pBias"], b.def('d', "mul.wide.u32 %s, 4", t.col)))
	for _, r := range y {
		b.emit("add.rn.f32 %s, %s, %s;", r, r, bias)
	}
	b.mark(noBias)
	b.jump(noRes, "setp.eq.u64 %s, 0", t.v["pRes"])
	b.each(t, "pRes", "pitchR", side, off, func(i int, ok, at string) {
		x := b.reg('f')
		b.emit("@%s ld.global.f32 %s, [%s];", ok, x, at)
		b.emit("@%s add.rn.f32 %s, %s, %s;", ok, y[i], y[i], x)
	})
	b.mark(noRes)
	b.each(t, "pX", "pitch", side, off, func(i int, ok, at string) {
		b.emit("@%s st.global.f32 [%s], %s;", ok, at, y[i])
	})
	b.emit("ret;")
	return module70(false, b.entry(m.Names().Out, params, 256, 0))
}
