package gen

import "fmt"

// MaxTaps is how many taps a convolution may have.
const MaxTaps = 9

// convPlain is how many parameters of a convolution precede its taps.
const convPlain = 11

// tapParams are the parameters of a convolution. Row r of C is pixel (y, x) of
// image n of a lattice of LH×LW pixels, in this order; it lies at pixel
// (y·step+oy, x·step+ox) of an image of HO×WO, which is where C and the residual
// have it. Tap t sees pixel (y·mul+ty, x·mul+tx) of an image of H×W pixels, or
// zeros if it is not inside, through matrix m of B, K×N, of which K·ldb float32
// are one: t0, t1, … hold m + ty·2⁸ + tx·2¹⁶, ty and tx as signed bytes. The sum
// runs over the taps, for each over K ascending.
func tapParams() []Param {
	ps := []Param{{"u32", "taps"}, {"u32", "H"}, {"u32", "W"}, {"u32", "LH"}, {"u32", "LW"}, {"u32", "mul"},
		{"u32", "step"}, {"u32", "oy"}, {"u32", "ox"}, {"u32", "HO"}, {"u32", "WO"}}
	for t := range MaxTaps {
		ps = append(ps, Param{"u32", fmt.Sprintf("t%d", t)})
	}
	return ps
}

// A taps is where the copies of a convolution are: which tap, and where its terms
// begin.
type taps struct {
	*builder
	v                  map[string]string
	size               int    // bytes of an element of A and B
	rows               string // of a matrix of B: K, or N where its rows are those of the transpose
	a, b               string // where A and B begin
	tap, atA, atB, bit string // the tap's number, where it begins in A and B, its bit in masks
	left               string // channels of it that are not asked for
}

// begin sets what the copies begin with.
func (t *taps) begin() {
	t.tap, t.atA, t.atB, t.bit, t.left = t.def('r', "mov.u32 0"), t.reg('d'), t.reg('d'), t.reg('r'), t.reg('r')
	t.first()
}

// pixel splits a row of C: image, row and column of the lattice.
func (t *taps) pixel(row string) (n, y, x string) {
	line := t.def('r', "div.u32 %s, %s", row, t.v["LW"])
	n = t.def('r', "div.u32 %s, %s", line, t.v["LH"])
	return n, t.rest(line, n, t.v["LH"]), t.rest(row, line, t.v["LW"])
}

// source is the pixel of A from which the taps of a row count: its number, row
// and column.
func (t *taps) source(row string) (at, y, x string) {
	n, y, x := t.pixel(row)
	y, x = t.def('r', "mul.lo.u32 %s, %s", y, t.v["mul"]), t.def('r', "mul.lo.u32 %s, %s", x, t.v["mul"])
	line := t.def('r', "mad.lo.u32 %s, %s, %s", n, t.v["H"], y)
	return t.def('r', "mad.lo.u32 %s, %s, %s", line, t.v["W"], x), y, x
}

// target is the number of the pixel of C that a row is.
func (t *taps) target(row string) string {
	n, y, x := t.pixel(row)
	y = t.def('r', "mad.lo.u32 %s, %s, %s", y, t.v["step"], t.v["oy"])
	x = t.def('r', "mad.lo.u32 %s, %s, %s", x, t.v["step"], t.v["ox"])
	line := t.def('r', "mad.lo.u32 %s, %s, %s", n, t.v["HO"], y)
	return t.def('r', "mad.lo.u32 %s, %s, %s", line, t.v["WO"], x)
}

// masks makes for every row a mask whose bit t is set if tap t lies inside.
func (t *taps) masks(ys, xs []string) (masks []string) {
	for range ys {
		masks = append(masks, t.def('r', "mov.u32 0"))
	}
	for i := range MaxTaps {
		_, ty, tx := t.parts(t.def('r', "ld.param.u32 [t%d]", i))
		for k, m := range masks { // unsigned: −1 is large
			in := t.test("setp.lt.u32 %s, %s", t.def('r', "add.s32 %s, %s", ys[k], ty), t.v["H"])
			in = t.test("setp.lt.and.u32 %s, %s, %s", t.def('r', "add.s32 %s, %s", xs[k], tx), t.v["W"], in)
			t.emit("@%s or.b32 %s, %s, %d;", in, m, m, 1<<i)
		}
	}
	return masks
}

// parts splits a parameter of a tap.
func (t *taps) parts(tap string) (m, ty, tx string) {
	return t.def('r', "and.b32 %s, 255", tap), t.def('r', "bfe.s32 %s, 8, 8", tap), t.def('r', "bfe.s32 %s, 16, 8", tap)
}

// first sets what the copies of the tap begin with.
func (t *taps) first() {
	now := t.def('r', "mov.u32 0")
	for i := range MaxTaps {
		t.emit("@%s ld.param.u32 %s, [t%d];", t.test("setp.eq.u32 %s, %d", t.tap, i), now, i)
	}
	m, ty, tx := t.parts(now)
	pixel := t.def('r', "mad.lo.s32 %s, %s, %s", ty, t.v["W"], tx)
	row := t.def('r', "mul.lo.u32 %s, %s", m, t.v[t.rows])
	shift := log2(t.size)
	t.emit("add.s64 %s, %s, %s;", t.atA, t.a, t.def('d', "shl.b64 %s, %d", t.def('d', "mul.wide.s32 %s, %s", pixel, t.v["lda"]), shift))
	t.emit("add.s64 %s, %s, %s;", t.atB, t.b, t.def('d', "shl.b64 %s, %d", t.def('d', "mul.wide.u32 %s, %s", row, t.v["ldb"]), shift))
	t.emit("shl.b32 %s, 1, %s;", t.bit, t.tap)
	t.emit("mov.u32 %s, %s;", t.left, t.v["K"])
}

// next goes on by n channels, of which B has advance bytes, after the last to the
// next tap.
func (t *taps) next(n int, advance string) {
	t.emit("sub.u32 %s, %s, %d;", t.left, t.left, n)
	t.emit("add.s64 %s, %s, %d;", t.atA, t.atA, n*t.size)
	t.emit("add.s64 %s, %s, %s;", t.atB, t.atB, advance)
	same := t.label("SAMETAP")
	t.jump(same, "setp.gt.s32 %s, 0", t.left)
	t.emit("add.u32 %s, %s, 1;", t.tap, t.tap)
	t.first()
	t.mark(same)
}

// inside reports whether the tap lies inside for a row's mask: the predicate.
func (t *taps) inside(mask string) string {
	return t.test("setp.ne.u32 %s, 0", t.def('r', "and.b32 %s, %s", mask, t.bit))
}

// from is where the element at an offset from the row's begins in A or B.
func (t *taps) from(at, offset string) string {
	return t.def('d', "mad.wide.u32 %s, %d, %s", offset, t.size, at)
}

// copyTaps copies 16 channels of the current tap to a and b.
func (s *sgemm) copyTaps(ok, a, b string) {
	if s.Any {
		s.copyWords(ok, a, b)
		return
	}
	T := s.Threads()
	for i, off := range s.aFrom {
		have := s.def('r', "selp.b32 16, 0, %s", s.taps.inside(s.masks[i]))
		s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, a, i*T*16, s.taps.from(s.taps.atA, off), have)
	}
	for i, off := range s.bFrom {
		s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", ok, b, s.BM*tileK*4+i*T*16, s.taps.from(s.taps.atB, off))
	}
}

// copyWords is copyTaps word by word, in the orders of planA and planB; a and b are
// the places of the words that come first.
func (s *sgemm) copyWords(ok, a, b string) {
	T := s.Threads()
	insides := make([]string, len(s.aFrom))
	for i, mask := range s.masks {
		insides[i] = s.def('r', "selp.b32 4, 0, %s", s.taps.inside(mask))
	}
	chunk := s.def('r', "shl.b32 %s, 2", s.aChunk)
	for e := range 4 {
		word := s.def('r', "xor.b32 %s, %d", s.aFirst, e)
		in := s.test("setp.lt.and.s32 %s, %s, %s", s.def('r', "add.u32 %s, %s", chunk, word), s.taps.left, ok)
		to := s.def('r', "xor.b32 %s, %d", a, 4*e)
		for i, off := range s.aFrom {
			from := s.taps.from(s.taps.atA, s.def('r', "add.u32 %s, %s", off, word))
			s.emit("@%s cp.async.ca.shared.global [%s+%d], [%s], 4, %s;", in, to, i*T*16, from, insides[i])
		}
	}
	for i, off := range s.bFrom {
		from := s.taps.from(s.taps.atB, off)
		row := s.test("setp.lt.and.s32 %s, %s, %s", s.def('r', "add.u32 %s, %d", s.bRow, i*T*4/s.BN), s.taps.left, ok)
		for e, col := range s.bCol {
			to := s.def('r', "xor.b32 %s, %d", b, 4*e)
			s.emit("@%s cp.async.ca.shared.global [%s+%d], [%s], 4;", row, to, s.BM*tileK*4+i*T*16, s.def('d', "add.s64 %s, %s", from, col))
		}
	}
}
