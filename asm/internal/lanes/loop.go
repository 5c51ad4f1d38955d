package lanes

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"heavytail/asm/internal/formula"
)

var labels int

// Label returns a name that is unique in the program.
func Label(s string) string {
	labels++
	return fmt.Sprintf("%s%d", s, labels)
}

// An Index is a position in slices: the elements at it and after it.
type Index struct {
	m    *Machine
	reg  reg.GPVirtual
	disp int
	Tail bool // fewer elements than a value has are left; loads and stores are masked
}

// Of returns the elements at the index after base, and disp bytes further on.
func (x Index) Of(base reg.Register, disp ...int) V {
	a := operand.Mem{Base: base, Index: x.reg, Scale: uint8(x.m.bytes()), Disp: x.disp}
	for _, d := range disp {
		a.Disp += d
	}
	return x.m.Memory(a)
}

// From returns the elements at the displacement of the index alone after base: for
// a pointer that At has moved to the first of a group.
func (x Index) From(base reg.Register) V {
	return x.m.Memory(operand.Mem{Base: base, Disp: x.disp})
}

// Memory returns the value at a.
func (m *Machine) Memory(a operand.Mem) V {
	v := make(V, m.parts())
	for i := range v {
		v[i] = a.Offset(m.Size() * i)
	}
	return v
}

// Loop runs body for the elements 0…n−1, a value at a time, unrolled by unroll;
// the last ones that do not fill a value are a tail. n is destroyed.
func (m *Machine) Loop(n reg.GPVirtual, unroll int, body func(x Index)) {
	m.Groups(n, []int{unroll}, func(xs []Index) {
		for _, x := range xs {
			body(x)
		}
	})
}

// Groups is Loop whose body gets several values at once: as many as the first of sizes
// while there are so many, then as the next, at last one.
func (m *Machine) Groups(n reg.GPVirtual, sizes []int, body func(xs []Index)) {
	w := m.Width()
	i := m.GP64()
	m.XORQ(i, i)
	tail, done := Label("tail"), Label("done")
	for _, u := range append(slices.Clip(sizes), 1) {
		next := Label("next")
		loop := Label("loop")
		if u == 1 {
			next = tail
		}
		m.SUBQ(operand.Imm(uint64(w*u)), n)
		m.JL(operand.LabelRef(next))
		m.Label(loop)
		var xs []Index
		for k := range u {
			xs = append(xs, Index{m, i, m.bytes() * w * k, false})
		}
		body(xs)
		m.ADDQ(operand.Imm(uint64(w*u)), i)
		m.SUBQ(operand.Imm(uint64(w*u)), n)
		m.JGE(operand.LabelRef(loop))
		m.Label(next)
		m.ADDQ(operand.Imm(uint64(w*u)), n)
		if u == 1 {
			break
		}
	}
	m.JZ(operand.LabelRef(done))
	m.TailMask(n)
	body([]Index{{m, i, 0, true}})
	m.Label(done)
}

// TailMask prepares the mask of the first n lanes of a value. n is destroyed.
func (m *Machine) TailMask(n reg.GPVirtual) {
	t := m.GP64()
	m.LEAQ(m.masks(), t)
	if m.Wide {
		m.kmask = m.K()
		m.KMOVW(operand.Mem{Base: t, Index: n, Scale: 2}, m.kmask)
		return
	}
	m.NEGQ(n)
	mask := operand.Mem{Base: t, Index: n, Scale: uint8(m.bytes()), Disp: 64}
	if m.Scarce {
		m.LEAQ(mask, t)
		m.pmask = t
		return
	}
	m.vmask = m.Reg(m.Memory(mask))
}

// masks returns where tails' masks are: with AVX-512 entry r of 16 bits has the low
// r set, with AVX2 16 lanes from entry 16−r on have the first r set.
func (m *Machine) masks() operand.Mem {
	var w []uint64
	if m.Wide {
		for r := 0; r < 16; r += 2 {
			w = append(w, 1<<r-1|(1<<(r+1)-1)<<16)
		}
	} else {
		w = make([]uint64, 32)
		for i := range 16 {
			w[i] = math.MaxUint32
		}
	}
	return m.data(4, 64, w...)
}

// Load returns the lanes at a, with zeros past the end in a tail.
func (m *Machine) Load(a V, tail bool) V {
	if !tail {
		return m.Reg(a)
	}
	v := m.News(len(a))
	for i := range v {
		if m.Wide {
			m.emit(m.typed(three(x86.VMOVUPS_Z), three(x86.VMOVUPD_Z)), a[i], m.kmask, v[i])
		} else {
			m.emit(m.typed(three(x86.VMASKMOVPS), three(x86.VMASKMOVPD)), a[i], m.narrowMask(i, v[i]), v[i])
		}
	}
	return v
}

// narrowMask returns the tail's mask of part i, in free if it is in memory.
func (m *Machine) narrowMask(i int, free formula.Reg) formula.Reg {
	if !m.Scarce {
		return m.vmask[i]
	}
	m.VMOVUPS(operand.Mem{Base: m.pmask, Disp: 32 * i}, free)
	return free
}

// Fetch is Load, but outside a tail it leaves the value in memory, to be the
// memory operand of one instruction.
func (m *Machine) Fetch(a V, tail bool) V {
	if tail {
		return m.Load(a, true)
	}
	return a
}

// Store writes v to a.
func (m *Machine) Store(v, a V, tail bool) {
	for i := range v {
		switch move := m.typed(x86.VMOVUPS, x86.VMOVUPD); {
		case !tail:
			m.emit(move, v[i], a[i])
		case m.Wide:
			m.emit(move, v[i], m.kmask, a[i])
		default:
			m.emit(m.typed(three(x86.VMASKMOVPS), three(x86.VMASKMOVPD)), v[i], m.narrowMask(i, m.Vec()), a[i])
		}
	}
}

// Clean zeroes the lanes of v past the end, in a tail.
func (m *Machine) Clean(v V, tail bool) {
	if !tail {
		return
	}
	if m.Wide {
		m.VMOVAPS_Z(v[0], m.kmask, v[0])
		return
	}
	m.Each(func(i int) { m.VANDPS(m.vmask[i], v[i], v[i]) })
}

// MaxTo sets acc = x where x > acc, in a tail only for the lanes before the
// end.
func (m *Machine) MaxTo(x V, acc V, tail bool) {
	switch {
	case !tail:
		m.Each(func(i int) { m.VMAXPS(acc[i], x[i], acc[i]) })
	case m.Wide:
		m.VMAXPS(acc[0], x[0], m.kmask, acc[0])
	default:
		m.Each(func(i int) {
			t := m.YMM()
			m.VMAXPS(acc[i], x[i], t)
			m.VBLENDVPS(m.vmask[i], t, acc[i], acc[i])
		})
	}
}

// Fold combines the 16 lanes 16 → 8 → 4 → 2 → 1 by f (lane j with lane j+8
// first in f's first operand) and returns the register that holds the result
// in its lowest lane.
func (m *Machine) Fold(v V, f func(ops ...operand.Op)) reg.VecVirtual {
	lo := m.YMM()
	if m.Wide {
		hi := m.YMM()
		m.VEXTRACTF32X8(operand.U8(1), v[0], hi)
		m.VEXTRACTF32X8(operand.U8(0), v[0], lo)
		f(lo, hi, lo)
	} else {
		f(v[0], v[1], lo)
	}
	a, b := m.XMM(), m.XMM()
	m.VEXTRACTF128(operand.U8(1), lo, b)
	m.VEXTRACTF128(operand.U8(0), lo, a)
	f(a, b, a)
	m.VMOVHLPS(a, a, b) // b = lanes 2, 3
	f(a, b, a)
	m.VMOVSHDUP(a, b) // b = lane 1
	f(a, b, a)
	return a
}

// Store32 stores the lowest lane of x as the result name.
func (m *Machine) Store32(x reg.VecVirtual, name string) {
	if name == "ret" {
		m.Context.Store(x, m.ReturnIndex(0))
		return
	}
	m.Context.Store(x, m.Return(name))
}

// At returns a register that points at the index after base.
func (m *Machine) At(x Index, base operand.Op) reg.GPVirtual {
	r := m.GP64()
	m.MOVQ(base, r)
	m.LEAQ(x.Of(r)[0], r)
	return r
}

// Maps writes kernels without memory.
func (m *Machine) Maps(list []formula.Map) {
	for _, f := range list {
		m.Func(f.Name, "func("+f.Params+")", f.Doc)
		m.Narrow = f.Unroll == 0
		pointers := func(names string) (p []reg.GPVirtual) {
			for _, n := range strings.Fields(names) {
				p = append(p, m.Ptr(n))
			}
			return p
		}
		to, from := pointers(f.Out), pointers(f.In)
		n := m.Len(strings.Fields(f.In)[0])
		var k, x []V
		for _, name := range strings.Fields(f.Spread) {
			k = append(k, m.Spread(name))
		}
		for range from {
			x = append(x, m.New16())
		}
		m.Hoist(f.Unroll > 0, func() { f.Of(m, x, k) })
		m.Loop(n, max(1, f.Unroll), func(i Index) {
			var x []V
			for _, p := range from {
				x = append(x, m.Fetch(i.Of(p), i.Tail))
			}
			for j, y := range f.Of(m, x, k) {
				m.Store(y, i.Of(to[j]), i.Tail)
			}
		})
		m.Ret()
	}
}
