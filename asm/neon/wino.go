package main

import (
	"fmt"

	"heavytail/asm/internal/formula"
)

// winograd writes the transforms of F(4×4, 3×3), F(2×2, 3×3) and of the form of a
// doubled image; simd/wino_generic.go says what they compute. A transform in two
// dimensions is done for two of its rows at a time: first down the columns, which gives those
// rows, then along them, so that its values find registers.
func winograd(f *file) {
	kernels(f, "wino", func(m *machine) {
		for _, f := range []*formula.Form{formula.Four, formula.Two} {
			m.winoIn(f, input{"winoIn", "WinoIn.Run for n channels.", f.Pixels, f.In, f.InAlong}, f.InNeeds)
			for pair := range f.InPairs {
				m.winoWeights(f, pair)
			}
			m.winoOut(f)
			m.winoIn(f, input{"winoBack", "WinoIn.RunBack for n channels.", f.M, f.Back, f.BackAlong}, f.BackNeeds)
			m.winoTaps(f)
		}
		up := formula.Up
		m.winoIn(up, input{"winoIn", "WinoIn.Run for n channels.", up.Pixels, up.In, up.InAlong}, nil)
		m.winoOut(up)
	})
}

// wino is the machine of the transforms.
func (m *machine) wino() formula.Wino { return formula.Wino{Machine: language{machine: m}} }

// inOrder returns the n values that along gives of a row, in the row's order.
func (m *machine) inOrder(along formula.Along, z []formula.Value, n int) []value {
	y := make([]value, n)
	along(m.wino(), z, func(v formula.Value, j int) { y[j] = registersOf(v) })
	return y
}

// whole returns a function that loads point i of column j of n, whole: sums have 32
// columns; step is the distance of points.
func (m *machine) whole(from gp, n, j, step int) func(i int) formula.Value {
	return func(i int) formula.Value {
		v := m.vec()
		m.ins("FMOVQ %d(%s), %s", step*(i*n+j), from, v.f())
		return formula.Value{v}
	}
}

// An input is a transform of tiles of side×side pixels to the points of a form.
type input struct {
	name, doc string
	side      int
	column    formula.Column
	along     formula.Along
}

// winoIn writes the transform of a run of tiles. The pixels' addresses of a tile
// lie in the frame, those of a column together.
func (m *machine) winoIn(f *formula.Form, in input, constants []float32) {
	n, side := f.Points, in.side
	m.begin(in.name+f.Name, "v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int", "", in.doc)
	m.frame = 8 * side * side
	v, pitch, x, off, zero := m.arg("v"), m.bytes("pitch"), m.arg("x"), m.arg("off"), m.arg("zero")
	tiles, channels, pixels, row := m.arg("tiles"), m.arg("n"), m.gp(), m.gp()
	m.ins("MOVD $pixels-%d(SP), %s", m.frame, pixels)
	m.ins("MOVD $%d, %s", n, row)
	m.ins("MUL %s, %s, %s", pitch, row, row)
	m.floats(constants...)
	m.times(tiles, func() {
		for i := range side * side {
			o, at := m.gp(), m.gp()
			m.ins("MOVW.P 4(%s), %s", off, o)
			m.ins("ADD %s<<2, %s, %s", o, x, at)
			m.ins("CMP $0, %s", o)
			m.ins("CSEL LT, %s, %s, %s", zero, at, at)
			m.ins("MOVD %s, %d(%s)", at, 8*(i%side*side+i/side), pixels)
		}
		idx, to := m.gp(), m.copyOf(v)
		m.ins("MOVD $0, %s", idx)
		m.loop(m.copyOf(channels), 1, func(s span) { m.winoTile(f, in, s, idx, to, pitch, row, pixels) })
		for range n {
			m.ins("ADD %s, %s, %s", row, v, v)
		}
	})
	m.end()
}

// winoTile transforms the span's channels of a tile; to is where they go at the
// first point, row the distance of the rows of points.
func (m *machine) winoTile(f *formula.Form, in input, s span, idx, to, pitch, row, pixels gp) {
	at := m.gp()
	m.ins("ADD %s, %s, %s", row, to, at) // row 0 comes last
	load := func(j int) func(i int) formula.Value { return m.pixels(in.side, j, s, idx, pixels) }
	m.wino().Rows(f.InPairs, in.side, in.column, load, func(r int, z []formula.Value) {
		if r == 0 {
			m.ins("MOVD %s, %s", to, at)
		}
		for _, y := range m.inOrder(in.along, z, f.Points) {
			m.ins("VST1.P [%s], (%s)(%s)", y[0], at, pitch)
		}
	})
	if !s.tail() {
		m.ins("ADD $16, %s, %s", idx, idx)
		m.ins("ADD $16, %s, %s", to, to)
	}
}

// pixels returns a function that loads pixel i of column j, two addresses at a
// time where it wants neighbours one after the other.
func (m *machine) pixels(n, j int, s span, idx, pixels gp) func(i int) formula.Value {
	address := map[int]gp{}
	return func(i int) formula.Value {
		if _, ok := address[i]; !ok {
			address[i&^1], address[i|1] = m.gp(), m.gp()
			m.ins("LDP %d(%s), (%s, %s)", 8*(j*n+i&^1), pixels, address[i&^1], address[i|1])
		}
		if s.tail() {
			at := m.gp()
			m.ins("ADD %s, %s, %s", idx, address[i], at)
			return out(m.peek(at, s))
		}
		v := m.vec()
		m.loadAt(v, address[i], idx)
		return formula.Value{v}
	}
}

// winoWeights writes the transform of the taps to the points of a pair of rows,
// element by element, so that taps are read once for both. The pairs share out the nine
// taps that lie so many bytes further on: the last pair, which reads six, fetches the
// last three, the others the first six.
func (m *machine) winoWeights(f *formula.Form, pair int) {
	rows, last := f.InPairs[pair], f.M/2
	m.begin(fmt.Sprintf("winoWeights%sRows%d%d", f.Name, min(rows[0], rows[1]), max(rows[0], rows[1])),
		"u0, u1 *float32, uStep int, w *float32, wStep, n, next int", "",
		"WinoWeights for that pair of rows, from the first tap on; fetches what lies next bytes behind.")
	u, uStep, w, wStep, n, next := []gp{m.arg("u0"), m.arg("u1")}, m.bytes("uStep"), m.arg("w"), m.bytes("wStep"), m.arg("n"), m.arg("next")
	m.floats(f.WeightNeeds...)
	walk := func(at, step gp, n int) (out []gp) {
		for range n {
			out = append(out, m.copyOf(at))
			m.ins("ADD %s, %s, %s", step, at, at)
		}
		return out
	}
	from, first, taps := walk(w, wStep, 9), 6, 3
	to := [2][]gp{walk(u[0], uStep, f.Points), walk(u[1], uStep, f.Points)}
	if pair < last {
		taps = 6 / last
		first = taps * pair
	}
	m.mark("loop")
	for _, tap := range from[first:][:taps] {
		at := m.gp()
		m.ins("ADD %s, %s, %s", next, tap, at)
		m.ins("PRFM (%s), PLDL2KEEP", at)
	}
	s := span{n: 2}
	for range 2 {
		var z [2][]formula.Value
		for j := range 3 {
			a, b := f.Weight(m.wino(), pair, func(i int) formula.Value { return out(m.next(from[3*i+j], s)) })
			z[0], z[1] = append(z[0], a), append(z[1], b)
		}
		if rows[0] > rows[1] {
			z[0], z[1] = z[1], z[0]
		}
		for i := range z {
			for j, y := range m.inOrder(f.WeightAlong, z[i], f.Points) {
				m.put(y, to[i][j], s)
			}
		}
	}
	m.ins("SUBS $16, %s", n)
	m.branch("loop", "BGT")
	m.end()
}

// winoOut writes the inverse transform of a run of tiles with bias and residual.
func (m *machine) winoOut(f *formula.Form) {
	n := f.Points
	m.begin("winoOut"+f.Name, "c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int", "",
		"WinoOut.Run for at most 32 columns; bias and res may be nil.")
	c, prods, bias, res := m.arg("c"), m.arg("m"), m.arg("bias"), m.arg("res")
	o := outputs{cOff: m.arg("cOff"), rOff: m.arg("rOff"), bias: bias, res: res}
	tiles, cols := m.arg("tiles"), m.arg("cols")
	m.floats(f.OutNeeds...)
	m.times(tiles, func() {
		z0 := m.copyOf(prods)
		o.c, o.r, o.b = m.copyOf(c), m.copyOf(res), m.copyOf(bias)
		m.loop(m.copyOf(cols), 1, func(s span) {
			load := func(j int) func(i int) formula.Value { return m.whole(z0, n, j, 128) }
			m.wino().Rows(f.OutPairs, n, f.Out, load, func(row int, z []formula.Value) {
				m.outputs(f.OutAlong(m.wino(), z), row*f.M, o, s)
			})
			if !s.tail() {
				for _, p := range []gp{z0, o.c, o.r, o.b} {
					m.ins("ADD $16, %s, %s", p, p)
				}
			}
		})
		m.ins("ADD $%d, %s, %s", 128*n*n, prods, prods)
		m.ins("ADD $%d, %s, %s", 4*f.M*f.M, o.cOff, o.cOff)
		m.ins("ADD $%d, %s, %s", 4*f.M*f.M, o.rOff, o.rOff)
	})
	m.end()
}

// outputs are the places of the results: tables of pixels, bias and res, which
// may be nil, and c, r and b, which go along with the columns.
type outputs struct{ cOff, rOff, bias, res, c, r, b gp }

// outputs adds bias and residual, if there are any, to a row of results, and
// stores those that lie in the image; first is the first one's place in the tables.
func (m *machine) outputs(y []formula.Value, first int, o outputs, s span) {
	unbiased := m.newLabel("unbiased")
	m.branch(unbiased, "CBZ %s,", o.bias)
	b := m.peek(o.b, s)
	for _, v := range y {
		m.addTo(registersOf(v), b)
	}
	m.mark(unbiased)
	for j, y := range y {
		v := registersOf(y)
		beyond, alone := m.newLabel("beyond"), m.newLabel("alone")
		at := m.gp()
		m.ins("MOVW %d(%s), %s", 4*(first+j), o.cOff, at)
		m.branch(beyond, "TBNZ $63, %s,", at)
		m.branch(alone, "CBZ %s,", o.res)
		from := m.gp()
		m.ins("MOVW %d(%s), %s", 4*(first+j), o.rOff, from)
		m.ins("ADD %s<<2, %s, %s", from, o.r, from)
		m.addTo(v, m.peek(from, s))
		m.mark(alone)
		m.ins("ADD %s<<2, %s, %s", at, o.c, at)
		m.set(v, at, s)
		m.mark(beyond)
	}
}

// winoTaps writes the transform of sums to the nine taps that are added to a
// gradient.
func (m *machine) winoTaps(f *formula.Form) {
	n := f.Points
	m.begin("winoTaps"+f.Name, "dw, m *float32, step, pitch, rows, cols int", "",
		"WinoTaps.Run for at most 12 rows of 32 columns.")
	dw, sums, step, pitch, rows, cols := m.arg("dw"), m.arg("m"), m.bytes("step"), m.bytes("pitch"), m.arg("rows"), m.arg("cols")
	m.floats(f.TapNeeds...)
	m.times(rows, func() {
		from, to := m.copyOf(sums), m.copyOf(dw)
		m.loop(m.copyOf(cols), 1, func(s span) {
			load := func(j int) func(i int) formula.Value { return m.whole(from, n, j, 4*formula.WinoSumsStep) }
			m.wino().Rows(formula.TapPairs, n, f.Taps, load, func(row int, z []formula.Value) {
				at := m.copyOf(to)
				for range 3 * row {
					m.ins("ADD %s, %s, %s", step, at, at)
				}
				for j, v := range f.TapsAlong(m.wino(), z) {
					if j > 0 {
						m.ins("ADD %s, %s, %s", step, at, at)
					}
					m.set(m.add(m.peek(at, s), registersOf(v)), at, s)
				}
			})
			if !s.tail() {
				m.ins("ADD $16, %s, %s", from, from)
				m.ins("ADD $16, %s, %s", to, to)
			}
		})
		m.ins("ADD $128, %s, %s", sums, sums)
		m.ins("ADD %s, %s, %s", pitch, dw, dw)
	})
	m.end()
}
