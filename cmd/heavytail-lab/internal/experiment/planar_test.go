package experiment

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/kernels"
)

// Every experiment has a plan that can work, quick and full, and reports on
// results that are not there yet.
func TestPlans(t *testing.T) {
	for _, e := range All() {
		for _, o := range []Options{{}, {Quick: true}, {Runs: 3}} {
			p, err := e.Plan(t.Context(), o)
			if err != nil { // an experiment may want data; it says which
				require.ErrorContains(t, err, "-data", e.Name)
				continue
			}
			require.NoError(t, p.validate(), e.Name)
			require.NotEmpty(t, p.Jobs)
			r := p.Report(&Results{columns: p.Columns, rows: map[Key][]float64{}})
			require.NotEmpty(t, r.Title)
			require.NotEmpty(t, r.Figures)
			for _, f := range r.Figures {
				numtest.Elements(t, f.SVG())
			}
		}
	}
}

// The set is √A·G·0.05: half of the norms lie below the median of the law, by a
// double integral done elsewhere, and the tail has index 1.7.
func TestTailsPoints(t *testing.T) {
	x := tailsPoints(20000, 7)
	require.Equal(t, x, tailsPoints(20000, 7))
	n := norms(x)
	require.Len(t, n, 20000)
	// E|x|^p of the law: 0.05^p · E A^{p/2} · E|G|^p with p = ½,
	// E A^s = 2^s·Γ(1−s/a)/Γ(1−s), a = 0.85, and E|G|^p = 2^{p/2}·Γ(1+p/2) in the plane.
	const p = 0.5
	want := math.Pow(0.05, p) * math.Pow(2, p/2) * math.Gamma(1-p/1.7) / math.Gamma(1-p/2) * math.Pow(2, p/2) * math.Gamma(1+p/2)
	sum, sq := 0.0, 0.0
	for _, v := range n {
		sum += math.Sqrt(v)
		sq += v
	}
	mean := sum / 20000
	require.InDelta(t, want, mean, 5*math.Sqrt((sq/20000-mean*mean)/20000))
	// Both coordinates have both signs, and errors see what they should.
	row := tailsRow(x, x)
	require.Len(t, row, len(tailsColumns))
	for i, name := range tailsColumns[:5] {
		require.Zero(t, row[i], name)
	}
	twice := make([]float32, len(x))
	for i, v := range x {
		twice[i] = 2 * v
	}
	row = tailsRow(x, twice)
	ln2 := math.Ln2 * math.Ln2
	for i, want := range []float64{ln2, ln2 * 0.05, ln2, ln2, ln2, 2, 2, 2} {
		require.InEpsilon(t, want, row[i], 1e-6, tailsColumns[i])
	}
	require.NotEqual(t, row[0], row[8], "some points lie beyond 6")
}

func TestGridRow(t *testing.T) {
	x, err := gridPoints(20000, 3)
	require.NoError(t, err)
	y, err := gridPoints(20000, 4)
	require.NoError(t, err)
	row := gridRow(x, y, 1)
	require.Len(t, row, len(gridColumns))
	require.Greater(t, row[0], 0.98)
	require.InDelta(t, 1, row[3], 0.4)       // 200 points are expected: five deviations
	require.InDelta(t, 3.4e-4, row[4], 1e-3) // P(χ²₂ > 16) = e⁻⁸
	y[0], y[1] = float32(math.NaN()), 5
	for i := range 2000 {
		y[2*i] = 9
	}
	row = gridRow(x, y, 1)
	require.InDelta(t, 0.1, row[4], 1e-3)
	require.Less(t, row[1], 0.97, "a tenth of what is generated is not real")
}

// A short training of each method gives the same points on one thread and on
// several, finite ones, and DDPM's have the scale of the data.
func TestPlanarMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("trains five networks")
	}
	x, err := gridPoints(2000, 1)
	require.NoError(t, err)
	size := planarSize{train: 30, sample: 8, points: 300}
	for _, m := range []planar{dlpmRow, dlpm5Row, limRow, limMendedRow, ddpmRow, dlpmRow.repaired(), limMendedAll().repaired()} {
		alpha := m.alphas[0]
		a, err := m.run(context.Background(), kernels.New(1), x, alpha, size, 5)
		require.NoError(t, err, m.name)
		b, err := m.run(context.Background(), kernels.New(3), x, alpha, size, 5)
		require.NoError(t, err, m.name)
		require.Equal(t, a, b, m.name)
		require.Len(t, a, 600)
		r, err := m.recipe(alpha, size, 5)
		require.NoError(t, err)
		require.Equal(t, size.train, r.Train.Steps)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = dlpmRow.run(ctx, kernels.New(1), x, 1.7, size, 5)
	require.ErrorIs(t, err, context.Canceled)
}

// The recipes are the tables': the published network and settings.
func TestPlanarRecipes(t *testing.T) {
	for _, c := range []struct {
		m      planar
		loss   string
		copies int
		kind   string
	}{
		{dlpmRow, "root", 1, "dlpm"}, {dlpm5Row, "root", 5, "dlpm"}, {limRow, "huber", 1, "lim"}, {ddpmRow, "squared", 1, "dlpm"}, {dlpmRow.repaired(), "root", 1, "dlpm"},
	} {
		r, err := c.m.recipe(c.m.alphas[0], publishedSize, 1)
		require.NoError(t, err)
		require.Equal(t, []any{c.loss, c.copies, c.kind, 640, 1024}, []any{string(r.Train.Loss.Kind), r.Train.Loss.Copies(), r.Kind(), r.Train.Steps, r.Train.Batch}, c.m.name)
		require.Equal(t, c.m.every == 2, r.Network.MLP.Magnitude, c.m.name)
	}
	r, err := limBoundRow.recipe(1.7, publishedSize, 1)
	require.NoError(t, err)
	require.Equal(t, 20.0, r.LIM.Clamps.Skewed)
	r, err = limRow.long().recipe(1.7, publishedSize, 1)
	require.NoError(t, err)
	require.Equal(t, 6400, r.Train.Steps)
	require.True(t, limRow.long().runs(9) && !limRow.long().runs(10))
	require.True(t, dlpm5Row.runs(0) && !dlpm5Row.runs(1) && dlpm5Row.runs(3) && limRow.runs(1))
}
