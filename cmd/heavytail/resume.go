package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/internal/cli"
	"heavytail/internal/source"
	"heavytail/recipe"
	"heavytail/tensor"
	"heavytail/train"
)

// goOn continues the run whose checkpoint is at path. Flags that say what its
// recipe says change nothing, so that all, some or none of the run's own may be
// given again.
func (r *trainRequest) goOn(ctx context.Context, path string) (*train.Trainer, error) {
	saved, done, err := train.ReadRecipe(path)
	if err != nil {
		return nil, err
	}
	rec, err := r.revised(ctx, saved, done)
	if err != nil {
		return nil, err
	}
	other := rec.Train.Mode != saved.Train.Mode
	read := saved.Clone()
	if r.data != "" {
		read.Data.Spec = r.data
	}
	set, err := train.Open(ctx, &read)
	if err != nil && r.data == "" {
		return nil, fmt.Errorf("the data of the run, %s: %w: where they lie elsewhere now, name the place with -data", source.Printable(read.Data.Spec), err)
	}
	if err != nil {
		return nil, fmt.Errorf("-data %s: %w", source.Printable(r.data), err)
	}
	if saved.Data.Sum != "" && read.Data.Sum != saved.Data.Sum {
		return nil, r.otherData(saved, read, path)
	}
	if read.Data.Spec != saved.Data.Spec {
		rec.Data.Names, rec.Data.Spec = saved.Data.ClassNames(), read.Data.Spec // the names may be known by the old place
	}
	r.notes = set.Notes
	if other && done > 0 {
		r.notes = append(slices.Clone(r.notes), fmt.Sprintf("%s from step %d on, %s until then, as -device says: the recipe remembers it", recipe.Arithmetic(rec.Train.Mode), done+1, recipe.Arithmetic(saved.Train.Mode)))
	}
	t, err := train.New(r.dev, set, rec)
	if err != nil {
		return nil, err
	}
	return t, t.RestoreFrom(path, saved)
}

// otherData is the error of a resume with data read that are not those of saved,
// whose checkpoint is at path.
func (r *trainRequest) otherData(saved, read recipe.Recipe, path string) error {
	was, is := saved.Data, read.Data
	anew := "start a new run in another -out"
	if slices.Equal(is.Shape, was.Shape) && is.Classes == was.Classes {
		anew += ", from the weights of this one with -from " + path
	}
	return fmt.Errorf("-data %s: %s, not the %s that the run was started with, or not the same values: give those with -data, or %s",
		source.Printable(is.Spec), describeData(is), describeData(was), anew)
}

// describeData says how many samples of which shape there are.
func describeData(d recipe.Data) string {
	classes := ""
	if d.Classes > 0 {
		classes = " in " + cli.Counted(d.Classes, "class")
	}
	return fmt.Sprintf("%s of %v%s", cli.Counted(d.Samples, "sample"), d.Shape, classes)
}

// revised returns the recipe that the run of saved goes on with after done steps:
// what the flags on the command line say, if a run may be resumed with it.
func (r *trainRequest) revised(ctx context.Context, saved recipe.Recipe, done int) (recipe.Recipe, error) {
	rec := saved.Clone()
	var wrong []string
	if r.given["preset"] && r.preset != saved.Preset {
		wrong = append(wrong, fmt.Sprintf("-preset would change preset from %q to %q", saved.Preset, r.preset))
	}
	if r.from != "" {
		s, err := train.OpenSource(ctx, r.from)
		if err != nil {
			return rec, cli.Usage("-from: %w", err)
		}
		if s.ID != saved.Train.From {
			wrong = append(wrong, fmt.Sprintf("-from would change train.from from %q to %q", saved.Train.From, s.ID))
		}
	}
	for _, s := range r.settings {
		if !r.given[s.name] || s.holds != nil && s.holds(saved) {
			continue
		}
		next := rec.Clone()
		if err := s.set(&next); err != nil {
			return rec, cli.Usage("-%s: %w", s.name, err)
		}
		diff := recipe.Diff(rec, next)
		if i := slices.IndexFunc(diff, func(d recipe.Difference) bool { return !recipe.Revisable(d.Field) }); i >= 0 {
			wrong = append(wrong, fmt.Sprintf("-%s would change %v", s.name, diff[i]))
			continue
		}
		rec = next
	}
	if len(wrong) > 0 {
		return rec, cli.Usage("%s: leave it out, or start a new run; -resume takes other values of -steps, -lr, -clip, -clamp-a and -micro only", strings.Join(wrong, "; "))
	}
	mode, err := r.mode(saved, done)
	if err != nil {
		return rec, err
	}
	rec.Train.Mode = mode
	next, err := recipe.Revise(saved, rec, done)
	if err != nil {
		return rec, cli.Usage("%w", r.blame(saved, rec, err))
	}
	return next, nil
}

// mode returns the mode of the device, in which the run of saved goes on after done
// steps: another one than that of the steps done only if -device asks for it.
func (r *trainRequest) mode(saved recipe.Recipe, done int) (string, error) {
	was, is := saved.Train.Mode, tensor.FastMode(r.dev)
	if was == is || r.device.given || done == 0 {
		return is, nil
	}
	same := "cpu or cuda"
	if was != "" {
		same = "cuda," + was
	}
	return "", fmt.Errorf("the steps of the run, %d so far, are %s, those on %s would be %s, with other bytes: -device %s goes on as it began, naming another with -device changes over",
		done, recipe.Arithmetic(was), r.dev.Name(), recipe.Arithmetic(is), same)
}
