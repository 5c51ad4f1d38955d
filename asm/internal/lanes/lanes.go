// Package lanes is the machine of amd64: it writes vector kernels once for both
// of its levels. A value is 16 float32: one ZMM register with AVX-512, two YMM
// registers with AVX2, so that reductions have the same 16 lanes. Where lanes do
// not meet, a kernel may be narrow: with AVX2 a value is then one register of 8.
// Values of any number of registers are what package formula computes with. Tails
// use masks and touch nothing outside.
package lanes

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/formula"
)

// A Machine writes the kernels of one level.
type Machine struct {
	*build.Context
	Wide   bool // AVX-512
	Double bool // elements are float64

	// Narrow makes values of one register with AVX2, for kernels that would
	// need more than 16 registers and do not reduce across lanes.
	Narrow bool
	// Scarce leaves the mask of a tail in memory with AVX2, for kernels that need
	// 16 registers even so.
	Scarce bool

	// Fields are the names of the parameters that Param finds from P on.
	Fields []string
	P      reg.Register

	file  *build.Context
	table operand.Mem // constants: an element each if Wide, else 32 bytes
	size  int
	datum map[string]int
	kept  map[uint64]formula.Reg
	asked []uint64          // the constants that Hoist's body needs
	kmask reg.OpmaskVirtual // the tail's mask
	vmask V
	pmask reg.GPVirtual // where it is
}

// V is a value: its registers, or the memory that an instruction may read instead.
type V = formula.Value

// New returns the machine of a level; family names its table.
func New(c *build.Context, wide bool, family string) *Machine {
	m := &Machine{Context: c, file: c, Wide: wide, datum: map[string]int{}}
	m.table = c.StaticGlobal(family + m.Suffix())
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	return m
}

// Suffix is the level's in names of functions.
func (m *Machine) Suffix() string {
	if m.Wide {
		return "AVX512"
	}
	return "AVX2"
}

// Func begins a function and Ret ends it; the name gets the level's suffix.
func (m *Machine) Func(name, signature string, doc ...string) {
	m.Narrow, m.Scarce = false, false
	m.Function(name + m.Suffix())
	m.Attributes(attr.NOSPLIT)
	m.SignatureExpr(signature)
	m.Doc(doc...)
	m.kmask, m.vmask, m.kept = nil, nil, map[uint64]formula.Reg{}
}

// Ret returns.
func (m *Machine) Ret() {
	m.VZEROUPPER()
	m.RET()
}

// Ptr loads the base of a slice parameter.
func (m *Machine) Ptr(name string) reg.GPVirtual {
	r := m.GP64()
	m.Context.Load(m.Context.Param(name).Base(), r)
	return r
}

// Len loads the length of a slice parameter.
func (m *Machine) Len(name string) reg.GPVirtual {
	r := m.GP64()
	m.Context.Load(m.Context.Param(name).Len(), r)
	return r
}

// Int loads an integer or pointer parameter.
func (m *Machine) Int(name string) reg.GPVirtual {
	r := m.GP64()
	m.Context.Load(m.Context.Param(name), r)
	return r
}

// Bytes is Int of a number of float32, in bytes.
func (m *Machine) Bytes(name string) reg.GPVirtual {
	r := m.Int(name)
	m.SHLQ(operand.Imm(2), r)
	return r
}

// Arg returns the memory of a parameter, to be read where it is needed when
// registers are scarce.
func (m *Machine) Arg(name string) operand.Mem {
	a, err := m.Context.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return a.Addr
}

// Spread loads a float32 parameter into all lanes.
func (m *Machine) Spread(name string) V { return m.SpreadMem(m.Arg(name)) }

// SpreadMem loads a float32 in memory into all lanes.
func (m *Machine) SpreadMem(a operand.Mem) V {
	r := m.Vec()
	m.VBROADCASTSS(a, r)
	v := make(V, m.parts())
	for i := range v {
		v[i] = r
	}
	return v
}

// bytes is the size of an element, lanes how many a register has.
func (m *Machine) bytes() int {
	if m.Double {
		return 8
	}
	return 4
}

func (m *Machine) lanes() int { return m.Size() / m.bytes() }

// Size is that of a register in bytes.
func (m *Machine) Size() int {
	if m.Wide {
		return 64
	}
	return 32
}

// parts is the number of registers of a value of 16 lanes, narrow of those it has.
func (m *Machine) parts() int {
	if m.Wide || m.Narrow {
		return 1
	}
	return 2
}

// Width returns the number of lanes of a value.
func (m *Machine) Width() int { return m.lanes() * m.parts() }

// Vec returns a new register.
func (m *Machine) Vec() reg.VecVirtual {
	if m.Wide {
		return m.ZMM()
	}
	return m.YMM()
}

// News returns a value of n new registers.
func (m *Machine) News(n int) V {
	v := make(V, n)
	for i := range v {
		v[i] = m.Vec()
	}
	return v
}

// New16 returns registers for a value.
func (m *Machine) New16() V { return m.News(m.parts()) }

// ZeroLanes returns 16 zeros.
func (m *Machine) ZeroLanes() V {
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

// Each calls f for every part of a value of 16 lanes.
func (m *Machine) Each(f func(i int)) {
	for i := range m.parts() {
		f(i)
	}
}

// data returns the place of words of size bytes in the table of constants, which
// begins at a multiple of align.
func (m *Machine) data(size, align int, words ...uint64) operand.Mem {
	key := fmt.Sprint(size, align, words)
	off, ok := m.datum[key]
	if !ok {
		off = (m.size + align - 1) / align * align
		for i, w := range words {
			if size == 4 {
				m.file.AddDatum(off+4*i, operand.U32(w))
			} else {
				m.file.AddDatum(off+8*i, operand.U64(w))
			}
		}
		m.datum[key] = off
		m.size = off + size*len(words)
	}
	return m.table.Offset(off)
}

// Words returns 64-bit numbers in memory, a whole vector or more at both levels.
func (m *Machine) Words(w ...uint64) operand.Mem { return m.data(8, 64, w...) }

// Scalar returns a constant of size bytes in memory: one where instructions
// broadcast, else 32 bytes of it.
func (m *Machine) Scalar(bits uint64, size int) operand.Mem {
	words := []uint64{bits}
	if !m.Wide {
		for len(words)*size < 32 {
			words = append(words, bits)
		}
	}
	return m.data(size, size*len(words), words...)
}

// A konst is a constant of the table or a parameter in memory.
type konst struct {
	operand.Mem
	spread bool // it is one element
}

// Bits is a constant, where it is kept or else in memory.
func (m *Machine) Bits(b uint64) V {
	if r, ok := m.kept[b]; ok {
		return V{r}
	}
	m.asked = append(m.asked, b)
	return V{konst{m.Scalar(b, m.bytes()), m.Wide}}
}

// Num is a constant.
func (m *Machine) Num(x float64) V {
	if m.Double {
		return m.Bits(math.Float64bits(x))
	}
	return m.Bits(uint64(math.Float32bits(float32(x))))
}

// Param is a field of the parameters.
func (m *Machine) Param(name string) V {
	for i, f := range m.Fields {
		if f == name {
			return V{konst{operand.Mem{Base: m.P, Disp: m.bytes() * i}, true}}
		}
	}
	panic("lanes: no parameter " + name)
}

// Const is Bits of what loops need again and again: with AVX-512 it is loaded into
// a register, here, so call it outside of them; AVX2 has too few.
func (m *Machine) Const(b uint64) V { return m.keep(b, m.Wide) }

func (m *Machine) keep(b uint64, inRegister bool) V {
	v := m.Bits(b)
	if _, ok := v[0].(konst); ok && inRegister {
		v = m.Reg(v)
		m.kept[b] = v[0]
	}
	return v
}

// Float is Const of a float32.
func (m *Machine) Float(x float32) V { return m.Const(uint64(math.Float32bits(x))) }

// Hoist is Const of all that body needs: the body of a loop to come, which is
// written into the air for it. Few constants go into registers with AVX2 too.
func (m *Machine) Hoist(few bool, body func()) {
	m.Context, m.asked = build.NewContext(), nil
	m.Function("hoisted")
	body()
	m.Context = m.file
	for _, b := range m.asked {
		m.keep(b, few || m.Wide)
	}
}
