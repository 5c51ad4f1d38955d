package diffusion

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// noiser is what the noisers of one copy have in common.
type noiser interface {
	Noise(x, target, times, x0 []float32, first uint64)
}

func noisers(t *testing.T) map[string]noiser {
	out := map[string]noiser{}
	add := func(name string, n noiser, err error) {
		require.NoError(t, err)
		out[name] = n
	}
	for name, p := range map[string]EDM{"edm": {}, "t-edm": TEDM(5), "two": {Nu: Nu{20, 6}, SigmaData: []float64{1, 2}}, "jump": {Jump: Jump{Rate: 3, Share: 0.1}}} {
		n, err := NewEDMNoiser(p, 3)
		add(name, n, err)
	}
	for _, target := range []Target{TargetNoise, TargetVelocity, TargetData} {
		n, err := NewFlowNoiser(Flow{Nu: Nu{5, inf}, Target: target, SigmaMin: 0.01}, 3)
		add("flow "+string(target), n, err)
	}
	for _, alpha := range []float64{1.7, 2} {
		n, err := NewLIMNoiser(LIM{Alpha: alpha, Isotropic: true, Clamps: LIMClamps{Eps: 100}}, 3)
		add(fmt.Sprint("lim ", alpha), n, err)
	}
	return out
}

// batch noises B samples x0 = sin and returns what the noiser fills.
func batch(n noiser, B, d int) (x, target, times, x0 []float32) {
	x, target, x0 = make([]float32, B*d), make([]float32, B*d), make([]float32, B*d)
	times = make([]float32, B)
	for j := range x0 {
		x0[j] = float32(math.Sqrt2 * math.Sin(float64(j)))
	}
	n.Noise(x, target, times, x0, 10)
	return x, target, times, x0
}

// Examples are functions of the seed and the sample's number, however a batch
// is cut, and cost no memory.
func TestNoisersAreKeyedBySample(t *testing.T) {
	const B, d = 6, 8
	for name, n := range noisers(t) {
		x, target, times, x0 := batch(n, B, d)
		a, b, c := make([]float32, 2*d), make([]float32, 2*d), make([]float32, 2)
		n.Noise(a, b, c, x0[2*d:4*d], 12)
		require.Equal(t, x[2*d:4*d], a, name)
		require.Equal(t, target[2*d:4*d], b, name)
		require.Equal(t, times[2:4], c, name)
		require.Zero(t, testing.AllocsPerRun(5, func() { n.Noise(a, b, c, x0[2*d:4*d], 12) }), name)
		require.Panics(t, func() { n.Noise(a, b, c, x0, 12) })
		require.Panics(t, func() { n.Noise(nil, nil, nil, nil, 12) })
	}
}

// A network that returns the target gives back the data.
func TestTargetsInvert(t *testing.T) {
	const B, d = 40, 8
	ctx := context.Background()
	oracle := func(target []float32) Denoiser {
		return func(_ context.Context, eps, _, _ []float32) error {
			copy(eps, target)
			return nil
		}
	}
	p := EDM{Nu: Nu{20, 6}, SigmaData: []float64{1, 2}}
	n, err := NewEDMNoiser(p, 3)
	require.NoError(t, err)
	x, target, _, x0 := batch(n, B, d)
	wide, data, sigma := make([]float64, B*d), make([]float64, B*d), make([]float64, B)
	for j, v := range x {
		sigma[j/d] = n.Sigma(10 + uint64(j/d))
		wide[j] = float64(v) / p.Preconditioning(j%2, sigma[j/d]).In
	}
	require.NoError(t, p.Precondition(oracle(target))(ctx, data, wide, sigma))
	for j, v := range x0 {
		require.InDelta(t, v, data[j], 1e-6*(1+math.Abs(wide[j])))
	}
	for _, kind := range []Target{TargetNoise, TargetVelocity, TargetData} {
		f := Flow{Nu: Nu{5, inf}, Target: kind, SigmaMin: 0.01}
		n, err := NewFlowNoiser(f, 3)
		require.NoError(t, err)
		x, target, times, x0 := batch(n, B, d)
		for j, v := range x {
			wide[j] = float64(v)
			sigma[j/d] = float64(times[j/d]) // here the time
		}
		require.NoError(t, f.Velocity(oracle(target))(ctx, data, wide, sigma))
		for j, v := range data { // x_1 = b·v + (1−σ_min)·x
			u := sigma[j/d]
			require.InDelta(t, x0[j], f.b(u)*v+0.99*wide[j], 1e-5*(1+math.Abs(wide[j]))/u, kind)
		}
	}
	l := LIM{Alpha: 1.7}
	m, err := NewLIMNoiser(l, 3)
	require.NoError(t, err)
	x, target, times, x0 := batch(m, B, d)
	eps := make([]float32, B*d)
	require.NoError(t, l.FromScore(oracle(target))(ctx, eps, x, times))
	for j, v := range x {
		at := m.Time(10 + uint64(j/d))
		require.InDelta(t, float64(v), l.Gamma(at)*float64(x0[j])+l.Sigma(at)*float64(eps[j]), 1e-5*(1+math.Abs(float64(v))))
	}
}

// Input and target of the network have variance 1 for data of deviation
// σ_data: the purpose of the preconditioning; σ has its log-normal law.
func TestPreconditioningNormalises(t *testing.T) {
	const B, d = 30000, 2
	for _, p := range []EDM{TEDM(), TEDM(9), TEDM(8, 12), {Jump: Jump{Rate: 20, Share: 0.2}, SigmaData: []float64{1}}} {
		n, err := NewEDMNoiser(p, 5)
		require.NoError(t, err)
		x, target, times, _ := batch(n, B, d)
		var in, out, mean, square float64
		for j := range x {
			in += float64(x[j]) * float64(x[j]) / (B * d)
			out += float64(target[j]) * float64(target[j]) / (B * d)
		}
		for _, v := range times {
			mean += 4 * float64(v) / B
			square += 16 * float64(v) * float64(v) / B
		}
		require.InDelta(t, 1, in, 0.04)
		require.InDelta(t, 1, out, 0.06)
		require.InDelta(t, -1.2, mean, 0.03)
		require.InDelta(t, 1.44, square-mean*mean, 0.05)
	}
}
