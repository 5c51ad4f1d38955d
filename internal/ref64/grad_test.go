package ref64

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/tensor"
)

// random returns n values in [−1, 1).
func random(r *numtest.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.Float64()
	}
	return x
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// slope returns the derivative of f with respect to *x by the five-point
// stencil, whose error is h⁴/30 of the fifth derivative: about 1e-11 here.
func slope(x *float64, f func() float64) float64 {
	const h = 1e-3
	x0 := *x
	at := func(d float64) float64 { *x = x0 + d; return f() }
	s := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
	*x = x0
	return s
}

// checkGrad fails unless grad−base is the gradient of f with respect to x,
// element by element; base is what the gradient held before (accumulation).
func checkGrad(t *testing.T, name string, x, grad, base []float64, f func() float64) {
	t.Helper()
	for i := range x {
		want := slope(&x[i], f)
		got := grad[i]
		if base != nil {
			got -= base[i]
		}
		if !(math.Abs(got-want) <= 1e-9*(1+math.Abs(want))) {
			t.Fatalf("%s: element %d: %v, differences say %v", name, i, got, want)
		}
	}
}

// A checker that accepts a wrong gradient would be worth nothing.
func TestSlopeSeesAWrongGradient(t *testing.T) {
	x := 0.7
	got := slope(&x, func() float64 { return math.Exp(x) * x })
	require.InDelta(t, math.Exp(0.7)*1.7, got, 1e-10)
	require.Greater(t, math.Abs(math.Exp(0.7)*1.7*(1+1e-6)-got), 1e-9)
}

func TestLinearGradients(t *testing.T) {
	r := numtest.NewRand(1)
	const M, C, O = 3, 4, 5
	x, w, b, dy := random(r, M*C), random(r, C*O), random(r, O), random(r, M*O)
	y := make([]float64, M*O)
	f := func() float64 { Linear(y, x, w, b, M, C, O); return dot(y, dy) }
	dx, dw, db := random(r, M*C), random(r, C*O), random(r, O)
	dw0, db0 := clone(dw), clone(db)
	LinearBackward(dx, dw, db, dy, x, w, M, C, O)
	checkGrad(t, "dx", x, dx, nil, f)
	checkGrad(t, "dw", w, dw, dw0, f)
	checkGrad(t, "db", b, db, db0, f)
}

func clone(x []float64) []float64 { return append([]float64(nil), x...) }

func TestConvGradients(t *testing.T) {
	r := numtest.NewRand(2)
	for _, s := range []ConvShape{
		{2, 3, 4, 2, 3, 1, 1, false, false}, {2, 3, 4, 2, 3, 3, 1, false, false}, {1, 5, 4, 2, 3, 3, 2, false, false},
		{1, 5, 3, 2, 2, 1, 2, false, false}, {2, 2, 3, 2, 2, 3, 1, true, false}, {1, 2, 3, 1, 2, 3, 2, true, false},
		{1, 1, 1, 2, 2, 3, 1, false, false}, {2, 4, 5, 2, 3, 3, 2, false, true},
	} {
		h, w0 := s.Out()
		x, w, b := random(r, s.N*s.H*s.W*s.C), random(r, s.K*s.K*s.C*s.O), random(r, s.O)
		res, dy := random(r, s.N*h*w0*s.O), random(r, s.N*h*w0*s.O)
		y := make([]float64, len(dy))
		f := func() float64 { Conv2D(y, x, w, b, res, s); return dot(y, dy) }
		dx, dw, db := random(r, len(x)), random(r, len(w)), random(r, len(b))
		dw0, db0 := clone(dw), clone(db)
		Conv2DBackward(dx, dw, db, dy, x, w, s)
		checkGrad(t, "dx", x, dx, nil, f)
		checkGrad(t, "dw", w, dw, dw0, f)
		checkGrad(t, "db", b, db, db0, f)
		checkGrad(t, "dres", res, dy, nil, f)
	}
}

func TestResampleGradients(t *testing.T) {
	r := numtest.NewRand(7)
	for _, s := range []ResampleShape{
		{2, 4, 6, 2, random(r, 2), 2, false, 0}, {1, 5, 4, 3, random(r, 4), 2, false, 1}, {2, 3, 2, 2, random(r, 1), 1, false, 2},
		{1, 3, 2, 2, random(r, 2), 1, true, 0}, {2, 2, 3, 1, random(r, 4), 1, true, 1}, {1, 7, 5, 1, random(r, 3), 2, false, 0},
	} {
		h, w := s.Out()
		x, dy := random(r, s.N*s.H*s.W*s.C), random(r, s.N*h*w*s.C)
		y, dx := make([]float64, len(dy)), random(r, len(x))
		ResampleBackward(dx, dy, s)
		checkGrad(t, "dx", x, dx, nil, func() float64 { Resample(y, x, s); return dot(y, dy) })
	}
}

// TestResampleByHand: the mean of two by two pixels, and doubling with
// [1,3,3,1]/4, whose interior is ¾ of the near and ¼ of the far pixel.
func TestResampleByHand(t *testing.T) {
	y := make([]float64, 2)
	Resample(y, []float64{1, 2, 3, 4, 5, 6, 7, 8}, ResampleShape{N: 1, H: 2, W: 4, C: 1, Taps: []float64{0.5, 0.5}, Stride: 2})
	require.Equal(t, []float64{3.5, 5.5}, y)
	y = make([]float64, 16)
	Resample(y, []float64{16, 32, 48, 64}, ResampleShape{N: 1, H: 2, W: 2, C: 1, Taps: []float64{0.25, 0.75, 0.75, 0.25}, Stride: 1, Up: true, Pad: 1})
	require.Equal(t, []float64{
		9, 15, 21, 18, // zero beyond the image: corners are 9/16 of the pixel
		18, 28, 36, 30,
		30, 44, 52, 42,
		27, 39, 45, 36,
	}, y)
	y = make([]float64, 9)
	Resample(y, []float64{5}, ResampleShape{N: 1, H: 1, W: 1, C: 1, Taps: []float64{1}, Stride: 1, Pad: 1})
	require.Equal(t, []float64{0, 0, 0, 0, 5, 0, 0, 0, 0}, y)
}

func TestNormGradients(t *testing.T) {
	r := numtest.NewRand(3)
	for _, s := range []NormShape{
		{2, 3, 4, 2, 1e-5, false}, {2, 3, 4, 2, 1e-5, true}, {1, 5, 6, 3, 1e-2, true}, {3, 1, 5, 1, 1e-5, true},
	} {
		for _, mod := range []bool{false, true} {
			x, dy := random(r, s.N*s.P*s.C), random(r, s.N*s.P*s.C)
			gamma, beta := random(r, s.C), random(r, s.C)
			var ss, dss []float64
			if mod {
				ss, dss = random(r, s.N*2*s.C), make([]float64, s.N*2*s.C)
			}
			y := make([]float64, len(x))
			f := func() float64 { GroupNorm(y, x, gamma, beta, ss, s); return dot(y, dy) }
			dx, dg, db := random(r, len(x)), random(r, s.C), random(r, s.C)
			dx0, dg0, db0 := clone(dx), clone(dg), clone(db)
			GroupNormBackward(dx, dg, db, dss, dy, x, gamma, beta, ss, s)
			checkGrad(t, "dx", x, dx, dx0, f)
			checkGrad(t, "dgamma", gamma, dg, dg0, f)
			checkGrad(t, "dbeta", beta, db, db0, f)
			checkGrad(t, "dss", ss, dss, nil, f)
		}
	}
}

func TestAttentionGradients(t *testing.T) {
	r := numtest.NewRand(4)
	for _, s := range []AttnShape{{2, 3, 4, 2}, {1, 5, 3, 1}, {1, 1, 4, 4}} {
		qkv, dy := random(r, s.N*s.T*3*s.C), random(r, s.N*s.T*s.C)
		y, dqkv := make([]float64, len(dy)), random(r, s.N*s.T*3*s.C)
		AttentionBackward(dqkv, dy, qkv, s)
		checkGrad(t, "dqkv", qkv, dqkv, nil, func() float64 { Attention(y, qkv, s); return dot(y, dy) })
	}
}

func TestSiLUGradient(t *testing.T) {
	for _, x := range []float64{-20, -1.3, 0, 0.4, 3, 25} {
		require.InDelta(t, slope(&x, func() float64 { return SiLU(x) }), SiLUDeriv(x), 1e-10)
	}
}

func TestLossGradients(t *testing.T) {
	r := numtest.NewRand(5)
	d := New()
	for _, kind := range []tensor.LossKind{tensor.Squared, tensor.Huber, tensor.PNorm} {
		pred, target, dpred := d.New(2, 3, 2), d.New(2, 3, 2), d.New(2, 3, 2)
		x := random(r, 12)
		for i := range x {
			x[i] = 2*x[i] + math.Copysign(0.1, x[i]) // keep away from the kink at 0
		}
		SetValues(target, random(r, 12))
		tv := Values(target)
		for i := range tv {
			tv[i] /= 50
		}
		SetValues(target, tv)
		w, out := []float64{0.3, -1.7}, make([]float64, 2)
		SetValues(pred, x)
		d.LossBackward(dpred, pred, target, kind, 1.7, w)
		checkGrad(t, "dpred", x, Values(dpred), nil, func() float64 {
			SetValues(pred, x)
			d.Loss(out, pred, target, kind, 1.7)
			return dot(out, w)
		})
	}
}
