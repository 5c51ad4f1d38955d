package emu

import "strings"

// A decoder turns one statement into one inst.
type decoder struct {
	p    *parser
	k    *Kernel
	s    *statement
	in   *inst
	part []string // of the opcode
	t    typ      // of the opcode's last part
}

func (p *parser) decode(k *Kernel, s *statement, labels map[string]int) {
	r := opcodes[s.op]
	if r == nil {
		fail("%s: %s", s.op, reason(s.op))
	}
	if p.m.Version < r.version || p.m.Target < r.target {
		fail("%s needs .version %d.%d and .target sm_%d, the module says %d.%d and sm_%d",
			s.op, r.version/10, r.version%10, r.target, p.m.Version/10, p.m.Version%10, p.m.Target)
	}
	d := &decoder{p: p, k: k, s: s, part: strings.Split(s.op, "."), in: &inst{pred: -1, op: s.op, line: p.line()}}
	d.t = types[d.part[len(d.part)-1]]
	if s.predicate != "" {
		if !r.predicate {
			fail("%s cannot have a predicate here: all threads must take part", s.op)
		}
		d.in.pred, d.in.negated = d.read(s.predicate, types["pred"]), s.negated
	}
	if r.operands > 0 {
		d.want(r.operands)
	}
	r.build(d)
	if d.in.kind == branch {
		to, ok := labels[s.args[0].text]
		if !ok {
			fail("no label %s", s.args[0].text)
		}
		d.in.target = to
	}
	k.ins = append(k.ins, *d.in)
	k.Ops = append(k.Ops, Op{s.op, d.in.line})
}

func (d *decoder) want(n int) {
	if len(d.s.args) != n {
		fail("%s has %d operands, want %d", d.s.op, len(d.s.args), n)
	}
}

// has reports whether the opcode has the part.
func (d *decoder) has(part string) bool {
	for _, p := range d.part {
		if p == part {
			return true
		}
	}
	return false
}

// A source is a register, or a number in all lanes.
type source struct {
	reg int
	all *[32]uint64
}

func (s source) get(w *warp) *[32]uint64 {
	if s.all != nil {
		return s.all
	}
	return &w.regs[s.reg]
}

func splat(v uint64) *[32]uint64 {
	var x [32]uint64
	for i := range x {
		x[i] = v
	}
	return &x
}

// register finds a register that fits the type: of the same size, bits with
// everything, floats with floats, integers with integers.
func (d *decoder) register(name string, t typ) int {
	i, ok := d.k.regs[name]
	if !ok {
		fail("the register %s is not declared", name)
	}
	r := d.k.types[i]
	integer := func(c byte) bool { return c == 'u' || c == 's' }
	if r.size != t.size || r.class != t.class && !(t.class != 'p' && r.class != 'p' && (r.class == 'b' || t.class == 'b' || integer(r.class) && integer(t.class))) {
		fail("the register %s has another type than %s needs", name, d.s.op)
	}
	return i
}

// read is register for a source, write for a destination.
func (d *decoder) read(name string, t typ) int {
	i := d.register(name, t)
	if d.k.seen[i].read == 0 {
		d.k.seen[i].read = d.p.line()
	}
	return i
}

func (d *decoder) write(name string, t typ) int {
	i := d.register(name, t)
	d.k.seen[i].written = true
	return i
}

// dst is operand i as a destination.
func (d *decoder) dst(i int, t typ) int {
	if d.s.args[i].kind != 'n' {
		fail("%s: operand %d must be a register", d.s.op, i+1)
	}
	return d.write(d.s.args[i].text, t)
}

// src is operand i as a source.
func (d *decoder) src(i int, t typ) source { return d.value(d.s.args[i], t) }

func (d *decoder) value(o operand, t typ) source {
	switch o.kind {
	case 'i':
		if t.class == 'f' || t.class == 'p' || !fits(o.val, t.size) {
			fail("%s: the number %s does not fit", d.s.op, o.text)
		}
		return source{all: splat(cut(o.val, t.size))}
	case 'f':
		if t.size != 4 || t.class != 'f' && t.class != 'b' {
			fail("%s: the float %s does not fit", d.s.op, o.text)
		}
		return source{all: splat(o.val)}
	case 'd':
		if t.size != 8 || t.class != 'f' && t.class != 'b' {
			fail("%s: the float %s does not fit", d.s.op, o.text)
		}
		return source{all: splat(o.val)}
	case 'n':
		if _, ok := d.k.regs[o.text]; !ok {
			if v, ok := d.symbol(o.text); ok && t.class != 'f' && t.size >= 4 {
				return source{all: splat(v)}
			}
		}
		return source{reg: d.read(o.text, t)}
	}
	fail("%s: an operand must be a register or a number", d.s.op)
	return source{}
}

// symbol is the address of a shared array.
func (d *decoder) symbol(name string) (uint64, bool) {
	if at, ok := d.k.shared[name]; ok {
		return uint64(at), true
	}
	if name == d.p.m.dynamic {
		return uint64(d.k.SharedBytes), true
	}
	return 0, false
}

// address is operand i as an address, and what is added to it.
func (d *decoder) address(i int) (source, uint64) {
	o := d.s.args[i]
	if o.kind != 'm' {
		fail("%s: operand %d must be an address", d.s.op, i+1)
	}
	if v, ok := d.symbol(o.text); ok {
		return source{all: splat(v)}, o.val
	}
	if r, ok := d.k.regs[o.text]; ok && d.k.types[r].size == 4 {
		return source{reg: d.read(o.text, types["b32"])}, o.val
	}
	return source{reg: d.read(o.text, types["b64"])}, o.val
}

// vector is operand i as a list of n registers or numbers; n = 1 needs no braces.
func (d *decoder) vector(i, n int) []operand {
	o := d.s.args[i]
	if n == 1 && o.kind != 'v' {
		return []operand{o}
	}
	if o.kind != 'v' || len(o.list) != n {
		fail("%s: operand %d must be a list of %d", d.s.op, i+1, n)
	}
	return o.list
}

func (d *decoder) writes(i, n int, t typ) (regs []int) {
	for _, o := range d.vector(i, n) {
		if o.kind != 'n' {
			fail("%s: operand %d must hold registers", d.s.op, i+1)
		}
		regs = append(regs, d.write(o.text, t))
	}
	return regs
}

func (d *decoder) reads(i, n int, t typ) (list []source) {
	for _, o := range d.vector(i, n) {
		list = append(list, d.value(o, t))
	}
	return list
}

// cut keeps the low n bytes; extend is that with the sign of n bytes.
func cut(v uint64, n int) uint64 {
	if n >= 8 {
		return v
	}
	return v & (1<<(8*n) - 1)
}

func extend(v uint64, n int) int64 {
	s := 64 - 8*n
	return int64(v<<s) >> s
}

// The forms of instructions: f is called for every lane that takes part.
func (d *decoder) unary(to int, a source, f func(x uint64) uint64) {
	d.in.f = func(w *warp) {
		x, y := &w.regs[to], a.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				x[l] = f(y[l])
			}
		}
	}
}

func (d *decoder) binary(to int, a, b source, f func(x, y uint64) uint64) {
	d.in.f = func(w *warp) {
		x, y, z := &w.regs[to], a.get(w), b.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				x[l] = f(y[l], z[l])
			}
		}
	}
}

func (d *decoder) ternary(to int, a, b, c source, f func(x, y, z uint64) uint64) {
	d.in.f = func(w *warp) {
		x, y, z, u := &w.regs[to], a.get(w), b.get(w), c.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				x[l] = f(y[l], z[l], u[l])
			}
		}
	}
}
