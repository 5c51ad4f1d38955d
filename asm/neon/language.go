package main

import (
	"math"
	"slices"

	"heavytail/asm/internal/formula"
)

// A language is the machine as package formula sees it.
type language struct {
	*machine
	q      gp       // the parameters
	fields []string // their names in order
}

// A constant is loaded where it is first an operand, unless it is in a register that
// loops keep; of 32 bits it stands there twice.
type constant struct {
	bits uint64
	vec  vec
}

func (*constant) Asm() string { return "constant" }

// Asm is only for formula.Reg.
func (r vec) Asm() string { return r.String() }

func out(v value) formula.Value {
	f := make(formula.Value, len(v))
	for i, r := range v {
		f[i] = r
	}
	return f
}

// registersOf undoes out.
func registersOf(f formula.Value) value { return language{}.operand(f, len(f)) }

func mask(v value) formula.Mask { return formula.Mask(out(v)) }

// in returns values as operands of n registers, the most that one of them has.
func (l language) in(f ...formula.Value) []value {
	n := 0
	for _, v := range f {
		n = max(n, len(v))
	}
	var all []value
	for _, v := range f {
		all = append(all, l.operand(v, n))
	}
	return all
}

func (l language) operand(f formula.Value, n int) value {
	v := make(value, n)
	for i := range v {
		switch r := f[min(i, len(f)-1)].(type) {
		case vec:
			v[i] = r
		case *constant:
			if r.vec.register == nil {
				r.vec = l.constant(r.bits)
			}
			v[i] = r.vec
		}
	}
	return v
}

// constant returns a register with a constant.
func (l language) constant(bits uint64) vec {
	l.asked = append(l.asked, bits)
	if r, ok := l.loaded[bits]; ok {
		return r
	}
	if bits == 0 {
		return l.zero(1)[0]
	}
	return l.freshBits64(bits, 1)[0]
}

// start returns n registers that hold f and may be overwritten.
func (l language) start(f formula.Value, n int) value {
	if k, ok := f[0].(*constant); ok && l.loaded[k.bits].register == nil {
		v := make(value, n)
		for i := range v {
			v[i] = l.constant(k.bits)
		}
		return v
	}
	return l.copy(l.operand(f, n))
}

func (l language) Bits(b uint64) formula.Value {
	if !l.double {
		b |= b << 32
	}
	return formula.Value{&constant{bits: b}}
}

func (l language) Num(x float64) formula.Value {
	if l.double {
		return l.Bits(math.Float64bits(x))
	}
	return l.Bits(uint64(math.Float32bits(float32(x))))
}

func (l language) Param(name string) formula.Value {
	i, size := slices.Index(l.fields, name), 4
	if i < 0 {
		panic("neon: no parameter " + name)
	}
	if l.double {
		size = 8
	}
	return out(l.field(l.q, size*i, 1))
}

func (l language) Reg(a formula.Value) formula.Value { return out(l.operand(a, len(a))) }

func (l language) binary(f func(a, b value) value, a, b formula.Value) formula.Value {
	v := l.in(a, b)
	return out(f(v[0], v[1]))
}

func (l language) unary(name string, a formula.Value) formula.Value {
	return out(l.op1(name, l.operand(a, len(a))))
}

func (l language) words(name string, a, b formula.Value) value {
	v := l.in(a, b)
	return l.op2(name, v[0], v[1])
}

func (l language) Add(a, b formula.Value) formula.Value { return l.binary(l.add, a, b) }
func (l language) Sub(a, b formula.Value) formula.Value { return l.binary(l.sub, a, b) }
func (l language) Mul(a, b formula.Value) formula.Value { return l.binary(l.mul, a, b) }
func (l language) Div(a, b formula.Value) formula.Value { return l.binary(l.div, a, b) }
func (l language) Sqrt(a formula.Value) formula.Value   { return l.unary("FSQRT", a) }
func (l language) Neg(a formula.Value) formula.Value    { return l.unary("FNEG", a) }
func (l language) Abs(a formula.Value) formula.Value    { return l.unary("FABS", a) }

func (l language) FMA(a, b, c formula.Value) formula.Value {
	v := l.in(a, b, make(formula.Value, len(c)))
	d := l.start(c, len(v[0]))
	l.fma(d, v[0], v[1])
	return out(d)
}

func (l language) FNMA(a, b, c formula.Value) formula.Value {
	v := l.in(a, b, make(formula.Value, len(c)))
	d := l.start(c, len(v[0]))
	l.fms(d, v[0], v[1])
	return out(d)
}

func (l language) FMS(a, b, c formula.Value) formula.Value {
	v := l.in(a, b, c)
	d := l.op1("FNEG", v[2])
	l.fma(d, v[0], v[1])
	return out(d)
}

func (l language) FNMS(a, b, c formula.Value) formula.Value {
	v := l.in(a, b, c)
	d := l.op1("FNEG", v[2])
	l.fms(d, v[0], v[1])
	return out(d)
}

func (l language) Max(a, b formula.Value) formula.Value { return out(l.words("FMAX", a, b)) }
func (l language) Min(a, b formula.Value) formula.Value { return out(l.words("FMIN", a, b)) }

// FMAX and FMIN keep NaN.
func (l language) AtLeast(x, lo formula.Value) formula.Value { return l.Max(x, lo) }
func (l language) AtMost(x, hi formula.Value) formula.Value  { return l.Min(x, hi) }

func (l language) Above(x, k formula.Value) formula.Value {
	return l.Select(l.Compare(formula.Greater, x, k), x, k)
}

func (l language) Below(x, k formula.Value) formula.Value {
	return l.Select(l.Compare(formula.Less, x, k), x, k)
}

func (l language) AddInt(a, b formula.Value) formula.Value { return l.binary(l.addInt, a, b) }
func (l language) SubInt(a, b formula.Value) formula.Value { return l.binary(l.subInt, a, b) }
func (l language) And(a, b formula.Value) formula.Value    { return l.binary(l.and, a, b) }
func (l language) Or(a, b formula.Value) formula.Value     { return l.binary(l.or, a, b) }
func (l language) Xor(a, b formula.Value) formula.Value    { return l.binary(l.xor, a, b) }

func (l language) Left(a formula.Value, by int) formula.Value {
	return out(l.shiftLeft(l.operand(a, len(a)), by))
}

func (l language) Right(a formula.Value, by int) formula.Value {
	return out(l.shiftIn(l.operand(a, len(a)), by))
}

func (l language) RightInt(a formula.Value, by int) formula.Value {
	return out(l.shiftRight(l.operand(a, len(a)), by))
}

func (l language) Round(a formula.Value) formula.Value   { return l.unary("FRINTN", a) }
func (l language) ToFloat(a formula.Value) formula.Value { return l.unary("SCVTF", a) }
func (l language) ToInt(a formula.Value) formula.Value   { return l.unary("FCVTZS", a) }

func (l language) ToFloatUnless(m formula.Mask, a formula.Value) formula.Value {
	return out(l.op1("SCVTF", l.words("BIC", a, formula.Value(m))))
}

func (l language) Scale(a, n formula.Value) formula.Value { panic("neon: no instruction scales") }
func (l language) Scales() bool                           { return false }

func (l language) Fraction(exponent uint64, w formula.Value, skip int) formula.Value {
	v := l.operand(w, len(w))
	if skip > 0 {
		v = l.shiftLeft(v, skip)
	}
	k := l.freshBits64(exponent, len(w))
	for i := range k {
		l.ins("VSRI $12, %s, %s", v[i], k[i])
	}
	return out(k)
}

func (l language) Octave(x formula.Value, minus bool) (n, k formula.Value) {
	const half = 0x3fe6a09e667f3bcd // bits of √½
	n = l.RightInt(l.SubInt(x, l.Bits(half)), 52)
	k = l.SubInt(x, l.Left(n, 52))
	if minus {
		n = l.unary("NEG", n)
	}
	return l.ToFloat(n), k
}

func (l language) Compare(p formula.Predicate, a, b formula.Value) formula.Mask {
	if p == formula.Less || p == formula.AtMost {
		a, b = b, a
	}
	return mask(l.words(map[formula.Predicate]string{formula.Equal: "FCMEQ", formula.Less: "FCMGT", formula.Greater: "FCMGT",
		formula.AtMost: "FCMGE", formula.AtLeast: "FCMGE"}[p], a, b))
}

func (l language) GreaterInt(a, b formula.Value) formula.Mask { return mask(l.words("CMGT", a, b)) }

func (l language) NotBelow(a, b formula.Value) formula.Mask { return mask(l.words("CMHS", a, b)) }

func (l language) SignMask(a formula.Value) formula.Mask {
	return formula.Mask(l.RightInt(a, map[bool]int{false: 31, true: 63}[l.double]))
}

func (l language) Both(a, b formula.Mask) formula.Mask {
	return formula.Mask(l.And(formula.Value(a), formula.Value(b)))
}

func (l language) Either(a, b formula.Mask) formula.Mask {
	return formula.Mask(l.Or(formula.Value(a), formula.Value(b)))
}

func (l language) Select(m formula.Mask, yes, no formula.Value) formula.Value {
	v := l.in(formula.Value(m), yes)
	d := l.start(no, len(m))
	l.choose(d, v[1], v[0])
	return out(d)
}

func (l language) Zero(m formula.Mask, a formula.Value) formula.Value {
	return l.And(formula.Value(m), a)
}

func (l language) SetLow(m formula.Mask, a formula.Value) formula.Value {
	return l.Or(a, l.Right(formula.Value(m), 31))
}

func (l language) Flip(x, w formula.Value) formula.Value {
	sign := l.Bits(1 << 31)
	if l.double {
		sign = l.Bits(1 << 63)
	}
	return l.Xor(x, l.And(w, sign))
}
