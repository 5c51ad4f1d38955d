package lanes

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"heavytail/asm/internal/formula"
)

// A Mask is in opmask registers with AVX-512, else the sign bits of vectors.
type Mask = formula.Mask

// A complement is an opmask register of the lanes that are not set.
type complement struct{ reg.OpmaskVirtual }

// Instructions' predicates.
var predicates = map[formula.Predicate]int{
	formula.Equal: 0x00, formula.Less: 0x11, formula.AtMost: 0x12,
	formula.Greater: 0x1e, formula.AtLeast: 0x1d,
}

// turned are the predicates of operands in the other order.
var turned = map[formula.Predicate]formula.Predicate{
	formula.Equal: formula.Equal,
	formula.Less:  formula.Greater, formula.Greater: formula.Less,
	formula.AtMost: formula.AtLeast, formula.AtLeast: formula.AtMost,
}

// mask returns a new register for a mask.
func (m *Machine) mask() formula.Reg {
	if m.Wide {
		return m.K()
	}
	return m.YMM()
}

// Compare returns where a p b holds.
func (m *Machine) Compare(p formula.Predicate, a, b V) Mask {
	if t, ok := turned[p]; ok && !inRegister(a) && inRegister(b) {
		p, a, b = t, b, a
	}
	a, b = m.Reg(a), m.readable(b)
	out := make(Mask, max(len(a), len(b)))
	for i := range out {
		out[i] = m.mask()
		m.emit(m.typed(x86.VCMPPS, x86.VCMPPD), operand.U8(predicates[p]), at(b, i), at(a, i), out[i])
	}
	return out
}

// GreaterInt returns where a > b as signed integers of 32 bits.
func (m *Machine) GreaterInt(a, b V) Mask {
	a, b = m.Reg(a), m.readable(b)
	out := make(Mask, max(len(a), len(b)))
	for i := range out {
		if r := m.mask(); m.Wide {
			m.emit(x86.VPCMPD, operand.U8(2), at(b, i), at(a, i), r)
			out[i] = complement{r.(reg.OpmaskVirtual)}
		} else {
			m.emit(x86.VPCMPGTD, at(b, i), at(a, i), r)
			out[i] = r
		}
	}
	return out
}

// NotBelow returns where a ≥ b as integers of 32 bits without sign.
func (m *Machine) NotBelow(a, b V) Mask {
	a = m.Reg(a)
	out := make(Mask, len(a))
	for i := range out {
		out[i] = m.mask()
		if m.Wide {
			m.emit(x86.VPCMPUD, operand.U8(5), at(b, i), a[i], out[i])
			continue
		}
		top := m.YMM()
		m.emit(x86.VPMAXUD, at(b, i), a[i], top)
		m.emit(x86.VPCMPEQD, top, a[i], out[i])
	}
	return out
}

// SignMask returns where the sign bit is set.
func (m *Machine) SignMask(a V) Mask {
	if !m.Wide {
		return Mask(a)
	}
	out := make(Mask, len(a))
	for i := range a {
		out[i] = m.mask()
		m.emit(m.typed(two(x86.VPMOVD2M), two(x86.VPMOVQ2M)), a[i], out[i])
	}
	return out
}

// Both returns a and b, Either a or b.
func (m *Machine) Both(a, b Mask) Mask {
	if !m.Wide {
		return Mask(m.And(V(a), V(b)))
	}
	return m.opmasks(three(x86.KANDB), a, b)
}

// Either returns a or b.
func (m *Machine) Either(a, b Mask) Mask {
	if !m.Wide {
		return Mask(m.Or(V(a), V(b)))
	}
	return m.opmasks(three(x86.KORB), a, b)
}

func (m *Machine) opmasks(f op, a, b Mask) Mask {
	out := make(Mask, len(a))
	for i := range a {
		out[i] = m.mask()
		m.emit(f, a[i], b[i], out[i])
	}
	return out
}

// Select returns yes where the mask is set, no elsewhere.
func (m *Machine) Select(mask Mask, yes, no V) V {
	d := m.News(len(mask))
	if !m.Wide {
		yes, no = m.readable(yes), m.Reg(no)
		for i := range d {
			m.emit(m.typed(four(x86.VBLENDVPS), four(x86.VBLENDVPD)), mask[i], at(yes, i), at(no, i), d[i])
		}
		return d
	}
	yes, no = m.Reg(yes), m.Reg(no)
	for i := range d {
		f, k, y, n := m.typed(x86.VBLENDMPS, x86.VBLENDMPD), operand.Op(mask[i]), at(yes, i), at(no, i)
		if c, ok := k.(complement); ok {
			k, y, n = c.OpmaskVirtual, n, y
		}
		// avo takes the target of a blend for an input, as if it merged.
		in, err := f(y, n, k, d[i])
		if err != nil {
			panic(err)
		}
		in.Inputs = []operand.Op{y, n, k}
		m.Instruction(in)
	}
	return d
}

// Zero returns a, but 0 where the mask is not set.
func (m *Machine) Zero(mask Mask, a V) V {
	if !m.Wide {
		return m.And(V(mask), a)
	}
	d := m.News(len(mask))
	for i := range d {
		m.emit(m.typed(three(x86.VMOVAPS_Z), three(x86.VMOVAPD_Z)), at(a, i), mask[i], d[i])
	}
	return d
}

// ToFloatUnless converts integers of 32 bits, to 0 where the mask of GreaterInt is
// set.
func (m *Machine) ToFloatUnless(mask Mask, a V) V {
	d := m.News(len(a))
	for i := range a {
		if m.Wide {
			m.emit(three(x86.VCVTDQ2PS_Z), a[i], mask[i].(complement).OpmaskVirtual, d[i])
		} else {
			m.emit(three(x86.VPANDN), a[i], mask[i], d[i])
		}
	}
	if !m.Wide {
		return m.ToFloat(d)
	}
	return d
}

// SetLow sets the lowest bit where the mask is set.
func (m *Machine) SetLow(mask Mask, a V) V {
	if !m.Wide {
		return m.Or(a, m.Right(V(mask), 31))
	}
	d := m.News(len(a))
	for i := range a {
		m.copyTo(a[i], d[i])
		m.emit(x86.VPORD, m.Bits(1)[0], d[i], mask[i], d[i])
	}
	return d
}

// Flip flips the sign of x where that of w is set.
func (m *Machine) Flip(x, w V) V {
	sign := m.Bits(m.sign())
	if m.Wide {
		return m.ternary(0x78, sign, w, x) // x ^ w & sign
	}
	return m.Xor(m.And(w, sign), x)
}
