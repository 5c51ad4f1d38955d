package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
)

// TestPlain compares the plain network with its formula in float64.
func TestPlain(t *testing.T) {
	net := build(t, kernels.New(1), Config{MLP: &MLPConfig{Dim: 3, Hidden: []int{8, 5}}})
	p := net.Params()
	require.Equal(t, 4*8+8+8*5+5+5*3+3, p.Count())
	b := newBatch(net, 4, 2)
	y := pass(net, workspace(t, net, 4, false), b, false)
	for i, time := range b.t {
		h := []float64{float64(b.x[3*i]), float64(b.x[3*i+1]), float64(b.x[3*i+2]), float64(time)}
		for l := range 3 {
			w, bias := p.Find(fmt.Sprintf("layers.%d.weight", l)), p.Find(fmt.Sprintf("layers.%d.bias", l))
			ws, bs := p.Get(p.Flat, w), p.Get(p.Flat, bias)
			next := make([]float64, w.Shape[0])
			for o := range next {
				next[o] = float64(bs[o])
				for k, v := range h {
					if l > 0 {
						v /= 1 + math.Exp(-v)
					}
					next[o] += v * float64(ws[o*len(h)+k])
				}
			}
			h = next
		}
		for j, want := range h {
			near(t, want, float64(y[3*i+j]), 1e-5*(1+math.Abs(want)), "output")
		}
	}
	p.Init(1)
	for _, v := range pass(net, workspace(t, net, 4, false), b, false) {
		require.Zero(t, v, "the last layer starts at zero")
	}
}

func TestPlainErrors(t *testing.T) {
	for want, c := range map[string]MLPConfig{
		"dim, spread and hidden only": {Dim: 2, Hidden: []int{4}, Units: 8},
		"dim is 0":                    {Hidden: []int{4}},
		"number of hidden layers":     {Dim: 2, Hidden: []int{}},
		"hidden[1] is 0":              {Dim: 2, Hidden: []int{4, 0}},
	} {
		_, err := New(kernels.New(1), Config{MLP: &c})
		require.ErrorContains(t, err, want)
	}
}
