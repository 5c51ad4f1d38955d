package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// transposeWrong reports the first element of dst that is not scale·src, or that run
// changed outside the rows×cols block.
func transposeWrong(dst, src []float32, rows, cols, to, pitch int, scale float32, run func(dst, src []float32, rows, cols, to, pitch int, scale float32)) error {
	want := append([]float32(nil), dst...)
	for c := range cols {
		for r := range rows {
			want[c*to+r] = src[r*pitch+c] * scale
		}
	}
	run(dst, src, rows, cols, to, pitch, scale)
	for i, w := range want {
		if v := dst[i]; math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
			return fmt.Errorf("%d rows of %d, %d apart, to %d: element %d: %v, want %v", rows, cols, pitch, to, i, v, w)
		}
	}
	return nil
}

func TestTranspose(t *testing.T) {
	for _, front := range []bool{false, true} {
		src, dst := numtest.Guarded(t, 1<<12, front), numtest.Guarded(t, 1<<11, front)
		piece := func(buf []float32, n int) []float32 {
			if front {
				return buf[:n:n]
			}
			return buf[len(buf)-n:]
		}
		numtest.EachLevel(t, func(t *testing.T) {
			r := numtest.NewRand(1)
			for rows := 1; rows <= 50; rows++ {
				for _, cols := range []int{1, 2, 3, 4, 5, 7, 8, 12, 17, 24} {
					pitch, to := cols+rows%3*9, max(rows+cols%3*7, TileCols*(cols%2))
					x, y := piece(src, (rows-1)*pitch+cols), piece(dst, (cols-1)*to+rows)
					r.Wild(x, rows%4 == 0)
					r.Fill(y, 1)
					require.NoError(t, transposeWrong(y, x, rows, cols, to, pitch, []float32{1, 0.3}[rows%2], Transpose))
				}
			}
		})
	}
}

// What the test above must reject.
func TestTransposeMutants(t *testing.T) {
	for name, run := range map[string]func(dst, src []float32, rows, cols, to, pitch int, scale float32){
		"nothing": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {},
		"no scale": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {
			Transpose(dst, src, rows, cols, to, pitch, 1)
		},
		"a row less": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {
			Transpose(dst, src, rows-1, cols, to, pitch, scale)
		},
		"columns in groups alone": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {
			Transpose(dst, src, rows, cols&^3, to, pitch, scale)
		},
		"pitch": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {
			Transpose(dst, src, rows, cols, to, pitch-1, scale)
		},
		"beyond": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {
			Transpose(dst, src, rows+1, cols, to, pitch, scale)
		},
		"distance": func(dst, src []float32, rows, cols, to, pitch int, scale float32) {
			Transpose(dst, src, rows, cols, to-1, pitch, scale)
		},
	} {
		src, dst := make([]float32, 40*20), make([]float32, 20*33)
		numtest.NewRand(2).Fill(src, 1)
		require.Error(t, transposeWrong(dst, src, 19, 10, 33, 20, 0.3, run), name)
	}
}

func TestTransposeChecks(t *testing.T) {
	x := make([]float32, 64)
	for _, f := range []func(){
		func() { Transpose(x, x, 33, 1, 32, 1, 1) }, func() { Transpose(x, x, 2, 4, 2, 3, 1) },
		func() { Transpose(x, x[:7], 2, 4, 2, 4, 1) }, func() { Transpose(x[:33], x, 2, 2, 32, 2, 1) },
	} {
		require.Panics(t, f)
	}
	require.NotPanics(t, func() {
		Transpose(x[:34], x[:4], 2, 2, 32, 2, 1)
		Transpose(nil, nil, 0, 5, 0, 5, 1)
		Transpose(nil, nil, 5, 0, 5, 0, 1)
	})
	require.Zero(t, testing.AllocsPerRun(10, func() { Transpose(x, x[:4], 2, 2, 32, 2, 1) }))
}
