package recipe

import (
	"fmt"
	"slices"

	"heavytail/nn"
)

// revisable are the settings that a run may be resumed with other values of: its
// length, what a run that diverged needs, how much memory a step takes, and how the
// device computes.
var revisable = []string{"train.steps", "train.rate.lr", "train.clip", "process.clamp_a", "lim.clamps.a", "train.micro", "train.mode"}

// EndRate lets a learning rate that falls to an end, linear or cosine, end with the
// run, if it has no end yet. A warm-up, which belongs to a preset's number of steps,
// then takes a tenth of the run at most, unless it is to be kept.
func (r *Recipe) EndRate(keepWarmup bool) {
	t := &r.Train
	if t.Rate.Kind != nn.Cosine && t.Rate.Kind != nn.Linear || t.Rate.Total != 0 {
		return
	}
	t.Rate.Total = t.Steps
	if !keepWarmup {
		t.Rate.Warmup = min(t.Rate.Warmup, t.Steps/10)
	}
}

// Revisable reports whether a run may be resumed with another value of a field.
func Revisable(field string) bool { return slices.Contains(revisable, field) }

// Revise returns the recipe of a run that did so many steps by the recipe was and goes
// on by the recipe is. A learning rate that was to end with the shorter run ends with
// the longer one. Train.Changes notes the settings with other values than before, as far
// as the steps done would have been others with them. The number of steps, where the
// learning rate does not depend on it, and Train.Micro change no step, so that a run
// which is lengthened ends with the bytes of one that was as long from the start. It
// returns an error that names a setting which a run must keep (Revisable).
func Revise(was, is Recipe, done int) (Recipe, error) {
	is = is.Clone()
	t := &is.Train
	if t.Steps < done {
		return is, fmt.Errorf("the run has done %d steps already: want that many or more, not %d", done, t.Steps)
	}
	curved := t.Rate.Kind == nn.Cosine || t.Rate.Kind == nn.Linear
	if curved && was.Train.Rate.Total == was.Train.Steps {
		t.Rate.Total = t.Steps
	}
	for _, d := range Diff(was, is) {
		if d.Field == "train.rate.total" || d.Field == "train.micro" || d.Field == "train.steps" && !curved {
			continue
		}
		if !Revisable(d.Field) {
			return is, fmt.Errorf("a run cannot go on with another value of %s", d.Field)
		}
		if done > 0 {
			v, _ := d.Was.(float64) // nil: an omitted 0
			text, _ := d.Was.(string)
			t.Changes = append(t.Changes, Change{Step: done, Field: d.Field, Was: v, Text: text})
		}
	}
	return is, is.Validate()
}
