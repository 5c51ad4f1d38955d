package main

// A value is one to four registers of 4 lanes, of 2 if elements are float64;
// operations work on all of them.
type value []vec

// all returns n times the same register: a constant as an operand.
func all(v vec, n int) value {
	out := make(value, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func (m *machine) new(n int) value {
	out := make(value, n)
	for i := range out {
		out[i] = m.vec()
	}
	return out
}

func (m *machine) zero(n int) value {
	v := m.new(n)
	for _, r := range v {
		m.ins("VEOR %s, %s, %s", r.b16(), r.b16(), r.b16())
	}
	return v
}

// op2 returns the results of a word with two sources, op1 of one with one.
func (m *machine) op2(name string, a, b value) value {
	d := m.new(len(a))
	for i := range a {
		m.word(name, d[i], a[i], b[i])
	}
	return d
}

func (m *machine) op1(name string, a value) value {
	d := m.new(len(a))
	for i := range a {
		m.word(name, d[i], a[i])
	}
	return d
}

func (m *machine) add(a, b value) value { return m.op2("FADD", a, b) }
func (m *machine) sub(a, b value) value { return m.op2("FSUB", a, b) }
func (m *machine) mul(a, b value) value { return m.op2("FMUL", a, b) }
func (m *machine) div(a, b value) value { return m.op2("FDIV", a, b) }

// addTo sets acc += a.
func (m *machine) addTo(acc, a value) {
	for i := range a {
		m.word("FADD", acc[i], acc[i], a[i])
	}
}

// scaleBy sets v *= a.
func (m *machine) scaleBy(v, a value) {
	for i := range a {
		m.word("FMUL", v[i], v[i], a[i])
	}
}

// fma sets acc += a·b, fused, and fms acc −= a·b.
func (m *machine) fma(acc, a, b value) {
	for i := range acc {
		m.ins("VFMLA %s, %s, %s", b[i], a[i], acc[i])
	}
}

func (m *machine) fms(acc, a, b value) {
	for i := range acc {
		m.ins("VFMLS %s, %s, %s", b[i], a[i], acc[i])
	}
}

// copy copies; where a is not needed any more, assign leaves it where it is.
func (m *machine) copy(a value) value {
	d := m.new(len(a))
	for i := range a {
		m.ins("VMOV %s, %s", a[i].b16(), d[i].b16())
		m.ops[len(m.ops)-1].copied = true
	}
	return d
}

// copies returns n registers with the value of a constant.
func (m *machine) copies(k vec, n int) value { return m.copy(all(k, n)) }

// int2 returns the results of an instruction with two sources that Go's
// assembler knows; it names them in reverse.
func (m *machine) int2(name string, a, b value) value {
	d := m.new(len(a))
	for i := range a {
		m.ins(name+" %s, %s, %s", b[i], a[i], d[i])
	}
	return d
}

func (m *machine) logic(name string, a, b value) value {
	d := m.new(len(a))
	for i := range a {
		m.ins(name+" %s, %s, %s", b[i].b16(), a[i].b16(), d[i].b16())
	}
	return d
}

// addInt and subInt are a + b and a − b of integers as wide as the elements.
func (m *machine) addInt(a, b value) value { return m.int2("VADD", a, b) }
func (m *machine) subInt(a, b value) value { return m.int2("VSUB", a, b) }

func (m *machine) and(a, b value) value { return m.logic("VAND", a, b) }
func (m *machine) or(a, b value) value  { return m.logic("VORR", a, b) }
func (m *machine) xor(a, b value) value { return m.logic("VEOR", a, b) }

func (m *machine) shiftLeft(a value, by int) value {
	d := m.new(len(a))
	for i := range a {
		m.ins("VSHL $%d, %s, %s", by, a[i], d[i])
	}
	return d
}

// shiftIn shifts zeros in from the left, shiftRight the sign.
func (m *machine) shiftIn(a value, by int) value {
	d := m.new(len(a))
	for i := range a {
		m.ins("VUSHR $%d, %s, %s", by, a[i], d[i])
	}
	return d
}

func (m *machine) shiftRight(a value, by int) value {
	d := m.new(len(a))
	for i := range a {
		m.shiftWord(d[i], a[i], by)
	}
	return d
}

func (m *machine) shiftWord(d, n vec, by int) {
	shift := shiftRight
	if m.double {
		shift = shiftRight64
	}
	m.ops = append(m.ops, op{regs: []*register{d.register, n.register}, line: func() string { return shift(d.at, n.at, by) }})
}

// choose sets d to t where mask is set.
func (m *machine) choose(d, t, mask value) {
	for i := range d {
		m.ins("VBIT %s, %s, %s", mask[i].b16(), t[i].b16(), d[i].b16())
	}
}
