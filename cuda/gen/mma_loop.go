package gen

// fragments sets where the lanes read, for ldmatrix, their rows of A and B, and
// clears the sums.
func (m *mma) fragments() {
	if m.Weights {
		m.columnFragments()
	} else {
		m.rowFragments()
	}
	for s := range 2 {
		for range m.WM / 16 {
			m.fa[s] = append(m.fa[s], m.regs('r', 4))
		}
		for range m.WN / 8 {
			m.fb[s] = append(m.fb[s], m.regs('r', 2))
		}
	}
	for range m.WM / 16 {
		var row [][]string
		for range m.WN / 8 {
			row = append(row, m.regs('f', 4))
			for _, x := range row[len(row)-1] {
				m.emit("mov.f32 %s, 0f00000000;", x)
			}
		}
		m.acc = append(m.acc, row)
	}
}

// rowFragments is fragments for rows of A along k.
func (m *mma) rowFragments() {
	l8, l16 := m.def('r', "and.b32 %s, 7", m.lane), m.def('r', "and.b32 %s, 15", m.lane)
	high := m.def('r', "shr.u32 %s, 4", m.lane)
	mid := m.def('r', "and.b32 %s, 1", m.def('r', "shr.u32 %s, 3", m.lane))
	chunks := m.BK * m.size() / 16
	row := m.def('r', "mad.lo.u32 %s, %d, %s", m.wm, m.WM, l16)
	m.aBase = m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "mul.lo.u32 %s, %d", row, chunks*16))
	m.aOff = m.offsets(high, m.swizzle(chunks, row), m.steps())
	if m.BT { // matrices: columns 0–7 of both halves of k, columns 8–15 of both
		row := m.def('r', "mad.lo.u32 %s, %d, %s", m.wn, m.WN, m.def('r', "mad.lo.u32 %s, 8, %s", high, l8))
		m.bBase = m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "mad.lo.u32 %s, %d, %d", row, chunks*16, m.aBytes()))
		m.bOff = m.offsets(mid, m.swizzle(chunks, row), m.steps())
	} else { // rows are k: 0–7 and 8–15 of columns 0–7, then of columns 8–15
		wide := m.BN * m.size() / 16
		m.bBase = m.def('r', "add.u32 %s, %s", m.smem, m.def('r', "mad.lo.u32 %s, %d, %d", l16, wide*16, m.aBytes()))
		m.bOff = m.offsets(m.def('r', "mad.lo.u32 %s, %d, %s", m.wn, m.WN/8, high), m.swizzle(wide, l16), m.WN/16)
	}
}

// offsets are those of chunks first, first+2, … of a row.
func (m *mma) offsets(first, key string, n int) (off []string) {
	for i := range n {
		chunk := m.def('r', "xor.b32 %s, %s", m.def('r', "add.u32 %s, %d", first, 2*i), key)
		off = append(off, m.def('r', "shl.b32 %s, 4", chunk))
	}
	return off
}

// readStep loads the fragments of step s of the tile into one of the two sets.
func (m *mma) readStep(set, s int) {
	if m.Weights {
		m.readColumns(set, s)
		return
	}
	at := func(base, off string) string {
		return m.def('r', "add.u32 %s, %s", m.def('r', "add.u32 %s, %s", base, off), m.read)
	}
	row := m.BK * m.size() // bytes
	a := at(m.aBase, m.aOff[s])
	for i, f := range m.fa[set] {
		m.emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 %s, [%s+%d];", list(f), a, i*16*row)
	}
	b := ""
	if m.BT {
		b = at(m.bBase, m.bOff[s])
	}
	for j := range m.WN / 16 {
		four := append(append([]string{}, m.fb[set][2*j]...), m.fb[set][2*j+1]...)
		if m.BT {
			m.emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 %s, [%s+%d];", list(four), b, j*16*row)
		} else {
			m.emit("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 %s, [%s+%d];", list(four), at(m.bBase, m.bOff[j]), s*16*m.BN*m.size())
		}
	}
}

// multiply goes there and back along the columns: one operand stays in the cache
// of registers.
func (m *mma) multiply(set int) {
	op := "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
	if m.TF32 {
		op = "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
	}
	for i, row := range m.acc {
		for j := range row {
			if i%2 == 1 {
				j = len(row) - 1 - j
			}
			m.emit("%s %s, %s, %s, %s;", op, list(row[j]), list(m.fa[set][i]), list(m.fb[set][j]), list(row[j]))
		}
	}
}

// loop reads the fragments of a step while those of the step before are
// multiplied. The last tile is apart: a way out of the middle of the loop makes
// the assembler spill.
func (m *mma) loop() {
	ready := func() {
		m.emit("cp.async.wait_group %d;", m.Stages-2)
		m.emit("bar.sync 0;")
	}
	ready()
	m.readStep(0, 0)
	loop, last := m.label("LOOP"), m.label("LAST")
	left := m.def('r', "sub.u32 %s, 1", m.tiles)
	m.jump(last, "setp.eq.u32 %s, 0", left)
	m.mark(loop)
	for s := range m.steps() {
		if s == m.steps()-1 {
			ready()
			m.nextStage(m.read)
		}
		m.readStep((s+1)%2, (s+1)%m.steps())
		if s == 0 {
			m.copyTile()
		}
		m.multiply(s % 2)
	}
	m.emit("sub.u32 %s, %s, 1;", left, left)
	m.jump(loop, "setp.ne.u32 %s, 0", left)
	m.mark(last)
	for s := range m.steps() {
		if s < m.steps()-1 {
			m.readStep((s+1)%2, s+1)
		}
		m.multiply(s % 2)
	}
}

// A place16 is a row that a lane has of 16×8 outputs: its number in C, and whether
// it is inside.
type place16 struct{ at, in string }

// finish adds the bias and stores: a lane has rows g and g+8, columns 2t and 2t+1
// of each 16×8 outputs, g = lane/4 and t = lane mod 4.
func (m *mma) finish() {
	if m.Weights {
		m.finishWeights()
		return
	}
	pair := m.def('r', "shl.b32 %s, 1", m.def('r', "and.b32 %s, 3", m.lane))
	row0 := m.def('r', "mad.lo.u32 %s, %d, %s", m.wm, m.WM, m.def('r', "shr.u32 %s, 2", m.lane))
	row0 = m.def('r', "add.u32 %s, %s", m.bm, row0)
	col0 := m.def('r', "add.u32 %s, %s", m.bn, m.def('r', "mad.lo.u32 %s, %d, %s", m.wn, m.WN, pair))
	var rows []place16
	for i := range m.WM / 8 {
		row := m.def('r', "add.u32 %s, %d", row0, 8*i)
		p := place16{row, m.test("setp.lt.u32 %s, %s", row, m.v["M"])}
		if m.Conv {
			p.at = m.taps.target(row)
		}
		rows = append(rows, p)
	}
	hasBias := m.test("setp.ne.u64 %s, 0", m.v["pBias"])
	for j := range m.WN / 8 {
		col := m.def('r', "add.u32 %s, %d", col0, 8*j)
		inCols := m.test("setp.lt.u32 %s, %s", col, m.v["N"])
		b0, b1 := m.def('f', "mov.f32 0f00000000"), m.def('f', "mov.f32 0f00000000")
		add := m.test("setp.lt.and.u32 %s, %s, %s", col, m.v["N"], hasBias)
		m.emit("@%s ld.global.v2.f32 {%s, %s}, [%s];", add, b0, b1, m.def('d', "add.u64 %s, %s", m.v["pBias"], m.def('d', "mul.wide.u32 %s, 4", col)))
		for i, p := range rows {
			x := m.acc[i/2][j][2*(i%2):][:2]
			m.store(p, col, m.def('p', "and.pred %s, %s", p.in, inCols), m.add(x[0], b0), m.add(x[1], b1))
		}
	}
	m.emit("ret;")
}

// store stores two outputs next to each other, of a convolution with the residual.
func (m *mma) store(p place16, col, in, x, y string) {
	element := func(pitch string) string {
		return m.def('d', "mad.wide.u32 %s, %s, %s", p.at, m.v[pitch], m.def('d', "cvt.u64.u32 %s", col))
	}
	if m.Conv {
		r0, r1 := m.def('f', "mov.f32 0f00000000"), m.def('f', "mov.f32 0f00000000")
		has := m.test("setp.ne.and.u64 %s, 0, %s", m.v["pRes"], in)
		m.emit("@%s ld.global.v2.f32 {%s, %s}, [%s];", has, r0, r1, m.def('d', "add.u64 %s, %s", m.v["pRes"], m.def('d', "shl.b64 %s, 2", element("ldr"))))
		x, y = m.add(x, r0), m.add(y, r1)
	}
	e := element("ldc")
	if m.Out16 {
		at := m.def('d', "add.u64 %s, %s", m.v["pC"], m.def('d', "shl.b64 %s, 1", e))
		m.emit("@%s st.global.b32 [%s], %s;", in, at, m.def('r', "cvt.rn.bf16x2.f32 %s, %s", y, x))
		return
	}
	at := m.def('d', "add.u64 %s, %s", m.v["pC"], m.def('d', "shl.b64 %s, 2", e))
	m.emit("@%s st.global.v2.f32 [%s], {%s, %s};", in, at, x, y)
}
