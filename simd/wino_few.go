package simd

import "fmt"

// WinoFew is the products of N ≤ 4 tiles of F(4×4) and 32 columns, for tiles so few
// that transforming the taps takes as long as multiplying: the transform stays in
// registers. For tile n, point p and column j, with U[p][k][j] the points of the taps
// W[t·WStep + 32·k + j] as WinoWeights gives them,
//
//	acc = M[(n·36+p)·32 + j] if Acc, else 0
//	for k in 0…K−1: acc = fma(V[(n·36+p)·Pitch + k], U[p][k][j], acc)
//	M[(n·36+p)·32 + j] = acc
//
// Flip reads the taps in reverse order. Next is where taps that are wanted soon begin,
// which are fetched into the cache as far apart as those of W; it may be nil.
type WinoFew struct {
	M, V, W, Next      []float32
	N, Pitch, K, WStep int
	Flip, Acc          bool
}

// WinoFewTiles is the largest N.
const WinoFewTiles = 4

// Run computes the products. It panics if the sizes do not fit.
func (t *WinoFew) Run() {
	const p = 36
	if t.N < 1 || t.N > WinoFewTiles || t.K < 1 || t.Pitch < t.K || t.WStep < t.K*TileCols ||
		len(t.M) < t.N*p*TileCols || len(t.V) < (t.N*p-1)*t.Pitch+t.K || len(t.W) < 8*t.WStep+t.K*TileCols {
		panic(fmt.Sprintf("simd: WinoFew: %d tiles of %d channels, pitch %d, taps %d apart: M of %d, V of %d, W of %d",
			t.N, t.K, t.Pitch, t.WStep, len(t.M), len(t.V), len(t.W)))
	}
	winoFew(t)
}

// winoFewGeneric is the definition of WinoFew.Run.
func winoFewGeneric(t *WinoFew) {
	const side, p = 6, 36
	var u [side * TileCols]float32
	if !t.Acc {
		clear(t.M[:t.N*p*TileCols])
	}
	for row := range side {
		for k := range t.K {
			winoWeightsGeneric(Wino4, row, u[:], TileCols, t.W[k*TileCols:], t.WStep, TileCols, t.Flip)
			for i := range t.N * side {
				at := i/side*p + row*side + i%side
				v, m := t.V[at*t.Pitch+k], t.M[at*TileCols:][:TileCols]
				for j, x := range u[i%side*TileCols:][:TileCols] {
					m[j] = FMA(v, x, m[j])
				}
			}
		}
	}
}
