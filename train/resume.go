package train

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/internal/source"
	"heavytail/recipe"
	"heavytail/tensor"
)

// goOn continues the run whose checkpoint is at path. Values that say what its recipe
// says change nothing, so that all, some or none of the run's own may be given again.
func (s Start) goOn(ctx context.Context, path string) (*Begun, error) {
	s.Device = s.device()
	saved, done, err := ReadRecipe(path)
	if err != nil {
		return nil, err
	}
	rec, err := s.revised(ctx, saved, done)
	if err != nil {
		return nil, err
	}
	other := rec.Train.Mode != saved.Train.Mode
	read := saved.Clone()
	if s.Data != "" {
		read.Data.Spec = s.Data
	}
	set, err := Open(ctx, &read)
	if err != nil && s.Data == "" {
		return nil, fmt.Errorf("the data of the run, %s: %w: where they lie elsewhere now, name the place with Start.Data", source.Printable(read.Data.Spec), err)
	}
	if err != nil {
		return nil, fmt.Errorf("Start.Data %s: %w", source.Printable(s.Data), err)
	}
	if saved.Data.Sum != "" && read.Data.Sum != saved.Data.Sum {
		return nil, otherData(saved, read, path)
	}
	if read.Data.Spec != saved.Data.Spec {
		rec.Data.Names, rec.Data.Spec = saved.Data.ClassNames(), read.Data.Spec // the names may be known by the old place
	}
	b := &Begun{Notes: set.Notes}
	if other && done > 0 {
		b.Notes = append(slices.Clone(b.Notes), fmt.Sprintf("%s from step %d on, %s until then, as -device says: the recipe remembers it", recipe.Arithmetic(rec.Train.Mode), done+1, recipe.Arithmetic(saved.Train.Mode)))
	}
	if b.Trainer, err = New(s.Device, set, rec); err != nil {
		return nil, err
	}
	return b, b.RestoreFrom(path, saved)
}

// otherData is the error of a resume with data read that are not those of saved,
// whose checkpoint is at path.
func otherData(saved, read recipe.Recipe, path string) error {
	was, is := saved.Data, read.Data
	anew := "start a new run in another Options.Dir"
	if slices.Equal(is.Shape, was.Shape) && is.Classes == was.Classes {
		anew += ", from the weights of this one with Start.From " + path
	}
	return fmt.Errorf("Start.Data %s: %s, not the %s that the run was started with, or not the same values: give those with Start.Data, or %s",
		source.Printable(is.Spec), describeData(is), describeData(was), anew)
}

// describeData says how many samples of which shape there are.
func describeData(d recipe.Data) string {
	classes := ""
	if d.Classes > 0 {
		classes = fmt.Sprintf(" in %d classes", d.Classes)
	}
	return fmt.Sprintf("%d samples of %v%s", d.Samples, d.Shape, classes)
}

// revised returns the recipe that the run of saved goes on with after done steps:
// what the values say, if a run may be resumed with it.
func (s Start) revised(ctx context.Context, saved recipe.Recipe, done int) (recipe.Recipe, error) {
	rec := saved.Clone()
	var wrong []string
	if s.Preset != "" && s.Preset != saved.Preset {
		wrong = append(wrong, fmt.Sprintf("Start.Preset would change preset from %q to %q", saved.Preset, s.Preset))
	}
	if s.From != "" {
		of, err := OpenSource(ctx, s.From)
		if err != nil {
			return rec, fmt.Errorf("Start.From: %w", err)
		}
		if of.ID != saved.Train.From {
			wrong = append(wrong, fmt.Sprintf("Start.From would change train.from from %q to %q", saved.Train.From, of.ID))
		}
	}
	for _, one := range recipe.Settings() {
		text, given := s.Values[one.Name]
		if !given || one.Holds(saved, text) {
			continue
		}
		next := rec.Clone()
		if err := one.Set(&next, text); err != nil {
			return rec, fmt.Errorf("setting %s: %w", one.Name, err)
		}
		diff := recipe.Diff(rec, next)
		if i := slices.IndexFunc(diff, func(d recipe.Difference) bool { return !recipe.Revisable(d.Field) }); i >= 0 {
			wrong = append(wrong, fmt.Sprintf("setting %s would change %v", one.Name, diff[i]))
			continue
		}
		rec = next
	}
	if len(wrong) > 0 {
		return rec, fmt.Errorf("%s: leave it out, or start a new run; Start.Resume takes other values of setting steps, setting lr, setting clip, setting clamp-a and setting micro only", strings.Join(wrong, "; "))
	}
	mode, err := s.mode(saved, done)
	if err != nil {
		return rec, err
	}
	rec.Train.Mode = mode
	next, err := recipe.Revise(saved, rec, done)
	if err != nil {
		return rec, s.blame(saved, rec, err)
	}
	return next, nil
}

// mode returns the mode of the device, in which the run of saved goes on after done
// steps: another one than that of the steps done only if a person chose it.
func (s Start) mode(saved recipe.Recipe, done int) (string, error) {
	was, is := saved.Train.Mode, tensor.FastMode(s.Device)
	if was == is || s.Chosen || done == 0 {
		return is, nil
	}
	same := "cpu or cuda"
	if was != "" {
		same = "cuda," + was
	}
	return "", fmt.Errorf("the steps of the run, %d so far, are %s, those on %s would be %s, with other bytes: Start.Device %s goes on as it began, naming another with Start.Device changes over",
		done, recipe.Arithmetic(was), s.Device.Name(), recipe.Arithmetic(is), same)
}
