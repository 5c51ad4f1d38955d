package lanes

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// Constants of the exponential; they equal those of simd/act_generic.go, which
// says what they are.
const (
	Log2e = 1.44269504
	Ln2Hi = 0.693147182
	Ln2Lo = -1.90465421e-9
	Magic = 12582912
	SigLo = -110
	SigHi = 30
)

var expC = [5]float32{0.49999994, 0.166665211, 0.0416682772, 0.00836868677, 0.00138198235}

// ExpConsts are the bits of the constants that Exp and Sig need.
func ExpConsts() []uint32 {
	out := []uint32{127}
	for _, v := range []float32{1, Log2e, Ln2Hi, -Ln2Hi, Ln2Lo, -Ln2Lo, Magic, SigLo, SigHi} {
		out = append(out, math.Float32bits(v))
	}
	for _, v := range expC {
		out = append(out, math.Float32bits(v))
	}
	return out
}

// Exp writes the exponential and what is built on it.
type Exp struct {
	m                                                   *Machine
	one, log2e, ln2Hi, ln2Lo, magic, sigLo, sigHi, bias Arg
	c                                                   [5]Arg
}

// Exponential loads the constants, outside a loop. sig chooses those of Sig,
// otherwise those of Parts.
func (m *Machine) Exponential(sig bool) *Exp {
	e := &Exp{m: m}
	e.one, e.log2e, e.magic = m.Float(1), m.Float(Log2e), m.Float(Magic)
	if sig {
		e.ln2Hi, e.ln2Lo = m.Float(Ln2Hi), m.Float(Ln2Lo)
		e.sigLo, e.sigHi = m.Float(SigLo), m.Float(SigHi)
	} else {
		e.ln2Hi, e.ln2Lo = m.Float(-Ln2Hi), m.Float(-Ln2Lo)
	}
	for i, v := range expC {
		e.c[i] = m.Float(v)
	}
	if !m.Wide {
		e.bias = m.Const(127)
	}
	return e
}

// One returns the constant 1.
func (e *Exp) One() Arg { return e.one }

// round returns round(x·log2 e).
func (e *Exp) round(x V) V {
	m := e.m
	n := m.New16()
	if m.Wide {
		m.Move(x, n)
		m.FMA132(e.log2e, m.Reg(e.magic), n)
	} else {
		g := m.Reg(e.magic)
		m.Move(x, n)
		m.FMA132(e.log2e, g, n)
	}
	m.Op3(m.VSUBPS, e.magic, n, n)
	return n
}

// expm1 returns t = e^r − 1.
func (e *Exp) expm1(r V) V {
	m := e.m
	q := m.New16()
	m.Each(func(i int) { m.VMOVAPS(e.c[4].at(i), q[i]) })
	for k := 3; k >= 0; k-- {
		m.FMA213(e.c[k], r, q)
	}
	z := m.Mul(r, r)
	m.FMA213(r, z, q) // q = z·q + r
	return q
}

// Parts returns n and t of e^x = 2^n·(1 + t).
func (e *Exp) Parts(x V) (n, t V) {
	m := e.m
	n = e.round(x)
	r := m.New16()
	m.Move(x, r)
	m.FMA231(e.ln2Hi, n, r)
	m.FMA231(e.ln2Lo, n, r)
	return n, e.expm1(r)
}

// Sig returns n, t and d of e^−x = 2^−n·(1 + t), d = 2^n + 1 + t, and the
// power 2^n. x must be limited to [SigLo, SigHi].
func (e *Exp) Sig(x V) (p Pow, t, d V) {
	m := e.m
	n := e.round(x)
	r := m.New16()
	m.Move(n, r)
	// r = n·ln2Hi − x, then + n·ln2Lo.
	m.op3(m.VFMSUB132PS, e.ln2Hi, x, r)
	m.FMA231(e.ln2Lo, n, r)
	p = e.Pow(n)
	t = e.expm1(r)
	d = e.Two(p)
	m.Op3(m.VADDPS, e.one, d, d)
	m.Op3(m.VADDPS, t, d, d)
	return p, t, d
}

// Lower and Upper limit x as Sig needs it.
func (e *Exp) Lower(x Arg) V { return e.m.AtLeast(x, e.sigLo) }

// Upper limits x from above.
func (e *Exp) Upper(x Arg) V { return e.m.AtMost(x, e.sigHi) }

// A Pow is 2^n for an integral |n| ≤ 252: n itself with AVX-512, whose VSCALEFPS
// rounds once; two normal factors with AVX2, the first product being exact.
type Pow struct{ n, a, b V }

// Pow returns 2^n.
func (e *Exp) Pow(n V) Pow {
	m := e.m
	if m.Wide {
		return Pow{n: n}
	}
	k := m.Unary(m.VCVTPS2DQ, n)
	h := m.Shift(m.VPSRAD, 1, k)
	m.Op3(m.VPSUBD, h, k, k)
	for _, v := range []V{h, k} {
		m.Op3(m.VPADDD, e.bias, v, v)
		m.Each(func(i int) { m.VPSLLD(operand.U8(23), v[i], v[i]) })
	}
	return Pow{a: h, b: k}
}

// Two returns 2^n as a value.
func (e *Exp) Two(p Pow) V {
	if e.m.Wide {
		return e.m.Op3(e.m.VSCALEFPS, p.n, e.m.Reg(e.one), nil)
	}
	return e.m.Mul(p.a, p.b)
}

// Scale sets v = v·2^n.
func (e *Exp) Scale(v V, p Pow) {
	if e.m.Wide {
		e.m.Op3(e.m.VSCALEFPS, p.n, v, v)
		return
	}
	e.m.Op3(e.m.VMULPS, p.a, v, v)
	e.m.Op3(e.m.VMULPS, p.b, v, v)
}

// SiLU returns x/(1 + e^−x).
func (e *Exp) SiLU(x Arg) V {
	lo := e.Lower(x)
	p, _, d := e.Sig(e.Upper(lo))
	y := e.m.Div(d, lo)
	e.Scale(y, p)
	return y
}

// SiLUGrad returns the derivative of SiLU.
func (e *Exp) SiLUGrad(x Arg) V {
	m := e.m
	c := e.Upper(e.Lower(x))
	p, t, d := e.Sig(c)
	w := m.Div(d, m.Reg(e.one))
	m.Op3(m.VADDPS, e.one, t, t)
	m.Op3(m.VMULPS, w, t, t)
	m.FMA213(e.one, c, t) // t = c·t + 1
	m.Op3(m.VMULPS, t, w, w)
	e.Scale(w, p)
	return w
}

// Sigmoid returns 1/(1 + e^−x).
func (e *Exp) Sigmoid(x Arg) V {
	p, _, d := e.Sig(e.Upper(e.Lower(x)))
	w := e.m.Div(d, e.m.Reg(e.one))
	e.Scale(w, p)
	return w
}
