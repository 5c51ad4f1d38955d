package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/stable"
)

// line makes the exact denoisers of a grid.
func line(t *testing.T, alpha float64, grid string, n int, preserving bool) *lineTarget {
	t.Helper()
	table, err := stable.NewTable(stable.Symmetric(alpha))
	require.NoError(t, err)
	for _, g := range levelGrids {
		if g.name == grid {
			tau, err := g.tau(alpha, n)
			require.NoError(t, err)
			require.Len(t, tau, n)
			require.True(t, slices.IsSorted(tau))
			return &lineTarget{alpha, table, scheduleOf(alpha, tau, preserving)}
		}
	}
	t.Fatalf("no grid %q", grid)
	return nil
}

// The levels of the cosine give its schedule back.
func TestScheduleOfLevels(t *testing.T) {
	for _, alpha := range scheduleAlphas {
		want, err := diffusion.Default(alpha, 21).Schedule(0)
		require.NoError(t, err)
		got := line(t, alpha, "cosine", 20, true).s
		for k := range want.T() {
			for i, v := range [][2]float64{{want.Gamma[k], got.Gamma[k]}, {want.GammaBar[k], got.GammaBar[k]}, {want.Sigma[k], got.Sigma[k]}, {want.SigmaBar[k], got.SigmaBar[k]}} {
				require.InDelta(t, v[0], v[1], 1e-12, "alpha %v t %d field %d", alpha, k, i)
			}
		}
	}
}

// LIM's steps on its own levels are those of package diffusion.
func TestLIMForms(t *testing.T) {
	const n, alpha = 20, 1.5
	p, s := diffusion.LIM{Alpha: alpha}, line(t, alpha, "LIM's cosine", n, true).s
	forms := map[string]func(s, t float64) diffusion.Coef{"LIM ODE": p.ODE, "LIM mended": p.MendedSDE, "LIM published": p.SDE}
	for _, f := range stepForms {
		want := forms[f.name]
		if want == nil {
			continue
		}
		delete(forms, f.name)
		for k := n; k >= 2; k-- {
			w, got := want(0.9946*float64(k)/n, 0.9946*float64(k-1)/n), f.coef(s, k, 1)
			require.InEpsilon(t, w.X, got.X, 1e-11, f.name)
			require.InEpsilon(t, w.Eps, got.Eps, 1e-9, f.name)
			require.InDelta(t, w.Z, got.Z, 1e-9*(1+w.Z), f.name)
		}
	}
	require.Empty(t, forms)
}

// A scale-preserving process and an exploding one of the same τ are the same for
// all samplers of DLPM's process: the states differ by the factor γ̄, the samples
// by rounding. So the levels are all that matters of a schedule.
func TestScaleOfTheProcessDoesNotMatter(t *testing.T) {
	for _, f := range stepForms[:] {
		if f.name == "LIM ODE" || f.name == "LIM mended" || f.name == "LIM published" {
			continue // written for the scale-preserving process
		}
		var ends [2][]float64
		for i, preserving := range []bool{true, false} {
			l := line(t, 1.5, "cosine quadratic", 10, preserving)
			ends[i] = make([]float64, 200)
			for k := range ends[i] {
				ends[i][k] = (float64(k) - 99.5) / 20 * l.s.SigmaBar[10]
			}
			l.run(f, ends[i], l.clusters, 5)
		}
		for k, v := range ends[0] {
			require.InDelta(t, v, ends[1][k], 1e-9*(1+math.Abs(v)), "%s", f.name)
		}
	}
}

// What is drawn has the scale that the coefficients give, and DLPM's loop here draws
// the law that package diffusion's draws, to 5 standard deviations of the number
// beyond each quantile.
func TestScheduleDraws(t *testing.T) {
	const n, samples, alpha = 10, 10_000, 1.5
	l := line(t, alpha, "cosine", n, true)
	unit := stable.Symmetric(alpha)
	for _, f := range stepForms {
		if f.ode || f.chain {
			continue
		}
		x, scale, above := make([]float64, samples), l.scale(f), 0.0
		l.run(f, x, l.one, 9)
		for _, v := range x {
			if math.Abs(v) > scale*unit.Quantile(0.75) {
				above++
			}
		}
		require.InDelta(t, 0, (above-samples/2)/math.Sqrt(samples/4), 5, f.name)
	}
	ours, theirs := make([]float64, samples), make([]float64, samples)
	l.run(stepForms[len(stepForms)-1], ours, l.one, 3)
	p := diffusion.Default(alpha, n+1)
	seeds := make([]uint64, samples)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	y, err := diffusion.DLPMSampler{Process: p, ConsistentStart: true}.Sample(t.Context(), func(_ context.Context, eps, x, times []float32) error {
		for i, v := range x {
			slope, _ := l.slope(int(math.Round(float64(times[i])*(n+1))), scheduleScale)
			eps[i] = float32(slope * float64(v))
		}
		return nil
	}, seeds, 1)
	require.NoError(t, err)
	for i, v := range y {
		theirs[i] = math.Abs(float64(v))
		ours[i] = math.Abs(ours[i])
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	for _, q := range []float64{0.5, 0.1, 0.01} {
		k, _ := slices.BinarySearch(theirs, ours[int(samples*(1-q))])
		require.InDelta(t, 0, (float64(samples-k)-samples*q)/math.Sqrt(2*samples*q), 5, "beyond %v", q)
	}
}

// With more levels every form that ends at the data comes nearer to it on the
// cosine, and LIM as published does not: it tends to (α−1)^{−1/α}.
func TestScheduleConverges(t *testing.T) {
	const alpha = 1.5
	for _, f := range stepForms {
		if f.chain {
			continue
		}
		var off [2]float64
		for i, n := range []int{400, 1600} {
			l := line(t, alpha, "cosine", n, true)
			off[i] = math.Log(l.scale(f) / scheduleScale)
		}
		text := fmt.Sprintf("%s: %v", f.name, off)
		if f.name == "LIM published" {
			require.Greater(t, off[1], 0.3, text)
			continue
		}
		require.Less(t, math.Abs(off[1]), 0.01, text)
		require.Less(t, math.Abs(off[1]), 0.5*math.Abs(off[0]), text) // first order: a quarter
	}
}

// The shares of a two-way table: all of the rows, all of the columns, nothing of
// either.
func TestTwoWay(t *testing.T) {
	for want, v := range map[[3]float64][][]float64{
		{1, 0, 0}: {{1, 1}, {3, 3}}, {0, 1, 0}: {{1, 3}, {1, 3}}, {0, 0, 1}: {{1, 3}, {3, 1}}, {0.8, 0.2, 0}: {{1, 2}, {3, 4}},
	} {
		got := twoWay(v)
		require.InDeltaSlice(t, want[:], got[:], 1e-12, "%v", v)
	}
}
