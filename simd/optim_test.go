package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

func TestAdamW(t *testing.T) {
	k := AdamW{0.5, 0.9, 0.999, 0.1, 0.001, 0.999, 0.01, 3, 1e-8}
	ref := map[int][]float32{}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, n := range numtest.Lengths(67) {
			r := numtest.NewRand(uint64(n))
			p, g := r.Fill(numtest.Guarded(t, n, false), 1), r.Fill(numtest.Guarded(t, n, n&1 == 0), 1)
			m, v := r.Fill(numtest.Guarded(t, n, false), 1), r.Fill(numtest.Guarded(t, n, true), 1)
			wp, wm, wv := make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range p {
				v[i] *= v[i]
				gi := 0.5 * float64(g[i])
				wm[i] = float64(k.Beta1)*float64(m[i]) + float64(k.C1)*gi
				wv[i] = float64(k.Beta2)*float64(v[i]) + float64(k.C2)*gi*gi
				wp[i] = float64(k.Decay)*float64(p[i]) - float64(k.Step)*wm[i]/(math.Sqrt(wv[i])*3+float64(k.Eps))
			}
			k.Apply(p, g, m, v)
			numtest.Within(t, wm, m, 1e-8, 2e-7, "m")
			numtest.Within(t, wv, v, 1e-9, 2e-7, "v")
			numtest.Within(t, wp, p, 1e-7, 3e-7, "p")
			got := append(append(append([]float32{}, p...), m...), v...)
			if ref[n] == nil {
				ref[n] = got
			}
			numtest.SameBits(t, ref[n], got, fmt.Sprint(n))
		}
		p := make([]float32, 20)
		require.Zero(t, testing.AllocsPerRun(5, func() { k.Apply(p, p, p, p) }))
	})
}
