package stable

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/simd"
)

// middleWords are the words whose float32 uniform of the angle is ½ on either
// side, 64 of 2^31 each, and next to them those where it is not.
func middleWords() (w []uint32) {
	for _, side := range []uint32{0, 1 << 31} {
		for k := range uint32(80) {
			w = append(w, side|(1<<31-1-k))
		}
	}
	return w
}

// TestNoZeros: where the uniform of the angle rounds to the middle, the variate
// is that of the distance 2^-27 from there, by the textbook formulas in float64:
// a law without an atom has no zeros, whose logarithm would be −Inf.
func TestNoZeros(t *testing.T) {
	const least = 0x1p-27
	type family struct {
		name string
		op   simd.NoiseOp
		q    simd.NoiseParams
		want func(e float64) float64 // |x|
	}
	families := []family{{"normal", simd.NoiseNormal, simd.NoiseParams{Scale: 1},
		func(e float64) float64 { return math.Sqrt(2*e) * math.Pi * least }}}
	for _, alpha := range []float64{0.3, 0.9, 1, 1.3, 1.7, 2} {
		// sin αU/(cos U)^(1/α)·(cos (1−α)U/E)^((1−α)/α) at U = π·2^-27.
		want := func(e float64) float64 { return alpha * math.Pi * least * math.Pow(e, (alpha-1)/alpha) }
		op, q := symmetricParams(alpha)
		families = append(families, family{fmt.Sprint("symmetric ", alpha), op, q, want})
		if alpha != 1 {
			families = append(families, family{fmt.Sprint("skewed ", alpha), simd.NoiseSkewed, skewedParams(alpha, 0, S1), want})
		}
	}
	var words []uint32
	for _, u := range middleWords() {
		for _, e := range []uint32{3, 0x12345678, 0xb504f333, 0xfffffff0} {
			words = append(words, u, e)
		}
	}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, f := range families {
			step := 1
			if f.op == simd.NoiseNormal {
				step = 2 // the second of a pair is a sine
			}
			x := make([]float32, step*len(words)/2)
			simd.NoiseOf(x, f.op, words, &f.q)
			for i := 0; i < len(words); i += 2 {
				v := float64(x[i/2*step])
				if half(words[i]) != 0.5 {
					require.Greater(t, math.Abs(v), 1.9*f.want(expo(words[i+1])), "%s: word %x", f.name, words[i])
					continue
				}
				near(t, f.want(expo(words[i+1])), math.Abs(v), 1e-6, f.name, words[i])
			}
		}
	})
}

// TestNoZerosTable: the word next to the middle, too, of a law's table.
func TestNoZerosTable(t *testing.T) {
	for _, l := range []Law{Symmetric(.5), Symmetric(1.7), Symmetric(2), {Alpha: 1.3, Beta: .5, Scale: 3, Param: S0}} {
		table := sampler(t, l).params
		split, met := table.Table.Split(), 0
		var words []uint32
		for k := range uint32(256) {
			words = append(words, split-1-k, split+k)
		}
		numtest.EachLevel(t, func(t *testing.T) {
			x := make([]float32, len(words))
			simd.NoiseOf(x, simd.NoiseTable, words, &table)
			for i, v := range x {
				require.NotZero(t, v, "%v: word %x", l, words[i])
				side, at := table.Table.Place(words[i])
				require.Equal(t, side == 1, v > 0, "%v: word %x", l, words[i])
				if at == 0.5 { // the distance from ½ is 2^-27; times 2·P(side) over the density
					p := l.CDF(0)
					if side == 1 {
						p = l.Survival(0)
					}
					near(t, 2*p*0x1p-27/l.Density(0), math.Abs(float64(v)), 2e-6, l, words[i])
					met++
				}
			}
		})
		if l.Beta == 0 {
			require.Positive(t, met)
		}
	}
}

// TestNoiseIsHeld: noise beyond float32 is the largest number, never Inf or NaN, and
// below it the smallest.
func TestNoiseIsHeld(t *testing.T) {
	x := make([]float32, 64)
	met, least := 0, 0
	for i := range 200 {
		s := Key{Seed: 9, Sample: uint64(i)}
		for k, fill := range []func(){
			func() { Noise{Alpha: 0.02, Isotropic: true}.Fill(x, s) },
			func() { Noise{Alpha: 0.02}.Fill(x, s) },
			func() { s.SubGaussian(x, 64, 0.02) },
			func() { s.Symmetric(x, 0.02, 0) },
			func() { Noise{Alpha: 0.004, Isotropic: true}.Fill(x, s) },
			func() { Noise{Alpha: 0.004}.Fill(x, s) },
			func() { s.SubGaussian(x, 64, 0.004) },
		} {
			fill()
			for _, v := range x {
				require.NotZero(t, v, k)
				if math.Abs(float64(v)) == math.SmallestNonzeroFloat32 {
					least++
				}
				require.LessOrEqual(t, math.Abs(float64(v)), math.MaxFloat32, k) // NaN fails
				if math.Abs(float64(v)) == math.MaxFloat32 {
					met++
				}
			}
		}
	}
	require.Positive(t, min(met, least))
}

// TestSamplerBitsNearOne: rows fitted through points next to X = 0, which lies
// amid these laws, keep the bits of version 0.1.0.
func TestSamplerBitsNearOne(t *testing.T) {
	x := make([]float32, 4096)
	for param, want := range map[Param]uint64{S0: 0xab47003c5d8d760d, S1: 0x94b8b97a553dbce2} {
		s, err := NewSampler(Law{1.05, .1, 1, 0, param})
		require.NoError(t, err)
		s.Fill(x, Key{Seed: 3}, 0)
		require.Equal(t, want, hash32(x))
	}
}

// TestNoZeroOfShift: where the shift of S0 cancels all of a variate, in float32,
// it is a quarter of the spacing of numbers at the shift, of either sign.
func TestNoZeroOfShift(t *testing.T) {
	zeta := math.Abs(.5 * math.Tan(math.Pi*1.7/2))
	want := math.Ldexp(0.25, math.Ilogb(zeta)-23)
	for _, at := range []int{382882094, 401555048, 422657203} {
		numtest.EachLevel(t, func(t *testing.T) {
			x := make([]float32, 129)
			Key{Seed: 1}.Skewed(x, 1.7, .5, S0, at-64)
			require.Equal(t, want, math.Abs(float64(x[64])))
		})
	}
}

// TestNoUnderflow: what leaves float32 below is its smallest number, with the sign
// of the angle: the largest exponential variates, next to the middle of the angles,
// for indices so small that the power is 0.
func TestNoUnderflow(t *testing.T) {
	root, rootParams := positiveParams(1e-16, Root)
	value, valueParams := positiveParams(1e-8, Value)
	symmetric, symmetricLaw := symmetricParams(.02)
	words := make([]uint32, 4*64) // 64 blocks, two groups
	for i := 0; i < len(words); i += 2 {
		words[i], words[i+1] = uint32(i&2)<<30|(1<<31-1), 3
	}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, f := range []struct {
			op simd.NoiseOp
			q  simd.NoiseParams
		}{{symmetric, symmetricLaw}, {simd.NoiseSkewed, skewedParams(.02, 0, S1)}, {root, rootParams}, {value, valueParams}} {
			x := make([]float32, len(words)/2)
			simd.NoiseOf(x, f.op, words, &f.q)
			for i, v := range x {
				want := math.SmallestNonzeroFloat32
				if i%2 == 1 && (f.op == symmetric || f.op == simd.NoiseSkewed) {
					want = -want
				}
				require.Equal(t, want, float64(v), "%v %v", f.op, i)
			}
		}
	})
}

// TestGammaNotZero: gamma variates below float64 are its smallest number, in every
// method; LogGamma says how far below.
func TestGammaNotZero(t *testing.T) {
	const n = 1 << 11
	shape, met := .005, 0
	x, chi, kappa := make([]float64, n), make([]float64, n), make([]float64, n)
	s := Key{Seed: 3}
	numtest.EachLevel(t, func(t *testing.T) {
		s.GammaFill(x, shape, 0)
		s.ChiSquareFill(chi, 2*shape, 0)
		s.KappaFill(kappa, 2*shape, 0)
		for i, v := range x {
			require.Positive(t, v)
			require.Equal(t, [3]float64{s.Gamma(shape, i), s.ChiSquare(2*shape, i), s.Kappa(2*shape, i)}, [3]float64{v, chi[i], kappa[i]})
			if s.LogGamma(shape, i) < -745.2 {
				require.Equal(t, math.SmallestNonzeroFloat64, v)
				met++
			}
		}
	})
	require.Greater(t, met, 10)
}

// TestVectorsNotZero: coordinates of laws of several dimensions are not 0 where
// their terms cancel, but for a coordinate that is constant.
func TestVectorsNotZero(t *testing.T) {
	p := newPlanes(2, 3, []float32{1, .5, -2, 0, 0, 0}, []float64{0, 3, 0})
	const n = 40
	y, x := make([]float32, 3*planeRows), make([]float32, 3*n)
	for i := range n {
		y[i], y[planeRows+i] = 0, -3
	}
	p.scatter(x, y, n, 5)
	for i := range n {
		sign := float64(1 - (i+5)%2*2)
		require.Equal(t, sign*0x1p-25, float64(x[3*i]))
		require.Equal(t, sign*0x1p-24, float64(x[3*i+1]))
		require.Zero(t, x[3*i+2])
	}
}
