package simd

import "fmt"

// A Wino is a form of a 3×3 convolution whose tiles of m×m outputs take fewer
// multiplications than outputs one by one, one product for each of their points:
//
//	Y = Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A
//
// summed over the channels inside the brackets. Each transform is done down
// the columns first, then along the rows, in float32 with the operations that
// winoInGeneric, winoWeightsGeneric and winoOutGeneric list. Wino2 and Wino4 are
// Winograd's F(2×2, 3×3) and F(4×4, 3×3), the number being m; their tiles read
// (m+2)×(m+2) pixels and have as many points.
//
// WinoUp is for a convolution of an image of which every pixel is doubled first. Down
// a column the taps w see a pixel p, its neighbours a and b, and in place of a and b
// their differences to p serve as well. With S = w0 + w1 + w2 the four outputs around
// p, two of which are its own, are
//
//	S·p + (w0+w1)·(a−p), S·p + w0·(a−p), S·p + w2·(b−p), S·p + (w1+w2)·(b−p),
//
// so they take five products where four times two are in their sums. A tile in two
// dimensions has 5×5 points and gives 4×4 outputs from 3×3 pixels. No output depends
// on a pixel that it does not see, so that inputs of any size are safe in it.
type Wino int

// The forms.
const (
	Wino2  Wino = 2
	Wino4  Wino = 4
	WinoUp Wino = 5
)

// Outputs returns how many outputs lie along a side of a tile.
func (m Wino) Outputs() int {
	if m == WinoUp {
		return 4
	}
	return int(m)
}

// Side returns how many points lie along a side of a tile.
func (m Wino) Side() int {
	if m == WinoUp {
		return 5
	}
	return int(m) + 2
}

// Pixels returns how many pixels lie along a side of what a tile reads.
func (m Wino) Pixels() int {
	if m == WinoUp {
		return 3
	}
	return int(m) + 2
}

// Points returns the number of products of a tile: 16, 36 or 25.
func (m Wino) Points() int { return m.Side() * m.Side() }

// String names the form as F(2×2), F(4×4) or U(4×4).
func (m Wino) String() string {
	if m == WinoUp {
		return "U(4×4)"
	}
	return fmt.Sprintf("F(%d×%[1]d)", int(m))
}

func (m Wino) must(op string) {
	if m != WinoUp {
		m.mustTransform(op)
	}
}

// mustTransform is must of what WinoUp does not have.
func (m Wino) mustTransform(op string) {
	if m != Wino2 && m != Wino4 {
		panic(fmt.Sprintf("simd: %s: form %d", op, int(m)))
	}
}

// WinoIn is a run of N tiles whose pixels are transformed. For tile n, point
// p = m.Side()·i + j and channel c < C
//
//	V[(n·P + p)·Pitch + c] = (Bᵀ·d·B)_ij, d_rs = X[Off[n·D² + D·r+s] + c]
//
// with P points and D = m.Pixels(); a negative offset reads Zero[c], a pixel outside the image.
// What lies between C and Pitch, at least C rounded up to 16, is undefined
// afterwards.
type WinoIn struct {
	V, X, Zero []float32
	Off        []int32
	N, C       int
	Pitch      int
}

// Run transforms the tiles for form m. It panics if the sizes do not fit; the
// offsets are trusted to stay inside X.
func (t *WinoIn) Run(m Wino) {
	m.must("WinoIn")
	p := m.Points()
	if t.N <= 0 || t.C <= 0 {
		return
	}
	if t.Pitch < (t.C+15)&^15 || len(t.V) < t.N*p*t.Pitch || len(t.Off) < t.N*m.Pixels()*m.Pixels() || len(t.Zero) < t.C {
		panic(fmt.Sprintf("simd: WinoIn: %d tiles of %d channels, pitch %d: V of %d, %d offsets, %d zeros",
			t.N, t.C, t.Pitch, len(t.V), len(t.Off), len(t.Zero)))
	}
	winoIn(t, m)
}

// WinoRows returns the two rows of points of pair i < m/2+1 that WinoWeights gives: rows
// 1 and 2, with m = 4 rows 3 and 4, then the first and the last.
func WinoRows(m Wino, i int) (r0, r1 int) {
	if i == int(m)/2 {
		return 0, int(m) + 1
	}
	return 2*i + 1, 2*i + 2
}

// WinoWeights transforms taps for form m to the points of the pair of rows r0, r1 that
// WinoRows names, element by element: with g_rs = w[(3·r+s)·wStep + e]
//
//	u0[j·uStep + e] = (G·g·Gᵀ)_r0,j, u1[j·uStep + e] = (G·g·Gᵀ)_r1,j, j < m+2, e < n
//
// flip reads the taps in reverse order, which is how a gradient sees them. n
// is a multiple of 16. next is where taps that are wanted soon begin, or nil: with NEON
// the pairs share out the nine of them, wStep apart, and fetch n of each into the cache; on
// amd64 WinoMany does, with the products, over more time. It panics if the sizes do not fit.
func WinoWeights(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool, next []float32) {
	m.mustTransform("WinoWeights")
	long := int(m+1)*uStep + n
	if pair < 0 || pair > int(m)/2 || n < 0 || n%16 != 0 || uStep < n || wStep < n || n > 0 && (len(u0) < long || len(u1) < long || len(w) < 8*wStep+n) {
		panic(fmt.Sprintf("simd: WinoWeights: pair %d, %d elements, steps %d and %d, of %d, %d and %d", pair, n, uStep, wStep, len(u0), len(u1), len(w)))
	}
	if n > 0 {
		winoWeights(m, pair, u0, u1, uStep, w, wStep, n, flip, next)
	}
}

// WinoOut is a run of N tiles whose products M, Cols ≤ 32 columns of them,
// are transformed to outputs. For tile n, pixel q = o·i + j of o², o = m.Outputs(), and
// column k
//
//	C[COff[n·o²+q] + k] = (Aᵀ·z·A)_ij + Bias[k] + Res[ROff[n·o²+q] + k]
//
// with z_p = M[(n·P+p)·32 + k]; Bias and Res may be nil, which adds nothing.
// A negative entry of COff is a pixel beyond the image and is left out. Res
// may be C with ROff = COff.
type WinoOut struct {
	C, M, Bias, Res []float32
	COff, ROff      []int32
	N, Cols         int
}

// Run transforms the products of form m. It panics if the sizes do not fit;
// the offsets are trusted to stay inside C and Res.
func (t *WinoOut) Run(m Wino) {
	m.must("WinoOut")
	if t.N <= 0 {
		return
	}
	q := t.N * m.Outputs() * m.Outputs()
	if t.Cols < 1 || t.Cols > TileCols || len(t.M) < t.N*m.Points()*TileCols || len(t.COff) < q ||
		t.Res != nil && len(t.ROff) < q || t.Bias != nil && len(t.Bias) < t.Cols {
		panic(fmt.Sprintf("simd: WinoOut: %d tiles of %d columns: M of %d, tables of %d and %d, bias of %d",
			t.N, t.Cols, len(t.M), len(t.COff), len(t.ROff), len(t.Bias)))
	}
	winoOut(t, m)
}
