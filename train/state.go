package train

import (
	"encoding/json"
	"fmt"
	"io"

	"heavytail/internal/atomicfile"
	"heavytail/internal/diffusers"
	"heavytail/internal/source"
	"heavytail/nn"
	"heavytail/recipe"
	"heavytail/tensor"
)

// A tally is the loss since the last line of the log: all that a run carries
// from step to step besides weights, averages and moments. There is no state
// of random numbers; they are functions of the step.
type tally struct {
	Sum   float64 `json:"loss_sum"`
	Count int     `json:"loss_count"`
}

func (t *Trainer) state() (*nn.State, error) {
	random, err := json.Marshal(t.tally)
	if err != nil {
		return nil, err
	}
	return &nn.State{Net: t.Net, Opt: t.Opt, EMA: t.EMA, Step: t.Opt.Step, Random: random, Recipe: t.Recipe.JSON()}, nil
}

// Save writes the whole state of the run to path, or nothing.
func (t *Trainer) Save(path string) error {
	s, err := t.state()
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return s.Write(w, tensor.F32) })
}

// checkpoint opens the file at path and passes it to f.
func checkpoint(path string, f func(c *nn.Checkpoint) error) error {
	file, err := source.Regular(path)
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return err
	}
	c, err := diffusers.Checkpoint(file, st.Size())
	if err == nil {
		err = f(c)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// ReadRecipe returns the recipe of the run whose checkpoint is at path, and the
// number of steps done. It returns an error if training cannot go on from that
// file.
func ReadRecipe(path string) (r recipe.Recipe, done int, err error) {
	err = checkpoint(path, func(c *nn.Checkpoint) error {
		done = c.Step
		if !c.Training || c.Recipe == nil {
			return fmt.Errorf("the file holds a model without the state of its training; a run can only be resumed from what train wrote")
		}
		r, err = recipe.Parse(c.Recipe)
		return err
	})
	return r, done, err
}

// Restore sets the state to that of the checkpoint at path, which must be of
// the same recipe.
func (t *Trainer) Restore(path string) error { return t.RestoreFrom(path, t.Recipe) }

// RestoreFrom is Restore for a trainer whose recipe is a revision of was, the
// checkpoint's.
func (t *Trainer) RestoreFrom(path string, was recipe.Recipe) error {
	return checkpoint(path, func(c *nn.Checkpoint) error {
		s, err := t.state()
		if err != nil {
			return err
		}
		if string(was.JSON()) != string(c.Recipe) {
			return fmt.Errorf("the checkpoint is of another recipe")
		}
		if err := c.Restore(s); err != nil {
			return err
		}
		return json.Unmarshal(s.Random, &t.tally)
	})
}
