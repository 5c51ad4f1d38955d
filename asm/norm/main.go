// Command norm writes the kernels of group and layer normalisation. Pixels (or
// rows) lie pitch float32 apart; channels are contiguous.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

func main() {
	emit.Main("norm", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "norm")
	chanSums(m)
	for _, act := range []bool{false, true} {
		apply(m, act)
		gradSums(m, act)
	}
	for _, acc := range []bool{false, true} {
		gradInput(m, acc)
		rowGradInput(m, acc)
	}
	gradInputSiLU(m)
	for _, act := range []bool{false, true} {
		rowApply(m, act)
	}
	rowSums(m)
	rowGrad(m)
	rowGradSums(m)
	colGrad(m)
}

// A walker is a pointer that goes from pixel to pixel.
type walker struct{ at, pitch reg.GPVirtual }

// walk returns a walker that starts at from and whose pitch is the parameter
// pitch, in float32.
func walk(m *lanes.Machine, from reg.GPVirtual, pitch string) walker {
	p := m.Int(pitch)
	m.SHLQ(operand.Imm(2), p)
	return walker{from, p}
}

// mem is what w points at.
func (w walker) mem(m *lanes.Machine) lanes.V { return m.Memory(operand.Mem{Base: w.at}) }

// pixels runs body n times, moving the walkers on.
func pixels(m *lanes.Machine, n reg.GPVirtual, ws []walker, body func()) {
	loop := lanes.Label("pixel")
	m.Label(loop)
	body()
	for _, w := range ws {
		m.ADDQ(w.pitch, w.at)
	}
	m.DECQ(n)
	m.JNZ(operand.LabelRef(loop))
}

func chanSums(m *lanes.Machine) {
	m.Func("chanSums", "func(s, q []float32, x *float32, pitch, n int, shift []float32)",
		"s_c, q_c = sums over n >= 1 pixels of d = x - shift_c and of d*d (fused).")
	// The sums of a channel wait for each other: two groups of channels go
	// together, all that AVX2 has registers for, and networks have 32 channels.
	m.Groups(m.Len("shift"), []int{2}, func(xs []lanes.Index) {
		shift := m.Ptr("shift")
		var k, s, q []lanes.V
		for _, x := range xs {
			k, s, q = append(k, m.Fetch(x.Of(shift), x.Tail)), append(s, m.ZeroLanes()), append(q, m.ZeroLanes())
		}
		w := walk(m, m.At(xs[0], m.Arg("x")), "pitch")
		pixels(m, m.Int("n"), []walker{w}, func() {
			for i, x := range xs {
				d := m.Sub(m.Load(x.From(w.at), x.Tail), k[i])
				m.AddTo(d, s[i])
				m.FMATo(d, d, q[i])
			}
		})
		for i, x := range xs {
			m.Store(s[i], x.Of(m.Ptr("s")), x.Tail)
			m.Store(q[i], x.Of(m.Ptr("q")), x.Tail)
		}
	})
	m.Ret()
}

func suffix(act bool) string {
	if act {
		return "SiLU"
	}
	return ""
}

// copyOf returns a fresh register with r's value.
func copyOf(m *lanes.Machine, r operand.Op) reg.GPVirtual {
	c := m.GP64()
	m.MOVQ(r, c)
	return c
}

func apply(m *lanes.Machine, act bool) {
	m.Func("normApply"+suffix(act), "func(y, x *float32, yPitch, xPitch, n int, a, b []float32)",
		"y = fma(x, a_c, b_c), n >= 1 pixels"+map[bool]string{true: ", then silu1", false: ""}[act]+".")
	m.Narrow = true
	y, x := walk(m, m.Int("y"), "yPitch"), walk(m, m.Int("x"), "xPitch")
	a, b, n, c := m.Ptr("a"), m.Ptr("b"), m.Int("n"), m.Len("a")
	e := formula.Act{Machine: m}
	if act {
		m.Hoist(false, func() { e.SiLU(m.New16()) })
	}
	pixels(m, n, []walker{y, x}, func() {
		m.Groups(copyOf(m, c), chains(m, act, 4, 2), func(is []lanes.Index) {
			tail := is[0].Tail
			v, k := m.LoadAll(each(is, x.at), tail), m.LoadAll(each(is, b), tail)
			m.FMATo(m.FetchAll(each(is, a), tail), v, k)
			if act {
				k = e.SiLU(k)
			}
			m.StoreAll(k, each(is, y.at), tail)
		})
	})
	m.Ret()
}

// chains returns how many vectors of channels go together through a function that is
// one long chain, with the registers of AVX-512: a processor does not look far enough
// ahead to find as many by itself.
func chains(m *lanes.Machine, chain bool, sizes ...int) []int {
	if m.Wide && chain {
		return sizes
	}
	return nil
}

// each returns the elements at the indices after base.
func each(is []lanes.Index, base reg.Register) (at []lanes.V) {
	for _, i := range is {
		at = append(at, i.Of(base))
	}
	return at
}

func gradSums(m *lanes.Machine, act bool) {
	if act {
		m.Func("gradSumsSiLU", "func(s1, s2 []float32, dv, dy, x *float32, dvPitch, dyPitch, xPitch, n int, a, b, mean, rstd *float32)",
			"s1_c, s2_c = sums over n >= 1 pixels of dv = dy*siluGrad1(fma(x, a_c, b_c))",
			"and of dv*xh (fused), xh = (x - mean_c)*rstd_c. Unless dv is nil it is stored.")
	} else {
		m.Func("gradSums", "func(s1, s2 []float32, dy, x *float32, dyPitch, xPitch, n int, mean, rstd *float32)",
			"s1_c, s2_c = sums over n >= 1 pixels of dy and of dy*xh (fused), xh = (x - mean_c)*rstd_c.")
	}
	m.Narrow = true
	e := formula.Act{Machine: m}
	if act {
		m.Hoist(false, func() { e.SiLUGrad(m.New16()) })
	}
	m.Loop(m.Len("s1"), 1, func(x lanes.Index) {
		mean, rstd := m.Load(x.Of(m.Int("mean")), x.Tail), m.Load(x.Of(m.Int("rstd")), x.Tail)
		s1, s2 := m.ZeroLanes(), m.ZeroLanes()
		px, py := walk(m, m.At(x, m.Arg("x")), "xPitch"), walk(m, m.At(x, m.Arg("dy")), "dyPitch")
		ws := []walker{px, py}
		var a, b lanes.V
		var pv walker
		if act {
			a, b = m.Load(x.Of(m.Int("a")), x.Tail), m.Load(x.Of(m.Int("b")), x.Tail)
			pv = walk(m, m.At(x, m.Arg("dv")), "dvPitch")
			ws = append(ws, pv)
		}
		pixels(m, m.Int("n"), ws, func() {
			v := m.Load(px.mem(m), x.Tail)
			g := m.Load(py.mem(m), x.Tail)
			if act {
				g = m.Mul(g, e.SiLUGrad(m.FMA(a, v, b)))
				skip := lanes.Label("skip")
				m.CMPQ(m.Arg("dv"), operand.Imm(0))
				m.JE(operand.LabelRef(skip))
				m.Store(g, pv.mem(m), x.Tail)
				m.Label(skip)
			}
			m.AddTo(g, s1)
			m.FMATo(m.Mul(rstd, m.Sub(v, mean)), g, s2)
		})
		m.Store(s1, x.Of(m.Ptr("s1")), x.Tail)
		m.Store(s2, x.Of(m.Ptr("s2")), x.Tail)
	})
	m.Ret()
}

func gradInput(m *lanes.Machine, acc bool) {
	name, doc := "gradInput", "dx = fma(dv, p_c, fma(x, q_c, r_c)), n >= 1 pixels."
	if acc {
		name, doc = "gradInputAcc", "dx += fma(dv, p_c, fma(x, q_c, r_c)), n >= 1 pixels."
	}
	m.Func(name, "func(dx, dv, x *float32, dxPitch, dvPitch, xPitch, n int, p, q, r []float32)", doc)
	m.Narrow = true
	dx, dv, x := walk(m, m.Int("dx"), "dxPitch"), walk(m, m.Int("dv"), "dvPitch"), walk(m, m.Int("x"), "xPitch")
	p, q, r := m.Ptr("p"), m.Ptr("q"), m.Ptr("r")
	pixelsFrom(m, []walker{dx, dv, x}, func() {
		m.Loop(m.Len("p"), 1, func(i lanes.Index) {
			k := m.Load(i.Of(r), i.Tail)
			m.FMATo(m.Fetch(i.Of(q), i.Tail), m.Load(i.Of(x.at), i.Tail), k)
			m.FMATo(m.Fetch(i.Of(p), i.Tail), m.Load(i.Of(dv.at), i.Tail), k)
			if acc {
				m.AddTo(m.Fetch(i.Of(dx.at), i.Tail), k)
			}
			m.Store(k, i.Of(dx.at), i.Tail)
		})
	})
	m.Ret()
}

// pixelsFrom is pixels with the count in the parameter n's place on the stack,
// which it counts down, to save a register.
func pixelsFrom(m *lanes.Machine, ws []walker, body func()) {
	loop, n := lanes.Label("pixel"), m.Arg("n")
	m.Label(loop)
	body()
	for _, w := range ws {
		m.ADDQ(w.pitch, w.at)
	}
	m.DECQ(n)
	m.JNZ(operand.LabelRef(loop))
}

func gradInputSiLU(m *lanes.Machine) {
	m.Func("gradInputSiLU", "func(dx, dy, x *float32, dxPitch, dyPitch, xPitch, n int, a, b, p, q, r []float32)",
		"dx += fma(dv, p_c, fma(x, q_c, r_c)), dv = dy*siluGrad1(fma(x, a_c, b_c)), n >= 1 pixels.")
	m.Narrow = true
	dx, dy, x := m.Int("dx"), m.Int("dy"), m.Int("x")
	a, b, p, q, r := m.Ptr("a"), m.Ptr("b"), m.Ptr("p"), m.Ptr("q"), m.Ptr("r")
	e := formula.Act{Machine: m}
	m.Hoist(false, func() { e.SiLUGrad(m.New16()) })
	loop := lanes.Label("pixel")
	m.Label(loop)
	m.Groups(m.Len("p"), chains(m, true, 2), func(is []lanes.Index) {
		tail := is[0].Tail
		v, g := m.LoadAll(each(is, x), tail), m.LoadAll(each(is, b), tail)
		m.FMATo(m.FetchAll(each(is, a), tail), v, g)
		g = m.Mul(m.FetchAll(each(is, dy), tail), e.SiLUGrad(g))
		k := m.LoadAll(each(is, r), tail)
		m.FMATo(m.FetchAll(each(is, q), tail), v, k)
		m.FMATo(m.FetchAll(each(is, p), tail), g, k)
		m.AddTo(m.FetchAll(each(is, dx), tail), k)
		m.StoreAll(k, each(is, dx), tail)
	})
	for _, w := range []struct {
		at    reg.GPVirtual
		pitch string
	}{{dx, "dxPitch"}, {dy, "dyPitch"}, {x, "xPitch"}} {
		step := m.Int(w.pitch)
		m.LEAQ(operand.Mem{Base: w.at, Index: step, Scale: 4}, w.at)
	}
	m.DECQ(m.Arg("n"))
	m.JNZ(operand.LabelRef(loop))
	m.Ret()
}
