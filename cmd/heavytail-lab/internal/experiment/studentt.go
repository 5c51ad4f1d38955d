package experiment

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// studentNu is ν of the toy.
const studentNu = 3

// studentTail returns the t with P(|x| > t) = p of the toy's law.
func studentTail(p float64) float64 {
	return stable.StudentT{Nu: studentNu, Scale: 1}.SurvivalQuantile(p / 2)
}

// fillStudent sets x to draws z/√κ of Student's law, κ ~ χ²(ν)/ν.
func fillStudent(x []float32, seed uint64) {
	var z [1]float32
	for i := range x {
		s := stable.Key{Seed: seed, Sample: uint64(i)}
		s.Normal(z[:], 0)
		x[i] = float32(float64(z[0]) / math.Sqrt(s.Kappa(studentNu, 0)))
	}
}

// fillFunnel sets the rows (v, x) to draws of Neal's funnel.
func fillFunnel(x []float32, seed uint64) {
	stable.Key{Seed: seed}.Normal(x, 0)
	for i := 0; i < len(x); i += 2 {
		v := 3 * float64(x[i])
		x[i], x[i+1] = float32(v), float32(dmath.Exp(v/2)*float64(x[i+1]))
	}
}
