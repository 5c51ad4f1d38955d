package simd

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// winoMats returns Bᵀ, G and Aᵀ of F(m, 3) from their points by Toom's and
// Cook's construction, in exact rational arithmetic: nothing here is shared
// with the code under test.
func winoMats(m Wino) (bt, g, at [][]float64) {
	if m == WinoUp {
		return upMats()
	}
	points := []*big.Rat{big.NewRat(0, 1), big.NewRat(11, 16), big.NewRat(-11, 16), big.NewRat(3, 2), big.NewRat(-3, 2)}
	if m == Wino2 {
		points = []*big.Rat{big.NewRat(0, 1), big.NewRat(1, 1), big.NewRat(-1, 1)}
	}
	floats := func(x []*big.Rat, n int) []float64 {
		out := make([]float64, n)
		for i, v := range x {
			out[i], _ = v.Float64()
		}
		return out
	}
	// times returns poly·(x − p).
	times := func(poly []*big.Rat, p *big.Rat) []*big.Rat {
		out := make([]*big.Rat, len(poly)+1)
		for i := range out {
			out[i] = new(big.Rat)
			if i > 0 {
				out[i].Set(poly[i-1])
			}
			if i < len(poly) {
				out[i].Sub(out[i], new(big.Rat).Mul(p, poly[i]))
			}
		}
		return out
	}
	n := int(m) + 2
	at = make([][]float64, m)
	all := []*big.Rat{big.NewRat(1, 1)}
	for j, p := range points {
		scale, poly := big.NewRat(1, 1), []*big.Rat{big.NewRat(1, 1)}
		for k, q := range points {
			if k != j {
				scale.Mul(scale, new(big.Rat).Sub(p, q))
				poly = times(poly, q)
			}
		}
		bt = append(bt, floats(poly, n))
		row, power := []*big.Rat{}, big.NewRat(1, 1)
		for range 3 {
			row = append(row, power)
			power = new(big.Rat).Mul(power, p)
		}
		g = append(g, floats(row, 3))
		power = new(big.Rat).Inv(scale) // which the construction divides G by
		for i := range at {
			v, _ := power.Float64()
			at[i] = append(at[i], v)
			power = new(big.Rat).Mul(power, p)
		}
		all = times(all, p)
	}
	bt, g = append(bt, floats(all, n)), append(g, []float64{0, 0, 1})
	for i := range at {
		last := 0.0
		if i == int(m)-1 {
			last = 1
		}
		at[i] = append(at[i], last)
	}
	if m == Wino2 { // this form turns signs, which cancel
		for j := range bt[0] {
			bt[0][j], bt[3][j] = -bt[0][j], -bt[3][j]
		}
		at[0][0], at[1][3] = -at[0][0], -1
	}
	return bt, g, at
}

// upMats returns those of WinoUp from what they are for: pixel k − 1 of a doubled column is
// the one of three that ⌊(k+1)/2⌋ numbers, and output r sees doubled pixels r−1, r and r+1
// with the taps. They give that sum for every column and taps; TestWinoUpMats says so.
func upMats() (bt, g, at [][]float64) {
	before, after, same := []float64{1, -1, 0}, []float64{0, -1, 1}, []float64{0, 1, 0}
	return [][]float64{before, before, same, after, after},
		[][]float64{{1, 1, 0}, {1, 0, 0}, {1, 1, 1}, {0, 0, 1}, {0, 1, 1}},
		[][]float64{{1, 0, 1, 0, 0}, {0, 1, 1, 0, 0}, {0, 0, 1, 1, 0}, {0, 0, 1, 0, 1}}
}

// In one dimension the form of a doubled column gives what the convolution of the doubled
// column is, of every pixel and tap.
func TestWinoUpMats(t *testing.T) {
	bt, g, at := upMats()
	for pixel := range 3 {
		for tap := range 3 {
			for r := range 4 { // output 4·t−1+r of tile t, which sees doubled pixels from 4·t−2+r on
				want := 0.0
				if at := r - 2 + tap; int(math.Floor(float64(at)/2))+1 == pixel {
					want = 1
				}
				got := 0.0
				for i := range 5 {
					got += at[r][i] * g[i][tap] * bt[i][pixel]
				}
				require.Equal(t, want, got, "pixel %d, tap %d, output %d", pixel, tap, r)
			}
		}
	}
}

// sandwich returns m·x·mᵀ and the same of magnitudes.
func sandwich(m [][]float64, x func(i, j int) float64) (y, size [][]float64) {
	for _, r := range m {
		var row, abs []float64
		for _, s := range m {
			v, a := 0.0, 0.0
			for i := range r {
				for j := range s {
					v += r[i] * s[j] * x(i, j)
					a += math.Abs(r[i] * s[j] * x(i, j))
				}
			}
			row, abs = append(row, v), append(abs, a)
		}
		y, size = append(y, row), append(size, abs)
	}
	return y, size
}

// winoUnits bounds the roundings of a transform in two dimensions, in units of
// 2⁻²⁴ of the sum of the magnitudes of its terms: at most three operations one
// after the other in each dimension, each also rounding what came before, and
// in Aᵀ two rounded coefficients.
const winoUnits = 12

func winoNear(got float32, want, size float64) error {
	if d := math.Abs(float64(got) - want); !(d <= winoUnits*0x1p-24*size) {
		return fmt.Errorf("got %v, want %v, off by %g of %g", got, want, d, winoUnits*0x1p-24*size)
	}
	return nil
}

// winoCase is a run of n tiles with c channels or columns.
type winoCase struct {
	m    Wino
	n, c int
}

func winoCases(forms ...Wino) (out []winoCase) {
	for _, m := range forms {
		for c := 1; c <= 40; c++ {
			out = append(out, winoCase{m, 1 + c%3, c})
		}
	}
	return out
}

// in returns a run of tiles over guarded memory, every third pixel outside.
func (c winoCase) in(t *testing.T, fill func([]float32), front bool) *WinoIn {
	p := c.m.Points()
	w := &WinoIn{N: c.n, C: c.c, Pitch: (c.c+15)&^15 + 16*(c.c%2)}
	pixels, read := 2*p-5, c.m.Pixels()*c.m.Pixels()
	w.X, w.Zero = numtest.Guarded(t, (pixels-1)*(c.c+1)+c.c, front), numtest.Guarded(t, c.c, front)
	w.V = numtest.Guarded(t, c.n*p*w.Pitch, front)
	clear(w.Zero)
	fill(w.X)
	for i := range c.n * read {
		off := int32(i * 7 % pixels * (c.c + 1))
		if i%3 == 1 {
			off = -1
		}
		w.Off = append(w.Off, off)
	}
	return w
}

// inWrong compares a transform with the exact one.
func (w *WinoIn) inWrong(m Wino, run func(*WinoIn)) error {
	run(w)
	bt, _, _ := winoMats(m)
	side, p, read := m.Side(), m.Points(), m.Pixels()
	for n := range w.N {
		for c := range w.C {
			want, size := sandwich(bt, func(i, j int) float64 {
				if o := w.Off[(n*read+i)*read+j]; o >= 0 {
					return float64(w.X[int(o)+c])
				}
				return 0
			})
			for i := range p {
				if err := winoNear(w.V[(n*p+i)*w.Pitch+c], want[i/side][i%side], size[i/side][i%side]); err != nil {
					return fmt.Errorf("tile %d, point %d, channel %d: %w", n, i, c, err)
				}
			}
		}
	}
	return nil
}

// used returns the values of V that are defined.
func (w *WinoIn) used() (out []float32) {
	for i := 0; i < len(w.V); i += w.Pitch {
		out = append(out, w.V[i:][:w.C]...)
	}
	return out
}

// A winoKernel is one of the transforms with its checker: build fills one, with what it
// reads at the front of its memory or not, used is what it wrote.
type winoKernel[K any] struct {
	build func(c winoCase, t *testing.T, fill func([]float32), front bool) *K
	run   func(*K, Wino)
	wrong func(w *K, m Wino, run func(*K)) error
	used  func(*K) []float32
}

// atEachLevel judges the transform in float64 at every level and holds all to the bits
// of the first, of ordinary values and of wild ones.
func (k winoKernel[K]) atEachLevel(t *testing.T, forms ...Wino) {
	require.NotEmpty(t, forms)
	for i, c := range winoCases(forms...) {
		var first, wild []float32
		for _, l := range isa.Available() {
			restore := isa.Force(l)
			r := numtest.NewRand(uint64(i))
			w := k.build(c, t, func(x []float32) { r.Fill(x, 1) }, i%2 == 0)
			require.NoError(t, k.wrong(w, c.m, func(w *K) { k.run(w, c.m) }), "%+v at %v", c, l)
			v := k.build(c, t, func(x []float32) { r.Wild(x, i%4 == 0) }, i%2 == 1)
			k.run(v, c.m)
			restore()
			if first == nil {
				first, wild = slices.Clone(k.used(w)), slices.Clone(k.used(v))
			}
			numtest.SameBits(t, first, k.used(w), fmt.Sprintf("%+v at %v", c, l))
			numtest.SameBits(t, wild, k.used(v), fmt.Sprintf("%+v at %v, wild", c, l))
		}
	}
}

func TestWinoIn(t *testing.T) {
	winoKernel[WinoIn]{winoCase.in, (*WinoIn).Run, (*WinoIn).inWrong, (*WinoIn).used}.atEachLevel(t, Wino2, Wino4, WinoUp)
}

func TestWinoWeights(t *testing.T) {
	for _, m := range []Wino{Wino2, Wino4} {
		_, g, _ := winoMats(m)
		side := int(m) + 2
		for i, n := range []int{16, 32, 48, 160} {
			for _, flip := range []bool{false, true} {
				uStep, wStep := n+8*(i%2), n+16*i
				var first []float32
				for _, l := range isa.Available() {
					restore := isa.Force(l)
					r := numtest.NewRand(uint64(i))
					w, u := numtest.Guarded(t, 8*wStep+n, i%2 == 0), numtest.Guarded(t, (m.Points()-1)*uStep+n, i%2 == 1)
					clear(u)
					r.Fill(w, 1)
					all := func(f func(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool, next []float32), u []float32) {
						for pair := range side / 2 {
							r0, r1 := WinoRows(m, pair)
							f(m, pair, u[r0*side*uStep:], u[r1*side*uStep:], uStep, w, wStep, n, flip, w[pair*wStep:])
						}
					}
					whole := func(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool, _ []float32) {
						winoPairGeneric(m, pair, u0, u1, uStep, w, wStep, n, flip)
					}
					all(WinoWeights, u)
					for e := range n {
						want, size := sandwich(g, func(i, j int) float64 {
							tap := 3*i + j
							if flip {
								tap = 8 - tap
							}
							return float64(w[tap*wStep+e])
						})
						for p := range m.Points() {
							require.NoError(t, winoNear(u[p*uStep+e], want[p/side][p%side], size[p/side][p%side]), "point %d", p)
						}
					}
					if first == nil {
						first = append(first, u...)
					}
					numtest.SameBits(t, first, u, fmt.Sprintf("m=%d n=%d at %v", m, n, l))
					r.Wild(w, true)
					got := append([]float32(nil), u...)
					all(WinoWeights, u)
					all(whole, got)
					restore()
					numtest.SameBits(t, got, u, fmt.Sprintf("m=%d n=%d at %v, wild", m, n, l))
				}
			}
		}
	}
}

// out returns a run of tiles; every fifth pixel lies beyond the image.
func (c winoCase) out(t *testing.T, fill func([]float32), front bool) *WinoOut {
	w := &WinoOut{N: c.n, Cols: min(c.c, TileCols)}
	q, mode := c.m.Outputs()*c.m.Outputs(), c.c%4
	w.M, w.C = numtest.Guarded(t, c.n*c.m.Points()*TileCols, front), numtest.Guarded(t, (c.n*q-1)*(w.Cols+1)+w.Cols, front)
	fill(w.M)
	fill(w.C)
	for i := range c.n * q {
		at := int32((c.n*q - 1 - i) * (w.Cols + 1))
		w.ROff = append(w.ROff, at)
		if i%5 == 3 {
			at = -2
		}
		w.COff = append(w.COff, at)
	}
	if mode > 0 {
		w.Bias = numtest.Guarded(t, w.Cols, front)
		fill(w.Bias)
	}
	switch mode {
	case 2:
		w.Res = numtest.Guarded(t, len(w.C), front)
		fill(w.Res)
	case 3:
		w.Res = w.C
	}
	return w
}

// outWrong compares an inverse transform with the exact one.
func (w *WinoOut) outWrong(m Wino, run func(*WinoOut)) error {
	_, _, at := winoMats(m)
	want, size := numbers(w.C), make([]float64, len(w.C))
	side, p, out := m.Side(), m.Points(), m.Outputs()
	q := out * out
	for n := range w.N {
		for k := range w.Cols {
			y, abs := sandwich(at, func(i, j int) float64 { return float64(w.M[(n*p+i*side+j)*TileCols+k]) })
			for i := range q {
				o := w.COff[n*q+i]
				if o < 0 {
					continue
				}
				v, a := y[i/out][i%out], abs[i/out][i%out]
				if w.Bias != nil {
					v, a = v+float64(w.Bias[k]), a+math.Abs(float64(w.Bias[k]))
				}
				if w.Res != nil {
					r := float64(w.Res[int(w.ROff[n*q+i])+k])
					v, a = v+r, a+math.Abs(r)
				}
				want[int(o)+k], size[int(o)+k] = v, a
			}
		}
	}
	run(w)
	for i := range want {
		if err := winoNear(w.C[i], want[i], size[i]); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func numbers(x []float32) (out []float64) {
	for _, v := range x {
		out = append(out, float64(v))
	}
	return out
}

func TestWinoOut(t *testing.T) {
	winoKernel[WinoOut]{winoCase.out, (*WinoOut).Run, (*WinoOut).outWrong, func(w *WinoOut) []float32 { return w.C }}.atEachLevel(t, Wino2, Wino4, WinoUp)
}

// The checkers above must reject kernels that are broken in these ways.
func TestWinoMutants(t *testing.T) {
	for m, other := range map[Wino]Wino{Wino2: Wino4, Wino4: Wino2, WinoUp: Wino2} {
		c := winoCase{m, 3, 19}
		// The same numbers for each mutant, in whatever order they come.
		fill := func(x []float32) { numtest.NewRand(uint64(len(x))).Fill(x, 1) }
		for name, run := range map[string]func(*WinoIn){
			"no-op":          func(w *WinoIn) { clear(w.V) },
			"coefficient":    func(w *WinoIn) { w.Run(m); w.V[0] += 0x1p-12 },
			"edge":           func(w *WinoIn) { w.Zero[2] = 1; w.Run(m) },
			"last tile":      func(w *WinoIn) { v := *w; v.N--; v.Run(m) },
			"last channel":   func(w *WinoIn) { v := *w; v.C--; v.Run(m) },
			"tile off":       func(w *WinoIn) { off := w.Off; w.Off = append(off[1:len(off):len(off)], 0); w.Run(m); w.Off = off },
			"rows for cols":  func(w *WinoIn) { transposeTiles(w.Off, m.Pixels()); w.Run(m); transposeTiles(w.Off, m.Pixels()) },
			"the other form": func(w *WinoIn) { v := *w; v.N, v.C = 1, 16; v.Off = append(v.Off, v.Off...); v.Run(other) },
		} {
			require.Error(t, c.in(t, fill, false).inWrong(m, run), name)
		}
		for name, run := range map[string]func(*WinoOut){
			"no-op":       func(*WinoOut) {},
			"coefficient": func(w *WinoOut) { w.M[7*TileCols] += 0x1p-8; w.Run(m) },
			"no bias":     func(w *WinoOut) { w.Bias = nil; w.Run(m) },
			"no residual": func(w *WinoOut) { w.Res = nil; w.Run(m) },
			"beyond":      func(w *WinoOut) { w.COff[3] = w.ROff[3]; w.Run(m) },
			"last tile":   func(w *WinoOut) { w.N--; w.Run(m) },
			"last column": func(w *WinoOut) { w.Cols--; w.Run(m) },
		} {
			require.Error(t, c.out(t, fill, false).outWrong(m, run), name)
		}
	}
}

func transposeTiles(off []int32, side int) {
	for t := 0; t < len(off); t += side * side {
		for i := range side {
			for j := range i {
				a, b := t+i*side+j, t+j*side+i
				off[a], off[b] = off[b], off[a]
			}
		}
	}
}

func TestWinoChecksAndAllocates(t *testing.T) {
	c := winoCase{Wino4, 2, 20}
	none := func([]float32) {}
	numtest.EachLevel(t, func(t *testing.T) {
		in, out := c.in(t, none, false), c.out(t, none, false)
		u, w := make([]float32, 36*16), make([]float32, 9*16)
		require.Zero(t, testing.AllocsPerRun(5, func() {
			x, y := *in, *out
			x.Run(Wino4)
			y.Run(Wino4)
			WinoWeights(Wino4, 1, u, u, 16, w, 16, 16, true, nil)
		}))
		for _, f := range []func(){
			func() { in.Run(3) }, func() { out.Run(6) }, func() { in.RunBack(WinoUp) }, func() { WinoWeights(WinoUp, 0, u, u, 16, w, 16, 16, true, nil) }, func() { WinoWeights(1, 0, u, u, 16, w, 16, 16, true, nil) },
			func() { x := *in; x.Pitch = 20; x.Run(Wino4) }, func() { x := *in; x.N++; x.Run(Wino4) },
			func() { x := *in; x.Zero = x.Zero[:1]; x.Run(Wino4) }, func() { x := *in; x.Off = x.Off[:50]; x.Run(Wino4) },
			func() { x := *out; x.Cols = 33; x.Run(Wino4) }, func() { x := *out; x.N++; x.Run(Wino4) },
			func() { x := *out; x.Res, x.ROff = x.C, nil; x.Run(Wino4) }, func() { x := *out; x.Bias = x.C[:1]; x.Run(Wino4) },
			func() { WinoWeights(Wino4, 0, u, u, 16, w, 16, 8, false, nil) }, func() { WinoWeights(Wino4, 0, u[:96], u, 17, w, 16, 16, false, nil) },
			func() { WinoWeights(Wino4, 0, u, u[:96], 17, w, 16, 16, false, nil) },
			func() { WinoWeights(Wino2, 0, u, u, 16, w[1:], 16, 16, false, nil) }, func() { WinoWeights(Wino2, 2, u, u, 16, w, 16, 16, false, nil) },
		} {
			require.Panics(t, f)
		}
		x, y := *in, *out
		x.N, y.N = 0, 0
		x.Run(Wino4)
		y.Run(Wino2)
		WinoWeights(Wino4, 0, nil, nil, 0, nil, 0, 0, false, nil)
	})
}
