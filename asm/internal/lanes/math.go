package lanes

import "github.com/mmcloughlin/avo/x86"

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

// Exp writes the exponential and what is built on it.
type Exp struct {
	m                                                   *Machine
	one, log2e, ln2Hi, ln2Lo, magic, sigLo, sigHi, bias V
	c                                                   [5]V
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
func (e *Exp) One() V { return e.one }

// round returns round(x·log2 e).
func (e *Exp) round(x V) V { return e.m.Sub(e.m.FMA(x, e.log2e, e.magic), e.magic) }

// expm1 returns t = e^r − 1.
func (e *Exp) expm1(r V) V {
	q := e.c[4]
	for k := 3; k >= 0; k-- {
		q = e.m.FMA(q, r, e.c[k])
	}
	return e.m.FMA(e.m.Mul(r, r), q, r)
}

// Parts returns n and t of e^x = 2^n·(1 + t).
func (e *Exp) Parts(x V) (n, t V) {
	n = e.round(x)
	return n, e.expm1(e.m.FMA(e.ln2Lo, n, e.m.FMA(e.ln2Hi, n, x)))
}

// Sig returns t and d of e^−x = 2^−n·(1 + t), d = 2^n + 1 + t, and the power 2^n.
// x must be limited to [SigLo, SigHi].
func (e *Exp) Sig(x V) (p Pow, t, d V) {
	m := e.m
	n := e.round(x)
	r := m.FMA(e.ln2Lo, n, m.FMS(e.ln2Hi, n, x))
	p = e.Pow(n)
	t = e.expm1(r)
	return p, t, m.Add(t, m.Add(e.one, e.Two(p)))
}

// Lower and Upper limit x as Sig needs it.
func (e *Exp) Lower(x V) V { return e.m.AtLeast(x, e.sigLo) }

// Upper limits x from above.
func (e *Exp) Upper(x V) V { return e.m.AtMost(x, e.sigHi) }

// A Pow is 2^n for an integral |n| ≤ 252: n itself with AVX-512, whose VSCALEFPS
// rounds once; two normal factors with AVX2, the first product being exact.
type Pow struct{ n, a, b V }

// Pow returns 2^n.
func (e *Exp) Pow(n V) Pow {
	m := e.m
	if m.Wide {
		return Pow{n: n}
	}
	k := m.ToInt(n)
	h := m.RightInt(k, 1)
	return Pow{a: m.Left(m.AddInt(e.bias, h), 23), b: m.Left(m.AddInt(e.bias, m.SubInt(k, h)), 23)}
}

// Two returns 2^n as a value.
func (e *Exp) Two(p Pow) V {
	if e.m.Wide {
		return e.m.binary(x86.VSCALEFPS, e.one, p.n)
	}
	return e.m.Mul(p.a, p.b)
}

// Scale returns v·2^n.
func (e *Exp) Scale(v V, p Pow) V {
	if e.m.Wide {
		return e.m.binary(x86.VSCALEFPS, v, p.n)
	}
	return e.m.Mul(p.b, e.m.Mul(p.a, v))
}

// SiLU returns x/(1 + e^−x).
func (e *Exp) SiLU(x V) V {
	lo := e.Lower(x)
	p, _, d := e.Sig(e.Upper(lo))
	return e.Scale(e.m.Div(lo, d), p)
}

// SiLUGrad returns the derivative of SiLU.
func (e *Exp) SiLUGrad(x V) V {
	m := e.m
	c := e.Upper(e.Lower(x))
	p, t, d := e.Sig(c)
	w := m.Div(e.one, d)
	s := m.FMA(c, m.Mul(w, m.Add(e.one, t)), e.one)
	return e.Scale(m.Mul(s, w), p)
}

// Sigmoid returns 1/(1 + e^−x).
func (e *Exp) Sigmoid(x V) V {
	p, _, d := e.Sig(e.Upper(e.Lower(x)))
	return e.Scale(e.m.Div(e.one, d), p)
}
