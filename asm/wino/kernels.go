package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An input is a transform of tiles of side×side pixels to the points of a form.
type input struct {
	name, doc string
	side      int
	pairs     [][2]int // the rows that column gives at a time
	column    func(m *machine, pair int, d func(i int) vec) (a, b vec)
	along     func(m *machine, z []vec, store func(v vec, j int))
}

// input writes the transform of a run of tiles. The pixels' addresses of a
// tile are kept in the frame.
func (m *machine) input(f form, in input, need ...constant) {
	n, pixels := f.side(), in.side*in.side
	m.begin(fmt.Sprintf("%s%d", in.name, f.m), "func(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)",
		in.doc, need...)
	v, pitch, x, off, zero, tiles := m.int("v"), m.bytes("pitch"), m.int("x"), m.int("off"), m.int("zero"), m.int("tiles")
	frame := m.AllocLocal(8 * pixels)
	m.Label("tile")
	for i := range pixels {
		r := m.GP64()
		m.MOVLQSX(operand.Mem{Base: off, Disp: 4 * i}, r)
		m.TESTQ(r, r)
		m.LEAQ(operand.Mem{Base: x, Index: r, Scale: 4}, r)
		m.CMOVQMI(zero, r)
		m.MOVQ(r, frame.Offset(8*i))
	}
	m.chunks(m.int("n"), func(idx reg.GPVirtual, tail bool) {
		at := m.GP64() // where the next value goes
		m.LEAQ(operand.Mem{Base: v, Index: idx, Scale: 1}, at)
		for range f.m + 2 { // to row 1; rows follow each other up to the last, row 0 comes after it
			m.ADDQ(pitch, at)
		}
		for pair, rows := range in.pairs {
			z := [2][]vec{}
			for j := range in.side {
				a, b := in.column(m, pair, func(i int) vec {
					r := m.GP64()
					m.MOVQ(frame.Offset(8*(i*in.side+j)), r)
					return m.load(operand.Mem{Base: r, Index: idx, Scale: 1}, tail)
				})
				z[0], z[1] = append(z[0], a), append(z[1], b)
			}
			for k := range rows {
				if rows[k] == 0 {
					m.LEAQ(operand.Mem{Base: v, Index: idx, Scale: 1}, at)
				}
				m.along(in.along, z[k], n, at, pitch)
			}
		}
	})
	m.ADDQ(operand.Imm(uint64(4*pixels)), off)
	for range n * n {
		m.ADDQ(pitch, v)
	}
	m.DECQ(tiles)
	m.JNZ(operand.LabelRef("tile"))
	m.end()
}

// along transforms a row and stores its n values pitch apart from at on, which
// then points behind them.
func (m *machine) along(f func(*machine, []vec, func(vec, int)), z []vec, n int, at, pitch reg.GPVirtual) {
	three, five := m.GP64(), m.GP64()
	m.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 2}, three)
	m.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 4}, five)
	where := []operand.Mem{{Base: at}, {Base: at, Index: pitch, Scale: 1}, {Base: at, Index: pitch, Scale: 2},
		{Base: at, Index: three, Scale: 1}, {Base: at, Index: pitch, Scale: 4}, {Base: at, Index: five, Scale: 1}}
	f(m, z, func(v vec, j int) { m.store(v, where[j], false) })
	if n == 6 {
		m.LEAQ(operand.Mem{Base: at, Index: three, Scale: 2}, at)
	} else {
		m.LEAQ(operand.Mem{Base: at, Index: pitch, Scale: 4}, at)
	}
}

// weights writes the transform of the taps to the points of one row, element
// by element; kind says of which rows.
func (m *machine) weights(f form, kind weightKind) {
	signature := "func(u *float32, uStep int, w *float32, wStep, n int, next *float32)"
	if kind.coef > 0 {
		signature = "func(u *float32, uStep int, w *float32, wStep, n int, next, coef *float32)"
	}
	m.begin(fmt.Sprintf("winoWeights%d%s", f.m, kind.name), signature,
		"is winoWeightsGeneric for "+kind.doc+", from the first tap on, n a multiple of 16; it fetches n of next and wStep after it.", a1, a2, b1, b2)
	u, uStep, w, wStep, left, next := m.int("u"), m.bytes("uStep"), m.int("w"), m.bytes("wStep"), m.int("n"), m.int("next")
	var coef []vec
	for i := range kind.coef {
		v := m.new()
		m.VBROADCASTSS(operand.Mem{Base: m.int("coef"), Disp: 4 * i}, v)
		coef = append(coef, v)
	}
	row := [3]reg.GPVirtual{w, m.GP64(), m.GP64()}
	three, at := m.GP64(), m.GP64()
	m.LEAQ(operand.Mem{Base: wStep, Index: wStep, Scale: 2}, three)
	m.LEAQ(operand.Mem{Base: w, Index: three, Scale: 1}, row[1])
	m.LEAQ(operand.Mem{Base: w, Index: three, Scale: 2}, row[2])
	m.Label("loop")
	m.PREFETCHT1(operand.Mem{Base: next})
	m.PREFETCHT1(operand.Mem{Base: next, Index: wStep, Scale: 1})
	var z []vec
	for j := range 3 {
		z = append(z, kind.column(m, coef, func(i int) operand.Op {
			a := operand.Mem{Base: row[i]}
			if j > 0 {
				a.Index, a.Scale = wStep, uint8(j)
			}
			return a
		}))
	}
	m.MOVQ(u, at)
	m.along(f.weightAlong, z, f.side(), at, uStep)
	for _, r := range append(row[:], u, next) {
		m.ADDQ(operand.Imm(uint64(m.step())), r)
	}
	m.SUBQ(operand.Imm(uint64(m.lanes())), left)
	m.JG(operand.LabelRef("loop"))
	m.end()
}

// output writes the inverse transform of a run of tiles with bias and
// residual.
func (m *machine) output(f form) {
	n := f.side()
	m.begin(fmt.Sprintf("winoOut%d", f.m), "func(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)",
		"is WinoOut.Run for at most 32 columns; bias and res may be nil.",
		k0, k1, k1a, k1aa, k1aaa, k2, k2b, k2bb, k2bbb, half)
	prods, tiles, cOff, rOff := m.int("m"), m.int("tiles"), m.int("cOff"), m.int("rOff")
	bias, res := m.int("bias"), m.int("res")
	m.Label("tile")
	m.chunks(m.int("cols"), func(idx reg.GPVirtual, tail bool) {
		for pair, rows := range f.outPairs {
			z := [2][]vec{}
			for j := range n {
				a, b := f.out(m, pair, func(i int) vec {
					return m.load(operand.Mem{Base: prods, Index: idx, Scale: 1, Disp: 128 * (i*n + j)}, false)
				})
				z[0], z[1] = append(z[0], a), append(z[1], b)
			}
			for k, row := range rows {
				y := f.outAlong(m, z[k])
				m.addBias(y, bias, idx, tail)
				for j := range y {
					m.pixel(y[j], 4*(row*f.m+j), res, cOff, rOff, idx, tail)
				}
			}
		}
	})
	m.ADDQ(operand.U32(uint32(128*n*n)), prods)
	m.ADDQ(operand.Imm(uint64(4*f.m*f.m)), cOff)
	m.ADDQ(operand.Imm(uint64(4*f.m*f.m)), rOff)
	m.DECQ(tiles)
	m.JNZ(operand.LabelRef("tile"))
	m.end()
}

// addBias adds the bias, if there is one, to every value of y.
func (m *machine) addBias(y []vec, bias, idx reg.GPVirtual, tail bool) {
	none := m.label("unbiased")
	m.TESTQ(bias, bias)
	m.JZ(operand.LabelRef(none))
	b := m.load(operand.Mem{Base: bias, Index: idx, Scale: 1}, tail)
	for _, v := range y {
		m.VADDPS(b, v, v)
	}
	m.Label(none)
}

// pixel adds the residual, if there is one, to v and stores it at entry disp
// of the table, unless that is beyond the image.
func (m *machine) pixel(v vec, disp int, res, cOff, rOff, idx reg.GPVirtual, tail bool) {
	beyond, alone := m.label("beyond"), m.label("alone")
	at, from := m.GP64(), m.GP64()
	m.MOVLQSX(operand.Mem{Base: cOff, Disp: disp}, at)
	m.TESTQ(at, at)
	m.JS(operand.LabelRef(beyond))
	m.TESTQ(res, res)
	m.JZ(operand.LabelRef(alone))
	m.MOVLQSX(operand.Mem{Base: rOff, Disp: disp}, from)
	m.LEAQ(operand.Mem{Base: res, Index: from, Scale: 4}, from)
	r := m.load(operand.Mem{Base: from, Index: idx, Scale: 1}, tail)
	m.VADDPS(r, v, v)
	m.Label(alone)
	c := m.int("c")
	m.LEAQ(operand.Mem{Base: c, Index: at, Scale: 4}, at)
	m.store(v, operand.Mem{Base: at, Index: idx, Scale: 1}, tail)
	m.Label(beyond)
}

// taps writes the transform of sums to the nine taps that are added to a gradient.
func (m *machine) taps(f form) {
	n := f.side()
	m.begin(fmt.Sprintf("winoTaps%d", f.m), "func(dw, m *float32, step, pitch, rows, cols int)",
		"is WinoTaps.Run for at most 12 rows of 32 columns.", k0, k1, k1a, k1aa, k2, k2b, k2bb, half)
	dw, sums, step, pitch, rows := m.int("dw"), m.int("m"), m.bytes("step"), m.bytes("pitch"), m.int("rows")
	three := m.GP64()
	m.LEAQ(operand.Mem{Base: step, Index: step, Scale: 2}, three)
	m.Label("row")
	m.chunks(m.int("cols"), func(idx reg.GPVirtual, tail bool) {
		for pair, rows := range f.tapPairs {
			z := [2][]vec{}
			for j := range n {
				a, b := f.taps(m, pair, func(i int) vec {
					return m.load(operand.Mem{Base: sums, Index: idx, Scale: 1, Disp: 4 * sumsStep * (i*n + j)}, false)
				})
				z[0], z[1] = append(z[0], a), append(z[1], b)
			}
			for k, row := range rows {
				at := m.GP64()
				m.LEAQ(operand.Mem{Base: dw, Index: idx, Scale: 1}, at)
				for range row {
					m.ADDQ(three, at)
				}
				for j, v := range f.tapsAlong(m, z[k]) {
					to := operand.Mem{Base: at}
					if j > 0 {
						to.Index, to.Scale = step, uint8(j)
					}
					m.VADDPS(m.load(to, tail), v, v)
					m.store(v, to, tail)
				}
			}
		}
	})
	m.ADDQ(operand.U32(128), sums)
	m.ADDQ(pitch, dw)
	m.DECQ(rows)
	m.JNZ(operand.LabelRef("row"))
	m.end()
}
