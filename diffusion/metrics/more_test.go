package metrics

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/stable"
)

// TestMoments: exact values of a small sample, of affine images, and ratios.
func TestMoments(t *testing.T) {
	x := []float64{0, 0, 0, 4} // mean 1, m₂ 3, m₃ 6, m₄ 21
	require.InDelta(t, 6/math.Pow(3, 1.5), Skewness(x), 1e-15)
	require.InDelta(t, 21.0/9, Kurtosis(x), 1e-15)
	y := mapped(x, func(v float64) float64 { return 5 - 3*v })
	require.InDelta(t, -Skewness(x), Skewness(y), 1e-14)
	require.InDelta(t, Kurtosis(x), Kurtosis(y), 1e-14)
	require.InDelta(t, 2, SkewnessRatio(x, y), 1e-14)
	require.InDelta(t, 0, KurtosisRatio(x, y), 1e-14)
	z := []float64{-1, 1, -1, 1} // kurtosis 1
	require.InDelta(t, 1-9.0/21, KurtosisRatio(x, z), 1e-14)
	n := normals(1, 200000)
	require.InDelta(t, 3, Kurtosis(n), 4*math.Sqrt(24.0/200000))
	require.InDelta(t, 0, Skewness(n), 4*math.Sqrt(6.0/200000))
}

// TestTailError: Pareto quantiles, whose survival is known at every level.
func TestTailError(t *testing.T) {
	pareto := func(alpha float64) []float64 {
		x := make([]float64, 100000)
		for i := range x {
			x[i] = math.Pow(1-(float64(i)+0.5)/float64(len(x)), -1/alpha)
		}
		return x
	}
	inf := append(slices.Repeat([]float64{math.Inf(1)}, 10), 1, 2)
	require.True(t, math.IsNaN(TailError(inf, inf, Both)), "without a quantile there is no error of 0")
	a, b := pareto(2), pareto(3)
	// P_gen(X > t) = P_ref(X > t)^{3/2}: the error at level p is ½·|ln(1−p)|.
	want := 0.0
	for i := range 20 {
		want += 0.5 * -math.Log(0.05-float64(i)*0.049/19) / 20
	}
	require.InDelta(t, want, TailError(a, b, Right), 0.01)
	require.InDelta(t, 0, TailError(a, a, Right), 1e-12)
	neg := mapped(a, func(v float64) float64 { return -v })
	require.InDelta(t, TailError(a, b, Right), TailError(neg, mapped(b, func(v float64) float64 { return -v }), Left), 1e-12)
	require.InDelta(t, TailError(a, b, Right), TailError(neg, b, Both), 1e-12)
	// Nothing out there.
	want = 0
	for i := range 20 {
		want += (math.Log(0.05-float64(i)*0.049/19) - math.Log(1e-10)) / 20
	}
	require.InDelta(t, want, TailError(a, []float64{1}, Right), 0.01)

	h, err := HillIndex(a, Right)
	require.NoError(t, err)
	require.Equal(t, 5000, h.K)
	require.InDelta(t, 2, h.Hill, 0.01)
	h, err = HillIndex(neg, Left)
	require.NoError(t, err)
	require.InDelta(t, 2, h.Hill, 0.01)
	h, err = HillIndex(a[:100], Right)
	require.NoError(t, err)
	require.Equal(t, 20, h.K)
	_, err = HillIndex(a[:10], Right)
	require.Error(t, err)

	// The tail of a beyond its q-quantile t has the mean 2t, that of b 3t/2.
	q := 0.96
	ta, tb := math.Pow(1-q, -1.0/2), math.Pow(1-q, -1.0/3)
	require.InEpsilon(t, 2*ta-1.5*tb, TailWasserstein1(a, b, Right, q), 0.02)
	require.Zero(t, TailWasserstein1(a, a, Both, q))
}

// TestGlobalL1: for values that are not negative it is the Wasserstein
// distance, to the width of its grid.
func TestGlobalL1(t *testing.T) {
	x, y := mapped(normals(1, 5000), math.Abs), mapped(normals(2, 3000), func(v float64) float64 { return 1.5 * math.Abs(v) })
	require.InDelta(t, Wasserstein1(x, y), GlobalL1(x, y), 0.003)
	require.Zero(t, GlobalL1(x, x))
	require.True(t, math.IsNaN(GlobalL1(x, nil)))
	// Two points, by hand: the difference is 1 from 1 to 2, of 2000 points over
	// [0, 2]: those at k·2/1999 ≥ 1, the last counted half and equal to 0.
	require.InDelta(t, 999*2.0/1999, GlobalL1([]float64{1}, []float64{2}), 1e-12)
}

// TestCRPS: the definition, the normal law's closed form as a mean over
// ensembles of any size, and a single member.
func TestCRPS(t *testing.T) {
	x, y := []float64{3, -1, 4, 1.5}, 2.0
	want := 0.0
	for _, a := range x {
		want += math.Abs(a-y) / 4
		for _, b := range x {
			want -= math.Abs(a-b) / (2 * 4 * 3)
		}
	}
	require.InDelta(t, want, CRPS(x, y), 1e-14)
	require.Equal(t, 2.5, CRPS([]float64{-0.5}, 2))
	require.True(t, math.IsNaN(CRPS(nil, 1)))

	// For N(0,1) and y: y(2Φ(y)−1) + 2φ(y) − 1/√π.
	closed := y*math.Erf(y/math.Sqrt2) + 2*math.Exp(-y*y/2)/math.Sqrt(2*math.Pi) - 1/math.Sqrt(math.Pi)
	for _, m := range []int{2, 7} {
		const n = 20000
		e, sq := 0.0, 0.0
		all := normals(uint64(m), n*m)
		for i := range n {
			v := CRPS(all[i*m:(i+1)*m], y)
			e, sq = e+v/n, sq+v*v/n
		}
		require.InDelta(t, closed, e, 4*math.Sqrt((sq-e*e)/n), "m = %d: the fair estimator has no bias", m)
	}
}

// TestEnsemble: members and observations from one law have ratio 1.
func TestEnsemble(t *testing.T) {
	const n, m = 20000, 5
	centre, noise, own := normals(1, n), normals(2, n), normals(3, n*m)
	obs, members := make([]float64, n), make([]float64, n*m)
	for i := range n {
		obs[i] = centre[i] + 0.5*noise[i]
		for k := range m {
			members[i*m+k] = centre[i] + 0.5*own[i*m+k]
		}
	}
	s := Ensemble(members, m, obs)
	require.InDelta(t, 1, s.Ratio, 0.03)
	require.InDelta(t, 0.5, s.Spread, 0.01)
	require.InDelta(t, 0.5*math.Sqrt(1+1.0/m), s.RMSE, 0.01)
	require.InDelta(t, 0.5/math.Sqrt(math.Pi), s.CRPS, 0.01) // E|X−Y|/2 of its own law
	for i := range members {
		members[i] = centre[i/m] + (members[i]-centre[i/m])/2
	}
	require.Less(t, Ensemble(members, m, obs).Ratio, 0.6)
	require.Panics(t, func() { Ensemble(members, 4, obs) })
}

// TestBits pins bits of what everything else is made of: they must be the same
// on every processor.
func TestBits(t *testing.T) {
	x := make([]float32, 4000)
	stable.Key{Seed: 1}.Symmetric(x, 1.7, 0)
	y := make([]float32, 4000)
	stable.Key{Seed: 2}.Symmetric(y, 1.8, 0)
	a, b := widen(x), widen(y)
	abs := func(v []float64) []float64 { return mapped(v, math.Abs) }
	f, err := Frechet(Points(x, 4), Points(y, 4), 2)
	require.NoError(t, err)
	got := []float64{
		MSLE(abs(a), abs(b), 0.95).Integral, MSLELevels(abs(a), abs(b), 0.95), TailKS(a, b, Both, 0.9), Wasserstein1(a, b),
		Kurtosis(a), Skewness(a), TailError(a, b, Right), GlobalL1(abs(a), abs(b)), CRPS(a[:50], b[0]),
		PRD(x, y, 2, PRDOptions{Seed: 1}).F1, MMD(x[:1000], y[:1000], 2, 0), PRDC(x[:2000], y[:2000], 4, 5, 0).Density,
		SlicedWasserstein(x, y, 4, SlicedOptions{Directions: 10}), f.Value, KID(Points(x, 4), Points(y, 4), KIDOptions{Subsets: 2, Size: 200}).Value,
	}
	h := uint64(14695981039346656037) // FNV-1a
	for _, v := range got {
		for bits, i := math.Float64bits(v), 0; i < 8; i++ {
			h = (h ^ bits>>(8*i)&255) * 1099511628211
		}
	}
	require.Equal(t, uint64(0x85d784fb2e7c1039), h, "%v", got)
}
