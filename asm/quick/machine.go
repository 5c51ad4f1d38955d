package main

import (
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/lanes"
)

// A machine writes kernels on float64: values of 8 lanes with AVX-512, of 4 with
// AVX2.
type machine struct {
	*build.Context
	wide   bool
	consts []uint64
	table  operand.Mem // 8 bytes each if wide, else 32
	masks  operand.Mem
}

// v is a value; arg an operand, which may be memory.
type (
	v   = reg.VecVirtual
	arg = operand.Op
)

func newMachine(c *build.Context, wide bool, consts []uint64) *machine {
	m := &machine{Context: c, wide: wide, consts: consts}
	m.table = c.StaticGlobal("constants")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	n := 4
	if wide {
		n = 1
	}
	for i, b := range consts {
		for j := range n {
			c.AddDatum(8*(i*n+j), operand.U64(b))
		}
	}
	m.masks = c.StaticGlobal("tails")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	if wide { // entry r: the low r bits
		for r := range 8 {
			c.AddDatum(2*r, operand.U16(1<<r-1))
		}
		return m
	}
	for i := range 8 { // 4 lanes from entry 4−r on: the first r set
		b := uint64(0)
		if i < 4 {
			b = math.MaxUint64
		}
		c.AddDatum(8*i, operand.U64(b))
	}
	return m
}

// bits returns constant bits: a register with AVX-512, memory with AVX2.
func (m *machine) bits(b uint64) arg {
	for i, c := range m.consts {
		if c != b {
			continue
		}
		if !m.wide {
			return m.table.Offset(32 * i)
		}
		r := m.new()
		m.VBROADCASTSD(m.table.Offset(8*i), r)
		return r
	}
	panic("quick: constant is not in the table")
}

func (m *machine) float(f float64) arg { return m.bits(math.Float64bits(f)) }

func (m *machine) floats(f []float64) []arg {
	out := make([]arg, len(f))
	for i, x := range f {
		out[i] = m.float(x)
	}
	return out
}

func (m *machine) new() v {
	if m.wide {
		return m.ZMM()
	}
	return m.YMM()
}

// reg returns a in a register.
func (m *machine) reg(a arg) v {
	if r, ok := a.(v); ok {
		return r
	}
	r := m.new()
	m.VMOVUPD(a, r)
	return r
}

func (m *machine) copy(a v) v {
	r := m.new()
	m.VMOVAPD(a, r)
	return r
}

func (m *machine) op(f func(...arg), ops ...arg) v {
	r := m.new()
	f(append(ops, r)...)
	return r
}

// Sums, products and the like; only the first operand may be memory. sub and
// div are a − b and a/b: there it is the second.
func (m *machine) add(a arg, b v) v     { return m.op(m.VADDPD, a, b) }
func (m *machine) sub(a v, b arg) v     { return m.op(m.VSUBPD, b, a) }
func (m *machine) mul(a arg, b v) v     { return m.op(m.VMULPD, a, b) }
func (m *machine) div(a v, b arg) v     { return m.op(m.VDIVPD, b, a) }
func (m *machine) addInt(a arg, b v) v  { return m.op(m.VPADDQ, a, b) }
func (m *machine) subInt(a arg, b v) v  { return m.op(m.VPSUBQ, a, b) } // b − a
func (m *machine) or(a arg, b v) v      { return m.op(m.VORPD, a, b) }
func (m *machine) xor(a arg, b v) v     { return m.op(m.VXORPD, a, b) }
func (m *machine) andNot(a arg, b v) v  { return m.op(m.VANDNPD, b, m.reg(a)) } // b &^ a
func (m *machine) fma(a arg, b, c v)    { m.VFMADD231PD(a, b, c) }              // c += a·b
func (m *machine) fnma(a arg, b, c v)   { m.VFNMADD231PD(a, b, c) }             // c −= a·b
func (m *machine) fma213(a arg, b, c v) { m.VFMADD213PD(a, b, c) }              // c = b·c + a

// max and min return a where it is beyond b, else x; NaN stays.
func (m *machine) max(x v, a arg) v { return m.op(m.VMAXPD, x, m.reg(a)) }
func (m *machine) min(x v, a arg) v { return m.op(m.VMINPD, x, m.reg(a)) }

func (m *machine) shiftLeft(by uint8, a v) v  { return m.op(m.VPSLLQ, operand.U8(by), a) }
func (m *machine) shiftRight(by uint8, a v) v { return m.op(m.VPSRLQ, operand.U8(by), a) }

// round rounds to the nearest integer, ties to even.
func (m *machine) round(a v) v {
	if m.wide {
		return m.op(m.VRNDSCALEPD, operand.U8(8), a)
	}
	r := m.new()
	m.VROUNDPD(operand.U8(8), a, r)
	return r
}

// le is VCMPPD's predicate for less or equal.
const le = 18

// selectLE returns t where a ≤ b, else f.
func (m *machine) selectLE(a v, b arg, t, f v) v {
	if m.wide {
		k := m.K()
		m.VCMPPD(operand.U8(le), b, a, k)
		r := m.copy(f)
		m.VMOVAPD(t, k, r)
		return r
	}
	r := m.new()
	m.VBLENDVPD(m.op(m.VCMPPD, operand.U8(le), b, a), t, f, r)
	return r
}

// zeroAbove returns r, but 0 where a > b.
func (m *machine) zeroAbove(r, a v, b arg) v {
	if m.wide {
		k := m.K()
		m.VCMPPD(operand.U8(le), b, a, k)
		z := m.new()
		m.VMOVAPD_Z(r, k, z)
		return z
	}
	return m.op(m.VANDPD, m.op(m.VCMPPD, operand.U8(le), b, a), r)
}

// unary writes dst = f(x).
func (m *machine) unary(name, doc string, prepare func() func(x v) v) {
	m.kernel(name, "dst, x", doc, func() func(x v) []v {
		f := prepare()
		return func(x v) []v { return []v{f(x)} }
	})
}

// pair writes two results of x.
func (m *machine) pair(name, args, doc string, prepare func() func(x v) (v, v)) {
	m.kernel(name, args, doc, func() func(x v) []v {
		f := prepare()
		return func(x v) []v { a, b := f(x); return []v{a, b} }
	})
}

// kernel writes the loop over slices; the last of args is the input.
func (m *machine) kernel(name, args, doc string, prepare func() func(x v) []v) {
	suffix := map[bool]string{true: "AVX512", false: "AVX2"}[m.wide]
	m.Function(name + suffix)
	m.Attributes(attr.NOSPLIT)
	m.SignatureExpr("func(" + args + " []float64)")
	m.Doc(doc)
	names := strings.Split(args, ", ")
	var base []reg.Register
	for _, n := range names {
		base = append(base, m.Load(m.Param(n).Base(), m.GP64()))
	}
	n := m.Load(m.Param(names[0]).Len(), m.GP64())
	f := prepare()
	w := 4
	if m.wide {
		w = 8
	}
	i := m.GP64()
	m.XORQ(i, i)
	loop, tail, done := lanes.Label("loop"), lanes.Label("tail"), lanes.Label("done")
	last := len(names) - 1
	at := func(k int) operand.Mem { return operand.Mem{Base: base[k], Index: i, Scale: 8} }
	m.SUBQ(operand.Imm(uint64(w)), n)
	m.JL(operand.LabelRef(tail))
	m.Label(loop)
	for k, r := range f(m.reg(at(last))) {
		m.VMOVUPD(r, at(k))
	}
	m.ADDQ(operand.Imm(uint64(w)), i)
	m.SUBQ(operand.Imm(uint64(w)), n)
	m.JGE(operand.LabelRef(loop))
	m.Label(tail)
	m.ADDQ(operand.Imm(uint64(w)), n)
	m.JZ(operand.LabelRef(done))
	m.rest(f, at, last, n)
	m.Label(done)
	m.VZEROUPPER()
	m.RET()
}

// rest treats the last n elements, fewer than a value, under a mask.
func (m *machine) rest(f func(x v) []v, at func(int) operand.Mem, last int, n reg.Register) {
	x, t := m.new(), m.GP64()
	m.LEAQ(m.masks, t)
	if m.wide {
		k := m.K()
		m.KMOVW(operand.Mem{Base: t, Index: n, Scale: 2}, k)
		m.VMOVUPD_Z(at(last), k, x)
		for j, r := range f(x) {
			m.VMOVUPD(r, k, at(j))
		}
		return
	}
	mask := m.YMM()
	m.NEGQ(n)
	m.VMOVUPD(operand.Mem{Base: t, Index: n, Scale: 8, Disp: 32}, mask)
	m.VMASKMOVPD(at(last), mask, x)
	for j, r := range f(x) {
		m.VMASKMOVPD(r, mask, at(j))
	}
}
