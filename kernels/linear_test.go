package kernels

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

var linearShapes = [][3]int{{1, 1, 1}, {1, 40, 70}, {3, 5, 33}, {12, 7, 32}, {16, 33, 16}, {29, 64, 31}, {600, 6, 5}}

func TestLinear(t *testing.T) {
	for i, s := range linearShapes {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			r := numtest.NewRand(uint64(i))
			m, c, o := s[0], s[1], s[2]
			x, w, b, y := view(r, 4, m, c), view(r, 0, c, o), view(r, 0, o), view(r, 5, m, o)
			around := frame(y)
			want, size := make([]float64, m*o), make([]float64, m*o)
			ref64.Linear(want, values(x), values(w), values(b), m, c, o)
			ref64.Linear(size, magnitudes(values(x)), magnitudes(values(w)), magnitudes(values(b)), m, c, o)
			bitsOf(t, func(dev *CPU) []float32 {
				dev.Linear(y, x, w, b)
				nearSum(t, want, size, y, c+1, "y") // c fused products and the bias
				return dense(y)
			})
			numtest.SameBits(t, around, frame(y), "values between the rows of y")
		})
	}
}

func TestLinearBackward(t *testing.T) {
	for i, s := range linearShapes {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			r := numtest.NewRand(uint64(i))
			m, c, o := s[0], s[1], s[2]
			x, w, dy, dx := view(r, 4, m, c), view(r, 0, c, o), view(r, 1, m, o), view(r, 5, m, c)
			dw0, db0 := view(r, 0, c, o), view(r, 0, o)
			tw := twin(dx, dw0, db0, dy, x, w)
			ref64.LinearBackward(tw[0], tw[1], tw[2], tw[3], tw[4], tw[5], m, c, o)
			var size [][]float64
			for _, x := range twin(dx, dw0, db0, dy, x, w) {
				size = append(size, magnitudes(x))
			}
			ref64.LinearBackward(size[0], size[1], size[2], size[3], size[4], size[5], m, c, o)
			for _, half := range []int{m, m / 2} { // whole, and in two batches
				bitsOf(t, func(dev *CPU) []float32 {
					dw, db := dev.New(c, o), dev.New(o)
					copy(dw.Data(), dw0.Data())
					copy(db.Data(), db0.Data())
					dev.LinearBackward(dx.Batch(0, half), dw, db, dy.Batch(0, half), x.Batch(0, half), w)
					dev.LinearBackward(dx.Batch(half, m), dw, db, dy.Batch(half, m), x.Batch(half, m), w)
					nearSum(t, tw[0], size[0], dx, o, "dx")
					nearSum(t, tw[1], size[1], dw, m+2, "dw") // the sums of the two batches are added to what was there
					nearSum(t, tw[2], size[2], db, m+2, "db")
					return append(append(dense(dx), dw.Data()...), db.Data()...)
				})
			}
		})
	}
}

// A product on a device that was told to stop computes nothing more.
func TestLinearStops(t *testing.T) {
	var stop tensor.Stop
	done := make(chan struct{})
	close(done)
	stop.Set(done)
	dev := New(1).Until(&stop)
	x, w, dw, y := dev.New(100, 64), dev.New(64, 96), dev.New(64, 96), dev.New(100, 96)
	for _, v := range []*tensor.Tensor{x, dw, y} {
		dev.Fill(v, 7)
	}
	dev.Linear(y, x, w, nil)
	dev.LinearBackward(x, dw, nil, y, x, w)
	for _, v := range []*tensor.Tensor{x, dw, y} {
		for _, got := range v.Data() {
			require.EqualValues(t, 7, got)
		}
	}
}
