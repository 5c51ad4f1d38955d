// Command act writes the elementary functions on float32 of package simd for amd64.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

func main() {
	emit.Main("act", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "act")
	m.Functions(formula.Acts)
	siluBackward(m)
	softmax(m)
	columns(m)
}

func siluBackward(m *lanes.Machine) {
	m.Func("siluBackward", "func(dx, dy, x []float32)", "dx_i = dy_i * siluGrad1(x_i)")
	m.Narrow = true
	dx, dy, src, n := m.Ptr("dx"), m.Ptr("dy"), m.Ptr("x"), m.Len("x")
	grad := formula.Act{Machine: m}.SiLUGrad
	m.Hoist(func() { grad(m.New16()) })
	m.Loop(n, 1, func(x lanes.Index) {
		g := grad(m.Load(x.Of(src), x.Tail))
		m.Store(m.Mul(m.Fetch(x.Of(dy), x.Tail), g), x.Of(dx), x.Tail)
	})
	m.Ret()
}

func softmax(m *lanes.Machine) {
	m.Func("softmaxExp", "func(row []float32, max float32) float32",
		"row_i = exp1(row_i - max); returns the sum of the new row in 16 lanes.")
	row, n, top := m.Ptr("row"), m.Len("row"), m.Spread("max")
	f, acc := formula.Act{Machine: m}.Exp, m.ZeroLanes()
	m.Hoist(func() { f(m.New16()) })
	m.Loop(n, 1, func(x lanes.Index) {
		v := f(m.Sub(m.Load(x.Of(row), x.Tail), top))
		m.Store(v, x.Of(row), x.Tail)
		m.Clean(v, x.Tail)
		m.AddTo(v, acc)
	})
	m.Store32(m.Fold(acc, m.VADDPS), "ret")
	m.Ret()

	m.Func("softmaxGrad", "func(ds, p, dp []float32, d float32)", "ds_i = p_i * (dp_i - d)")
	ds, p, dp, n, d := m.Ptr("ds"), m.Ptr("p"), m.Ptr("dp"), m.Len("p"), m.Spread("d")
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Sub(m.Load(x.Of(dp), x.Tail), d)
		m.Store(m.Mul(m.Fetch(x.Of(p), x.Tail), v), x.Of(ds), x.Tail)
	})
	m.Ret()
}
