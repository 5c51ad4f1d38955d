package lanes

import (
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"heavytail/asm/internal/formula"
)

// An op makes an instruction.
type op = func(...operand.Op) (*ir.Instruction, error)

// two, three and four adapt instructions of as many operands.
func two(f func(a, b operand.Op) (*ir.Instruction, error)) op {
	return func(o ...operand.Op) (*ir.Instruction, error) { return f(o[0], o[1]) }
}

func three(f func(a, b, c operand.Op) (*ir.Instruction, error)) op {
	return func(o ...operand.Op) (*ir.Instruction, error) { return f(o[0], o[1], o[2]) }
}

func four(f func(a, b, c, d operand.Op) (*ir.Instruction, error)) op {
	return func(o ...operand.Op) (*ir.Instruction, error) { return f(o[0], o[1], o[2], o[3]) }
}

// emit adds an instruction; the one operand that may be a constant in memory is
// spread over the lanes by the instruction itself where it has to be.
func (m *Machine) emit(f op, ops ...operand.Op) {
	spread := false
	for i, o := range ops {
		if k, ok := o.(konst); ok {
			ops[i], spread = k.Mem, k.spread
		}
	}
	in, err := f(ops...)
	if err != nil {
		panic(err)
	}
	if spread {
		in.Suffixes = append(in.Suffixes, "BCST")
	}
	m.Instruction(in)
}

// typed returns the instruction of the type.
func (m *Machine) typed(single, double op) op {
	if m.Double {
		return double
	}
	return single
}

// at is part i of a value.
func at(v V, i int) formula.Reg {
	if len(v) == 1 {
		return v[0]
	}
	return v[i]
}

// inRegister says whether v needs no memory.
func inRegister(v V) bool {
	_, ok := v[0].(reg.Register)
	return ok
}

// Reg returns a in registers: its own, if it has them already.
func (m *Machine) Reg(a V) V {
	out := make(V, len(a))
	for i, r := range a {
		switch r := r.(type) {
		case konst:
			v := m.Vec()
			m.copyTo(r, v)
			out[i] = v
		case operand.Mem:
			v := m.Vec()
			m.emit(m.typed(x86.VMOVUPS, x86.VMOVUPD), r, v)
			out[i] = v
		default:
			out[i] = r
		}
	}
	return out
}

// readable returns a, or registers where no instruction reads it from memory.
func (m *Machine) readable(a V) V {
	if k, ok := a[0].(konst); ok && k.spread && !m.Wide {
		return m.Reg(a)
	}
	return a
}

// Copy returns a in n new registers.
func (m *Machine) Copy(a V, n int) V {
	d := m.News(n)
	for i := range d {
		m.copyTo(at(a, i), d[i])
	}
	return d
}

func (m *Machine) copyTo(a, d operand.Op) {
	switch k, ok := a.(konst); {
	case !ok:
		m.emit(m.typed(x86.VMOVAPS, x86.VMOVAPD), a, d)
	case !k.spread:
		m.emit(m.typed(x86.VMOVUPS, x86.VMOVUPD), k.Mem, d)
	default:
		m.emit(m.typed(x86.VBROADCASTSS, x86.VBROADCASTSD), k.Mem, d)
	}
}

// binary returns a ∘ b, of which b may be in memory.
func (m *Machine) binary(f op, a, b V) V {
	a, b = m.Reg(a), m.readable(b)
	d := m.News(max(len(a), len(b)))
	for i := range d {
		m.emit(f, at(b, i), at(a, i), d[i])
	}
	return d
}

// either is binary where the order does not matter.
func (m *Machine) either(f op, a, b V) V {
	if !inRegister(a) && inRegister(b) {
		a, b = b, a
	}
	return m.binary(f, a, b)
}

func (m *Machine) unary(f op, a V) V {
	d := m.News(len(a))
	for i := range a {
		m.emit(f, a[i], d[i])
	}
	return d
}

func (m *Machine) shift(f op, by int, a V) V {
	d := m.News(len(a))
	for i := range a {
		m.emit(f, operand.U8(by), a[i], d[i])
	}
	return d
}

// Add, Sub, Mul and Div are the four kinds of arithmetic.
func (m *Machine) Add(a, b V) V { return m.either(m.typed(x86.VADDPS, x86.VADDPD), a, b) }

// Sub returns a − b.
func (m *Machine) Sub(a, b V) V { return m.binary(m.typed(x86.VSUBPS, x86.VSUBPD), a, b) }

// Mul returns a·b.
func (m *Machine) Mul(a, b V) V { return m.either(m.typed(x86.VMULPS, x86.VMULPD), a, b) }

// Div returns a/b.
func (m *Machine) Div(a, b V) V { return m.binary(m.typed(x86.VDIVPS, x86.VDIVPD), a, b) }

// Sqrt returns √a.
func (m *Machine) Sqrt(a V) V { return m.unary(m.typed(x86.VSQRTPS, x86.VSQRTPD), a) }

// Neg returns −a and Abs |a|.
func (m *Machine) Neg(a V) V { return m.Xor(a, m.Bits(m.sign())) }

// Abs returns |a|.
func (m *Machine) Abs(a V) V { return m.And(a, m.Bits(m.sign()-1)) }

func (m *Machine) sign() uint64 { return 1 << (8*m.bytes() - 1) }

// FMA returns a·b + c.
func (m *Machine) FMA(a, b, c V) V {
	return m.fused(m.typed(x86.VFMADD231PS, x86.VFMADD231PD), m.typed(x86.VFMADD213PS, x86.VFMADD213PD), a, b, c)
}

// FNMA returns −a·b + c.
func (m *Machine) FNMA(a, b, c V) V {
	return m.fused(m.typed(x86.VFNMADD231PS, x86.VFNMADD231PD), m.typed(x86.VFNMADD213PS, x86.VFNMADD213PD), a, b, c)
}

// FMS returns a·b − c.
func (m *Machine) FMS(a, b, c V) V {
	return m.fused(m.typed(x86.VFMSUB231PS, x86.VFMSUB231PD), m.typed(x86.VFMSUB213PS, x86.VFMSUB213PD), a, b, c)
}

// FNMS returns −a·b − c.
func (m *Machine) FNMS(a, b, c V) V {
	return m.fused(m.typed(x86.VFNMSUB231PS, x86.VFNMSUB231PD), m.typed(x86.VFNMSUB213PS, x86.VFNMSUB213PD), a, b, c)
}

// fused copies an operand and lets the instruction overwrite the copy. Package
// emit finds which operand need not be copied.
func (m *Machine) fused(f231, f213 op, a, b, c V) V {
	n := max(len(a), len(b), len(c))
	c = m.readable(c)
	d := m.News(n)
	if _, ok := c[0].(konst); ok {
		b = m.Reg(b)
		for i := range d { // d = a·b + c in the place of a
			m.copyTo(at(a, i), d[i])
		}
		for i := range d {
			m.emit(f213, at(c, i), at(b, i), d[i])
		}
		return d
	}
	if !inRegister(b) && inRegister(a) {
		a, b = b, a
	}
	a, b, c = m.readable(a), m.Reg(b), m.Reg(c)
	for i := range d {
		m.copyTo(at(c, i), d[i])
		m.emit(f231, at(a, i), at(b, i), d[i])
	}
	return d
}

// Max and Min are of numbers that are neither NaN nor zeros of both signs.
func (m *Machine) Max(a, b V) V { return m.Above(a, b) }

// Min is the smaller one.
func (m *Machine) Min(a, b V) V { return m.Below(a, b) }

// Above returns x where x > k, else k.
func (m *Machine) Above(x, k V) V { return m.binary(m.typed(x86.VMAXPS, x86.VMAXPD), x, k) }

// Below returns x where x < k, else k.
func (m *Machine) Below(x, k V) V { return m.binary(m.typed(x86.VMINPS, x86.VMINPD), x, k) }

// AtLeast returns lo where x < lo, else x (NaN stays).
func (m *Machine) AtLeast(x, lo V) V { return m.Above(lo, x) }

// AtMost returns hi where x > hi, else x (NaN stays).
func (m *Machine) AtMost(x, hi V) V { return m.Below(hi, x) }

// AddInt returns the integers a + b.
func (m *Machine) AddInt(a, b V) V { return m.either(m.typed(x86.VPADDD, x86.VPADDQ), a, b) }

// SubInt returns the integers a − b.
func (m *Machine) SubInt(a, b V) V { return m.binary(m.typed(x86.VPSUBD, x86.VPSUBQ), a, b) }

// And returns the bits a & b.
func (m *Machine) And(a, b V) V { return m.either(m.typed(x86.VANDPS, x86.VANDPD), a, b) }

// Or returns the bits a | b.
func (m *Machine) Or(a, b V) V { return m.either(m.typed(x86.VORPS, x86.VORPD), a, b) }

// Xor returns the bits a ^ b.
func (m *Machine) Xor(a, b V) V { return m.either(m.typed(x86.VXORPS, x86.VXORPD), a, b) }

// Left shifts to the left.
func (m *Machine) Left(a V, by int) V { return m.shift(m.typed(x86.VPSLLD, x86.VPSLLQ), by, a) }

// Right shifts zeros in.
func (m *Machine) Right(a V, by int) V { return m.shift(m.typed(x86.VPSRLD, x86.VPSRLQ), by, a) }

// RightInt shifts the sign in.
func (m *Machine) RightInt(a V, by int) V { return m.shift(x86.VPSRAD, by, a) }

// Round rounds to the nearest whole number, ties to even.
func (m *Machine) Round(a V) V {
	if m.Wide {
		return m.shift(m.typed(x86.VRNDSCALEPS, x86.VRNDSCALEPD), 8, a)
	}
	return m.shift(m.typed(three(x86.VROUNDPS), three(x86.VROUNDPD)), 8, a)
}

// ToFloat converts integers, those of 64 bits between 0 and 2^53.
func (m *Machine) ToFloat(a V) V {
	if !m.Double {
		return m.unary(x86.VCVTDQ2PS, a)
	}
	if m.Wide {
		return m.unary(x86.VCVTQQ2PD, a)
	}
	// the halves as fractions of 2^84 and 2^52
	high := m.Sub(m.Or(m.Right(a, 32), m.Num(0x1p84)), m.Num(0x1p84+0x1p52))
	low, b := m.News(len(a)), m.Reg(m.Num(0x1p52))
	for i := range a {
		m.emit(four(x86.VPBLENDD), operand.U8(0xAA), b[0], a[i], low[i])
	}
	return m.Add(low, high)
}

// ToInt returns bits whose low half is the whole number a.
func (m *Machine) ToInt(a V) V {
	if m.Double {
		return m.Add(a, m.Num(0x1.8p52))
	}
	return m.unary(x86.VCVTPS2DQ, a)
}

// Scale returns a·2^n, if Scales.
func (m *Machine) Scale(a, n V) V { return m.binary(m.typed(x86.VSCALEFPS, x86.VSCALEFPD), a, n) }

// Scales says whether the level has the instruction.
func (m *Machine) Scales() bool { return m.Wide }

// Fraction returns the bits exponent with 52 bits of w behind them, skip bits from
// the top on.
func (m *Machine) Fraction(exponent uint64, w V, skip int) V {
	k, low := m.Right(w, 12-skip), m.Bits(1<<52-1)
	switch {
	case skip == 0:
		return m.Or(k, m.Bits(exponent))
	case m.Wide:
		return m.ternary(0xEC, low, m.Bits(exponent), k) // k & low | exponent
	}
	return m.Or(m.And(k, low), m.Bits(exponent))
}

// ternary returns the function of c, b and a, which is in a register, that table
// says.
func (m *Machine) ternary(table int, a, b, c V) V {
	f := m.typed(x86.VPTERNLOGD, x86.VPTERNLOGQ)
	a, b = m.readable(a), m.Reg(b)
	d := m.News(max(len(a), len(b), len(c)))
	for i := range d {
		m.copyTo(at(c, i), d[i])
		m.emit(f, operand.U8(table), at(a, i), at(b, i), d[i])
	}
	return d
}

// Octave returns n, or −n if minus, and k with x = 2^n·k, √½ ≤ k < √2.
func (m *Machine) Octave(x V, minus bool) (n, k V) {
	const half, low = 0x3fe6a09e667f3bcd, 1<<52 - 1 // bits of √½ and of a fraction
	var d V
	if m.Wide {
		d = m.SubInt(x, m.Bits(half))
		n = m.unary(x86.VCVTQQ2PD, m.shift(x86.VPSRAQ, 52, d))
		if minus {
			n = m.Sub(m.Num(0), n)
		}
	} else { // no arithmetic shift and no conversion: n + 1024 is the fraction of 2^52 + n + 1024
		d = m.AddInt(x, m.Bits(1024<<52-half))
		n = m.Or(m.Right(d, 52), m.Num(0x1p52))
		if sum := m.Num(0x1p52 + 1024); minus {
			n = m.Sub(sum, n)
		} else {
			n = m.Sub(n, sum)
		}
	}
	return n, m.AddInt(m.And(d, m.Bits(low)), m.Bits(half))
}

// AddTo sets acc = a + acc, FMATo acc = a·b + acc: for sums that go through loops.
func (m *Machine) AddTo(a, acc V) {
	for i := range acc {
		m.emit(x86.VADDPS, at(a, i), acc[i], acc[i])
	}
}

// FMATo sets acc = a·b + acc.
func (m *Machine) FMATo(a, b, acc V) {
	for i := range acc {
		m.emit(x86.VFMADD231PS, at(a, i), at(b, i), acc[i])
	}
}
