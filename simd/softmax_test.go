package simd

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// colSoftmax is the softmax of columns as SoftmaxRow of each.
func colSoftmax(x []float32, rows, cols int) {
	row := make([]float32, rows)
	for c := range cols {
		for r := range row {
			row[r] = x[r*TileCols+c]
		}
		SoftmaxRow(row)
		for r, v := range row {
			x[r*TileCols+c] = v
		}
	}
}

// newCols returns one of which no row is part, with lanes that do not matter.
func newCols() (s ColSoftmax) {
	for i := range s.lanes {
		s.lanes[i] = float32(math.NaN())
	}
	s.Reset()
	return s
}

// inParts does a ColSoftmax, maxima and scales in parts of so many rows.
func inParts(x []float32, rows, cols, part int) {
	s := newCols()
	each := func(f func(x []float32, rows, cols int)) {
		for r := 0; r < rows; r += part {
			f(x[r*TileCols:], min(part, rows-r), cols)
		}
	}
	each(s.Max)
	s.Exp(x, rows, cols)
	each(s.Scale)
}

// colsWrong reports the first value that differs from SoftmaxRow of its column; columns
// behind the last group must stay.
func colsWrong(x []float32, rows, cols int, run func(x []float32, rows, cols int)) error {
	want := append([]float32(nil), x...)
	colSoftmax(want, rows, cols)
	run(x, rows, cols)
	for i, w := range want {
		if c := i % TileCols; c >= cols && c < (cols+colGroup-1)/colGroup*colGroup {
			continue
		}
		if v := x[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
			return fmt.Errorf("%d columns of %d rows: row %d, column %d: %v, want %v", cols, rows, i/TileCols, i%TileCols, v, w)
		}
	}
	return nil
}

// Columns have the bits of rows, in whatever parts.
func TestColSoftmax(t *testing.T) {
	for _, front := range []bool{false, true} {
		buf := numtest.Guarded(t, 197*TileCols, front)
		numtest.EachLevel(t, func(t *testing.T) {
			r := numtest.NewRand(3)
			for i := range 74 {
				rows := i // the kernel adds 64 rows to the lanes of a sum at a time
				if i > 70 {
					rows = []int{128, 150, 197}[i-71]
				}
				for _, cols := range []int{0, 1, 15, 16, 17, 32} {
					x := buf[len(buf)-rows*TileCols:]
					if front {
						x = buf[:rows*TileCols]
					}
					r.Fill(x, 20)
					part := 1 + (rows+cols)%19
					require.NoError(t, colsWrong(x, rows, cols, func(x []float32, rows, cols int) { inParts(x, rows, cols, part) }))
				}
			}
			// infinities, NaN and numbers of every size
			for rows := 1; rows < 40; rows += 3 {
				x := make([]float32, rows*TileCols)
				r.Wild(x, rows%2 == 0)
				require.NoError(t, colsWrong(x, rows, 32, func(x []float32, rows, cols int) { inParts(x, rows, cols, 7) }))
			}
		})
	}
}

// Exponentials of what is near the maxima, which assembly may take a shorter way to, are
// those of SoftmaxRow, and so are the others where a single row is too far, or no number.
func TestColSoftmaxNear(t *testing.T) {
	inf := float32(math.Inf(1))
	const near = -86.5 // formula.Near of the assembly
	numtest.EachLevel(t, func(t *testing.T) {
		r := numtest.NewRand(8)
		for i, low := range []float32{0, near, math.Nextafter32(near, -inf), -87, -88, -95, -103.9, -105, -inf, inf, float32(math.NaN())} {
			for rows := 1; rows < 160; rows += 11 {
				x := make([]float32, rows*TileCols)
				r.Fill(x, 10)
				for c := range TileCols {
					x[(rows+c)%rows*TileCols+c] = 50 // the maximum
				}
				x[(i+rows/2)%rows*TileCols+(rows+i)%TileCols] = 50 + low
				require.NoError(t, colsWrong(x, rows, 32, func(x []float32, rows, cols int) { inParts(x, rows, cols, 7) }), "%v", low)
			}
		}
	})
}

// All that is near the maxima, and a little more: 1.1 thousand million exponentials.
func TestColSoftmaxNearAll(t *testing.T) {
	if os.Getenv(exhaustive) == "" {
		t.Skip("set " + exhaustive + ": minutes")
	}
	const rows = 257
	first, last := math.Float32bits(float32(math.Copysign(0, -1))), math.Float32bits(-87)
	x, want := make([]float32, rows*TileCols), make([]float32, rows*TileCols)
	run := func(x []float32, l isa.Level) {
		defer isa.Force(l)()
		s := newCols()
		s.Max(x, rows, TileCols)
		s.Exp(x, rows, TileCols)
	}
	for bits := first; bits <= last; {
		clear(x)
		for i := TileCols; i < len(x) && bits <= last; i++ { // the first row is the maximum, 0
			x[i] = math.Float32frombits(bits)
			bits++
		}
		copy(want, x)
		run(want, isa.Generic)
		for _, l := range isa.Available() {
			y := append([]float32(nil), x...)
			run(y, l)
			numtest.SameBits(t, want, y, fmt.Sprintf("%v, up to %v", l, math.Float32frombits(bits)))
		}
	}
}

// gradWrong reports the first value that differs from SoftmaxRow of a column and its
// SoftmaxBackwardRow, the gradient of a softmax for every column of dp.
func gradWrong(x, dp []float32, rows, cols int, grad func(s *ColSoftmax, p, dp []float32, rows, cols int)) error {
	p, ds, want := append([]float32{}, x...), append([]float32{}, dp...), append([]float32{}, x...)
	s := newCols()
	s.Max(p, rows, cols)
	s.Exp(p, rows, cols)
	grad(&s, p, ds, rows, cols)
	colSoftmax(want, rows, cols)
	row, drow := make([]float32, rows), make([]float32, rows)
	for c := range cols {
		for r := range rows {
			row[r], drow[r] = want[r*TileCols+c], dp[r*TileCols+c]
		}
		SoftmaxBackwardRow(drow, row, drow)
		for r := range rows {
			for i, pair := range [][2]float32{{p[r*TileCols+c], row[r]}, {ds[r*TileCols+c], drow[r]}} {
				if v, w := pair[0], pair[1]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
					return fmt.Errorf("%d columns of %d rows: row %d, column %d, %d: %v, want %v", cols, rows, r, c, i, v, w)
				}
			}
		}
	}
	for r := range rows { // behind the last group
		for c := (cols + colGroup - 1) / colGroup * colGroup; c < TileCols; c++ {
			if i := r*TileCols + c; ds[i] != dp[i] || p[i] != x[i] {
				return fmt.Errorf("%d columns of %d rows: row %d, column %d changed", cols, rows, r, c)
			}
		}
	}
	return nil
}

func TestColSoftmaxGrad(t *testing.T) {
	grad := (*ColSoftmax).Grad
	numtest.EachLevel(t, func(t *testing.T) {
		r := numtest.NewRand(5)
		for i := range 74 {
			rows := i
			if i > 70 {
				rows = []int{128, 150, 197}[i-71]
			}
			x, dp := make([]float32, rows*TileCols), make([]float32, rows*TileCols)
			r.Fill(x, 20)
			r.Fill(dp, 3)
			for _, cols := range []int{0, 1, 15, 16, 17, 32} {
				require.NoError(t, gradWrong(x, dp, rows, cols, grad))
			}
			r.Wild(dp, false)
			require.NoError(t, gradWrong(x, dp, rows, 32, grad))
			p, ds := numtest.Guarded(t, rows*TileCols, i%2 == 0), numtest.Guarded(t, rows*TileCols, i%2 == 0)
			s := newCols()
			s.Grad(p, ds, rows, 32)
		}
	})
	x, dp := make([]float32, 50*TileCols), make([]float32, 50*TileCols)
	numtest.NewRand(4).Fill(x, 3)
	numtest.NewRand(6).Fill(dp, 3)
	for name, wrong := range map[string]func(s *ColSoftmax, p, dp []float32, rows, cols int){
		"nothing":      func(s *ColSoftmax, p, dp []float32, rows, cols int) {},
		"no gradient":  func(s *ColSoftmax, p, dp []float32, rows, cols int) { s.Scale(p, rows, cols) },
		"a row less":   func(s *ColSoftmax, p, dp []float32, rows, cols int) { s.Grad(p, dp, rows-1, cols) },
		"a group less": func(s *ColSoftmax, p, dp []float32, rows, cols int) { s.Grad(p, dp, rows, 16) },
		"twice scaled": func(s *ColSoftmax, p, dp []float32, rows, cols int) {
			s.Scale(p, rows, cols)
			s.Grad(p, dp, rows, cols)
		},
	} {
		require.Error(t, gradWrong(x, dp, 50, 20, wrong), name)
	}
}

func TestColSoftmaxChecks(t *testing.T) {
	s, x := newCols(), make([]float32, 2*TileCols)
	for _, f := range []func(x []float32, rows, cols int){s.Max, s.Exp, s.Scale} {
		require.Panics(t, func() { f(x, 3, 1) })
		require.Panics(t, func() { f(x, -1, 1) })
		require.Panics(t, func() { f(x, 2, 33) })
		require.Panics(t, func() { f(x, 2, -1) })
		require.NotPanics(t, func() { f(x, 2, 32); f(nil, 0, 32) })
	}
	require.Panics(t, func() { s.Grad(x, x, 3, 1) })
	require.Panics(t, func() { s.Grad(x, x[1:], 2, 1) })
	require.Panics(t, func() { s.Grad(x, x, 2, 33) })
	require.Zero(t, testing.AllocsPerRun(10, func() { inParts(x, 2, 20, 1); s.Grad(x, x, 2, 20) }))
}

// What the test above must reject.
func TestColSoftmaxMutants(t *testing.T) {
	for name, run := range map[string]func(x []float32, rows, cols int){
		"nothing":      func(x []float32, rows, cols int) {},
		"no scale":     func(x []float32, rows, cols int) { s := newCols(); s.Max(x, rows, cols); s.Exp(x, rows, cols) },
		"no maximum":   func(x []float32, rows, cols int) { s := newCols(); s.Exp(x, rows, cols); s.Scale(x, rows, cols) },
		"a row less":   func(x []float32, rows, cols int) { inParts(x, rows-1, cols, rows) },
		"a group less": func(x []float32, rows, cols int) { inParts(x, rows, 16, rows) },
		"sums in turn": func(x []float32, rows, cols int) { // one lane
			for c := range cols {
				top, sum := float32(math.Inf(-1)), float32(0)
				for r := range rows {
					top = max(top, x[r*TileCols+c])
				}
				for r := range rows {
					v := &x[r*TileCols+c]
					*v = exp1(*v - top)
					sum += *v
				}
				for r := range rows {
					x[r*TileCols+c] *= 1 / sum
				}
			}
		},
	} {
		x := make([]float32, 50*TileCols)
		numtest.NewRand(4).Fill(x, 3)
		require.Error(t, colsWrong(x, 50, 20, run), name)
	}
}
