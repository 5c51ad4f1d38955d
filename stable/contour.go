package stable

import (
	"math"

	"heavytail/internal/dmath"
)

// This file integrates what the derivatives of a density need. With the exponent
// ψ of the characteristic function of S0 with unit scale,
//
//	ψ(t) = −t^α − iβK(t),  K = tan(πα/2)·(t − t^α)     (t > 0)
//	f(x) = (1/π)·Re ∫ e^(ψ(t)−ixt) dt
//
// the derivative by a parameter has ∂ψ for a factor, and −it that by x. All of
// them are analytic in t, so that the path may be bent. That of Zolotarev (1986,
// §2.2), where the exponent is −g, real and monotone, has no oscillations:
//
//	t = ρ·e^−iθ,  ln ρ = ln(r/R)/ε,  d ln ρ/dθ = r'/(εr)
//
// in the letters of zolotarev.go. Next to X = 0, where it has no digits left, the
// ray on which it begins serves.

// A contour holds the sums of the integrals, all times e^base.
type contour struct {
	alpha, beta float64 // of the reflected law
	eps, kappa  float64 // 1−α and ε·cot(πε/2)
	dKappa      float64 // dκ/dε
	near        bool    // sums of K instead of powers

	// Without near: ∫ t^α dt, ∫ t^α·ln t dt; each times e^(ψ−ixt).
	power, powerLog complex128
	// With near: the real parts of ∫ ∂ψ/∂α, ∂ψ/∂β and t·∂ψ/∂t.
	byAlpha, byBeta, byLog float64
	first                  float64 // Im ∫ t dt, π times df/dx
	whole                  float64 // Re ∫ dt, π times f
}

// newContour prepares the sums.
func newContour(alpha, beta float64, near bool) *contour {
	c := &contour{alpha: alpha, beta: beta, eps: 1 - alpha, near: near}
	x := math.Pi / 2 * c.eps
	if math.Abs(x) < 0.2 { // x·cot x = 1 − x²/3 − x⁴/45 − 2x⁶/945 − x⁸/4725 − …
		v := x * x
		power := 1.0
		c.kappa, c.dKappa = 1, 0
		for n, a := range [...]float64{1. / 3, 1. / 45, 2. / 945, 1. / 4725, 2. / 93555} {
			c.dKappa -= float64(float64(2*n+2) * float64(a*power) * x)
			power *= v
			c.kappa -= float64(a * power)
		}
		c.kappa *= 2 / math.Pi
		return c
	}
	s, k := dmath.SinPi(c.eps/2), dmath.CosPi(c.eps/2)
	c.kappa = c.eps * k / s
	c.dKappa = k/s - x/float64(s*s)
	return c
}

// addNodes adds the nodes of a set; u holds ln g and x e^−(g−base).
func (c *contour) addNodes(n *nodeSet, p *point) {
	z, e := p.shape, math.Abs(p.eps)
	sg := math.Copysign(1, z.eps)
	for i, w := range n.w[:n.n] {
		a, b := n.a[i], n.b[i]
		s, t := z.split(a, b)
		sa, st, sq := z.angles(a, b)
		ct := cosFold(t, z.endL+s)
		sqe, cq := z.gapE+a, 1.0 // sin|εq|/|ε|, cos εq
		if e != 0 {
			sqe = sq / e
			cq = cosFold(e*(z.gapE+a), float64(z.alpha*s)+t)
		}
		lr := (n.u[i] - dmath.QuickLog(sqe/(z.sinE*st))) / z.alpha
		d := (float64(sg*sqe/st/st) - float64(e*sqe) + float64(ct/st*cq)) * (st / sa)
		h := sg * w * n.x[i] * (a * b / z.l)
		c.add(lr, t-math.Pi/2, complex(st, -ct), complex(float64(h*d), -h))
	}
}

// add adds one node at t = e^(lr + i·arg), unit = e^(i·arg), with the
// weight w·t·dt/t; w holds all but the factor t.
func (c *contour) add(lr, arg float64, unit, w complex128) {
	rho := dmath.Exp(lr)
	t := times(complex(rho*real(unit), rho*imag(unit)), 1)
	dt := times(t, w)
	size := dmath.Exp(float64(c.alpha * lr))
	pow := complex(size*dmath.Cos(c.alpha*arg), size*dmath.Sin(c.alpha*arg)) // t^α
	c.whole += real(dt)
	c.first += imag(times(t, dt))
	pdt := times(pow, dt)
	log := complex(lr, arg)
	if !c.near {
		c.power += pdt
		c.powerLog += times(log, pdt)
		return
	}
	// K = κ·t·ln t·φ(z), z = −ε·ln t, φ(z) = (e^z − 1)/z.
	z := complex(-c.eps*lr, -c.eps*arg)
	phi, slope := expRatio(z)
	tl := times(t, log)
	k := times(tl, phi)
	// dK/dα = −κ'·t·ln t·φ + κ·t·(ln t)²·φ'.
	ka := times(times(tl, log), slope)
	ka = complex(float64(c.kappa*real(ka))-float64(c.dKappa*real(k)), float64(c.kappa*imag(ka))-float64(c.dKappa*imag(k)))
	kdt, kadt := times(k, dt), times(ka, dt)
	c.byAlpha += -real(times(log, pdt)) + float64(c.beta*imag(kadt))
	c.byBeta += float64(c.kappa * imag(kdt))
	// t·dψ/dt = −α·t^α − iβ(K + κ·t^α).
	c.byLog += -float64(c.alpha*real(pdt)) + float64(c.beta*c.kappa*(imag(kdt)+imag(pdt)))
}

// times returns the product of complex numbers, whose parts Go may fuse in a*b.
func times(a, b complex128) complex128 {
	return complex(float64(real(a)*real(b))-float64(imag(a)*imag(b)), float64(real(a)*imag(b))+float64(imag(a)*real(b)))
}

// expRatio returns φ(z) = (e^z − 1)/z and its derivative.
func expRatio(z complex128) (phi, slope complex128) {
	x, y := real(z), imag(z)
	if float64(x*x)+float64(y*y) < 0.25 {
		// Σ z^n/(n+1)! and Σ n·z^(n−1)/(n+1)!
		phi, slope = 0, 0
		for n := len(inverseFactorials) - 1; n >= 0; n-- {
			slope = times(slope, z) + phi
			phi = times(phi, z) + complex(inverseFactorials[n], 0)
		}
		return phi, slope
	}
	m := dmath.Exp(x)
	e := complex(float64(m*dmath.Cos(y)), float64(m*dmath.Sin(y)))
	per := complex(x, -y) // 1/z
	q := 1 / (float64(x*x) + float64(y*y))
	per = complex(real(per)*q, imag(per)*q)
	phi = times(e-1, per)
	return phi, times(e-phi, per)
}

// inverseFactorials are 1/(n+1)!.
var inverseFactorials = func() (f [18]float64) {
	f[0] = 1
	for n := 1; n < len(f); n++ {
		f[n] = f[n-1] / float64(n+1)
	}
	return f
}()

// ray adds the integrals along t = ρ·e^(iθ0), where the exponent is
// −ρ^α/sin η − iXt, for small X.
func (c *contour) ray(z *shape, x float64) {
	theta := math.Pi/2 - z.eta // αθ0
	arg := theta / z.alpha
	unit := complex(dmath.Cos(arg), dmath.Sin(arg))
	// The trapezoidal rule in y = ln ρ − ln S: the integrand is analytic for
	// |Im y| < π/(2α), falls like e^((1+α)y) on the left and as e^(−e^(αy)) on the
	// right.
	h := 0.15 / max(z.alpha, 1/z.alpha) / 2
	if z.alpha < 1 {
		h = 0.15
	}
	s := dmath.Log(z.sin) / z.alpha
	lo, hi := -44/(1+z.alpha), dmath.Log(200)/z.alpha
	for i := range int((hi-lo)/h) + 1 {
		y := lo + float64(float64(i)*h)
		g := dmath.Exp(z.alpha * y)
		rho := x * dmath.Exp(s+y)
		m := h * dmath.Exp(float64(rho*imag(unit))-g)
		ph := -rho * real(unit)
		c.add(s+y, arg, unit, complex(m*dmath.Cos(ph), m*dmath.Sin(ph)))
	}
}

// saddle returns ln ρ where the contour of a flat shape begins, on the imaginary
// axis.
func (p *point) saddle() float64 { return p.scaled(p.flatRatio(), p.alpha/p.r) / p.alpha }

// axis returns what ∫ t^α·e^(ψ−ixt) dt has from 0 to the saddle along the
// imaginary axis, but for the phase of t^α·dt; the exponent is real there:
//
//	∫ u^α·e^E du,  E = −u/(sin η/|ε|)·((u^−ε − cos η)/ε − x0·sin η/|ε|)
//
// Of a law that stays one-sided, or normal, it has no part in the density.
func (p *point) axis() (power float64) {
	z := p.shape
	end := p.saddle()
	exponent := func(y float64) float64 {
		d := -y
		if z.eps != 0 {
			h := dmath.Sin(z.eta / 2)
			d = (dmath.Expm1(-z.eps*y) + float64(2*h*h)) / z.eps
		}
		return float64(-dmath.Exp(y) / z.sinE * (d - float64(p.x0*math.Copysign(z.sinE, z.eps))))
	}
	if exponent(end) < -45 { // where e^E is nothing
		lo := end - 800
		for range 60 {
			if m := (lo + end) / 2; exponent(m) < -45 {
				end = m
			} else {
				lo = m
			}
		}
	}
	for k := range 80 {
		mid := end - 0.25 - float64(float64(k)*0.5)
		for i, x := range fine.x {
			y := mid + float64(0.25*x)
			power += float64(0.25 * fine.w[i] * dmath.Exp(exponent(y)+float64((1+z.alpha)*y)))
		}
	}
	return power
}
