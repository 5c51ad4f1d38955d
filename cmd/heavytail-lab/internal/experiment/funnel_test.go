package experiment

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/kernels"
	"heavytail/stable"
)

// TestFunnelLaw: v is N(0, 9), and x·e^(−v/2) is N(0, 1) whatever v is.
func TestFunnelLaw(t *testing.T) {
	const n = 1 << 17
	x := make([]float32, 2*n)
	fillFunnel(x, 3)
	v, z := column(x, 0, 2, 0, 1./3), column(x, 1, 2, 0, 1)
	cross, sq := 0.0, 0.0
	for i := range z {
		z[i] *= math.Exp(-1.5 * v[i])
		cross += math.Abs(z[i]) * v[i] / n
		sq += z[i] * z[i] / n
	}
	require.InDelta(t, 0, cross, 5*0.6/math.Sqrt(n))
	require.InDelta(t, 1, sq, 5*math.Sqrt(2./n))
	for _, u := range [][]float64{v, z} {
		require.Less(t, distanceFrom(u, func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }), 1.95/math.Sqrt(n))
	}
}

// TestStudentLaw: the toy's draws have its cdf, and its tail quantiles the
// shares that they say.
func TestStudentLaw(t *testing.T) {
	const n = 1 << 17
	x := make([]float32, n)
	fillStudent(x, 3)
	law := stable.StudentT{Nu: studentNu, Scale: 1}
	require.Less(t, distanceFrom(column(x, 0, 1, 0, 1), law.CDF), 1.95/math.Sqrt(n))
	require.InEpsilon(t, 0.001, 2*law.Survival(studentTail(0.001)), 1e-9)
	require.InEpsilon(t, 12.924, studentTail(0.001), 1e-4) // tables of Student's law
}

// distanceFrom returns Kolmogorov's distance of a sample from a cdf.
func distanceFrom(x []float64, cdf func(float64) float64) float64 {
	x = slices.Sorted(slices.Values(x))
	d := 0.0
	for i, v := range x {
		f := cdf(v)
		d = max(d, f-float64(i)/float64(len(x)), float64(i+1)/float64(len(x))-f)
	}
	return d
}

// TestLawRow: a second sample of the law is near to perfect by every column,
// a wider one and one with a cut tail are not.
func TestLawRow(t *testing.T) {
	target := studentTarget()
	ref := &lawReference{target: target, n: 200_000, seed: 1}
	draw := func(f func(float64) float64) map[string]float64 {
		x := make([]float32, 100_000)
		target.fill(x, 2)
		y := column(x, 0, 1, 0, 1)
		for i := range y {
			y[i] = f(y[i])
		}
		out := map[string]float64{}
		for i, v := range ref.row(0, y) {
			out[lawColumns[i]] = v
		}
		return out
	}
	exact := draw(func(v float64) float64 { return v })
	for name, want := range map[string][2]float64{
		"r90": {1, .02}, "r99": {1, .04}, "r999": {1, .12}, "p99": {.01, .002}, "p995": {.005, .0015}, "p999": {.001, .0006},
		"w1": {0, .015}, "ks": {0, .08}, "tail": {0, .08},
	} {
		require.InDelta(t, want[0], exact[name], want[1], name)
	}
	wide := draw(func(v float64) float64 { return 1.5 * v })
	require.InEpsilon(t, 1.5*exact["r999"], wide["r999"], 1e-9)
	require.Greater(t, wide["p999"], 0.0025)
	require.Greater(t, wide["w1"], 0.2)
	require.Greater(t, wide["tail"], 0.5)
	cut := draw(func(v float64) float64 { return min(max(v, -8), 8) })
	require.Zero(t, cut["p999"])
	require.Less(t, cut["r9999"], 0.5)
	require.Greater(t, cut["ks"], 0.2)
	require.Greater(t, cut["tail"], 0.5)
}

// TestFit: trained for a moment on the mixture of N(±0.9, 0.19), EDM and flow
// matching sample it; untrained they do not. The same seed gives the
// same bytes, another one others.
func TestFit(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	points := make([]float32, 4096)
	stable.Key{Seed: 9}.Normal(points, 0)
	for i := range points {
		points[i] = 0.9*float32(i%2*2-1) + float32(math.Sqrt(0.19))*points[i]
	}
	for name, m := range map[string]lawMethod{
		"edm": edmMethod(nil, heun("", 24)), "flow": flowMethod(nil, diffusion.TargetVelocity, flowHeun("", 24)),
	} {
		sample := func(steps int, seed uint64) []float64 {
			train := pointTraining{net: plain(1, 32, 32), steps: steps, batch: 512, rate: 3e-3, loss: diffusion.Loss{Kind: diffusion.Squared}, seed: seed}
			net, err := train.fit(context.Background(), kernels.New(1), m.use, points, 1)
			require.NoError(t, err)
			x, err := sampleColumns(context.Background(), m.samplers[0].bind(m, net, 1), 3000, 1, 4)
			require.NoError(t, err)
			return x[0]
		}
		law := func(x float64) float64 {
			return (math.Erfc((0.9-x)/math.Sqrt(0.38)) + math.Erfc((-0.9-x)/math.Sqrt(0.38))) / 4
		}
		require.Less(t, distanceFrom(sample(1500, 1), law), 0.06, name)
		require.Greater(t, distanceFrom(sample(1, 1), law), 0.1, name)
		short := sample(20, 1)
		require.Equal(t, short, sample(20, 1), name)
		require.NotEqual(t, short, sample(20, 2), name)
	}
}

// TestSampleAll: a sampler that gives up because of one point loses that point
// only.
func TestSampleAll(t *testing.T) {
	const bad = 5
	s := func(_ context.Context, seeds []uint64) ([]float32, error) {
		if slices.Contains(seeds, bad) {
			return nil, context.DeadlineExceeded
		}
		var x []float32
		for _, v := range seeds {
			x = append(x, float32(v), -float32(v))
		}
		return x, nil
	}
	x, err := sampleAll(context.Background(), s, []uint64{1, 2, 3, bad, 4}, 2)
	require.NoError(t, err)
	inf := float32(math.Inf(1))
	require.Equal(t, []float32{1, -1, 2, -2, 3, -3, inf, inf, 4, -4}, x)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err = sampleAll(ctx, s, []uint64{1, bad}, 2)
	require.Error(t, err)
}

// TestFunnelQuick runs the whole experiment in its quick form.
func TestFunnelQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains networks")
	}
	dir := t.TempDir()
	require.NoError(t, runner(t, dir, 2).Do(context.Background(), funnel, Options{Quick: true, Seed: 1}))
	page := text(t, dir, "out", "funnel.md")
	for _, want := range []string{"| t-EDM | 20/4 |", "| ablated | 3 |", "PyTorch, one run"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "| – ") // every row was measured
	require.Contains(t, text(t, dir, "out", "funnel.svg"), "t-Flow velocity, ν 20/4")
}
