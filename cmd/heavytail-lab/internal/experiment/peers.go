package experiment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"heavytail/stable"
)

// peersExperiment puts our samplers beside those of other packages as they are
// published: exact denoisers of the same targets, the same numbers of steps and
// samples. The others are run by results/peers.py, whose rows are read here.
var peersExperiment = Experiment{
	Name:    "peers",
	Summary: "our samplers beside those of other packages as they are published, with exact denoisers; -data results has the rows of the others",
	Plan:    planPeers,
}

// peersColumns: rQ are ratios of quantiles of |x| to those of the law, evaluations
// how often the denoiser was asked for one sample.
var peersColumns = []string{"r50", "r90", "r99", "r999", "evaluations"}

// peersBeyond are the probabilities beyond the quantiles.
var peersBeyond = []float64{0.5, 0.1, 0.01, 1e-3}

// peersFile is what results/peers.py writes: method, target, dimension, steps, run,
// the quantiles of |x| and the evaluations.
const peersFile = "peers-others.csv"

// peersSizes are the numbers that -quick changes.
type peersSizes struct {
	dims, steps []int
	samples     int
}

// peersTargets are a normal law of deviation ½, Student's of the same deviation, and
// a stable law of scale ¼.
var peersTargets = []dimensionTarget{
	{mixture{name: "normal", scale: 0.5, centres: []float64{0}, shares: []float64{1}},
		func() scaleLaw { return normalLaw(1) }, stable.Law{Alpha: 2, Scale: 0.5 / math.Sqrt2}, false},
	dimensionTargets[0],
	dimensionTargets[3],
}

func planPeers(_ context.Context, o Options) (*Plan, error) {
	z := peersSizes{dims: []int{1, 2}, steps: []int{18, 64, 256}, samples: 10_000}
	if o.Quick {
		z = peersSizes{dims: []int{1, 2}, steps: []int{18}, samples: 500}
	}
	if o.Report && o.Data == "" && !o.Quick {
		return nil, fmt.Errorf("peers wants the rows of the other packages for its tables, too: add -data results")
	}
	others, sum, err := peersOthers(o.Data)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Settings: fmt.Sprintf("peers 2: %+v, others %s", z, sum),
		Columns:  peersColumns,
		Jobs:     others,
		Report:   func(r *Results) Report { return reportPeers(r, z) },
	}
	runs := o.RunsOr(5, 1)
	each := func(add func(g dimensionTarget, d int)) {
		for _, g := range peersTargets {
			for _, d := range z.dims {
				add(g, d)
			}
		}
	}
	each(func(g dimensionTarget, d int) {
		for run := range runs {
			p.Jobs = append(p.Jobs, peersFresh(g, d, z, o.Seed, run))
		}
	})
	for _, n := range z.steps { // the most come last: what is stopped early compares all on the others
		each(func(g dimensionTarget, d int) {
			for _, noise := range peersNoises {
				if j := peersJob(g, noise, d, n, z, o.Seed, runs); len(j.Keys) > 0 {
					p.Jobs = append(p.Jobs, j)
				}
			}
		})
	}
	return p, nil
}

// peersOthers makes rows of the file in a folder; none if there is no folder.
func peersOthers(dir string) (jobs []Job, sum string, err error) {
	if dir == "" {
		return nil, "-", nil
	}
	path := filepath.Join(dir, peersFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("peers wants the rows of the other packages: %w; results/peers.py writes them", err)
	}
	if err != nil {
		return nil, "", err
	}
	wants := map[string]func() []float64{} // by target and dimension
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		if i == 0 || len(line) == 0 {
			continue
		}
		k, v, err := parseRow(string(line), len(peersColumns))
		if err != nil {
			return nil, "", fmt.Errorf("%s: line %d: %w", path, i+1, err)
		}
		target, d, ok := peersSetting(k.Setting)
		if !ok {
			return nil, "", fmt.Errorf("%s: line %d: setting %q: want a target, 1 or 2 dimensions and steps, as in student 1 64", path, i+1, k.Setting)
		}
		at := dimensionSetting(target.name, d, 0)
		if wants[at] == nil {
			wants[at] = sync.OnceValue(func() []float64 { return peersWant(target, d) })
		}
		want := wants[at]
		jobs = append(jobs, Job{Keys: []Key{k}, Do: func(context.Context, *Worker) ([][]float64, error) {
			return [][]float64{append(peersRatios(want(), v), v[len(v)-1])}, nil
		}})
	}
	return jobs, fmt.Sprintf("%x", sha256.Sum256(text))[:16], nil
}

// peersSetting reads dimensionSetting's text.
func peersSetting(s string) (g dimensionTarget, d int, ok bool) {
	var n int
	var name string
	if _, err := fmt.Sscanf(s, "%s %d %d", &name, &d, &n); err != nil || d < 1 || d > 2 {
		return g, 0, false
	}
	i := slices.IndexFunc(peersTargets, func(g dimensionTarget) bool { return g.name == name })
	if i < 0 {
		return g, 0, false
	}
	return peersTargets[i], d, true
}

// peersWant returns the law's quantiles of |x|.
func peersWant(g dimensionTarget, d int) []float64 { return peersLaw(g.data(), g.one, g.scale, d) }

// peersLaw returns the quantiles of |x| of a law of the scale, whose coordinates are one.
func peersLaw(law scaleLaw, one stable.Distribution, scale float64, d int) (out []float64) {
	var radius radiusLaw
	if d > 1 {
		radius = radiusOf(law, scale, d)
	}
	for _, p := range peersBeyond {
		if d > 1 {
			out = append(out, radius.quantile(p))
		} else {
			out = append(out, one.SurvivalQuantile(p/2))
		}
	}
	return out
}

// peersRatios divides quantiles by the law's.
func peersRatios(want, got []float64) (out []float64) {
	for i, w := range want {
		out = append(out, got[i]/w)
	}
	return out
}

// peersQuantiles returns the quantiles of |x| of samples of d values.
func peersQuantiles(x []float64, d int) (out []float64) {
	n := len(x) / d
	size := make([]float64, n)
	for i := range n {
		sum := 0.0
		for _, v := range x[i*d : (i+1)*d] {
			sum += float64(v * v)
		}
		size[i] = math.Sqrt(sum)
	}
	slices.Sort(size)
	for _, p := range peersBeyond {
		at := min(max(float64(float64(n)*(1-p))-0.5, 0), float64(n-1))
		k := min(int(at), n-2)
		out = append(out, size[k]+float64((at-float64(k))*(size[k+1]-size[k])))
	}
	return out
}

// peersFresh measures a draw of the law itself.
func peersFresh(g dimensionTarget, d int, z peersSizes, seed uint64, run int) Job {
	return Job{Keys: []Key{{freshData, dimensionSetting(g.name, d, 0), run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
		g.law = g.data()
		x := make([]float64, z.samples*d)
		g.fill(x, d, Seed(seed, "peers", g.name, d, run))
		return [][]float64{append(peersRatios(peersWant(g, d), peersQuantiles(x, d)), 0)}, nil
	}}
}

// peersJob runs the samplers of one noise with n steps.
func peersJob(g dimensionTarget, noise peersNoise, d, n int, z peersSizes, seed uint64, runs int) Job {
	var j Job
	samplers := noise.of(g, d, n)
	for _, s := range samplers {
		for run := range runs {
			if run == 0 || !s.ode {
				j.Keys = append(j.Keys, Key{s.name, dimensionSetting(g.name, d, n), run})
			}
		}
	}
	j.Do = func(ctx context.Context, _ *Worker) (rows [][]float64, err error) {
		g.law = g.data()
		l := &levels{target: g.mixture, noise: noise.law(), nodes: map[float64][]node{}}
		l.dimension(d)
		want := peersWant(g, d)
		add := func(s peersSampler, q []float64) {
			rows = append(rows, append(peersRatios(want, q), float64(s.evaluations)))
		}
		for _, s := range samplers {
			if s.ode {
				q, err := s.quantiles(ctx, l, noise)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", s.name, err)
				}
				add(s, q)
				continue
			}
			for run := range runs {
				x, err := drawExact(ctx, l, s.exactSampler, z.samples, Seed(seed, "peers", s.name, g.name, d, n, run))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", s.name, err)
				}
				add(s, peersQuantiles(x, d))
			}
		}
		return rows, nil
	}
	return j
}
