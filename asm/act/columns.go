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
	manyTogether = 8 // of a maximum, which waits for the one before
)

// columns writes the kernels of the softmax of columns. Vectors run across columns, so
// that a maximum or a sum needs no fold within a vector.
func columns(m *lanes.Machine) {
	colMax(m)
	colExp(m)
	colScale(m)
}

// rows runs body for n rows from x on, which it moves; body gets the bytes between x
// and its rows, and their number. n is destroyed.
func rows(m *lanes.Machine, x, n reg.GPVirtual, unroll int, body func(disp, rows int)) {
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
		m.ADDQ(operand.U32(u*panelRow), x)
		m.SUBQ(operand.Imm(uint64(u)), n)
		m.JGE(operand.LabelRef(loop))
		m.Label(next)
		if u > 1 {
			m.ADDQ(operand.Imm(uint64(u)), n)
		}
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
	rows(m, x, n, manyTogether, func(disp, rows int) {
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

// colExp keeps the lanes of the sums in memory: each is added to again after 16 rows.
func colExp(m *lanes.Machine) {
	m.Func("colExp", "func(x, top, sums []float32, rows int)",
		"x = exp1(x - top_c) for column c of 16, whose rows lie 32 apart; then top_c = 1/sum.",
		"sums are 16 lanes of 16 columns, zero before.")
	x, top, sums, n := m.Ptr("x"), m.Ptr("top"), m.Ptr("sums"), m.Int("rows")
	most, exp := load(m, top), formula.Act{Machine: m}.ExpNegative // no difference is above 0
	m.Hoist(false, func() { exp(m.New16()) })
	lane := m.GP64()
	m.XORQ(lane, lane)
	rows(m, x, n, together, func(disp, rows int) {
		px := at(m, operand.Mem{Base: x, Disp: disp}, rows, panelRow)
		v := exp(m.Sub(m.Reg(px), most))
		m.Store(v, px, false)
		sum := at(m, operand.Mem{Base: sums, Index: lane, Scale: 1}, rows, vector)
		m.AddTo(sum, v)
		m.Store(v, sum, false)
		m.ADDQ(operand.U32(rows*vector), lane)
		m.ANDQ(operand.U32(16*vector-1), lane)
	})
	m.Store(m.Div(m.Num(1), foldLanes(m, sums, 0, 1)), m.Memory(operand.Mem{Base: top}), false)
	m.Ret()
}

// foldLanes returns the sum of lanes i, i+w, i+2w…, folded in halves.
func foldLanes(m *lanes.Machine, sums reg.GPVirtual, i, w int) lanes.V {
	if w == 16 {
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
	rows(m, x, n, together, func(disp, rows int) {
		px := at(m, operand.Mem{Base: x, Disp: disp}, rows, panelRow)
		m.Store(m.Mul(px, s), px, false)
	})
	m.Ret()
}
