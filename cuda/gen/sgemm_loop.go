package gen

// outputs sets where a thread reads its rows and columns, and clears its sums.
func (s *sgemm) outputs() {
	lane, warp := s.def('r', "and.b32 %s, 31", s.tid), s.def('r', "shr.u32 %s, 5", s.tid)
	wide := s.BN / s.TN / 8 // warps side by side
	tx := s.def('r', "mad.lo.u32 %s, 8, %s", s.def('r', "and.b32 %s, %d", warp, wide-1), s.def('r', "and.b32 %s, 7", lane))
	ty := s.def('r', "mad.lo.u32 %s, 4, %s", s.def('r', "shr.u32 %s, %d", warp, log2(wide)), s.def('r', "shr.u32 %s, 3", lane))
	s.keyT = s.def('r', "and.b32 %s, 3", s.def('r', "shr.u32 %s, 1", ty))
	row := s.def('r', "shl.b32 %s, 6", ty)
	s.rowAt = s.def('r', "add.u32 %s, %s", s.smem, row)
	s.rowKey = s.def('r', "mad.lo.u32 %s, 16, %s", s.keyT, row) // chunk 0: the low bits are the key
	s.bRead = s.def('r', "add.u32 %s, %s", s.smem, s.def('r', "shl.b32 %s, 4", tx))
	s.rowC = s.def('r', "add.u32 %s, %s", s.bm, ty)
	s.colC = s.def('r', "mad.lo.u32 %s, 4, %s", tx, s.bn)
	for range s.TM {
		row := s.regs('f', s.TN)
		for _, x := range row {
			s.emit("mov.f32 %s, 0f00000000;", x)
		}
		s.acc, s.a = append(s.acc, row), append(s.a, s.regs('f', readK))
	}
	s.bv = [2][]string{s.regs('f', s.TN), s.regs('f', s.TN)}
	s.read = s.def('r', "mov.u32 0")
}

// eachOutput runs f on every four outputs, with Any on every one: where they lie
// in a matrix of that pitch, and whether they are inside of C.
func (s *sgemm) eachOutput(pitch string, f func(at, ok string, x []string)) {
	for i := range s.TM {
		row := s.def('r', "add.u32 %s, %d", s.rowC, i*s.BM/s.TM)
		in := s.test("setp.lt.u32 %s, %s", row, s.v["M"])
		if s.Conv {
			row = s.taps.target(row)
		}
		e := s.def('d', "mul.wide.u32 %s, %s", row, s.v[pitch])
		for j := 0; j < s.TN; j += s.width() {
			col := s.column(j)
			ok := s.test("setp.lt.and.u32 %s, %s, %s", col, s.v["N"], in)
			at := s.def('d', "shl.b64 %s, 2", s.def('d', "add.u64 %s, %s", e, s.def('d', "cvt.u64.u32 %s", col)))
			f(at, ok, s.acc[i][j:j+s.width()])
		}
	}
}

// width is how many outputs are next to each other in memory for sure.
func (s *sgemm) width() int {
	if s.Any {
		return 1
	}
	return 4
}

// column is that of the thread's output j.
func (s *sgemm) column(j int) string {
	return s.def('r', "add.u32 %s, %d", s.colC, j/4*4*s.BN/s.TN+j%4)
}

// start begins the chains at what C holds, if acc is set: gradients accumulate.
func (s *sgemm) start() {
	zero := s.label("ZERO")
	s.jump(zero, "setp.eq.u32 %s, 0", s.v["acc"])
	c := s.base("pC", "zC")
	s.eachOutput("ldc", func(at, ok string, x []string) {
		s.emit("@%s ld.global.v4.f32 %s, [%s];", ok, list(x), s.def('d', "add.u64 %s, %s", c, at))
	})
	s.mark(zero)
}

// row reads the thread's columns of row k of the tile of B at an address.
func (s *sgemm) row(at string, off int, to []string) {
	for j := 0; j < s.TN; j += 4 {
		s.emit("ld.shared.v4.f32 %s, [%s+%d];", list(to[j:j+4]), at, s.BM*tileK*4+off+j*s.BN/s.TN*4)
	}
}

func (s *sgemm) tilesLoop() {
	loop, done := s.label("LOOP"), s.label("DONE")
	s.jump(done, "setp.eq.u32 %s, 0", s.whole)
	s.mark(loop)
	s.emit("cp.async.wait_group %d;", s.Stages-2)
	s.emit("bar.sync 0;")
	s.copyTile() // over the stage that was read before the barrier
	if s.Any {
		s.anyTerms()
	} else {
		s.terms()
	}
	s.nextStage(s.read)
	s.emit("sub.u32 %s, %s, 1;", s.whole, s.whole)
	s.jump(loop, "setp.ne.u32 %s, 0", s.whole)
	s.mark(done)
}

// terms adds the 16 terms of the tile.
func (s *sgemm) terms() {
	bAt := s.def('r', "add.u32 %s, %s", s.bRead, s.read)
	s.row(bAt, 0, s.bv[0])
	for k := range tileK {
		if k%readK == 0 {
			at := s.def('r', "xor.b32 %s, %d", s.rowKey, k/4*16)
			at = s.def('r', "add.u32 %s, %s", s.def('r', "add.u32 %s, %s", at, s.read), s.smem)
			for i := range s.TM {
				s.emit("ld.shared%s %s, [%s+%d];", vector(readK), list(s.a[i]), at, i*s.BM/s.TM*64+k%4*4)
			}
		}
		if k < tileK-1 {
			s.row(bAt, (k+1)*s.BN*4, s.bv[(k+1)&1])
		}
		for j := range s.TN { // down, then up: fewest conflicts of register banks
			for i := range s.TM {
				if j%2 == 1 {
					i = s.TM - 1 - i
				}
				s.emit("fma.rn.f32 %s, %s, %s, %s;", s.acc[i][j], s.a[i][k%readK], s.bv[k&1][j], s.acc[i][j])
			}
		}
	}
}

// anyTerms adds the terms of the tile: 16, or what is left of the tap.
func (s *sgemm) anyTerms() {
	few, next := s.label("FEW"), s.label("NEXT")
	s.jump(few, "setp.lt.u32 %s, 16", s.fraction)
	s.terms()
	s.emit("sub.u32 %s, %s, 16;", s.fraction, s.fraction)
	s.jump(next, "setp.ne.u32 %s, 0", s.fraction)
	again := s.label("AGAIN")
	s.emit("bra %s;", again)
	s.mark(few)
	s.eachTerm()
	s.mark(again)
	s.emit("mov.u32 %s, %s;", s.fraction, s.v["K"])
	s.mark(next)
}

// eachTerm adds as many terms as fraction says, at least one, one by one.
func (s *sgemm) eachTerm() {
	loop := s.label("TERM")
	k := s.def('r', "mov.u32 0")
	s.mark(loop)
	chunk := s.def('r', "xor.b32 %s, %s", s.def('r', "shr.u32 %s, 2", k), s.keyT)
	at := s.def('r', "add.u32 %s, %s", s.rowAt, s.def('r', "mad.lo.u32 %s, 16, %s", chunk, s.read))
	at = s.def('r', "add.u32 %s, %s", at, s.def('r', "shl.b32 %s, 2", s.def('r', "and.b32 %s, 3", k)))
	s.row(s.def('r', "add.u32 %s, %s", s.bRead, s.def('r', "mad.lo.u32 %s, %d, %s", k, s.BN*4, s.read)), 0, s.bv[0])
	for i := range s.TM {
		s.emit("ld.shared.f32 %s, [%s+%d];", s.a[i][0], at, i*s.BM/s.TM*64)
		for j := range s.TN {
			s.emit("fma.rn.f32 %s, %s, %s, %s;", s.acc[i][j], s.a[i][0], s.bv[0][j], s.acc[i][j])
		}
	}
	s.emit("add.u32 %s, %s, 1;", k, k)
	s.jump(loop, "setp.lt.u32 %s, %s", k, s.fraction)
}

// tail adds the last K mod 16 terms one by one: adding zeros in their place would
// turn −0 into 0.
func (s *sgemm) tail() {
	end := s.label("OUT")
	s.jump(end, "setp.eq.u32 %s, 0", s.fraction)
	s.emit("cp.async.wait_group 0;")
	s.emit("bar.sync 0;")
	s.eachTerm()
	s.mark(end)
}

// finish adds the bias, then the residual, and stores.
func (s *sgemm) finish() {
	noBias, noRes := s.label("NOBIAS"), s.label("NORES")
	s.jump(noBias, "setp.eq.u64 %s, 0", s.v["pBias"])
	for j := 0; j < s.TN; j += s.width() {
		col := s.column(j)
		ok := s.test("setp.lt.u32 %s, %s", col, s.v["N"])
		x := s.regs('f', s.width())
		s.emit("@%s ld.global%s %s, [%s];", ok, vector(len(x)), group(x), s.def('d', "add.u64 %s, %s", s.v["pBias"], s.def('d', "mul.wide.u32 %s, 4", col)))
		for i := range s.TM {
			for e := range x {
				s.emit("add.rn.f32 %s, %s, %s;", s.acc[i][j+e], s.acc[i][j+e], x[e])
			}
		}
	}
	s.mark(noBias)
	s.jump(noRes, "setp.eq.u64 %s, 0", s.v["pRes"])
	s.eachOutput("ldr", func(at, ok string, y []string) {
		x := s.regs('f', len(y))
		s.emit("@%s ld.global%s %s, [%s];", ok, vector(len(y)), group(x), s.def('d', "add.u64 %s, %s", s.v["pRes"], at))
		for e := range y {
			s.emit("add.rn.f32 %s, %s, %s;", y[e], y[e], x[e])
		}
	})
	s.mark(noRes)
	c := s.base("pC", "zC")
	s.eachOutput("ldc", func(at, ok string, x []string) {
		s.emit("@%s st.global%s [%s], %s;", ok, vector(len(x)), s.def('d', "add.u64 %s, %s", c, at), group(x))
	})
	s.emit("ret;")
}
