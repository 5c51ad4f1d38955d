package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/internal/cli"
	"heavytail/internal/source"
	"heavytail/recipe"
	"heavytail/train"
)

// start returns the settings that a new run begins with: of a preset or, with
// -from and no -preset, of the model, whose network fits its weights.
func (r *trainRequest) start(ctx context.Context, preset string) (recipe.Recipe, error) {
	rec, err := recipe.Preset(preset)
	if err != nil {
		return rec, cli.Usage("-preset: %w", err)
	}
	if r.from == "" {
		return rec, nil
	}
	if r.from == builtIn {
		return rec, cli.Usage("-from %s: that is no file: write it to one with heavytail convert %[1]s NAME.safetensors, and give -from that", builtIn)
	}
	if r.source, err = train.OpenSource(ctx, r.from); err != nil {
		return rec, cli.Usage("-from: %w", err)
	}
	if s := r.source; r.preset == "" && s.Whole {
		rec = s.Recipe.Clone()
		t := &rec.Train
		if t.Rate.Total == t.Steps { // of the model's length, not this run's
			t.Rate.Total = 0
		}
		rec.Data, t.Changes, t.Micro = recipe.Data{Size: rec.Data.Size, Channels: rec.Data.Channels, Flip: rec.Data.Flip}, nil, 0
	} else if r.preset == "" {
		rec.Network, rec.Preset = s.Recipe.Network.Clone(), ""
		if s.Recipe.Known() { // of diffusers: its process, trained as the preset says
			if err := rec.Use(recipe.DLPM); err != nil {
				return rec, err
			}
			rec.Process, rec.Train.Loss = s.Recipe.Process, diffusion.DefaultLoss(s.Recipe.Process.Alpha)
		}
	}
	rec.Train.From = r.source.ID
	return rec, nil
}

// fits returns an error unless the data of rec are of the kind that the model of
// -from, whose network rec has, is for.
func (r *trainRequest) fits(rec recipe.Recipe) error {
	if r.source == nil || r.preset != "" {
		return nil
	}
	if was, is := r.source.Recipe.Data.Shape, rec.Data.Shape; len(was) != len(is) {
		return fmt.Errorf("-from %s: a model of samples of %v, the data (-data %s) are of %v: images and points have no network in common; give data of its kind, or leave -from out",
			source.Printable(r.from), was, source.Printable(rec.Data.Spec), is)
	} else if r.source.Whole && len(was) == 1 && was[0] != is[0] { // before settings of each column are held to their number
		if w, own := r.source.Recipe.Data.Window, rec.Data.Window; w != own {
			return fmt.Errorf("-from %s: a model of %s, the run's are of %s: give -window %d", source.Printable(r.from), rowsOf(w), rowsOf(own), w)
		}
		return fmt.Errorf("-from %s: columns of points: %d, here %d (-columns chooses %[2]d of a table)", source.Printable(r.from), was[0]/max(r.source.Recipe.Data.Window, 1), is[0]/max(rec.Data.Window, 1))
	}
	if err := data.InOrder(r.source.Recipe.Data.Columns, rec.Data.Columns); err != nil {
		return fmt.Errorf("-from %s: -data %s: %w", source.Printable(r.from), source.Printable(rec.Data.Spec), err)
	}
	return nil
}

// rowsOf says what a sample of a window is, 0 for none.
func rowsOf(window int) string {
	if window == 0 {
		return "samples of one row"
	}
	return "windows of " + cli.Counted(window, "row")
}

// standardize is standardize for the run: one that starts from a model keeps the
// scaling of its points, by which its weights know them, unless -standardize says
// another.
func (r *trainRequest) standardize(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	if s := rec.Data.Scaling; set.Images() && s != nil && s.Kind != recipe.None {
		return nil, cli.Usage("-standardize %s: images are not scaled, but points; leave it out", s.Kind)
	}
	if !r.fromPoints(set) {
		return train.Scale(rec, set)
	}
	if !r.given["transform"] { // bend keeps it: values far out are in reach
		rec.Data.Transform = slices.Clone(r.source.Recipe.Data.Transform)
	}
	of := r.source.Recipe.Data.Scaling
	kind := recipe.None
	if of != nil {
		kind = of.Kind
	}
	if r.given["standardize"] {
		if notes, err = train.Scale(rec, set); err == nil && (of != nil || rec.Data.Scaling != nil) {
			notes = append(notes, fmt.Sprintf("the model of -from knows its points by another scaling (%s): without -standardize the run keeps that", kind))
		}
		return notes, err
	}
	rec.Data.Scaling = nil
	switch {
	case of == nil:
		return []string{"columns are not scaled, as the model of -from has none scaled (-standardize)"}, nil
	case len(of.Center) != set.Per():
		return train.Scale(rec, set) // StartFrom says what differs
	}
	s := *of
	s.Center, s.Scale = slices.Clone(s.Center), slices.Clone(s.Scale)
	rec.Data.Scaling = &s
	return []string{fmt.Sprintf("columns scaled as the model of -from has them scaled (%s), not measured anew (-standardize)", kind)}, nil
}

// fromPoints reports whether the run starts from a model that knows its points by a
// recipe.
func (r *trainRequest) fromPoints(set *data.Set) bool {
	return r.source != nil && r.source.Whole && !set.Images() && len(r.source.Recipe.Data.Shape) == 1
}

// bend settles -transform: a run that starts from a model keeps the transforms of its
// columns, unless it says others.
func (r *trainRequest) bend(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	if !r.fromPoints(set) {
		return flagged(train.Bend(rec, set))
	}
	of := r.source.Recipe.Data.Transform
	if r.given["transform"] {
		if notes, err = train.Bend(rec, set); err == nil && !slices.Equal(of, rec.Data.Transform) {
			notes = append(notes, fmt.Sprintf("the model of -from knows its points by another transform (%s): without -transform the run keeps that", kindsOf(of)))
		}
		return flagged(notes, err)
	}
	if of == nil || len(of) != set.Per() { // StartFrom says what differs
		rec.Data.Transform = nil
		return nil, nil
	}
	return []string{fmt.Sprintf("columns bent as the model of -from has them bent (%s), not measured anew (-transform)", kindsOf(of))}, train.Reach(set, rec.Data)
}

// flagged makes the error of a flag, which its text begins with, one of usage.
func flagged(notes []string, err error) ([]string, error) {
	if err != nil && strings.HasPrefix(err.Error(), "-") {
		err = cli.Usage("%w", err)
	}
	return notes, err
}

// kindsOf returns transforms as -transform has them.
func kindsOf(of []recipe.Transform) string {
	if of == nil {
		return recipe.None
	}
	var kinds []string
	for _, t := range of {
		kinds = append(kinds, t.Kind)
	}
	return strings.Join(kinds, ",")
}
