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

// The two points of F(4×4, 3×3) beside 0 and infinity, and their negatives: all that
// the generator of GPU kernels, package cuda/gen, needs of the constants.
const (
	WinoA = winoA
	WinoB = winoB
)

// winoGrid holds the values of a tile, in 6×6 places whatever the form, of 16
// channels or columns; winoLine is one of its columns or rows.
type (
	winoGrid [6][6]lanes
	winoLine [6]*lanes
)

// winoIn1 sets d to Bᵀ·d.
func winoIn1(m Wino, d *winoLine) {
	var s, t, u, v lanes
	if m == WinoUp {
		s.sub(d[0], d[1])
		t.sub(d[2], d[1])
		*d[2] = *d[1]
		*d[0], *d[1], *d[3], *d[4] = s, s, t, t
		return
	}
	if m == Wino2 {
		s, t = *d[1], *d[2]
		d[0].sub(d[0], &t)
		d[1].add(&s, &t)
		d[2].sub(&t, &s)
		d[3].sub(&s, d[3])
		return
	}
	u.fma(-winoB2, d[2], d[4])
	v.fma(-winoB2, d[1], d[3])
	s.fma(-winoA2, d[2], d[4])
	t.fma(-winoA2, d[1], d[3])
	d[4].fma(-(winoA2 + winoB2), d[2], d[4])
	d[0].fma(winoA2*winoB2, d[0], d[4])
	d[3].fma(-(winoA2 + winoB2), d[3], d[5])
	d[5].fma(winoA2*winoB2, d[1], d[3])
	d[1].fma(winoA, &v, &u)
	d[2].fma(-winoA, &v, &u)
	d[3].fma(winoB, &t, &s)
	d[4].fma(-winoB, &t, &s)
}

// winoWeight1 sets d to row i of G·w, which it is none of.
func winoWeight1(m Wino, i int, d, w0, w1, w2 *lanes) {
	switch {
	case i == 0:
		*d = *w0
	case i == int(m)+1:
		*d = *w2
	case m == Wino2:
		d.add(w0, w2)
		if i == 1 {
			d.add(d, w1)
		} else {
			d.sub(d, w1)
		}
	default:
		point, square := float32(winoA), float32(winoA2)
		if i > 2 {
			point, square = winoB, winoB2
		}
		if i%2 == 0 {
			point = -point
		}
		d.fma(square, w2, w0)
		d.fma(point, w1, d)
	}
}

// winoOut1 sets the first values of z to Aᵀ·z.
func winoOut1(m Wino, z *winoLine) {
	var p, q, r, s, t lanes
	if m == WinoUp {
		p = *z[2]
		z[0].add(&p, z[0])
		z[1].add(&p, z[1])
		z[2].add(&p, z[3])
		z[3].add(&p, z[4])
		return
	}
	p.add(z[1], z[2])
	q.sub(z[1], z[2])
	if m == Wino2 {
		z[0].fma(0.5, &p, z[0])
		t.mul(-1, z[3])
		z[1].fma(0.5, &q, &t)
		return
	}
	r.add(z[3], z[4])
	s.sub(z[3], z[4])
	t.mul(winoK2, &r)
	t.fma(winoK1, &p, &t)
	z[0].fma(winoK0, z[0], &t)
	t.mul(winoK2*winoB, &s)
	z[1].fma(winoK1*winoA, &q, &t)
	t.mul(winoK2*winoB2, &r)
	z[2].fma(winoK1*winoA2, &p, &t)
	t.fma(winoK2*winoB2*winoB, &s, z[5])
	z[3].fma(winoK1*winoA2*winoA, &q, &t)
}

// winoBoth transforms x, a square of values, down the columns and then along
// the rows: pixels to their transform, or products to outputs.
func winoBoth(m Wino, x *winoGrid, products bool) {
	cols, rows := m.Pixels(), m.Side()
	if products {
		cols, rows = m.Side(), m.Outputs()
	}
	for j := range cols {
		winoLine1(m, &winoLine{&x[0][j], &x[1][j], &x[2][j], &x[3][j], &x[4][j], &x[5][j]}, products)
	}
	for i := range rows {
		winoLine1(m, &winoLine{&x[i][0], &x[i][1], &x[i][2], &x[i][3], &x[i][4], &x[i][5]}, products)
	}
}

func winoLine1(m Wino, d *winoLine, products bool) {
	if products {
		winoOut1(m, d)
	} else {
		winoIn1(m, d)
	}
}

// winoInGeneric is the definition of WinoIn.Run.
func winoInGeneric(t *WinoIn, m Wino) {
	side, read := m.Side(), m.Pixels()
	p := side * side
	var d winoGrid
	for n := range t.N {
		v, off := t.V[n*p*t.Pitch:], t.Off[n*read*read:][:read*read]
		for c := 0; c < t.C; c += len(lanes{}) {
			for i, o := range off {
				from := t.Zero
				if o >= 0 {
					from = t.X[o:]
				}
				copy(d[i/read][i%read][:], from[c:t.C])
			}
			winoBoth(m, &d, false)
			for i := range p {
				copy(v[i*t.Pitch+c:], d[i/side][i%side][:])
			}
		}
	}
}

// winoWeightsGeneric is the definition of WinoWeights, for one row of points.
func winoWeightsGeneric(m Wino, row int, u []float32, uStep int, w []float32, wStep, n int, flip bool) {
	for e := 0; e < n; e += len(lanes{}) {
		tap := func(i int) *lanes {
			if flip {
				i = 8 - i
			}
			return (*lanes)(w[i*wStep+e:])
		}
		var g [3]lanes // G·g, of that row
		for j := range g {
			winoWeight1(m, row, &g[j], tap(j), tap(3+j), tap(6+j))
		}
		for j := range int(m) + 2 {
			winoWeight1(m, j, (*lanes)(u[j*uStep+e:]), &g[0], &g[1], &g[2])
		}
	}
}

// winoPairGeneric is the definition of WinoWeights.
func winoPairGeneric(m Wino, pair int, u0, u1 []float32, uStep int, w []float32, wStep, n int, flip bool) {
	r0, r1 := WinoRows(m, pair)
	winoWeightsGeneric(m, r0, u0, uStep, w, wStep, n, flip)
	winoWeightsGeneric(m, r1, u1, uStep, w, wStep, n, flip)
}

// winoOutGeneric is the definition of WinoOut.Run.
func winoOutGeneric(t *WinoOut, m Wino) {
	side, w := m.Side(), m.Outputs()
	p := side * side
	var x winoGrid
	for n := range t.N {
		z, cOff := t.M[n*p*TileCols:], t.COff[n*w*w:][:w*w]
		for k := 0; k < t.Cols; k += len(lanes{}) {
			for i := range p {
				x[i/side][i%side] = lanes(z[i*TileCols+k:])
			}
			winoBoth(m, &x, true)
			for i, o := range cOff {
				if o < 0 {
					continue
				}
				out := t.C[int(o)+k:][:min(len(lanes{}), t.Cols-k)]
				for e, v := range x[i/w][i%w][:len(out)] {
					if t.Bias != nil {
						v += t.Bias[k+e]
					}
					if t.Res != nil {
						v += t.Res[int(t.ROff[n*w*w+i])+k+e]
					}
					out[e] = v
				}
			}
		}
	}
}
