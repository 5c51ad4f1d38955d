// Command act writes the elementary functions of package simd. Every kernel is
// the operations of simd/act_generic.go, one by one.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

const (
	expHi, expLo = 89, -104
	tanhHi       = 30
	absBits      = 1<<31 - 1
	signBit      = 1 << 31
	sqrtHalf     = 0x3f3504f3
	minNormal    = 0x1p-126
	twoOver      = 0.636619772
	sinMax       = 1 << 21
)

var (
	logC = [9]float32{0.333333135, -0.250000089, 0.20002073, -0.166679963, 0.142203271,
		-0.124060318, 0.11883568, -0.116714492, 0.0675095618}
	sinC = [3]float32{-0.166666552, 0.00833219104, -0.000195186003}
	cosC = [3]float32{0.0416666456, -0.00138873013, 2.44306611e-05}
	pi2  = [3]float32{1.57079637, -4.37113883e-8, -1.71512451e-15}
	inf  = float32(math.Inf(1))
	nan  = float32(math.NaN())
)

func main() {
	emit.Main("act", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "act")
	exp(m)
	softmax(m)
	unary(m, "silu", "dst_i = silu1(x_i)", func(e *lanes.Exp) func(lanes.V) lanes.V {
		return func(x lanes.V) lanes.V { return e.SiLU(x) }
	})
	unary(m, "sigmoid", "dst_i = sigmoid1(x_i)", func(e *lanes.Exp) func(lanes.V) lanes.V {
		return func(x lanes.V) lanes.V { return e.Sigmoid(x) }
	})
	siluBackward(m)
	tanh(m)
	log(m)
	sinCos(m)
}

// unary writes dst = f(x) for a function of the sigmoid's family.
func unary(m *lanes.Machine, name, doc string, f func(*lanes.Exp) func(lanes.V) lanes.V) {
	m.Func(name, "func(dst, x []float32)", doc)
	m.Narrow = true
	dst, src, n := m.Ptr("dst"), m.Ptr("x"), m.Len("x")
	g := f(m.Exponential(true))
	m.Loop(n, 1, func(x lanes.Index) {
		m.Store(g(m.Load(x.Of(src), x.Tail)), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func siluBackward(m *lanes.Machine) {
	m.Func("siluBackward", "func(dx, dy, x []float32)", "dx_i = dy_i * siluGrad1(x_i)")
	m.Narrow = true
	dx, dy, src, n := m.Ptr("dx"), m.Ptr("dy"), m.Ptr("x"), m.Len("x")
	e := m.Exponential(true)
	m.Loop(n, 1, func(x lanes.Index) {
		g := e.SiLUGrad(m.Load(x.Of(src), x.Tail))
		m.Store(m.Mul(m.Fetch(x.Of(dy), x.Tail), g), x.Of(dx), x.Tail)
	})
	m.Ret()
}

// expOf returns a function that writes exp1.
func expOf(m *lanes.Machine) func(x lanes.V) lanes.V {
	e := m.Exponential(false)
	hi, lo := m.Float(expHi), m.Float(expLo)
	return func(x lanes.V) lanes.V {
		n, t := e.Parts(m.AtLeast(m.AtMost(x, hi), lo))
		return e.Scale(m.Add(e.One(), t), e.Pow(n))
	}
}

func exp(m *lanes.Machine) {
	m.Func("exp", "func(dst, x []float32)", "dst_i = exp1(x_i)")
	m.Narrow = true
	dst, src, n := m.Ptr("dst"), m.Ptr("x"), m.Len("x")
	f := expOf(m)
	m.Loop(n, 1, func(x lanes.Index) {
		m.Store(f(m.Load(x.Of(src), x.Tail)), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func softmax(m *lanes.Machine) {
	m.Func("softmaxExp", "func(row []float32, max float32) float32",
		"row_i = exp1(row_i - max); returns the sum of the new row in 16 lanes.")
	row, n, top := m.Ptr("row"), m.Len("row"), m.Spread("max")
	f, acc := expOf(m), m.ZeroLanes()
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

func tanh(m *lanes.Machine) {
	m.Func("tanh", "func(dst, x []float32)", "As tanhGeneric.")
	m.Narrow = true
	dst, src, n := m.Ptr("dst"), m.Ptr("x"), m.Len("x")
	e := m.Exponential(false)
	abs, sign, hi, two := m.Const(absBits), m.Const(signBit), m.Float(tanhHi), m.Float(2)
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Load(x.Of(src), x.Tail)
		a := m.And(abs, v)
		k, t := e.Parts(m.AtMost(m.Add(a, a), hi))
		pow := e.Two(e.Pow(k))
		q := m.FMA(pow, t, m.Sub(pow, e.One())) // e^{2|x|} − 1
		y := m.Div(q, m.Add(two, q))
		m.Store(m.Or(m.And(sign, v), y), x.Of(dst), x.Tail)
	})
	m.Ret()
}

func log(m *lanes.Machine) {
	m.Func("log", "func(dst, x []float32)", "As logGeneric.")
	m.Narrow = true
	dst, src, n := m.Ptr("dst"), m.Ptr("x"), m.Len("x")
	var c [9]lanes.V
	for i, v := range logC {
		c[i] = m.Float(v)
	}
	tiny, up, down, zero, big := m.Float(minNormal), m.Float(1<<23), m.Float(-23), m.ZeroLanes(), m.Float(math.MaxFloat32)
	base, one, half := m.Const(sqrtHalf), m.Float(1), m.Float(-0.5)
	hi, lo := m.Float(lanes.Ln2Hi), m.Float(lanes.Ln2Lo)
	ninf, nans := m.Float(-inf), m.Float(nan)
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Load(x.Of(src), x.Tail)
		small := m.Compare(formula.Less, v, tiny)
		s, k0 := m.Select(small, m.Mul(up, v), v), m.Zero(small, down)
		e := m.RightInt(m.SubInt(s, base), 23)
		f := m.Sub(m.SubInt(s, m.Left(e, 23)), one)
		k := m.Add(k0, m.ToFloat(e))
		q := c[8]
		for i := 7; i >= 0; i-- {
			q = m.FMA(q, f, c[i])
		}
		z := m.Mul(f, f)
		q = m.FMA(lo, k, m.Mul(z, m.Mul(f, q)))
		q = m.FMA(hi, k, m.Add(f, m.FMA(half, z, q)))
		q = m.Select(m.Compare(lanes.NotAtMost, v, big), v, q)
		q = m.Select(m.Compare(formula.Equal, v, zero), ninf, q)
		q = m.Select(m.Compare(formula.Less, v, zero), nans, q)
		m.Store(q, x.Of(dst), x.Tail)
	})
	m.Ret()
}

func sinCos(m *lanes.Machine) {
	m.Func("sinCos", "func(s, c, x []float32)", "As sinCosGeneric.")
	m.Narrow = true
	ps, pc, src, n := m.Ptr("s"), m.Ptr("c"), m.Ptr("x"), m.Len("x")
	abs, limit, nans, sign := m.Const(absBits), m.Float(sinMax), m.Float(nan), m.Const(signBit)
	over, magic, one, oneInt, half := m.Float(twoOver), m.Float(lanes.Magic), m.Float(1), m.Const(1), m.Float(-0.5)
	var pi, sc, cc [3]lanes.V
	for i := range pi2 {
		pi[i], sc[i], cc[i] = m.Float(-pi2[i]), m.Float(sinC[i]), m.Float(cosC[i])
	}
	horner := func(c [3]lanes.V, z lanes.V) lanes.V { return m.FMA(m.FMA(c[2], z, c[1]), z, c[0]) }
	m.Loop(n, 1, func(x lanes.Index) {
		v := m.Load(x.Of(src), x.Tail)
		v = m.Select(m.Compare(lanes.NotAtMost, m.And(abs, v), limit), nans, v)
		u := m.FMA(v, over, magic)
		k := m.Sub(u, magic)
		for _, p := range pi {
			v = m.FMA(p, k, v)
		}
		z := m.Mul(v, v)
		sn := m.FMA(horner(sc, z), m.Mul(v, z), v)
		cs := m.FMA(horner(cc, z), m.Mul(z, z), m.FMA(half, z, one))
		odd := m.SignMask(m.Left(u, 31))
		a, b := m.Select(odd, cs, sn), m.Select(odd, sn, cs)
		flip := func(u, v lanes.V) lanes.V { return m.Xor(m.And(sign, m.Left(u, 30)), v) }
		m.Store(flip(u, a), x.Of(ps), x.Tail)
		m.Store(flip(m.AddInt(oneInt, u), b), x.Of(pc), x.Tail)
	})
	m.Ret()
}
