// Command coef derives the polynomial coefficients of package simd's
// elementary functions and prints them as Go constants.
//
//	go run ./coef
//
// Each polynomial approximates a power series on an interval with the least
// weighted maximal error (Lawson's iteration: least squares on a Chebyshev
// grid whose weights are multiplied by the error until it is level). The
// coefficients are then rounded to float32 one by one, lowest power first, and
// the remaining ones fitted again to what is left.
package main

import (
	"fmt"
	"math"
)

// A fit is one polynomial: f ≈ Σ c_k·x^k, k < terms, for x in [lo, hi], the
// error at x counting w(x) times.
type fit struct {
	name   string
	terms  int
	lo, hi float64
	f, w   func(x float64) float64
}

// series returns Σ_k a(k)·x^k over 80 terms.
func series(a func(k int) float64) func(float64) float64 {
	return func(x float64) float64 {
		s := 0.0
		for k := 79; k >= 0; k-- {
			s = s*x + a(k)
		}
		return s
	}
}

func fact(n int) float64 { return math.Gamma(float64(n) + 1) }

func sign(k int) float64 { return 1 - 2*float64(k&1) }

var fits = []fit{
	{"exp: e^r = 1 + r + r²·q(r)", 5, -math.Ln2 / 2 * 1.001, math.Ln2 / 2 * 1.001,
		series(func(k int) float64 { return 1 / fact(k+2) }),
		func(r float64) float64 { return r * r / math.Exp(r) }},
	{"log: log(1+f) = f − f²/2 + f³·q(f)", 9, math.Sqrt2/2 - 1, math.Sqrt2 - 1,
		series(func(k int) float64 { return sign(k) / float64(k+3) }),
		func(f float64) float64 {
			if f == 0 {
				return 0
			}
			return math.Abs(f * f * f / math.Log1p(f))
		}},
	{"sin: sin r = r + r³·q(r²)", 3, 0, math.Pi * math.Pi / 16 * 1.001,
		series(func(k int) float64 { return -sign(k) / fact(2*k+3) }),
		func(z float64) float64 { return z }},
	{"cos: cos r = 1 − r²/2 + r⁴·q(r²)", 3, 0, math.Pi * math.Pi / 16 * 1.001,
		series(func(k int) float64 { return sign(k) / fact(2*k+4) }),
		func(z float64) float64 { return z * z }},
	{"noise: sin πw = w·(float32(π) + q(w²)), w ≤ ½", 5, 0, 0.25,
		func(t float64) float64 { return sinPi(t) - float64(float32(math.Pi)) }, func(t float64) float64 { return 1 / sinPi(t) }},
}

// sinc is sin x/x in z = x², sinPi the same of πx.
var (
	sinc  = series(func(k int) float64 { return sign(k) / fact(2*k+1) })
	sinPi = func(t float64) float64 { return math.Pi * sinc(math.Pi*math.Pi*t) }
)

func main() {
	for _, f := range fits {
		c, worst := f.solve()
		fmt.Printf("// %s, error %.3g\n", f.name, worst)
		for k, v := range c {
			fmt.Printf("c%d = %#08x // %.9g %x\n", k, math.Float32bits(v), v, v)
		}
	}
}

// solve returns the rounded coefficients and the weighted error they leave.
func (f fit) solve() ([]float32, float64) {
	const grid = 4001
	xs, left, ws := make([]float64, grid), make([]float64, grid), make([]float64, grid)
	for i := range xs {
		t := math.Cos(math.Pi * (float64(i) + 0.5) / grid)
		xs[i] = (f.lo+f.hi)/2 + (f.hi-f.lo)/2*t
		left[i], ws[i] = f.f(xs[i]), f.w(xs[i])
	}
	out := make([]float32, f.terms)
	for k := range out {
		c := lawson(xs, left, ws, k, f.terms-k)
		out[k] = float32(c[0])
		for i, x := range xs {
			left[i] -= float64(out[k]) * math.Pow(x, float64(k))
		}
	}
	worst := 0.0
	for i := range xs {
		worst = max(worst, math.Abs(left[i]*ws[i]))
	}
	return out, worst
}

// lawson fits Σ_{j<n} c_j·x^(from+j) to y.
func lawson(xs, y, w []float64, from, n int) []float64 {
	lam := make([]float64, len(xs))
	for i := range lam {
		lam[i] = 1
	}
	var c []float64
	for range 60 {
		c = leastSquares(xs, y, w, lam, from, n)
		sum := 0.0
		for i, x := range xs {
			e := y[i]
			for j := range c {
				e -= c[j] * math.Pow(x, float64(from+j))
			}
			lam[i] *= math.Abs(e * w[i])
			sum += lam[i]
		}
		for i := range lam {
			lam[i] *= float64(len(xs)) / sum
		}
	}
	return c
}

// leastSquares minimises Σ lam·w²·(y − Σ c_j x^(from+j))² by orthogonalising
// the columns twice (modified Gram–Schmidt).
func leastSquares(xs, y, w, lam []float64, from, n int) []float64 {
	cols := make([][]float64, n+1)
	for j := range cols {
		cols[j] = make([]float64, len(xs))
		for i, x := range xs {
			v := y[i]
			if j < n {
				v = math.Pow(x, float64(from+j))
			}
			cols[j][i] = v * w[i] * math.Sqrt(lam[i])
		}
	}
	r := make([][]float64, n+1)
	for j := range cols {
		r[j] = make([]float64, n+1)
		for range 2 {
			for k := range j {
				d := dot(cols[k], cols[j])
				r[k][j] += d
				for i := range cols[j] {
					cols[j][i] -= d * cols[k][i]
				}
			}
		}
		if j < n {
			r[j][j] = math.Sqrt(dot(cols[j], cols[j]))
			for i := range cols[j] {
				cols[j][i] /= r[j][j]
			}
		}
	}
	c := make([]float64, n)
	for j := n - 1; j >= 0; j-- {
		c[j] = r[j][n]
		for k := j + 1; k < n; k++ {
			c[j] -= r[j][k] * c[k]
		}
		c[j] /= r[j][j]
	}
	return c
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}
