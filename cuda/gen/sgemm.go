package gen

// An SGEMM is a product on the CUDA cores: C = A·B + bias + res, every output one
// chain of fma in ascending k, as on the CPU. A block makes BM×BN outputs of
// tiles that are BK = 16 deep, a thread TM×TN of them: rows ty + (BM/TM)·i,
// columns 4·tx + (BN/TN·4)·j + 0…3. N, and the pitches, must be multiples of 4
// and addresses of 16, unless Any is set. Block z of the grid's third dimension
// computes product z of a batch: A, B and C of it lie zA, zB and zC float32 on.
//
// With Conv, A is an image seen through taps: see Taps. K, a multiple of 16
// unless Any is set, is its channels.
type SGEMM struct {
	Name             string
	BM, BN, TM, TN   int
	Stages, MinBlock int
	Conv             bool
	Any              bool // any sizes, pitches and float32 addresses: copies of 4 bytes
}

// SGEMMs are the products: for large shapes, for such as have too few blocks of that,
// and for small ones; the convolutions in their direct form; and two for any sizes, the
// second for few outputs. A product is a convolution of one tap.
var SGEMMs = []SGEMM{
	{Name: "sgemm_128x128", BM: 128, BN: 128, TM: 8, TN: 16, Stages: 3, MinBlock: 2},
	{Name: "sgemm_128x64", BM: 128, BN: 64, TM: 8, TN: 8, Stages: 3, MinBlock: 3},
	{Name: "sgemm_64x64", BM: 64, BN: 64, TM: 8, TN: 4, Stages: 3, MinBlock: 4},
	{Name: "sconv_128x128", BM: 128, BN: 128, TM: 8, TN: 16, Stages: 3, MinBlock: 2, Conv: true},
	{Name: "sconv_128x64", BM: 128, BN: 64, TM: 8, TN: 8, Stages: 3, MinBlock: 3, Conv: true},
	{Name: "sconv_64x64", BM: 64, BN: 64, TM: 8, TN: 4, Stages: 3, MinBlock: 4, Conv: true},
	{Name: "sany_64x64", BM: 64, BN: 64, TM: 4, TN: 4, Stages: 3, MinBlock: 4, Conv: true, Any: true},
	{Name: "sany_64x32", BM: 64, BN: 32, TM: 4, TN: 4, Stages: 3, MinBlock: 8, Conv: true, Any: true},
}

const (
	tileK = 16
	readK = 4 // terms of A that a thread reads at a time
)

// Threads is the size of a block.
func (g SGEMM) Threads() int { return g.BM / g.TM * (g.BN / g.TN) }

// Shared is the dynamic shared memory of a launch.
func (g SGEMM) Shared() int { return g.Stages * g.stage() }

func (g SGEMM) stage() int { return (g.BM + g.BN) * tileK * 4 }

func (g SGEMM) params() []Param {
	ps := []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u64", "pBias"}, {"u64", "pRes"},
		{"u32", "M"}, {"u32", "N"}, {"u32", "K"}, {"u32", "lda"}, {"u32", "ldb"}, {"u32", "ldc"}, {"u32", "ldr"},
		{"u32", "zA"}, {"u32", "zB"}, {"u32", "zC"}}
	if g.Conv {
		return append(ps, tapParams()...)
	}
	return append(ps, Param{"u32", "acc"})
}

// An sgemm writes one SGEMM.
type sgemm struct {
	*builder
	SGEMM
	v                 map[string]string
	tid, bm, bn, smem string

	// the copies to shared memory
	aTo, bTo, aChunk, bRow, bAdvance string
	aFirst                           string   // with Any: which of four terms a thread copies first
	aFrom, bFrom, bCol               []string // of a convolution offsets; bCol: of four columns, with Any
	loaded, tiles, kLeft, write      string   // tiles asked for, in all; terms not asked for; offset of the stage
	taps                             *taps    // of a convolution
	masks                            []string // of a convolution: taps that lie in the image

	// the outputs
	acc                   [][]string
	rowKey, rowAt, bRead  string
	keyT, rowC, colC      string
	a                     [][]string
	bv                    [2][]string
	read, whole, fraction string // offset of the stage; whole tiles; terms after them, or with Any terms left of this tap
}

// Text returns the module.
func (g SGEMM) Text() string {
	b := newBuilder()
	params := g.params()
	if g.Conv { // of so many parameters not all registers at once
		params = params[:15+convPlain]
	}
	v := b.load(params)
	s := &sgemm{builder: b, SGEMM: g, v: v, taps: &taps{builder: b, v: v, size: 4, rows: "K"}}
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
	if !g.Conv {
		s.start()
	}
	s.tilesLoop()
	if !g.Conv {
		s.tail()
	}
	s.finish()
	return module80(b.entry(g.Name, g.params(), g.Threads(), g.MinBlock))
}

// base is where an operand of this product of the batch begins.
func (s *sgemm) base(pointer, step string) string {
	z := s.def('d', "mul.wide.u32 %s, %s", s.def('r', "mov.u32 %%ctaid.z"), s.v[step])
	return s.def('d', "add.u64 %s, %s", s.v[pointer], s.def('d', "shl.b64 %s, 2", z))
}

// planA: a thread copies chunks of 16 bytes along k; the chunk c of a row lies at
// c ^ (row/2 mod 4), so that neither the copies nor the reads conflict. Rows past
// the end are the last one again. With Any the four words of a chunk are copied one by
// one, the word e ^ (row/2 mod 4) as number e: of the 32 words that a warp copies at a
// time no two lie in one bank.
func (s *sgemm) planA() {
	T := s.Threads()
	s.aChunk = s.def('r', "and.b32 %s, 3", s.tid)
	r := s.def('r', "shr.u32 %s, 2", s.tid)
	key := s.def('r', "and.b32 %s, 3", s.def('r', "shr.u32 %s, 1", r))
	chunk := s.def('r', "mad.lo.u32 %s, 4, %s", r, s.def('r', "xor.b32 %s, %s", s.aChunk, key))
	s.aTo = s.def('r', "add.u32 %s, %s", s.smem, s.def('r', "shl.b32 %s, 4", chunk))
	if s.Any {
		s.aFirst = key
		s.aTo = s.def('r', "mad.lo.u32 %s, 4, %s", key, s.aTo)
	}
	base := s.base("pA", "zA")
	var ys, xs []string
	for i := range s.BM * 4 / T {
		row := s.def('r', "add.u32 %s, %s", s.bm, s.def('r', "add.u32 %s, %d", r, i*T/4))
		row = s.def('r', "min.u32 %s, %s", row, s.def('r', "sub.u32 %s, 1", s.v["M"]))
		if s.Conv {
			var y, x string
			row, y, x = s.taps.source(row)
			ys, xs = append(ys, y), append(xs, x)
			// an offset in elements: half the registers of an address
			s.aFrom = append(s.aFrom, s.def('r', "mad.lo.u32 %s, 4, %s", s.aChunk, s.def('r', "mul.lo.u32 %s, %s", row, s.v["lda"])))
			continue
		}
		at := s.def('d', "shl.b64 %s, 2", s.def('d', "mul.wide.u32 %s, %s", row, s.v["lda"]))
		at = s.def('d', "add.u64 %s, %s", base, at)
		s.aFrom = append(s.aFrom, s.def('d', "add.u64 %s, %s", at, s.def('d', "mul.wide.u32 %s, 16", s.aChunk)))
	}
	if s.Conv {
		s.taps.a, s.masks = base, s.taps.masks(ys, xs)
	}
}

// planB: rows of BN columns; columns past the end are the last ones again. With Any
// thread t copies its word e ^ (t/8 mod 4) as number e, for the same reason.
func (s *sgemm) planB() {
	T := s.Threads()
	c := s.def('r', "and.b32 %s, %d", s.tid, s.BN/4-1)
	s.bRow = s.def('r', "shr.u32 %s, %d", s.tid, log2(s.BN/4))
	s.bTo = s.def('r', "add.u32 %s, %s", s.smem, s.def('r', "shl.b32 %s, 4", s.tid))
	col := s.def('r', "mad.lo.u32 %s, 4, %s", c, s.bn)
	base := s.base("pB", "zB")
	if s.Any {
		first := s.def('r', "and.b32 %s, 3", s.def('r', "shr.u32 %s, 3", s.tid))
		s.bTo = s.def('r', "mad.lo.u32 %s, 4, %s", first, s.bTo)
		for e := range 4 {
			x := s.def('r', "add.u32 %s, %s", col, s.def('r', "xor.b32 %s, %d", first, e))
			x = s.def('r', "min.u32 %s, %s", x, s.def('r', "sub.u32 %s, 1", s.v["N"]))
			s.bCol = append(s.bCol, s.def('d', "mul.wide.u32 %s, 4", x))
		}
		col = "0"
	} else {
		col = s.def('r', "min.u32 %s, %s", col, s.def('r', "sub.u32 %s, 4", s.v["N"]))
	}
	if !s.Conv {
		base = s.def('d', "add.u64 %s, %s", base, s.def('d', "mul.wide.u32 %s, 4", col))
	}
	s.taps.b = base
	for i := range tileK * s.BN / 4 / T {
		row := s.def('r', "add.u32 %s, %d", s.bRow, i*T*4/s.BN)
		if s.Conv {
			s.bFrom = append(s.bFrom, s.def('r', "mad.lo.u32 %s, %s, %s", row, s.v["ldb"], col))
			continue
		}
		at := s.def('d', "shl.b64 %s, 2", s.def('d', "mul.wide.u32 %s, %s", row, s.v["ldb"]))
		s.bFrom = append(s.bFrom, s.def('d', "add.u64 %s, %s", base, at))
	}
	s.bAdvance = s.def('d', "mul.wide.u32 %s, %d", s.v["ldb"], tileK*4)
}

func (s *sgemm) counters() {
	s.loaded, s.write = s.def('r', "mov.u32 0"), s.def('r', "mov.u32 0")
	up := s.def('r', "shr.u32 %s, 4", s.def('r', "add.u32 %s, 15", s.v["K"]))
	if s.Conv {
		s.tiles = s.def('r', "mul.lo.u32 %s, %s", up, s.v["taps"])
		s.whole = s.def('r', "mov.u32 %s", s.tiles)
		s.fraction = s.def('r', "mov.u32 %s", s.v["K"])
		s.taps.begin()
		return
	}
	s.tiles, s.kLeft = up, s.def('r', "mov.u32 %s", s.v["K"])
	s.whole = s.def('r', "shr.u32 %s, 4", s.v["K"])
	s.fraction = s.def('r', "and.b32 %s, 15", s.v["K"])
}

// copyTile asks for the next tile of both operands, or for nothing after the
// last one: the group is committed all the same.
func (s *sgemm) copyTile() {
	ok := s.test("setp.lt.u32 %s, %s", s.loaded, s.tiles)
	a, b := s.def('r', "add.u32 %s, %s", s.aTo, s.write), s.def('r', "add.u32 %s, %s", s.bTo, s.write)
	if s.Conv {
		s.copyTaps(ok, a, b)
	} else {
		s.copyPlain(ok, a, b)
	}
	s.emit("cp.async.commit_group;")
	s.emit("add.u32 %s, %s, 1;", s.loaded, s.loaded)
	s.nextStage(s.write)
	if s.Conv {
		s.taps.next(tileK, s.bAdvance)
	} else {
		s.emit("sub.u32 %s, %s, 16;", s.kLeft, s.kLeft)
	}
}

func (s *sgemm) copyPlain(ok, a, b string) {
	T := s.Threads()
	// bytes of this chunk that lie before the end of K
	left := s.def('r', "sub.s32 %s, %s", s.def('r', "shl.b32 %s, 2", s.kLeft), s.def('r', "shl.b32 %s, 4", s.aChunk))
	have := s.def('r', "max.s32 %s, 0", s.def('r', "min.s32 %s, 16", left))
	for i, from := range s.aFrom {
		s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, a, i*T*16, from, have)
		s.emit("add.u64 %s, %s, 64;", from, from)
	}
	for i, from := range s.bFrom {
		in := s.test("setp.lt.and.s32 %s, %s, %s", s.def('r', "add.u32 %s, %d", s.bRow, i*T*4/s.BN), s.kLeft, ok)
		s.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16;", in, b, s.BM*tileK*4+i*T*16, from)
		s.emit("add.u64 %s, %s, %s;", from, from, s.bAdvance)
	}
}

// nextStage moves an offset to the next stage, after the last to the first.
func (s *sgemm) nextStage(at string) {
	s.emit("add.u32 %s, %s, %d;", at, at, s.stage())
	s.emit("selp.b32 %s, 0, %s, %s;", at, at, s.test("setp.eq.u32 %s, %d", at, s.Shared()))
}
