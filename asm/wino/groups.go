package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// groups writes the products of points for AVX2, whose registers hold the sums of 6 rows,
// or 4, and 16 columns: all groups of rows and both halves of the columns of a point before
// the next point. What B has of a point stays in the first-level cache, where package gemm,
// which goes over all points each time, reads it from the second one for every group and
// half.
type groups struct {
	*build.Context
	beside bool // rows of A are neighbours and terms far apart, else the other way round

	acc, aPoint, cPoint, k, few, halves operand.Mem // acc, distances of points in bytes, turns of terms and those that are left, halves
	point, half, b, c, end              operand.Mem // what is left of points and halves, where a point begins in B and C, the end of next
}

// A size is groups of so many rows.
type size struct {
	rows         int
	count        operand.Mem // of groups
	nextA, nextC operand.Mem // from the end of a group to what the next one reads, and from its begin to its sums
}

// Registers: A of the group's first and fourth row and the distance of rows, or of terms;
// B and its distance of points; C of the first and fourth row and its distance of rows;
// turns and groups that are left; what is fetched beside; where the point and half begin.
var (
	groupA, groupA3, groupStride = reg.RAX, reg.RDX, reg.RCX
	groupB, groupPoint           = reg.RBX, reg.RSI
	groupC, groupC3, groupRow    = reg.RDI, reg.RBP, reg.R15
	groupTurns, groupLeft        = reg.R8, reg.R14
	groupSoon, groupStep         = reg.R9, reg.R10
	pointA, halfB, halfC         = reg.R11, reg.R12, reg.R13
)

const groupTerms = 4 // a turn

func (g *groups) write() {
	name, doc := "pointsFarAVX2", "rows of A so far apart, whose terms are neighbours"
	if g.beside {
		name, doc = "pointsBesideAVX2", "terms of A so far apart, whose rows are neighbours"
	}
	g.Function(name)
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(c, a *float32, cRow, cPoint, aApart, aPoint int, b *float32, bPoint, points, k, acc, sixes, fours, halves int, next *float32, lines int)")
	g.Doc(name+" is runPoints for sixes times 6 and fours times 4 rows and halves times 16 columns,", doc+".")
	sizes := g.setUp()
	g.Label("point")
	g.MOVQ(g.halves, groupStep)
	g.MOVQ(groupStep, g.half)
	g.MOVQ(g.b, halfB)
	g.MOVQ(g.c, halfC)
	g.Comment("No more of next beyond its end, but for the rest of a point")
	g.XORQ(groupStep, groupStep)
	g.CMPQ(groupSoon, g.end)
	g.JCC(operand.LabelRef("half"))
	g.MOVQ(operand.I32(cacheLine), groupStep)
	g.Label("half")
	g.MOVQ(pointA, groupA)
	g.MOVQ(halfC, groupC)
	for _, s := range sizes {
		g.MOVQ(s.count, groupLeft)
		g.TESTQ(groupLeft, groupLeft)
		g.JEQ(s.label("none"))
		g.Label(string(s.label("group")))
		g.group(s)
		g.ADDQ(s.nextA, groupA)
		g.ADDQ(s.nextC, groupC)
		g.DECQ(groupLeft)
		g.JNE(s.label("group"))
		g.Label(string(s.label("none")))
	}
	g.ADDQ(operand.I8(64), halfB)
	g.ADDQ(operand.I8(64), halfC)
	g.DECQ(g.half)
	g.JNE(operand.LabelRef("half"))
	g.ADDQ(g.aPoint, pointA)
	g.ADDQ(groupPoint, g.b)
	g.MOVQ(g.cPoint, groupTurns)
	g.ADDQ(groupTurns, g.c)
	g.DECQ(g.point)
	g.JNE(operand.LabelRef("point"))
	g.VZEROUPPER()
	g.RET()
}

// label makes s unique among the sizes.
func (s size) label(of string) operand.LabelRef { return operand.LabelRef(fmt.Sprint(of, s.rows)) }

// setUp loads the registers and fills the frame.
func (g *groups) setUp() (sizes []size) {
	t := groupStep
	load := func(name string, r reg.GPPhysical) { g.Load(g.Param(name), r) }
	bytes := func(name string, r reg.GPPhysical) {
		load(name, r)
		g.SHLQ(operand.U8(2), r)
	}
	local := func(r reg.GPPhysical) operand.Mem {
		m := g.AllocLocal(8)
		g.MOVQ(r, m)
		return m
	}
	copied := func(name string) operand.Mem {
		load(name, t)
		return local(t)
	}
	g.acc, g.halves, g.point, g.b, g.c = copied("acc"), copied("halves"), copied("points"), copied("b"), copied("c")
	g.half = g.AllocLocal(8)
	bytes("aPoint", t)
	g.aPoint = local(t)
	bytes("cPoint", t)
	g.cPoint = local(t)
	load("a", pointA)
	bytes("aApart", groupStride)
	bytes("cRow", groupRow)
	bytes("bPoint", groupPoint)
	load("k", groupTurns)
	for _, of := range []size{{rows: 6, count: copied("sixes")}, {rows: 4, count: copied("fours")}} {
		g.Comment("From behind the terms of a group to the next one")
		if g.beside {
			g.MOVQ(groupTurns, t)
			g.IMULQ(groupStride, t)
			g.NEGQ(t)
			g.ADDQ(operand.I8(4*of.rows), t)
		} else {
			g.IMUL3Q(operand.I8(of.rows), groupStride, t)
			for range 4 {
				g.SUBQ(groupTurns, t)
			}
		}
		of.nextA = local(t)
		g.IMUL3Q(operand.I8(of.rows), groupRow, t)
		of.nextC = local(t)
		sizes = append(sizes, of)
	}
	g.MOVQ(groupTurns, t)
	g.ANDQ(operand.I8(groupTerms-1), t)
	g.few = local(t)
	g.SHRQ(operand.U8(2), groupTurns)
	g.k = local(groupTurns)
	load("next", groupSoon)
	load("lines", t)
	g.SHLQ(operand.U8(6), t)
	g.ADDQ(groupSoon, t)
	g.end = local(t)
	return sizes
}

// sum returns the register of vector v of the row's sums.
func (g *groups) sum(row, v int) reg.VecPhysical { return g.reg(2*row + v) }

func (g *groups) reg(i int) reg.VecPhysical {
	return reg.Vector.Lookup(reg.Index(i), reg.S256).(reg.VecPhysical)
}

// rowAt returns where a row is: the first and fourth begin at the given registers, others
// so far apart.
func rowAt(row int, first, fourth, apart reg.GPPhysical, disp int) operand.Mem {
	at := operand.Mem{Base: first, Disp: disp}
	if row >= 3 {
		at.Base = fourth
	}
	if row %= 3; row > 0 {
		at.Index, at.Scale = apart, uint8(row)
	}
	return at
}

// group computes the products of a group and a half of a point.
func (g *groups) group(s size) {
	third := func(first, apart, fourth reg.GPPhysical) {
		g.LEAQ(operand.Mem{Base: first, Index: apart, Scale: 2}, fourth)
		g.ADDQ(apart, fourth)
	}
	if !g.beside {
		third(groupA, groupStride, groupA3)
	}
	third(groupC, groupRow, groupC3)
	g.MOVQ(halfB, groupB)
	each := func(do func(sum reg.VecPhysical, at operand.Mem)) {
		for i := range s.rows {
			for v := range 2 {
				do(g.sum(i, v), rowAt(i, groupC, groupC3, groupRow, 32*v))
			}
		}
	}
	g.CMPQ(g.acc, operand.I8(0))
	g.JEQ(s.label("empty"))
	each(func(sum reg.VecPhysical, at operand.Mem) { g.VMOVUPS(at, sum) })
	g.JMP(s.label("started"))
	g.Label(string(s.label("empty")))
	for i := range s.rows {
		g.PREFETCHT0(rowAt(i, groupC, groupC3, groupRow, 0))
	}
	each(func(sum reg.VecPhysical, _ operand.Mem) { g.VXORPS(sum, sum, sum) })
	g.Label(string(s.label("started")))
	g.terms(s)
	each(func(sum reg.VecPhysical, at operand.Mem) { g.VMOVUPS(sum, at) })
}

// terms adds all terms, four a turn.
func (g *groups) terms(s size) {
	g.MOVQ(g.k, groupTurns)
	g.TESTQ(groupTurns, groupTurns)
	g.JEQ(s.label("turned"))
	g.Label(string(s.label("turn")))
	for i := range groupTerms {
		g.term(i, s.rows)
	}
	g.PREFETCHT1(operand.Mem{Base: groupSoon})
	g.ADDQ(groupStep, groupSoon)
	g.advance(groupTerms)
	g.DECQ(groupTurns)
	g.JNE(s.label("turn"))
	g.Label(string(s.label("turned")))
	g.MOVQ(g.few, groupTurns)
	g.TESTQ(groupTurns, groupTurns)
	g.JEQ(s.label("added"))
	g.Label(string(s.label("one")))
	g.term(0, s.rows)
	g.advance(1)
	g.DECQ(groupTurns)
	g.JNE(s.label("one"))
	g.Label(string(s.label("added")))
}

// advance goes on by so many terms, in A where term has not.
func (g *groups) advance(terms int) {
	if !g.beside {
		g.ADDQ(operand.I8(4*terms), groupA)
		g.ADDQ(operand.I8(4*terms), groupA3)
	}
	g.ADDQ(operand.I32(128*terms), groupB)
}

// term adds term i of a turn, and fetches that of the next point's B.
func (g *groups) term(i, rows int) {
	spare := 2 * rows
	for v := range 2 {
		g.VMOVUPS(operand.Mem{Base: groupB, Disp: 128*i + 32*v}, g.reg(spare+v))
	}
	g.PREFETCHT0(operand.Mem{Base: groupB, Index: groupPoint, Scale: 1, Disp: 128 * i})
	for row := range rows {
		at := operand.Mem{Base: groupA, Disp: 4 * row}
		if !g.beside {
			at = rowAt(row, groupA, groupA3, groupStride, 4*i)
		}
		x := g.reg(spare + 2 + row%2)
		g.VBROADCASTSS(at, x)
		for v := range 2 {
			g.VFMADD231PS(g.reg(spare+v), x, g.sum(row, v))
		}
	}
	if g.beside {
		g.ADDQ(groupStride, groupA)
	}
}
