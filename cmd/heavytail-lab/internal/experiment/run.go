package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"heavytail/internal/atomicfile"
	"heavytail/kernels"
)

// A Runner says where an experiment's files are and how many jobs run at once.
type Runner struct {
	Out     string // folder of the results
	State   string // folder of the rows and checkpoints
	Threads int    // jobs at once, each on one thread
	Only    bool   // write the results of the rows that there are, and measure none
	Program string // that measures, with its version, for the manifests of shares
	Log     func(format string, args ...any)
}

// Do measures what is missing and writes NAME.csv, NAME.svg and NAME.md. When
// ctx ends it returns soon with ctx's error; rows that are finished are kept.
func (r Runner) Do(ctx context.Context, e Experiment, o Options) error {
	o.Report = r.Only
	plan, err := e.Plan(ctx, o)
	if err != nil {
		return err
	}
	if err := plan.validate(); err != nil {
		return err
	}
	if r.Only {
		return r.report(e.Name, plan, o)
	}
	store, err := OpenStore(r.State, settingsOf(plan, o), plan.Columns)
	if err != nil {
		return err
	}
	err = r.measure(ctx, plan, store)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	return r.write(e.Name, plan, plan.results(store))
}

// report writes the results of the rows in the state folder; where it has none, those
// of the results' own CSV, which stays as it is.
func (r Runner) report(name string, plan *Plan, o Options) error {
	store, err := ReadStore(r.State, settingsOf(plan, o), plan.Columns)
	if !errors.Is(err, errNoRows) {
		if err != nil {
			return err
		}
		return r.write(name, plan, plan.results(store))
	}
	path := filepath.Join(r.Out, name+".csv")
	if store, err = readRows(path, plan.Columns); errors.Is(err, errNoRows) {
		return fmt.Errorf("%s: %w, nor in %s: measure some, without -report, or copy a %s.csv to %s", r.State, errNoRows, path, name, filepath.Join(r.State, "rows.csv"))
	}
	if err != nil {
		return err
	}
	r.Log("of the rows of %s", path)
	return r.writeReport(name, plan.Report(plan.results(store)))
}

// results are the rows of the plan's keys.
func (p *Plan) results(s *Store) *Results {
	wanted := map[Key]bool{}
	for _, j := range p.Jobs {
		for _, k := range j.Keys {
			wanted[k] = true
		}
	}
	return s.Results(func(k Key) bool { return wanted[k] })
}

// measure runs the jobs whose rows are missing. The first error ends all.
func (r Runner) measure(ctx context.Context, plan *Plan, store *Store) error {
	var todo []Job
	for _, j := range plan.Jobs {
		if !store.Has(j.Keys) {
			todo = append(todo, j)
		}
	}
	r.Log("jobs to do: %d of %d", len(todo), len(plan.Jobs))
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan Job)
	var workers sync.WaitGroup
	progress := meter{start: time.Now(), total: len(todo), log: r.Log}
	for range max(r.Threads, 1) {
		workers.Go(func() {
			w := &Worker{Dev: kernels.New(1), Dir: r.State, Log: r.Log}
			for j := range queue {
				rows, err := j.Do(ctx, w)
				if err == nil {
					err = store.Add(j.Keys, rows)
				}
				if err != nil {
					stop(fmt.Errorf("%v: %w", j.Keys[0], err))
				} else {
					progress.done(j)
				}
			}
		})
	}
	for _, j := range todo {
		if ctx.Err() != nil {
			break
		}
		select {
		case queue <- j:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}

// meter tells how far the jobs are.
type meter struct {
	mu           sync.Mutex
	start        time.Time
	count, total int
	log          func(format string, args ...any)
}

func (m *meter) done(j Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	took := time.Since(m.start)
	left := time.Duration(float64(took) / float64(m.count) * float64(m.total-m.count))
	m.log("%d of %d: %v; about %v left", m.count, m.total, j.Keys[len(j.Keys)-1], left.Round(time.Second))
}

// write writes the files of the results.
func (r Runner) write(name string, plan *Plan, res *Results) error {
	if err := os.MkdirAll(r.Out, 0o777); err != nil {
		return err
	}
	if err := writeText(filepath.Join(r.Out, name+".csv"), res.CSV()); err != nil {
		return err
	}
	if err := r.writeReport(name, plan.Report(res)); err != nil {
		return err
	}
	r.Log("wrote %s.csv, .svg and .md, rows: %d", filepath.Join(r.Out, name), len(res.Keys()))
	return nil
}

// writeReport writes the pictures and the page.
func (r Runner) writeReport(name string, report Report) error {
	path := func(suffix string) string { return filepath.Join(r.Out, name+suffix) }
	for i, f := range report.Figures {
		suffix := ".svg"
		if i > 0 {
			suffix = "-" + f.Suffix + ".svg"
		}
		if err := writeText(path(suffix), f.SVG()); err != nil {
			return err
		}
	}
	return updatePage(path(".md"), report)
}

func writeText(path, text string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
