package bench

import (
	"fmt"

	"heavytail/stable"
	"heavytail/tensor"
)

// noiseRounds buffers of noiseBuffer values are filled in one timed run, long
// enough for the clock; a buffer stays in the cache of the core.
const (
	noiseBuffer = 1 << 13
	noiseRounds = 64
)

// A NoiseDevice is a device that makes variates, with the bits of stable.Key: a GPU.
type NoiseDevice interface {
	tensor.Device
	// Noise fills dst with the variates off, off+1, … of f under the key s.
	Noise(dst *tensor.Tensor, s stable.Key, f stable.Family, off int)
	// StableNoise fills the rows of dst with noise n, as n.Fill does.
	StableNoise(dst *tensor.Tensor, s stable.Key, n stable.Noise)
}

// gpuNoise is how many values a GPU makes in one timed run: 256 MiB, far more than
// its caches hold.
const gpuNoise = 1 << 26

// gpuNoiseCases times the samplers of float32 on a GPU, which keeps the n values.
func gpuNoiseCases(dev NoiseDevice, n int) ([]Case, error) {
	table, err := stable.NewSampler(stable.Symmetric(1.7))
	if err != nil {
		return nil, err
	}
	s, dst := stable.Key{Seed: 1}, dev.New(n/4096, 4096)
	var out []Case
	add := func(name string, run func()) {
		out = append(out, Case{name: name, items: float64(dst.Len()) / 1e6, unit: "million variates", run: run})
	}
	for _, c := range []struct {
		name   string
		family stable.Family
	}{
		{"uniform", stable.UniformFamily()}, {"exponential", stable.ExponentialFamily()}, {"normal", stable.NormalFamily(1)},
		{"symmetric stable, α 0.85", stable.SymmetricFamily(0.85)}, {"symmetric stable, α 1.7", stable.SymmetricFamily(1.7)},
		{"skewed stable, α 1.5 β 0.5", stable.SkewedFamily(1.5, 0.5, stable.S1)},
		{"skewed stable near 1 (by float64)", stable.SkewedFamily(1, 0.5, stable.S0)},
		{"positive stable, a 0.85", stable.PositiveFamily(0.85, stable.Value)},
		{"root of positive stable, a 0.85", stable.PositiveFamily(0.85, stable.Root)},
		{"log of positive stable, a 0.85", stable.PositiveFamily(0.85, stable.Log)},
		{"table, α 1.7 β 0", table.Family()},
	} {
		add(c.name, func() { dev.Noise(dst, s, c.family, 0) })
	}
	add("isotropic stable, α 1.7", func() { dev.StableNoise(dst, s, stable.Noise{Alpha: 1.7, Isotropic: true}) })
	return out, nil
}

// noiseCases times every sampler of the package stable on one thread, or those of a
// GPU.
func noiseCases(o Options) ([]Case, error) {
	if o.gpu() {
		dev, ok := o.Device.(NoiseDevice)
		if !ok {
			return nil, fmt.Errorf("bench: %s makes no noise", o.Device.Name())
		}
		return gpuNoiseCases(dev, gpuNoise)
	}
	if o.Threads != 1 {
		return nil, fmt.Errorf("bench: %d threads: noise and law are timed on one", o.Threads)
	}
	s := stable.Key{Seed: 1}
	words, f32, f64 := make([]uint32, noiseBuffer), make([]float32, noiseBuffer), make([]float64, noiseBuffer)
	iso := stable.Noise{Alpha: 1.7, Isotropic: true}
	var out []Case
	add := func(name string, fill func(off int)) {
		out = append(out, Case{name: name, items: noiseBuffer * noiseRounds / 1e6, unit: "million variates", run: func() {
			for i := range noiseRounds {
				fill(i * noiseBuffer)
			}
		}})
	}
	add("Philox4x32-10 words", func(off int) { s.Uint32(words, off) })
	add("uniform", func(off int) { s.Uniform(f32, off) })
	add("exponential", func(off int) { s.Exponential(f32, off) })
	add("normal", func(off int) { s.Normal(f32, off) })
	for _, alpha := range []float64{0.85, 1.7} {
		add(fmt.Sprintf("symmetric stable, α %v", alpha), func(off int) { s.Symmetric(f32, alpha, off) })
	}
	add("skewed stable, α 1.5 β 0.5", func(off int) { s.Skewed(f32, 1.5, 0.5, stable.S1, off) })
	add("skewed stable near 1 (by float64)", func(off int) { s.Skewed(f32, 1, 0.5, stable.S0, off) })
	add("positive stable, a 0.85", func(off int) { s.Positive(f32, 0.85, stable.Value, off) })
	add("root of positive stable, a 0.85", func(off int) { s.Positive(f32, 0.85, stable.Root, off) })
	add("log of positive stable, a 0.85", func(off int) { s.Positive(f32, 0.85, stable.Log, off) })
	for _, l := range []stable.Law{stable.Symmetric(1.7), {Alpha: 1.5, Beta: 0.5, Scale: 1, Param: stable.S0}} {
		t, err := stable.NewSampler(l)
		if err != nil {
			return nil, err
		}
		add(fmt.Sprintf("table, α %v β %v", l.Alpha, l.Beta), func(off int) { t.Fill(f32, s, off) })
	}
	add("isotropic stable, α 1.7", func(int) { iso.Fill(f32, s) })
	add("uniform, float64", func(off int) { s.Uniform64(f64, off) })
	add("exponential, float64", func(off int) { s.Exponential64(f64, off) })
	add("normal, float64", func(off int) { s.Normal64(f64, off) })
	add("symmetric stable, α 1.7, float64", func(off int) { s.Symmetric64(f64, 1.7, off) })
	add("skewed stable, α 1.5 β 0.5, float64", func(off int) { s.Skewed64(f64, 1.5, 0.5, stable.S1, off) })
	add("skewed stable near 1, α 1 β 0.5, float64", func(off int) { s.Skewed64(f64, 1, 0.5, stable.S0, off) })
	add("Student-t, ν 3, float64", func(off int) { s.StudentT(f64, 3, off) })
	for _, nu := range []float64{0.5, 3, 3077} {
		add(fmt.Sprintf("κ = χ²(ν)/ν, ν %v, float64", nu), func(off int) { s.KappaFill(f64, nu, off) })
	}
	return out, nil
}

// lawCases times densities, quantiles, tables and estimators on one thread.
func lawCases(o Options) ([]Case, error) {
	if o.Threads != 1 {
		return nil, fmt.Errorf("bench: %d threads: noise and law are timed on one", o.Threads)
	}
	x, sum := make([]float64, 1_000_000), 0.0
	stable.Key{Seed: 1}.Symmetric64(x, 1.7, 0)
	var out []Case
	add := func(name, unit string, items float64, run func()) {
		out = append(out, Case{name: name, items: items, unit: unit, run: run})
	}
	for _, l := range []stable.Law{stable.Symmetric(1.7), stable.Symmetric(1), {Alpha: 0.99, Beta: 0.5, Scale: 1, Param: stable.S0},
		{Alpha: 0.5, Beta: 1, Scale: 1, Param: stable.S1}} {
		name := fmt.Sprintf("α %v β %v", l.Alpha, l.Beta)
		add("density, "+name, "densities", 2000, func() {
			for _, v := range x[:2000] {
				sum += l.Density(v)
			}
		})
		add("quantile, "+name, "quantiles", 500, func() {
			for i := range 500 {
				sum += l.Quantile((float64(i) + 0.5) / 500)
			}
		})
	}
	tab, err := stable.NewTable(stable.Symmetric(1.7))
	if err != nil {
		return nil, err
	}
	add("density from a table", "densities", 100_000, func() {
		for _, v := range x[:100_000] {
			sum += tab.Density(v)
		}
	})
	alpha := 1.5 // a new law every time: samplers are remembered
	add("table of a symmetric law", "", 0, func() { alpha += 1e-6; must(stable.NewTable(stable.Symmetric(alpha))) })
	add("sampler of a symmetric law", "", 0, func() { alpha += 1e-6; must(stable.NewSampler(stable.Symmetric(alpha))) })
	add("Kogon-Williams, 10^6 values", "values", 1e6, func() { must(stable.KogonWilliams(x)) })
	add("McCulloch, 10^6 values", "values", 1e6, func() { must(stable.McCulloch(x)) })
	add("maximum likelihood, 10^5 values", "values", 1e5, func() { must(stable.FitStable(x[:100_000], stable.FitOptions{})) })
	add("Student-t likelihood, 10^5 values", "values", 1e5, func() { must(stable.FitStudent(x[:100_000])) })
	return out, nil
}

// must panics: the benchmark's own data fit what it times.
func must[T any](_ T, err error) {
	if err != nil {
		panic("bench: " + err.Error())
	}
}
