// Command wino writes the transforms of Winograd's convolutions F(4×4, 3×3)
// and F(2×2, 3×3), and of the form of a doubled image, for amd64;
// simd/wino_generic.go says what they compute.
//
// A transform in two dimensions is done for two of its rows at a time: first
// down the columns, which gives those rows, then along them. So few values
// live at once that 16 registers hold them.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

type value = formula.Value

// A machine writes the kernels of a form.
type machine struct {
	*lanes.Machine
	wino formula.Wino
	form *formula.Form
}

func main() {
	emit.Main("wino", map[string]func(*build.Context){
		"avx512": func(c *build.Context) {
			all(c, true)
			(&few{Context: c}).write()
			for _, tiles := range []int{12, 8} {
				(&many{c, tiles, 2, reg.S512}).write()
				(&many{c, tiles, 1, reg.S256}).write()
			}
		},
		"avx2": func(c *build.Context) {
			all(c, false)
			for _, beside := range []bool{false, true} {
				(&groups{Context: c, beside: beside}).write()
			}
		},
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "wino")
	for _, f := range []*formula.Form{formula.Four, formula.Two} {
		m := machine{m, formula.Wino{Machine: m}, f}
		m.input(input{"winoIn", "is WinoIn.Run for n channels.", f.Pixels, f.In, f.InAlong}, f.InNeeds)
		for pair := range f.InPairs {
			m.weights(pair)
		}
		m.output()
		m.input(input{"winoBack", "is WinoIn.RunBack for n channels.", f.M, f.Back, f.BackAlong}, f.BackNeeds)
		m.taps()
	}
	up := machine{m, formula.Wino{Machine: m}, formula.Up}
	up.input(input{"winoIn", "is WinoIn.Run for n channels.", formula.Up.Pixels, formula.Up.In, formula.Up.InAlong}, nil)
	up.output()
}

// begin starts a function of the form that needs the given constants in its loops.
func (m machine) begin(name, rest, signature, doc string, need []float32) {
	name += m.form.Name + rest
	m.Func(name, signature, name+m.Suffix()+" "+doc)
	m.Narrow, m.Scarce = true, true
	for _, k := range need {
		m.Float(k)
	}
}

// An input is a transform of tiles of side×side pixels to the points of a form.
type input struct {
	name, doc string
	side      int
	column    formula.Column
	along     formula.Along
}

// input writes the transform of a run of tiles. The pixels' addresses of a
// tile are kept in the frame.
func (m machine) input(in input, need []float32) {
	n, pixels := m.form.Points, in.side*in.side
	m.begin(in.name, "", "func(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)", in.doc, need)
	v, pitch, x, off, zero, tiles := m.Int("v"), m.Bytes("pitch"), m.Int("x"), m.Int("off"), m.Int("zero"), m.Int("tiles")
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
	m.Loop(m.Int("n"), 1, func(c lanes.Index) {
		at := m.GP64() // where the next value goes
		m.LEAQ(c.Of(v)[0], at)
		for range n { // to row 1; rows follow each other up to the last, row 0 comes after it
			m.ADDQ(pitch, at)
		}
		m.wino.Rows(m.form.InPairs, in.side, in.column, func(j int) func(i int) value {
			return func(i int) value {
				r := m.GP64()
				m.MOVQ(frame.Offset(8*(i*in.side+j)), r)
				return m.Load(c.Of(r), c.Tail)
			}
		}, func(row int, z []value) {
			if row == 0 {
				m.LEAQ(c.Of(v)[0], at)
			}
			m.along(in.along, z, at, pitch)
		})
	})
	m.ADDQ(operand.Imm(uint64(4*pixels)), off)
	for range n * n {
		m.ADDQ(pitch, v)
	}
	m.DECQ(tiles)
	m.JNZ(operand.LabelRef("tile"))
	m.Ret()
}

// along transforms a row and stores its values pitch apart from at on, which then
// points behind them.
func (m machine) along(f formula.Along, z []value, at, pitch reg.GPVirtual) {
	three, five := m.GP64(), m.GP64()
	m.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 2}, three)
	m.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 4}, five)
	where := []operand.Mem{{Base: at}, {Base: at, Index: pitch, Scale: 1}, {Base: at, Index: pitch, Scale: 2},
		{Base: at, Index: three, Scale: 1}, {Base: at, Index: pitch, Scale: 4}, {Base: at, Index: five, Scale: 1}}
	f(m.wino, z, func(v value, j int) { m.Store(v, m.Memory(where[j]), false) })
	switch m.form.Points {
	case 6:
		m.LEAQ(operand.Mem{Base: at, Index: three, Scale: 2}, at)
	case 5:
		m.ADDQ(five, at)
	default:
		m.LEAQ(operand.Mem{Base: at, Index: pitch, Scale: 4}, at)
	}
}
