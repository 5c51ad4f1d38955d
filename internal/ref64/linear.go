package ref64

import (
	"fmt"

	"heavytail/tensor"
)

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
	check("LinearBackward", "dx", dx, x.Shape()...)
	check("LinearBackward", "dw", dw, w.Shape()...)
	gx, gw, gb := like(dx), values(dw), values(db)
	LinearBackward(gx, gw, gb, Values(dy), Values(x), Values(w), M, C, O)
	setIf(dx, gx)
	setIf(dw, gw)
	setIf(db, gb)
}

// linearShape allows any leading dimensions: rows count.
func linearShape(op string, y, x, w, b *tensor.Tensor) (M, C, O int) {
	M, C, O = x.Rows(), x.Cols(), w.Cols()
	if w.Rows() != C || y.Rows() != M || y.Cols() != O {
		panic(fmt.Sprintf("ref64: %s: y %v, x %v, w %v", op, y.Shape(), x.Shape(), w.Shape()))
	}
	check(op, "b", b, O)
	return M, C, O
}
