package diffusion

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
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
	for _, p := range []DLPM{
		Default(1.05, T), Default(1.7, T), Default(2, T),
		{Alpha: 1.5, Scale: Preserving, Grid: Quadratic, Steps: T},
		{Alpha: 1.8, Scale: Exploding, Steps: T},
	} {
		s, err := p.Schedule(0)
		require.NoError(t, err)
		c := chain{sched: s, opt: chainOptions{clip: true}}
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

// The float64 results of the other processes and of all their samplers, held to
// one digest on every architecture.
func TestProcessBits(t *testing.T) {
	h := fnv.New64a()
	add := func(v ...float64) { require.NoError(t, binary.Write(h, binary.LittleEndian, v)) }
	two := EDM{Nu: Nu{20, 4}, SigmaData: []float64{1, 0.5}}
	for _, p := range []EDM{{}, TEDM(3), two} {
		for _, s := range p.Sigmas(20)[:20] {
			k := p.Preconditioning(1, s)
			add(s, k.Skip, k.Out, k.In, k.Noise, k.Weight)
		}
	}
	add(FlowSampler{Steps: 30, Rho: 7}.Times()...)
	add(FlowSampler{Steps: 30, Start: 0.01}.Times()...)
	for _, alpha := range []float64{1.3, 1.8, 2} {
		s := LIMSampler{Process: LIM{Alpha: alpha}, Steps: 25}
		for i := range s.Steps {
			a, b := s.Process.SDE(s.time(i), s.time(i+1)), s.Process.ODE(s.time(i), s.time(i+1))
			add(a.X, a.Eps, a.Z, b.X, b.Eps)
		}
	}
	for _, gb := range []float64{0.99, 0.5, 0.01} {
		add(cosineTime(gb))
	}
	require.Equal(t, uint64(0xf984de986d2fa628), h.Sum64(), "coefficients")
	all, independent, jumps := drawers(6), fnv.New64a(), fnv.New64a() // these came later
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, "jump") {
			x, err := all[name](context.Background(), shrink, seeds(3), 20)
			require.NoError(t, err)
			require.NoError(t, binary.Write(jumps, binary.LittleEndian, x))
			continue
		}
		x, err := all[name](context.Background(), shrink, seeds(3), 20)
		require.NoError(t, err)
		to := h
		if name == "t-edm independent" {
			to = independent
		}
		require.NoError(t, binary.Write(to, binary.LittleEndian, x))
	}
	for _, n := range []string{"edm", "two", "flow velocity", "lim 1.7"} {
		x, target, times, _ := batch(noisers(t)[n], 5, 6)
		for _, v := range [][]float32{x, target, times} {
			require.NoError(t, binary.Write(h, binary.LittleEndian, v))
		}
	}
	require.Equal(t, uint64(0x989098203771d1f7), h.Sum64(), "samples")
	require.Equal(t, uint64(0xb388b869d406b57e), independent.Sum64(), "independent noise")
	x, target, times, _ := batch(noisers(t)["jump"], 5, 6)
	for _, v := range [][]float32{x, target, times} {
		require.NoError(t, binary.Write(jumps, binary.LittleEndian, v))
	}
	for _, square := range []float64{1e-9, 1, 40} {
		require.NoError(t, binary.Write(jumps, binary.LittleEndian, Jump{Rate: 3, Share: 0.1}.logDensity(square, 10)))
	}
	require.Equal(t, uint64(0x929ce3cd6407bd9d), jumps.Sum64(), "jumps")
}
