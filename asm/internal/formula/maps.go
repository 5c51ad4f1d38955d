package formula

import "strings"

// A Map is a kernel without memory: results from the same element of every operand.
type Map struct {
	Name, Params, Doc string // Params as in Go
	Out, In           string // the slices of results and operands, with spaces between
	Spread            string // the parameters that are the same for all elements
	Unroll            int    // values of 16 lanes that amd64 does in a turn, or 0 where constants fill registers
	// Of may be given operands in memory: what is needed more than once is for Reg.
	Of func(m Machine, x, k []Value) []Value
}

// one is for maps of one result.
func one(of func(m Machine, x, k []Value) Value) func(m Machine, x, k []Value) []Value {
	return func(m Machine, x, k []Value) []Value { return []Value{of(m, x, k)} }
}

// Elementwise are the maps of simd/vec_generic.go.
var Elementwise = []Map{
	{"add", "dst, a, b []float32", "dst_i = a_i + b_i", "dst", "a b", "", 4,
		one(func(m Machine, x, _ []Value) Value { return m.Add(x[0], x[1]) })},
	{"sub", "dst, a, b []float32", "dst_i = a_i - b_i", "dst", "a b", "", 4,
		one(func(m Machine, x, _ []Value) Value { return m.Sub(x[0], x[1]) })},
	{"mul", "dst, a, b []float32", "dst_i = a_i * b_i", "dst", "a b", "", 4,
		one(func(m Machine, x, _ []Value) Value { return m.Mul(x[0], x[1]) })},
	{"scale", "dst, x []float32, s float32", "dst_i = x_i * s", "dst", "x", "s", 4,
		one(func(m Machine, x, k []Value) Value { return m.Mul(x[0], k[0]) })},
	{"axpby", "dst []float32, a float32, x []float32, b float32, y []float32", "dst_i = fma(a, x_i, b * y_i)",
		"dst", "x y", "a b", 4,
		one(func(m Machine, x, k []Value) Value { return m.FMA(x[0], k[0], m.Mul(x[1], k[1])) })},
	{"linComb3", "dst []float32, a float32, x []float32, b float32, y []float32, c float32, z []float32",
		"dst_i = fma(c, z_i, fma(b, y_i, a * x_i))", "dst", "x y z", "a b c", 2,
		one(func(m Machine, x, k []Value) Value {
			return m.FMA(x[2], k[2], m.FMA(x[1], k[1], m.Mul(x[0], k[0])))
		})},
	{"clamp", "dst, x []float32, lo, hi float32", "dst_i = atMost(atLeast(x_i, lo), hi)", "dst", "x", "lo hi", 4,
		one(func(m Machine, x, k []Value) Value { return m.Below(k[1], m.Above(k[0], x[0])) })},
	{"huber", "dst, x []float32", "m = min(|x_i|, 1); dst_i = m * (|x_i| - m*0.5)", "dst", "x", "", 1,
		one(func(m Machine, x, _ []Value) Value {
			a := m.Abs(m.Reg(x[0]))
			lim := m.AtMost(a, m.Num(1))
			return m.Mul(m.Sub(a, m.Mul(lim, m.Num(0.5))), lim)
		})},
	{"mask", "dst, x []float32, words []uint32, limit uint32, s float32",
		"dst_i = x_i * s where words_i >= limit (unsigned), else 0", "dst", "x words", "limit s", 1,
		one(func(m Machine, x, k []Value) Value {
			return m.Zero(m.NotBelow(x[1], k[0]), m.Mul(x[0], k[1]))
		})},
}

// Grads are the maps of simd/act_generic.go.
var Grads = []Map{
	{"siluBackward", "dx, dy, x []float32", "dx_i = dy_i * siluGrad1(x_i)", "dx", "dy x", "", 0,
		one(func(m Machine, x, _ []Value) Value { return m.Mul(x[0], Act{m}.SiLUGrad(m.Reg(x[1]))) })},
	{"softmaxGrad", "ds, p, dp []float32, d float32", "ds_i = p_i * (dp_i - d)", "ds", "p dp", "d", 1,
		one(func(m Machine, x, k []Value) Value { return m.Mul(x[0], m.Sub(x[1], k[0])) })},
}

// of makes a map of functions of x, the last of args; the others are its results.
func of(name, args, typ, doc string, f func(m Machine, x Value) []Value) Map {
	names := strings.Split(args, ", ")
	return Map{name, args + " []" + typ, doc, strings.Join(names[:len(names)-1], " "), "x", "", 0,
		func(m Machine, x, _ []Value) []Value { return f(m, m.Reg(x[0])) }}
}
