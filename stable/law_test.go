package stable

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// reference holds points of S0 with unit scale: density and distribution, from the
// Zolotarev integral in 32 digits, confirmed by Fourier inversion.
var reference = []struct{ alpha, beta, x, pdf, cdf float64 }{
	{0.3, 0, 1, 0.05339587124466317, 0.7134940040788855},
	{0.5, 0, 0.5, 0.17076240172520622, 0.66869044999924192},
	{0.5, 1, 1.0, 0.1098478223669306, 0.47950012218695346},
	{0.5, 0.5, -1, 0.062843501081163179, 0.14166171608432619},
	{0.75, 0, 2, 0.052586723265676983, 0.82294728620916053},
	{0.75, 1, 0, 0.25246024527752432, 0.33960696881851668},
	{0.85, 1, 5, 0.02786228670043487, 0.81689088178811672},
	{0.85, -0.5, 1, 0.14977654303482633, 0.84629848099658596},
	{0.95, 0.5, 0.3, 0.25151600961447944, 0.51779920282811657},
	{0.99, 0.5, 1, 0.15897126352392696, 0.66248188171335431},
	{1, 0.5, 1, 0.1599362694613032, 0.66354509825168208},
	{1, 1, 0, 0.26224012637535166, 0.3652387015123748},
	{1, 1, -2, 0.0065076368220751102, 0.00070711405648917808},
	{1.01, 0.5, 1, 0.16089343284517807, 0.66460336514497846},
	{1.1, -1, 2, 0.0180544478323613, 0.99693991709925012},
	{1.25, 0.25, -3, 0.025081913011345191, 0.054703638179424706},
	{1.5, 0, 0, 0.28735275145216445, 0.5},
	{1.5, 0, 2, 0.08453962312613752, 0.89496017034517083},
	{1.5, 0.5, -1.5, 0.13330660809619309, 0.11629980196823656},
	{1.5, 1, 10, 0.0024198161306630967, 0.98531115051142956},
	{1.7, 0, 1, 0.21078516806253756, 0.75793944988110466},
	{1.7, 0, 10, 0.00050402304750476994, 0.99721455715176493},
	{1.7, 1, -4, 0.0007304575646242398, 0.00019979893343398996},
	{1.9, 0.5, 3, 0.033156148976968016, 0.97135605154841099},
	{1.99, 0, 6, 0.00010857348951929438, 0.99981397870412273},
	{2, 0, 1, 0.2196956447338612, 0.76024993890652327},
}

// deepTails holds density and survival from the same integral in 50 digits.
var deepTails = []struct{ alpha, beta, x, pdf, sf float64 }{
	{1.7, 0, 1e3, 1.773197985436133e-9, 1.043033417265283e-6},
	{0.5, 0, 1e8, 1.99455225205085e-13, 3.989263652395754e-5},
	{1.5, 1, 1e6, 5.984149166383186e-16, 3.989428788156013e-10},
	{1.2, .5, 1e4, 7.931895716986321e-10, 6.609059570766455e-6},
	{1, .5, 1e3, 4.792876473859201e-7, 4.784518214707538e-4},
}

// TestLawBits pins the bits of all methods on every architecture and at every
// level.
func TestLawBits(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) { require.Equal(t, uint64(0x805a7eecaec03133), lawBits()) })
}

func lawBits() uint64 {
	h, r := fnv.New64a(), numtest.NewRand(9)
	for range 300 {
		l := Law{1.15 + float64(0.85*r.Float64()), r.Float64(), 1.3, .2, Param(r.Uint64() % 2)}
		if r.Uint64()%4 == 0 {
			l.Alpha = 1 + float64(0.01*r.Float64())
		}
		x := 8 * r.Float64()
		s := StudentT{Nu: 5 * l.Alpha, Scale: 1.3}
		fmt.Fprintf(h, "%x %x %x %x %x %x", l.Density(x), l.LogDensity(x), l.CDF(x), l.CF(x), s.Density(x), s.CDF(x))
		if r.Uint64()%8 == 0 {
			fmt.Fprintf(h, "%x %x", l.Quantile(.1), s.Quantile(.1))
		}
	}
	return h.Sum64()
}

// near fails unless got is want to the relative error tol.
func near(t *testing.T, want, got, tol float64, what ...any) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Abs(want)) {
		t.Errorf("%v: got %.17g, want %.17g, relative error %.1e", fmt.Sprint(what...), got, want, got/want-1)
	}
}

func TestLawReference(t *testing.T) {
	for _, r := range reference {
		l := Law{r.alpha, r.beta, 1, 0, S0}
		near(t, r.pdf, l.Density(r.x), 2e-14, "density ", r)
		near(t, math.Log(r.pdf), l.LogDensity(r.x), 1e-14, "log-density ", r)
		near(t, r.cdf, l.CDF(r.x), 5e-15, "cdf ", r)
		near(t, 1-r.cdf, l.Survival(r.x), 1e-15/(1-r.cdf)+1e-14, "survival ", r)
		mirror := Law{r.alpha, -r.beta, 2, 3, S0}
		near(t, r.cdf, mirror.Survival(3-2*r.x), 5e-15, "mirror ", r)
		near(t, r.pdf/2, mirror.Density(3-2*r.x), 2e-14, "mirror ", r)
		s1 := Law{r.alpha, r.beta, 1, 0, S1}
		zeta := s1.zeta()
		near(t, r.pdf, s1.Density(r.x+zeta), 1e-13, "S1 ", r)
		near(t, r.cdf, s1.CDF(r.x+zeta), 1e-13, "S1 ", r)
	}
	for _, r := range deepTails {
		l := Law{r.alpha, r.beta, 1, 0, S0}
		near(t, r.pdf, l.Density(r.x), 1e-14, "density ", r)
		near(t, r.sf, l.Survival(r.x), 1e-14, "survival ", r)
	}
}

func TestLawQuantileReference(t *testing.T) {
	for _, r := range []struct{ alpha, beta, p, x, tol float64 }{
		{1.7, 0, .75, .9627378575244327, 1e-14}, {1.7, 0, .95, 2.637306981007603, 1e-14},
		{1.7, 0, .99, 5.151937922450213, 1e-14}, {1.7, 0, .999, 17.8531443216014, 1e-13},
		{1.7, 0, 1 - 1e-4, 68.3684, 1e-6}, {1.7, 0, 1 - 1e-5, 264.594, 2e-6}, {1.7, 0, 1 - 1e-6, 1025.09, 4e-6},
		{1.5, .5, .05, -2.254185841179745, 1e-14}, {1.5, .5, .5, .1338530423128106, 1e-14},
		{1.5, .5, .95, 3.933658790179655, 1e-14}, {.85, 1, .01, -1.405556652189824, 1e-14},
		{.85, 1, .5, .6955649162604636, 1e-14}, {.85, 1, .99, 148.8835914479943, 1e-14},
		{1, .5, .5, .2234921057393242, 1e-14},
	} {
		near(t, r.x, Law{r.alpha, r.beta, 1, 0, S0}.Quantile(r.p), r.tol, r)
	}
	s1 := Law{.85, 1, 1, 0, S1}
	near(t, 2.759743117900594, s1.Quantile(.01), 1e-14, "S1")
	near(t, 4.860864686350881, s1.Quantile(.5), 1e-14, "S1")
}

func TestLawQuantileInverts(t *testing.T) {
	probs := []float64{1e-100, 1e-30, 1e-8, 1e-3, .03, .3, .5}
	for i, alpha := range []float64{.3, .5, .85, .97, .9999, 1 - 1e-9, 1, 1 + 1e-9, 1.0001, 1.1, 1.5, 1.9, 1.999, 2} {
		if testing.Short() && i%3 != 0 {
			continue
		}
		for _, beta := range []float64{-1, -.99, -.5, 0, 1e-6, 1} {
			l := Law{alpha, beta, 1, 0, S0}
			if alpha < .98 && math.Abs(beta) == 1 {
				l.Param = S1 // where the end of the support is 0 and x keeps its precision
			}
			for _, q := range probs {
				if alpha == .3 && q < 1e-90 {
					continue // beyond float64
				}
				up, low := l.SurvivalQuantile(q), l.Quantile(q)
				near(t, q, l.Survival(up), 1e-12, l, " upper ", up)
				near(t, q, l.CDF(low), 1e-12, l, " lower ", low)
			}
		}
	}
	for _, q := range []float64{1e-250, 1e-300, 1e-305} { // where densities are below the smallest float64
		near(t, q, Symmetric(1.7).Survival(Symmetric(1.7).SurvivalQuantile(q)), 1e-12, q)
		near(t, q, Symmetric(2).Survival(Symmetric(2).SurvivalQuantile(q)), 1e-12, q)
	}
	l := Law{.5, 1, 2, 3, S1}
	require.True(t, math.IsInf(Symmetric(.3).SurvivalQuantile(1e-100), 1))
	require.Equal(t, 3.0, l.Quantile(0))
	require.True(t, math.IsInf(l.Quantile(1), 1) && math.IsInf(Symmetric(1.5).Quantile(0), -1))
}

func TestLawClosedForms(t *testing.T) {
	for x := -20.0; x <= 20; x += 0.37 {
		n := Law{2, .3, 1.5, .2, S1}
		y := (x - .2) / 1.5
		near(t, math.Exp(-y*y/4)/(2*math.SqrtPi)/1.5, n.Density(x), 1e-13, "normal ", x)
		near(t, math.Erfc(y/2)/2, n.Survival(x), 1e-13, "normal ", x)
		near(t, math.Erfc(-y/2)/2, n.CDF(x), 1e-13, "normal ", x)
		c := Law{1, 0, 1.5, .2, S1}
		near(t, 1/(math.Pi*(1+y*y))/1.5, c.Density(x), 1e-15, "Cauchy ", x)
		near(t, 0.5+math.Atan(y)/math.Pi, c.CDF(x), 1e-14, "Cauchy ", x)
		if x > 0 {
			l := Law{.5, 1, 1.5, 0, S1}
			z := x / 1.5
			near(t, math.Exp(-0.5/z)/math.Sqrt(2*math.Pi*z*z*z)/1.5, l.Density(x), 1e-13, "Lévy ", x)
			near(t, math.Erfc(math.Sqrt(0.5/z)), l.CDF(x), 1e-13, "Lévy ", x)
			near(t, math.Erf(math.Sqrt(0.5/z)), l.Survival(x), 1e-13, "Lévy ", x)
		}
	}
	l := Law{.5, 1, 1, 0, S1}
	require.Zero(t, l.Density(-1))
	require.Equal(t, 1.0, l.Survival(-1))
	require.True(t, math.IsInf(l.LogDensity(-1), -1))
	// X = 0: the integral goes to the closed form.
	for _, r := range []Law{{1.5, .5, 1, 0, S1}, {.7, -.2, 1, 0, S1}} {
		near(t, r.Density(0), r.Density(1e-14), 1e-12, "X = 0 ", r)
		near(t, r.CDF(0), r.CDF(1e-15), 1e-12, "X = 0 ", r)
	}
}

func TestLawDeepTails(t *testing.T) {
	// Light tails: ln f to 1e-14, where f itself is far below the smallest float64.
	n := Symmetric(2)
	for _, x := range []float64{1, 30, 1e3, 1e4, 1e6, 1e10} {
		near(t, -x*x/4-math.Log(2*math.SqrtPi), n.LogDensity(x), 1e-14, "normal ", x)
	}
	l := Law{.5, 1, 1, 0, S1}
	for _, x := range []float64{1e-3, 1e-5, 1e-7, 1e-8, 1e-12} {
		near(t, -0.5/x-0.5*math.Log(2*math.Pi*x*x*x), l.LogDensity(x), 1e-14, "Lévy ", x)
	}
	require.Zero(t, n.Density(1e200))
	require.Equal(t, 1.0, n.CDF(1e200))
	require.Less(t, n.LogDensity(1e200), -1e300)
	// Heavy tails over 300 decades: α·C/x^(α+1).
	for _, alpha := range []float64{.5, 1, 1.3, 1.9} {
		for _, x := range []float64{1e40, 1e90, 1e110, 1e300} {
			m := Law{alpha, .3, 1, 0, S0}
			c := math.Gamma(alpha) * math.Sin(math.Pi*alpha/2) * 1.3 / math.Pi
			near(t, math.Log(alpha*c)-(alpha+1)*math.Log(x), m.LogDensity(x), 2e-14, "heavy ", m, x)
			if want := math.Log(c) - alpha*math.Log(x); want > -700 {
				near(t, want, math.Log(m.Survival(x)), 1e-14, "heavy ", m, x)
			}
		}
	}
}

func TestLawContinuousAtOne(t *testing.T) {
	for _, beta := range []float64{-1, -.5, 0, 1e-8, 1e-3, .3, 1} {
		for _, x := range []float64{-30, -4, -1, -.3, 0, .5, 2, 8, 100} {
			at := Law{1, beta, 1, 0, S0}
			f, c, s := at.Density(x), at.CDF(x), at.Survival(x)
			for _, d := range []float64{-1e-14, 1e-14, -1e-15, 3e-15} {
				l := Law{1 + d, beta, 1, 0, S0}
				if x <= -4 && beta == 1 || x >= 8 && beta == -1 {
					continue // exp(−exp) tails
				}
				near(t, f, l.Density(x), 1e-12, "density ", l, x)
				near(t, c, l.CDF(x), 1e-12, "cdf ", l, x)
				near(t, s, l.Survival(x), 1e-12, "survival ", l, x)
			}
			// And smooth: central differences over a wide and a narrow step agree.
			wide := Law{1.02, beta, 1, 0, S0}.CDF(x) + Law{.98, beta, 1, 0, S0}.CDF(x) - 2*c
			thin := Law{1.01, beta, 1, 0, S0}.CDF(x) + Law{.99, beta, 1, 0, S0}.CDF(x) - 2*c
			require.InDelta(t, wide, 4*thin, 3e-6, "beta %v x %v", beta, x)
		}
	}
}

// TestLawIntegrates compares the integral of the density with the difference of
// the distribution function, and looks for monotony.
func TestLawIntegrates(t *testing.T) {
	for i, alpha := range []float64{.8, .95, 1, 1.0003, 1.2, 1.8, 2} {
		if testing.Short() && i%3 != 0 {
			continue
		}
		for _, beta := range []float64{-.7, 0, .02, .9997, 1} { // near 1, ln g has a plateau
			l := Law{alpha, beta, 1, 0, S0}
			for x := -2.0; x < 4; x += 1.5 {
				if alpha < 1 && beta == 1 && x <= -l.zeta() {
					continue
				}
				const n = 8
				sum, last := 0.0, l.CDF(x)
				for k := range n {
					h := 1.5 / n
					for i, u := range fine.x {
						sum += 0.5 * h * fine.w[i] * l.Density(x+h*(float64(k)+0.5+0.5*u))
					}
					c := l.CDF(x + h*float64(k+1))
					require.GreaterOrEqual(t, c, last, "%v x %v", l, x)
					last = c
				}
				require.InDelta(t, l.CDF(x+1.5)-l.CDF(x), sum, 1e-13, "%v x %v", l, x)
			}
		}
	}
}

// TestLawCF takes the mean of cos and sin over quantiles.
func TestLawCF(t *testing.T) {
	for _, l := range []Law{{1.7, .5, 1.2, .3, S0}, {1.7, .5, 1.2, .3, S1}, {.9, -.4, .8, .1, S1}, {1, .6, 2, -.5, S1}, {1, .6, 2, -.5, S0}} {
		const n = 400
		if testing.Short() && l.Alpha != 1 {
			continue
		}
		xs := make([]float64, n) // equally probable
		for k := range xs {
			xs[k] = l.Quantile((float64(k) + 0.5) / n)
		}
		for _, u := range []float64{-.4, .7, 1.5} {
			var re, im float64
			for _, x := range xs {
				re += math.Cos(u*x) / n
				im += math.Sin(u*x) / n
			}
			c := l.CF(u)
			require.InDelta(t, real(c), re, 3e-2, "%v", l)
			require.InDelta(t, imag(c), im, 3e-2, "%v", l)
		}
		require.Equal(t, complex128(1), l.CF(0))
		if l.Alpha > 1 { // the mean is −i·φ'(0)
			m := Law{l.Alpha, l.Beta, l.Scale, l.Loc, S1}
			if l.Param == S0 {
				m.Loc -= l.Scale * l.zeta()
			}
			require.Equal(t, m.Mean(), l.Mean())
			near(t, l.CDF(1.1), m.CDF(1.1), 1e-13, "S0 and S1")
		}
	}
}

func TestLawBadInput(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	good := Law{1.5, .5, 1, 0, S0}
	require.NoError(t, good.Validate())
	for _, l := range []Law{
		{0, 0, 1, 0, S0}, {2.1, 0, 1, 0, S0}, {nan, 0, 1, 0, S0}, {1.5, 1.1, 1, 0, S0}, {1.5, nan, 1, 0, S0},
		{1.5, 0, 0, 0, S0}, {1.5, 0, -1, 0, S0}, {1.5, 0, inf, 0, S0}, {1.5, 0, 1, inf, S0}, {1.5, 0, 1, 0, 7},
	} {
		require.Error(t, l.Validate())
		require.Panics(t, func() { l.Density(1) })
	}
	for _, f := range []func(float64) float64{good.Density, good.LogDensity, good.CDF, good.Survival} {
		require.True(t, math.IsNaN(f(nan)))
	}
	require.Equal(t, []float64{0, 0, -inf, 1, 0, 0, 1}, []float64{good.Density(inf), good.Density(-inf), good.LogDensity(inf),
		good.CDF(inf), good.CDF(-inf), good.Survival(inf), good.Survival(-inf)})
	require.Panics(t, func() { good.Quantile(1.5) })
	require.Panics(t, func() { good.SurvivalQuantile(nan) })
	require.True(t, math.IsNaN(Law{.9, 0, 1, 0, S1}.Mean()) && math.IsInf(good.Variance(), 1) && Symmetric(2).Variance() == 2)
	require.Zero(t, testing.AllocsPerRun(20, func() { good.Quantile(good.CDF(good.Density(0.3))) }))
}

// TestSamplersFollowLaw is the test of Kolmogorov and Smirnov, looked at in
// 300 of the sorted draws; 1.95 is exceeded with probability 0.001.
func TestSamplersFollowLaw(t *testing.T) {
	n := 400_000
	if testing.Short() {
		n = 50_000
	}
	x := make([]float32, n)
	for i, l := range []Law{
		Symmetric(1.7), Symmetric(1), Symmetric(.6), Symmetric(2), {.85, 1, 1, 0, S0}, {1.5, .5, 1, 0, S0},
		{1.05, -.5, 1, 0, S0}, {1, .7, 1, 0, S0}, {1.5, -1, 1, 0, S1}, {.6, -.3, 1, 0, S1},
	} {
		if testing.Short() && i%4 != 0 {
			continue
		}
		if l.Beta == 0 {
			Key{Seed: 11}.Symmetric(x, l.Alpha, 0)
		} else {
			Key{Seed: 12}.Skewed(x, l.Alpha, l.Beta, l.Param, 0)
		}
		slices.Sort(x)
		worst := 0.0
		for k := 1; k < 300; k++ {
			i := k * n / 300
			worst = max(worst, math.Abs(l.CDF(float64(x[i]))-(float64(i)+0.5)/float64(n)))
		}
		require.Less(t, worst*math.Sqrt(float64(n)), 1.95, "%v", l)
	}
}

// TestLawExtremes looks for numbers that are no probabilities near the edges of
// the parameters, where the constants are differences of nearly equal angles.
func TestLawExtremes(t *testing.T) {
	r := numtest.NewRand(77)
	tiny := func() float64 { return math.Exp(-30 * math.Abs(r.Float64())) }
	for range 3000 {
		l := Law{min(1+math.Copysign(tiny(), r.Float64()), 2), math.Copysign(1-tiny(), r.Float64()), 1, 0, Param(r.Uint64() % 2)}
		if r.Uint64()%3 == 0 {
			l.Beta *= tiny()
		}
		if l.Alpha < 0.1 {
			l.Alpha = 2 - tiny()
		}
		x := r.Float64() * math.Exp(60*r.Float64())
		f, c, s := l.Density(x), l.CDF(x), l.Survival(x)
		require.True(t, f >= 0 && c >= 0 && s >= 0 && math.Abs(c+s-1) < 1e-13, "%v at %v: %v %v %v", l, x, f, c, s)
		require.GreaterOrEqual(t, l.CDF(x+1e-3*math.Abs(x)), c-1e-13, "%v at %v", l, x)
	}
}

func BenchmarkLaw(b *testing.B) {
	for _, l := range []Law{Symmetric(1.7), {.85, 1, 1, 0, S0}, {1, .5, 1, 0, S0}, {1.5, .5, 1, 0, S0}} {
		for name, f := range map[string]func(float64) float64{"density": l.Density, "cdf": l.CDF} {
			b.Run(fmt.Sprintf("%s/%v,%v", name, l.Alpha, l.Beta), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					f(float64(i%200)*0.1 - 10)
				}
			})
		}
		b.Run(fmt.Sprintf("quantile/%v,%v", l.Alpha, l.Beta), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				l.Quantile((float64(i%200) + 0.5) / 200)
			}
		})
	}
}
