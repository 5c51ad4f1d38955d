package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/lanes"
)

// transpose writes 16 rows as columns of a panel, four columns of the rows at a
// time. Lane j of 128 bits of a register has row 4j+i of them: then the four
// registers i = 0…3 transpose within lanes.
func transpose(m *lanes.Machine) {
	m.Func("transpose", "func(dst, src []float32, cols, pitch int, scale float32)",
		"dst[32*c+r] = scale*src[r*pitch+c] for r < 16 and c < cols, a multiple of 4 and not 0.")
	const panelRow, vector = 32 * 4, 4 * 4
	dst, n, pitch := m.Ptr("dst"), m.Int("cols"), m.Int("pitch")
	m.SHLQ(operand.Imm(2), pitch)
	three := m.GP64()
	m.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 2}, three)
	rows := []reg.GPVirtual{m.Ptr("src")} // every fourth
	for range 3 {
		next := m.GP64()
		m.LEAQ(operand.Mem{Base: rows[len(rows)-1], Index: pitch, Scale: 4}, next)
		rows = append(rows, next)
	}
	row := func(i int) operand.Mem {
		at := operand.Mem{Base: rows[i/4]}
		switch i % 4 {
		case 1, 2:
			at.Index, at.Scale = pitch, uint8(i%4)
		case 3:
			at.Index, at.Scale = three, 1
		}
		return at
	}
	scale := m.Spread("scale")
	loop := lanes.Label("columns")
	m.Label(loop)
	wide := 4 / len(scale) // lanes of 128 bits in a register
	for h := range scale {
		var v [4]operand.Op
		for i := range v {
			v[i] = gather(m, func(lane int) operand.Mem { return row(4*(wide*h+lane) + i) })
			m.VMULPS(scale[h], v[i], v[i])
		}
		fresh := func() operand.Op { return m.New16()[0] }
		for k := range 2 { // columns 2k and 2k+1
			a, b := fresh(), fresh()
			unpack := m.VUNPCKLPS
			if k == 1 {
				unpack = m.VUNPCKHPS
			}
			unpack(v[1], v[0], a)
			unpack(v[3], v[2], b)
			even, odd := fresh(), fresh()
			m.VUNPCKLPD(b, a, even)
			m.VUNPCKHPD(b, a, odd)
			m.VMOVUPS(even, operand.Mem{Base: dst, Disp: 2*k*panelRow + wide*vector*h})
			m.VMOVUPS(odd, operand.Mem{Base: dst, Disp: (2*k+1)*panelRow + wide*vector*h})
		}
	}
	m.ADDQ(operand.U32(4*panelRow), dst)
	for _, r := range rows {
		m.ADDQ(operand.Imm(vector), r)
	}
	m.SUBQ(operand.Imm(4), n)
	m.JNZ(operand.LabelRef(loop))
	m.Ret()
}

// gather returns a register with four float32 in each lane of 128 bits.
func gather(m *lanes.Machine, at func(lane int) operand.Mem) reg.VecVirtual {
	if m.Wide {
		z := m.ZMM()
		m.VMOVUPS(at(0), z.AsX())
		for lane := 1; lane < 4; lane++ {
			m.VINSERTF32X4(operand.Imm(uint64(lane)), at(lane), z, z)
		}
		return z
	}
	y := m.YMM()
	m.VMOVUPS(at(0), y.AsX())
	m.VINSERTF128(operand.Imm(1), at(1), y, y)
	return y
}
