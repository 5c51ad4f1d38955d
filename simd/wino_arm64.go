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
func winoWeights4Rows12NEON(u0, u1 *float32, uStep int, w *float32, wStep, n, next int)

//go:noescape
func winoWeights4Rows34NEON(u0, u1 *float32, uStep int, w *float32, wStep, n, next int)

//go:noescape
func winoWeights4Rows05NEON(u0, u1 *float32, uStep int, w *float32, wStep, n, next int)

//go:noescape
func winoOut4NEON(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoIn2NEON(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoWeights2Rows12NEON(u0, u1 *float32, uStep int, w *float32, wStep, n, next int)

//go:noescape
func winoWeights2Rows03NEON(u0, u1 *float32, uStep int, w *float32, wStep, n, next int)

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
	if isa.Cur() != isa.NEON {
		winoPairGeneric(m, pair, u0, u1, uStep, w, wStep, n, flip)
		return
	}
	first, step, ahead := &w[0], wStep, 0
	if len(next) > 0 {
		ahead = int(uintptr(unsafe.Pointer(&next[0])) - uintptr(unsafe.Pointer(first)))
	}
	if flip {
		first, step = &w[8*wStep], -wStep
	}
	switch {
	case m == Wino4 && pair == 0:
		winoWeights4Rows12NEON(&u0[0], &u1[0], uStep, first, step, n, ahead)
	case m == Wino4 && pair == 1:
		winoWeights4Rows34NEON(&u0[0], &u1[0], uStep, first, step, n, ahead)
	case m == Wino4:
		winoWeights4Rows05NEON(&u0[0], &u1[0], uStep, first, step, n, ahead)
	case pair == 0:
		winoWeights2Rows12NEON(&u0[0], &u1[0], uStep, first, step, n, ahead)
	default:
		winoWeights2Rows03NEON(&u0[0], &u1[0], uStep, first, step, n, ahead)
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
