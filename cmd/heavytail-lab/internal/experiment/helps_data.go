package experiment

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// A copula makes the dependence of the elements of a point. Its scores have a law that
// is symmetric and the same for all elements; a marginalMap turns them into elements.
type copula struct {
	name  string
	score func(x float64) float64 // P(score > x) for x ≥ 0
	top   float64                 // no score of a draw is farther out
	// fill sets the rows of s, of d scores each, to independent draws.
	fill func(s []float64, d int, seed uint64)
}

// helpsCorrelation is that of the normal scores of any two elements.
const helpsCorrelation = 0.5

const (
	studentCopulaNu = 3
	claytonTheta    = 2
)

// helpsCopulas: Gaussian has no dependence in the tails; that of Student's law, with
// the same correlation, has λ = 2·T_4(−√(4·(1−½)/(1+½))) = 0.31 in both of them;
// Clayton's has λ = 2^{−1/θ} = 0.71 in the lower tail and none in the upper.
var helpsCopulas = []copula{
	{"student", stable.StudentT{Nu: studentCopulaNu, Scale: 1}.Survival, 1e6, func(s []float64, d int, seed uint64) {
		fillCorrelated(s, d, seed)
		key := stable.Key{Seed: Seed(seed, "scale")}
		kappa := make([]float64, len(s)/d)
		key.KappaFill(kappa, studentCopulaNu, 0)
		for i := range s {
			s[i] /= math.Sqrt(kappa[i/d])
		}
	}},
	{"gaussian", normalSide{}.Survival, 9, fillCorrelated},
	{"clayton", logisticSide, 42, fillClayton},
}

// A side is one half of a law that is symmetric about 0.
type side interface {
	Survival(x float64) float64         // P(X > x), x ≥ 0
	SurvivalQuantile(q float64) float64 // x with P(X > x) = q, q ≤ ½
	Density(x float64) float64
}

// normalSide is N(0, 1)'s.
type normalSide struct{}

func (normalSide) Survival(x float64) float64 { return dmath.Exp(dmath.LogErfc(x/math.Sqrt2)) / 2 }

func (normalSide) SurvivalQuantile(q float64) float64 {
	return math.Sqrt2 * dmath.LogErfcInv(min(dmath.Log(2*q), 0))
}

func (normalSide) Density(x float64) float64 {
	return dmath.Exp(-float64(x*x)/2) / math.Sqrt(2*math.Pi)
}

// sideOf is the law of every element: Student's of that index, or N(0, 1).
func sideOf(index float64) side {
	if math.IsInf(index, 1) {
		return normalSide{}
	}
	return stable.StudentT{Nu: index, Scale: 1}
}

// upperMean is E[X | X > x]: (ν+x²)/(ν−1)·f(x)/P(X > x) of Student's law, f(x)/P(X > x)
// of N(0, 1).
func upperMean(index, x float64) float64 {
	law := sideOf(index)
	m := law.Density(x) / law.Survival(x)
	if !math.IsInf(index, 1) {
		m *= (index + float64(x*x)) / (index - 1)
	}
	return m
}

// fillCorrelated sets rows of s to normal variates √ρ·z_0 + √(1−ρ)·z_i.
func fillCorrelated(s []float64, d int, seed uint64) {
	stable.Key{Seed: Seed(seed, "elements")}.Normal64(s, 0)
	common := make([]float64, len(s)/d)
	stable.Key{Seed: Seed(seed, "common")}.Normal64(common, 0)
	a, b := math.Sqrt(helpsCorrelation), math.Sqrt(1-helpsCorrelation)
	for i, z := range s {
		s[i] = float64(a*common[i/d]) + float64(b*z)
	}
}

// fillClayton sets rows of s to ln(u/(1−u)) of Clayton's copula, u = (1+e/v)^{−1/θ}
// with exponential e and v of the gamma law of shape 1/θ (Marshall and Olkin 1988).
func fillClayton(s []float64, d int, seed uint64) {
	stable.Key{Seed: Seed(seed, "elements")}.Exponential64(s, 0)
	v := make([]float64, len(s)/d)
	stable.Key{Seed: Seed(seed, "common")}.GammaFill(v, 1/float64(claytonTheta), 0)
	for i, e := range s {
		// 1/u − 1 without cancellation
		s[i] = max(-42, min(-dmath.Log(dmath.Expm1(dmath.Log1p(e/v[i/d])/claytonTheta)), 42))
	}
}

// A marginalMap is x(s), increasing and odd, that turns scores into elements: a table
// of arsinh x by arsinh |s|, which are nearly linear in each other far out, with
// straight lines between its places.
type marginalMap struct {
	step  float64
	table []float64
}

// marginalPlaces makes the map right to 1e-5 (TestMarginals).
const marginalPlaces = 4096

func newMarginalMap(score func(float64) float64, top float64, law side) *marginalMap {
	m := &marginalMap{step: arsinh(top) / (marginalPlaces - 1), table: make([]float64, marginalPlaces)}
	for k := 1; k < len(m.table); k++ {
		s := sinh(float64(k) * m.step)
		m.table[k] = arsinh(law.SurvivalQuantile(score(s)))
	}
	return m
}

// at returns x(s).
func (m *marginalMap) at(s float64) float64 {
	u := min(arsinh(math.Abs(s))/m.step, float64(len(m.table)-1))
	k := min(int(u), len(m.table)-2)
	y := m.table[k] + float64((u-float64(k))*(m.table[k+1]-m.table[k]))
	return math.Copysign(sinh(y), s)
}

func arsinh(a float64) float64 { return dmath.Log(a + math.Sqrt(float64(a*a)+1)) }

func sinh(y float64) float64 { return dmath.Expm1(y) / 2 * (1 + dmath.Exp(-y)) }

// A helpsCell is a law: a copula, a dimension and the index of every element's
// Student law, ∞ for a normal one.
type helpsCell struct {
	copula copula
	d      int
	index  float64
	to     *marginalMap
}

func newHelpsCell(c copula, d int, index float64) *helpsCell {
	return &helpsCell{c, d, index, newMarginalMap(c.score, c.top, sideOf(index))}
}

// draw returns n points.
func (c *helpsCell) draw(n int, seed uint64) []float64 {
	x := make([]float64, n*c.d)
	c.copula.fill(x, c.d, seed)
	for i, s := range x {
		x[i] = c.to.at(s)
	}
	return x
}

// logisticSide is P(ln(u/(1−u)) > x), u uniform.
func logisticSide(x float64) float64 { return 1 / (1 + dmath.Exp(x)) }
