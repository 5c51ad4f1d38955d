package main

import "math"

// Polynomials and constants of simd/noise_generic.go and noise_stable_generic.go.
var (
	noiseSin     = []float64{0x1.921fb6p+1, -0x1.4abc24p+2, 0x1.4680a4p+1, -0x1.331986p-1}
	noiseCos     = []float64{1, -0x1.3bd3ccp+2, 0x1.03c1aep+2, -0x1.55b146p+0, 0x1.d47d66p-3}
	noiseSinHalf = []float64{-0x1.bf2e18p-24, -0x1.4abbc2p+02, 0x1.4668c6p+01, -0x1.324eep-01, 0x1.3dceecp-04}
	noiseLog     = []float64{0x1.715476p+0, -0x1.715470p-1, 0x1.ec73d6p-2, -0x1.715c4cp-2, 0x1.26d380p-2,
		-0x1.e95c1ep-3, 0x1.b9c99ep-3, -0x1.a87bf6p-3, 0x1.01b444p-3}
	noiseExp = []float64{1, 0x1.62e430p-1, 0x1.ebfb94p-3, 0x1.c6af9ep-5, 0x1.3b681ap-7, 0x1.5ef4dep-10, 0x1.17956ap-13}
)

const (
	noiseHigh  = 1518500249
	noiseLow31 = 1<<31 - 1
	noiseLn2   = 0x1.62e430p-1
	noise2Ln2  = 0x1.62e430p+0
	noisePi    = 0x1.921fb6p+1
	noiseLeast = 0x1p-27
	noiseMost  = 0.51
	minFloat   = 0x1p-149
	logZero    = 0x1p-26
)

// Offsets of simd.NoiseParams.
const (
	qScale, qA, qExpo, qBias                    = 0, 4, 8, 12
	qAlpha, qAlphaLo, qEps, qExpoLo, qBiasN     = 16, 20, 24, 28, 32
	qK, qK1, qKLo, qShift, qLeast, qZero, qSide = 36, 44, 52, 60, 64, 68, 4
)

// variates writes the cipher and the families of noise.
func variates(f *file) {
	kernels(f, "noise", func(m *machine) {
		m.cipher()
		m.family1("noiseUniform", "noiseUnit", m.unit)
		m.family1("noiseExponential", "noiseNegLog2 times ln 2", func(w value) value {
			e := m.negLog2(w)
			m.scaleBy(e, m.fresh(noiseLn2, len(e)))
			return e
		})
		m.family2("noiseNormal", "noiseNormal", func(q gp, w0, w1 value) value {
			c, s := m.normal(q, w0, w1)
			return m.zip(c, s)
		})
		for _, high := range []bool{false, true} {
			side := map[bool]string{false: "Low", true: "High"}[high]
			m.family2("noiseSymmetric"+side, "noiseSymmetric", func(q gp, wu, we value) value { return m.symmetric(q, wu, we, high) })
			for _, form := range []string{"Positive", "Root", "Log"} {
				m.family2("noise"+form+side, "noisePositive", func(q gp, wu, we value) value { return m.positive(q, wu, we, high, form) })
			}
		}
		m.family2("noiseSkewed", "noiseSkewed", m.skewed)
		m.tabular(8)
		m.tabular(10)
	})
}

// noiseParams returns the parameters of the families' kernels.
func (m *machine) noiseParams() string {
	if m.double {
		return "dst *float64, words *uint32, groups int, q *Noise64Params"
	}
	return "dst *float32, words *uint32, groups int, q *NoiseParams"
}

// family1 writes a family that makes a variate of each word: groups times 128 of
// them.
func (m *machine) family1(name, doc string, f func(w value) value) {
	m.transform(name, doc, 4, func(q gp, w value) value { return f(w) })
}

// family2 writes a family of which f makes one or two variates of a pair of words.
func (m *machine) family2(name, doc string, f func(q gp, even, odd value) value) {
	m.transform(name, doc, 4, func(q gp, w value) value { return f(q, m.uzp(1, w), m.uzp(2, w)) })
}

func (m *machine) transform(name, doc string, vectors int, f func(q gp, w value) value) {
	m.begin(name, m.noiseParams(), "", doc+", of the words of groups times 32 blocks.")
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

// polynomial returns Σ c[j]·x^j.
func (m *machine) polynomial(x value, c []float64) value {
	r := m.same(c[len(c)-1], len(x))
	for j := len(c) - 2; j >= 0; j-- {
		next := m.fresh(c[j], len(x))
		m.fma(next, r, x)
		r = next
	}
	return r
}

// half returns words shifted right by one bit.
func (m *machine) half(w value) value {
	d := m.new(len(w))
	for i := range w {
		m.ins("VUSHR $1, %s, %s", w[i], d[i])
	}
	return d
}

// unitOf returns fma(float(k), a, b).
func (m *machine) unitOf(k value, a, b float64) value {
	u := m.fresh(b, len(k))
	m.fma(u, m.op1("SCVTF", k), m.same(a, len(k)))
	return u
}

// unit is noiseUnit.
func (m *machine) unit(w value) value { return m.unitOf(m.half(w), 0x1p-31, 0x1p-32) }

// halfUnit is noiseHalfUnit.
func (m *machine) halfUnit(w value) value {
	return m.unitOf(m.and(w, all(m.freshBits(noiseLow31, 1)[0], len(w))), 0x1p-32, 0x1p-33)
}

// split is noiseSplit; e stays an integer.
func (m *machine) split(x value) (e, f value) {
	n := len(x)
	e = m.shiftRight(m.subInt(x, all(m.freshBits(sqrtHalf, 1)[0], n)), 23)
	return e, m.sub(m.subInt(x, m.shiftLeft(e, 23)), m.same(1, n))
}

// negLog2 is noiseNegLog2.
func (m *machine) negLog2(w value) value {
	n := len(w)
	k := m.half(w)
	top := m.op2("CMGT", k, all(m.freshBits(noiseHigh, 1)[0], n))
	g := m.unitOf(m.xor(k, all(m.freshBits(noiseLow31, 1)[0], n)), -0x1p-31, -0x1p-32)
	e, f := m.split(m.unitOf(k, 0x1p-31, 0x1p-32))
	m.choose(f, g, top)
	r := m.polynomial(f, noiseLog)
	for i := range e {
		m.word("BIC", e[i], e[i], top[i])
	}
	l := m.op1("FNEG", m.op1("SCVTF", e))
	m.fms(l, r, f)
	return l
}

// sinCosPi is noiseSinCosPi.
func (m *machine) sinCosPi(y value) (s, c value) {
	n := len(y)
	w := m.op2("FMIN", y, m.max(m.sub(m.same(0.5, n), y), m.fresh(noiseLeast, 1)[0]))
	t := m.mul(w, w)
	p := m.mul(m.polynomial(t, noiseSin), w)
	q := m.polynomial(t, noiseCos)
	swap := m.op2("FCMGT", y, m.same(0.25, n))
	s = m.copy(p)
	m.choose(s, q, swap)
	m.choose(q, p, swap)
	return s, q
}

// flip returns x with its sign flipped where that of w is set.
func (m *machine) flip(x, w value) value {
	sign := uint64(1<<63 | 1<<31)
	if m.double {
		sign = 1 << 63
	}
	return m.xor(x, m.and(w, m.sameBits(sign, len(x))))
}

// normal is noiseNormal.
func (m *machine) normal(q gp, w0, w1 value) (a, b value) {
	n := len(w0)
	r := m.op1("FSQRT", m.mul(m.negLog2(w1), m.same(noise2Ln2, n)))
	s, c := m.sinCosPi(m.halfUnit(w0))
	scale := m.field(q, qScale, n)
	m.scaleBy(c, r)
	m.scaleBy(s, r)
	m.scaleBy(c, scale)
	m.scaleBy(s, scale)
	return m.flip(c, m.shiftLeft(w1, 31)), m.flip(s, w0)
}

// sine is noiseSine.
func (m *machine) sine(w, z value) value {
	r := m.polynomial(m.mul(w, w), noiseSinHalf)
	m.scaleBy(r, z)
	m.fma(r, z, m.same(noisePi, len(w)))
	return r
}
