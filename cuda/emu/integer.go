package emu

import "math/bits"

func buildMove(d *decoder) {
	src, dst := d.s.args[1], d.s.args[0]
	switch {
	case src.kind == 'v':
		d.pack(src.list)
	case dst.kind == 'v':
		d.unpack(dst.list)
	case src.kind == 'n' && src.text[0] == '%' && special[src.text] != nil:
		d.special(src.text)
	default:
		n := d.t.size
		d.unary(d.dst(0, d.t), d.src(1, d.t), func(x uint64) uint64 { return cut(x, n) })
	}
}

// half is the type of the parts of a move between a register and several.
func (d *decoder) half(parts int) typ {
	n := d.t.size / parts
	if d.t.class != 'b' || n < 2 || n*parts != d.t.size {
		fail("%s of %d parts", d.s.op, parts)
	}
	return typ{'b', n}
}

// pack is mov.b32 d, {a, b}: the first is the low half.
func (d *decoder) pack(list []operand) {
	t := d.half(len(list))
	var from []source
	for _, o := range list {
		from = append(from, d.value(o, t))
	}
	to := d.dst(0, d.t)
	d.in.f = func(w *warp) {
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				var x uint64
				for i, s := range from {
					x |= cut(s.get(w)[l], t.size) << (8 * t.size * i)
				}
				w.regs[to][l] = x
			}
		}
	}
}

func (d *decoder) unpack(list []operand) {
	t := d.half(len(list))
	var to []int
	for _, o := range list {
		to = append(to, d.write(o.text, t))
	}
	from := d.src(1, d.t)
	d.in.f = func(w *warp) {
		x := *from.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				for i, r := range to {
					w.regs[r][l] = cut(x[l]>>(8*t.size*i), t.size)
				}
			}
		}
	}
}

// special are the registers that say which thread runs.
var special = map[string]func(w *warp, lane int) uint32{
	"%laneid": func(_ *warp, l int) uint32 { return uint32(l) },
	"%warpid": func(w *warp, _ int) uint32 { return uint32(w.id) },
	"%tid.x":  func(w *warp, l int) uint32 { return uint32(w.id*32+l) % w.cta.l.Block[0] },
	"%tid.y": func(w *warp, l int) uint32 {
		return uint32(w.id*32+l) / w.cta.l.Block[0] % w.cta.l.Block[1]
	},
	"%tid.z": func(w *warp, l int) uint32 {
		return uint32(w.id*32+l) / w.cta.l.Block[0] / w.cta.l.Block[1]
	},
}

func init() {
	for i, axis := range []string{"x", "y", "z"} {
		special["%ntid."+axis] = func(w *warp, _ int) uint32 { return w.cta.l.Block[i] }
		special["%ctaid."+axis] = func(w *warp, _ int) uint32 { return w.cta.id[i] }
		special["%nctaid."+axis] = func(w *warp, _ int) uint32 { return w.cta.l.Grid[i] }
	}
}

func (d *decoder) special(name string) {
	if d.t.size != 4 {
		fail("%s: %s has 32 bits", d.s.op, name)
	}
	to, f := d.dst(0, d.t), special[name]
	d.in.f = func(w *warp) {
		for l := range 32 {
			if w.mask>>l&1 == 1 {
				w.regs[to][l] = uint64(f(w, l))
			}
		}
	}
}

func buildInt(d *decoder) {
	n, signed := d.t.size, d.t.class == 's'
	to, a, b := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t)
	switch d.part[0] {
	case "add":
		d.binary(to, a, b, func(x, y uint64) uint64 { return cut(x+y, n) })
	case "sub":
		d.binary(to, a, b, func(x, y uint64) uint64 { return cut(x-y, n) })
	default:
		least := d.part[0] == "min"
		d.binary(to, a, b, func(x, y uint64) uint64 {
			less := x < y
			if signed {
				less = extend(x, n) < extend(y, n)
			}
			if less == least {
				return x
			}
			return y
		})
	}
}

// buildDivide: division by zero, which a GPU answers with something of its own
// choice, stops the launch.
func buildDivide(d *decoder) {
	n, signed, quotient := d.t.size, d.t.class == 's', d.part[0] == "div"
	to, a, b := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t)
	d.in.f = func(w *warp) {
		x, y := a.get(w), b.get(w)
		for l := range 32 {
			if w.mask>>l&1 == 0 {
				continue
			}
			if y[l] == 0 {
				w.fail(l, "division by zero")
			}
			var q, r uint64
			if signed {
				u, v := extend(x[l], n), extend(y[l], n)
				q, r = uint64(u/v), uint64(u%v)
			} else {
				q, r = x[l]/y[l], x[l]%y[l]
			}
			if !quotient {
				q = r
			}
			w.regs[to][l] = cut(q, n)
		}
	}
}

// buildMul: .lo and .hi are the halves of the product, .wide all of it.
func buildMul(d *decoder) {
	n, signed, form := d.t.size, d.t.class == 's', d.part[1]
	out := d.t
	if form == "wide" {
		out.size *= 2
	}
	mul := func(x, y uint64) uint64 {
		if n == 8 {
			hi, lo := bits.Mul64(x, y)
			if form == "lo" {
				return lo
			}
			if signed {
				hi -= uint64(int64(x)>>63)&y + uint64(int64(y)>>63)&x
			}
			return hi
		}
		p := x * y
		if signed {
			p = uint64(extend(x, n) * extend(y, n))
		}
		if form == "hi" {
			p >>= 8 * n
		}
		return cut(p, out.size)
	}
	to, a, b := d.dst(0, out), d.src(1, d.t), d.src(2, d.t)
	if d.part[0] == "mul" {
		d.binary(to, a, b, mul)
		return
	}
	d.ternary(to, a, b, d.src(3, out), func(x, y, z uint64) uint64 { return cut(mul(x, y)+z, out.size) })
}

func buildLogic(d *decoder) {
	to, a, b := d.dst(0, d.t), d.src(1, d.t), d.src(2, d.t)
	switch d.part[0] {
	case "and":
		d.binary(to, a, b, func(x, y uint64) uint64 { return x & y })
	case "or":
		d.binary(to, a, b, func(x, y uint64) uint64 { return x | y })
	default:
		d.binary(to, a, b, func(x, y uint64) uint64 { return x ^ y })
	}
}

func buildUnary(d *decoder) {
	n := d.t.size
	out := d.t
	var f func(x uint64) uint64
	switch d.part[0] {
	case "not":
		f = func(x uint64) uint64 { return cut(^x, n) }
		if d.t.class == 'p' {
			f = func(x uint64) uint64 { return ^x & 1 }
		}
	case "neg":
		f = func(x uint64) uint64 { return cut(-x, n) }
	case "abs":
		f = func(x uint64) uint64 { return cut(uint64(max(extend(x, n), -extend(x, n))), n) }
	case "popc":
		out = types["u32"]
		f = func(x uint64) uint64 { return uint64(bits.OnesCount64(x)) }
	case "clz":
		out = types["u32"]
		f = func(x uint64) uint64 { return uint64(bits.LeadingZeros64(x) - (64 - 8*n)) }
	default: // brev
		f = func(x uint64) uint64 { return bits.Reverse64(x) >> (64 - 8*n) }
	}
	d.unary(d.dst(0, out), d.src(1, d.t), f)
}
