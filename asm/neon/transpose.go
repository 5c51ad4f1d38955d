package main

import "fmt"

// transpose writes 16 rows as columns, four rows by four columns at a
// time.
func (m *machine) transpose() {
	m.begin("transpose", "dst, src []float32, cols, to, pitch int, scale float32", "",
		"dst[to*c+r] = scale*src[r*pitch+c] for r < 16 and c < cols, a multiple of 4 and not 0.")
	dst, src, step, pitch, s := m.base("dst"), m.base("src"), m.bytes("to"), m.bytes("pitch"), m.spread("scale")
	for r := 0; r < 16; r += 4 {
		n := m.arg("cols")
		m.ins("LSR $2, %s, %s", n, n)
		to := m.copyOf(dst)
		m.ins(fmt.Sprintf("ADD $%d, %%s, %%s", 4*r), to, to)
		var rows [4]gp
		for i := range rows {
			rows[i] = m.copyOf(src)
			m.ins("ADD %s, %s, %s", pitch, src, src)
		}
		m.times(n, func() {
			var v [4]value
			for i, p := range rows {
				x := m.vec()
				m.ins("FMOVQ.P 16(%s), %s", p, x.f())
				v[i] = m.mul(value{x}, value{s})
			}
			even, odd := m.zip(v[0], v[2]), m.zip(v[1], v[3])
			columns := append(m.zip(even[:1], odd[:1]), m.zip(even[1:], odd[1:])...)
			for _, x := range columns {
				m.ins("FMOVQ %s, (%s)", x.f(), to)
				m.ins("ADD %s, %s, %s", step, to, to)
			}
		})
	}
	m.end()
}
