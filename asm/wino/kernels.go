package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

// weights writes the transform of the taps to the points of a pair of rows, element by
// element, so that taps are read once for both.
func (m machine) weights(pair int) {
	f := m.form
	rows := f.InPairs[pair]
	m.begin("winoWeights", fmt.Sprintf("Rows%d%d", min(rows[0], rows[1]), max(rows[0], rows[1])), "func(u0, u1 *float32, uStep int, w *float32, wStep, n int)",
		"is WinoWeights for that pair of rows, from the first tap on, n a multiple of 16.", f.WeightNeeds)
	u0, u1, uStep, w, wStep, left := m.Int("u0"), m.Int("u1"), m.Bytes("uStep"), m.Int("w"), m.Bytes("wStep"), m.Int("n")
	row := [3]reg.GPVirtual{w, m.GP64(), m.GP64()}
	three, at := m.GP64(), m.GP64()
	m.LEAQ(operand.Mem{Base: wStep, Index: wStep, Scale: 2}, three)
	m.LEAQ(operand.Mem{Base: w, Index: three, Scale: 1}, row[1])
	m.LEAQ(operand.Mem{Base: w, Index: three, Scale: 2}, row[2])
	m.Label("loop")
	var z [2][]value
	for j := range 3 {
		a, b := f.Weight(m.wino, pair, func(i int) value {
			a := operand.Mem{Base: row[i]}
			if j > 0 {
				a.Index, a.Scale = wStep, uint8(j)
			}
			return m.Load(m.Memory(a), false)
		})
		z[0], z[1] = append(z[0], a), append(z[1], b)
	}
	if rows[0] > rows[1] {
		z[0], z[1] = z[1], z[0]
	}
	for i, u := range []reg.GPVirtual{u0, u1} {
		m.MOVQ(u, at)
		m.along(f.WeightAlong, z[i], at, uStep)
	}
	for _, r := range append(row[:], u0, u1) {
		m.ADDQ(operand.Imm(uint64(m.Size())), r)
	}
	m.SUBQ(operand.Imm(uint64(m.Width())), left)
	m.JG(operand.LabelRef("loop"))
	m.Ret()
}

// output writes the inverse transform of a run of tiles with bias and
// residual.
func (m machine) output() {
	f, n := m.form, m.form.Points
	m.begin("winoOut", "", "func(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)",
		"is WinoOut.Run for at most 32 columns; bias and res may be nil.", f.OutNeeds)
	prods, tiles, cOff, rOff := m.Int("m"), m.Int("tiles"), m.Int("cOff"), m.Int("rOff")
	bias, res := m.Int("bias"), m.Int("res")
	m.Label("tile")
	m.Loop(m.Int("cols"), 1, func(c lanes.Index) {
		m.wino.Rows(f.OutPairs, n, f.Out, m.whole(prods, 128, c), func(row int, z []value) {
			y := f.OutAlong(m.wino, z)
			m.addBias(y, bias, c)
			for j := range y {
				m.pixel(y[j], 4*(row*f.M+j), res, cOff, rOff, c)
			}
		})
	})
	m.ADDQ(operand.U32(uint32(128*n*n)), prods)
	m.ADDQ(operand.Imm(uint64(4*f.M*f.M)), cOff)
	m.ADDQ(operand.Imm(uint64(4*f.M*f.M)), rOff)
	m.DECQ(tiles)
	m.JNZ(operand.LabelRef("tile"))
	m.Ret()
}

// whole returns the columns of points that lie step bytes apart, whole: they have 32
// columns.
func (m machine) whole(from reg.GPVirtual, step int, c lanes.Index) func(j int) func(i int) value {
	return func(j int) func(i int) value {
		return func(i int) value { return m.Load(c.Of(from, step*(i*m.form.Points+j)), false) }
	}
}

// addBias adds the bias, if there is one, to every value of y.
func (m machine) addBias(y []value, bias reg.GPVirtual, c lanes.Index) {
	none := lanes.Label("unbiased")
	m.TESTQ(bias, bias)
	m.JZ(operand.LabelRef(none))
	b := m.Load(c.Of(bias), c.Tail)
	for _, v := range y {
		m.AddTo(b, v)
	}
	m.Label(none)
}

// pixel adds the residual, if there is one, to v and stores it at entry disp
// of the table, unless that is beyond the image.
func (m machine) pixel(v value, disp int, res, cOff, rOff reg.GPVirtual, c lanes.Index) {
	beyond, alone := lanes.Label("beyond"), lanes.Label("alone")
	at, from := m.GP64(), m.GP64()
	m.MOVLQSX(operand.Mem{Base: cOff, Disp: disp}, at)
	m.TESTQ(at, at)
	m.JS(operand.LabelRef(beyond))
	m.TESTQ(res, res)
	m.JZ(operand.LabelRef(alone))
	m.MOVLQSX(operand.Mem{Base: rOff, Disp: disp}, from)
	m.LEAQ(operand.Mem{Base: res, Index: from, Scale: 4}, from)
	m.AddTo(m.Load(c.Of(from), c.Tail), v)
	m.Label(alone)
	to := m.Int("c")
	m.LEAQ(operand.Mem{Base: to, Index: at, Scale: 4}, at)
	m.Store(v, c.Of(at), c.Tail)
	m.Label(beyond)
}

// taps writes the transform of sums to the nine taps that are added to a gradient.
func (m machine) taps() {
	f, n := m.form, m.form.Points
	m.begin("winoTaps", "", "func(dw, m *float32, step, pitch, rows, cols int)",
		"is WinoTaps.Run for at most 12 rows of 32 columns.", f.TapNeeds)
	dw, sums, step, pitch, rows := m.Int("dw"), m.Int("m"), m.Bytes("step"), m.Bytes("pitch"), m.Int("rows")
	three := m.GP64()
	m.LEAQ(operand.Mem{Base: step, Index: step, Scale: 2}, three)
	m.Label("row")
	m.Loop(m.Int("cols"), 1, func(c lanes.Index) {
		m.wino.Rows(formula.TapPairs, n, f.Taps, m.whole(sums, 4*formula.WinoSumsStep, c), func(row int, z []value) {
			at := m.GP64()
			m.LEAQ(c.Of(dw)[0], at)
			for range row {
				m.ADDQ(three, at)
			}
			for j, v := range f.TapsAlong(m.wino, z) {
				to := operand.Mem{Base: at}
				if j > 0 {
					to.Index, to.Scale = step, uint8(j)
				}
				a := m.Memory(to)
				m.Store(m.Add(m.Load(a, c.Tail), v), a, c.Tail)
			}
		})
	})
	m.ADDQ(operand.U32(128), sums)
	m.ADDQ(pitch, dw)
	m.DECQ(rows)
	m.JNZ(operand.LabelRef("row"))
	m.Ret()
}
