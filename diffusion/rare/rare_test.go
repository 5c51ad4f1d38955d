package rare

import (
	"context"
	"fmt"
	"iter"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/machine"
	"heavytail/stable"
)

var exhaustive = os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "1"

func column(x []float64) float64 { return x[0] }

func norm(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// mean8 is a linear form of unit length.
func mean8(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / math.Sqrt(float64(len(x)))
}

// identity is a model whose samples are its noise, whose probabilities are known to
// the last digit.
func identity(d int, noise diffusion.UnitNoise) Model {
	return Model{Dim: d, Noise: noise, Map: func(context.Context, []float64) error { return nil }}
}

// normT8 returns P(|n| > r) of the t law in eight dimensions: with u = r²/(r²+ν) it is
// the regularised incomplete beta function I_{1−u}(ν/2, 4), a finite sum.
func normT8(nu, r float64) float64 {
	u := r * r / (r*r + nu)
	sum, term := 0.0, 1.0
	for j := range 4 { // (1−u)^{ν/2}·Σ_j Γ(ν/2+j)/(Γ(ν/2)·j!)·u^j
		sum += term
		term *= u * (nu/2 + float64(j)) / float64(j+1)
	}
	return math.Pow(1-u, nu/2) * sum
}

// normStable8 returns r ↦ P(|n| > r) of the isotropic stable law in eight dimensions:
// |n|² is A times a χ² of eight degrees, whose survival function at 2h is
// e^{−h}·Σ_{j<4} h^j/j!.
func normStable8(alpha float64) func(r float64) float64 {
	law, err := stable.NewTable(stable.MultiplierLaw(alpha))
	if err != nil {
		panic(err)
	}
	return func(r float64) float64 {
		sum := 0.0
		const h = 0.05
		for w := -5.0; w < 50; w += h { // trapezoid in ln A, whose ends vanish
			A := math.Exp(w)
			q := r * r / (2 * A)
			sum += h * A * law.Density(A) * math.Exp(-q) * (1 + q + q*q/2 + q*q*q/6)
		}
		return sum
	}
}

// solve returns r with f(r) = p, f falling.
func solve(p float64, f func(r float64) float64) float64 {
	lo, hi := 0.0, 60.0 // in ln r
	for range 50 {
		if mid := (lo + hi) / 2; f(math.Exp(mid)) > p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Exp(lo)
}

// A known is a law whose event has the probability millionth, in the short form too if
// brief.
type known struct {
	name      string
	d         int
	noise     func(d int) diffusion.UnitNoise
	value     func(x []float64) float64
	threshold func() float64
	brief     bool
}

const millionth = 1e-6

// knowns are laws and events of P = 1e-6 by formulas that Guided does not use.
func knowns() []known {
	student := func() float64 { return stable.StudentT{Nu: 3, Scale: 1}.SurvivalQuantile(millionth) }
	both := func() float64 { return stable.StudentT{Nu: 3, Scale: 1}.SurvivalQuantile(millionth / 2) }
	law := func() float64 { return stable.Symmetric(1.5).SurvivalQuantile(millionth) }
	normT := func() float64 { return solve(millionth, func(r float64) float64 { return normT8(3, r) }) }
	normS := func() float64 { return solve(millionth, normStable8(1.5)) }
	normal := func() float64 { return 4.753424308822899 }
	second := func() float64 { return stable.StudentT{Nu: 4, Scale: 1}.SurvivalQuantile(millionth) }
	t3 := func(d int) diffusion.UnitNoise { return diffusion.TEDM(3).UnitNoise(d) }
	s15 := func(d int) diffusion.UnitNoise { return diffusion.Default(1.5, 10).UnitNoise(d) }
	return []known{
		{"t3, one dimension", 1, t3, column, student, false},
		{"t3, both sides", 1, t3, norm, both, true},
		{"t3, a column of eight", 8, t3, column, student, false},
		{"t3, a form of eight", 8, t3, mean8, student, false},
		{"t3, the norm of eight", 8, t3, norm, normT, false},
		{"stable, one dimension", 1, s15, column, law, false},
		{"stable, a column of eight", 8, s15, column, law, true},
		{"stable, a form of eight", 8, s15, mean8, law, false},
		{"stable, the norm of eight", 8, s15, norm, normS, false},
		{"normal, a form of eight", 8, diffusion.EDM{}.UnitNoise, mean8, normal, true},
		{"t20 and t4, the second", 2, diffusion.EDM{Nu: diffusion.Nu{20, 4}}.UnitNoise, func(x []float64) float64 { return x[1] }, second, true},
	}
}

// coverage estimates an event of P = 1e-6 from ten thousand samples, again and again,
// and holds errors and intervals to what they say. All bounds are 3.5 deviations, which
// chance passes once in 4,000.
func coverage(t *testing.T, m Model, event Event, repeats int) {
	n := float64(repeats)
	in, far, bias, square, stated, ratio := 0, 0, 0.0, 0.0, 0.0, 0.0
	effective, gain := math.Inf(1), 0.0
	for seed := range repeats {
		e, err := Guided(context.Background(), m, event, 10000, uint64(seed))
		require.NoError(t, err)
		off, said := e.P/millionth-1, e.StdError/e.P
		if e.Lo <= millionth && millionth <= e.Hi {
			in++
		}
		if math.Abs(off) > 0.05 {
			far++
		}
		bias, square, stated, ratio = bias+off/n, square+off*off/n, stated+said*said/n, ratio+off*off/(said*said*n)
		effective, gain = min(effective, e.Effective), gain+e.VarianceReduction/n
	}
	t.Logf("%d of %d intervals; error rms %.2f %%, mean %.2f %%, stated %.2f %%, their ratio %.2f, %d above 5 %%; effective from %.0f, variance reduced %.2g times",
		in, repeats, 100*math.Sqrt(square), 100*bias, 100*math.Sqrt(stated), math.Sqrt(ratio), far, effective, gain)
	// What is stated is true: squares of the error over the stated one have the
	// mean 1, and their mean over n repeats the deviation sqrt(2/n).
	chance := 1 + 3.5*math.Sqrt(2/n)
	require.Less(t, ratio, chance)
	// 0.95 of the intervals hold the truth: of 200 at least 180
	require.GreaterOrEqual(t, float64(in), math.Floor(0.95*n-3.5*math.Sqrt(0.95*0.05*n)))
	if math.IsInf(m.Noise.TailIndices()[0], 1) {
		// t laws fit normal noise less well: in one of the 200 repeats a single
		// weight is as large as all others, and Effective says so. Nothing is
		// claimed for it but what is stated.
		return
	}
	require.GreaterOrEqual(t, effective, float64(Enough))
	// 5 % are at least two deviations, of what is stated and of what is true
	require.LessOrEqual(t, math.Sqrt(stated), 0.025)
	require.Less(t, square, 0.025*0.025*chance)
}

// One in a million from ten thousand samples: within 5 % under laws with power tails,
// and by errors and intervals that are as large as they say.
func TestGuidedCoverage(t *testing.T) {
	repeats := 1
	if exhaustive {
		repeats = 200
	}
	for _, k := range knowns() {
		if k.brief || exhaustive {
			t.Run(k.name, func(t *testing.T) {
				coverage(t, identity(k.d, k.noise(k.d)), Event{Value: k.value, Threshold: k.threshold()}, repeats)
			})
		}
	}
}

// start runs a deterministic sampler from starts of ours: scale·n.
func start[T float32 | float64](steps iter.Seq2[int, error], scale float64, x []float64, state []T) error {
	first := true
	for _, err := range steps {
		if err != nil {
			return err
		}
		if first {
			for j, v := range x {
				state[j] = T(scale * v)
			}
			first = false
		}
	}
	for j, v := range state {
		x[j] = float64(v)
	}
	return nil
}

// student3 is the exact D for t_3 data of scale a and t_3 noise of scale b = σ, in one
// dimension, by the rational form of package diffusion's tests.
func student3(x, scale, sigma float64) float64 {
	a, b := math.Sqrt(3)*scale, math.Sqrt(3)*sigma
	c, x2 := a+b, x*x
	m := c*c*c*c + a*b*c*c + (a*a-a*b+b*b)*x2
	return a * a * x * (c*c*c + 3*b*c*c + a*x2) / (c * m)
}

// shrinkT returns D(x)/x at |x| = r for isotropic t data of scale 1 and noise of scale
// σ in d dimensions: given both divisors, 1/κ and 1/κ', it is (1/κ)/(1/κ+σ²/κ'), and
// these are weighed by their laws and by the normal density of x.
func shrinkT(nu float64, d int, r, sigma float64) float64 {
	const h, low, high = 0.5, -40, 8                                    // ln κ from −20 to 4
	log := func(w float64) float64 { return nu/2*w - nu/2*math.Exp(w) } // of the law of w = ln κ
	var logs, shares []float64
	most := math.Inf(-1)
	for i := low; i <= high; i++ {
		for j := low; j <= high; j++ { // the trapezoid rule, whose ends vanish
			u, v := float64(i)*h, float64(j)*h
			a, b := math.Exp(-u), sigma*sigma*math.Exp(-v)
			l := log(u) + log(v) - float64(d)/2*math.Log(a+b) - r*r/(2*(a+b))
			logs, shares, most = append(logs, l), append(shares, a/(a+b)), max(most, l)
		}
	}
	top, sum := 0.0, 0.0
	for i, l := range logs {
		p := math.Exp(l - most)
		sum, top = sum+p, top+p*shares[i]
	}
	return top / sum
}

// studentD8 tabulates shrinkT over ln r for every level that it meets.
func studentD8(nu float64) diffusion.DataDenoiser {
	const h, lo, n = 0.25, -3.0, 90
	tables := map[float64][]float64{}
	return func(_ context.Context, data, x, sigma []float64) error {
		s := sigma[0]
		f := tables[s]
		if f == nil {
			f = make([]float64, n)
			for i := range f {
				f[i] = shrinkT(nu, 8, math.Exp(lo+h*float64(i)), s)
			}
			tables[s] = f
		}
		for i := range sigma {
			row := x[i*8 : (i+1)*8]
			at := min(max((math.Log(norm(row))-lo)/h, 1), n-3)
			k := int(at)
			w := at - float64(k)
			// cubic through four points
			g := -w*(w-1)*(w-2)/6*f[k-1] + (w+1)*(w-1)*(w-2)/2*f[k] - (w+1)*w*(w-2)/2*f[k+1] + (w+1)*w*(w-1)/6*f[k+2]
			for j, v := range row {
				data[i*8+j] = g * v
			}
		}
		return nil
	}
}

// edmModel samples by DPM-Solver++ or by Heun's method from given starts.
func edmModel(d, steps int, den diffusion.DataDenoiser) Model {
	p := diffusion.TEDM(3)
	s := diffusion.EDMSampler{Process: p, Steps: steps}
	return Model{Dim: d, Noise: p.UnitNoise(d), Map: func(ctx context.Context, x []float64) error {
		state := make([]float64, len(x))
		return start(s.Trajectory(ctx, den, state, make([]uint64, len(x)/d)), p.Sigmas(steps)[0], x, state)
	}}
}

// stableModel samples isotropic stable data of scale ½ by DLIM2, whose exact ε̂ is
// linear, E[ε | y] = τ^{α−1}/(s^α+τ^α)·y.
func stableModel(t *testing.T, alpha float64, d int) Model {
	const half, s = 100, 0.5
	p := diffusion.Default(alpha, 2*half+1)
	sched, err := p.Schedule(0)
	require.NoError(t, err)
	den := func(_ context.Context, eps, x, times []float32) error {
		k := int(math.Round(float64(times[0]) * float64(sched.T())))
		tau := sched.SigmaBar[k] / sched.GammaBar[k]
		f := math.Pow(tau, alpha-1) / (math.Pow(s, alpha) + math.Pow(tau, alpha)) / sched.GammaBar[k]
		for j, v := range x {
			eps[j] = float32(f * float64(v))
		}
		return nil
	}
	sampler := diffusion.DLIM2{Process: p, Steps: half}
	return Model{Dim: d, Noise: p.UnitNoise(d), Map: func(ctx context.Context, x []float64) error {
		state := make([]float32, len(x))
		return start(sampler.Trajectory(ctx, den, state, make([]uint64, len(x)/d)), sched.SigmaBar[sched.T()-1], x, state)
	}}
}

// Exact denoisers: one in a million of Student's and of stable data in one and in
// eight dimensions, from ten thousand samples of the sampler. The intervals hold the
// probability of the data, not of the sampler, so the error of the steps must be small
// beside what they state: with 64 steps in eight dimensions it was 1 %, and of 200
// intervals of the norm 176 held it.
func TestGuidedThroughExactDenoisers(t *testing.T) {
	const steps = 160
	repeats := 4
	if exhaustive {
		repeats = 200
	}
	eight := studentD8(3)
	one := func(_ context.Context, data, x, sigma []float64) error {
		for j, v := range x {
			data[j] = student3(v, 1, sigma[j])
		}
		return nil
	}
	student := func() float64 { return stable.StudentT{Nu: 3, Scale: 1}.SurvivalQuantile(millionth) }
	normT := func() float64 { return solve(millionth, func(r float64) float64 { return normT8(3, r) }) }
	half := func() float64 { return 0.5 * stable.Symmetric(1.5).SurvivalQuantile(millionth) }
	halfNorm := func() float64 { return 0.5 * solve(millionth, normStable8(1.5)) }
	for _, c := range []struct {
		name      string
		m         Model
		value     func(x []float64) float64
		threshold func() float64
		brief     bool
	}{
		{"t3 data, one dimension", edmModel(1, 256, one), column, student, true},
		{"t3 data, a column of eight", edmModel(8, steps, eight), column, student, false},
		{"t3 data, the norm of eight", edmModel(8, steps, eight), norm, normT, false},
		{"stable data, one dimension", stableModel(t, 1.5, 1), column, half, false},
		{"stable data, a column of eight", stableModel(t, 1.5, 8), column, half, true},
		{"stable data, the norm of eight", stableModel(t, 1.5, 8), norm, halfNorm, false},
	} {
		if !c.brief && !exhaustive {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			coverage(t, c.m, Event{Value: c.value, Threshold: c.threshold()}, repeats)
		})
	}
}

// The table of shrinkT against Student's law in one dimension, where it is rational.
// The weight falls like κ^2 below r^−2: what lies beyond ln κ = −20 is within 1e-8.
func TestShrinkT(t *testing.T) {
	for _, sigma := range []float64{0.01, 0.5, 80} {
		for _, r := range []float64{0.1, 2, 90} {
			require.InDelta(t, student3(r, 1, sigma)/r, shrinkT(3, 1, r, sigma), 1e-7, "r %v sigma %v", r, sigma)
		}
	}
}

// Clopper and Pearson's ends are where the tails hold 2.5 %, summed term by term.
func TestBinomialInterval(t *testing.T) {
	lo, hi := binomialInterval(0, 100)
	require.Zero(t, lo)
	require.InDelta(t, 1-math.Pow(0.025, 0.01), hi, 1e-12)
	for _, c := range [][2]int{{3, 50}, {1, 1000}, {40, 60}, {49, 50}} {
		k, n := c[0], c[1]
		lo, hi := binomialInterval(k, n)
		below := func(k int, p float64) (sum float64) { // P(X ≤ k)
			term := math.Pow(1-p, float64(n))
			for i := 0; i <= k; i++ {
				sum += term
				term *= float64(n-i) / float64(i+1) * p / (1 - p)
			}
			return sum
		}
		require.InDelta(t, 0.025, 1-below(k-1, lo), 1e-9)
		require.InDelta(t, 0.025, below(k, hi), 1e-9)
	}
	e := Count([]float64{1, 2, 3, 4, 5}, 3)
	require.Equal(t, 2, e.Hits)
	require.Equal(t, 0.4, e.P)
	require.Equal(t, 2.0, e.Effective)
	require.False(t, e.Reliable())
}

// Plain samples cannot see one in a million, and say so; the power tail can.
func TestPlainAndTail(t *testing.T) {
	k := knowns()[0]
	repeats, least := 8, 5 // at 95 %, fewer than 5 of 8, and than 33 of 40, once in 300 or less
	if exhaustive {
		repeats, least = 40, 33
	}
	m, event := identity(k.d, k.noise(k.d)), Event{Value: k.value, Threshold: k.threshold()}
	held := 0
	for seed := range repeats {
		v, err := Values(context.Background(), m, event, 10000, uint64(seed))
		require.NoError(t, err)
		plain := Count(v, event.Threshold)
		require.LessOrEqual(t, plain.Lo, millionth)
		require.GreaterOrEqual(t, plain.Hi, millionth)
		require.False(t, plain.Reliable())
		e, err := Tail(v, event.Threshold)
		require.NoError(t, err)
		require.Positive(t, e.Effective)
		if e.Lo <= millionth && millionth <= e.Hi {
			held++
		}
		if seed > 0 {
			continue
		}
		for i := range v {
			v[i] += 1000 // a tail is one wherever its centre lies
		}
		moved, err := Tail(v, event.Threshold+1000)
		require.NoError(t, err)
		require.InEpsilon(t, e.P, moved.P, 1e-6)
	}
	t.Logf("the tail's interval held %d of %d", held, repeats)
	require.GreaterOrEqual(t, held, least)
	_, err := Tail([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2)
	require.ErrorContains(t, err, "rare: no tail can be fitted to the event's values: 12 values are too few")
	v, err := Values(context.Background(), m, event, 4000, 0)
	require.NoError(t, err)
	limit := slices.Sorted(slices.Values(v))[len(v)-40]
	for i := range v {
		v[i] = min(v[i], limit)
	}
	_, err = Tail(v, event.Threshold)
	require.ErrorContains(t, err, "rare: no tail can be fitted to the event's values: the outermost 40 values all equal")
	var tied *stable.TieError
	require.ErrorAs(t, err, &tied)
	require.Equal(t, 40, tied.Count)
}

// More samples than the memory holds are refused before any is drawn, with how many it
// does; those are enough for what the estimates really take.
func TestSamplesThatDoNotFit(t *testing.T) {
	whole := machine.Memory
	defer func() { machine.Memory = whole }()
	machine.Memory = func() int64 { return 64 << 20 }
	for _, d := range []int{1, 8, 64, 1000} {
		m := identity(d, diffusion.EDM{}.UnitNoise(d))
		m.Map = func(context.Context, []float64) error { t.Fatal("drawn"); return nil }
		least := m.fits()
		require.Greater(t, least, 1000, d)
		require.NoError(t, m.check(context.Background(), Event{Value: column, Threshold: 1}, least))
		var bad *diffusion.OptionError
		for _, n := range []int{least + 1, 1 << 30} {
			_, err := Values(context.Background(), m, Event{Value: column, Threshold: 1}, n, 0)
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, fmt.Sprintf("use %d or fewer", least))
			_, err = Guided(context.Background(), m, Event{Value: column, Threshold: 1}, n, 0)
			require.Error(t, err)
		}
	}
	// What was taken and is still in use, looked at whenever samples are drawn.
	const n = 100000
	m, peak := identity(4, diffusion.EDM{}.UnitNoise(4)), uint64(0)
	look := func() {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		peak = max(peak, s.HeapAlloc)
	}
	machine.Memory = whole
	look()
	before, draws := peak, 0
	m.Map = func(context.Context, []float64) error {
		if draws++; draws%16 == 0 {
			look()
		}
		return nil
	}
	_, err := Guided(context.Background(), m, Event{Value: column, Threshold: 4}, n, 0)
	require.NoError(t, err)
	require.Less(t, int64(peak-before), m.bytes(n))
}

// The shares of a proposal sum to 1, also where a part was too small to fit in the last
// round.
func TestSharesSumToOne(t *testing.T) {
	m := identity(1, diffusion.EDM{}.UnitNoise(1))
	for seed := range uint64(40) {
		x, w := make([]float64, 400), make([]float64, 400)
		stable.Key{Seed: seed}.Normal64(x, 0)
		for i := range x {
			x[i], w[i] = 4+x[i]/8, 1
		}
		q := newProposal(m)
		q.fit(context.Background(), x, w, seed)
		sum := 0.0
		for _, p := range q.parts {
			sum += p.share
		}
		require.InDelta(t, 1, sum, 1e-12, seed)
	}
	q := proposal{parts: []part{{share: 0.6}, {share: 0.3992}, {}}}
	q.normalise()
	require.InDelta(t, 1, q.parts[0].share+q.parts[1].share, 1e-15)
}

// Settings and models that cannot be are errors that say what to do.
func TestMistakes(t *testing.T) {
	m := identity(1, diffusion.EDM{}.UnitNoise(1))
	_, err := Guided(context.Background(), m, Event{Value: column, Threshold: 1e9}, 1000, 0)
	require.ErrorContains(t, err, "use more samples")
	_, err = Guided(context.Background(), m, Event{Value: column, Threshold: math.NaN()}, 1000, 0)
	require.ErrorContains(t, err, "threshold")
	values, err := Values(context.Background(), m, Event{Value: column, Threshold: 1}, 1000, 0)
	require.NoError(t, err)
	_, err = Tail(values, 1e300) // a tail of this index leaves nothing there
	require.ErrorContains(t, err, "less rare")
	for seed := range uint64(5) { // the sure event, whose mean weight is on both sides of 1
		e, err := Guided(context.Background(), m, Event{Value: column, Threshold: -1e300}, 1000, seed)
		require.NoError(t, err)
		require.LessOrEqual(t, e.P, 1.0)
		require.LessOrEqual(t, e.Hi, 1.0)
		require.False(t, e.VarianceReduction < 0, seed)
	}
	_, err = Plain(context.Background(), m, Event{Value: column, Threshold: 1}, 5, 0)
	require.ErrorContains(t, err, "samples")
	_, err = Guided(context.Background(), identity(65, diffusion.EDM{}.UnitNoise(65)), Event{Value: column, Threshold: 1}, 1000, 0)
	require.ErrorContains(t, err, "64")
	_, err = Plain(context.Background(), m, Event{Value: func([]float64) float64 { return math.NaN() }, Threshold: 1}, 1000, 0)
	require.ErrorContains(t, err, "finite")
	require.Panics(t, func() { _, _ = Plain(context.Background(), Model{}, Event{}, 1000, 0) })
}
