package ref64

import "math"

// A Winograd is a form F(m×m, 3×3) of a convolution: Y = Aᵀ[(G·g·Gᵀ) ⊙
// (Bᵀ·d·B)]A, for tiles of m×m outputs that start at the image's origin.
type Winograd struct {
	M         int
	BT, G, AT [][]float64
	Up        bool // the form of NewUp
}

// NewUp returns the form of a convolution that doubles its image first: tiles of 4×4
// outputs around every other pixel of every other row, of which they see three by three.
// In one dimension point 2 is the pixel with all taps; the others are what its neighbour
// before or after differs by, with the taps through which an output sees that one.
func NewUp() Winograd {
	before, after := []float64{1, -1, 0}, []float64{0, -1, 1}
	return Winograd{
		M:  4,
		BT: [][]float64{before, before, {0, 1, 0}, after, after},
		G:  [][]float64{{1, 1, 0}, {1, 0, 0}, {1, 1, 1}, {0, 0, 1}, {0, 1, 1}},
		AT: [][]float64{{1, 0, 1, 0, 0}, {0, 1, 1, 0, 0}, {0, 0, 1, 1, 0}, {0, 0, 1, 0, 1}},
		Up: true,
	}
}

// out is how many outputs n pixels have, tiles how many tiles, and at the first pixel that
// tile i reads and the first output that it gives.
func (f Winograd) out(n int) int {
	if f.Up {
		return 2 * n
	}
	return n
}

func (f Winograd) tiles(n int) int {
	if f.Up {
		return n/2 + 1
	}
	return (n + f.M - 1) / f.M
}

func (f Winograd) at(i int) (pixel, output int) {
	if f.Up {
		return 2*i - 1, 4*i - 1
	}
	return f.M*i - 1, f.M * i
}

// NewWinograd returns the form with m 2 (points 0, ±1, ∞) or 4 (points 0,
// ±11/16, ±3/2, ∞).
func NewWinograd(m int) Winograd {
	if m == 2 {
		return Winograd{M: 2,
			BT: [][]float64{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
			G:  [][]float64{{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 1}},
			AT: [][]float64{{1, .5, .5, 0}, {0, .5, -.5, -1}},
		}
	}
	const a, b = 11.0 / 16, 3.0 / 2
	const p, q = a * a, b * b
	const k0, k1, k2 = 1 / (p * q), 1 / (2 * p * (p - q)), 1 / (2 * q * (q - p))
	return Winograd{M: 4,
		BT: [][]float64{
			{p * q, 0, -p - q, 0, 1, 0},
			{0, -a * q, -q, a, 1, 0}, {0, a * q, -q, -a, 1, 0},
			{0, -b * p, -p, b, 1, 0}, {0, b * p, -p, -b, 1, 0},
			{0, p * q, 0, -p - q, 0, 1},
		},
		G: [][]float64{{1, 0, 0}, {1, a, p}, {1, -a, p}, {1, b, q}, {1, -b, q}, {0, 0, 1}},
		AT: [][]float64{
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
	return Winograd{f.M, abs(f.BT), abs(f.G), abs(f.AT), f.Up}
}

// sandwich returns m·x·mᵀ, x being square and row-major. What m has a zero for is not
// read: there NaN changes nothing.
func sandwich(m [][]float64, x []float64) []float64 {
	n := len(m[0])
	half := make([]float64, len(m)*n)
	for i, row := range m {
		for k, c := range row {
			for j := 0; c != 0 && j < n; j++ {
				half[i*n+j] += c * x[k*n+j]
			}
		}
	}
	y := make([]float64, len(m)*len(m))
	for i := range m {
		for j, row := range m {
			for k, c := range row {
				if c != 0 {
					y[i*len(m)+j] += c * half[i*n+k]
				}
			}
		}
	}
	return y
}

// Conv2D adds conv(x, w) to y, s being of stride 1 with K = 3, and for NewUp with Up.
// Pixels outside the image have the value outside, which is zero but in tests of tests.
func (f Winograd) Conv2D(y, x, w []float64, s ConvShape, outside float64) {
	points, read := len(f.BT)*len(f.BT), len(f.BT[0])
	u := make([]float64, s.C*s.O*points) // [c][o][point]
	g := make([]float64, 9)
	for e := range s.C * s.O {
		for tap := range g {
			g[tap] = w[tap*s.C*s.O+e]
		}
		copy(u[e*points:], sandwich(f.G, g))
	}
	sum := make([]float64, s.O*points)
	d := make([]float64, read*read)
	high, wide, h, wd := f.tiles(s.H), f.tiles(s.W), f.out(s.H), f.out(s.W)
	for tile := range s.N * high * wide {
		n := tile / (high * wide)
		inY, outY := f.at(tile / wide % high)
		inX, outX := f.at(tile % wide)
		clear(sum)
		for c := range s.C {
			for i := range d {
				r, q := inY+i/read, inX+i%read
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
				if r, q := outY+i/f.M, outX+i%f.M; r >= 0 && r < h && q >= 0 && q < wd {
					y[((n*h+r)*wd+q)*s.O+o] += v
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
