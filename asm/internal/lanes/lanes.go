// Package lanes writes vector kernels once for both levels of amd64. A value
// is 16 float32: one ZMM register with AVX-512, two YMM registers with AVX2, so
// that reductions have the same 16 lanes. Where lanes do not meet, a kernel
// may be narrow: with AVX2 a value is then one register of 8. Tails use masks
// and touch nothing outside.
package lanes

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A Machine writes the kernels of one level.
type Machine struct {
	*build.Context
	Wide bool // AVX-512

	// Narrow makes values of one register with AVX2, for kernels that would
	// need more than 16 registers and do not reduce across lanes.
	Narrow bool

	consts []uint32
	table  operand.Mem // constants: 4 bytes each if Wide, else 32
	masks  operand.Mem
	kmask  reg.OpmaskVirtual // the tail's mask
	vmask  V
}

// V is a value: the registers of its 16 (narrow: 8) lanes.
type V []reg.VecVirtual

// An Arg is an operand that supplies part i of 16 lanes.
type Arg interface{ at(i int) operand.Op }

func (v V) at(i int) operand.Op { return v[i] }

// Mem is 16 consecutive float32.
type Mem struct{ operand.Mem }

func (m Mem) at(i int) operand.Op { return m.Offset(32 * i) }

// same is one operand for all parts.
type same struct{ operand.Op }

func (s same) at(int) operand.Op { return s.Op }

// New returns the machine of a level whose functions may use the given
// constants (bits of float32).
func New(c *build.Context, wide bool, consts []uint32) *Machine {
	m := &Machine{Context: c, Wide: wide, consts: consts}
	if len(consts) > 0 {
		m.table = c.StaticGlobal("constants")
		c.DataAttributes(attr.RODATA | attr.NOPTR)
		n := 8
		if wide {
			n = 1
		}
		for i, v := range consts {
			for j := range n {
				c.AddDatum(4*(i*n+j), operand.U32(v))
			}
		}
	}
	m.masks = c.StaticGlobal("tails")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	if wide { // entry r: the low r bits
		for r := range 16 {
			c.AddDatum(2*r, operand.U16(1<<r-1))
		}
		return m
	}
	for i := range 32 { // 16 lanes from entry 16−r on: the first r set
		v := uint32(0)
		if i < 16 {
			v = math.MaxUint32
		}
		c.AddDatum(4*i, operand.U32(v))
	}
	return m
}

// Func begins a function and Ret ends it; the name gets the level's suffix.
func (m *Machine) Func(name, signature string, doc ...string) {
	m.Narrow = false
	suffix := "AVX2"
	if m.Wide {
		suffix = "AVX512"
	}
	m.Function(name + suffix)
	m.Attributes(attr.NOSPLIT)
	m.SignatureExpr(signature)
	m.Doc(doc...)
	m.kmask, m.vmask = nil, nil
}

// Ret returns.
func (m *Machine) Ret() {
	m.VZEROUPPER()
	m.RET()
}

// Ptr loads the base of a slice parameter.
func (m *Machine) Ptr(name string) reg.GPVirtual {
	r := m.GP64()
	m.Context.Load(m.Param(name).Base(), r)
	return r
}

// Len loads the length of a slice parameter.
func (m *Machine) Len(name string) reg.GPVirtual {
	r := m.GP64()
	m.Context.Load(m.Param(name).Len(), r)
	return r
}

// Int loads an integer or pointer parameter.
func (m *Machine) Int(name string) reg.GPVirtual {
	r := m.GP64()
	m.Context.Load(m.Param(name), r)
	return r
}

// Spread loads a float32 parameter into all lanes.
func (m *Machine) Spread(name string) V {
	a, err := m.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return m.SpreadMem(a.Addr)
}

// SpreadMem loads one float32 into all lanes.
func (m *Machine) SpreadMem(a operand.Mem) V {
	if m.Wide {
		z := m.ZMM()
		m.VBROADCASTSS(a, z)
		return V{z}
	}
	y := m.YMM()
	m.VBROADCASTSS(a, y)
	return m.both(y)
}

// both returns the AVX2 value whose parts are all y.
func (m *Machine) both(y reg.VecVirtual) V {
	if m.Narrow {
		return V{y}
	}
	return V{y, y}
}

// Width returns the number of lanes of a value.
func (m *Machine) Width() int {
	if m.Narrow && !m.Wide {
		return 8
	}
	return 16
}

// New16 returns registers for a value.
func (m *Machine) New16() V {
	if m.Wide {
		return V{m.ZMM()}
	}
	if m.Narrow {
		return V{m.YMM()}
	}
	return V{m.YMM(), m.YMM()}
}

// Zero returns 16 zeros.
func (m *Machine) Zero() V {
	v := m.New16()
	for _, r := range v {
		if m.Wide {
			m.VPXORD(r, r, r)
		} else {
			m.VXORPS(r, r, r)
		}
	}
	return v
}

// Const returns constant bits: a register with AVX-512 (loaded here, so call
// it outside loops), memory with AVX2, which has too few registers.
func (m *Machine) Const(bits uint32) Arg {
	for i, v := range m.consts {
		if v != bits {
			continue
		}
		if m.Wide {
			return m.SpreadMem(m.table.Offset(4 * i))
		}
		return same{m.table.Offset(32 * i)}
	}
	panic("lanes: constant is not in the table")
}

// Float is Const of a float32.
func (m *Machine) Float(v float32) Arg { return m.Const(math.Float32bits(v)) }

// Reg returns a in registers of its own or, if it has them already, a.
func (m *Machine) Reg(a Arg) V {
	if v, ok := a.(V); ok {
		return v
	}
	if s, ok := a.(same); ok && !m.Wide {
		y := m.YMM()
		m.VMOVUPS(s.Op, y)
		return m.both(y)
	}
	v := m.New16()
	m.Each(func(i int) { m.VMOVUPS(a.at(i), v[i]) })
	return v
}

// Move sets dst to src.
func (m *Machine) Move(src, dst V) { m.Each(func(i int) { m.VMOVAPS(src[i], dst[i]) }) }

// Each calls f for every part of a value.
func (m *Machine) Each(f func(i int)) {
	f(0)
	if !m.Wide && !m.Narrow {
		f(1)
	}
}

// Op3 emits an instruction f(a, b, dst) in Go's operand order for every part;
// a may be memory. dst nil makes new registers. It returns dst.
func (m *Machine) Op3(f func(ops ...operand.Op), a Arg, b, dst V) V {
	if dst == nil {
		dst = m.New16()
	}
	m.Each(func(i int) { f(a.at(i), b[i], dst[i]) })
	return dst
}

// Add returns a + b.
func (m *Machine) Add(a Arg, b V) V { return m.Op3(m.VADDPS, a, b, nil) }

// Sub returns b − a.
func (m *Machine) Sub(a Arg, b V) V { return m.Op3(m.VSUBPS, a, b, nil) }

// Mul returns a·b.
func (m *Machine) Mul(a Arg, b V) V { return m.Op3(m.VMULPS, a, b, nil) }

// Div returns b/a.
func (m *Machine) Div(a Arg, b V) V { return m.Op3(m.VDIVPS, a, b, nil) }

// AddTo sets dst = a + dst.
func (m *Machine) AddTo(a Arg, dst V) { m.Op3(m.VADDPS, a, dst, dst) }

// FMA231 sets dst = a·b + dst.
func (m *Machine) FMA231(a Arg, b, dst V) { m.op3(m.VFMADD231PS, a, b, dst) }

// FMA213 sets dst = b·dst + a.
func (m *Machine) FMA213(a Arg, b, dst V) { m.op3(m.VFMADD213PS, a, b, dst) }

// FMA132 sets dst = a·dst + b.
func (m *Machine) FMA132(a Arg, b, dst V) { m.op3(m.VFMADD132PS, a, b, dst) }

// FNMA231 sets dst = −a·b + dst.
func (m *Machine) FNMA231(a Arg, b, dst V) { m.op3(m.VFNMADD231PS, a, b, dst) }

func (m *Machine) op3(f func(ops ...operand.Op), a Arg, b, dst V) { m.Op3(f, a, b, dst) }

// AtLeast returns lo where x < lo, else x (NaN stays).
func (m *Machine) AtLeast(x Arg, lo Arg) V { return m.Op3(m.VMAXPS, x, m.Reg(lo), nil) }

// AtMost returns hi where x > hi, else x (NaN stays).
func (m *Machine) AtMost(x Arg, hi Arg) V { return m.Op3(m.VMINPS, x, m.Reg(hi), nil) }

// And returns the bits a & b.
func (m *Machine) And(a Arg, b V) V { return m.Op3(m.VANDPS, a, b, nil) }

// Or returns the bits a | b.
func (m *Machine) Or(a Arg, b V) V { return m.Op3(m.VORPS, a, b, nil) }

// Xor returns the bits a ^ b.
func (m *Machine) Xor(a Arg, b V) V { return m.Op3(m.VXORPS, a, b, nil) }

// AddInt and SubInt are 32-bit integer a + b and b − a.
func (m *Machine) AddInt(a Arg, b V) V { return m.Op3(m.VPADDD, a, b, nil) }

// SubInt returns b − a.
func (m *Machine) SubInt(a Arg, b V) V { return m.Op3(m.VPSUBD, a, b, nil) }

// Select returns t where a pred b holds, else f. pred is VCMPPS's.
func (m *Machine) Select(pred Predicate, a V, b, t Arg, f V) V {
	v := m.New16()
	m.Each(func(i int) {
		if m.Wide {
			k := m.K()
			m.VCMPPS(operand.U8(pred), b.at(i), a[i], k)
			m.VMOVAPS(f[i], v[i])
			m.VMOVAPS(t.at(i), k, v[i])
			return
		}
		c := m.YMM()
		m.VCMPPS(operand.U8(pred), b.at(i), a[i], c)
		m.VBLENDVPS(c, t.at(i), f[i], v[i])
	})
	return v
}

// SelectSign returns t where the sign bit of s is set, else f.
func (m *Machine) SelectSign(s V, t, f V) V {
	v := m.New16()
	m.Each(func(i int) {
		if m.Wide {
			k := m.K()
			m.VPMOVD2M(s[i], k)
			m.VMOVAPS(f[i], v[i])
			m.VMOVAPS(t[i], k, v[i])
			return
		}
		m.VBLENDVPS(s[i], t[i], f[i], v[i])
	})
	return v
}

// A Predicate compares as VCMPPS does.
type Predicate uint8

// Predicates.
const (
	EQ  Predicate = 0  // equal
	LT  Predicate = 17 // less
	NLE Predicate = 22 // not less or equal: greater or unordered
)

// Shift emits a shift instruction f(imm, a, dst) and returns dst.
func (m *Machine) Shift(f func(ops ...operand.Op), by uint8, a V) V {
	v := m.New16()
	m.Each(func(i int) { f(operand.U8(by), a[i], v[i]) })
	return v
}

// Unary emits an instruction f(a, dst) and returns dst.
func (m *Machine) Unary(f func(ops ...operand.Op), a Arg) V {
	v := m.New16()
	m.Each(func(i int) { f(a.at(i), v[i]) })
	return v
}
