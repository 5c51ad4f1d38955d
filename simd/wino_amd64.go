//go:build !purego

package simd

import (
	"unsafe"

	"heavytail/internal/isa"
)

// Each assembly function below is one of winoInGeneric, winoPairGeneric,
// winoManyGeneric, winoFewGeneric, winoOutGeneric, winoBackGeneric and
// winoTapsGeneric for one form; pitches and steps count float32.

//go:noescape
func winoIn4AVX512(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOut4AVX512(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoIn4AVX2(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOut4AVX2(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoIn2AVX512(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOut2AVX512(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoIn2AVX2(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOut2AVX2(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoInUpAVX512(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOutUpAVX512(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoInUpAVX2(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoOutUpAVX2(c, m, bias, res *float32, cOff, rOff *int32, tiles, cols int)

//go:noescape
func winoBack4AVX512(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoTaps4AVX512(dw, m *float32, step, pitch, rows, cols int)

//go:noescape
func winoBack2AVX512(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoTaps2AVX512(dw, m *float32, step, pitch, rows, cols int)

//go:noescape
func winoBack4AVX2(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoTaps4AVX2(dw, m *float32, step, pitch, rows, cols int)

//go:noescape
func winoBack2AVX2(v *float32, pitch int, x *float32, off *int32, zero *float32, tiles, n int)

//go:noescape
func winoTaps2AVX2(dw, m *float32, step, pitch, rows, cols int)

//go:noescape
func winoWeights4Rows12AVX512(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights4Rows12AVX2(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights4Rows34AVX512(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights4Rows34AVX2(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights4Rows05AVX512(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights4Rows05AVX2(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights2Rows12AVX512(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights2Rows12AVX2(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights2Rows03AVX512(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoWeights2Rows03AVX2(u0, u1 *float32, uStep int, w *float32, wStep, n int)

//go:noescape
func winoFew4AVX512(m, v *float32, tiles, pitch int, w *float32, wStep, k, acc int, next, coef *float32)

//go:noescape
func winoMany12x32AVX512(sums, v *float32, pitch int, u *float32, uStep, points, k, acc int, next *float32, lines int)

//go:noescape
func winoMany12x8AVX512(sums, v *float32, pitch int, u *float32, uStep, points, k, acc int, next *float32, lines int)

//go:noescape
func winoMany8x32AVX512(sums, v *float32, pitch int, u *float32, uStep, points, k, acc int, next *float32, lines int)

//go:noescape
func winoMany8x8AVX512(sums, v *float32, pitch int, u *float32, uStep, points, k, acc int, next *float32, lines int)

func winoMany(t *WinoMany, m Wino) {
	if t.grouped() == t.N {
		t.points(m)
		return
	}
	if isa.Cur() != isa.AVX512 || m != Wino4 || t.N != 8 && t.N != 12 || t.K%16 != 0 || t.Cols > 8 && t.Cols <= 16 {
		t.tiles(m)
		return
	}
	sums, v, u, acc := &t.M[0], &t.V[0], &t.U[0], one(t.Acc)
	next, lines := nextLines(t.Next, len(t.Next), t.U)
	switch {
	case t.N == 12 && t.Cols > 8:
		winoMany12x32AVX512(sums, v, t.Pitch, u, t.UStep, t.Points, t.K, acc, next, lines)
	case t.N == 12:
		winoMany12x8AVX512(sums, v, t.Pitch, u, t.UStep, t.Points, t.K, acc, next, lines)
	case t.Cols > 8:
		winoMany8x32AVX512(sums, v, t.Pitch, u, t.UStep, t.Points, t.K, acc, next, lines)
	default:
		winoMany8x8AVX512(sums, v, t.Pitch, u, t.UStep, t.Points, t.K, acc, next, lines)
	}
}

// WinoFewPays says whether WinoFew is faster than WinoWeights and Tiles.
func WinoFewPays() bool { return isa.Cur() == isa.AVX512 }

func winoFew(t *WinoFew) {
	if isa.Cur() != isa.AVX512 {
		winoFewGeneric(t)
		return
	}
	first, step, next := 0, t.WStep, t.Next
	if t.Flip {
		first, step = 8*t.WStep, -t.WStep
	}
	if len(next) <= first {
		next = t.W
	}
	winoFew4AVX512(&t.M[0], &t.V[0], t.N, t.Pitch, &t.W[first], step, t.K, one(t.Acc), &next[first], &winoCoef4[0][0])
}

func winoIn(t *WinoIn, m Wino) {
	v, x, off, zero := unsafe.SliceData(t.V), unsafe.SliceData(t.X), unsafe.SliceData(t.Off), unsafe.SliceData(t.Zero)
	switch l := isa.Cur(); {
	case l == isa.AVX512 && m == Wino4:
		winoIn4AVX512(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX512 && m == Wino2:
		winoIn2AVX512(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX512:
		winoInUpAVX512(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX2 && m == Wino4:
		winoIn4AVX2(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX2 && m == Wino2:
		winoIn2AVX2(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX2:
		winoInUpAVX2(v, t.Pitch, x, off, zero, t.N, t.C)
	default:
		winoInGeneric(t, m)
	}
}

func winoWeights(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool, _ []float32) {
	first, step := &w[0], wStep
	if flip {
		first, step = &w[8*wStep], -wStep
	}
	switch l := isa.Cur(); {
	case l == isa.AVX512 && m == Wino4:
		switch pair {
		case 0:
			winoWeights4Rows12AVX512(&u0[0], &u1[0], uStep, first, step, n)
		case 1:
			winoWeights4Rows34AVX512(&u0[0], &u1[0], uStep, first, step, n)
		default:
			winoWeights4Rows05AVX512(&u0[0], &u1[0], uStep, first, step, n)
		}
	case l == isa.AVX512 && m == Wino2:
		switch pair {
		case 0:
			winoWeights2Rows12AVX512(&u0[0], &u1[0], uStep, first, step, n)
		default:
			winoWeights2Rows03AVX512(&u0[0], &u1[0], uStep, first, step, n)
		}
	case l == isa.AVX2 && m == Wino4:
		switch pair {
		case 0:
			winoWeights4Rows12AVX2(&u0[0], &u1[0], uStep, first, step, n)
		case 1:
			winoWeights4Rows34AVX2(&u0[0], &u1[0], uStep, first, step, n)
		default:
			winoWeights4Rows05AVX2(&u0[0], &u1[0], uStep, first, step, n)
		}
	case l == isa.AVX2 && m == Wino2:
		switch pair {
		case 0:
			winoWeights2Rows12AVX2(&u0[0], &u1[0], uStep, first, step, n)
		default:
			winoWeights2Rows03AVX2(&u0[0], &u1[0], uStep, first, step, n)
		}
	default:
		winoPairGeneric(m, pair, u0, u1, uStep, w, wStep, n, flip)
	}
}

func winoOut(t *WinoOut, m Wino) {
	c, z, bias, res := unsafe.SliceData(t.C), unsafe.SliceData(t.M), unsafe.SliceData(t.Bias), unsafe.SliceData(t.Res)
	cOff, rOff := unsafe.SliceData(t.COff), unsafe.SliceData(t.ROff)
	switch l := isa.Cur(); {
	case l == isa.AVX512 && m == Wino4:
		winoOut4AVX512(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	case l == isa.AVX512 && m == Wino2:
		winoOut2AVX512(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	case l == isa.AVX512:
		winoOutUpAVX512(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	case l == isa.AVX2 && m == Wino4:
		winoOut4AVX2(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	case l == isa.AVX2 && m == Wino2:
		winoOut2AVX2(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	case l == isa.AVX2:
		winoOutUpAVX2(c, z, bias, res, cOff, rOff, t.N, t.Cols)
	default:
		winoOutGeneric(t, m)
	}
}

func winoBack(t *WinoIn, m Wino) {
	v, x, off, zero := unsafe.SliceData(t.V), unsafe.SliceData(t.X), unsafe.SliceData(t.Off), unsafe.SliceData(t.Zero)
	switch l := isa.Cur(); {
	case l == isa.AVX512 && m == Wino4:
		winoBack4AVX512(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX512 && m == Wino2:
		winoBack2AVX512(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX2 && m == Wino4:
		winoBack4AVX2(v, t.Pitch, x, off, zero, t.N, t.C)
	case l == isa.AVX2 && m == Wino2:
		winoBack2AVX2(v, t.Pitch, x, off, zero, t.N, t.C)
	default:
		winoBackGeneric(t, m)
	}
}

func winoTaps(t *WinoTaps, m Wino) {
	dw, z := unsafe.SliceData(t.DW), unsafe.SliceData(t.M)
	switch l := isa.Cur(); {
	case l == isa.AVX512 && m == Wino4:
		winoTaps4AVX512(dw, z, t.Step, t.Pitch, t.Rows, t.Cols)
	case l == isa.AVX512 && m == Wino2:
		winoTaps2AVX512(dw, z, t.Step, t.Pitch, t.Rows, t.Cols)
	case l == isa.AVX2 && m == Wino4:
		winoTaps4AVX2(dw, z, t.Step, t.Pitch, t.Rows, t.Cols)
	case l == isa.AVX2 && m == Wino2:
		winoTaps2AVX2(dw, z, t.Step, t.Pitch, t.Rows, t.Cols)
	default:
		winoTapsGeneric(t, m)
	}
}
