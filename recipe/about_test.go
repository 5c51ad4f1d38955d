package recipe

import (
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
)

func TestAbout(t *testing.T) {
	r, err := Preset("fashion")
	require.NoError(t, err)
	r.Data.Shape = []int{28, 28, 1}
	require.Equal(t, "x is x_t, x_t = γ̄_t·x_0 + σ̄_t·ε, and t is the level divided by the number of levels, 1000 in training. "+
		"y estimates ε, symmetric stable noise with α = 1.7 and E exp(iuε) = exp(−|u|^α), at α = 2 of variance 2. Images are in [−1, 1].", r.About())
	r.Process.IntegerTime, r.Process.InputScaling = true, true
	require.Contains(t, r.About(), "x is x_t/(1 + σ̄_t), x_t")
	require.Contains(t, r.About(), "t is the level, 0 to 999.")

	r, err = Preset("toy")
	require.NoError(t, err)
	r.Data.Shape, r.Data.Scaling = []int{2}, &Scaling{}
	for _, c := range []struct {
		kind string
		set  func()
		want string
	}{
		{LIM, func() { r.LIM.Alpha = 1.5 }, "ε is estimated by −α·y, α = 1.5. Points are scaled"},
		{LIM, func() { r.LIM.Alpha = 2 }, "ε is estimated by −1·y, α = 2."},
		{EDM, func() {}, "t is ln(σ)/4; the estimate of the data is D = σ_d²/(aσ²+σ_d²)·x_σ + √a·σ·σ_d/√(aσ²+σ_d²)·y, with a = 1 and σ_d = 0.5, one or one per channel. n is normal."},
		{TEDM, func() {
			r.EDM.Nu, r.EDM.SigmaData, r.EDM.ScaledTime = diffusion.Nu{4, 6}, []float64{1, 3}, true
		}, "t is ln(√a·σ)/4; the estimate of the data is D = σ_d²/(aσ²+σ_d²)·x_σ + √a·σ·σ_d/√(aσ²+σ_d²)·y, with a = 2 1.5 and σ_d = 1 3, one or one per channel. n is multivariate Student-t, ν = 4 6."},
		{Jump, func() { r.EDM.Jump.Share = 0.25 }, "with a = 1 and σ_d = 0.5, one or one per channel. n is √S·z, z normal and S = ρ + (1−ρ)·χ²(λ)/λ one for the whole sample, λ = 2 and ρ = 0.25."},
		{Flow, func() {}, "(1 − (1−0)·t)·n, n the noise and x_1 the data. y estimates the velocity dx_t/dt. n is normal."},
		{TFlow, func() { r.Flow.Target, r.Flow.SigmaMin = diffusion.TargetNoise, 0.1 }, "(1 − (1−0.1)·t)·n, n the noise and x_1 the data. y estimates n. n is multivariate Student-t, ν = 5."},
	} {
		require.NoError(t, r.Use(c.kind))
		c.set()
		require.Contains(t, r.About(), c.want)
	}

	require.NotContains(t, r.About(), "output holds")
	require.NoError(t, r.Use(EDM))
	r.Network.MLP.Spread = true
	require.Contains(t, r.About(), "n is normal. The output holds 2d values for the d of x: y, then h. (1 + |x|²/d)·(exp h + 1e-6) is")

	require.NotContains(t, r.About(), "cond")
	r.Data.Given = &Given{Select: []string{"a"}}
	require.Contains(t, r.About(), "cond are arsinh((value − center)/scale) of the conditions, data.given of the recipe.")
	r.Data.Transform = []Transform{{Kind: None}, {Kind: None}}
	require.NotContains(t, r.About(), "bent")
	r.Data.Transform = []Transform{{Kind: None}, {Kind: SoftLog}}
	require.Contains(t, r.About(), "of data.scaling in the recipe. What that leaves, v with the sign s, is bent as data.transform says of its column: softlog s·ln(1 + |v|).")
	r.Data.Scaling, r.Data.Transform = nil, []Transform{{Kind: TTF, Upper: 0.5}, {Kind: Asinh}}
	require.Contains(t, r.About(), "of its column: asinh arsinh v, ttf s·√2·erfc⁻¹(")
}
