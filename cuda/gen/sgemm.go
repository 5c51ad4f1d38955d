package gen

// An SGEMM is a product on the CUDA cores: C = A·B + bias + res, every output one
// chain of fma in ascending k, as on the CPU. A block makes BM×BN outputs of
// tiles that are BK = 16 deep, a thread TM×TN of them: rows ty + (BM/TM)·i,
// columns 4·tx + (BN/TN·4)·j + 0…3. N, and the pitches, must be multiples of 4.
//
// With Conv, A is an image [N,H,W,C] seen by 3×3 taps with stride 1: M = N·H·W,
// K = 9·C, lda its pitch, and C a multiple of 16.
type SGEMM struct {
	Name             string
	BM, BN, TM, TN   int
	AV               int // terms of A that a thread reads at a time, 2 or 4
	Stages, MinBlock int
	Conv             bool
}

// SGEMMs are the products: one for large shapes, one with twice the warps, one
// for small shapes, and the convolution in its direct form.
var SGEMMs = []SGEMM{
	{Name: "sgemm_128x128", BM: 128, BN: 128, TM: 8, TN: 16, AV: 4, Stages: 3, MinBlock: 2},
	{Name: "sgemm_128x128_8x8", BM: 128, BN: 128, TM: 8, TN: 8, AV: 2, Stages: 3, MinBlock: 2},
	{Name: "sgemm_64x64", BM: 64, BN: 64, TM: 4, TN: 4, AV: 4, Stages: 3, MinBlock: 4},
	{Name: "sconv_128x128", BM: 128, BN: 128, TM: 8, TN: 16, AV: 4, Stages: 3, MinBlock: 2, Conv: true},
}

const tileK = 16

// Threads is the size of a block.
func (g SGEMM) Threads() int { return g.BM / g.TM * (g.BN / g.TN) }

// Shared is the dynamic shared memory of a launch.
func (g SGEMM) Shared() int { return g.Stages * g.stage() }

func (g SGEMM) stage() int { return (g.BM + g.BN) * tileK * 4 }

func (g SGEMM) params() []Param {
	ps := []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u64", "pBias"}, {"u64", "pRes"},
		{"u32", "M"}, {"u32", "N"}, {"u32", "K"}, {"u32", "lda"}, {"u32", "ldb"}, {"u32", "ldc"}, {"u32", "ldr"}, {"u32", "acc"}}
	if g.Conv {
		ps = append(ps, Param{"u32", "H"}, Param{"u32", "W"}, Param{"u32", "C"})
	}
	return ps
}

// An sgemm writes one SGEMM.
type sgemm struct {
	*builder
	SGEMM
	v                 map[string]string
	tid, bm, bn, smem string

	// the copies to shared memory
	aTo, bTo, aChunk, bRow, bAdvance string
	aFrom, bFrom, masks              []string
	loaded, tiles, kLeft, write      string // tiles asked for, in all; terms not asked for; offset of the stage
	tap, channel, tapAt              string // of a convolution

	// the outputs
	acc                   [][]string
	rowKey, rowAt, bRead  string
	keyT, rowC, colC      string
	a                     [][]string
	bv                    [2][]string
	read, whole, fraction string // offset of the stage; whole tiles; terms after them
}

// Text returns the module.
func (g SGEMM) Text() string {
	b := newBuilder()
	s := &sgemm{builder: b, SGEMM: g, v: b.load(g.params())}
	s.tid = b.def('r', "mov.u32 %%tid.x")
	s.bn = b.def('r', "mul.lo.u32 %s, %d", b.def('r', "mov.u32 %%ctaid.x"), g.BN)
	s.bm = b.def('r', "mul.lo.u32 %s, %d", b.def('r', "mov.u32 %%ctaid.y"), g.BM)
	s.smem = b.def('r', "mov.u32 smem")
	s.planA()
	s.planB()
	s.counters()
	s.outputs()
	for range g.Stages - 1 {
		s.copyTile()
	}
	s.start()
	s.tilesLoop()
	s.tail()
	s.finish()
	return module80(b.entry(g.Name, g.params(), g.Threads(), g.MinBlock))
}

// planA: a thread copies chunks of 16 bytes along k; the chunk c of a row lies at
// c ^ (row/2 mod 4), so that neither the copies nor the reads conflict. Rows past
// the end are the last one again.
func (s *sgemm) planA() {
	T := s.Threads()
	s.aChunk = s.def('r', "and.b32 %s, 3", s.tid)
	r := s.def('r', "shr.u32 %s, 2", s.tid)
	key := s.def('r', "and.b32 %s, 3", s.def('r', "shr.u32 %s, 1", r))
	chunk := s.def('r', "mad.lo.u32 %s, 4, %s", r, s.def('r', "xor.b32 %s, %s", s.aChunk, key))
	s.aTo = s.def('r', "add.u32 %s, %s", s.smem, s.def('r', "shl.b32 %s, 4", chunk))
	for i := range s.BM * 4 / T {
		row := s.def('r', "add.u32 %s, %s", s.bm, s.def('r', "add.u32 %s, %d", r, i*T/4))
		row = s.def('r', "min.u32 %s, %s", row, s.def('r', "sub.u32 %s, 1", s.v["M"]))
		if s.Conv {
			s.masks = append(s.masks, s.tapMask(row))
		}
		at := s.def('d', "shl.b64 %s, 2", s.def('d', "mul.wide.u32 %s, %s", row, s.v["lda"]))
		at = s.def('d', "add.u64 %s, %s", s.v["pA"], at)
		s.aFrom = append(s.aFrom, s.def('d', "add.u64 %s, %s", at, s.def('d', "mul.wide.u32 %s, 16", s.aChunk)))
	}
}

// tapMask has bit t set if tap t of the pixel lies in the image.
func (s *sgemm) tapMask(pixel string) string {
	y := s.def('r', "rem.u32 %s, %s", s.def('r', "div.u32 %s, %s", pixel, s.v["W"]), s.v["H"])
	x := s.def('r', "rem.u32 %s, %s", pixel, s.v["W"])
	m := s.def('r', "mov.u32 0")
	for t := range 9 { // unsigned: −1 is large
		in := s.test("setp.lt.u32 %s, %s", s.def('r', "add.s32 %s, %d", y, t/3-1), s.v["H"])
		in = s.test("setp.lt.and.u32 %s, %s, %s", s.def('r', "add.s32 %s, %d", x, t%3-1), s.v["W"], in)
		s.emit("@%s or.b32 %s, %s, %d;", in, m, m, 1<<t)
	}
	return m
}

// planB: rows of BN columns.
func (s *sgemm) planB() {
	T := s.Threads()
	c := s.def('r', "and.b32 %s, %d", s.tid, s.BN/4-1)
	s.bRow = s.def('r', "shr.u32 %s, %d", s.tid, log2(s.BN/4))
	s.bTo = s.def('r', "add.u32 %s, %s", s.smem, s.def('r', "shl.b32 %s, 4", s.tid))
	col := s.def('r', "mad.lo.u32 %s, 4, %s", c, s.bn)
	col = s.def('r', "min.u32 %s, %s", col, s.def('r', "sub.u32 %s, 4", s.v["N"]))
	for i := range tileK * s.BN / 4 / T {
		row := s.def('r', "add.u32 %s, %d", s.bRow, i*T*4/s.BN)
		at := s.def('d', "add.u64 %s, %s", s.def('d', "mul.wide.u32 %s, %s", row, s.v["ldb"]), s.def('d', "cvt.u64.u32 %s", col))
		s.bFrom = append(s.bFrom, s.def('d', "add.u64 %s, %s", s.v["pB"], s.def('d', "shl.b64 %s, 2", at)))
	}
	s.bAdvance = s.def('d', "mul.wide.u32 %s, %d", s.v["ldb"], tileK*4)
}

func (s *sgemm) counters() {
	s.whole = s.def('r', "shr.u32 %s, 4", s.v["K"])
	s.fraction = s.def('r', "and.b32 %s, 15", s.v["K"])
	s.tiles = s.def('r', "shr.u32 %s, 4", s.def('r', "add.u32 %s, 15", s.v["K"]))
	s.loaded, s.write = s.def('r', "mov.u32 0"), s.def('r', "mov.u32 0")
	s.kLeft = s.def('r', "mov.u32 %s", s.v["K"])
	if s.Conv { // the first tap is a row and a pixel back
		s.tap, s.channel = s.def('r', "mov.u32 0"), s.def('r', "mov.u32 0")
		back := s.def('d', "mul.wide.u32 %s, %s", s.def('r', "add.u32 %s, 1", s.v["W"]), s.v["lda"])
		s.tapAt = s.def('d', "neg.s64 %s", s.def('d', "shl.b64 %s, 2", back))
	}
}

// copyTile asks for the next tile of both operands, or for nothing after the
// last one: the group is committed all the same.
func (s *sgemm) copyTile() {
	T := s.Threads()
	ok := s.test("setp.lt.u32 %s, %s", s.loaded, s.tiles)
	to := s.def('r', "add.u32 %s, %s", s.aTo, s.write)
	if s.Conv {
		for i, from := range s.aFrom {
			bit := s.def('r', "and.b32 %s, %s", s.masks[i], s.def('r', "shl.b32 1, %s", s.tap))
			have := s.def('r', "selp.b32 16, 0, %s", s.test("setp.ne.u32 %s, 0", bit))
			s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, to, i*T*16, s.def('d', "add.s64 %s, %s", from, s.tapAt), have)
		}
	} else { // bytes of this chunk that lie before the end of K
		left := s.def('r', "sub.s32 %s, %s", s.def('r', "shl.b32 %s, 2", s.kLeft), s.def('r', "shl.b32 %s, 4", s.aChunk))
		have := s.def('r', "max.s32 %s, 0", s.def('r', "min.s32 %s, 16", left))
		for i, from := range s.aFrom {
			s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, to, i*T*16, from, have)
			s.emit("add.u64 %s, %s, 64;", from, from)
		}
	}
	to = s.def('r', "add.u32 %s, %s", s.bTo, s.write)
	for i, from := range s.bFrom {
		in := s.test("setp.lt.and.s32 %s, %s, %s", s.def('r', "add.u32 %s, %d", s.bRow, i*T*4/s.BN), s.kLeft, ok)
		s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", in, to, s.BM*tileK*4+i*T*16, from)
		s.emit("add.u64 %s, %s, %s;", from, from, s.bAdvance)
	}
	s.emit("cp.async.commit_group;")
	s.emit("add.u32 %s, %s, 1;", s.loaded, s.loaded)
	s.emit("sub.u32 %s, %s, 16;", s.kLeft, s.kLeft)
	s.nextStage(s.write)
	if s.Conv {
		s.nextTap()
	}
}

// nextStage moves an offset to the next stage, after the last to the first.
func (s *sgemm) nextStage(at string) {
	s.emit("add.u32 %s, %s, %d;", at, at, s.stage())
	s.emit("selp.b32 %s, 0, %s, %s;", at, at, s.test("setp.eq.u32 %s, %d", at, s.Shared()))
}

// nextTap goes on by 16 channels, after the last to the next tap.
func (s *sgemm) nextTap() {
	s.emit("add.u32 %s, %s, 16;", s.channel, s.channel)
	s.emit("add.s64 %s, %s, 64;", s.tapAt, s.tapAt)
	same := s.label("SAMETAP")
	s.jump(same, "setp.lt.u32 %s, %s", s.channel, s.v["C"])
	s.emit("mov.u32 %s, 0;", s.channel)
	s.emit("add.u32 %s, %s, 1;", s.tap, s.tap)
	s.emit("add.s64 %s, %s, %s;", s.tapAt, s.tapAt, s.def('d', "mul.wide.u32 %s, 4", s.def('r', "sub.u32 %s, %s", s.v["lda"], s.v["C"])))
	third := s.test("setp.eq.u32 %s, 0", s.def('r', "rem.u32 %s, 3", s.tap))
	down := s.def('r', "mul.lo.s32 %s, %s", s.def('r', "sub.s32 %s, 3", s.v["W"]), s.v["lda"])
	s.emit("@%s add.s64 %s, %s, %s;", third, s.tapAt, s.tapAt, s.def('d', "mul.wide.s32 %s, 4", down))
	s.mark(same)
}
