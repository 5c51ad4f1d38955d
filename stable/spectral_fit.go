package stable

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
)

// An EllipticalFit is an elliptical stable law that FitElliptical found.
type EllipticalFit struct {
	Alpha  float64   // the index found
	SE     float64   // its standard error, as if the coordinates were independent
	Loc    []float64 // d
	Shape  []float64 // d×d, positive definite
	Shrunk float64   // by what part Shape was moved to its diagonal to be so, mostly 0
	N      int       // how many vectors
}

// Law returns the fitted law.
func (f EllipticalFit) Law() (*Elliptical, error) { return NewElliptical(f.Alpha, f.Loc, f.Shape) }

// FitElliptical fits an elliptical law to vectors of d values, one after the other
// in x, by projections (Nolan 2013): α is the mean over the coordinates and
//
//	Q_ij = (γ²(e_i/γ_i + e_j/γ_j) − γ²(e_i/γ_i − e_j/γ_j))·γ_iγ_j/4
//
// with the scales γ(u) of the symmetric stable laws that maximum likelihood fits to
// uᵀx (FitStable); location and α come with them. It takes d² such fits.
func FitElliptical(x []float64, d int) (EllipticalFit, error) {
	const op = "FitElliptical"
	n := checkVectors(op, x, d)
	f := EllipticalFit{N: n, Loc: make([]float64, d), Shape: make([]float64, d*d)}
	scale, p := make([]float64, d), make([]float64, n)
	fit := func(u func(row []float64) float64) (StableFit, error) {
		for i := range p {
			p[i] = u(x[i*d : (i+1)*d])
		}
		return FitStable(p, FitOptions{Symmetric: true})
	}
	sum := 0.0
	for i := range d {
		g, err := fit(func(row []float64) float64 { return row[i] })
		if err != nil {
			return f, fmt.Errorf("stable: %s: coordinate %d: %w", op, i, err)
		}
		f.Alpha += g.Alpha / float64(d)
		f.Loc[i], scale[i] = g.Loc, g.Scale
		f.Shape[i*d+i] = g.Scale * g.Scale
		sum += float64(g.SE[0] * g.SE[0])
	}
	f.SE = math.Sqrt(sum) / float64(d)
	for i := range d {
		for j := range i {
			var q [2]float64
			for k, sign := range [2]float64{1, -1} {
				g, err := fit(func(row []float64) float64 { return row[i]/scale[i] + float64(sign*row[j]/scale[j]) })
				if err != nil {
					return f, fmt.Errorf("stable: %s: coordinates %d and %d: %w", op, i, j, err)
				}
				q[k] = g.Scale * g.Scale
			}
			v := (q[0] - q[1]) / 4 * scale[i] * scale[j]
			f.Shape[i*d+j], f.Shape[j*d+i] = v, v
		}
	}
	f.shrink(d)
	return f, nil
}

// checkVectors returns how many vectors of d values x has.
func checkVectors(op string, x []float64, d int) int {
	if d < 1 || len(x) == 0 || len(x)%d != 0 {
		panic(fmt.Sprintf("stable: %s: %d values for vectors of %d", op, len(x), d))
	}
	return len(x) / d
}

// shrink moves the shape towards its diagonal until it is positive definite.
func (f *EllipticalFit) shrink(d int) {
	full := slices.Clone(f.Shape)
	for ; ; f.Shrunk = max(2*f.Shrunk, 1e-3) {
		a := newSquare(d)
		for i := range d {
			for j := range d {
				v := full[i*d+j]
				if i != j {
					v *= 1 - min(f.Shrunk, 1)
				}
				a.at[i*d+j], f.Shape[i*d+j] = v, v
			}
		}
		if a.factor(nil) {
			return
		}
	}
}

// A SpectralFit is a law with a discrete spectral measure that FitSpectral found.
type SpectralFit struct {
	Alpha   float64   // the index found
	Dirs    []float64 // m×d, those of positive mass
	Weights []float64 // m
	Loc     []float64 // d, S1
	N       int       // how many vectors
}

// Law returns the fitted law.
func (f SpectralFit) Law() (*Spectral, error) {
	return NewSpectral(f.Alpha, f.Dirs, f.Weights, f.Loc)
}

// FitSpectral fits masses at the given directions, m×d, to vectors of d values in
// x by projections (Nolan, Panorska and McCulloch 2001): KogonWilliams gives
// α, β(u) and γ(u) of uᵀx for each of the directions u and the coordinates, α is their mean, and
// the masses w ≥ 0 are those of least squares in
//
//	Σ_k w_k·|⟨u, s_k⟩|^α = γ(u)^α,  Σ_k w_k·sgn⟨u, s_k⟩·|⟨u, s_k⟩|^α = β(u)·γ(u)^α
//
// Directions whose mass is 0 are left out. For d = 2 see Circle. It is an error if
// α comes out above 1.99, where the law is next to normal and masses mean nothing,
// or within 0.02 of 1 with skewness, where S1 has no location to project.
func FitSpectral(x []float64, d int, dirs []float64) (SpectralFit, error) {
	const op = "FitSpectral"
	n := checkVectors(op, x, d)
	m := len(dirs) / d
	if m == 0 || len(dirs)%d != 0 {
		panic(fmt.Sprintf("stable: %s: %d numbers for directions of %d", op, len(dirs), d))
	}
	grid := slices.Clone(dirs)
	for i := range d { // the coordinates tell the location
		u := make([]float64, d)
		u[i] = 1
		grid = append(grid, u...)
	}
	f := SpectralFit{N: n, Loc: make([]float64, d)}
	fits, p := make([]StableFit, m+d), make([]float64, n)
	for k := range fits {
		u := grid[k*d : (k+1)*d]
		for i := range p {
			p[i] = 0
			for j, v := range u {
				p[i] += float64(v * x[i*d+j])
			}
		}
		var err error
		if fits[k], err = KogonWilliams(p); err != nil {
			return f, fmt.Errorf("stable: %s: direction %d: %w", op, k, err)
		}
		f.Alpha += fits[k].Alpha / float64(len(fits))
	}
	if f.Alpha > 1.99 {
		return f, fmt.Errorf("stable: %s: α is %.3f, next to normal; use FitElliptical", op, f.Alpha)
	}
	w := masses(f.Alpha, d, dirs, grid, fits)
	most := slices.Max(w)
	for k, v := range w {
		if v > 1e-6*most {
			f.Weights = append(f.Weights, v)
			f.Dirs = append(f.Dirs, dirs[k*d:(k+1)*d]...)
		}
	}
	for i := range d { // S0 to S1 with the scale and skewness of the fitted measure
		l := Law{Alpha: f.Alpha, Beta: fits[m+i].Beta, Scale: fits[m+i].Scale, Param: S0}
		if f.Alpha == 1 || math.Abs(f.Alpha-1) < 0.02 && math.Abs(l.Beta) > 0.1 {
			return f, fmt.Errorf("stable: %s: α is %.3f with skewness %.2f of coordinate %d: S1 has no location there; fit projections by KogonWilliams, which is in S0", op, f.Alpha, l.Beta, i)
		}
		f.Loc[i] = fits[m+i].Loc - float64(l.Scale*l.zeta())
	}
	return f, nil
}

// masses solves for the masses at dirs from the laws along the rows of grid.
func masses(alpha float64, d int, dirs, grid []float64, fits []StableFit) []float64 {
	m := len(dirs) / d
	s := Spectral{alpha: alpha, d: d, dirs: dirs}
	a, b := make([]float64, 2*len(fits)*m), make([]float64, 2*len(fits))
	for k, g := range fits {
		size := dmath.Pow(g.Scale, alpha)
		b[2*k], b[2*k+1] = size, g.Beta*size
		for j := range m {
			t := s.along(grid[k*d:(k+1)*d], j)
			v := dmath.Pow(math.Abs(t), alpha)
			a[2*k*m+j], a[(2*k+1)*m+j] = v, math.Copysign(v, t)
		}
	}
	return nonNegative(a, b, m)
}

// Circle returns m unit vectors of the plane, two values each, at equal angles from (1,
// 0) on: directions for FitSpectral.
func Circle(m int) []float64 {
	u := make([]float64, 2*m)
	for k := range m {
		a := 2 * float64(k) / float64(m)
		u[2*k], u[2*k+1] = dmath.CosPi(a), dmath.SinPi(a)
	}
	return u
}

// nonNegative returns the w ≥ 0 of least |a·w − b|² by cyclic descent, one
// coordinate after the other, until no step is above 1e-10 of the largest.
func nonNegative(a, b []float64, m int) []float64 {
	w, rest, norm := make([]float64, m), slices.Clone(b), make([]float64, m)
	for i, v := range a {
		norm[i%m] += float64(v * v)
	}
	for range 100_000 {
		moved, most := 0.0, 0.0
		for k := range w {
			if norm[k] == 0 {
				continue
			}
			g := 0.0
			for i, r := range rest {
				g += float64(a[i*m+k] * r)
			}
			step := max(g/norm[k], -w[k])
			w[k] += step
			for i := range rest {
				rest[i] -= float64(step * a[i*m+k])
			}
			moved, most = max(moved, math.Abs(step)), max(most, w[k])
		}
		if moved <= 1e-10*most {
			break
		}
	}
	return w
}
