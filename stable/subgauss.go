package stable

import (
	"fmt"
	"math"
)

// SubGaussian fills dst with isotropic α-stable vectors of d elements,
// X = √A·G with one A = 2K(α/2) to a vector and G ~ N(0, I), so that the
// characteristic function is exp(−|u|^α), |u| the Euclidean norm: at α = 2,
// N(0, 2I). Vector j is that of sample s.Sample + j, with the bits of
// Noise{Alpha: alpha, Isotropic: true}.Fill; so any cut of a batch into calls
// gives the same vectors. A is made in float64, and the normals are scaled as
// they are made: one pass over dst.
//
// For coordinates with the covariance ΣΣᵀ multiply each vector by Σ; the law is
// then exp(−|Σᵀu|^α).
func (s Key) SubGaussian(dst []float32, d int, alpha float64) {
	checkAlpha(alpha)
	if d < 1 || len(dst)%d != 0 {
		panic(fmt.Sprintf("stable: SubGaussian: %d values for vectors of %d", len(dst), d))
	}
	for j := range len(dst) / d {
		one := Key{Seed: s.Seed, Sample: s.Sample + uint64(j), Step: s.Step}
		one.normal(dst[j*d:(j+1)*d], 0, float32(math.Sqrt(one.Multiplier(alpha))))
	}
}
