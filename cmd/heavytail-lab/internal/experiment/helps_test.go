package experiment

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/stable"
)

// The map from scores to elements has the elements' law: P(x > x(s)) is that of the
// score beyond s, to 1e-5 of the distance, between the places of the table too.
func TestMarginals(t *testing.T) {
	for _, c := range helpsCopulas {
		for _, index := range helpsIndices {
			m, law := newMarginalMap(c.score, c.top, sideOf(index)), sideOf(index)
			require.Zero(t, m.at(0))
			for _, s := range []float64{0.01, 0.5, 1, 2.34567, 3, 4.5, 7} {
				want := law.SurvivalQuantile(c.score(s))
				require.InEpsilon(t, want, m.at(s), 1e-5, "%s %v %v", c.name, index, s)
				require.Equal(t, -m.at(s), m.at(-s))
			}
		}
	}
	require.InEpsilon(t, stable.StudentT{Nu: 1e6, Scale: 1}.SurvivalQuantile(1e-3), normalSide{}.SurvivalQuantile(1e-3), 1e-5)
	require.InEpsilon(t, 1e-3, normalSide{}.Survival(normalSide{}.SurvivalQuantile(1e-3)), 1e-12)
}

// Copulas have the dependence in the tails that theory gives at the 95 % quantile, and
// elements their law. Of 200,000 pairs 10,000 have the first element beyond the
// quantile, so that a share of them has a standard error below ½·0.01.
func TestCopulas(t *testing.T) {
	const n = 200_000
	for _, c := range helpsCopulas {
		cell := newHelpsCell(c, 2, 2.5)
		x := cell.draw(n, 7)
		q := sideOf(2.5).SurvivalQuantile(0.05)
		upper, lower := jointTails(x, 2, q)
		switch c.name {
		case "clayton": // C(u,u) = (2u^−θ − 1)^(−1/θ), and 1 − 2u + C(u,u) are beyond
			cdf := func(u float64) float64 { return math.Pow(2*math.Pow(u, -claytonTheta)-1, -1.0/claytonTheta) }
			require.InDelta(t, cdf(0.05)/0.05, lower, 0.025)
			require.InDelta(t, (1-2*0.95+cdf(0.95))/0.05, upper, 0.025)
		default:
			require.InDelta(t, upper, lower, 0.025, c.name)
		}
		below := 0
		for _, v := range x {
			if v < q {
				below++
			}
		}
		require.InDelta(t, 0.95, float64(below)/(2*n), 0.002, c.name) // 3σ of n dependent pairs: 0.0021
	}
}

// The mean beyond a quantile is that of the quantiles beyond it.
func TestUpperMean(t *testing.T) {
	for _, index := range []float64{2.5, 4, math.Inf(1)} {
		law := sideOf(index)
		x, sum := law.SurvivalQuantile(0.005), 0.0
		const n = 200_000
		for i := range n {
			// substituting q = 0.005·v⁴ flattens the end of the integral
			v := (float64(i) + 0.5) / n
			sum += law.SurvivalQuantile(0.005*v*v*v*v) * 4 * v * v * v / n
		}
		require.InEpsilon(t, sum, upperMean(index, x), 1e-4, "%v", index)
	}
}

// The law itself scores what draws of it must, and a law that is wrong in one way is
// caught by the measure of it: wider elements, a tail that was cut, independent elements,
// numbers that are not finite.
func TestHelpsRow(t *testing.T) {
	const n = 50_000
	cell := newHelpsCell(helpsCopulas[0], 2, 2.5)
	y := cell.yardstick(n)
	x := cell.draw(n, 3)
	at := func(row []float64, column string) float64 { return row[slices.Index(helpsColumns, column)] }
	fresh := cell.row(y, x)
	// 500 of 100,000 elements are beyond the last level: 3σ of ln share there is 0.13·√2
	// for pairs; quantiles of index 2.5 have 1/2.5 of it.
	require.Less(t, at(fresh, "tail"), 0.15)
	require.Less(t, at(fresh, "sum"), 0.1)
	require.Less(t, at(fresh, "ks"), 0.1)
	require.Less(t, at(fresh, "body"), 0.03)
	require.InDelta(t, 0, at(fresh, "upper"), 0.05)
	require.InDelta(t, 1, at(fresh, "r999"), 0.3)
	require.InDelta(t, 1, at(fresh, "cvar"), 0.2)
	require.Zero(t, at(fresh, "fail"))

	wide := slices.Clone(x)
	cut := slices.Clone(x)
	for i, v := range x {
		wide[i] = 2 * v
		cut[i] = max(-3, min(v, 3))
	}
	row := cell.row(y, wide)
	require.InEpsilon(t, 2*at(fresh, "r999"), at(row, "r999"), 1e-9)
	require.InEpsilon(t, 2*at(fresh, "cvar"), at(row, "cvar"), 1e-9)
	require.InDelta(t, math.Log(2), at(row, "sum"), 0.1)
	require.Greater(t, at(row, "body"), 0.5)
	require.Greater(t, at(row, "ks"), 0.5)
	row = cell.row(y, cut)
	require.Equal(t, 1.0, at(row, "fail"))
	require.Less(t, at(row, "body"), 0.03) // what was cut is no body
	require.InEpsilon(t, 3, at(row, "r99")*sideOf(2.5).SurvivalQuantile(0.005), 1e-9)

	// each column by itself is right, and the pairs are not
	shuffled := slices.Clone(x)
	for i := range n {
		shuffled[2*i+1] = x[(2*i+3)%len(x)]
	}
	row = cell.row(y, shuffled)
	require.InDelta(t, at(fresh, "tail"), at(row, "tail"), 1e-12)
	require.Less(t, at(row, "upper"), -0.2)
	require.Greater(t, at(row, "sum"), 2*at(fresh, "sum"))

	for i := range 400 { // four in a thousand
		x[i] = math.NaN()
	}
	row = cell.row(y, x)
	require.Equal(t, 1.0, at(row, "fail"))
	require.Greater(t, at(row, "error"), math.Log(helpsWorst)/3)
}

// Every method has as many candidates, their scaling is undone to the rounding of
// float32, and one broken as a program would be is a failed run.
func TestHelpsCandidates(t *testing.T) {
	x := newHelpsCell(helpsCopulas[0], 10, 2.5).draw(500, 1)
	for _, m := range helpsMethods(20) {
		require.Len(t, m.candidates, 4, m.name)
		for _, c := range m.candidates {
			scale, points, err := c.scaled(x, 10)
			require.NoError(t, err)
			cols := make([][]float64, 10)
			for i, v := range points {
				cols[i%10] = append(cols[i%10], float64(v))
			}
			for i, v := range scale.undo(cols) {
				// a rounding of 2^−24 of z, which a bend makes 1 + ln(1+|x|) times as large
				require.InDelta(t, x[i], v, 1e-5*(1+math.Abs(x[i])), "%s %s", m.name, c.label)
			}
		}
	}
	for _, row := range helpsFailed() {
		require.Equal(t, 1.0, row[0])
		require.InDelta(t, math.Log(helpsWorst), row[1], 1e-12)
	}
}

// A training that diverges is a failed run and does not end the experiment.
func TestHelpsDiverged(t *testing.T) {
	h := &helps{z: helpsSizes{steps: 5, batch: 16, levels: 10}}
	x := newHelpsCell(helpsCopulas[0], 2, 2.5).draw(100, 1)
	for i := range 10 {
		x[20*i] = 1e37 // whose square is beyond float32
	}
	rows, err := h.rows(context.Background(), &Worker{Dev: kernels.New(1)}, helpsMethods(10)[0].candidates[0], x, 2, 100, 1, nil)
	require.NoError(t, err)
	require.Equal(t, 1.0, rows[0][0])
}

// What is judged is never what tuned, and a pair's ratio takes runs that have both.
func TestHelpsReport(t *testing.T) {
	r := &Results{columns: helpsColumns, rows: map[Key][]float64{}}
	add := func(method, setting string, run int, v float64) {
		row := missing()
		row[0], row[1] = 0, v
		r.rows[Key{method, setting, run}] = row
	}
	cell := cellName("student", 2, 2.5)
	for run, v := range []float64{1, 2, 4} {
		add("t-EDM", helpsSetting(cell, helpsEvaluations[0], helpsTuned("t-EDM", 2.5)), run, v)
		if run != 1 {
			add("EDM", helpsSetting(cell, helpsEvaluations[0], helpsTuned("EDM", 2.5)), run, 2)
		}
	}
	h := newHelpsResults(r, helpsMethods(2), helpsCopulas[:1], []int{2}, []float64{2.5})
	cells := h.logs(helpsPair{"t-EDM", "EDM"}, helpsGroup{want: everyCell}, helpsEvaluations[0], "error")
	require.Len(t, cells, 1)
	require.InDeltaSlice(t, []float64{math.Log(0.5), math.Log(2)}, cells[0], 1e-12)
	require.Equal(t, "1.00", ratio(cells, 1))
	require.NotContains(t, strings.Join(h.rowsOf(), " "), "tune")
	require.Empty(t, h.values(freshData, helpsGroup{want: everyCell}, helpsEvaluations[0], "error"), "no run has all methods")
	add(freshData, cell, 2, 0.1)
	for _, m := range h.methods {
		add(m.name, helpsSetting(cell, helpsEvaluations[0], helpsTuned(m.name, 2.5)), 2, 1)
	}
	require.Equal(t, []float64{0.1}, h.values(freshData, helpsGroup{want: everyCell}, helpsEvaluations[0], "error"))
}
