package main

// cipherWays is the number of registers of counters in flight: four blocks each.
const cipherWays = 4

// cipher writes philoxWords, as the kernels for amd64 have it. Each register holds
// one word of four blocks.
func (m *machine) cipher() {
	m.begin("philoxWords", "dst *uint32, groups int, m *[19]uint64, block uint32, at *uint64", "",
		"The words of groups times 32 blocks from block on or, if at is not nil, of those of the list.")
	dst, n, keys, block, at := m.arg("dst"), m.arg("groups"), m.arg("m"), m.spread("block"), m.arg("at")
	m.ins("LSL $%d, %s, %s", 1, n, n) // 32 blocks are two steps
	lanes, lane := m.zero(1)[0], m.gp()
	for i := 1; i < 4; i++ {
		m.ins("MOVD $%d, %s", i, lane)
		m.ins("VMOV %s, %s", lane, lanes.lane(i))
	}
	next := m.addInt(value{block}, value{lanes})[0]
	m0, m1, four := m.bits(0xD2511F53), m.bits(0xCD9E8D57), m.bits(4)
	m.times(n, func() {
		c, plain, made := m.new(cipherWays), "plain", "made"
		m.branch(plain, "CBZ %s,", at)
		m.listed(c, at, block)
		m.branch(made, "B")
		m.mark(plain)
		for i := range c {
			m.ins("VMOV %s, %s", next.b16(), c[i].b16())
			m.ins("VADD %s, %s, %s", four, next, next)
		}
		m.mark(made)
		key := func(i int) value {
			k := m.vec()
			m.ins("FMOVS %d(%s), %s", 8*i, keys, k.f())
			m.ins("VDUP %s, %s", k.lane(0), k)
			return all(k, cipherWays)
		}
		x3, h := m.product32(m0, c) // round 1
		x2 := m.xor(h, key(0))
		x1, h := m.product32(m1, x2) // round 2
		x0 := m.xor(h, key(1))
		x2 = m.xor(x3, key(2))
		p0, h0 := m.product32(m0, x0) // round 3
		p1, h1 := m.product32(m1, x2)
		h1 = m.xor(m.xor(h1, x1), key(3))
		h0 = m.xor(h0, key(4))
		x0, x1, x2, x3 = h1, p1, h0, p0
		for i := 5; i < 19; i += 2 {
			p0, h0 = m.product32(m0, x0)
			p1, h1 = m.product32(m1, x2)
			h1 = m.xor(m.xor(h1, x1), key(i))
			h0 = m.xor(m.xor(h0, x3), key(i+1))
			x0, x1, x2, x3 = h1, p1, h0, p0
		}
		for i := range c {
			m.put(m.blocks(x0[i], x1[i], x2[i], x3[i]), dst, span{n: 4})
		}
	})
	m.end()
}

// listed sets c to block plus the next numbers at at, of which every eight stand in
// the order 0 4 1 5 2 6 3 7.
func (m *machine) listed(c value, at gp, block vec) {
	for i := 0; i < len(c); i += 2 {
		w := m.uzp(1, m.next(at, span{n: 4})) // 0 4 1 5 and 2 6 3 7
		for j := range 2 {
			m.ins("VADD %s, %s, %s", m.uzp(j+1, w)[0], block, c[i+j])
		}
	}
}

// product32 returns the low and the high words of k·x.
func (m *machine) product32(k vec, x value) (low, high value) {
	low, high = m.new(len(x)), m.new(len(x))
	for i := range x {
		a, b := m.vec(), m.vec()
		m.word("UMULL", a, x[i], k)
		m.word("UMULL2", b, x[i], k)
		m.ins("VUZP1 %s, %s, %s", b, a, low[i])
		m.ins("VUZP2 %s, %s, %s", b, a, high[i])
	}
	return low, high
}

// blocks returns the words of four blocks in a row.
func (m *machine) blocks(x0, x1, x2, x3 vec) value {
	a, b := m.zip(value{x0}, value{x1}), m.zip(value{x2}, value{x3})
	out := m.new(4)
	for i := range out {
		m.ins("VZIP%d %s, %s, %s", i%2+1, d2(b[i/2]), d2(a[i/2]), d2(out[i]))
	}
	return out
}

func d2(r vec) view { return view{r, "V%d.D2"} }
