//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// Each assembly function below is one of winoInGeneric, winoWeightsGeneric,
// winoOutGeneric, winoBackGeneric and winoTapsGeneric for one form; pitches and steps count float32.

//go:noescape
func winoIn4NEON(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoWeights4FirstNEON(u *float32, uStep int, w *float32, wStep, n int, next *float32)

//go:noescape
func winoWeights4LastNEON(u *float32, uStep int, w *float32, wStep, n int, next *float32)

//go:noescape
func winoWeights4InnerNEON(u *float32, uStep int, w *float32, wStep, n int, next, coef *float32)

//go:noescape
func winoOut4NEON(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoIn2NEON(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoWeights2FirstNEON(u *float32, uStep int, w *float32, wStep, n int, next *float32)

//go:noescape
func winoWeights2LastNEON(u *float32, uStep int, w *float32, wStep, n int, next *float32)

//go:noescape
func winoWeights2InnerNEON(u *float32, uStep int, w *float32, wStep, n int, next, coef *float32)

//go:noescape
func winoOut2NEON(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoInUpNEON(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOutUpNEON(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoBack4NEON(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoTaps4NEON(dw, m *float32, step, pitch, rows, cols int)

//go:noescape
func winoBack2NEON(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoTaps2NEON(dw, m *float32, step, pitch, rows, cols int)

func winoIn(t *WinoIn, m Wino) {
	v, x, off, zero := unsafe.SliceData(t.V), unsafe.SliceData(t.X), unsafe.SliceData(t.Off), unsafe.SliceData(t.Zero)
	switch {
	case isa.Cur() != isa.NEON:
		winoInGeneric(t, m)
	case m == Wino4:
		winoIn4NEON(v, t.Pitch, x, off, zero, t.N, t.C)
	case m == WinoUp:
		winoInUpNEON(v, t.Pitch, x, off, zero, t.N, t.C)
	default:
		winoIn2NEON(v, t.Pitch, x, off, zero, t.N, t.C)
	}
}

func winoWeights(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool, next []float32) {
	r0, r1 := WinoRows(m, pair)
	winoWeightsOf(m, r0, u0, uStep, w, wStep, n, flip, next)
	if len(next) >= 4*wStep {
		next = next[2*wStep:]
	}
	winoWeightsOf(m, r1, u1, uStep, w, wStep, n, flip, next)
}

// winoCoef2 are the coefficients of w1 in the inner rows of G of F(2×2).
var winoCoef2 = [2]float32{1, -1}

// winoWeightsOf is winoWeights of one row.
func winoWeightsOf(m Wino, row int, u []float32, uStep int, w []float32, wStep, n int, flip bool, next []float32) {
	if isa.Cur() != isa.NEON {
		winoWeightsGeneric(m, row, u, uStep, w, wStep, n, flip)
		return
	}
	first, step := &w[0], wStep
	soon := first
	if len(next) > 0 {
		soon = &next[0]
	}
	if flip {
		first, step = &w[8*wStep], -wStep
	}
	switch {
	case row == 0 && m == Wino4:
		winoWeights4FirstNEON(&u[0], uStep, first, step, n, soon)
	case row == 0:
		winoWeights2FirstNEON(&u[0], uStep, first, step, n, soon)
	case row == 5:
		winoWeights4LastNEON(&u[0], uStep, first, step, n, soon)
	case row == 3 && m == Wino2:
		winoWeights2LastNEON(&u[0], uStep, first, step, n, soon)
	case m == Wino4:
		winoWeights4InnerNEON(&u[0], uStep, first, step, n, soon, &winoCoef4[row-1][0])
	default:
		winoWeights2InnerNEON(&u[0], uStep, first, step, n, soon, &winoCoef2[row-1])
	}
}

func winoOut(t *WinoOut, m Wino) {
	c, z, bias, res := unsafe.SliceData(t.C), unsafe.SliceData(t.M), unsafe.SliceData(t.Bias), unsafe.SliceData(t.Res)
	cOff, rOff := unsafe.SliceData(t.COff), unsafe.SliceData(t.ROff)
	switch {
	case isa.Cur() != isa.NEON:
		winoOutGeneric(t, m)
	case m == Wino4:
		winoOut4NEON(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	case m == WinoUp:
		winoOutUpNEON(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	default:
		winoOut2NEON(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	}
}

func winoBack(t *WinoIn, m Wino) {
	v, x, off, zero := unsafe.SliceData(t.V), unsafe.SliceData(t.X), unsafe.SliceData(t.Off), unsafe.SliceData(t.Zero)
	switch {
	case isa.Cur() != isa.NEON:
		winoBackGeneric(t, m)
	case m == Wino4:
		winoBack4NEON(v, t.Pitch, x, off, zero, t.N, t.C)
	default:
		winoBack2NEON(v, t.Pitch, x, off, zero, t.N, t.C)
	}
}

func winoTaps(t *WinoTaps, m Wino) {
	dw, z := unsafe.SliceData(t.DW), unsafe.SliceData(t.M)
	switch {
	case isa.Cur() != isa.NEON:
		winoTapsGeneric(t, m)
	case m == Wino4:
		winoTaps4NEON(dw, z, t.Step, t.Pitch, t.Rows, t.Cols)
	default:
		winoTaps2NEON(dw, z, t.Step, t.Pitch, t.Rows, t.Cols)
	}
}

func winoMany(t *WinoMany, m Wino) { t.tiles(m) }

// WinoFewPays says whether WinoFew is faster than WinoWeights and Tiles.
func WinoFewPays() bool { return false }

func winoFew(t *WinoFew) { winoFewGeneric(t) }
