package recipe

import (
	"fmt"
	"slices"
	"strings"

	"heavytail/diffusion"
)

// About says for who computes the network elsewhere, from an ONNX model, what its
// inputs x and t are and what the process makes of its output y, with the numbers of
// this recipe. The formulas are those of package diffusion.
func (r Recipe) About() string {
	var text string
	switch {
	case r.LIM != nil:
		text = fmt.Sprintf("x is x_t = γ(t)·x_0 + σ(t)·ε, t from 0 (data) to 1. ε is estimated by %s·y, α = %v.", map[bool]string{true: "−1", false: "−α"}[r.LIM.Alpha == 2], r.LIM.Alpha)
	case r.EDM != nil:
		text = r.aboutEDM()
	case r.Flow != nil:
		text = fmt.Sprintf("x is x_t = t·x_1 + (1 − (1−%v)·t)·n, n the noise and x_1 the data. y estimates %s. n is %s.", r.Flow.SigmaMin,
			map[string]string{"noise": "n", "velocity": "the velocity dx_t/dt", "data": "x_1"}[string(r.Flow.Target)], student(r.Flow.Nu))
	default:
		text = r.aboutDLPM()
	}
	if r.Spread() {
		text += " The output holds 2d values for the d of x: y, then h. (1 + |x|²/d)·(exp h + 1e-6) is the variance of what y is the mean of, given x."
	}
	text += r.aboutUnits()
	if r.Data.Given != nil {
		text += " cond are arsinh((value − center)/scale) of the conditions, data.given of the recipe."
	}
	return text
}

func (r Recipe) aboutDLPM() string {
	p := r.Process
	if p.Scale == diffusion.Given {
		return aboutBetas(p)
	}
	time := fmt.Sprintf("t is the level divided by the number of levels, %d in training", p.Steps)
	if p.IntegerTime {
		time = fmt.Sprintf("t is the level, 0 to %d", p.Steps-1)
	}
	x := "x is x_t"
	if p.InputScaling {
		x = "x is x_t/(1 + σ̄_t)"
	}
	return fmt.Sprintf("%s, x_t = γ̄_t·x_0 + σ̄_t·ε, and %s. y estimates ε, symmetric stable noise with α = %v and E exp(iuε) = exp(−|u|^α), at α = 2 of variance 2.", x, time, p.Alpha)
}

// aboutBetas is aboutDLPM of a model of diffusers.
func aboutBetas(p diffusion.DLPM) string {
	y := map[string]string{"epsilon": "n", "sample": "x_0", "v_prediction": "√ᾱ_t·n − √(1−ᾱ_t)·x_0"}[p.Betas.Prediction]
	levels := "ᾱ_t a squared cosine (squaredcos_cap_v2)"
	if p.Betas.End != 0 {
		levels = fmt.Sprintf("ᾱ_t the product of 1 − β up to t, the %d β %s from %v to %v", p.Steps-1, p.Betas.Schedule, p.Betas.Start, p.Betas.End)
	}
	return fmt.Sprintf("x is x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·n, n normal of variance 1, and t is the level, 0 to %d, with %s. y estimates %s.", p.Steps-2, levels, y)
}

// aboutEDM tells the preconditioning, which is not in the network.
func (r Recipe) aboutEDM() string {
	var a []string
	for i := range max(1, len(r.EDM.Nu)) {
		a = append(a, fmt.Sprint(r.EDM.Nu.Inflation(i)))
	}
	data := []float64{0.5}
	if len(r.EDM.SigmaData) > 0 {
		data = r.EDM.SigmaData
	}
	level := "ln(σ)/4"
	if r.EDM.ScaledTime {
		level = "ln(√a·σ)/4"
	}
	return fmt.Sprintf("For x_σ = x_0 + σ·n the network's x is x_σ/√(aσ²+σ_d²) and t is %s; "+
		"the estimate of the data is D = σ_d²/(aσ²+σ_d²)·x_σ + √a·σ·σ_d/√(aσ²+σ_d²)·y, with a = %s and σ_d = %s, one or one per channel. n is %s.",
		level, strings.Join(a, " "), strings.Trim(fmt.Sprint(data), "[]"), r.aboutNoise())
}

// aboutNoise names the noise of EDM.
func (r Recipe) aboutNoise() string {
	if r.Kind() != Jump {
		return student(r.EDM.Nu)
	}
	return fmt.Sprintf("√S·z, z normal and S = ρ + (1−ρ)·χ²(λ)/λ one for the whole sample, λ = %v and ρ = %v", r.EDM.Jump.Rate, r.EDM.Jump.Share)
}

// student names the noise with so many degrees of freedom.
func student(nu []float64) string {
	if kindOf(nu, "", TEDM) == "" {
		return "normal"
	}
	return "multivariate Student-t, ν = " + strings.Trim(fmt.Sprint(nu), "[]")
}

func (r Recipe) aboutUnits() string {
	if len(r.Data.Shape) == 3 {
		return " Images are in [−1, 1]."
	}
	text := ""
	if r.Data.Scaling != nil {
		text = " Points are scaled: (value − center)/scale of data.scaling in the recipe."
	}
	formulas := map[string]string{
		SoftLog: "s·ln(1 + |v|)",
		Asinh:   "arsinh v",
		TTF:     "s·√2·erfc⁻¹((1 + λ|v|)^(−1/λ)) with λ = lower below 0 and upper above, erfc⁻¹(e^(−|v|)) where that is 0",
	}
	var kinds []string
	for _, kind := range Transforms() {
		has := func(t Transform) bool { return t.Kind == kind }
		if kind != None && slices.ContainsFunc(r.Data.Transform, has) {
			kinds = append(kinds, kind+" "+formulas[kind])
		}
	}
	if kinds != nil {
		text += " What that leaves, v with the sign s, is bent as data.transform says of its column: " + strings.Join(kinds, ", ") + "."
	}
	return text
}
