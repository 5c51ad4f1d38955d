package main

import (
	"math"

	"heavytail/asm/internal/defs"
	"heavytail/asm/internal/formula"
)

// variates writes the cipher and the families of noise.
func variates(f *file) {
	kernels(f, "noise", func(m *machine) {
		m.cipher()
		m.families("noise", defs.NoiseFields, func(l language) []formula.Family { return formula.Noise{Machine: l}.Families() })
		m.tabular(8)
		m.tabular(10)
	})
}

// doubles writes the families of float64 noise and the attempts of gamma variates.
func doubles(f *file) {
	kernels(f, "noise64", func(m *machine) {
		m.double = true
		m.families("noise64", defs.Noise64Fields, func(l language) []formula.Family { return formula.Noise64{Machine: l}.Families() })
		m.gamma(false)
		m.gamma(true)
	})
}

// families writes those of a type, four registers of words at a time; list gives
// them for a machine with the parameters.
func (m *machine) families(prefix string, fields []string, list func(l language) []formula.Family) {
	for i, f := range list(language{}) {
		m.transform(prefix+f.Name, f.Doc, 4, func(q gp, w value) value {
			f := list(m.withParams(q, fields))[i]
			if f.Words != nil {
				return registersOf(f.Words(out(w)))
			}
			y := f.Pairs(out(m.uzp(1, w)), out(m.uzp(2, w)))
			if f.Two {
				return m.zip(registersOf(y[0]), registersOf(y[1]))
			}
			return registersOf(y[0])
		})
	}
}

// withParams returns the language with the parameters at q.
func (m *machine) withParams(q gp, fields []string) language { return language{m, q, fields} }

// transform writes a kernel that turns the words of groups times 32 blocks, vectors of
// registers at a time, into variates.
func (m *machine) transform(name, doc string, vectors int, f func(q gp, w value) value) {
	params := "dst *float32, words *uint32, groups int, q *NoiseParams"
	if m.double {
		params = "dst *float64, words *uint32, groups int, q *Noise64Params"
	}
	m.begin(name, params, "", doc+", of the words of groups times 32 blocks.")
	dst, words, n, q := m.arg("dst"), m.arg("words"), m.arg("groups"), m.arg("q")
	m.ins("LSL $%d, %s, %s", 5-int(math.Log2(float64(vectors))), n, n)
	m.fresh(1, 1) // the table of constants
	m.times(n, func() {
		out := f(q, m.numbers(m.next(words, span{n: vectors})))
		m.put(out, dst, span{n: len(out)})
	})
	m.end()
}

// numbers returns words as they are, or as the 64-bit numbers that they are: the
// first of two words is the high one.
func (m *machine) numbers(w value) value {
	if m.double {
		for _, v := range w {
			m.ins("VREV64 %s, %s", v.s4(), v.s4())
		}
	}
	return w
}

// fresh returns n registers with a constant, loaded here: there are more constants
// than registers, and sums begin with them.
func (m *machine) fresh(c float64, n int) value {
	if m.double {
		return m.freshBits64(math.Float64bits(c), n)
	}
	return m.freshBits(math.Float32bits(float32(c)), n)
}

func (m *machine) freshBits(b uint32, n int) value { return m.freshBits64(uint64(b)<<32|uint64(b), n) }

func (m *machine) freshBits64(b uint64, n int) value {
	v := make(value, n)
	for i := range v {
		v[i] = m.bits64(b)
		delete(m.loaded, b)
	}
	return v
}

// same returns a constant as an operand of n operations.
func (m *machine) same(c float64, n int) value { return all(m.fresh(c, 1)[0], n) }

// sameBits is that of 64 bits.
func (m *machine) sameBits(b uint64, n int) value { return all(m.freshBits64(b, 1)[0], n) }

// field returns a parameter in n registers.
func (m *machine) field(q gp, off, n int) value {
	v, move := m.vec(), "FMOVS"
	if m.double {
		move = "FMOVD"
	}
	m.ins(move+" %d(%s), %s", off, q, v.f())
	m.ins("VDUP %s, %s", v.lane(0), v)
	return all(v, n)
}

// uzp returns the even (1) or the odd (2) lanes of pairs of registers.
func (m *machine) uzp(which int, w value) (out value) {
	for i := 0; i < len(w); i += 2 {
		d := m.vec()
		m.ins("VUZP%d %s, %s, %s", which, w[i+1], w[i], d)
		out = append(out, d)
	}
	return out
}

// zip undoes uzp.
func (m *machine) zip(even, odd value) (out value) {
	for i := range even {
		for which := range 2 {
			d := m.vec()
			m.ins("VZIP%d %s, %s, %s", which+1, odd[i], even[i], d)
			out = append(out, d)
		}
	}
	return out
}

// flip returns x with its sign flipped where that of w is set.
func (m *machine) flip(x, w value) value {
	sign := uint64(1<<63 | 1<<31)
	if m.double {
		sign = 1 << 63
	}
	return m.xor(x, m.and(w, m.sameBits(sign, len(x))))
}
