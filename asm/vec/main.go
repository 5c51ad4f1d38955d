// Command vec writes the elementwise kernels, the sums and the optimiser step
// of package simd.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/lanes"
)

const signBits = 1<<31 - 1 // all but the sign

func main() {
	emit.Main("vec", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "vec")
	binary(m, "add", "dst_i = a_i + b_i", m.Add)
	binary(m, "sub", "dst_i = a_i - b_i", m.Sub)
	binary(m, "mul", "dst_i = a_i * b_i", m.Mul)
	scale(m)
	axpby(m)
	linComb3(m)
	clamp(m)
	huber(m)
	mask(m)
	widen(m)
	sums(m)
	adamw(m)
	transpose(m)
}

// binary writes dst = f(a, b).
func binary(m *lanes.Machine, name, doc string, f func(a, b lanes.V) lanes.V) {
	m.Func(name, "func(dst, a, b []float32)", doc)
	dst, a, b, n := m.Ptr("dst"), m.Ptr("a"), m.Ptr("b"), m.Len("a")
	m.Loop(n, 4, func(x lanes.Index) {
		m.Store(f(m.Load(x.Of(a), x.Tail), m.Fetch(x.Of(b), x.Tail)), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func scale(m *lanes.Machine) {
	m.Func("scale", "func(dst, x []float32, s float32)", "dst_i = x_i * s")
	dst, src, n, s := m.Ptr("dst"), m.Ptr("x"), m.Len("x"), m.Spread("s")
	m.Loop(n, 4, func(x lanes.Index) {
		m.Store(m.Mul(m.Fetch(x.Of(src), x.Tail), s), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func axpby(m *lanes.Machine) {
	m.Func("axpby", "func(dst []float32, a float32, x []float32, b float32, y []float32)",
		"dst_i = fma(a, x_i, b * y_i)")
	dst, px, py, n := m.Ptr("dst"), m.Ptr("x"), m.Ptr("y"), m.Len("x")
	a, b := m.Spread("a"), m.Spread("b")
	m.Loop(n, 4, func(x lanes.Index) {
		v := m.Mul(m.Fetch(x.Of(py), x.Tail), b)
		m.Store(m.FMA(m.Fetch(x.Of(px), x.Tail), a, v), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func linComb3(m *lanes.Machine) {
	m.Func("linComb3", "func(dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32)",
		"dst_i = fma(c, z_i, fma(b, y_i, a * x_i))")
	dst, px, py, pz, n := m.Ptr("dst"), m.Ptr("x"), m.Ptr("y"), m.Ptr("z"), m.Len("x")
	a, b, c := m.Spread("a"), m.Spread("b"), m.Spread("c")
	m.Loop(n, 2, func(x lanes.Index) {
		v := m.Mul(m.Fetch(x.Of(px), x.Tail), a)
		v = m.FMA(m.Fetch(x.Of(py), x.Tail), b, v)
		v = m.FMA(m.Fetch(x.Of(pz), x.Tail), c, v)
		m.Store(v, x.Of(dst), x.Tail)
	})
	m.Ret()
}

func clamp(m *lanes.Machine) {
	m.Func("clamp", "func(dst, x []float32, lo, hi float32)", "dst_i = atMost(atLeast(x_i, lo), hi)")
	dst, src, n, lo, hi := m.Ptr("dst"), m.Ptr("x"), m.Len("x"), m.Spread("lo"), m.Spread("hi")
	m.Loop(n, 4, func(x lanes.Index) {
		m.Store(m.AtMost(m.AtLeast(m.Fetch(x.Of(src), x.Tail), lo), hi), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func huber(m *lanes.Machine) {
	m.Func("huber", "func(dst, x []float32)", "m = min(|x_i|, 1); dst_i = m * (|x_i| - m*0.5)")
	dst, src, n := m.Ptr("dst"), m.Ptr("x"), m.Len("x")
	abs, one, half := m.Const(signBits), m.Reg(m.Float(1)), m.Float(0.5)
	m.Loop(n, 1, func(x lanes.Index) {
		a := m.And(abs, m.Load(x.Of(src), x.Tail))
		lim := m.AtMost(a, one)
		m.Store(m.Mul(m.Sub(a, m.Mul(half, lim)), lim), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func mask(m *lanes.Machine) {
	m.Func("mask", "func(dst, x []float32, words []uint32, limit uint32, s float32)",
		"dst_i = x_i * s where words_i >= limit (unsigned), else 0")
	dst, src, words, n := m.Ptr("dst"), m.Ptr("x"), m.Ptr("words"), m.Len("x")
	limit, s := m.Spread("limit"), m.Spread("s")
	m.Loop(n, 1, func(x lanes.Index) {
		w := m.Load(x.Of(words), x.Tail)
		v := m.Mul(m.Fetch(x.Of(src), x.Tail), s)
		m.Each(func(i int) {
			if m.Wide {
				k := m.K()
				m.VPCMPUD(operand.U8(5), limit[i], w[i], k) // not below
				m.VMOVAPS_Z(v[i], k, v[i])
				return
			}
			top := m.YMM()
			m.VPMAXUD(limit[i], w[i], top)
			m.VPCMPEQD(top, w[i], top)
			m.VANDPS(top, v[i], v[i])
		})
		m.Store(v, x.Of(dst), x.Tail)
	})
	m.Ret()
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
