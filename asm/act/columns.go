package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

// Rows of columns lie panelRow bytes apart; 16 columns are vector bytes wide.
const panelRow, vector = 32 * 4, 16 * 4

// A loop treats several rows at a time. With AVX-512 they are one value, so that their
// chains of instructions run beside each other; with AVX2, where 16 columns are two
// registers of few, they follow one another.
const (
	together     = 4
	manyTogether = 8  // of a maximum, which waits for the one before
	sumLanes     = 16 // of a sum: a lane's next row is the sixteenth after it
)

// columns writes the kernels of the softmax of columns. Vectors run across columns, so
// that a maximum or a sum needs no fold within a vector.
func columns(m *lanes.Machine) {
	colMax(m)
	colExp(m)
	colScale(m)
	colBackward(m)
}

// rows runs body for n rows from all of x on, which it moves; body gets the bytes
// between them and its rows, and their number. n is destroyed.
func rows(m *lanes.Machine, x []reg.GPVirtual, n reg.GPVirtual, unroll int, body func(disp, rows int)) {
	for _, u := range []int{unroll, 1} {
		loop, next := lanes.Label("rows"), lanes.Label("next")
		m.SUBQ(operand.Imm(uint64(u)), n)
		m.JL(operand.LabelRef(next))
		m.Label(loop)
		if m.Wide {
			body(0, u)
		} else {
			for i := range u {
				body(i*panelRow, 1)
			}
		}
		move(m, x, u)
		m.SUBQ(operand.Imm(uint64(u)), n)
		m.JGE(operand.LabelRef(loop))
		m.Label(next)
		if u > 1 {
			m.ADDQ(operand.Imm(uint64(u)), n)
		}
	}
}

// move moves all of x by n rows.
func move(m *lanes.Machine, x []reg.GPVirtual, n int) {
	for _, p := range x {
		m.ADDQ(operand.U32(n*panelRow), p)
	}
}

// at returns 16 columns of n rows from a on, step bytes apart.
func at(m *lanes.Machine, a operand.Mem, n, step int) (v lanes.V) {
	for i := range n {
		v = append(v, m.Memory(a.Offset(i*step))...)
	}
	return v
}

// load returns the 16 values at p in registers.
func load(m *lanes.Machine, p reg.GPVirtual) lanes.V { return m.Reg(m.Memory(operand.Mem{Base: p})) }

func colMax(m *lanes.Machine) {
	m.Func("colMax", "func(top, x []float32, rows int)",
		"top_c = maximum of top_c and column c of 16, whose rows lie 32 apart; NaN is passed over.")
	top, x, n := m.Ptr("top"), m.Ptr("x"), m.Int("rows")
	v := load(m, top)
	if m.Wide {
		v = m.Copy(v, manyTogether)
	}
	rows(m, []reg.GPVirtual{x}, n, manyTogether, func(disp, rows int) {
		for i, r := range m.Reg(at(m, operand.Mem{Base: x, Disp: disp}, rows, panelRow)) {
			m.VMAXPS(v[i], r, v[i])
		}
	})
	if m.Wide {
		for n := len(v) / 2; n > 0; n /= 2 {
			for i := range n {
				m.VMAXPS(v[i], v[i+n], v[i])
			}
		}
		v = v[:1]
	}
	m.Store(v, m.Memory(operand.Mem{Base: top}), false)
	m.Ret()
}

func colExp(m *lanes.Machine) {
	m.Func("colExp", "func(x, top, sums []float32, rows int)",
		"x = exp1(x - top_c) for column c of 16, whose rows lie 32 apart; then top_c = 1/sum.",
		"sums are 16 lanes of 16 columns, whatever was there.")
	x, top, sums, n := m.Ptr("x"), m.Ptr("top"), m.Ptr("sums"), m.Int("rows")
	most, act := load(m, top), formula.Act{Machine: m} // no difference is above 0
	sum := func(exp func(x lanes.V) lanes.V) {
		m.Hoist(false, func() { exp(m.New16()) })
		sumExps(m, x, sums, n, most, exp)
	}
	if m.Wide {
		sum(act.ExpNegative)
	} else {
		far, done := lanes.Label("far"), lanes.Label("done")
		jumpFar(m, x, n, most, far)
		sum(act.ExpNear)
		m.JMP(operand.LabelRef(done))
		m.Label(far)
		sum(act.ExpNegative)
		m.Label(done)
	}
	m.Store(m.Div(m.Num(1), foldLanes(m, sums, 0, 1)), m.Memory(operand.Mem{Base: top}), false)
	m.Ret()
}

// jumpFar jumps to far unless all n rows of x less most are at least formula.Near, or are
// NaN. A minimum waits for the one before, so there are some for each column.
func jumpFar(m *lanes.Machine, x, n reg.GPVirtual, most lanes.V, far string) {
	px, left := m.GP64(), m.GP64()
	m.MOVQ(x, px)
	m.MOVQ(n, left)
	var low [together]lanes.V
	for i := range low {
		for _, v := range most {
			low[i] = append(low[i], m.Copy(lanes.V{v}, 1)...)
		}
	}
	least := func(low, v lanes.V) {
		for i := range low {
			m.VMINPS(low[i], v[i], low[i]) // low where the other is NaN
		}
	}
	rows(m, []reg.GPVirtual{px}, left, together, func(disp, _ int) {
		least(low[disp/panelRow], m.Reg(at(m, operand.Mem{Base: px, Disp: disp}, 1, panelRow)))
	})
	for _, v := range low[1:] {
		least(low[0], v)
	}
	const notAtLeast = 0x19 // or not comparable
	signs, all := m.GP32(), m.GP32()
	m.XORL(all, all)
	bound := m.Reg(m.Num(formula.Near))[0]
	for _, d := range m.Sub(low[0], most) {
		m.VCMPPS(operand.U8(notAtLeast), bound, d, d)
		m.VMOVMSKPS(d, signs)
		m.ORL(signs, all)
	}
	m.TESTL(all, all)
	m.JNE(operand.LabelRef(far))
}

// sumExps sets n rows of x to exp of their differences from most, and sums to their sums.
func sumExps(m *lanes.Machine, x, sums, n reg.GPVirtual, most lanes.V, exp func(x lanes.V) lanes.V) {
	sumRows(m, []reg.GPVirtual{x}, sums, n, func(disp, rows, apart int) func(i int, sum lanes.V) {
		var v lanes.V
		part := func(lo, hi int) {
			px := at(m, operand.Mem{Base: x, Disp: disp + lo*apart}, hi-lo, apart)
			e := exp(m.Sub(m.Reg(px), most))
			m.Store(e, px, false)
			v = append(v, e...)
		}
		if rows == together {
			m.Staggered(func() { part(0, rows/2) }, func() { part(rows/2, rows) })
		} else {
			part(0, rows)
		}
		return func(i int, sum lanes.V) { m.AddTo(v[i:], sum) }
	})
}

func colBackward(m *lanes.Machine) {
	m.Func("colBackward", "func(p, dp, s, sums []float32, rows int)",
		"p *= s_c, then dp = p * (dp - sum of p*dp) for column c of 16, whose rows lie 32 apart.",
		"sums are 16 lanes of 16 columns, whatever was there.")
	p, dp, s, sums, n := m.Ptr("p"), m.Ptr("dp"), load(m, m.Ptr("s")), m.Ptr("sums"), m.Int("rows")
	sumRows(m, []reg.GPVirtual{p, dp}, sums, n, func(disp, rows, apart int) func(i int, sum lanes.V) {
		px := at(m, operand.Mem{Base: p, Disp: disp}, rows, apart)
		v, dv := m.Mul(px, s), at(m, operand.Mem{Base: dp, Disp: disp}, rows, apart)
		m.Store(v, px, false)
		return func(i int, sum lanes.V) { m.FMATo(dv[i:], v[i:], sum) }
	})
	mean := foldLanes(m, sums, 0, 1)
	p, dp, n = m.Ptr("p"), m.Ptr("dp"), m.Int("rows")
	rows(m, []reg.GPVirtual{p, dp}, n, together, func(disp, rows int) {
		px, dv := at(m, operand.Mem{Base: p, Disp: disp}, rows, panelRow), at(m, operand.Mem{Base: dp, Disp: disp}, rows, panelRow)
		m.Store(m.Mul(m.Sub(dv, mean), px), dv, false)
	})
	m.Ret()
}

// sumRows sums terms of n rows from all of x on in the lanes at sums. For rows that lie
// so far apart body returns what adds the term of its row i to a sum. Of 64 rows four
// are added to a lane at a time, because a store takes the place of a multiply-add.
func sumRows(m *lanes.Machine, x []reg.GPVirtual, sums, n reg.GPVirtual, body func(disp, rows, apart int) func(i int, sum lanes.V)) {
	zero := m.ZeroLanes()
	for i := range sumLanes {
		m.Store(zero, m.Memory(operand.Mem{Base: sums, Disp: i * vector}), false)
	}
	lane := m.GP64()
	m.XORQ(lane, lane)
	sumAt := func(n int) lanes.V { return at(m, operand.Mem{Base: sums, Index: lane, Scale: 1}, n, vector) }
	next := func(rows int) {
		m.ADDQ(operand.U32(rows*vector), lane)
		m.ANDQ(operand.U32(sumLanes*vector-1), lane)
	}
	loop, few := lanes.Label("lanes"), lanes.Label("few")
	m.SUBQ(operand.Imm(together*sumLanes), n)
	m.JL(operand.LabelRef(few))
	m.Label(loop)
	sum := m.Reg(sumAt(1))
	if m.Wide {
		add := body(0, together, sumLanes*panelRow)
		for i := range together {
			add(i, sum)
		}
	} else {
		for i := range together {
			body(i*sumLanes*panelRow, 1, panelRow)(0, sum)
		}
	}
	m.Store(sum, sumAt(1), false)
	move(m, x, 1)
	next(1)
	m.JNE(operand.LabelRef(loop))
	move(m, x, (together-1)*sumLanes)
	m.SUBQ(operand.Imm(together*sumLanes), n)
	m.JGE(operand.LabelRef(loop))
	m.Label(few)
	m.ADDQ(operand.Imm(together*sumLanes), n)
	rows(m, x, n, together, func(disp, rows int) {
		add, sum := body(disp, rows, panelRow), m.Reg(sumAt(rows))
		per := len(sum) / rows // registers of a row
		for i := range rows {
			add(i, sum[i*per:][:per])
		}
		m.Store(sum, sumAt(rows), false)
		next(rows)
	})
}

// foldLanes returns the sum of lanes i, i+w, i+2w…, folded in halves.
func foldLanes(m *lanes.Machine, sums reg.GPVirtual, i, w int) lanes.V {
	if w == sumLanes {
		return m.Reg(m.Memory(operand.Mem{Base: sums, Disp: i * vector}))
	}
	v := foldLanes(m, sums, i, 2*w)
	m.AddTo(foldLanes(m, sums, i+w, 2*w), v)
	return v
}

func colScale(m *lanes.Machine) {
	m.Func("colScale", "func(x, s []float32, rows int)", "x *= s_c for column c of 16, whose rows lie 32 apart.")
	x, ps, n := m.Ptr("x"), m.Ptr("s"), m.Int("rows")
	s := load(m, ps)
	rows(m, []reg.GPVirtual{x}, n, together, func(disp, rows int) {
		px := at(m, operand.Mem{Base: x, Disp: disp}, rows, panelRow)
		m.Store(m.Mul(px, s), px, false)
	})
	m.Ret()
}
