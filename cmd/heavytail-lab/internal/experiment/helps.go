package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"heavytail/diffusion"
	"heavytail/internal/dmath"
	trainer "heavytail/train"
)

// helpsExperiment asks whether heavy-tailed noise helps (arXiv 2605.13175 says mostly
// not): every method, tuned alike, on known laws of many dependences, dimensions and
// indices.
var helpsExperiment = Experiment{
	Name:    "helps",
	Summary: "whether heavy-tailed noise helps: tuned methods on copulas by dimension and tail index, at equal evaluations",
	Plan:    planHelps,
}

var (
	helpsIndices     = []float64{1.5, 2.5, 4, math.Inf(1)}
	helpsDimensions  = []int{10, 2, 100}
	helpsEvaluations = []int{60, 20}
)

// Rows without a network: draws of the law itself, and of the training points.
const memoryMethod = "training points"

// helpsSizes are the numbers that -quick changes.
type helpsSizes struct {
	train, reference int // points
	steps, batch     int
	values, tuned    int // elements of the samples that are judged, and of those that tune
	levels           int // T of the chains
}

func (z helpsSizes) points(d, values int) int { return min(values/d, 20_000) }

func planHelps(_ context.Context, o Options) (*Plan, error) {
	z := helpsSizes{train: 10_000, reference: 2_000_000, steps: 800, batch: 256, values: 100_000, tuned: 40_000, levels: 200}
	h := &helps{z: z, seed: o.Seed, cells: map[string]*helpsLaw{}}
	indices, dimensions, copulas := helpsIndices, helpsDimensions, helpsCopulas
	if o.Quick {
		h.z = helpsSizes{train: 1000, reference: 20_000, steps: 10, batch: 64, values: 2000, tuned: 1000, levels: 10}
		indices, dimensions, copulas = indices[:1], dimensions[:1], copulas[:1]
	}
	methods := helpsMethods(h.z.levels)
	p := &Plan{
		Settings: fmt.Sprintf("helps 1: %+v, evaluations %v, rates %v, nu %v, alpha %v, %v", h.z, helpsEvaluations, helpsRates, helpsNus, helpsAlphas, helpsBends),
		Columns:  helpsColumns,
		Report:   func(r *Results) Report { return reportHelps(r, methods, copulas, dimensions, indices) },
	}
	for _, index := range indices {
		for _, m := range methods {
			for k := range m.candidates {
				p.Jobs = append(p.Jobs, h.tuning(m, k, index))
			}
		}
	}
	// What is stopped early has whole runs of the first two copulas before others.
	runs := o.RunsOr(20, 1)
	for _, b := range helpsBlocks(len(copulas), runs) {
		for _, d := range dimensions {
			for _, index := range indices {
				c := copulas[b.copula]
				p.Jobs = append(p.Jobs, h.baselines(c, d, index, b.run))
				for _, m := range methods {
					if k := helpsTuned(m.name, index); k >= 0 {
						p.Jobs = append(p.Jobs, h.judged(m, k, c, d, index, b.run))
					}
				}
			}
		}
	}
	return p, nil
}

// A helpsBlock is a run of one copula.
type helpsBlock struct{ copula, run int }

// helpsBlocks are the blocks by value: three runs of the first two copulas, three of
// the others, then all others.
func helpsBlocks(copulas, runs int) (out []helpsBlock) {
	for _, part := range []struct{ lo, hi, from, to int }{{0, 2, 0, 3}, {2, copulas, 0, 3}, {0, copulas, 3, runs}} {
		for run := part.from; run < min(part.to, runs); run++ {
			for c := part.lo; c < min(part.hi, copulas); c++ {
				out = append(out, helpsBlock{c, run})
			}
		}
	}
	return out
}

// helps measures the rows.
type helps struct {
	z     helpsSizes
	seed  uint64
	mu    sync.Mutex
	cells map[string]*helpsLaw
}

// A helpsLaw is a cell with its yardstick, made when it is first asked for.
type helpsLaw struct {
	cell *helpsCell
	mu   sync.Mutex
	y    *yardstick
}

func (h *helps) law(c copula, d int, index float64) (*helpsCell, *yardstick) {
	h.mu.Lock()
	name := cellName(c.name, d, index)
	l := h.cells[name]
	if l == nil {
		l = &helpsLaw{cell: newHelpsCell(c, d, index)}
		h.cells[name] = l
	}
	h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.y == nil {
		l.y = l.cell.yardstick(min(h.z.reference/d, 200_000))
	}
	return l.cell, l.y
}

// cellName names a law in keys: student 10 2.5.
func cellName(copula string, d int, index float64) string {
	return strings.Replace(fmt.Sprintf("%s %d %g", copula, d, index), "+Inf", "inf", 1)
}

// helpsSetting names a cell, the evaluations and the candidate in keys.
func helpsSetting(cell string, evaluations, candidate int) string {
	return fmt.Sprintf("%s %d c%d", cell, evaluations, candidate)
}

// tuneMethod names the rows that choose among a method's candidates.
func tuneMethod(name string) string { return "tune " + name }

// tuneDimension and the first copula are where candidates are chosen.
const tuneDimension = 10

// tuning measures one candidate on data of its own: error against a validation part,
// which never comes near those that are judged, and no other column.
func (h *helps) tuning(m helpsMethod, k int, index float64) Job {
	c := helpsCopulas[0]
	name := cellName(c.name, tuneDimension, index)
	var j Job
	for _, n := range helpsEvaluations {
		j.Keys = append(j.Keys, Key{tuneMethod(m.name), helpsSetting(name, n, k), 0})
	}
	j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
		seed := Seed(h.seed, "helps tuning", name)
		cell := newHelpsCell(c, tuneDimension, index)
		train, held := cell.draw(h.z.train, Seed(seed, "train")), cell.draw(h.z.train, Seed(seed, "held out"))
		y := measuredYardstick(held, tuneDimension)
		return h.rows(ctx, w, m.candidates[k], train, tuneDimension, h.z.tuned, seed, func(x []float64) []float64 {
			row := missing()
			row[1], _, _, _ = y.errors(x)
			return row
		})
	}
	return j
}

// blockSeed is that of the data of a block, the same for every method.
func (h *helps) blockSeed(name string, run int) uint64 { return Seed(h.seed, "helps", name, run) }

// judged measures a method by the law.
func (h *helps) judged(m helpsMethod, k int, c copula, d int, index float64, run int) Job {
	name := cellName(c.name, d, index)
	var j Job
	for _, n := range helpsEvaluations {
		j.Keys = append(j.Keys, Key{m.name, helpsSetting(name, n, k), run})
	}
	j.Do = func(ctx context.Context, w *Worker) ([][]float64, error) {
		cell, y := h.law(c, d, index)
		seed := h.blockSeed(name, run)
		return h.rows(ctx, w, m.candidates[k], cell.draw(h.z.train, Seed(seed, "train")), d, h.z.values, seed,
			func(x []float64) []float64 { return cell.row(y, x) })
	}
	return j
}

// rows trains a candidate on x and measures its samples by the numbers of evaluations.
func (h *helps) rows(ctx context.Context, w *Worker, c helpsCandidate, x []float64, d, values int, seed uint64, row func([]float64) []float64) ([][]float64, error) {
	scale, points, err := c.scaled(x, d)
	if err != nil {
		return nil, err
	}
	train := pointTraining{net: c.network(d), steps: h.z.steps, batch: h.z.batch, rate: c.rate, cosine: true, clip: 1,
		loss: diffusion.Loss{Kind: c.loss}, seed: Seed(seed, "training")}
	net, err := train.fit(ctx, w.Dev, c.use, points, d)
	if diverged := (*trainer.Diverged)(nil); errors.As(err, &diverged) {
		return helpsFailed(), nil
	}
	if err != nil {
		return nil, err
	}
	var rows [][]float64
	for _, n := range helpsEvaluations {
		cols, err := sampleColumns(ctx, c.bind(net, d, n), h.z.points(d, values), d, Seed(seed, "samples"))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row(scale.undo(cols)))
	}
	return rows, nil
}

// helpsFailed are the rows of a training that diverged.
func helpsFailed() (rows [][]float64) {
	for range helpsEvaluations {
		row := missing()
		row[0], row[1] = 1, dmath.Log(helpsWorst)
		rows = append(rows, row)
	}
	return rows
}

// missing is a row without values.
func missing() []float64 {
	row := make([]float64, len(helpsColumns))
	for i := range row {
		row[i] = math.NaN()
	}
	return row
}

// baselines measures as many draws of the law as samples are judged, and of the
// training points.
func (h *helps) baselines(c copula, d int, index float64, run int) Job {
	name := cellName(c.name, d, index)
	return Job{Keys: []Key{{freshData, name, run}, {memoryMethod, name, run}}, Do: func(context.Context, *Worker) ([][]float64, error) {
		cell, y := h.law(c, d, index)
		seed, n := h.blockSeed(name, run), h.z.points(d, h.z.values)
		x := cell.draw(h.z.train, Seed(seed, "train"))
		again := make([]float64, 0, n*d)
		for i := range n {
			at := int(mix(Seed(seed, "memory")^uint64(i)) % uint64(h.z.train))
			again = append(again, x[at*d:(at+1)*d]...)
		}
		return [][]float64{cell.row(y, cell.draw(n, Seed(seed, "fresh"))), cell.row(y, again)}, nil
	}}
}

// helpsChosen are the candidates with the least error of the tuning rows, over both
// numbers of evaluations, by method and in the order of helpsIndices;
// TestHelpsResults holds them to the committed rows.
var helpsChosen = map[string][]int{
	"EDM":    {2, 2, 2, 3},
	"flow":   {3, 3, 3, 2},
	"DDIM":   {3, 3, 1, 0},
	"t-EDM":  {2, 0, 0, 2},
	"t-Flow": {2, 2, 2, 3},
	"DLPM":   {1, 0, 0, 2},
	"DLIM":   {2, 2, 1, 1},
	"LIM":    {2, 2, 2, 3},
	"bent":   {2, 2, 2, 3},
	"jump":   {2, 2, 0, 2},
}

// helpsTuned is the candidate that a method is judged with; −1: not chosen yet.
func helpsTuned(method string, index float64) int {
	for i, v := range helpsIndices {
		if chosen := helpsChosen[method]; v == index && i < len(chosen) {
			return chosen[i]
		}
	}
	return -1
}
