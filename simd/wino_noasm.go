//go:build purego || (!amd64 && !arm64)

package simd

func winoIn(t *WinoIn, m Wino) { winoInGeneric(t, m) }

func winoWeights(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool, _ []float32) {
	winoPairGeneric(m, pair, u0, u1, uStep, w, wStep, n, flip)
}

func winoOut(t *WinoOut, m Wino) { winoOutGeneric(t, m) }

func winoBack(t *WinoIn, m Wino) { winoBackGeneric(t, m) }

func winoTaps(t *WinoTaps, m Wino) { winoTapsGeneric(t, m) }

func winoMany(t *WinoMany, m Wino) { t.tiles(m) }

// WinoFewPays says whether WinoFew is faster than WinoWeights and Tiles.
func WinoFewPays() bool { return false }

func winoFew(t *WinoFew) { winoFewGeneric(t) }
