package ref64

import "heavytail/tensor"

// Linear sets y[M,O] = x[M,C]·w[C,O] + b[O]; b may be nil.
func Linear(y, x, w, b []float64, M, C, O int) {
	for m := range M {
		for o := range O {
			s := 0.0
			if b != nil {
				s = b[o]
			}
			for c := range C {
				s += x[m*C+c] * w[c*O+o]
			}
			y[m*O+o] = s
		}
	}
}

// LinearBackward sets dx = dy·wᵀ and adds xᵀ·dy to dw and Σ_rows dy to db;
// nil destinations are skipped.
func LinearBackward(dx, dw, db, dy, x, w []float64, M, C, O int) {
	clear(dx)
	for m := range M {
		for o := range O {
			g := dy[m*O+o]
			if db != nil {
				db[o] += g
			}
			for c := range C {
				if dx != nil {
					dx[m*C+c] += g * w[c*O+o]
				}
				if dw != nil {
					dw[c*O+o] += g * x[m*C+c]
				}
			}
		}
	}
}

// Linear sets y = x·w + b.
func (Device) Linear(y, x, w, b *tensor.Tensor) {
	M, C, O := linearShape("Linear", y, x, w, b)
	out := like(y)
	Linear(out, Values(x), Values(w), values(b), M, C, O)
	SetValues(y, out)
}

// LinearBackward computes the gradients of Linear.
func (Device) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	M, C, O := linearShape("LinearBackward", dy, x, w, db)
	check("LinearBackward", "dx", dx, M, C)
	check("LinearBackward", "dw", dw, C, O)
	gx, gw, gb := like(dx), values(dw), values(db)
	LinearBackward(gx, gw, gb, Values(dy), Values(x), Values(w), M, C, O)
	setIf(dx, gx)
	setIf(dw, gw)
	setIf(db, gb)
}

func linearShape(op string, y, x, w, b *tensor.Tensor) (M, C, O int) {
	M, C, O = x.Dim(0), x.Cols(), w.Cols()
	check(op, "x", x, M, C)
	check(op, "w", w, C, O)
	check(op, "b", b, O)
	check(op, "y", y, M, O)
	return M, C, O
}
