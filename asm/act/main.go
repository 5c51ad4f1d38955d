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
	m.Maps(formula.Acts)
	m.Maps(formula.Grads)
	softmax(m)
	columns(m)
}

func softmax(m *lanes.Machine) {
	m.Func("softmaxExp", "func(row []float32, max float32) float32",
		"row_i = exp1(row_i - max); returns the sum of the new row in 16 lanes.")
	row, n, top := m.Ptr("row"), m.Len("row"), m.Spread("max")
	f, acc := formula.Act{Machine: m}.Exp, m.ZeroLanes()
	m.Hoist(false, func() { f(m.New16()) })
	m.Loop(n, 1, func(x lanes.Index) {
		v := f(m.Sub(m.Load(x.Of(row), x.Tail), top))
		m.Store(v, x.Of(row), x.Tail)
		m.Clean(v, x.Tail)
		m.AddTo(v, acc)
	})
	m.Store32(m.Fold(acc, m.VADDPS), "ret")
	m.Ret()
}
