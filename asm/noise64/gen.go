package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// A gen emits code for one level: 8 lanes of 64 bits (wide) or 4. Every
// arithmetic method works on slices of registers, one for each vector in
// flight, and emits one instruction for each before the next step: the chains of
// dependent operations are long, and so they overlap.
type gen struct {
	*build.Context
	wide    bool
	table   operand.Mem
	size    int
	consts  map[uint64]int
	vectors map[string]int
	q       reg.Register // *Noise64Params or *Gamma64Params
	fields  []string
}

type (
	vecs []reg.VecVirtual
	op   = func(...operand.Op)
)

// A konst is a constant of the table or a parameter, in memory: 8 bytes to be
// broadcast, or with AVX2 32 bytes of a constant.
type konst struct {
	operand.Mem
	param bool
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

func (g *gen) suffix() string {
	if g.wide {
		return "AVX512"
	}
	return "AVX2"
}

// u and f are constants.
func (g *gen) u(bits uint64) konst {
	off, ok := g.consts[bits]
	if !ok {
		off = g.size
		n := 1
		if !g.wide {
			n = 4
		}
		for i := range n {
			g.AddDatum(off+8*i, operand.U64(bits))
		}
		g.size += 8 * n
		g.consts[bits] = off
	}
	return konst{Mem: g.table.Offset(off)}
}

func (g *gen) f(x float64) konst { return g.u(math.Float64bits(x)) }

// param is a field of the parameters.
func (g *gen) param(name string) konst {
	for i, n := range g.fields {
		if n == name {
			return konst{operand.Mem{Base: g.q, Disp: 8 * i}, true}
		}
	}
	panic("no parameter " + name)
}

// rows returns the data of 8-byte lanes.
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
	if g.wide || k.param {
		g.VBROADCASTSD(k.Mem, v)
	} else {
		g.VMOVUPD(k.Mem, v)
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

// addK, subK and mulK return x+k, x−k and x·k in d, or new registers if d is
// nil.
func (g *gen) addK(x vecs, k konst, d vecs) vecs { return g.to(g.VADDPD, g.VADDPD_BCST, k, x, d) }
func (g *gen) subK(x vecs, k konst, d vecs) vecs { return g.to(g.VSUBPD, g.VSUBPD_BCST, k, x, d) }
func (g *gen) mulK(x vecs, k konst, d vecs) vecs { return g.to(g.VMULPD, g.VMULPD_BCST, k, x, d) }
func (g *gen) minK(x vecs, k konst, d vecs) vecs { return g.to(g.VMINPD, g.VMINPD_BCST, k, x, d) }
func (g *gen) maxK(x vecs, k konst, d vecs) vecs { return g.to(g.VMAXPD, g.VMAXPD_BCST, k, x, d) }

// plusK and minusK are integer sums.
func (g *gen) plusK(x vecs, k konst, d vecs) vecs { return g.to(g.VPADDQ, g.VPADDQ_BCST, k, x, d) }
func (g *gen) andK(x vecs, k konst, d vecs) vecs {
	return g.to(three(g.VPAND), g.VPANDQ_BCST, k, x, d)
}
func (g *gen) orK(x vecs, k konst, d vecs) vecs { return g.to(three(g.VPOR), g.VPORQ_BCST, k, x, d) }

// fmaK sets r = r·x + k, macK r = k·x + r and mscK r = k·x − r.
func (g *gen) fmaK(r, x vecs, k konst) { g.to(g.VFMADD213PD, g.VFMADD213PD_BCST, k, x, r) }
func (g *gen) macK(r, x vecs, k konst) { g.to(g.VFMADD231PD, g.VFMADD231PD_BCST, k, x, r) }
func (g *gen) mscK(r, x vecs, k konst) { g.to(g.VFMSUB231PD, g.VFMSUB231PD_BCST, k, x, r) }

// two emits d = b ∘ a for instructions on registers alone.
func (g *gen) two(f op, a, b, d vecs) vecs {
	if d == nil {
		d = g.vecs(len(a))
	}
	for i := range a {
		f(b[i], a[i], d[i])
	}
	return d
}

// mul, add, sub and div return a∘b in d, or new registers if d is nil.
func (g *gen) mul(a, b, d vecs) vecs { return g.two(g.VMULPD, a, b, d) }
func (g *gen) add(a, b, d vecs) vecs { return g.two(g.VADDPD, a, b, d) }
func (g *gen) sub(a, b, d vecs) vecs { return g.two(g.VSUBPD, a, b, d) }
func (g *gen) div(a, b, d vecs) vecs { return g.two(g.VDIVPD, a, b, d) }

// fma emits an instruction of the kind r = ±a·b ± r (231) or r = ±r·a ± b (213).
func (g *gen) fma(f op, r, a, b vecs) {
	for i := range r {
		f(b[i], a[i], r[i])
	}
}

func (g *gen) sqrt(x vecs) {
	for i := range x {
		g.VSQRTPD(x[i], x[i])
	}
}

// same returns the register of k for each of n vectors.
func (g *gen) same(k konst, n int) vecs {
	v, r := make(vecs, n), g.load(k)
	for i := range v {
		v[i] = r
	}
	return v
}

// copies returns copies of x.
func (g *gen) copies(x vecs) vecs {
	d := g.vecs(len(x))
	for i := range x {
		g.VMOVAPD(x[i], d[i])
	}
	return d
}

// shift emits a shift of 64-bit lanes.
func (g *gen) shift(f op, by uint8, x, d vecs) vecs {
	if d == nil {
		d = g.vecs(len(x))
	}
	for i := range x {
		f(operand.U8(by), x[i], d[i])
	}
	return d
}

// horner returns Σ c[j]·x^j.
func (g *gen) horner(x vecs, c []float64) vecs {
	n := len(c) - 1
	r := g.vecs(len(x))
	for i := range r {
		g.loadTo(g.f(c[n]), r[i])
	}
	for j := n - 1; j >= 0; j-- {
		g.fmaK(r, x, g.f(c[j]))
	}
	return r
}

// blend returns yes where the mask is set and no elsewhere, in new registers.
func (g *gen) blend(mask []reg.Register, yes, no vecs) vecs {
	d := g.vecs(len(yes))
	for i := range d {
		if g.wide {
			// avo takes the target of a blend for an input, as if it merged.
			in, err := x86.VBLENDMPD(yes[i], no[i], mask[i], d[i])
			if err != nil {
				panic(err)
			}
			in.Inputs = []operand.Op{yes[i], no[i], mask[i]}
			g.Instruction(in)
		} else {
			g.VBLENDVPD(mask[i], yes[i], no[i], d[i])
		}
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

// compareV returns the mask x pred y with VCMPPD's predicates.
func (g *gen) compareV(pred uint8, x, y vecs) []reg.Register {
	out := g.masks(len(x))
	for i := range x {
		g.VCMPPD(operand.U8(pred), y[i], x[i], out[i])
	}
	return out
}

// compare is compareV with a constant.
func (g *gen) compare(pred uint8, x vecs, k konst) []reg.Register {
	out := g.masks(len(x))
	g.with(
		func(o ...operand.Op) { g.VCMPPD(operand.U8(pred), o[0], o[1], o[2]) },
		func(o ...operand.Op) { g.VCMPPD_BCST(operand.U8(pred), o[0], o[1], o[2]) },
		k, len(x), func(i int) []operand.Op { return []operand.Op{x[i], out[i]} })
	return out
}

// Predicates of VCMPPD: x < k, x ≤ k, x > k and x ≠ k or unordered.
const (
	less    = 0x11
	atMost  = 0x12
	greater = 0x1e
	differs = 0x04
)

// signMask returns the mask of the lanes with bit 63 set.
func (g *gen) signMask(w vecs) []reg.Register {
	var out []reg.Register
	for _, v := range w {
		if g.wide {
			k := g.K()
			g.VPMOVQ2M(v, k)
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

// xorSign flips the sign of x where bit 63 of w is set.
func (g *gen) xorSign(x, w vecs) {
	if g.wide {
		for i := range x {
			g.VPTERNLOGQ_BCST(operand.U8(0x78), g.u(1<<63).Mem, w[i], x[i]) // x ^ w & sign
		}
		return
	}
	t := g.andK(w, g.u(1<<63), nil)
	for i := range x {
		g.VXORPD(t[i], x[i], x[i])
	}
}

// three adapts an instruction of three operands.
func three(f func(a, b, c operand.Op)) op {
	return func(o ...operand.Op) { f(o[0], o[1], o[2]) }
}
