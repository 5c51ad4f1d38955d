package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// A gen emits code for one level (wide: vectors of 64 bytes) and one type, float32
// or float64. Every arithmetic method works on slices of registers, one for each
// vector in flight, and emits one instruction for each before the next step: the
// chains of dependent operations are long, and so they overlap.
type gen struct {
	*build.Context
	wide    bool
	bytes   int // of an element
	name    string
	table   operand.Mem
	size    int
	consts  map[constant]int
	vectors map[string]int
	q       reg.Register // the parameters
	fields  []string     // their names
}

type constant struct {
	bits  uint64
	bytes int
}

type (
	vecs []reg.VecVirtual
	op   = func(...operand.Op)
)

// A konst is a constant of the table or a parameter, in memory: an element to be
// broadcast, or with AVX2 32 bytes of a constant.
type konst struct {
	operand.Mem
	param bool
}

func newGen(c *build.Context, wide bool, name string, bytes int, fields []string) *gen {
	g := &gen{Context: c, wide: wide, name: name, bytes: bytes, fields: fields, consts: map[constant]int{}, vectors: map[string]int{}}
	g.table = g.StaticGlobal(name + g.suffix())
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	return g
}

func (g *gen) suffix() string {
	if g.wide {
		return "AVX512"
	}
	return "AVX2"
}

// level is a if wide, else b.
func (g *gen) level(a, b int) int {
	if g.wide {
		return a
	}
	return b
}

// typed returns the instruction of the type.
func (g *gen) typed(single, double op) op {
	if g.bytes == 4 {
		return single
	}
	return double
}

// vec returns a new vector register.
func (g *gen) vec() reg.VecVirtual {
	if g.wide {
		return g.ZMM()
	}
	return g.YMM()
}

func (g *gen) vecs(n int) vecs {
	v := make(vecs, n)
	for i := range v {
		v[i] = g.vec()
	}
	return v
}

// mem returns a constant in memory: one element where instructions broadcast,
// else a whole vector.
func (g *gen) mem(bits uint64, bytes int) operand.Mem {
	key := constant{bits, bytes}
	off, ok := g.consts[key]
	if !ok {
		off = g.size
		n := g.level(1, 32/bytes)
		for i := range n {
			if bytes == 4 {
				g.AddDatum(off+4*i, operand.U32(bits))
			} else {
				g.AddDatum(off+8*i, operand.U64(bits))
			}
		}
		g.size += n * bytes
		g.consts[key] = off
	}
	return g.table.Offset(off)
}

// u and f are constants.
func (g *gen) u(bits uint64) konst { return konst{Mem: g.mem(bits, g.bytes)} }

func (g *gen) f(x float64) konst {
	if g.bytes == 4 {
		return g.u(uint64(math.Float32bits(float32(x))))
	}
	return g.u(math.Float64bits(x))
}

// param is a field of the parameters.
func (g *gen) param(name string) konst {
	i := slices.Index(g.fields, name)
	if i < 0 {
		panic("no parameter " + name)
	}
	return konst{operand.Mem{Base: g.q, Disp: g.bytes * i}, true}
}

// rows returns the data of 8-byte lanes, a whole vector at both levels.
func (g *gen) rows(words ...uint64) operand.Mem {
	key := fmt.Sprint(words)
	if off, ok := g.vectors[key]; ok {
		return g.table.Offset(off)
	}
	off := (g.size + 63) / 64 * 64
	g.vectors[key] = off
	for i, w := range words {
		g.AddDatum(off+8*i, operand.U64(w))
	}
	g.size = off + 8*len(words)
	return g.table.Offset(off)
}

// load returns a register with the constant in every lane.
func (g *gen) load(k konst) reg.VecVirtual {
	v := g.vec()
	g.loadTo(k, v)
	return v
}

func (g *gen) loadTo(k konst, v reg.VecVirtual) {
	switch {
	case !g.wide && !k.param:
		g.typed(g.VMOVUPS, g.VMOVUPD)(k.Mem, v)
	case g.bytes == 4:
		g.VBROADCASTSS(k.Mem, v)
	default:
		g.VBROADCASTSD(k.Mem, v)
	}
}

// with emits, for each of n vectors, plain or on wide vectors its broadcasting
// form: the first operand is k, the others are rest(i).
func (g *gen) with(plain, bcst op, k konst, n int, rest func(i int) []operand.Op) {
	var m operand.Op = k.Mem
	f := plain
	if g.wide {
		f = bcst
	} else if k.param {
		m = g.load(k)
	}
	for i := range n {
		f(append([]operand.Op{m}, rest(i)...)...)
	}
}

// to calls with for operations d = x ∘ k.
func (g *gen) to(plain, bcst op, k konst, x, d vecs) vecs {
	if d == nil {
		d = g.vecs(len(x))
	}
	g.with(plain, bcst, k, len(x), func(i int) []operand.Op { return []operand.Op{x[i], d[i]} })
	return d
}

// each emits d = b ∘ a for instructions on registers alone.
func (g *gen) each(f op, a, b, d vecs) vecs {
	if d == nil {
		d = g.vecs(len(a))
	}
	for i := range a {
		f(b[i], a[i], d[i])
	}
	return d
}

// unary emits d = f(x).
func (g *gen) unary(f op, x, d vecs) vecs {
	if d == nil {
		d = g.vecs(len(x))
	}
	for i := range x {
		f(x[i], d[i])
	}
	return d
}

// shift emits a shift, or another instruction with a constant.
func (g *gen) shift(f op, by uint8, x, d vecs) vecs {
	if d == nil {
		d = g.vecs(len(x))
	}
	for i := range x {
		f(operand.U8(by), x[i], d[i])
	}
	return d
}

// same returns the register of k for each of n vectors.
func (g *gen) same(k konst, n int) vecs {
	v, r := make(vecs, n), g.load(k)
	for i := range v {
		v[i] = r
	}
	return v
}

// blend returns yes where the mask is set and no elsewhere, in new registers.
func (g *gen) blend(mask []reg.Register, yes, no vecs) vecs {
	d := g.vecs(len(yes))
	for i := range d {
		if !g.wide {
			g.typed(four(g.VBLENDVPS), four(g.VBLENDVPD))(mask[i], yes[i], no[i], d[i])
			continue
		}
		f := x86.VBLENDMPD
		if g.bytes == 4 {
			f = x86.VBLENDMPS
		}
		// avo takes the target of a blend for an input, as if it merged.
		in, err := f(yes[i], no[i], mask[i], d[i])
		if err != nil {
			panic(err)
		}
		in.Inputs = []operand.Op{yes[i], no[i], mask[i]}
		g.Instruction(in)
	}
	return d
}

// masks returns n registers for masks.
func (g *gen) masks(n int) []reg.Register {
	var out []reg.Register
	for range n {
		if g.wide {
			out = append(out, g.K())
		} else {
			out = append(out, g.YMM())
		}
	}
	return out
}

// Predicates of VCMPPS and VCMPPD: x = k, x < k, x ≤ k, x > k and x ≠ k or
// unordered.
const (
	equal   = 0x00
	less    = 0x11
	atMost  = 0x12
	greater = 0x1e
	differs = 0x04
)

// compare returns the mask x pred k.
func (g *gen) compare(pred uint8, x vecs, k konst) []reg.Register {
	out := g.masks(len(x))
	under := func(f op) op { return func(o ...operand.Op) { f(operand.U8(pred), o[0], o[1], o[2]) } }
	g.with(under(g.typed(g.VCMPPS, g.VCMPPD)), under(g.typed(g.VCMPPS_BCST, g.VCMPPD_BCST)),
		k, len(x), func(i int) []operand.Op { return []operand.Op{x[i], out[i]} })
	return out
}

// signMask returns the mask of the lanes with the sign bit set.
func (g *gen) signMask(w vecs) []reg.Register {
	var out []reg.Register
	for _, v := range w {
		if g.wide {
			k := g.K()
			g.typed(two(g.VPMOVD2M), two(g.VPMOVQ2M))(v, k)
			out = append(out, k)
		} else {
			out = append(out, v.(reg.Register))
		}
	}
	return out
}

// choose returns parameter yes where the mask is set, else no.
func (g *gen) choose(mask []reg.Register, yes, no string) vecs {
	return g.blend(mask, g.same(g.param(yes), len(mask)), g.same(g.param(no), len(mask)))
}

// two, three and four adapt instructions of as many operands.
func two(f func(a, b operand.Op)) op { return func(o ...operand.Op) { f(o[0], o[1]) } }

func three(f func(a, b, c operand.Op)) op { return func(o ...operand.Op) { f(o[0], o[1], o[2]) } }

func four(f func(a, b, c, d operand.Op)) op {
	return func(o ...operand.Op) { f(o[0], o[1], o[2], o[3]) }
}
