package stable

// A Param names Nolan's parametrisation of a stable law. With ζ = β tan(πα/2),
// unit scale and α ≠ 1, X0 = X1 − ζ. S0 is continuous in α at 1, S1 is not.
type Param uint8

// The parametrisations.
const (
	S0 Param = iota
	S1
)

// Symmetric sets dst[i] to variate off+i of the symmetric α-stable law with
// characteristic function exp(−|t|^α), 0 < α ≤ 2 (Chambers, Mallows and Stuck
// 1976). At α = 2 it is N(0, 2), at α = 1 Cauchy. Given the float32 uniform of
// the angle, the error is relative: at most 6e-7 for any words, and 4e-7 for α ≥ 0.8.
// Values beyond the largest float32 become it (α = 0.5: once in 10^19, α = 0.1:
// once in 10^4). None is 0, so that logarithms are numbers: where the uniform of
// the angle rounds to its middle, once in 2^25, the variate is that of the middle
// of what rounds there. (Below α = 0.06 variates can be below float32: these are
// 0 for the nearest number.)
func (s Key) Symmetric(dst []float32, alpha float64, off int) {
	s.Fill(dst, SymmetricFamily(alpha), off)
}
