package main

import "heavytail/asm/internal/formula"

// columns writes the kernels of the softmax of columns: 16 of them, four registers, in
// rows that lie 32 apart. A maximum or a sum needs no fold within a register.
func (m *machine) columns() {
	m.colMax()
	m.colExp()
	m.colScale()
	m.colBackward()
}

// group is a row's 16 columns.
var group = span{n: 4}

// nextRow moves p from behind a row's 16 columns to the next row.
func (m *machine) nextRow(p gp) { m.ins("ADD $64, %s, %s", p, p) }

func (m *machine) colMax() {
	m.begin("colMax", "top, x []float32, rows int", "",
		"top_c = maximum of top_c and column c of 16, whose rows lie 32 apart; NaN is passed over.")
	top, x, n := m.base("top"), m.base("x"), m.arg("rows")
	acc := m.peek(top, group)
	m.times(n, func() {
		v := m.next(x, group)
		m.choose(acc, v, m.op2("FCMGT", v, acc))
		m.nextRow(x)
	})
	m.set(acc, top, group)
	m.end()
}

// colExp keeps the lanes of the sums in memory: each is added to again after 16 rows.
func (m *machine) colExp() {
	m.begin("colExp", "x, top, sums []float32, rows int", "",
		"x = exp1(x - top_c) for column c of 16, whose rows lie 32 apart; then top_c = 1/sum; "+
			"sums are 16 lanes of 16 columns, whatever was there.")
	x, top, sums, n := m.base("x"), m.base("top"), m.base("sums"), m.arg("rows")
	m.clearLanes(sums)
	most, exp := m.peek(top, group), m.hoisted(formula.Act.ExpNegative) // no difference is above 0
	at := m.gp()
	m.ins("MOVD $0, %s", at)
	m.times(n, func() {
		lane := m.gp()
		m.ins("ADD %s, %s, %s", at, sums, lane)
		for part := 0; part < 4; part += 2 {
			half := span{n: 2, part: part}
			v := exp(m.sub(m.peek(x, half), half.of(most)))
			m.put(v, x, half)
			sum := m.peek(lane, half)
			m.addTo(sum, v)
			m.put(sum, lane, half)
		}
		m.nextRow(x)
		m.ins("ADD $64, %s, %s", at, at)
		m.ins("AND $1023, %s, %s", at, at)
	})
	m.set(m.op2("FDIV", all(m.float(1), 4), m.foldLanes(sums, 0, 1)), top, group)
	m.end()
}

// clearLanes sets the 16 lanes of 16 columns to zero.
func (m *machine) clearLanes(sums gp) {
	p, zero := m.gp(), m.zero(1)[0]
	m.ins("MOVD %s, %s", sums, p)
	for range 16 {
		m.put(value{zero, zero, zero, zero}, p, group)
	}
}

// foldLanes returns the sum of lanes i, i+w, i+2w…, folded in halves.
func (m *machine) foldLanes(sums gp, i, w int) value {
	if w == 16 {
		p := m.gp()
		m.ins("ADD $%d, %s, %s", 64*i, sums, p)
		return m.peek(p, group)
	}
	v := m.foldLanes(sums, i, 2*w)
	m.addTo(v, m.foldLanes(sums, i+w, 2*w))
	return v
}

func (m *machine) colScale() {
	m.begin("colScale", "x, s []float32, rows int", "", "x *= s_c for column c of 16, whose rows lie 32 apart.")
	x, ps, n := m.base("x"), m.base("s"), m.arg("rows")
	s := m.peek(ps, group)
	m.times(n, func() {
		v := m.mul(m.peek(x, group), s)
		m.put(v, x, group)
		m.nextRow(x)
	})
	m.end()
}

func (m *machine) colBackward() {
	m.begin("colBackward", "p, dp, s, sums []float32, rows int", "",
		"p *= s_c, then dp = p * (dp - sum of p*dp) for column c of 16, whose rows lie 32 apart; "+
			"sums are 16 lanes of 16 columns, whatever was there.")
	p, dp, ps, sums, n := m.base("p"), m.base("dp"), m.base("s"), m.base("sums"), m.arg("rows")
	m.clearLanes(sums)
	s, at := m.peek(ps, group), m.gp()
	m.ins("MOVD $0, %s", at)
	m.times(n, func() {
		lane := m.gp()
		m.ins("ADD %s, %s, %s", at, sums, lane)
		sum, v := m.peek(lane, group), m.mul(m.peek(p, group), s)
		m.fma(sum, v, m.next(dp, group))
		m.put(v, p, group)
		m.set(sum, lane, group)
		m.nextRow(p)
		m.nextRow(dp)
		m.ins("ADD $64, %s, %s", at, at)
		m.ins("AND $1023, %s, %s", at, at)
	})
	mean := m.foldLanes(sums, 0, 1)
	p, dp, n = m.base("p"), m.base("dp"), m.arg("rows")
	m.times(n, func() {
		v := m.mul(m.next(p, group), m.sub(m.peek(dp, group), mean))
		m.put(v, dp, group)
		m.nextRow(p)
		m.nextRow(dp)
	})
	m.end()
}
