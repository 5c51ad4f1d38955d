package experiment

import (
	"context"
	"math"

	"heavytail/diffusion"
	"heavytail/recipe"
	"heavytail/stable"
)

// Families of the field's other answers to heavy tails, in keys and tables: data that
// are bent until their tails are light, levels of training spread evenly, a start
// whose tail is a fitted law's.
const (
	softLogFlow   = "flow of logarithms (Log-FM)"
	ttfFlow       = "flow of TTF"
	asinhFlow     = "flow of arsinh"
	logUniformEDM = "EDM with log-uniform σ"
	fittedEDM     = "EDM from a fitted law"
)

var fieldFamilies = []string{softLogFlow, ttfFlow, asinhFlow, logUniformEDM, fittedEDM}

// fieldMethods are these answers as the recipe and the samplers offer them, with the
// network, the samples and the evaluations of the other methods.
func fieldMethods() (out []realMethod) {
	inf := math.Inf(1)
	for _, b := range []struct{ family, bend string }{{softLogFlow, recipe.SoftLog}, {ttfFlow, recipe.TTF}, {asinhFlow, recipe.Asinh}} {
		m := realFlow(tFlow, inf)
		m.family, m.bend = b.family, b.bend
		out = append(out, m)
	}
	even := lawMethod{edm: &diffusion.EDM{SigmaData: []float64{1}, LogUniform: true}}
	m := realEDM(logUniformEDM, inf)
	m.use = even.use
	fitted := realEDM(fittedEDM, inf)
	fitted.fitted = true
	return append(out, m, fitted)
}

// fromFitted draws from an EDM network by the same steps from σ = 1 down, each sample
// from a draw of Student's law fitted to the points x that the network was trained on.
func fromFitted(net diffusion.Denoiser, x []float32) (pointSampler, error) {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	fit, err := stable.FitStudent(wide)
	if err != nil {
		return nil, err
	}
	law, p := fit.Law(), diffusion.TEDM()
	den := p.Precondition(net)
	p.SigmaMax = 1
	return func(ctx context.Context, seeds []uint64) ([]float32, error) {
		start := make([]float32, len(seeds))
		for i, s := range seeds {
			var u [1]float64
			stable.Key{Seed: Seed(s, "fitted law")}.Uniform64(u[:], 0)
			start[i] = float32(law.Quantile(u[0]))
		}
		return diffusion.EDMSampler{Process: p, Steps: 64, Edit: &diffusion.Edit{Image: start, Strength: 0.999}}.Sample(ctx, den, seeds, 1)
	}, nil
}

// bendOf is the recipe's transform of the points x, once centred by the median and in
// units of half the interquartile range.
func (h split) bendOf(kind string) (recipe.Transform, error) {
	points := recipe.Points{Len: len(h.train), Dim: 1, Row: func(dst []float64, i int) { dst[0] = h.train[i] }, Name: func(int) string { return "x" }}
	scaling := recipe.Scaling{Kind: recipe.Robust, Center: []float64{h.median}, Scale: []float64{h.half}}
	t, _, err := recipe.MeasureTransform([]string{kind}, &scaling, points)
	if err != nil {
		return recipe.Transform{}, err
	}
	return t[0], nil
}
