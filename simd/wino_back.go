package simd

import "fmt"

// The gradient of the taps is the adjoint of Winograd's convolution in g:
//
//	dg = Gᵀ·[(Bᵀ·d·B) ⊙ (A·dY·Aᵀ)]·G
//
// summed over the tiles inside the brackets. WinoIn.Run transforms the pixels d,
// WinoIn.RunBack the gradients dY of a tile's outputs, products of simd.Tiles are
// the sums over tiles, one for each point, and WinoTaps transforms these back. A
// here is without its divisors, so that its coefficients are exact in float32: they
// are in the last transform, which rounds each coefficient once.

// RunBack transforms the gradients of the outputs of N tiles for form m: with
// P = (m+2)² points,
//
//	V[(n·P + p)·Pitch + c] = (A·d·Aᵀ)_ij, d_rs = X[Off[n·m² + m·r+s] + c]
//
// for point p = (m+2)·i + j and channel c < C. A row of A is 1, x, x², x³ (of
// F(2×2) 1, x) for each point x, and 0, …, 0, 1 for that at infinity. A negative
// offset reads Zero[c], an output beyond the image. What lies between C and Pitch,
// at least C rounded up to 16, is undefined afterwards. It panics if the sizes do
// not fit; the offsets are trusted to stay inside X.
func (t *WinoIn) RunBack(m Wino) {
	m.mustTransform("WinoIn.RunBack")
	p := m.Points()
	if t.N <= 0 || t.C <= 0 {
		return
	}
	if t.Pitch < (t.C+15)&^15 || len(t.V) < t.N*p*t.Pitch || len(t.Off) < t.N*int(m*m) || len(t.Zero) < t.C {
		panic(fmt.Sprintf("simd: WinoIn.RunBack: %d tiles of %d channels, pitch %d: V of %d, %d offsets, %d zeros",
			t.N, t.C, t.Pitch, len(t.V), len(t.Off), len(t.Zero)))
	}
	winoBack(t, m)
}

// WinoSumsStep is the distance of the points of WinoTaps.M: a little more than a tile
// of products, so that so many streams do not fall on the same cache sets.
const WinoSumsStep = TileRows*TileCols + 16

// WinoTaps transforms the sums of Rows×Cols pairs of channels, Rows ≤ 12 and
// Cols ≤ 32, to their nine taps, and adds these to a gradient. For pair (r, k) and tap t = 3·i + j
//
//	DW[t·Step + r·Pitch + k] += (Gᵀ·z·G)_ij
//
// with z_p = M[p·WinoSumsStep + 32·r + k], p < (m+2)², where Gᵀ has the divisors that
// RunBack left out. M is read in whole rows of 32 columns.
type WinoTaps struct {
	DW, M       []float32
	Rows, Cols  int
	Step, Pitch int // distances of taps and of rows in DW
}

// Run transforms the products of form m. It panics if the sizes do not fit.
func (t *WinoTaps) Run(m Wino) {
	m.mustTransform("WinoTaps")
	if t.Rows <= 0 {
		return
	}
	if t.Cols < 1 || t.Cols > TileCols || t.Pitch < t.Cols || t.Step < (t.Rows-1)*t.Pitch+t.Cols || t.Rows > TileRows ||
		len(t.DW) < 8*t.Step+(t.Rows-1)*t.Pitch+t.Cols || len(t.M) < (m.Points()-1)*WinoSumsStep+t.Rows*TileCols {
		panic(fmt.Sprintf("simd: WinoTaps: %d rows of %d columns: steps %d and %d, DW of %d, M of %d",
			t.Rows, t.Cols, t.Step, t.Pitch, len(t.DW), len(t.M)))
	}
	winoTaps(t, m)
}
