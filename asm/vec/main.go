// Command vec writes the elementwise kernels, the sums and the optimiser step
// of package simd.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

func main() {
	emit.Main("vec", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "vec")
	m.Maps(formula.Elementwise)
	widen(m)
	sums(m)
	adamw(m)
	transpose(m)
}

// widen writes the only kernel with float64: sums in float32 join running sums.
func widen(m *lanes.Machine) {
	m.Func("widenAdd", "func(sum []float64, x []float32)", "sum_i += float64(x_i)")
	sum, x, n := m.Ptr("sum"), m.Ptr("x"), m.Len("x")
	i := m.GP64()
	m.XORQ(i, i)
	step, wide := uint64(4), m.YMM
	if m.Wide {
		step, wide = 8, m.ZMM
	}
	loop, rest, last, done := lanes.Label("loop"), lanes.Label("rest"), lanes.Label("last"), lanes.Label("done")
	m.Label(loop)
	m.SUBQ(operand.Imm(step), n)
	m.JL(operand.LabelRef(rest))
	d := wide()
	m.VCVTPS2PD(operand.Mem{Base: x, Index: i, Scale: 4}, d)
	m.VADDPD(operand.Mem{Base: sum, Index: i, Scale: 8}, d, d)
	m.VMOVUPD(d, operand.Mem{Base: sum, Index: i, Scale: 8})
	m.ADDQ(operand.Imm(step), i)
	m.JMP(operand.LabelRef(loop))
	m.Label(rest)
	m.ADDQ(operand.Imm(step), n)
	m.Label(last)
	m.SUBQ(operand.Imm(1), n)
	m.JL(operand.LabelRef(done))
	s := m.XMM()
	m.VMOVSS(operand.Mem{Base: x, Index: i, Scale: 4}, s)
	m.VCVTSS2SD(s, s, s)
	m.VADDSD(operand.Mem{Base: sum, Index: i, Scale: 8}, s, s)
	m.VMOVSD(s, operand.Mem{Base: sum, Index: i, Scale: 8})
	m.INCQ(i)
	m.JMP(operand.LabelRef(last))
	m.Label(done)
	m.Ret()
}

func sums(m *lanes.Machine) {
	m.Func("sum", "func(x []float32) float32", "Sum of x in 16 lanes.")
	px, n, acc := m.Ptr("x"), m.Len("x"), m.ZeroLanes()
	m.Loop(n, 1, func(x lanes.Index) { m.AddTo(m.Fetch(x.Of(px), x.Tail), acc) })
	ret(m, m.Fold(acc, m.VADDPS), "ret")

	m.Func("dot", "func(a, b []float32) float32", "Sum of a*b (fused) in 16 lanes.")
	pa, pb, n := m.Ptr("a"), m.Ptr("b"), m.Len("a")
	acc = m.ZeroLanes()
	m.Loop(n, 1, func(x lanes.Index) {
		m.FMATo(m.Fetch(x.Of(pb), x.Tail), m.Load(x.Of(pa), x.Tail), acc)
	})
	ret(m, m.Fold(acc, m.VADDPS), "ret")

	m.Func("vmax", "func(x []float32) float32", "Maximum of x in 16 lanes; NaN is passed over.")
	px, n = m.Ptr("x"), m.Len("x")
	acc = m.Copy(m.Float(float32(math.Inf(-1))), len(acc))
	m.Loop(n, 1, func(x lanes.Index) { m.MaxTo(m.Load(x.Of(px), x.Tail), acc, x.Tail) })
	ret(m, m.Fold(acc, m.VMAXPS), "ret")
}

func ret(m *lanes.Machine, x reg.VecVirtual, name string) {
	m.Store32(x, name)
	m.Ret()
}

// adamw reads the constants in the order of simd.AdamW's fields.
func adamw(m *lanes.Machine) {
	m.Func("adamw", "func(p, g, m, v []float32, k *float32)",
		"One step of simd.AdamW; k points at its first field.")
	pp, pg, pm, pv, n := m.Ptr("p"), m.Ptr("g"), m.Ptr("m"), m.Ptr("v"), m.Len("g")
	pk := m.Int("k")
	k := func(i int) lanes.V { return m.SpreadMem(operand.Mem{Base: pk, Disp: 4 * i}) }
	grad, b1, b2, c1, c2, decay, step, isqrt, eps := k(0), k(1), k(2), k(3), k(4), k(5), k(6), k(7), k(8)
	m.Loop(n, 1, func(x lanes.Index) {
		g := m.Mul(m.Fetch(x.Of(pg), x.Tail), grad)
		v := m.FMA(m.Fetch(x.Of(pv), x.Tail), b2, m.Mul(g, m.Mul(g, c2)))
		m.Store(v, x.Of(pv), x.Tail)
		g = m.FMA(m.Fetch(x.Of(pm), x.Tail), b1, m.Mul(c1, g)) // the new m
		m.Store(g, x.Of(pm), x.Tail)
		g = m.Div(g, m.FMA(isqrt, m.Sqrt(v), eps))
		p := m.Mul(m.Fetch(x.Of(pp), x.Tail), decay)
		m.Store(m.FNMA(g, step, p), x.Of(pp), x.Tail)
	})
	m.Ret()
}
