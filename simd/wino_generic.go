package simd

// The points of F(4×4, 3×3) are 0, ±a, ±b and infinity. With a = 11/16 and
// b = 3/2 its rounding errors are less than half of those with the usual 1 and
// 2, the least among the fractions of 16, and all coefficients of Bᵀ and G are
// float32 without rounding: the numbers by which Toom's and Cook's
// construction divides, a²b², 2a²(a²−b²) and 2b²(b²−a²), are left to Aᵀ, whose
// coefficients are rounded once. F(2×2, 3×3) has the points 0, ±1 and
// infinity, and Aᵀ divides by 2.
const (
	winoA  = 11.0 / 16
	winoA2 = winoA * winoA
	winoB  = 3.0 / 2
	winoB2 = winoB * winoB

	winoK0 = 1 / (winoA2 * winoB2)
	winoK1 = 1 / (2 * winoA2 * (winoA2 - winoB2))
	winoK2 = 1 / (2 * winoB2 * (winoB2 - winoA2))
)

// winoRow holds the values of a transform in one dimension.
type winoRow [6]float32

// winoIn1 is Bᵀ·d.
func winoIn1(m Wino, d winoRow) winoRow {
	if m == Wino2 {
		return winoRow{d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]}
	}
	u, v := FMA(-winoB2, d[2], d[4]), FMA(-winoB2, d[1], d[3])
	s, t := FMA(-winoA2, d[2], d[4]), FMA(-winoA2, d[1], d[3])
	return winoRow{
		FMA(winoA2*winoB2, d[0], FMA(-(winoA2+winoB2), d[2], d[4])),
		FMA(winoA, v, u), FMA(-winoA, v, u), FMA(winoB, t, s), FMA(-winoB, t, s),
		FMA(winoA2*winoB2, d[1], FMA(-(winoA2+winoB2), d[3], d[5])),
	}
}

// winoWeight1 is row i of G·w.
func winoWeight1(m Wino, i int, w0, w1, w2 float32) float32 {
	switch {
	case i == 0:
		return w0
	case i == int(m)+1:
		return w2
	case m == Wino2 && i == 1:
		return (w0 + w2) + w1
	case m == Wino2:
		return (w0 + w2) - w1
	}
	point, square := float32(winoA), float32(winoA2)
	if i > 2 {
		point, square = winoB, winoB2
	}
	if i%2 == 0 {
		point = -point
	}
	return FMA(point, w1, FMA(square, w2, w0))
}

// winoOut1 is Aᵀ·z.
func winoOut1(m Wino, z winoRow) winoRow {
	p, q, r, s := z[1]+z[2], z[1]-z[2], z[3]+z[4], z[3]-z[4]
	if m == Wino2 {
		return winoRow{FMA(0.5, p, z[0]), FMA(0.5, q, -z[3])}
	}
	return winoRow{
		FMA(winoK0, z[0], FMA(winoK1, p, float32(winoK2*r))),
		FMA(winoK1*winoA, q, float32(winoK2*winoB*s)),
		FMA(winoK1*winoA2, p, float32(winoK2*winoB2*r)),
		FMA(winoK1*winoA2*winoA, q, FMA(winoK2*winoB2*winoB, s, z[5])),
	}
}

// winoBoth transforms x, of in×in values, down the columns and then along the
// rows; out values come from each.
func winoBoth(m Wino, x *[6]winoRow, in, out int, f func(Wino, winoRow) winoRow) (y [6]winoRow) {
	var t [6]winoRow
	for j := range in {
		var col winoRow
		for i := range in {
			col[i] = x[i][j]
		}
		for i, v := range f(m, col) {
			t[i][j] = v
		}
	}
	for i := range out {
		y[i] = f(m, t[i])
	}
	return y
}

// winoInGeneric is the definition of WinoIn.Run.
func winoInGeneric(t *WinoIn, m Wino) {
	side := int(m) + 2
	p := side * side
	for n := range t.N {
		v, off := t.V[n*p*t.Pitch:], t.Off[n*p:][:p]
		for c := range t.C {
			var d [6]winoRow
			for i, o := range off {
				if o >= 0 {
					d[i/side][i%side] = t.X[int(o)+c]
				} else {
					d[i/side][i%side] = t.Zero[c]
				}
			}
			y := winoBoth(m, &d, side, side, winoIn1)
			for i := range p {
				v[i*t.Pitch+c] = y[i/side][i%side]
			}
		}
	}
}

// winoWeightsGeneric is the definition of WinoWeights.
func winoWeightsGeneric(m Wino, row int, u []float32, uStep int, w []float32, wStep, n int, flip bool) {
	for e := range n {
		var g [3]float32 // G·g, of that row
		for j := range g {
			taps := [3]int{j, 3 + j, 6 + j}
			if flip {
				taps = [3]int{8 - j, 5 - j, 2 - j}
			}
			g[j] = winoWeight1(m, row, w[taps[0]*wStep+e], w[taps[1]*wStep+e], w[taps[2]*wStep+e])
		}
		for j := range int(m) + 2 {
			u[j*uStep+e] = winoWeight1(m, j, g[0], g[1], g[2])
		}
	}
}

// winoOutGeneric is the definition of WinoOut.Run.
func winoOutGeneric(t *WinoOut, m Wino) {
	side, w := int(m)+2, int(m)
	p := side * side
	for n := range t.N {
		z, cOff := t.M[n*p*TileCols:], t.COff[n*w*w:][:w*w]
		for k := range t.Cols {
			var x [6]winoRow
			for i := range p {
				x[i/side][i%side] = z[i*TileCols+k]
			}
			y := winoBoth(m, &x, side, w, winoOut1)
			for i, o := range cOff {
				if o < 0 {
					continue
				}
				v := y[i/w][i%w]
				if t.Bias != nil {
					v += t.Bias[k]
				}
				if t.Res != nil {
					v += t.Res[int(t.ROff[n*w*w+i])+k]
				}
				t.C[int(o)+k] = v
			}
		}
	}
}
