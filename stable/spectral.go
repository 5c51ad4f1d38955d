package stable

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/simd"
)

// Spectral is the stable law of d dimensions with a discrete spectral measure:
// masses w_k at the unit vectors s_k. In S1
//
//	E exp(i·uᵀX) = exp(−Σ_k w_k·ψ(⟨u, s_k⟩) + i·uᵀδ)
//	ψ(t) = |t|^α·(1 − i·sgn t·tan(πα/2)),  at α = 1 |t|·(1 + i(2/π)·sgn t·ln|t|)
//
// It is that of δ + Σ_k w_k^(1/α)·Z_k·s_k with independent Z_k of S1(α, 1), and of
// w_k·Z_k + (2/π)·w_k·ln w_k for the factors at α = 1. Discrete measures are dense
// in all stable laws (Byczkowski, Nolan and Rajput 1993; Samorodnitsky and Taqqu
// 1994, §2.3). A Spectral is immutable; any number of goroutines may use it.
type Spectral struct {
	alpha   float64
	d       int
	dirs    []float64 // m×d, unit vectors
	weights []float64 // m
	loc     []float64
	planes  *planes
}

// NewSpectral returns the law of masses weights[k] > 0 at the directions
// dirs[k·d … (k+1)·d), which are brought to length 1, with location loc in S1,
// which says d; 0.2 ≤ α < 2. (At α = 2 the law is normal and wants no measure: see
// NewElliptical.)
func NewSpectral(alpha float64, dirs, weights, loc []float64) (*Spectral, error) {
	const op = "NewSpectral"
	d, m := len(loc), len(weights)
	if d == 0 || m == 0 || len(dirs) != m*d {
		panic(fmt.Sprintf("stable: %s: location of %d, weights of %d and directions of %d numbers, want d, m and m×d", op, d, m, len(dirs)))
	}
	if !(alpha >= 0.2 && alpha < 2) {
		return nil, fmt.Errorf("stable: %s: α = %v, want 0.2 to less than 2", op, alpha)
	}
	s := &Spectral{alpha: alpha, d: d, dirs: slices.Clone(dirs), weights: slices.Clone(weights), loc: slices.Clone(loc)}
	for k, w := range weights {
		if !(w > 0 && w <= math.MaxFloat64) {
			return nil, fmt.Errorf("stable: %s: weight %d is %v, want a positive number", op, k, w)
		}
		row, most := s.dirs[k*d:(k+1)*d], 0.0
		for _, v := range row {
			if v-v != 0 {
				return nil, fmt.Errorf("stable: %s: direction %d is not finite", op, k)
			}
			most = max(most, math.Abs(v))
		}
		if most == 0 {
			return nil, fmt.Errorf("stable: %s: direction %d is 0", op, k)
		}
		n := 0.0
		for i := range row {
			row[i] /= most
			n += float64(row[i] * row[i])
		}
		for i := range row {
			row[i] /= math.Sqrt(n)
		}
	}
	for i, v := range loc {
		if v-v != 0 {
			return nil, fmt.Errorf("stable: %s: location %d is %v", op, i, v)
		}
	}
	mix := s.mix()
	for i, v := range mix {
		if v-v != 0 {
			return nil, fmt.Errorf("stable: %s: weight %d is %v: its power 1/α = %.3g is beyond float32, in which samples are made", op, i%m, weights[i%m], 1/alpha)
		}
	}
	s.planes = newPlanes(m, d, mix, s.shifted())
	return s, nil
}

// Alpha returns α.
func (s *Spectral) Alpha() float64 { return s.alpha }

// Dim returns the number of dimensions.
func (s *Spectral) Dim() int { return s.d }

// Measure returns copies of the unit vectors, m×d, and of their masses.
func (s *Spectral) Measure() (dirs, weights []float64) {
	return slices.Clone(s.dirs), slices.Clone(s.weights)
}

// Loc returns a copy of δ.
func (s *Spectral) Loc() []float64 { return slices.Clone(s.loc) }

// Project returns the law of uᵀX in S1: with a_k = ⟨u, s_k⟩
//
//	γ^α = Σ w_k·|a_k|^α,  β·γ^α = Σ w_k·sgn(a_k)·|a_k|^α
//	δ(u) = uᵀδ, at α = 1 less (2/π)·Σ w_k·a_k·ln|a_k|
//
// (Samorodnitsky and Taqqu 1994, example 2.3.4). Its scale is 0 if u is orthogonal
// to all directions. It panics unless u has d numbers.
func (s *Spectral) Project(u []float64) Law {
	checkDim("Project", len(u), s.d)
	var size, skew, loc float64
	for i, v := range u {
		loc += float64(v * s.loc[i])
	}
	for k, w := range s.weights {
		a := s.along(u, k)
		if a == 0 {
			continue
		}
		p := float64(w * dmath.Pow(math.Abs(a), s.alpha))
		size += p
		skew += math.Copysign(p, a)
		if s.alpha == 1 {
			loc -= float64(2 / math.Pi * w * a * dmath.Log(math.Abs(a)))
		}
	}
	l := Law{Alpha: s.alpha, Scale: dmath.Pow(size, 1/s.alpha), Loc: loc, Param: S1}
	if size > 0 {
		l.Beta = max(min(skew/size, 1), -1)
	}
	return l
}

// along returns ⟨u, s_k⟩.
func (s *Spectral) along(u []float64, k int) (a float64) {
	for i, v := range u {
		a += float64(v * s.dirs[k*s.d+i])
	}
	return a
}

// CF returns the characteristic function at u.
func (s *Spectral) CF(u []float64) complex128 {
	l := s.Project(u)
	if l.Scale == 0 {
		c := complex(dmath.Cos(l.Loc), dmath.Sin(l.Loc))
		return c
	}
	return l.CF(1)
}

// TailDependence returns lim P(X_i > q_i | X_j > q_j), the coefficient of upper
// tail dependence of coordinates i and j: a large value comes of one Z_k alone, so
// with c_i = Σ_k w_k·(s_ki)₊^α it is
//
//	Σ_k w_k·min((s_ki)₊^α/c_i, (s_kj)₊^α/c_j)
//
// NaN where a coordinate has no upper tail (Samorodnitsky and Taqqu 1994, theorem
// 4.4.8).
func (s *Spectral) TailDependence(i, j int) float64 {
	if i < 0 || j < 0 || i >= s.d || j >= s.d {
		panic(fmt.Sprintf("stable: TailDependence: coordinates %d and %d of %d", i, j, s.d))
	}
	part := func(k, i int) float64 {
		if v := s.dirs[k*s.d+i]; v > 0 {
			return s.weights[k] * dmath.Pow(v, s.alpha)
		}
		return 0
	}
	ci, cj, sum := 0.0, 0.0, 0.0
	for k := range s.weights {
		ci += part(k, i)
		cj += part(k, j)
	}
	for k := range s.weights {
		sum += min(part(k, i)/ci, part(k, j)/cj)
	}
	if ci == 0 || cj == 0 {
		return math.NaN()
	}
	return sum
}

// mix returns the matrix w_k^(1/α)·s_k, d×m.
func (s *Spectral) mix() []float32 {
	m := len(s.weights)
	mix := make([]float32, s.d*m)
	for k, w := range s.weights {
		for i := range s.d {
			mix[i*m+k] = float32(dmath.Pow(w, 1/s.alpha) * s.dirs[k*s.d+i])
		}
	}
	return mix
}

// shifted returns δ with what S1 adds at α = 1.
func (s *Spectral) shifted() []float64 {
	loc := slices.Clone(s.loc)
	if s.alpha != 1 {
		return loc
	}
	for k, w := range s.weights {
		for i := range loc {
			loc[i] += float64(2 / math.Pi * w * dmath.Log(w) * s.dirs[k*s.d+i])
		}
	}
	return loc
}

// Sample sets dst to the vectors off, off+1, … of the stream, d values each, in
// float32, by the map of Key.Skewed in S1. Any cut of vectors into calls gives
// the same bits at every instruction set. Variates of size 10^38/m and more are
// held to that, so that sums stay finite. A stream holds 2^33/m vectors less 256, m
// the number of directions.
func (s *Spectral) Sample(dst []float32, st Key, off int) {
	most := float32(1)
	for _, v := range s.planes.mix {
		most = max(most, v, -v)
	}
	limit := math.MaxFloat32 / (2 * most * float32(len(s.weights)))
	var q simd.NoiseParams
	if s.alpha != 1 {
		q = skewedParams(s.alpha, 1, S1)
	}
	p := st.philox(tagSpectral)
	s.planes.fill("Sample", dst, off, 2, func(plane []float32, at int) {
		if s.alpha == 1 {
			st.skewedOne(plane, at)
		} else {
			simd.Noise(plane, simd.NoiseSkewed, &p, uint64(at), &q)
		}
		simd.Clamp(plane, plane, -limit, limit)
	}, func([]float32, int) {}, func([]float32, []float32) {})
}

// skewedOne sets dst to variates of S1(1, 1), rounded from float64.
func (s Key) skewedOne(dst []float32, off int) {
	var buf [planeRows]float64
	q := skewed64Params(1, 1, simd.Noise64SkewedS0)
	for at := 0; at < len(dst); at += planeRows {
		part := dst[at:min(at+planeRows, len(dst))]
		s.Fill64(buf[:len(part)], Family64{tagSpectral64, simd.Noise64SkewedS0, q}, off+at)
		for i, v := range buf[:len(part)] {
			part[i] = float32(max(min(v, math.MaxFloat32), -math.MaxFloat32))
		}
	}
}
