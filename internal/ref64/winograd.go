package ref64

import "math"

// A Winograd is a form F(m×m, 3×3) of a convolution: Y = Aᵀ[(G·g·Gᵀ) ⊙
// (Bᵀ·d·B)]A, for tiles of m×m outputs that start at the image's origin.
type Winograd struct {
	M         int
	BT, G, AT [][]float64
}

// NewWinograd returns the form with m 2 (points 0, ±1, ∞) or 4 (points 0,
// ±11/16, ±3/2, ∞).
func NewWinograd(m int) Winograd {
	if m == 2 {
		return Winograd{2,
			[][]float64{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
			[][]float64{{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 1}},
			[][]float64{{1, .5, .5, 0}, {0, .5, -.5, -1}},
		}
	}
	const a, b = 11.0 / 16, 3.0 / 2
	const p, q = a * a, b * b
	const k0, k1, k2 = 1 / (p * q), 1 / (2 * p * (p - q)), 1 / (2 * q * (q - p))
	return Winograd{4,
		[][]float64{
			{p * q, 0, -p - q, 0, 1, 0},
			{0, -a * q, -q, a, 1, 0}, {0, a * q, -q, -a, 1, 0},
			{0, -b * p, -p, b, 1, 0}, {0, b * p, -p, -b, 1, 0},
			{0, p * q, 0, -p - q, 0, 1},
		},
		[][]float64{{1, 0, 0}, {1, a, p}, {1, -a, p}, {1, b, q}, {1, -b, q}, {0, 0, 1}},
		[][]float64{
			{k0, k1, k1, k2, k2, 0}, {0, k1 * a, -k1 * a, k2 * b, -k2 * b, 0},
			{0, k1 * p, k1 * p, k2 * q, k2 * q, 0}, {0, k1 * a * p, -k1 * a * p, k2 * b * q, -k2 * b * q, 1},
		},
	}
}

// Abs returns the form with the magnitudes of its coefficients: applied to
// magnitudes it gives what the rounding errors of the form are relative to.
func (f Winograd) Abs() Winograd {
	abs := func(m [][]float64) (out [][]float64) {
		for _, r := range m {
			row := make([]float64, len(r))
			for i, v := range r {
				row[i] = math.Abs(v)
			}
			out = append(out, row)
		}
		return out
	}
	return Winograd{f.M, abs(f.BT), abs(f.G), abs(f.AT)}
}

// sandwich returns m·x·mᵀ, x being square and row-major.
func sandwich(m [][]float64, x []float64) []float64 {
	n := len(m[0])
	half := make([]float64, len(m)*n)
	for i, row := range m {
		for k, c := range row {
			for j := range n {
				half[i*n+j] += c * x[k*n+j]
			}
		}
	}
	y := make([]float64, len(m)*len(m))
	for i := range m {
		for j, row := range m {
			for k, c := range row {
				y[i*len(m)+j] += c * half[i*n+k]
			}
		}
	}
	return y
}

// Conv2D adds conv(x, w) to y, s being of stride 1 with K = 3. Pixels outside
// the image have the value outside, which is zero but in tests of tests.
func (f Winograd) Conv2D(y, x, w []float64, s ConvShape, outside float64) {
	side := f.M + 2
	points := side * side
	u := make([]float64, s.C*s.O*points) // [c][o][point]
	g := make([]float64, 9)
	for e := range s.C * s.O {
		for tap := range g {
			g[tap] = w[tap*s.C*s.O+e]
		}
		copy(u[e*points:], sandwich(f.G, g))
	}
	sum := make([]float64, s.O*points)
	d := make([]float64, points)
	for n := range s.N {
		for y0 := 0; y0 < s.H; y0 += f.M {
			for x0 := 0; x0 < s.W; x0 += f.M {
				clear(sum)
				for c := range s.C {
					for i := range d {
						r, q := y0+i/side-1, x0+i%side-1
						d[i] = outside
						if r >= 0 && r < s.H && q >= 0 && q < s.W {
							d[i] = x[((n*s.H+r)*s.W+q)*s.C+c]
						}
					}
					v := sandwich(f.BT, d)
					for e := range s.O * points {
						sum[e] += v[e%points] * u[c*s.O*points+e]
					}
				}
				for o := range s.O {
					for i, v := range sandwich(f.AT, sum[o*points:(o+1)*points]) {
						if r, q := y0+i/f.M, x0+i%f.M; r < s.H && q < s.W {
							y[((n*s.H+r)*s.W+q)*s.O+o] += v
						}
					}
				}
			}
		}
	}
}

// Weight adds the gradient of the weight of y = conv(x, w) to dw, in the adjoint form
// Gᵀ[Σ (Bᵀ·d·B) ⊙ (A·dY·Aᵀ)]G, s being of stride 1 with K = 3. Outputs beyond the
// image have the gradient outside, which is zero but in tests of tests.
func (f Winograd) Weight(dw, x, dy []float64, s ConvShape, outside float64) {
	side := f.M + 2
	points := side * side
	a, gt := transposed(f.AT), transposed(f.G)
	sums := make([]float64, s.C*s.O*points) // [c][o][point]
	v, d := make([]float64, points), make([]float64, f.M*f.M)
	grads := make([][]float64, s.O)
	high, wide := (s.H+f.M-1)/f.M, (s.W+f.M-1)/f.M
	for tile := range s.N * high * wide {
		n, y0, x0 := tile/(high*wide), tile/wide%high*f.M, tile%wide*f.M
		at := func(t []float64, r, q, c, cols int, outside float64) float64 {
			if r < 0 || r >= s.H || q < 0 || q >= s.W {
				return outside
			}
			return t[((n*s.H+r)*s.W+q)*cols+c]
		}
		for o := range grads {
			for i := range d {
				d[i] = at(dy, y0+i/f.M, x0+i%f.M, o, s.O, outside)
			}
			grads[o] = sandwich(a, d)
		}
		for c := range s.C {
			for i := range v {
				v[i] = at(x, y0+i/side-1, x0+i%side-1, c, s.C, 0)
			}
			for e, p := range sandwich(f.BT, v) {
				for o, g := range grads {
					sums[(c*s.O+o)*points+e] += p * g[e]
				}
			}
		}
	}
	for e := range s.C * s.O {
		for tap, g := range sandwich(gt, sums[e*points:(e+1)*points]) {
			dw[tap*s.C*s.O+e] += g
		}
	}
}

func transposed(m [][]float64) [][]float64 {
	t := make([][]float64, len(m[0]))
	for i := range t {
		for _, row := range m {
			t[i] = append(t[i], row[i])
		}
	}
	return t
}

// Flipped returns w [3,3,C,O] as the gradient at x sees it: [3,3,O,C], its
// taps in reverse order.
func Flipped(w []float64, c, o int) []float64 {
	f := make([]float64, len(w))
	for tap := range 9 {
		for i := range c {
			for j := range o {
				f[((8-tap)*o+j)*c+i] = w[(tap*c+i)*o+j]
			}
		}
	}
	return f
}
