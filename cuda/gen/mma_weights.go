package gen

// MMAWeights are gradients of weights on tensor cores: C = Σ_k A[k,m]·B[k,n], A = x
// and B = dy of a convolution, of which k are the pixels as in Wgrad: those through
// which a tap sees inside of x. Rows of both are along m and n; M, N and the pitches
// are multiples of 16 bytes.
//
// Part p of the sum, of any number, has the k from p·chunk on; chunk is a multiple of
// BK. The grid's third dimension is parts·side²: block (…, p·side² + tap) sets, and
// does not add to, matrix number p·side² + tap of C, dense and M×N. Grid:
// (⌈N/BN⌉, ⌈M/BM⌉, parts·side²).
var MMAWeights = []MMA{
	{Name: "mma_bf16_wgrad", BM: 128, BN: 128, BK: 32, WM: 64, WN: 32, Stages: 4, MinBlock: 1, Weights: true},
	{Name: "mma_tf32_wgrad", BM: 128, BN: 128, BK: 16, WM: 64, WN: 32, Stages: 4, MinBlock: 1, Weights: true, TF32: true},
}

var weightParams = []Param{{"u64", "pA"}, {"u64", "pB"}, {"u64", "pC"}, {"u32", "M"}, {"u32", "N"}, {"u32", "lda"}, {"u32", "ldb"}, {"u32", "chunk"}}

// wide is the 16-byte chunks of a tile's row, of which a thread copies one of every
// deep rows.
func (m *mma) wide() int { return m.BM * m.size() / 16 }
func (m *mma) deep() int { return m.Threads() / m.wide() }

// columnKey is swizzle for rows along m or n: rows of bfloat16 are read eight at a
// time, single words of float32 by lanes that hold four rows of two chunks each.
func (m *mma) columnKey(row string) string {
	if m.TF32 {
		return m.def('r', "shl.b32 %s, 1", m.def('r', "and.b32 %s, 3", row))
	}
	return m.def('r', "and.b32 %s, 7", row)
}

// operands plans the copies: a thread has one chunk of BK/deep rows of both, from
// pixel number row of the tap on.
func (m *mma) operands() {
	m.z = m.def('r', "mov.u32 %%ctaid.z")
	taps := m.def('r', "mul.lo.u32 %s, %s", m.v["side"], m.v["side"])
	part := m.def('r', "div.u32 %s, %s", m.z, taps)
	chunk, r := m.def('r', "and.b32 %s, %d", m.tid, m.wide()-1), m.def('r', "shr.u32 %s, %d", m.tid, log2(m.wide()))
	p, count := m.viewed(m.v, m.rest(m.z, part, taps), log2(m.size()))
	first := m.def('r', "mul.lo.u32 %s, %s", part, m.v["chunk"])
	m.end = m.def('r', "min.u32 %s, %s", count, m.def('r', "add.u32 %s, %s", first, m.v["chunk"]))
	m.row = m.def('r', "add.u32 %s, %s", first, r)
	p.goTo(first, r, count)
	m.pixel = p
	left := m.def('r', "sub.u32 %s, %s", m.def('r', "max.u32 %s, %s", m.end, first), first)
	left = m.def('r', "div.u32 %s, %d", m.def('r', "add.u32 %s, %d", left, m.BK-1), m.BK)
	m.tiles = m.def('r', "max.u32 %s, 1", left) // of a tap that sees nothing: zeros

	place := m.def('r', "mad.lo.u32 %s, %d, %s", r, m.wide(), m.def('r', "xor.b32 %s, %s", chunk, m.columnKey(r)))
	to := m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "shl.b32 %s, 4", place))
	plan := func(base, first, n string, at int) (c copies) {
		col := m.def('r', "mad.lo.u32 %s, %d, %s", chunk, 16/m.size(), first)
		in := m.test("setp.lt.u32 %s, %s", col, n)
		col = m.def('r', "selp.b32 %s, 0, %s", col, in)
		c.from = []string{m.def('d', "add.u64 %s, %s", base, m.def('d', "mul.wide.u32 %s, %d", col, m.size()))}
		c.have = []string{m.def('r', "selp.b32 16, 0, %s", in)}
		c.to, c.off = []string{to}, []int{at}
		return c
	}
	m.a, m.b = plan(p.firstInput(m.v["pA"], "lda"), m.bm, m.v["M"], 0), plan(p.firstOutput(m.v["pB"], "ldb"), m.bn, m.v["N"], m.aBytes())
}

// goTo goes to output number first + ahead of count in all.
func (p *viewed) goTo(first, ahead, count string) {
	each := p.def('r', "max.u32 %s, 1", p.def('r', "div.u32 %s, %s", count, p.v["images"]))
	image := p.def('r', "div.u32 %s, %s", first, each)
	p.begin(image, p.def('r', "add.u32 %s, %s", p.rest(first, image, each), ahead))
}

// copyPixels copies BK pixels; those past the end are zeros.
func (m *mma) copyPixels(ok string) {
	for i := range m.BK / m.deep() {
		in := m.test("setp.lt.u32 %s, %s", m.row, m.end)
		for op, c := range []copies{m.a, m.b} {
			off := m.pixel.input("lda")
			if op == 1 {
				off = m.pixel.output("ldb")
			}
			have := m.def('r', "selp.b32 %s, 0, %s", c.have[0], in)
			to := m.def('r', "add.u32 %s, %s", c.to[0], m.write)
			m.emit("@%s cp.async.cg.shared.global [%s+%d], [%s], 16, %s;", ok, to, c.off[0]+i*m.deep()*m.wide()*16, m.def('d', "add.u64 %s, %s", c.from[0], off), have)
		}
		m.pixel.advance(m.deep())
		m.emit("add.u32 %s, %s, %d;", m.row, m.row, m.deep())
	}
}

// columnFragments is fragments for rows along m and n. Of bfloat16, ldmatrix
// transposes eight rows of a chunk, for A of k 0–7 and columns 0–7 and 8–15, then of
// k 8–15. It moves no words of float32: lane 4g+t reads that of row t, column g.
func (m *mma) columnFragments() {
	row := m.wide() * 16
	if !m.TF32 {
		l8, l16 := m.def('r', "and.b32 %s, 7", m.lane), m.def('r', "and.b32 %s, 15", m.lane)
		high := m.def('r', "shr.u32 %s, 4", m.lane)
		mid := m.def('r', "and.b32 %s, 1", m.def('r', "shr.u32 %s, 3", m.lane))
		m.aBase = m.def('r', "mad.lo.u32 %s, %d, %s", m.def('r', "mad.lo.u32 %s, 8, %s", high, l8), row, m.smem)
		m.aOff = m.offsets(m.def('r', "mad.lo.u32 %s, %d, %s", m.wm, m.WM/8, mid), l8, m.WM/16)
		m.bBase = m.def('r', "add.u32 %s, %d", m.def('r', "mad.lo.u32 %s, %d, %s", l16, row, m.smem), m.aBytes())
		m.bOff = m.offsets(m.def('r', "mad.lo.u32 %s, %d, %s", m.wn, m.WN/8, high), l8, m.WN/16)
		return
	}
	t, g := m.def('r', "and.b32 %s, 3", m.lane), m.def('r', "shr.u32 %s, 2", m.lane)
	word := m.def('r', "shl.b32 %s, 2", m.def('r', "and.b32 %s, 3", g))
	m.aBase = m.def('r', "add.u32 %s, %s", m.def('r', "mad.lo.u32 %s, %d, %s", t, row, m.smem), word)
	m.bBase = m.def('r', "add.u32 %s, %d", m.aBase, m.aBytes())
	high := m.def('r', "shr.u32 %s, 2", g)
	m.aOff = m.offsets(m.def('r', "mad.lo.u32 %s, %d, %s", m.wm, m.WM/4, high), m.columnKey(t), 4)
	m.bOff = m.offsets(m.def('r', "mad.lo.u32 %s, %d, %s", m.wn, m.WN/4, high), m.columnKey(t), 4)
}

// readColumns is readStep for rows along m and n.
func (m *mma) readColumns(set, s int) {
	row := m.wide() * 16
	var a, b []string
	for _, off := range m.aOff {
		a = append(a, m.def('r', "add.u32 %s, %s", m.def('r', "add.u32 %s, %s", m.aBase, off), m.read))
	}
	for _, off := range m.bOff {
		b = append(b, m.def('r', "add.u32 %s, %s", m.def('r', "add.u32 %s, %s", m.bBase, off), m.read))
	}
	if !m.TF32 {
		for i, f := range m.fa[set] {
			m.emit("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 %s, [%s+%d];", list(f), a[i], s*16*row)
		}
		for j := range m.WN / 16 {
			four := append(append([]string{}, m.fb[set][2*j]...), m.fb[set][2*j+1]...)
			m.emit("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 %s, [%s+%d];", list(four), b[j], s*16*row)
		}
		return
	}
	read := func(to string, at []string, eight, half int) { // of columns 8·eight + g, rows 8s + 4·half + t
		m.emit("ld.shared.b32 %s, [%s+%d];", to, at[eight%4], (8*s+4*half)*row+eight/4*128)
	}
	for i, f := range m.fa[set] {
		for e, to := range f {
			read(to, a, 2*i+e%2, e/2)
		}
	}
	for j, f := range m.fb[set] {
		read(f[0], b, j, 0)
		read(f[1], b, j, 1)
	}
}

// finishWeights stores: a lane has the outputs that finish says.
func (m *mma) finishWeights() {
	matrix := m.def('d', "mul.wide.u32 %s, %s", m.v["M"], m.v["N"])
	matrix = m.def('d', "mul.lo.u64 %s, %s", matrix, m.def('d', "cvt.u64.u32 %s", m.z))
	c := m.def('d', "add.u64 %s, %s", m.v["pC"], m.def('d', "shl.b64 %s, 2", matrix))
	pair := m.def('r', "shl.b32 %s, 1", m.def('r', "and.b32 %s, 3", m.lane))
	col0 := m.def('r', "add.u32 %s, %s", m.bn, m.def('r', "mad.lo.u32 %s, %d, %s", m.wn, m.WN, pair))
	row0 := m.def('r', "add.u32 %s, %s", m.bm, m.def('r', "mad.lo.u32 %s, %d, %s", m.wm, m.WM, m.def('r', "shr.u32 %s, 2", m.lane)))
	for i := range m.WM / 8 {
		row := m.def('r', "add.u32 %s, %d", row0, 8*i)
		in := m.test("setp.lt.u32 %s, %s", row, m.v["M"])
		for j := range m.WN / 8 {
			col := m.def('r', "add.u32 %s, %d", col0, 8*j)
			ok := m.test("setp.lt.and.u32 %s, %s, %s", col, m.v["N"], in)
			e := m.def('d', "mad.wide.u32 %s, %s, %s", row, m.v["N"], m.def('d', "cvt.u64.u32 %s", col))
			at := m.def('d', "add.u64 %s, %s", c, m.def('d', "shl.b64 %s, 2", e))
			m.emit("@%s st.global.v2.f32 [%s], %s;", ok, at, list(m.acc[i/2][j][2*(i%2):][:2]))
		}
	}
	m.emit("ret;")
}
