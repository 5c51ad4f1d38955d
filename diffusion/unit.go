package diffusion

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A UnitNoise is the law of a process's noise n of d values at level 1: what a
// sampler starts from, but for the level. Densities of samples and the weights of
// rare events are made of it. The method UnitNoise of a process makes one; the zero
// value has no values, Dim 0, and no law. It is immutable: any number of goroutines may
// use one.
type UnitNoise struct {
	d          int
	draw       func(x []float64, key stable.Key)
	logDensity func(x []float64) float64
	index      []float64 // of every group
}

// Dim returns d.
func (u UnitNoise) Dim() int { return u.d }

// Draw sets x to the noise at key. It panics if x has not d values.
func (u UnitNoise) Draw(x []float64, key stable.Key) {
	u.check("Draw", x)
	u.draw(x, key)
}

// LogDensity returns the logarithm of the density of n at x. It panics if x has not d
// values.
func (u UnitNoise) LogDensity(x []float64) float64 {
	u.check("LogDensity", x)
	return u.logDensity(x)
}

func (u UnitNoise) check(name string, x []float64) {
	switch {
	case u.d == 0:
		panic("diffusion: UnitNoise." + name + " of the zero value: a process's UnitNoise makes one")
	case len(x) != u.d:
		panic(fmt.Sprintf("diffusion: UnitNoise.%s of %d values, by the law of %d", name, len(x), u.d))
	}
}

// TailIndices returns the index of the tails, P(|n| > r) ~ r^(−index), of every group
// of values that have one scale: ν of Student-t noise, α of stable noise, +Inf of
// Gaussian noise. Value j is in group j mod their number; groups are independent.
func (u UnitNoise) TailIndices() []float64 { return slices.Clone(u.index) }

// UnitNoise returns the law of n: Student's of every group of channels, with the
// groups independent, the standard normal law, or that of Jump. It panics if p is not
// valid, d is below 1 or the channels do not divide it.
func (p EDM) UnitNoise(d int) UnitNoise {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	checkDim(d)
	if p.Jump.on() {
		return p.Jump.unit(d)
	}
	return p.Nu.unit(d)
}

// UnitNoise returns the law of n, as EDM.UnitNoise does.
func (f Flow) UnitNoise(d int) UnitNoise {
	if err := f.Validate(); err != nil {
		panic(err)
	}
	checkDim(d)
	return f.Nu.unit(d)
}

// checkDim panics if there is no law of d values.
func checkDim(d int) {
	if d < 1 {
		panic(fmt.Sprintf("diffusion: UnitNoise of %d values: want 1 or more", d))
	}
}

func (nu Nu) unit(d int) UnitNoise {
	checkChannels("UnitNoise", nu.groups(), d)
	u := UnitNoise{d: d, draw: func(x []float64, key stable.Key) { nu.Noise(x, key, 1) }}
	G := nu.groups()
	for g := range G {
		u.index = append(u.index, nu.at(g))
	}
	u.logDensity = func(x []float64) float64 {
		sum := 0.0
		for g := range G {
			square := 0.0
			for j := g; j < d; j += G {
				square += float64(x[j] * x[j])
			}
			sum += studentLog(nu.at(g), square, float64(d/G))
		}
		return sum
	}
	return u
}

// studentLog returns the logarithm of the density of the multivariate t law of k
// dimensions and unit scale where |x|² is square:
//
//	Γ((ν+k)/2)/(Γ(ν/2)·(νπ)^{k/2})·(1+|x|²/ν)^{−(ν+k)/2}
func studentLog(nu, square, k float64) float64 {
	if math.IsInf(nu, 1) {
		return -0.5 * (square + float64(k*dmath.Log(2*math.Pi)))
	}
	top, low := dmath.LogGamma((nu+k)/2), dmath.LogGamma(nu/2)
	return top - low - float64(k/2*dmath.Log(nu*math.Pi)) - float64((nu+k)/2*dmath.Log1p(square/nu))
}

// UnitNoise returns the law of ε, the stable one without the bounds ClampA and
// ClampEps, whose law has no density where it is cut. It panics if p is not valid or d is below 1.
func (p DLPM) UnitNoise(d int) UnitNoise {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	checkDim(d)
	p.ClampA = 0
	return stableUnit(p.noise(), d)
}

// UnitNoise returns the law of ε, as DLPM.UnitNoise does, at α = 2 with the variance 1.
func (p LIM) UnitNoise(d int) UnitNoise {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	checkDim(d)
	if p.Alpha == 2 {
		return Nu{}.unit(d)
	}
	return stableUnit(p.noise(LIMClamps{}).Noise, d)
}

// stableUnit is noise without bounds on it.
func stableUnit(n stable.Noise, d int) UnitNoise {
	u := UnitNoise{d: d, index: []float64{n.Alpha}}
	if n.Alpha == 2 {
		u.index[0] = math.Inf(1)
	} else if !n.Isotropic {
		u.index = slices.Repeat(u.index, d)
	}
	u.draw = func(x []float64, key stable.Key) {
		e := make([]float32, len(x))
		n.Fill(e, key)
		for j, v := range e {
			x[j] = float64(v)
		}
	}
	if n.Isotropic && d > 1 && n.Alpha < 2 {
		law, err := stable.NewIsotropic(n.Alpha, d)
		if err != nil {
			panic(err) // α is above 1
		}
		u.logDensity = law.LogDensity
		return u
	}
	law, err := stable.NewTable(stable.Symmetric(n.Alpha))
	if err != nil {
		panic(err) // α is above 1
	}
	u.logDensity = func(x []float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += law.LogDensity(v)
		}
		return sum
	}
	return u
}
