package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// noiseFields are the fields of Noise64Params in their order.
var noiseFields = []string{
	"A", "K", "ExpoHi", "Expo", "ExpoLo", "Bias", "Eps", "HalfEps", "InvSin",
	"Bp", "Bm", "Kp", "Km", "InvAlpha", "InvEps", "Lo", "Hi", "Nu",
}

// all adds every kernel of the level.
func (g *gen) all() {
	g.consts, g.vectors = map[uint64]int{}, map[string]int{}
	g.table = g.StaticGlobal("noise64" + g.suffix())
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	g.fields = noiseFields
	g.kernel("Uniform", func(w0, w1 vecs) vecs { return g.interleave(g.unit(w0), g.unit(w1)) })
	g.kernel("Exponential", func(w0, w1 vecs) vecs {
		a, b := g.negLog2(w0), g.negLog2(w1)
		return g.interleave(g.mulK(a, g.f(ln2), a), g.mulK(b, g.f(ln2), b))
	})
	g.kernel("Normal", g.normal)
	g.kernel("SymmetricLow", func(w0, w1 vecs) vecs { return g.symmetric(w0, w1, false) })
	g.kernel("SymmetricHigh", func(w0, w1 vecs) vecs { return g.symmetric(w0, w1, true) })
	g.kernel("SkewedS0", func(w0, w1 vecs) vecs { return g.skewed(w0, w1, true) })
	g.kernel("SkewedS1", func(w0, w1 vecs) vecs { return g.skewed(w0, w1, false) })
	g.kernel("StudentT", g.student)
	g.gammaKernel(false)
	g.gammaKernel(true)
}

// kernel adds the function noise64<name><level>: it runs the cipher on vectors
// of counters, f on the 64-bit numbers of their blocks, and stores the results.
func (g *gen) kernel(name string, f func(w0, w1 vecs) vecs) {
	g.Function("noise64" + name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.SignatureExpr("func(dst *float64, groups int, p *[19]uint64, block uint32, q *float64)")
	dst := g.Load(g.Param("dst"), g.GP64())
	groups := g.Load(g.Param("groups"), g.GP64())
	p := g.Load(g.Param("p"), g.GP64())
	block := g.Load(g.Param("block"), g.GP32())
	g.q = g.Load(g.Param("q"), g.GP64())
	vectors, ways, shift := 2, 2, uint8(1) // 32 blocks to a group
	if !g.wide {
		shift = 2
		if name == "SkewedS0" || name == "SkewedS1" { // more would not fit the registers
			ways = 1
		}
	}
	x := g.start(p, block, nil, vectors)
	g.SHLQ(operand.U8(shift), groups)
	g.TESTQ(groups, groups)
	g.JZ(operand.LabelRef(name + "done"))
	g.Label(name + "loop")
	w0, w1 := g.blocks(x, 0)
	g.advance(x)
	bytes := 0
	for i := 0; i < vectors; i += ways {
		for _, v := range f(w0[i:i+ways], w1[i:i+ways]) {
			g.VMOVUPD(v, operand.Mem{Base: dst, Disp: bytes})
			bytes += int(v.Size())
		}
	}
	g.ADDQ(operand.I32(bytes), dst)
	g.DECQ(groups)
	g.JNZ(operand.LabelRef(name + "loop"))
	g.Label(name + "done")
	g.VZEROUPPER()
	g.RET()
}

// normal is noise64Normals.
func (g *gen) normal(w0, w1 vecs) vecs {
	r := g.negLog2(w1)
	g.mulK(r, g.f(twoLn2), r)
	g.sqrt(r)
	s, c := g.sinCosPi(g.halfUnit(w0))
	g.mul(r, c, c)
	g.mul(r, s, s)
	g.xorSign(c, g.shift(g.VPSLLQ, 63, w1, w1))
	g.xorSign(s, w0)
	return g.interleave(c, s)
}

// inverse returns 1/(e·sv), in new registers.
func (g *gen) inverse(e, sv vecs) vecs {
	inv := g.mul(e, sv, nil)
	return g.div(g.same(g.f(1), len(inv)), inv, inv)
}

// symmetric is noise64Symmetric.
func (g *gen) symmetric(w0, w1 vecs, high bool) vecs {
	e := g.negLog2(w1)
	v := g.halfUnit(w0)
	y := g.copies(v)
	g.fmaK(y, g.same(g.param("A"), len(y)), g.param("K"))
	sv, cv := g.sinCosPi(v)
	sy, cy := g.sinCosPi(y)
	var s, c vecs
	if high {
		g.mul(sv, cy, cy)
		g.fma(g.VFMADD231PD, cy, cv, sy)
		s, c = cy, sy
	} else {
		g.mul(cv, sy, cv)
		g.fma(g.VFMADD231PD, cv, sv, cy)
		s, c = sy, cv
	}
	inv := g.inverse(e, sv)
	g.mul(s, e, s)
	g.mul(s, inv, s)
	pow, _, f, _ := g.power(g.mul(c, inv, inv), false)
	r := g.horner(f, expC)
	g.fmaK(r, f, g.f(1))
	g.two(g.VPADDQ, r, pow, r)
	g.mul(s, r, s)
	g.xorSign(s, w0)
	return s
}
