package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
)

// The trainer's share of the weighted loss and its gradient are those of the
// formula, in float64 throughout:
//
//	1/B·Σ_i |ε̂(x_i) − ε_i|²/d / (1 + |x_i|²/d)
//
// The gradient is judged along a random direction by central differences, whose
// error is h²/6 of the third derivative and rounding over h: both below 1e-7 of
// values of order one at h = 1e-5. Whole batches and passes of a few samples
// twice, as copies need, agree with it alike.
func TestWeightedLossIsTheFormula(t *testing.T) {
	r, set := toyRun(t, 1)
	r.Process.Alpha = 1.3
	r.Train.EMA = nil
	r.Train.Batch = 24
	for _, c := range []struct {
		loss  diffusion.Loss
		micro int
	}{{diffusion.Loss{Kind: diffusion.Weighted}, 24}, {diffusion.Loss{Kind: diffusion.Weighted, Outer: 2}, 5}} {
		r.Train.Loss, r.Train.Micro = c.loss, c.micro
		tr, err := New(ref64.New(), set, r)
		require.NoError(t, err)
		roughen(tr)
		p, copies := tr.Net.Params(), c.loss.Copies()
		rows, d := r.Train.Batch*copies, set.Per()
		x0, x, eps, times := make([]float32, r.Train.Batch*d), make([]float32, rows*d), make([]float32, rows*d), make([]float32, rows)
		for i := range r.Train.Batch {
			set.Get(x0[i*d:(i+1)*d], tr.order.at(uint64(i)), false)
		}
		tr.noiser.Noise(x, eps, times, x0, 0)
		in := tr.dev.New(rows, d)
		tr.dev.Upload(in, x)
		ws, err := tr.Net.NewWorkspace(rows, 0, 0, true)
		require.NoError(t, err)
		formula := func() float64 {
			pred, sum := ref64.Values(tr.Net.Forward(ws, in, times, nil)), 0.0
			for i := range rows {
				num, den := 0.0, 1.0
				for j := i * d; j < (i+1)*d; j++ {
					num += (pred[j] - float64(eps[j])) * (pred[j] - float64(eps[j])) / float64(d)
					den += float64(x[j]) * float64(x[j]) / float64(d)
				}
				sum += num / den
			}
			return sum / float64(rows)
		}
		p.ZeroGrad()
		var got float64
		if copies > 1 {
			got = tr.wholeInParts(0)
		} else {
			got = tr.part(0, r.Train.Batch)
		}
		require.InEpsilon(t, formula(), got, 1e-12)

		at := ref64.Values(p.Flat)
		way := ref64.Float64s(numtest.NewRand(4).Fill(make([]float32, len(at)), 1))
		along := 0.0
		for i, g := range ref64.Values(p.Grad) {
			along += g * way[i]
		}
		const h = 1e-5
		var ends [2]float64
		for k, s := range []float64{h, -h} {
			moved := make([]float64, len(at))
			for i := range at {
				moved[i] = at[i] + s*way[i]
			}
			ref64.SetValues(p.Flat, moved)
			p.Touch()
			ends[k] = formula()
		}
		require.InDelta(t, (ends[0]-ends[1])/(2*h), along, 1e-7*(1+along*along))
	}
}
