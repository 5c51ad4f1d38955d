package main

import (
	"fmt"

	"heavytail/asm/internal/defs"
)

// Offsets in simd.OctaveTable, as in asm/noise.
const (
	tabFirst, tabA, tabB, tabShift = 0, 4, 12, 28
	tabMask, tabLeast, tabRows     = 32, 48, 56
	tabTerm                        = 128 // bytes from a coefficient to the next: 16 rows of both sides
)

// tabular writes the kernel of tables: noiseTabular of each word. The coefficients
// of a lane are loaded one after the other.
func (m *machine) tabular(terms int) {
	m.transform(fmt.Sprint("noiseTable", terms), "noiseTabular", 2, func(q gp, w value) value {
		n := len(w)
		tab, step := m.gp(), m.gp()
		m.ins("MOVD %d(%s), %s", defs.NoiseTable, q, tab)
		m.ins("MOVD $-%d, %s", tabTerm, step)
		upper := m.op2("CMGT", m.flip(w, m.ones(n)), m.field(tab, tabFirst, n))
		bySide := func(off int) value {
			k := m.copy(m.field(tab, off, n))
			m.choose(k, m.field(tab, off+4, n), upper)
			return k
		}
		t := bySide(tabB)
		m.fma(t, m.op1("UCVTF", m.xor(w, upper)), bySide(tabA))
		t = m.op2("FMAX", t, m.field(tab, tabLeast, n))
		place := m.subInt(m.same(0.5, n), t)
		one := m.same(1, n)
		d := m.sub(m.or(m.and(place, m.field(tab, tabMask, n)), one), one)
		m.choose(d, m.same(0x1p-25, n), m.op2("FCMEQ", t, m.same(0.5, n)))
		row := m.op2("USHL", place, m.op1("NEG", m.field(tab, tabShift, n)))
		return m.rowPolynomial(d, m.rowAddresses(row, upper, tab, terms), step, terms)
	})
}

// ones returns registers with every bit set.
func (m *machine) ones(n int) value { return all(m.freshBits(1<<32-1, 1)[0], n) }

// rowAddresses returns the addresses of the last coefficients, those of lane i of
// register j at 4·j+i: see OctaveTable.index.
func (m *machine) rowAddresses(row, upper value, tab gp, terms int) (at []gp) {
	n := len(row)
	bank := m.new(n)
	for i := range bank {
		m.ins("VUSHR $4, %s, %s", row[i], bank[i])
	}
	side := m.shiftLeft(m.and(m.subInt(bank, upper), all(m.freshBits(1, 1)[0], n)), 4)
	index := m.addInt(m.or(side, m.and(row, all(m.freshBits(15, 1)[0], n))),
		m.op2("MUL", bank, all(m.freshBits(uint32(terms*tabTerm/4), 1)[0], n)))
	rows := m.gp()
	m.ins("MOVD %d(%s), %s", tabRows, tab, rows)
	m.ins("ADD $%d, %s, %s", (terms-1)*tabTerm, rows, rows)
	for _, v := range index {
		for i := range 4 {
			a := m.gp()
			m.ins("VMOV %s, %s", v.lane(i), a)
			m.ins("ADD %s<<2, %s, %s", a, rows, a)
			at = append(at, a)
		}
	}
	return at
}

// rowPolynomial returns Σ c[j]·d^j; it goes through the addresses of coefficients
// by step.
func (m *machine) rowPolynomial(d value, at []gp, step gp, terms int) value {
	var x value
	for range terms {
		c := m.new(len(d))
		for i, v := range c {
			for lane := range 4 {
				m.ins("VLD1.P (%s)(%s), %s", at[4*i+lane], step, v.lane(lane))
			}
		}
		if x != nil {
			m.fma(c, x, d)
		}
		x = c
	}
	return x
}
