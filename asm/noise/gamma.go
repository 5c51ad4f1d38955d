package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/defs"
	"heavytail/asm/internal/formula"
)

// gammaKernel adds gamma64<level>, or gamma64Low<level> for shapes below 1.
func (g *gen) gammaKernel(low bool) {
	name := "gamma64"
	if low {
		name += "Low"
	}
	g.Fields = defs.Gamma64Fields
	g.Func(name, "func(dst *float64, first, second, boost *uint32, groups int, q *byte)")
	dst := g.Int("dst")
	var words []reg.Register
	for _, p := range []string{"first", "second", "boost"} {
		if p != "boost" || low {
			words = append(words, g.Int(p))
		}
	}
	groups := g.Int("groups")
	g.P = g.Int("q")
	ways := 2 // 16 variates to a group
	if !g.Wide {
		ways = 1
		g.SHLQ(operand.U8(2), groups)
	}
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	g.gamma(words, ways, dst)
	size := int32(ways * g.Size())
	g.ADDQ(operand.I32(size), dst)
	for _, w := range words {
		g.ADDQ(operand.I32(2*size), w)
	}
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.Ret()
}

// gamma writes the next variates, stored at dst: words are those of the blocks of an
// attempt and, for the boost, of a third one. What is short of registers goes
// through dst.
func (g *gen) gamma(words []reg.Register, ways int, dst reg.Register) {
	half := func(i int) func() vecs {
		return func() vecs { return g.half(g.numbers(words[i], 2*ways), 0) }
	}
	var boost func() vecs
	if len(words) > 2 {
		boost = half(2)
	}
	x := formula.Noise64{Machine: g}.Gamma(func() (w0, w1 vecs) { return g.alternate(g.numbers(words[0], 2*ways)) }, half(1), boost,
		func(v vecs) func() vecs {
			g.store(v, dst)
			return func() vecs { return g.at(dst, ways) }
		})
	g.store(g.inOrder(x), dst)
}
