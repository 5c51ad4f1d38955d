package simd

// winoBack1 sets d to A·d, d having m values before: A without divisors.
func winoBack1(m Wino, d *winoLine) {
	var s, t lanes
	if m == Wino2 {
		s, t = *d[0], *d[1]
		d[1].add(&s, &t)
		d[2].sub(&s, &t)
		*d[3] = t
		return
	}
	*d[5] = *d[3]
	s.fma(winoB2, d[2], d[0])
	t.fma(winoB2, d[3], d[1])
	d[2].fma(winoA2, d[2], d[0])
	d[1].fma(winoA2, d[3], d[1])
	d[3].fma(winoB, &t, &s)
	d[4].fma(-winoB, &t, &s)
	s, t = *d[2], *d[1]
	d[1].fma(winoA, &t, &s)
	d[2].fma(-winoA, &t, &s)
}

// winoTaps1 sets the first three values of z to Gᵀ·z, Gᵀ with the divisors.
func winoTaps1(m Wino, z *winoLine) {
	var p, q, r, s, t lanes
	p.add(z[1], z[2])
	q.sub(z[1], z[2])
	if m == Wino2 {
		z[0].fma(0.5, &p, z[0])
		z[1].mul(0.5, &q)
		t.mul(-1, z[3])
		z[2].fma(0.5, &p, &t)
		return
	}
	r.add(z[3], z[4])
	s.sub(z[3], z[4])
	t.mul(winoK2, &r)
	t.fma(winoK1, &p, &t)
	z[0].fma(winoK0, z[0], &t)
	t.mul(winoK2*winoB, &s)
	z[1].fma(winoK1*winoA, &q, &t)
	t.fma(winoK2*winoB2, &r, z[5])
	z[2].fma(winoK1*winoA2, &p, &t)
}

// line returns column i of x, or its row.
func (x *winoGrid) line(i int, column bool) winoLine {
	if column {
		return winoLine{&x[0][i], &x[1][i], &x[2][i], &x[3][i], &x[4][i], &x[5][i]}
	}
	return winoLine{&x[i][0], &x[i][1], &x[i][2], &x[i][3], &x[i][4], &x[i][5]}
}

// winoBackGeneric is the definition of WinoIn.RunBack: down the m columns, then
// along the m+2 rows.
func winoBackGeneric(t *WinoIn, m Wino) {
	w, side := int(m), int(m)+2
	p, q := side*side, w*w
	var d winoGrid
	for n := range t.N {
		v, off := t.V[n*p*t.Pitch:], t.Off[n*q:][:q]
		for c := 0; c < t.C; c += len(lanes{}) {
			for i, o := range off {
				from := t.Zero
				if o >= 0 {
					from = t.X[o:]
				}
				copy(d[i/w][i%w][:], from[c:t.C])
			}
			for j := range w {
				line := d.line(j, true)
				winoBack1(m, &line)
			}
			for i := range side {
				line := d.line(i, false)
				winoBack1(m, &line)
			}
			for i := range p {
				copy(v[i*t.Pitch+c:], d[i/side][i%side][:])
			}
		}
	}
}

// winoTapsGeneric is the definition of WinoTaps.Run: down the m+2 columns, then
// along the three rows, then one addition to what DW held.
func winoTapsGeneric(t *WinoTaps, m Wino) {
	side := int(m) + 2
	var x winoGrid
	for r := range t.Rows {
		for k := 0; k < t.Cols; k += len(lanes{}) {
			for i := range side * side {
				x[i/side][i%side] = lanes(t.M[i*WinoSumsStep+r*TileCols+k:])
			}
			for j := range side {
				line := x.line(j, true)
				winoTaps1(m, &line)
			}
			for i := range 3 {
				line := x.line(i, false)
				winoTaps1(m, &line)
			}
			for i := range 9 {
				out := t.DW[i*t.Step+r*t.Pitch+k:][:min(len(lanes{}), t.Cols-k)]
				for e, v := range x[i/3][i%3][:len(out)] {
					out[e] += v
				}
			}
		}
	}
}
