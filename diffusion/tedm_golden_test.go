package diffusion

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var inf = math.Inf(1)

// The table of Skip, Out, In, Weight and the two forms of Noise for data of
// deviation 1, computed from the paper's Eqs. 92, 100 and 101.
func TestGoldenPreconditioning(t *testing.T) {
	for _, e := range []struct{ nu, sigma, skip, out, in, weight, raw, scaled float64 }{
		{3, 0.1, 0.970874, 0.170664, 0.985329, 34.333333, -0.575646, -0.438320},
		{3, 1, 0.25, 0.866025, 0.5, 1.333333, 0, 0.137327},
		{3, 10, 0.003322, 0.998337, 0.057639, 1.003333, 0.575646, 0.712973},
		{5, 1, 0.375, 0.790569, 0.612372, 1.6, 0, 0.063853},
		{10, 1, 0.444444, 0.745356, 0.666667, 1.8, 0, 0.027893},
		{inf, 1, 0.5, 0.707107, 0.707107, 2, 0, 0},
	} {
		p := TEDM(e.nu)
		k := p.Preconditioning(0, e.sigma)
		require.InDeltaSlice(t, []float64{e.skip, e.out, e.in, e.weight, e.raw}, []float64{k.Skip, k.Out, k.In, k.Weight, k.Noise}, 6e-7, "%+v", e)
		p.ScaledTime = true
		require.InDelta(t, e.scaled, p.Preconditioning(0, e.sigma).Noise, 6e-7)
	}
}

// At ν = ∞ the coefficients are EDM's to the last bit, and channels have their
// own.
func TestPreconditioningLimits(t *testing.T) {
	for _, s := range []float64{0.002, 0.3, 80} {
		k, sd := (EDM{Nu: Nu{inf}}).Preconditioning(0, s), 0.5
		sum := float64(s*s) + float64(sd*sd)
		require.Equal(t, sd*sd/sum, k.Skip)
		require.Equal(t, s*sd/math.Sqrt(sum), k.Out)
		require.Equal(t, 1/math.Sqrt(sum), k.In)
		require.Equal(t, EDM{}.Preconditioning(0, s), k)
		p := EDM{Nu: Nu{20, 4}, SigmaData: []float64{1, 2}}
		require.Equal(t, EDM{Nu: Nu{4}, SigmaData: []float64{2}}.Preconditioning(0, s), p.Preconditioning(1, s))
		require.Equal(t, TEDM(20).Preconditioning(0, s), p.Preconditioning(0, s))
	}
}

func TestGoldenKarrasGrid(t *testing.T) {
	want := []float64{80, 57.585985, 40.785574, 28.374585, 19.352453, 12.910082, 8.400935, 5.315195, 3.256822, 1.92334, 1.088171,
		0.585348, 0.296442, 0.139516, 0.059947, 0.022935, 0.007528, 0.002, 0}
	require.InDeltaSlice(t, want, EDM{}.Sigmas(18), 6e-7)
	require.Equal(t, []float64{80, 0}, roundAll(EDM{}.Sigmas(1)))
}

func roundAll(x []float64) []float64 {
	for i, v := range x {
		x[i] = math.Round(v*1e9) / 1e9
	}
	return x
}

func TestGoldenLIM(t *testing.T) {
	var g struct {
		Steps []struct {
			Alpha, S, T float64
			GammaS      float64 `json:"gamma_s"`
			SigmaS      float64 `json:"sigma_s"`
			BetaS       float64 `json:"beta_s"`
			GammaT      float64 `json:"gamma_t"`
			X           float64 `json:"x_s"`
			Net         float64 `json:"net_output"`
			Noise       float64
			SDE         float64 `json:"sde_x_t"`
			ODE         float64 `json:"ode_x_t"`
		} `json:"lim_steps"`
	}
	data, err := os.ReadFile("../testdata/golden/dlpm_vectors.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &g))
	require.Len(t, g.Steps, 9)
	for _, e := range g.Steps {
		p := LIM{Alpha: e.Alpha}
		require.InEpsilon(t, e.GammaS, p.Gamma(e.S), 1e-11)
		require.InEpsilon(t, e.GammaT, p.Gamma(e.T), 1e-12)
		require.InEpsilon(t, e.SigmaS, p.Sigma(e.S), 1e-12)
		require.InEpsilon(t, e.BetaS, p.Beta(e.S), 1e-11)
		eps := e.Net / p.targetScale()
		apply := func(c Coef) float64 { return c.X*e.X + c.Eps*eps + c.Z*e.Noise }
		require.InEpsilon(t, e.SDE, apply(p.SDE(e.S, e.T)), 1e-10)
		require.InEpsilon(t, e.ODE, apply(p.ODE(e.S, e.T)), 1e-10)
	}
}

// Configurations go through JSON unchanged, infinities included.
func TestConfigurationsAsJSON(t *testing.T) {
	check := func(v, back any) {
		t.Helper()
		data, err := json.Marshal(v)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, back))
	}
	p := EDM{Nu: Nu{inf, 4.5}, SigmaData: []float64{1, 2}, ScaledTime: true, PMean: -1, PStd: 1.5}
	var q EDM
	check(p, &q)
	require.Equal(t, p, q)
	f := Flow{Nu: Nu{3}, Target: TargetVelocity, Mean: []float64{0.5}}
	var h Flow
	check(f, &h)
	require.Equal(t, f, h)
	l := LIM{Alpha: 1.7, Isotropic: true, Clamps: LIMClamps{Skewed: 20}}
	var m LIM
	check(l, &m)
	require.Equal(t, l, m)
	for _, bad := range []string{`3`, `["big"]`, `[true]`, `{`} {
		require.Error(t, json.Unmarshal([]byte(bad), &q.Nu), bad)
	}
}
