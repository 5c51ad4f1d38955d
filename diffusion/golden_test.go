package diffusion

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// golden is the part of testdata/golden/dlpm_vectors.json that this package
// answers for; its README tells where the numbers come from.
type golden struct {
	Preserving []struct {
		Alpha     float64
		T         int
		Gammas    []float64
		BarGammas []float64
		Sigmas    []float64
		BarSigmas []float64
	} `json:"schedule_scale_preserving_linear"`
	Exploding struct {
		Alpha     float64
		T         int
		BarSigmas []float64
		Sigmas    []float64
	} `json:"schedule_scale_exploding"`
	Posterior struct {
		Alpha  float64
		T      int
		A      []float64
		Sigmas []float64
		Steps  []struct {
			T         int
			Gamma     float64
			X         float64 `json:"x_t"`
			Eps       float64
			Mean, Var float64
			DLIM0     float64                     `json:"dlim_eta0"`
			DLIM05    struct{ Mean, Var float64 } `json:"dlim_eta05"`
		}
	}
	Losses struct {
		Residual [][]float32
		Root     []float64 `json:"lploss2"`
		Huber    []float64 `json:"lploss1"`
		Squared  []float64 `json:"lploss_m1"`
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("../testdata/golden/dlpm_vectors.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &g))
	return g
}

func TestGoldenSchedules(t *testing.T) {
	g := readGolden(t)
	require.NotEmpty(t, g.Preserving)
	for _, e := range g.Preserving {
		s, err := Default(e.Alpha, e.T).Schedule(0)
		require.NoError(t, err)
		require.InDeltaSlice(t, e.Gammas, s.Gamma, 1e-12)
		require.InDeltaSlice(t, e.BarGammas, s.GammaBar, 1e-12)
		require.InDeltaSlice(t, e.Sigmas, s.Sigma, 1e-12)
		require.InDeltaSlice(t, e.BarSigmas, s.SigmaBar, 1e-12)
	}
	p := DLPM{Alpha: g.Exploding.Alpha, Scale: Exploding, Steps: g.Exploding.T}
	s, err := p.Schedule(0)
	require.NoError(t, err)
	require.InDeltaSlice(t, g.Exploding.BarSigmas, s.SigmaBar, 1e-11)
	require.InDeltaSlice(t, g.Exploding.Sigmas, s.Sigma, 1e-11)
}

func TestGoldenSteps(t *testing.T) {
	g := readGolden(t).Posterior
	s, err := Default(g.Alpha, g.T).Schedule(0)
	require.NoError(t, err)
	sum := make([]float64, g.T)
	s.Variances(sum, g.A)
	require.InDeltaSlice(t, g.Sigmas, sum, 1e-12)
	require.Len(t, g.Steps, g.T-1)
	for _, e := range g.Steps {
		Gamma, v := s.Posterior(e.T, sum[e.T-1], sum[e.T])
		require.InDelta(t, e.Gamma, Gamma, 1e-12)
		require.InDelta(t, e.Var, v, 1e-12)
		mean := func(c Coef) float64 { return c.X*e.X + c.Eps*e.Eps }
		c := s.DLPM(e.T, sum[e.T-1], sum[e.T])
		require.InDelta(t, e.Mean, mean(c), 1e-12)
		require.InDelta(t, e.Var, c.Z*c.Z, 1e-12)
		c = s.DLIM(e.T, 0, g.A[e.T])
		require.InDelta(t, e.DLIM0, mean(c), 1e-12)
		require.Zero(t, c.Z)
		c = s.DLIM(e.T, 0.5, g.A[e.T])
		require.InDelta(t, e.DLIM05.Mean, mean(c), 1e-12)
		require.InDelta(t, e.DLIM05.Var, c.Z*c.Z, 1e-12)
	}
}

// TestGoldenLosses runs the residuals through the device and Reduce.
func TestGoldenLosses(t *testing.T) {
	g := readGolden(t).Losses
	var flat []float32
	for _, r := range g.Residual {
		flat = append(flat, r...)
	}
	n, d := len(g.Residual), len(g.Residual[0])
	dev := tensor.Device(ref64.New())
	pred, target := dev.New(n, d), dev.New(n, d)
	dev.Upload(pred, flat)
	for kind, want := range map[LossKind][]float64{Root: g.Root, Huber: g.Huber, Squared: g.Squared} {
		l := Loss{Kind: kind}
		k, p := l.Elementwise()
		m, w := make([]float64, n), make([]float64, n)
		dev.Loss(m, pred, target, k, p)
		for i := range want {
			require.InDelta(t, want[i], l.Reduce(w[i:i+1], m[i:i+1], 1), 1e-6)
		}
		require.InDelta(t, (want[0]+want[1])/2, l.Reduce(w, m, n), 1e-6)
	}
}
