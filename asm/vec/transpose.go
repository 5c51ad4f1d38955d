package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/lanes"
)

// transpose writes 16 rows as columns, four columns of the rows at a
// time. Lane j of 128 bits of a register has row 4j+i of them: then the four
// registers i = 0…3 transpose within lanes.
func transpose(m *lanes.Machine) {
	m.Func("transpose", "func(dst, src []float32, cols, to, pitch int, scale float32)",
		"dst[to*c+r] = scale*src[r*pitch+c] for r < 16 and c < cols, a multiple of 4 and not 0.")
	const vector = 4 * 4
	dst, n := m.Ptr("dst"), m.Int("cols")
	to, toThree := stride(m, "to")
	pitch, three := stride(m, "pitch")
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
			for i, x := range []operand.Op{even, odd} {
				column := []operand.Mem{{Base: dst}, {Base: dst, Index: to, Scale: 1}, {Base: dst, Index: to, Scale: 2},
					{Base: dst, Index: toThree, Scale: 1}}[2*k+i]
				m.VMOVUPS(x, column.Offset(wide*vector*h))
			}
		}
	}
	m.LEAQ(operand.Mem{Base: dst, Index: to, Scale: 4}, dst)
	for _, r := range rows {
		m.ADDQ(operand.Imm(vector), r)
	}
	m.SUBQ(operand.Imm(4), n)
	m.JNZ(operand.LabelRef(loop))
	m.Ret()
}

// stride returns a parameter, a number of float32, in bytes, and three of it.
func stride(m *lanes.Machine, name string) (one, three reg.GPVirtual) {
	one, three = m.Int(name), m.GP64()
	m.SHLQ(operand.Imm(2), one)
	m.LEAQ(operand.Mem{Base: one, Index: one, Scale: 2}, three)
	return one, three
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
