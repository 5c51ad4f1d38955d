package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

// A rowPair is the mean and reciprocal deviation of the current row.
type rowPair struct {
	at         reg.GPVirtual
	mean, rstd lanes.V
}

// load reads the pair of the next row.
func (r *rowPair) load(m *lanes.Machine) {
	r.mean = m.SpreadMem(operand.Mem{Base: r.at})
	r.rstd = m.SpreadMem(operand.Mem{Base: r.at, Disp: 4})
	m.ADDQ(operand.Imm(8), r.at)
}

// hat returns (v − mean)·rstd.
func (r *rowPair) hat(m *lanes.Machine, v lanes.V) lanes.V {
	return m.Mul(r.rstd, m.Sub(v, r.mean))
}

func rowSums(m *lanes.Machine) {
	m.Func("rowSums", "func(s, q []float32, x *float32, pitch, c int, k []float32)",
		"s_i, q_i = sums of d = x - k_i and of d*d (fused) over row i of c columns in 16 lanes.")
	s, q, k := m.Ptr("s"), m.Ptr("q"), m.Ptr("k")
	x, n := walk(m, m.Int("x"), "pitch"), m.Len("k")
	pixels(m, n, []walker{x}, func() {
		shift := m.SpreadMem(operand.Mem{Base: k})
		s1, s2 := m.ZeroLanes(), m.ZeroLanes()
		m.Loop(m.Int("c"), 1, func(i lanes.Index) {
			d := m.Sub(m.Load(i.Of(x.at), i.Tail), shift)
			m.Clean(d, i.Tail)
			m.AddTo(d, s1)
			m.FMATo(d, d, s2)
		})
		m.VMOVSS(m.Fold(s1, m.VADDPS), operand.Mem{Base: s})
		m.VMOVSS(m.Fold(s2, m.VADDPS), operand.Mem{Base: q})
		for _, r := range []reg.GPVirtual{s, q, k} {
			m.ADDQ(operand.Imm(4), r)
		}
	})
	m.Ret()
}

func rowApply(m *lanes.Machine, act bool) {
	m.Func("rowApply"+suffix(act), "func(y, x *float32, yPitch, xPitch, n int, gamma, beta []float32, stats *float32)",
		"y = fma((x - mean)*rstd, gamma_c, beta_c)"+map[bool]string{true: ", then silu1", false: ""}[act]+"; n >= 1 rows,",
		"mean and rstd of row i at stats[2i] and stats[2i+1].")
	m.Narrow = true
	y, x := walk(m, m.Int("y"), "yPitch"), walk(m, m.Int("x"), "xPitch")
	gamma, beta, row := m.Ptr("gamma"), m.Ptr("beta"), rowPair{at: m.Int("stats")}
	e := formula.Act{Machine: m}
	if act {
		m.Hoist(false, func() { e.SiLU(m.New16()) })
	}
	pixelsFrom(m, []walker{y, x}, func() {
		row.load(m)
		m.Groups(m.Len("gamma"), chains(m, act, 2), func(is []lanes.Index) {
			tail := is[0].Tail
			v := row.hat(m, m.LoadAll(each(is, x.at), tail))
			v = m.FMA(m.FetchAll(each(is, gamma), tail), v, m.LoadAll(each(is, beta), tail))
			if act {
				v = e.SiLU(v)
			}
			m.StoreAll(v, each(is, y.at), tail)
		})
	})
	m.Ret()
}

func rowGrad(m *lanes.Machine) {
	m.Func("rowGrad", "func(dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, gamma, beta []float32, stats *float32)",
		"dv = dy*siluGrad1(fma((x - mean)*rstd, gamma_c, beta_c)), n >= 1 rows.")
	m.Narrow = true
	dv, dy, x := walk(m, m.Int("dv"), "dvPitch"), walk(m, m.Int("dy"), "dyPitch"), walk(m, m.Int("x"), "xPitch")
	gamma, beta, row := m.Ptr("gamma"), m.Ptr("beta"), rowPair{at: m.Int("stats")}
	e := formula.Act{Machine: m}
	m.Hoist(false, func() { e.SiLUGrad(m.New16()) })
	pixelsFrom(m, []walker{dv, dy, x}, func() {
		row.load(m)
		m.Groups(m.Len("gamma"), chains(m, true, 2), func(is []lanes.Index) {
			tail := is[0].Tail
			v := row.hat(m, m.LoadAll(each(is, x.at), tail))
			v = m.FMA(m.FetchAll(each(is, gamma), tail), v, m.LoadAll(each(is, beta), tail))
			m.StoreAll(m.Mul(m.FetchAll(each(is, dy.at), tail), e.SiLUGrad(v)), each(is, dv.at), tail)
		})
	})
	m.Ret()
}

func rowGradSums(m *lanes.Machine) {
	m.Func("rowGradSums", "func(s1, s2 []float32, dv, x *float32, dvPitch, xPitch int, gamma []float32, stats *float32)",
		"s1_i, s2_i = sums of g = dv*gamma_c and of g*xh (fused) over row i in 16 lanes, xh = (x - mean)*rstd.")
	s1, s2, n := m.Ptr("s1"), m.Ptr("s2"), m.Len("s1")
	dv, x := walk(m, m.Int("dv"), "dvPitch"), walk(m, m.Int("x"), "xPitch")
	gamma, row := m.Ptr("gamma"), rowPair{at: m.Int("stats")}
	pixels(m, n, []walker{dv, x}, func() {
		row.load(m)
		a1, a2 := m.ZeroLanes(), m.ZeroLanes()
		m.Loop(m.Len("gamma"), 1, func(i lanes.Index) {
			v := row.hat(m, m.Load(i.Of(x.at), i.Tail))
			g := m.Mul(m.Fetch(i.Of(gamma), i.Tail), m.Load(i.Of(dv.at), i.Tail))
			m.Clean(v, i.Tail) // dv and gamma are zero past the end, xh need not be finite
			m.AddTo(g, a1)
			m.FMATo(v, g, a2)
		})
		m.VMOVSS(m.Fold(a1, m.VADDPS), operand.Mem{Base: s1})
		m.VMOVSS(m.Fold(a2, m.VADDPS), operand.Mem{Base: s2})
		m.ADDQ(operand.Imm(4), s1)
		m.ADDQ(operand.Imm(4), s2)
	})
	m.Ret()
}

func rowGradInput(m *lanes.Machine, acc bool) {
	name, set := "rowGradInput", "="
	if acc {
		name, set = "rowGradInputAcc", "+="
	}
	m.Func(name, "func(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, gamma []float32, coef *float32)",
		"dx "+set+" fma(dv*gamma_c, p, fma(x, q, r)), n >= 1 rows; p, q, r of row i at coef[3i].")
	m.Narrow = true
	dx, dv, x := walk(m, m.Int("dx"), "dxPitch"), walk(m, m.Int("dv"), "dvPitch"), walk(m, m.Int("x"), "xPitch")
	gamma, coef := m.Ptr("gamma"), m.Int("coef")
	pixelsFrom(m, []walker{dx, dv, x}, func() {
		p := m.SpreadMem(operand.Mem{Base: coef})
		q := m.SpreadMem(operand.Mem{Base: coef, Disp: 4})
		r := m.SpreadMem(operand.Mem{Base: coef, Disp: 8})
		m.ADDQ(operand.Imm(12), coef)
		m.Loop(m.Len("gamma"), 1, func(i lanes.Index) {
			v := m.Load(i.Of(x.at), i.Tail)
			v = m.FMA(q, v, r)
			g := m.Mul(m.Fetch(i.Of(gamma), i.Tail), m.Load(i.Of(dv.at), i.Tail))
			m.FMATo(g, p, v)
			if acc {
				m.AddTo(m.Fetch(i.Of(dx.at), i.Tail), v)
			}
			m.Store(v, i.Of(dx.at), i.Tail)
		})
	})
	m.Ret()
}

func colGrad(m *lanes.Machine) {
	m.Func("colGrad", "func(dgamma, dbeta []float32, dv, x *float32, dvPitch, xPitch, n int, stats *float32)",
		"For n >= 1 rows i: dbeta_c += dv; dgamma_c = fma(dv, (x - mean)*rstd, dgamma_c).")
	m.Narrow = true
	m.Loop(m.Len("dbeta"), 1, func(x lanes.Index) {
		pg, pb := x.Of(m.Ptr("dgamma")), x.Of(m.Ptr("dbeta"))
		dg, db := m.Load(pg, x.Tail), m.Load(pb, x.Tail)
		pv, px := walk(m, m.At(x, m.Arg("dv")), "dvPitch"), walk(m, m.At(x, m.Arg("x")), "xPitch")
		row := rowPair{at: m.Int("stats")}
		pixels(m, m.Int("n"), []walker{pv, px}, func() {
			row.load(m)
			g := m.Load(pv.mem(m), x.Tail)
			m.AddTo(g, db)
			m.FMATo(row.hat(m, m.Load(px.mem(m), x.Tail)), g, dg)
		})
		m.Store(dg, pg, x.Tail)
		m.Store(db, pb, x.Tail)
	})
	m.Ret()
}
