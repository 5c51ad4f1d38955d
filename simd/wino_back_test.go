package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// winoBackMats returns A without its divisors and Gᵀ with them, of winoMats.
func winoBackMats(m Wino) (a, gt [][]float64) {
	_, g, at := winoMats(m)
	gt = [][]float64{{}, {}, {}}
	for p := range g {
		by := at[0][p]
		if by == 0 { // the point at infinity
			by = at[m-1][p]
		}
		row := []float64{}
		for i := range at {
			row = append(row, math.Round(at[i][p]/by*0x1p20)/0x1p20) // fractions of 4096 at most
		}
		a = append(a, row)
		for t := range gt {
			gt[t] = append(gt[t], g[p][t]*by)
		}
	}
	return a, gt
}

// A without divisors has the coefficients 1, x, x², x³ of each point, exactly.
func TestWinoBackMats(t *testing.T) {
	a, _ := winoBackMats(Wino4)
	for i, x := range []float64{0, 11.0 / 16, -11.0 / 16, 1.5, -1.5} {
		require.Equal(t, []float64{1, x, x * x, x * x * x}, a[i])
	}
	require.Equal(t, []float64{0, 0, 0, 1}, a[5])
	a, _ = winoBackMats(Wino2)
	require.Equal(t, [][]float64{{1, 0}, {1, 1}, {1, -1}, {0, 1}}, a)
}

// back returns a run of tiles of gradients over guarded memory, every third one
// beyond the image.
func (c winoCase) back(t *testing.T, fill func([]float32), front bool) *WinoIn {
	w := c.in(t, fill, front)
	w.Off = w.Off[:c.n*int(c.m*c.m)]
	return w
}

// backWrong compares a transform of gradients with the exact one.
func (w *WinoIn) backWrong(m Wino, run func(*WinoIn)) error {
	run(w)
	a, _ := winoBackMats(m)
	side, p, q := int(m)+2, m.Points(), int(m*m)
	for n := range w.N {
		for c := range w.C {
			want, size := sandwich(a, func(i, j int) float64 {
				if o := w.Off[n*q+i*int(m)+j]; o >= 0 {
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

func TestWinoBack(t *testing.T) {
	winoKernel[WinoIn]{winoCase.back, (*WinoIn).RunBack, (*WinoIn).backWrong, (*WinoIn).used}.atEachLevel(t, Wino2, Wino4)
}

// taps returns sums of a gradient whose rows and taps lie apart.
func (c winoCase) taps(t *testing.T, fill func([]float32), front bool) *WinoTaps {
	w := &WinoTaps{Rows: 1 + (c.n*7+c.c)%TileRows, Cols: min(c.c, TileCols)}
	w.Pitch = w.Cols + c.c%3
	w.Step = w.Rows*w.Pitch + c.c%2
	w.M = numtest.Guarded(t, (c.m.Points()-1)*WinoSumsStep+w.Rows*TileCols, front)
	w.DW = numtest.Guarded(t, 8*w.Step+(w.Rows-1)*w.Pitch+w.Cols, front)
	fill(w.M)
	fill(w.DW)
	return w
}

// tapsWrong compares what is added to a gradient with the exact taps; what lies
// between rows and taps must not change.
func (w *WinoTaps) tapsWrong(m Wino, run func(*WinoTaps)) error {
	_, gt := winoBackMats(m)
	want, size := numbers(w.DW), make([]float64, len(w.DW))
	side := int(m) + 2
	for r := range w.Rows {
		for k := range w.Cols {
			y, abs := sandwich(gt, func(i, j int) float64 { return float64(w.M[(i*side+j)*WinoSumsStep+r*TileCols+k]) })
			for i := range 9 {
				at := i*w.Step + r*w.Pitch + k
				size[at] = math.Abs(want[at]) + abs[i/3][i%3]
				want[at] += y[i/3][i%3]
			}
		}
	}
	run(w)
	for i := range want {
		if err := winoNear(w.DW[i], want[i], size[i]); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func TestWinoTaps(t *testing.T) {
	winoKernel[WinoTaps]{winoCase.taps, (*WinoTaps).Run, (*WinoTaps).tapsWrong, func(w *WinoTaps) []float32 { return w.DW }}.atEachLevel(t, Wino2, Wino4)
}

// The checkers above must reject kernels that are broken in these ways.
func TestWinoBackMutants(t *testing.T) {
	for _, m := range []Wino{Wino2, Wino4} {
		c := winoCase{m, 3, 19}
		fill := func(x []float32) { numtest.NewRand(uint64(len(x))).Fill(x, 1) }
		for name, run := range map[string]func(*WinoIn){
			"no-op":          func(w *WinoIn) { clear(w.V) },
			"coefficient":    func(w *WinoIn) { w.RunBack(m); w.V[w.Pitch] += 0x1p-12 },
			"edge":           func(w *WinoIn) { w.Zero[2] = 1; w.RunBack(m) },
			"last tile":      func(w *WinoIn) { v := *w; v.N--; v.RunBack(m) },
			"last channel":   func(w *WinoIn) { v := *w; v.C--; v.RunBack(m) },
			"tile off":       func(w *WinoIn) { off := w.Off; w.Off = append(off[1:len(off):len(off)], 0); w.RunBack(m); w.Off = off },
			"rows for cols":  func(w *WinoIn) { transposeTiles(w.Off, int(m)); w.RunBack(m); transposeTiles(w.Off, int(m)) },
			"the other form": func(w *WinoIn) { v := *w; v.N, v.C = 1, 16; v.Off = append(v.Off, v.Off...); v.RunBack(6 - m) },
		} {
			require.Error(t, c.back(t, fill, false).backWrong(m, run), name)
		}
		for name, run := range map[string]func(*WinoTaps){
			"no-op":       func(*WinoTaps) {},
			"coefficient": func(w *WinoTaps) { w.M[7*WinoSumsStep] += 0x1p-8; w.Run(m) },
			"set":         func(w *WinoTaps) { clear(w.DW); w.Run(m) },
			"twice":       func(w *WinoTaps) { w.Run(m); w.Run(m) },
			"last row":    func(w *WinoTaps) { w.Rows--; w.Run(m) },
			"last column": func(w *WinoTaps) { w.Cols--; w.Run(m) },
		} {
			require.Error(t, c.taps(t, fill, false).tapsWrong(m, run), name)
		}
	}
}

func TestWinoBackChecksAndAllocates(t *testing.T) {
	c := winoCase{Wino4, 2, 20}
	none := func([]float32) {}
	numtest.EachLevel(t, func(t *testing.T) {
		in, taps := c.back(t, none, false), c.taps(t, none, false)
		require.Zero(t, testing.AllocsPerRun(5, func() {
			x, y := *in, *taps
			x.RunBack(Wino4)
			y.Run(Wino4)
		}))
		for i, f := range []func(){
			func() { in.RunBack(3) }, func() { taps.Run(6) },
			func() { x := *in; x.Pitch = 20; x.RunBack(Wino4) }, func() { x := *in; x.N++; x.RunBack(Wino4) },
			func() { x := *in; x.Zero = x.Zero[:1]; x.RunBack(Wino4) }, func() { x := *in; x.Off = x.Off[:31]; x.RunBack(Wino4) },
			func() { x := *taps; x.Cols = 33; x.Run(Wino4) }, func() { x := *taps; x.Rows = 13; x.Run(Wino4) },
			func() { x := *taps; x.Pitch = x.Cols - 1; x.Run(Wino4) }, func() { x := *taps; x.Step = x.Pitch; x.Run(Wino4) },
			func() { x := *taps; x.DW = x.DW[1:]; x.Run(Wino4) }, func() { x := *taps; x.M = x.M[1:]; x.Run(Wino4) },
		} {
			require.Panics(t, f, "call %d", i)
		}
		x, y := *in, *taps
		x.N, y.Rows = 0, 0
		x.RunBack(Wino4)
		y.Run(Wino2)
	})
}
