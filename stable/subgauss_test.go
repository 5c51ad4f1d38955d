package stable

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// TestSubGaussian: the vectors are those of Noise, sample by sample, at every
// level, and nothing is allocated.
func TestSubGaussian(t *testing.T) {
	s := Key{Seed: 3, Sample: 70, Step: 2}
	for _, alpha := range []float64{0.5, 1.3, 2} {
		for _, d := range []int{1, 2, 3, 128, 130, 784} {
			want := make([]float32, 7*d)
			for j := range 7 {
				Noise{Alpha: alpha, Isotropic: true}.Fill(want[j*d:(j+1)*d], Key{Seed: 3, Sample: 70 + uint64(j), Step: 2})
			}
			numtest.EachLevel(t, func(t *testing.T) {
				got := numtest.Guarded(t, 7*d, d%2 == 0)
				s.SubGaussian(got, d, alpha)
				numtest.SameBits(t, want, got, "vectors")
				require.Zero(t, testing.AllocsPerRun(3, func() { s.SubGaussian(got, d, alpha) }))
			})
		}
	}
	x := make([]float32, 6)
	require.NotPanics(t, func() { s.SubGaussian(nil, 5, 1.5) })
	require.Panics(t, func() { s.SubGaussian(x, 4, 1.5) })
	require.Panics(t, func() { s.SubGaussian(x, 0, 1.5) })
	require.Panics(t, func() { s.SubGaussian(x, 2, 2.5) })
	require.Panics(t, func() { Key{Sample: 1<<56 - 1}.SubGaussian(x, 3, 1.5) })
}

// TestSubGaussianLaw: any direction has the characteristic function
// exp(−|u|^α).
func TestSubGaussianLaw(t *testing.T) {
	const d = 3
	n := count(t) / 16
	x := make([]float32, n*d)
	for _, alpha := range []float64{0.8, 1.7} {
		Key{Seed: 44}.SubGaussian(x, d, alpha)
		for _, u := range [][d]float64{{1, 0, 0}, {0, 0.6, 0.8}, {-2. / 3, 1. / 3, 2. / 3}} {
			y := make([]float64, n)
			for i := range y {
				for k := range d {
					y[i] += u[k] * float64(x[i*d+k])
				}
				y[i] = math.Cos(y[i])
			}
			zTest(t, "cf", y, math.Exp(-1))
		}
	}
}

func BenchmarkSubGaussian(b *testing.B) {
	x := make([]float32, 4*3072)
	for _, l := range isa.Available() {
		b.Run(l.String(), func(b *testing.B) {
			defer isa.Force(l)()
			for b.Loop() {
				Key{Seed: 1}.SubGaussian(x, 3072, 1.7)
			}
			b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}
