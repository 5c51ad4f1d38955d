package stable

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"heavytail/internal/dmath"
)

// Elliptical is the elliptically contoured stable law of X = δ + √A·L·G in d
// dimensions: G ~ N(0, I), A = 2K(α/2) positive stable as in SubGaussian, and
// L·Lᵀ = Q the shape matrix. Its characteristic function is
//
//	E exp(i·uᵀX) = exp(i·uᵀδ − (uᵀQu)^(α/2))
//
// so that every projection is symmetric stable, and at α = 2 it is N(δ, 2Q).
// Sources: Samorodnitsky and Taqqu 1994, §2.5; Nolan 2013 for the density. An
// Elliptical is immutable; any number of goroutines may use it.
type Elliptical struct {
	alpha  float64
	d      int
	loc    []float64
	shape  []float64 // Q
	root   []float64 // L, lower
	logDet float64   // ½·ln det Q
	radial func() *radial
	planes *planes
}

// NewElliptical returns the law with location loc, d numbers, and shape Q, d×d by
// rows, for 0.2 ≤ α ≤ 2. It is an error if Q is not symmetric and positive
// definite. The first density takes about 3 ms more for d of a few, 0.1 s for
// d = 3000.
func NewElliptical(alpha float64, loc, shape []float64) (*Elliptical, error) {
	const op = "NewElliptical"
	d := len(loc)
	if d == 0 || len(shape) != d*d {
		panic(fmt.Sprintf("stable: %s: location of %d and shape of %d numbers, want d and d×d", op, d, len(shape)))
	}
	if !(alpha >= 0.2 && alpha <= 2) {
		return nil, fmt.Errorf("stable: %s: α = %v, want 0.2 to 2", op, alpha)
	}
	a := newSquare(d)
	for i, v := range shape {
		row, col := i/d, i%d
		if v-v != 0 || loc[col]-loc[col] != 0 {
			return nil, fmt.Errorf("stable: %s: location or shape is not finite", op)
		}
		if o := shape[col*d+row]; math.Abs(v-o) > 1e-12*(math.Abs(v)+math.Abs(o)) {
			return nil, fmt.Errorf("stable: %s: shape[%d][%d] = %v and shape[%d][%d] = %v differ; make it symmetric", op, row, col, v, col, row, o)
		}
		if col <= row {
			a.at[i] = v
		}
	}
	if !a.factor(nil) {
		return nil, fmt.Errorf("stable: %s: the shape is not positive definite; leave out coordinates that follow from others", op)
	}
	e := &Elliptical{alpha: alpha, d: d, loc: slices.Clone(loc), shape: slices.Clone(shape), root: a.at}
	for i := range d {
		e.logDet += dmath.Log(a.at[i*d+i])
	}
	e.radial = sync.OnceValue(func() *radial { return newRadial(alpha, d) })
	e.planes = newPlanes(d, d, e.mix(), e.loc)
	return e, nil
}

// Alpha returns α, the index of the tails.
func (e *Elliptical) Alpha() float64 { return e.alpha }

// Dim returns the number of dimensions.
func (e *Elliptical) Dim() int { return e.d }

// Loc returns a copy of δ.
func (e *Elliptical) Loc() []float64 { return slices.Clone(e.loc) }

// Shape returns a copy of Q.
func (e *Elliptical) Shape() []float64 { return slices.Clone(e.shape) }

// Project returns the law of uᵀX: symmetric with scale √(uᵀQu), which must not
// be 0, and location uᵀδ. It panics unless u has d numbers.
func (e *Elliptical) Project(u []float64) Law {
	checkDim("Project", len(u), e.d)
	loc, q := 0.0, 0.0
	for i, v := range u {
		loc += float64(v * e.loc[i])
		for j, w := range u {
			q += float64(float64(v*w) * e.shape[i*e.d+j])
		}
	}
	return Law{Alpha: e.alpha, Scale: math.Sqrt(q), Loc: loc, Param: S0}
}

func checkDim(op string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("stable: %s: %d numbers for %d dimensions", op, got, want))
	}
}

// CF returns the characteristic function at u.
func (e *Elliptical) CF(u []float64) complex128 {
	checkDim("CF", len(u), e.d)
	for _, v := range u {
		if v != 0 {
			return e.Project(u).CF(1)
		}
	}
	return 1
}

// Radius returns √((x−δ)ᵀQ⁻¹(x−δ)), on which alone the density depends.
func (e *Elliptical) Radius(x []float64) float64 {
	checkDim("Radius", len(x), e.d)
	v, sum := make([]float64, e.d), 0.0
	for i := range v {
		s := x[i] - e.loc[i]
		for j, w := range v[:i] {
			s -= float64(e.root[i*e.d+j] * w)
		}
		v[i] = s / e.root[i*e.d+i]
		sum += float64(v[i] * v[i])
	}
	return math.Sqrt(sum)
}

// LogDensity returns the logarithm of the density at x, d numbers: that of the
// radial law less ½·ln det Q. The error is about 10^-12, for α > 1.9 up to 10^-11
// (TestEllipticalDensity).
func (e *Elliptical) LogDensity(x []float64) float64 {
	r := e.Radius(x)
	if r-r != 0 {
		return nanOr(r, math.Inf(-1))
	}
	return e.radial().logDensity(r) - e.logDet
}

// Density returns the density at x.
func (e *Elliptical) Density(x []float64) float64 { return dmath.Exp(e.LogDensity(x)) }

// TailDependence returns the coefficient of tail dependence of coordinates i and
// j, lim P(X_i > q_i | X_j > q_j) at quantiles q of equal probability that goes to
// 0 (the lower tails have the same): with ρ = Q_ij/√(Q_ii·Q_jj)
//
//	2·T_(α+1)(−√((α+1)(1−ρ)/(1+ρ)))
//
// T_ν Student's distribution, as for Student's law of ν = α, since it depends on
// ρ and the index of the tail alone (Hult and Lindskog 2002). It is 0 at α = 2.
func (e *Elliptical) TailDependence(i, j int) float64 {
	if i < 0 || j < 0 || i >= e.d || j >= e.d {
		panic(fmt.Sprintf("stable: TailDependence: coordinates %d and %d of %d", i, j, e.d))
	}
	if i == j {
		return 1
	}
	if e.alpha == 2 {
		return 0
	}
	rho := e.shape[i*e.d+j] / math.Sqrt(e.shape[i*e.d+i]*e.shape[j*e.d+j])
	nu := e.alpha + 1
	return 2 * StudentT{Nu: nu, Scale: 1}.CDF(-math.Sqrt(nu*(1-rho)/(1+rho)))
}

// mix returns L in the form of planes.
func (e *Elliptical) mix() []float32 {
	m := make([]float32, e.d*e.d)
	for i, v := range e.root {
		if i%e.d <= i/e.d {
			m[i] = float32(v)
		}
	}
	return m
}

// Isotropic is the Elliptical law about 0 whose shape is the identity, without d×d
// numbers: its density in thousands of dimensions, such as an image has. It is
// immutable; any number of goroutines may use it.
type Isotropic struct {
	d      int
	radial func() *radial
}

// NewIsotropic returns the law in d dimensions, at most 2^28, for 0.2 ≤ α ≤ 2. It panics if
// d is below 1.
func NewIsotropic(alpha float64, d int) (*Isotropic, error) {
	if d < 1 {
		panic(fmt.Sprintf("stable: NewIsotropic: %d dimensions", d))
	}
	if !(alpha >= 0.2 && alpha <= 2) {
		return nil, fmt.Errorf("stable: NewIsotropic: α = %v, want 0.2 to 2", alpha)
	}
	if d > 1<<28 {
		return nil, fmt.Errorf("stable: NewIsotropic: %d dimensions, want at most 2^28", d)
	}
	return &Isotropic{d, sync.OnceValue(func() *radial { return newRadial(alpha, d) })}, nil
}

// LogDensity returns the logarithm of the density at x, d numbers.
func (e *Isotropic) LogDensity(x []float64) float64 {
	checkDim("LogDensity", len(x), e.d)
	sum := 0.0
	for _, v := range x {
		sum += float64(v * v)
	}
	r := math.Sqrt(sum)
	if r-r != 0 {
		return nanOr(r, math.Inf(-1))
	}
	return e.radial().logDensity(r)
}
