package experiment

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"heavytail/internal/jobs"
)

// partsDir is where the parts of an experiment lie, in its state.
const partsDir = "parts"

// Share measures a share of the jobs and writes their rows as a part into the folder
// parts of the state, unless it is there: done says whether it was made. What is
// measured of an unfinished share is kept in a folder of its own, from which the next
// one goes on.
func (r Runner) Share(ctx context.Context, e Experiment, o Options, s jobs.Share) (done bool, err error) {
	plan, run, err := r.plan(ctx, e, o)
	if err != nil {
		return false, err
	}
	return jobs.Write(ctx, filepath.Join(r.State, partsDir), run, s, func(w io.Writer, lo, hi int) error {
		part := *plan
		part.Jobs = nil
		for i := lo; i < hi; i++ {
			part.Jobs = append(part.Jobs, plan.Jobs[spread(i, len(plan.Jobs))])
		}
		own := r
		own.State = filepath.Join(r.State, fmt.Sprintf("share-%d-of-%d", s.Index, s.Of))
		store, err := OpenStore(own.State, settingsOf(plan, o), plan.Columns)
		if err != nil {
			return err
		}
		defer store.Close()
		if err := own.measure(ctx, &part, store); err != nil {
			return err
		}
		all := store.Results(func(Key) bool { return true })
		for _, j := range part.Jobs {
			row := make([]float64, 0, run.Row()/8)
			for _, k := range j.Keys {
				row = append(row, all.rows[k]...)
			}
			for len(row) < cap(row) { // jobs of fewer rows than others
				row = append(row, math.NaN())
			}
			if err := binary.Write(w, binary.LittleEndian, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// Merge writes the results of the parts of all shares: the files that Do writes. It
// returns an error if one is missing or is of another experiment or other options.
func (r Runner) Merge(ctx context.Context, e Experiment, o Options) error {
	plan, run, err := r.plan(ctx, e, o)
	if err != nil {
		return err
	}
	f, err := jobs.Open(ctx, filepath.Join(r.State, partsDir))
	if err != nil {
		return err
	}
	if err := f.Is(run); err != nil {
		return err
	}
	store := &Store{columns: plan.Columns, rows: map[Key][]float64{}}
	err = f.Stream(ctx, func(first int, rows []byte) error {
		for i := range len(rows) / f.Row() {
			row := rows[i*f.Row():]
			for _, k := range plan.Jobs[spread(first+i, len(plan.Jobs))].Keys {
				values := make([]float64, len(plan.Columns))
				for c := range values {
					values[c] = math.Float64frombits(binary.LittleEndian.Uint64(row))
					row = row[8:]
				}
				store.rows[k] = values
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.write(e.Name, plan, store.Results(func(Key) bool { return true }))
}

// plan settles an experiment, and describes what its parts have in common: of each job
// as many rows as the longest has, those that it has not are NaN.
func (r Runner) plan(ctx context.Context, e Experiment, o Options) (*Plan, jobs.Run, error) {
	plan, err := e.Plan(ctx, o)
	if err == nil {
		err = plan.validate()
	}
	if err != nil {
		return nil, jobs.Run{}, err
	}
	rows := 1
	for _, j := range plan.Jobs {
		rows = max(rows, len(j.Keys))
	}
	recipe, err := json.Marshal(map[string]any{"experiment": e.Name, "settings": settingsOf(plan, o)})
	if err != nil {
		return nil, jobs.Run{}, err
	}
	return plan, jobs.Run{Program: r.Program, Command: "experiment", Recipe: recipe, Samples: len(plan.Jobs), Shape: []int{rows, len(plan.Columns)}, Type: "f64", Columns: plan.Columns}, nil
}

// settingsOf is what rows must have in common to be mixed.
func settingsOf(p *Plan, o Options) string { return fmt.Sprintf("seed %d; %s", o.Seed, p.Settings) }

// spread is a permutation of 0 … n−1 whose neighbours lie far from each other: jobs that
// a plan has side by side take the same time, and shares of it all kinds.
func spread(i, n int) int {
	step := int(float64(n) * 0.6180339887) // of the golden section
	for ; gcd(step, n) != 1; step++ {
	}
	return int(int64(i) * int64(step) % int64(n))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
