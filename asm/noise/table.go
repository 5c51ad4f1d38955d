package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/defs"
	"heavytail/asm/internal/formula"
)

// Offsets of simd.OctaveTable.
const (
	tabFirst = 0  // first word of the upper side, with bit 31 flipped, less 1
	tabA     = 4  // lower, upper
	tabB     = 12 // lower, upper
	tabK     = 20 // lower, upper
	tabShift = 28
	tabMask  = 32
	tabEdge  = 36 // bits of t at the lower end of bank 0
	tabStep  = 40 // bits in a bank
	tabBanks = 44 // banks after the first
	tabLeast = 48 // bits of the least t
	tabRows  = 56 // *float32
)

const (
	bankFloats = 32 // of one coefficient in a bank: 16 rows of the lower side, 16 of the upper
)

// tabular adds the kernel of tables.
func (g *gen) tabular(terms, ways int) {
	name := fmt.Sprint("Table", terms)
	g.kernel(name, ways, func(words vecs) vecs {
		tab, rows := g.GP64(), g.GP64()
		g.MOVQ(operand.Mem{Base: g.P, Disp: defs.NoiseTable}, tab)
		g.MOVQ(operand.Mem{Base: tab, Disp: tabRows}, rows)
		upper := g.upperSide(words, tab)
		t := g.tableArgument(words, upper, tab)
		row, d := g.rowAndPlace(t, g.bySide(upper, tab, tabK), tab)
		y := g.rowPolynomial(row, d, operand.Mem{Base: rows}, terms)
		g.deeper(y, t, upper, tab, rows, terms, name)
		return y
	})
}

// number is a constant in memory.
func (g *gen) number(x float32) operand.Mem { return g.Scalar(uint64(math.Float32bits(x)), 4) }

func (g *gen) field(tab reg.Register, disp int) formula.Reg {
	v := g.Vec()
	g.VBROADCASTSS(operand.Mem{Base: tab, Disp: disp}, v)
	return v
}

// upperSide returns the mask of the words of the upper side.
func (g *gen) upperSide(words vecs, tab reg.Register) formula.Mask {
	first := g.field(tab, tabFirst)
	sign := g.Reg(g.Bits(1 << 31))[0]
	var out formula.Mask
	for _, w := range words {
		f := g.Vec()
		if g.Wide {
			g.VPXORD(sign, w, f)
			k := g.K()
			g.VPCMPD(operand.U8(6), first, f, k) // f > first
			out = append(out, k)
		} else {
			g.VPXOR(sign, w, f)
			g.VPCMPGTD(first, f, f)
			out = append(out, f)
		}
	}
	return out
}

// bySide returns the parameter of the side.
func (g *gen) bySide(upper formula.Mask, tab reg.Register, disp int) vecs {
	lo, hi := g.field(tab, disp), g.field(tab, disp+4)
	a, b := make(vecs, len(upper)), make(vecs, len(upper))
	for i := range upper {
		a[i], b[i] = hi, lo
	}
	return g.Select(upper, a, b)
}

// tableArgument returns t = fma(float32(k), A, B) for k = w, on the upper side
// its complement.
func (g *gen) tableArgument(words vecs, upper formula.Mask, tab reg.Register) vecs {
	t := g.News(len(words))
	if g.Wide {
		ones := g.Vec()
		g.VPTERNLOGD(operand.U8(0xff), ones, ones, ones)
		for i, w := range words {
			g.VMOVDQA32(w, t[i])
			g.VPXORD(ones, w, upper[i], t[i])
		}
		for i := range t {
			g.VCVTUDQ2PS(t[i], t[i])
		}
	} else {
		k := g.News(len(words))
		for i, w := range words {
			g.VPXOR(upper[i], w, k[i])
		}
		for i := range k { // float32(high)·2^16 + float32(low), rounded once
			g.VPSRLD(operand.U8(16), k[i], t[i])
			g.VCVTDQ2PS(t[i], t[i])
		}
		for i := range k {
			g.VPAND(g.Scalar(0xffff, 4), k[i], k[i])
			g.VCVTDQ2PS(k[i], k[i])
		}
		for i := range k {
			g.VFMADD132PS(g.number(65536), k[i], t[i])
		}
	}
	a, b := g.bySide(upper, tab, tabA), g.bySide(upper, tab, tabB)
	for i := range t {
		g.VFMADD213PS(b[i], a[i], t[i])
	}
	return t
}

// rowAndPlace returns the row's index, whose low five bits count, and the place
// in the row. k is overwritten.
func (g *gen) rowAndPlace(t, k vecs, tab reg.Register) (row, d vecs) {
	row, d = g.News(len(t)), g.News(len(t))
	count, mask := g.field(tab, tabShift), g.field(tab, tabMask)
	one := g.Reg(g.Num(1))[0]
	for i := range t {
		g.VPSUBD(t[i], k[i], k[i])
	}
	for i := range t {
		g.VPSRLVD(count, k[i], row[i])
	}
	for i := range t {
		if g.Wide {
			g.VMOVDQA32(k[i], d[i])
			g.VPTERNLOGD(operand.U8(0xea), one, mask, d[i]) // k & mask | one
		} else {
			g.VPAND(mask, k[i], d[i])
			g.VPOR(one, d[i], d[i])
		}
	}
	for i := range t {
		g.VSUBPS(one, d[i], d[i])
	}
	for i := range t { // d = 2^-25 where t is ½
		if g.Wide {
			top := g.K()
			g.VCMPPS_BCST(operand.U8(0), g.number(0.5), t[i], top)
			g.VBROADCASTSS(g.number(0x1p-25), top, d[i])
		} else {
			top := g.Vec()
			g.VCMPPS(operand.U8(0), g.number(0.5), t[i], top)
			g.VPAND(g.number(0x1p-25), top, top)
			g.VPOR(top, d[i], d[i])
		}
	}
	return row, d
}

// rowPolynomial returns Σ c[j]·d^j with the coefficients of the rows.
func (g *gen) rowPolynomial(row, d vecs, bank operand.Mem, terms int) vecs {
	var x vecs
	for i := range row {
		x = append(x, g.pick(row[i], bank.Offset(4*bankFloats*(terms-1))))
	}
	for j := terms - 2; j >= 0; j-- {
		for i := range x {
			g.VFMADD213PS(g.pick(row[i], bank.Offset(4*bankFloats*j)), d[i], x[i])
		}
	}
	return x
}

// pick returns the elements row (mod 32) of the 32 floats at m.
func (g *gen) pick(row formula.Reg, m operand.Mem) formula.Reg {
	if g.Wide {
		c := g.Vec()
		g.VMOVUPS(m, c)
		g.VPERMT2PS(m.Offset(64), row, c)
		return c
	}
	part := g.News(4)
	for j := range part {
		g.VPERMPS(m.Offset(32*j), row, part[j])
	}
	s := g.Vec()
	g.VPSLLD(operand.U8(28), row, s) // bit 3 to the sign
	g.VBLENDVPS(s, part[1], part[0], part[0])
	g.VBLENDVPS(s, part[3], part[2], part[2])
	g.VPSLLD(operand.U8(27), row, s)
	g.VBLENDVPS(s, part[2], part[0], part[0])
	return part[0]
}

// deeper replaces the lanes of x whose rows lie in the banks after the first.
func (g *gen) deeper(x, t vecs, upper formula.Mask, tab, rows reg.Register, terms int, tag string) {
	least := g.Vec()
	g.VMOVAPS(t[0], least)
	for i := 1; i < len(t); i++ {
		g.VMINPS(t[i], least, least)
	}
	g.jumpUnlessDeep(least, g.field(tab, tabEdge), operand.LabelRef(tag+"flat"))
	floor := g.field(tab, tabLeast)
	for i := range t {
		g.VMAXPS(floor, t[i], t[i])
	}
	edge, left, bank := g.GP32(), g.GP32(), g.GP64()
	g.MOVL(operand.Mem{Base: tab, Disp: tabEdge}, edge)
	g.MOVL(operand.Mem{Base: tab, Disp: tabBanks}, left)
	g.MOVQ(rows, bank)
	g.Label(tag + "bank")
	g.ADDQ(operand.U32(4*bankFloats*terms), bank)
	for i := range t {
		skip := fmt.Sprint(tag, "skip", i)
		g.jumpUnlessDeep(t[i], g.fromGP(edge), operand.LabelRef(skip))
		row, d := g.rowAndPlace(t[i:i+1], g.bySide(upper[i:i+1], tab, tabK), tab)
		y := g.rowPolynomial(row, d, operand.Mem{Base: bank}, terms)
		deep := g.notAbove(t[i], g.fromGP(edge))
		if g.Wide {
			g.VMOVAPS(y[0], deep, x[i])
		} else {
			g.VBLENDVPS(deep, y[0], x[i], x[i])
		}
		g.Label(skip)
	}
	g.SUBL(operand.Mem{Base: tab, Disp: tabStep}, edge)
	g.DECL(left)
	g.JNZ(operand.LabelRef(tag + "bank"))
	g.Label(tag + "flat")
}

// notAbove returns the mask t ≤ edge, for the bits of positive numbers.
func (g *gen) notAbove(t, edge formula.Reg) formula.Reg {
	if g.Wide {
		k := g.K()
		g.VPCMPD(operand.U8(2), edge, t, k)
		return k
	}
	m := g.Vec()
	g.VCMPPS(operand.U8(0x12), edge, t, m)
	return m
}

// fromGP returns a register with r in every lane.
func (g *gen) fromGP(r reg.GPVirtual) formula.Reg {
	v := g.Vec()
	if g.Wide {
		g.VPBROADCASTD(r, v)
		return v
	}
	x := g.XMM()
	g.VMOVD(r, x)
	g.VPBROADCASTD(x, v)
	return v
}

// jumpUnlessDeep jumps if no lane of t is at most edge.
func (g *gen) jumpUnlessDeep(t, edge formula.Reg, label operand.LabelRef) {
	m := g.notAbove(t, edge)
	if g.Wide {
		g.KORTESTW(m, m)
	} else {
		g.VPTEST(m, m)
	}
	g.JZ(label)
}
