package diffusion

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The coefficients are the same bits on every architecture and for every
// compiler option that lets products fuse: this digest is run on all of them.
// It changes only with the formulas.
func TestCoefficientBits(t *testing.T) {
	h := fnv.New64a()
	add := func(v ...float64) {
		for _, x := range v {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], math.Float64bits(x))
			h.Write(b[:])
		}
	}
	const T = 100
	for _, p := range []Process{
		Default(1.05, T), Default(1.7, T), Default(2, T),
		{Alpha: 1.5, Scale: Preserving, Grid: Quadratic, Steps: T},
		{Alpha: 1.8, Scale: Exploding, Steps: T},
	} {
		s, err := p.Schedule(0)
		require.NoError(t, err)
		c := chain{sched: s, opt: Options{ClipDenoised: true}}
		a := make([]float64, T)
		for k := range a {
			a[k] = 0.7 + float64(k*k%17)
		}
		sum := make([]float64, T)
		s.Variances(sum, a)
		for k := 1; k < T; k++ {
			for _, f := range []Coef{s.DLPM(k, sum[k-1], sum[k]), s.DLIM(k, 0, a[k]), s.DLIM(k, 0.3, a[k]),
				c.coef(k, func(int, draw) Coef { return s.DLIM(k, 0.3, a[k]) }, draw{})} {
				add(f.X, f.Eps, f.Z)
			}
			q := s.Pair(k, a[k-1], a[k])
			add(s.Gamma[k], s.GammaBar[k], s.Sigma[k], s.SigmaBar[k], q.Gamma, q.Var, q.Weight, float64(p.Time(k, T)))
		}
	}
	l := Loss{Kind: Power, P: 1.7, Outer: 2, Inner: 3}
	m, w := make([]float64, 12), make([]float64, 12)
	for i := range m {
		m[i] = 1 / float64(i+3)
	}
	add(l.Reduce(w, m, 2))
	add(w...)
	require.Equal(t, uint64(0x26f640fe31ce3b89), h.Sum64())
}
