package main

// A span is where a loop's body stands: it works on n registers of 4 elements
// each, or on the rest of 1 to 3 elements; of float64 on 2 each or on one.
type span struct {
	n    int
	part int // of a value of 16 lanes, the register that the first is
	rest gp  // how many elements; nil outside tails
}

func (x span) tail() bool { return x.rest.register != nil }

// of returns the registers of a value of 16 lanes that the span reaches.
func (x span) of(v value) value { return v[x.part : x.part+x.n] }

// loop runs body for the elements 0…n−1, unroll registers at a time, then one, then
// what is left. n is destroyed.
func (m *machine) loop(n gp, unroll int, body func(x span)) {
	done, each := m.newLabel("done"), 4
	if m.double {
		each = 2
	}
	for u := unroll; ; u = 1 {
		again, next := m.newLabel("loop"), m.newLabel("next")
		m.ins("SUBS $%d, %s", each*u, n)
		m.branch(next, "BLT")
		m.mark(again)
		body(span{n: u})
		m.ins("SUBS $%d, %s", each*u, n)
		m.branch(again, "BGE")
		m.mark(next)
		m.ins("ADDS $%d, %s", each*u, n)
		m.branch(done, "BEQ")
		if u == 1 {
			break
		}
	}
	body(span{n: 1, rest: n})
	m.mark(done)
}

// lanes runs body for the elements 0…n−1, 16 in a turn, width registers at a
// time; of the last ones each register is that of its 4 lanes. n is destroyed.
func (m *machine) lanes(n gp, width int, body func(x span)) {
	again, next, done := m.newLabel("loop"), m.newLabel("next"), m.newLabel("done")
	m.ins("SUBS $16, %s", n)
	m.branch(next, "BLT")
	m.mark(again)
	for part := 0; part < 4; part += width {
		body(span{n: width, part: part})
	}
	m.ins("SUBS $16, %s", n)
	m.branch(again, "BGE")
	m.mark(next)
	m.ins("ADDS $16, %s", n)
	m.branch(done, "BEQ")
	var rest []string
	for part := range 3 {
		rest = append(rest, m.newLabel("rest"))
		m.ins("CMP $4, %s", n)
		m.branch(rest[part], "BLT")
		body(span{n: 1, part: part})
		m.ins("SUBS $4, %s", n)
		m.branch(done, "BEQ")
	}
	for part := 3; ; part-- {
		body(span{n: 1, part: part, rest: n})
		if part == 0 {
			break
		}
		m.branch(done, "B")
		m.mark(rest[part-1])
	}
	m.mark(done)
}

// times runs body n times, n ≥ 1; n is destroyed.
func (m *machine) times(n gp, body func()) {
	again := m.newLabel("pixel")
	m.mark(again)
	body()
	m.ins("SUBS $1, %s", n)
	m.branch(again, "BNE")
}

// next loads the span's elements at p and moves p behind them, but not in a
// tail, which is the end; peek leaves p where it is.
func (m *machine) next(p gp, x span) value { return m.read(p, x, ".P") }
func (m *machine) peek(p gp, x span) value { return m.read(p, x, "") }

func (m *machine) read(p gp, x span, post string) value {
	v := m.new(x.n)
	if x.tail() {
		m.some(p, x.rest, func(move string) { m.ins(move+" (%s), %s", p, v[0].f()) },
			func(third gp) { m.ins("VLD1 (%s), %s", third, v[0].lane(2)) })
		return v
	}
	if x.n == 1 {
		m.ins("FMOVQ"+post+" %s(%s), %s", offset(post, 16), p, v[0].f())
		return v
	}
	for i := 0; i < x.n; i += 2 {
		at := 16 * i
		if post != "" {
			at = 32
		}
		m.ins("FLDPQ"+post+" %d(%s), (%s, %s)", at, p, v[i].f(), v[i+1].f())
	}
	return v
}

// put stores v at p and moves p behind it; set leaves p where it is.
func (m *machine) put(v value, p gp, x span) { m.write(v, p, x, ".P") }
func (m *machine) set(v value, p gp, x span) { m.write(v, p, x, "") }

func (m *machine) write(v value, p gp, x span, post string) {
	if x.tail() {
		m.some(p, x.rest, func(move string) { m.ins(move+" %s, (%s)", v[0].f(), p) },
			func(third gp) { m.ins("VST1 %s, (%s)", v[0].lane(2), third) })
		return
	}
	if x.n == 1 {
		m.ins("FMOVQ"+post+" %s, %s(%s)", v[0].f(), offset(post, 16), p)
		return
	}
	for i := 0; i < x.n; i += 2 {
		at := 16 * i
		if post != "" {
			at = 32
		}
		m.ins("FSTPQ"+post+" (%s, %s), %d(%s)", v[i].f(), v[i+1].f(), at, p)
	}
}

// offset is by how much a move with the suffix post moves its pointer.
func offset(post string, by int) any {
	if post == "" {
		return ""
	}
	return by
}

// some moves 1 to 3 elements at p: one, or two and perhaps the third; of float64
// there is one.
func (m *machine) some(p, rest gp, move func(string), third func(gp)) {
	if m.double {
		move("FMOVD")
		return
	}
	two, done := m.newLabel("two"), m.newLabel("moved")
	m.branch(two, "TBNZ $1, %s,", rest)
	move("FMOVS")
	m.branch(done, "B")
	m.mark(two)
	move("FMOVD")
	m.branch(done, "TBZ $0, %s,", rest)
	at := m.gp()
	m.ins("ADD $8, %s, %s", p, at)
	third(at)
	m.mark(done)
}

// mask returns the lanes that a tail reaches.
func (m *machine) mask(x span) value {
	m.masked = true
	t, v := m.gp(), m.vec()
	m.ins("MOVD $%sTails<>-16(SB), %s", m.family, t)
	m.ins("ADD %s<<4, %s, %s", x.rest, t, t)
	m.ins("FMOVQ (%s), %s", t, v.f())
	return value{v}
}

// clean zeroes the lanes past the end, in a tail.
func (m *machine) clean(v value, x span) {
	if x.tail() {
		k := m.mask(x)
		m.ins("VAND %s, %s, %s", k[0].b16(), v[0].b16(), v[0].b16())
	}
}

// fold adds the 16 lanes, 16 → 8 → 4 → 2 → 1; the sum is in lane 0.
func (m *machine) fold(v value) vec {
	return m.folded(v, func(a, b vec) vec { return m.add(value{a}, value{b})[0] })
}

func (m *machine) folded(v value, f func(a, b vec) vec) vec {
	a := f(f(v[0], v[2]), f(v[1], v[3]))
	b, c := m.vec(), m.vec()
	m.ins("VEXT $8, %s, %s, %s", a.b16(), a.b16(), b.b16())
	a = f(a, b)
	m.ins("VDUP %s, %s", a.lane(1), c)
	return f(a, c)
}
