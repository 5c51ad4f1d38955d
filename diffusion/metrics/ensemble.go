package metrics

import (
	"fmt"
	"math"
)

// CRPS returns the continuous ranked probability score of an ensemble of M
// members x for the observation y, by the fair estimator
//
//	(1/M)·Σ_i |x_i − y| − 1/(2M(M−1))·Σ_ij |x_i − x_j|
//
// whose mean is the score of the law that the members are drawn from, for any
// M ≥ 2. With one member it is |x − y|. Lower is better.
func CRPS(x []float64, y float64) float64 {
	s, ok := sorted(x)
	if !ok {
		return math.NaN()
	}
	m := float64(len(s))
	near, spread := 0.0, 0.0
	for i, v := range s {
		near += math.Abs(v - y)
		spread += float64((float64(2*i+1) - m) * v) // Σ_{i<j} (x_j − x_i)
	}
	if len(s) == 1 {
		return near
	}
	return near/m - spread/(m*(m-1))
}

// An EnsembleScore tells how good ensembles are as forecasts.
type EnsembleScore struct {
	CRPS   float64 // mean of the fair CRPS
	RMSE   float64 // of the ensemble means
	Spread float64 // √ of the mean unbiased variance within ensembles
	// Ratio is √((M+1)/M)·Spread/RMSE: 1 for members and observations from one
	// law, below 1 for ensembles that are too narrow.
	Ratio float64
}

// Ensemble scores one ensemble of m members for each observation: members is
// row-major [len(obs)][m]. It panics if the lengths do not fit.
func Ensemble(members []float64, m int, obs []float64) EnsembleScore {
	if m < 1 || len(obs) == 0 || len(members) != m*len(obs) {
		panic(fmt.Sprintf("metrics: Ensemble: %d members for %d observations, %d each", len(members), len(obs), m))
	}
	n := float64(len(obs))
	var s EnsembleScore
	var skill, variance float64
	for i, y := range obs {
		x := members[i*m : (i+1)*m]
		s.CRPS += CRPS(x, y) / n
		mean, v := 0.0, 0.0
		for _, u := range x {
			mean += u / float64(m)
		}
		for _, u := range x {
			v += float64((u-mean)*(u-mean)) / float64(m-1)
		}
		skill += float64((mean-y)*(mean-y)) / n
		variance += v / n
	}
	s.RMSE, s.Spread = math.Sqrt(skill), math.Sqrt(variance)
	s.Ratio = math.Sqrt(float64(m+1)/float64(m)) * s.Spread / s.RMSE
	return s
}
