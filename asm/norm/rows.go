package main

import (
	"github.com/mmcloughlin/avo/operand"

	"heavytail/asm/internal/lanes"
)

func rowApply(m *lanes.Machine, act bool) {
	m.Func("rowApply"+suffix(act), "func(y, x, gamma, beta []float32, mean, rstd float32)",
		"y_i = fma((x_i - mean)*rstd, gamma_i, beta_i)"+map[bool]string{true: ", then silu1", false: ""}[act]+".")
	m.Narrow = true
	y, px, gamma, beta, n := m.Ptr("y"), m.Ptr("x"), m.Ptr("gamma"), m.Ptr("beta"), m.Len("x")
	mean, rstd := m.Spread("mean"), m.Spread("rstd")
	var e *lanes.Exp
	if act {
		e = m.Exponential(true)
	}
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Mul(rstd, m.Sub(mean, m.Load(x.Of(px), x.Tail)))
		m.FMA132(m.Fetch(x.Of(gamma), x.Tail), m.Load(x.Of(beta), x.Tail), v)
		if act {
			v = e.SiLU(v)
		}
		m.Store(v, x.Of(y), x.Tail)
	})
	m.Ret()
}

func rowGrad(m *lanes.Machine) {
	m.Func("rowGrad", "func(dv, dy, x, gamma, beta []float32, mean, rstd float32)",
		"dv_i = dy_i*siluGrad1(fma((x_i - mean)*rstd, gamma_i, beta_i)).")
	m.Narrow = true
	dv, dy, px, gamma, beta, n := m.Ptr("dv"), m.Ptr("dy"), m.Ptr("x"), m.Ptr("gamma"), m.Ptr("beta"), m.Len("x")
	mean, rstd := m.Spread("mean"), m.Spread("rstd")
	e := m.Exponential(true)
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Mul(rstd, m.Sub(mean, m.Load(x.Of(px), x.Tail)))
		m.FMA132(m.Fetch(x.Of(gamma), x.Tail), m.Load(x.Of(beta), x.Tail), v)
		g := m.Mul(m.Fetch(x.Of(dy), x.Tail), e.SiLUGrad(v))
		m.Store(g, x.Of(dv), x.Tail)
	})
	m.Ret()
}

func rowGradSums(m *lanes.Machine) {
	m.Func("rowGradSums", "func(dv, x, gamma []float32, mean, rstd float32) (s1, s2 float32)",
		"Sums of g = dv_i*gamma_i and of g*xh (fused) in 16 lanes, xh = (x_i - mean)*rstd.")
	dv, px, gamma, n := m.Ptr("dv"), m.Ptr("x"), m.Ptr("gamma"), m.Len("x")
	mean, rstd := m.Spread("mean"), m.Spread("rstd")
	s1, s2 := m.Zero(), m.Zero()
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Mul(rstd, m.Sub(mean, m.Load(x.Of(px), x.Tail)))
		g := m.Mul(m.Fetch(x.Of(gamma), x.Tail), m.Load(x.Of(dv), x.Tail))
		m.Clean(v, x.Tail) // dv and gamma are zero past the end, xh need not be finite
		m.AddTo(g, s1)
		m.FMA231(v, g, s2)
	})
	m.Store32(m.Fold(s1, m.VADDPS), "s1")
	m.Store32(m.Fold(s2, m.VADDPS), "s2")
	m.Ret()
}

func rowGradInput(m *lanes.Machine, acc bool) {
	name, doc := "rowGradInput", "dx_i = fma(dv_i*gamma_i, p, fma(x_i, q, r))."
	if acc {
		name, doc = "rowGradInputAcc", "dx_i += fma(dv_i*gamma_i, p, fma(x_i, q, r))."
	}
	m.Func(name, "func(dx, dv, x, gamma []float32, p, q, r float32)", doc)
	m.Narrow = true
	dx, dv, px, gamma, n := m.Ptr("dx"), m.Ptr("dv"), m.Ptr("x"), m.Ptr("gamma"), m.Len("x")
	p, q, r := m.Spread("p"), m.Spread("q"), m.Spread("r")
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Load(x.Of(px), x.Tail)
		m.FMA132(q, r, v) // v = v·q + r
		g := m.Mul(m.Fetch(x.Of(gamma), x.Tail), m.Load(x.Of(dv), x.Tail))
		m.FMA231(g, p, v)
		if acc {
			m.AddTo(m.Fetch(x.Of(dx), x.Tail), v)
		}
		m.Store(v, x.Of(dx), x.Tail)
	})
	m.Ret()
}

func colGrad(m *lanes.Machine) {
	m.Func("colGrad", "func(dgamma, dbeta []float32, dv, x *float32, dvPitch, xPitch, n int, stats *float32)",
		"For n >= 1 rows i: dbeta_c += dv; dgamma_c = fma(dv, (x - mean)*rstd, dgamma_c),",
		"mean and rstd at stats[2i] and stats[2i+1].")
	m.Narrow = true
	m.Loop(m.Len("dbeta"), 1, func(x lanes.Index) {
		pg, pb := x.Of(m.Ptr("dgamma")), x.Of(m.Ptr("dbeta"))
		dg, db := m.Load(pg, x.Tail), m.Load(pb, x.Tail)
		pv, px := walk(m, m.At(x, m.Arg("dv")), "dvPitch"), walk(m, m.At(x, m.Arg("x")), "xPitch")
		stats := m.Int("stats")
		pixels(m, m.Int("n"), []walker{pv, px}, func() {
			mean := m.SpreadMem(operand.Mem{Base: stats})
			rstd := m.SpreadMem(operand.Mem{Base: stats, Disp: 4})
			m.ADDQ(operand.Imm(8), stats)
			g := m.Load(pv.mem(), x.Tail)
			m.AddTo(g, db)
			v := m.Mul(rstd, m.Sub(mean, m.Load(px.mem(), x.Tail)))
			m.FMA231(v, g, dg)
		})
		m.Store(dg, pg, x.Tail)
		m.Store(db, pb, x.Tail)
	})
	m.Ret()
}
