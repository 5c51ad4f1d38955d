package experiment

import (
	"context"
	"errors"
	"heavytail/internal/chart"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// counting is an experiment whose values are functions of the key; stop, if
// positive, ends it with an error at that job.
func counting(runs int, did *atomic.Int64, stop int64) Experiment {
	return Experiment{Name: "count", Plan: func(_ context.Context, o Options) (*Plan, error) {
		p := &Plan{Settings: "none", Columns: []string{"value", "bad"}}
		for run := range o.RunsOr(runs, 1) {
			for _, m := range []string{"A", "B"} {
				keys := []Key{{m, "1.5", run}, {m, "2.0", run}}
				p.Jobs = append(p.Jobs, Job{Keys: keys, Do: func(context.Context, *Worker) ([][]float64, error) {
					if n := did.Add(1); n == stop {
						return nil, errors.New("struck")
					}
					v := float64(Seed(o.Seed, m, run) >> 40)
					return [][]float64{{v, math.NaN()}, {v / 3, math.Inf(1)}}, nil
				}})
			}
		}
		p.Report = func(r *Results) Report {
			c := Comparison{Column: "value", Settings: []string{"1.5", "2.0"}, Rows: []ComparisonRow{{Method: "A"}, {Method: "B", Against: "A"}}}
			return Report{Title: "Counting", Sections: []Section{{"table", c.Table(r)}}, Figures: []chart.Figure{{Plots: []chart.Plot{{}}}}}
		}
		return p, nil
	}}
}

func runner(t *testing.T, dir string, threads int) Runner {
	return Runner{Out: filepath.Join(dir, "out"), State: filepath.Join(dir, "state"), Threads: threads, Log: t.Logf}
}

func text(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(b)
}

// A run that is stopped, loses the end of a line, and goes on with another
// number of threads writes the same files as one that was not, and measures
// nothing twice.
func TestStoppedRunGoesOn(t *testing.T) {
	var did atomic.Int64
	whole := t.TempDir()
	require.NoError(t, runner(t, whole, 1).Do(context.Background(), counting(10, &did, 0), Options{Seed: 3}))
	require.EqualValues(t, 20, did.Load())

	dir := t.TempDir()
	did.Store(0)
	err := runner(t, dir, 1).Do(context.Background(), counting(10, &did, 8), Options{Seed: 3})
	require.ErrorContains(t, err, "struck")
	require.EqualValues(t, 8, did.Load(), "jobs after the error")
	path := filepath.Join(dir, "state", "rows.csv")
	b := text(t, path)
	require.NoError(t, os.WriteFile(path, []byte(b[:len(b)-5]), 0o644)) // half of job 7 is lost
	require.NoError(t, runner(t, dir, 4).Do(context.Background(), counting(10, &did, 0), Options{Seed: 3}))
	require.EqualValues(t, 8+14, did.Load())
	for _, name := range []string{"count.csv", "count.svg", "count.md"} {
		require.Equal(t, text(t, whole, "out", name), text(t, dir, "out", name))
	}
	// Nothing is left to do, more runs add rows, fewer leave some out.
	require.NoError(t, runner(t, dir, 2).Do(context.Background(), counting(10, &did, 0), Options{Seed: 3, Runs: 11}))
	require.EqualValues(t, 22+2, did.Load())
	require.NoError(t, runner(t, dir, 2).Do(context.Background(), counting(10, &did, 0), Options{Seed: 3, Runs: 1}))
	require.Len(t, strings.Split(strings.TrimSpace(text(t, dir, "out", "count.csv")), "\n"), 1+4)
	// Another seed is another experiment.
	err = runner(t, dir, 2).Do(context.Background(), counting(10, &did, 0), Options{Seed: 4})
	require.ErrorContains(t, err, "other settings")
}

// A report reads what is there, half a line at the end or not, and changes
// nothing: another process may be adding rows.
func TestReportOnly(t *testing.T) {
	var did atomic.Int64
	dir := t.TempDir()
	r := runner(t, dir, 1)
	r.Only = true
	require.ErrorContains(t, r.Do(context.Background(), counting(2, &did, 0), Options{}), "no rows")
	require.NoError(t, runner(t, dir, 1).Do(context.Background(), counting(2, &did, 0), Options{}))
	path := filepath.Join(dir, "state", "rows.csv")
	b := text(t, path) + "A,1.5,9,1"
	require.NoError(t, os.WriteFile(path, []byte(b), 0o644))
	require.NoError(t, r.Do(context.Background(), counting(9, &did, 0), Options{}))
	require.EqualValues(t, 4, did.Load())
	require.Equal(t, b, text(t, path))
	require.Len(t, strings.Split(strings.TrimSpace(text(t, dir, "out", "count.csv")), "\n"), 1+8)
	require.ErrorContains(t, r.Do(context.Background(), counting(2, &did, 0), Options{Seed: 1}), "other settings")
}

// Rows that were copied from the results have no settings, and without any a report is
// of the results themselves, whose CSV keeps the rows that the plan does not ask for.
func TestReportOfTheResults(t *testing.T) {
	var did atomic.Int64
	dir, again := t.TempDir(), t.TempDir()
	require.NoError(t, runner(t, dir, 1).Do(context.Background(), counting(3, &did, 0), Options{}))
	csv, page := text(t, dir, "out", "count.csv"), text(t, dir, "out", "count.md")
	r := runner(t, again, 1)
	r.Only = true
	err := r.Do(context.Background(), counting(3, &did, 0), Options{})
	require.ErrorContains(t, err, "copy a count.csv to "+filepath.Join(r.State, "rows.csv"))
	require.NoError(t, os.MkdirAll(r.State, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(r.State, "rows.csv"), []byte(csv), 0o644))
	require.NoError(t, r.Do(context.Background(), counting(3, &did, 0), Options{}))
	require.Equal(t, page, text(t, again, "out", "count.md"))
	require.NoError(t, os.RemoveAll(r.State))
	require.NoError(t, os.Remove(filepath.Join(r.Out, "count.md")))
	require.NoError(t, r.Do(context.Background(), counting(2, &did, 0), Options{}))
	require.Equal(t, csv, text(t, again, "out", "count.csv"))
	require.NotEqual(t, page, text(t, again, "out", "count.md"))
	require.NoError(t, r.Do(context.Background(), counting(3, &did, 0), Options{}))
	require.Equal(t, page, text(t, again, "out", "count.md"))
	require.EqualValues(t, 6, did.Load())
	require.NoDirExists(t, r.State)
}

func TestCancelEnds(t *testing.T) {
	var did atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, runner(t, t.TempDir(), 2).Do(ctx, counting(10, &did, 0), Options{}), context.Canceled)
	require.Zero(t, did.Load())
}

func TestStoreRefuses(t *testing.T) {
	for name, rows := range map[string]string{
		"columns": "method,setting,run,y\nA,1,0,2\n", "fields": "method,setting,run,x\nA,1,0\n",
		"number": "method,setting,run,x\nA,1,0,two\n", "run": "method,setting,run,x\nA,1,0.5,2\n",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "rows.csv"), []byte(rows), 0o644))
		_, err := OpenStore(dir, "s", []string{"x"})
		require.ErrorContains(t, err, "remove the file", name)
	}
	s, err := OpenStore(t.TempDir(), "s", []string{"x"})
	require.NoError(t, err)
	defer s.Close()
	require.Error(t, s.Add([]Key{{"A", "1", 0}}, nil))
	require.Error(t, s.Add([]Key{{"A", "1", 0}}, [][]float64{{1, 2}}))
	require.False(t, s.Has([]Key{{"A", "1", 0}}))
}

func TestPlanRefuses(t *testing.T) {
	twice := []Job{{Keys: []Key{{"A", "1", 0}}}, {Keys: []Key{{"A", "1", 0}}}}
	require.ErrorContains(t, (&Plan{Columns: []string{"x"}, Jobs: twice}).validate(), "two jobs")
	require.ErrorContains(t, (&Plan{Columns: []string{"x"}, Jobs: []Job{{Keys: []Key{{"A,B", "1", 0}}}}}).validate(), "commas")
	require.Error(t, (&Plan{}).validate())
	_, err := Find("nothing")
	require.ErrorContains(t, err, "no experiment")
}

// Welch's test beside p-values by Simpson's rule over the density of Student's law.
func TestWelch(t *testing.T) {
	a := Summarise([]float64{1, 2, 3, 4, math.NaN()})
	b := Summarise([]float64{2, 4, 7, 9, 10, 11})
	require.Equal(t, Summary{N: 4, Bad: 1, Mean: 2.5, Std: math.Sqrt(5. / 3)}, a)
	require.InDelta(t, 0.02250663295863869, Welch(a, b), 1e-12)
	require.Equal(t, Welch(a, b), Welch(b, a))
	c := Summary{N: 20, Mean: 0.160, Std: 0.128}
	d := Summary{N: 20, Mean: 0.743, Std: 0.290}
	require.InEpsilon(t, 1.0077295990632715e-08, Welch(c, d), 1e-9)
	require.True(t, math.IsNaN(Welch(a, Summary{N: 1})))
	require.True(t, math.IsNaN(Welch(Summary{N: 2}, Summary{N: 2})))
	require.True(t, math.IsNaN(Summarise(nil).Mean))
}

func TestComparison(t *testing.T) {
	s, err := OpenStore(t.TempDir(), "s", []string{"x"})
	require.NoError(t, err)
	defer s.Close()
	for run := range 3 {
		keys := []Key{{"A", "1.5", run}, {"A", "2.0", run}, {"B", "1.5", run}}
		require.NoError(t, s.Add(keys, [][]float64{{float64(run)}, {math.Inf(1)}, {float64(run) + 1}}))
	}
	c := Comparison{Column: "x", Settings: []string{"1.5", "2.0"}, Rows: []ComparisonRow{
		{Method: "A", Published: map[string]Published{"1.5": {Mean: 2, Std: 0.5}}},
		{Method: "B", Against: "A", Published: map[string]Published{"1.5": {Mean: 2.5, Std: 0.2, P: 0.01}}},
		{Method: "C"},
	}}
	got := c.Table(s.Results(func(Key) bool { return true }))
	require.Equal(t, `|  |  | 1.5 | 2.0 |
|---|---|---|---|
| A | paper | 2.000 ± 0.500 | – |
| A | ours | 1.000 ± 1.000 ✓ | NaN ± NaN [3 not finite] |
| B | paper | 2.500 ± 0.200 (1.0e-02) | – |
| B | ours | 2.000 ± 1.000 (2.9e-01) ✗ | – |
| C | ours | – | – |

Means ± standard deviations of 3 to 3 trainings, p-values of Welch's test in brackets. 1 of our 2 means lie within two published deviations of the published mean (✓).
`, got)
}

// A page keeps what a person wrote.
func TestUpdatePage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.md")
	r := Report{Title: "Title", Sections: []Section{{"one", "1\n"}, {"two", "2"}}}
	require.NoError(t, updatePage(path, r))
	page := strings.Replace(text(t, path), "# Title\n", "# Title\n\nWhat was found.\n", 1) + "Last words.\n"
	require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
	r.Sections[0].Body = "uno\n"
	require.NoError(t, updatePage(path, r))
	require.Equal(t, strings.Replace(page, "\n1\n", "\nuno\n", 1), text(t, path))
	require.NoError(t, os.WriteFile(path, []byte("<!-- generated: one -->\n"), 0o644))
	require.ErrorContains(t, updatePage(path, r), "does not end")
}
