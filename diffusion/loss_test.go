package diffusion

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// Worked examples; rows are [outer][inner][B] with B = 1.
func TestReduceExamples(t *testing.T) {
	nan := math.NaN()
	for _, e := range []struct {
		name string
		loss Loss
		m    []float64
		want float64
		w    []float64
	}{
		{"root", Loss{Kind: Root}, []float64{4}, 2, []float64{0.25}},
		{"root of zero", Loss{Kind: Root}, []float64{0}, 0, []float64{0}},
		{"p = 3", Loss{Kind: Power, P: 3}, []float64{8}, 2, []float64{1. / 12}},
		{"p of zero", Loss{Kind: Power, P: 1}, []float64{0}, 0, []float64{0}},
		{"mean of groups", Loss{Kind: Root, Outer: 2}, []float64{4, 16}, 3, []float64{1. / 8, 1. / 16}},
		{"root after the inner mean", Loss{Kind: Root, Inner: 2}, []float64{1, 17}, 3, []float64{1. / 12, 1. / 12}},
		{"median of three", Loss{Kind: Squared, Median: true, Outer: 3}, []float64{9, 1, 5}, 5, []float64{0, 0, 1}},
		{"lower median of four", Loss{Kind: Squared, Median: true, Outer: 4}, []float64{9, 1, 5, 7}, 5, []float64{0, 0, 1, 0}},
		{"equal values: one of them", Loss{Kind: Squared, Median: true, Outer: 3}, []float64{2, 2, 2}, 2, []float64{0, 1, 0}},
		{"median of inner means", Loss{Kind: Huber, Median: true, Outer: 3, Inner: 2}, []float64{0, 10, 4, 4, 9, 9}, 5, []float64{.5, .5, 0, 0, 0, 0}},
		{"an infinite mean", Loss{Kind: Power, P: 2}, []float64{math.Inf(1)}, math.Inf(1), []float64{0}},
		{"NaN", Loss{Kind: Squared, Median: true, Outer: 3}, []float64{1, 2, nan}, nan, []float64{0, 0, 0}},
	} {
		t.Run(e.name, func(t *testing.T) {
			w := make([]float64, len(e.m))
			got := e.loss.Reduce(w, e.m, 1)
			if e.want != e.want {
				require.True(t, got != got)
			} else if math.IsInf(e.want, 1) {
				require.Equal(t, e.want, got)
			} else {
				require.InDelta(t, e.want, got, 1e-15)
			}
			require.InDeltaSlice(t, e.w, w, 1e-15)
		})
	}
}

// Samples do not mix: B = 2 is each alone, at half weight, and the shares of a
// batch that was split add up.
func TestReduceTreatsSamplesAlone(t *testing.T) {
	l := Loss{Kind: Root, Median: true, Outer: 3, Inner: 2}
	r := numtest.NewRand(1)
	const n = 4
	m, w := make([]float64, 6*n), make([]float64, 6*n)
	for i := range m {
		m[i] = math.Abs(r.Float64())
	}
	whole := l.Reduce(w, m, n)
	sum := 0.0
	for b := range n {
		one, wOne := make([]float64, 6), make([]float64, 6)
		for c := range one {
			one[c] = m[c*n+b]
		}
		sum += l.Reduce(wOne, one, n)
		for c := range one {
			require.Equal(t, wOne[c], w[c*n+b])
		}
	}
	require.InDelta(t, whole, sum, 1e-15)
	require.Zero(t, testing.AllocsPerRun(10, func() { l.Reduce(w, m, n) }))
	require.Panics(t, func() { l.Reduce(w, m[:5], n) })
}

// The weights make Device.LossBackward the gradient of Reduce ∘ Device.Loss.
func TestReduceGradient(t *testing.T) {
	const B, d = 3, 4
	for _, l := range []Loss{
		{Kind: Root}, {Kind: Huber}, {Kind: Squared}, {Kind: Power, P: 1.5},
		{Kind: Root, Outer: 2, Inner: 2}, {Kind: Root, Median: true, Outer: 5}, {Kind: Power, P: 3, Median: true, Outer: 3, Inner: 2},
	} {
		rows := l.Copies() * B
		dev := tensor.Device(ref64.New())
		pred, target, dpred := dev.New(rows, d), dev.New(rows, d), dev.New(rows, d)
		r := numtest.NewRand(3)
		x := ref64.Float64s(r.Fill(make([]float32, rows*d), 2))
		dev.Upload(target, r.Fill(make([]float32, rows*d), 2))
		kind, p := l.Elementwise()
		m, w := make([]float64, rows), make([]float64, rows)
		value := func() float64 {
			ref64.SetValues(pred, x)
			dev.Loss(m, pred, target, kind, p)
			return l.Reduce(w, m, B)
		}
		value()
		dev.LossBackward(dpred, pred, target, kind, p, w)
		grad := ref64.Values(dpred)
		for i := range x {
			const h = 1e-6
			old := x[i]
			x[i] = old + h
			up := value()
			x[i] = old - h
			down := value()
			x[i] = old
			require.InDelta(t, (up-down)/(2*h), grad[i], 1e-8, "%+v element %d", l, i)
		}
	}
}

func TestLossValidate(t *testing.T) {
	require.NoError(t, DefaultLoss(1.7).Validate())
	require.Equal(t, Squared, DefaultLoss(2).Kind)
	for want, l := range map[string]Loss{
		`kind is "l2": use "root"`:        {Kind: "l2"},
		"p is 0.5: use 1 to 8":            {Kind: Power, P: 0.5},
		`p is 2: only kind "p"`:           {Kind: Root, P: 2},
		"outer is -1: use 1 to 1000":      {Kind: Root, Outer: -1},
		"inner is 1000000: use 1 to 1000": {Kind: Root, Inner: 1000000},
	} {
		require.ErrorContains(t, l.Validate(), want)
	}
}
