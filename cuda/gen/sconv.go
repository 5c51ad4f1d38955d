package gen

import "fmt"

// MaxTaps is how many taps a convolution may have.
const MaxTaps = 16

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

// pixel splits a row of C: image, row and column of the lattice.
func (s *sgemm) pixel(row string) (n, y, x string) {
	line := s.def('r', "div.u32 %s, %s", row, s.v["LW"])
	x = s.def('r', "sub.u32 %s, %s", row, s.def('r', "mul.lo.u32 %s, %s", line, s.v["LW"]))
	n = s.def('r', "div.u32 %s, %s", line, s.v["LH"])
	y = s.def('r', "sub.u32 %s, %s", line, s.def('r', "mul.lo.u32 %s, %s", n, s.v["LH"]))
	return n, y, x
}

// source is the pixel of A from which the taps of a row count: its number, row
// and column.
func (s *sgemm) source(row string) (at, y, x string) {
	n, y, x := s.pixel(row)
	y, x = s.def('r', "mul.lo.u32 %s, %s", y, s.v["mul"]), s.def('r', "mul.lo.u32 %s, %s", x, s.v["mul"])
	line := s.def('r', "mad.lo.u32 %s, %s, %s", n, s.v["H"], y)
	return s.def('r', "mad.lo.u32 %s, %s, %s", line, s.v["W"], x), y, x
}

// target is the number of the pixel of C that a row is.
func (s *sgemm) target(row string) string {
	n, y, x := s.pixel(row)
	y = s.def('r', "mad.lo.u32 %s, %s, %s", y, s.v["step"], s.v["oy"])
	x = s.def('r', "mad.lo.u32 %s, %s, %s", x, s.v["step"], s.v["ox"])
	line := s.def('r', "mad.lo.u32 %s, %s, %s", n, s.v["HO"], y)
	return s.def('r', "mad.lo.u32 %s, %s, %s", line, s.v["WO"], x)
}

// tapMasks makes for every row a mask whose bit t is set if tap t lies inside.
func (s *sgemm) tapMasks(ys, xs []string) {
	for range ys {
		s.masks = append(s.masks, s.def('r', "mov.u32 0"))
	}
	for t := range MaxTaps {
		_, ty, tx := s.tapParts(s.def('r', "ld.param.u32 [t%d]", t))
		for i, m := range s.masks { // unsigned: −1 is large
			in := s.test("setp.lt.u32 %s, %s", s.def('r', "add.s32 %s, %s", ys[i], ty), s.v["H"])
			in = s.test("setp.lt.and.u32 %s, %s, %s", s.def('r', "add.s32 %s, %s", xs[i], tx), s.v["W"], in)
			s.emit("@%s or.b32 %s, %s, %d;", in, m, m, 1<<t)
		}
	}
}

func (s *sgemm) tapParts(t string) (m, ty, tx string) {
	return s.def('r', "and.b32 %s, 255", t), s.def('r', "bfe.s32 %s, 8, 8", t), s.def('r', "bfe.s32 %s, 16, 8", t)
}

// firstTerms sets what the copies of a tap begin with.
func (s *sgemm) firstTerms() {
	now := s.def('r', "mov.u32 0")
	for t := range MaxTaps {
		s.emit("@%s ld.param.u32 %s, [t%d];", s.test("setp.eq.u32 %s, %d", s.tap, t), now, t)
	}
	m, ty, tx := s.tapParts(now)
	at := s.def('r', "mad.lo.s32 %s, %s, %s", ty, s.v["W"], tx)
	s.emit("add.s64 %s, %s, %s;", s.tapAt, s.aBase, s.def('d', "shl.b64 %s, 2", s.def('d', "mul.wide.s32 %s, %s", at, s.v["lda"])))
	row := s.def('r', "mul.lo.u32 %s, %s", m, s.v["K"])
	s.emit("add.s64 %s, %s, %s;", s.tapB, s.bBase, s.def('d', "shl.b64 %s, 2", s.def('d', "mul.wide.u32 %s, %s", row, s.v["ldb"])))
	s.emit("shl.b32 %s, 1, %s;", s.bit, s.tap)
	s.emit("mov.u32 %s, %s;", s.kLeft, s.v["K"])
}

// nextTap goes on by 16 channels, after the last to the next tap.
func (s *sgemm) nextTap() {
	s.emit("add.s64 %s, %s, 64;", s.tapAt, s.tapAt)
	s.emit("add.s64 %s, %s, %s;", s.tapB, s.tapB, s.bAdvance)
	same := s.label("SAMETAP")
	s.jump(same, "setp.gt.s32 %s, 0", s.kLeft)
	s.emit("add.u32 %s, %s, 1;", s.tap, s.tap)
	s.firstTerms()
	s.mark(same)
}

// copyTaps copies 16 channels of the current tap to a and b.
func (s *sgemm) copyTaps(ok, a, b string) {
	T := s.Threads()
	var in []string // with Any: which of the four terms exist
	if s.Any {
		k := s.def('r', "shl.b32 %s, 2", s.aChunk)
		for e := range 4 {
			in = append(in, s.test("setp.lt.and.s32 %s, %s, %s", s.def('r', "add.u32 %s, %d", k, e), s.kLeft, ok))
		}
	}
	for i, from := range s.aFrom {
		inside := s.test("setp.ne.u32 %s, 0", s.def('r', "and.b32 %s, %s", s.masks[i], s.bit))
		from = s.def('d', "mad.wide.u32 %s, 4, %s", from, s.tapAt)
		if !s.Any {
			have := s.def('r', "selp.b32 16, 0, %s", inside)
			s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, a, i*T*16, from, have)
			continue
		}
		have := s.def('r', "selp.b32 4, 0, %s", inside)
		for e, p := range in {
			s.emit("@%s cp.async.ca.shared.global [%s+%d], [%s+%d], 4, %s;", p, a, i*T*16+4*e, from, 4*e, have)
		}
	}
	for i, from := range s.bFrom {
		to := s.BM*tileK*4 + i*T*16
		from = s.def('d', "mad.wide.u32 %s, 4, %s", from, s.tapB)
		if !s.Any {
			s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", ok, b, to, from)
			continue
		}
		row := s.test("setp.lt.and.s32 %s, %s, %s", s.def('r', "add.u32 %s, %d", s.bRow, i*T*4/s.BN), s.kLeft, ok)
		for e, col := range s.bCol {
			s.emit("@%s cp.async.ca.shared.global [%s+%d], [%s], 4;", row, b, to+4*e, s.def('d', "add.s64 %s, %s", from, col))
		}
	}
}
