package diffusion

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// The gradient is that of the formula, the residual of its second term held, by
// central differences in float64 of values that are exact in float32: their error,
// h² times the third derivative, and the rounding of the gradient to float32 are
// below 1e-6 of values of order one.
func TestSpreadLossIsTheFormula(t *testing.T) {
	const B, d, scale = 3, 2, 0.25
	r := numtest.NewRand(1)
	pred, target, x := r.Fill(make([]float32, 2*B*d), 2), r.Fill(make([]float32, B*d), 2), r.Fill(make([]float32, B*d), 3)
	pred[2] = -20 // where the floor decides
	for _, kind := range []LossKind{Squared, Weighted} {
		held := make([]float64, B*d) // r²
		for k := range held {
			e := float64(pred[k/d*2*d+k%d]) - float64(target[k])
			held[k] = e * e
		}
		formula := func(p []float64) (sum float64) {
			for i := range B {
				s := 1.0
				for _, v := range x[i*d : (i+1)*d] {
					s += float64(v) * float64(v) / d
				}
				w := map[LossKind]float64{Squared: 1, Weighted: 1 / s}[kind]
				for j := range d {
					e, v := p[2*i*d+j]-float64(target[i*d+j]), math.Exp(p[2*i*d+d+j])+1e-6
					sum += scale / d * (w*e*e + 0.01*(held[i*d+j]/s/v+math.Log(v)))
				}
			}
			return sum
		}
		grad, means := make([]float32, len(pred)), make([]float64, B)
		Loss{Kind: kind}.SpreadLoss(grad, means, pred, target, x, scale)
		for i := range B {
			require.InEpsilon(t, (held[2*i]+held[2*i+1])/2, means[i], 1e-12)
		}
		at := make([]float64, len(pred))
		for k, v := range pred {
			at[k] = float64(v)
		}
		for k := range at {
			const h = 1e-5
			was := at[k]
			at[k] = was + h
			up := formula(at)
			at[k] = was - h
			down := formula(at)
			at[k] = was
			require.InDelta(t, (up-down)/(2*h), float64(grad[k]), 1e-5*(1+math.Abs(float64(grad[k]))), "%s %d", kind, k)
		}
	}
	require.Panics(t, func() {
		Loss{}.SpreadLoss(make([]float32, 3), make([]float64, 1), make([]float32, 4), make([]float32, 2), make([]float32, 2), 1)
	})
}

// Of residuals that differ at one input the second output learns the mean square:
// the slopes of both rows cancel there.
func TestSpreadLossLearnsTheMean(t *testing.T) {
	h := float32(math.Log((1.0+9)/2/2 - spreadFloor)) // of u = r²/(1+x²), x = 1
	pred, target, x := []float32{0, h, 0, h}, []float32{1, 3}, []float32{1, 1}
	grad := make([]float32, 4)
	Loss{Kind: Squared}.SpreadLoss(grad, make([]float64, 2), pred, target, x, 1)
	require.InDelta(t, 0, grad[1]+grad[3], 1e-6)
	require.Greater(t, math.Abs(float64(grad[1])), 0.001)
}

func TestSpreadIsRefused(t *testing.T) {
	require.ErrorContains(t, Loss{Kind: Root}.ValidateSpread(), "weighted")
	require.ErrorContains(t, Loss{Kind: Weighted, Outer: 2}.ValidateSpread(), "one copy")
	require.NoError(t, Loss{Kind: Weighted}.ValidateSpread())
}

// A network that knows Student's data and their variance gives the exact moment,
// through its float32.
func TestSecondMomentOfANetwork(t *testing.T) {
	p := TEDM(3)
	p.SigmaData = []float64{1}
	net := func(_ context.Context, out, x, times []float32) error {
		for i, at := range times {
			sigma := math.Exp(4 * float64(at))
			k := p.Preconditioning(0, sigma)
			in := float64(x[i]) / k.In
			D, moment := student3(in, sigma)
			out[2*i] = float32((D - k.Skip*in) / k.Out)
			v := (moment*sigma*sigma - (in-D)*(in-D)) / (k.Out * k.Out) // Var[x_0 | x] in units of the target
			out[2*i+1] = float32(math.Log(v / (1 + float64(x[i])*float64(x[i]))))
		}
		return nil
	}
	den, moment := p.WithSpread(net)
	x, sigma := []float64{0.3, -2, 7, 40}, []float64{0.1, 1, 3, 20}
	D, m := make([]float64, 4), make([]float64, 4)
	require.NoError(t, den(t.Context(), D, x, sigma))
	require.NoError(t, moment(t.Context(), m, x, sigma))
	for i := range x {
		want, second := student3(x[i], sigma[i])
		require.InDelta(t, want, D[i], 1e-4*(1+math.Abs(want)))
		require.InEpsilon(t, second, m[i], 1e-3)
	}
}
