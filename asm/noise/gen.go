package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// A gen emits code for one level: 16 lanes (wide) or 8. Every arithmetic
// method works on slices of registers, one for each vector in flight, and
// emits one instruction for each before the next step: the chains of
// dependent operations are long, and so they overlap.
type gen struct {
	*build.Context
	wide    bool
	table   operand.Mem
	size    int
	consts  map[uint64]int
	vectors map[string]int
	q       reg.Register // *NoiseParams
}

type vecs []reg.VecVirtual

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

func (g *gen) suffix() string {
	if g.wide {
		return "AVX512"
	}
	return "AVX2"
}

// mem returns a constant in memory: one element where instructions broadcast,
// else a whole vector.
func (g *gen) mem(bits uint64, bytes int) operand.Mem {
	key := bits | uint64(bytes)<<60
	off, ok := g.consts[key]
	if !ok {
		off = g.size
		n := 1
		if !g.wide {
			n = 32 / bytes
		}
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

func (g *gen) f(x float32) operand.Mem { return g.mem(uint64(math.Float32bits(x)), 4) }
func (g *gen) u(x uint32) operand.Mem  { return g.mem(uint64(x), 4) }

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
func (g *gen) load(m operand.Mem) reg.VecVirtual {
	v := g.vec()
	g.loadTo(m, v)
	return v
}

func (g *gen) loadTo(m operand.Mem, v reg.VecVirtual) {
	if g.wide {
		g.VBROADCASTSS(m, v)
	} else {
		g.VMOVUPS(m, v)
	}
}

// paramNames are the float32 of simd.NoiseParams in their order.
var paramNames = strings.Fields(`Scale A Expo Bias
	Alpha AlphaLo Eps ExpoLo BiasN Kp Km Kp1 Km1 KpLo KmLo Shift Least Zero`)

// paramMem returns the address of a parameter.
func (g *gen) paramMem(name string) operand.Mem {
	i := slices.Index(paramNames, name)
	if i < 0 {
		panic("no parameter " + name)
	}
	return operand.Mem{Base: g.q, Disp: 4 * i}
}

// param returns a register with a parameter in every lane.
func (g *gen) param(name string) reg.VecVirtual {
	v := g.vec()
	g.VBROADCASTSS(g.paramMem(name), v)
	return v
}

// withParam emits plain or, on wide vectors, its broadcasting form for each of
// the targets: the first operand is the parameter.
func (g *gen) withParam(plain, bcst op, name string, rest ...vecs) {
	var first operand.Op = g.paramMem(name)
	if !g.wide {
		first = g.param(name)
	}
	for i := range rest[0] {
		ops := []operand.Op{first}
		for _, r := range rest {
			ops = append(ops, r[i])
		}
		if g.wide {
			bcst(ops...)
		} else {
			plain(ops...)
		}
	}
}

// paramTable is the offset of simd.NoiseParams.Table.
const paramTable = 72

type op = func(...operand.Op)

// with emits plain or, on wide vectors, its broadcasting form: the first
// operand is the constant m.
func (g *gen) with(plain, bcst op, m operand.Mem, rest ...operand.Op) {
	if g.wide {
		bcst(append([]operand.Op{m}, rest...)...)
	} else {
		plain(append([]operand.Op{m}, rest...)...)
	}
}

// fmac sets r = r·x + c for a constant c.
func (g *gen) fmac(r, x vecs, c float32) {
	for i := range r {
		g.with(g.VFMADD213PS, g.VFMADD213PS_BCST, g.f(c), x[i], r[i])
	}
}

// mul returns a·b, into a new register.
func (g *gen) mul(a, b vecs) vecs {
	d := g.vecs(len(a))
	g.mulTo(a, b, d)
	return d
}

func (g *gen) mulTo(a, b, d vecs) {
	for i := range a {
		g.VMULPS(b[i], a[i], d[i])
	}
}

// horner returns Σ c[j]·x^j.
func (g *gen) horner(x vecs, c []float32) vecs {
	r := g.vecs(len(x))
	n := len(c) - 1
	for i := range r {
		g.loadTo(g.f(c[n]), r[i])
	}
	for j := n - 1; j >= 0; j-- {
		g.fmac(r, x, c[j])
	}
	return r
}

// blend returns yes where the mask is set and no elsewhere, in a new register.
func (g *gen) blend(mask []reg.Register, yes, no vecs) vecs {
	d := g.vecs(len(yes))
	for i := range d {
		if g.wide {
			// avo takes the target of a blend for an input, as if it merged.
			in, err := x86.VBLENDMPS(yes[i], no[i], mask[i], d[i])
			if err != nil {
				panic(err)
			}
			in.Inputs = []operand.Op{yes[i], no[i], mask[i]}
			g.Instruction(in)
		} else {
			g.VBLENDVPS(mask[i], yes[i], no[i], d[i])
		}
	}
	return d
}

// greater returns the mask x > c; greaterInt is its form for signed integers.
func (g *gen) greater(x vecs, c float32) []reg.Register {
	return g.compare(x, func(v, m operand.Op) {
		g.with(
			func(o ...operand.Op) { g.VCMPPS(operand.U8(0x1e), o[0], o[1], o[2]) },
			func(o ...operand.Op) { g.VCMPPS_BCST(operand.U8(0x1e), o[0], o[1], o[2]) },
			g.f(c), v, m)
	})
}

func (g *gen) greaterInt(x vecs, c uint32) []reg.Register {
	return g.compare(x, func(v, m operand.Op) {
		if g.wide {
			g.VPCMPD_BCST(operand.U8(2), g.u(c), v, m)
		} else {
			g.VPCMPGTD(g.u(c), v, m)
		}
	})
}

// zero returns the mask x = 0.
func (g *gen) zero(x vecs) []reg.Register {
	return g.compare(x, func(v, m operand.Op) {
		g.with(
			func(o ...operand.Op) { g.VCMPPS(operand.U8(0), o[0], o[1], o[2]) },
			func(o ...operand.Op) { g.VCMPPS_BCST(operand.U8(0), o[0], o[1], o[2]) },
			g.f(0), v, m)
	})
}

func (g *gen) compare(x vecs, emit func(v, m operand.Op)) []reg.Register {
	var out []reg.Register
	for _, v := range x {
		var m reg.Register
		if g.wide {
			m = g.K()
		} else {
			m = g.YMM()
		}
		emit(v, m)
		out = append(out, m)
	}
	return out
}

// xorSign flips the sign of x where bit 31 of w is set.
func (g *gen) xorSign(x, w vecs) {
	for i := range x {
		if g.wide {
			g.VPTERNLOGD_BCST(operand.U8(0x78), g.u(1<<31), w[i], x[i]) // x ^ w & sign
		} else {
			t := g.vec()
			g.VPAND(g.u(1<<31), w[i], t)
			g.VPXOR(t, x[i], x[i])
		}
	}
}

// three adapts an instruction of three operands.
func three(f func(a, b, c operand.Op)) op {
	return func(o ...operand.Op) { f(o[0], o[1], o[2]) }
}
