package train

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/data"
	"heavytail/diffusion"
	"heavytail/internal/source"
	"heavytail/recipe"
)

// start returns the settings that a new run begins with: of a preset or, with From and
// no Preset, of the model, whose network fits its weights.
func (n *newRun) start(ctx context.Context, preset string) (recipe.Recipe, error) {
	rec, err := recipe.Preset(preset)
	if err != nil {
		return rec, fmt.Errorf("Start.Preset: %w", err)
	}
	if n.From == "" {
		return rec, nil
	}
	if n.model, err = OpenSource(ctx, n.From); err != nil {
		return rec, fmt.Errorf("Start.From: %w", err)
	}
	if s := n.model; n.Preset == "" && s.Whole {
		rec = s.Recipe.Clone()
		t := &rec.Train
		if t.Rate.Total == t.Steps { // of the model's length, not this run's
			t.Rate.Total = 0
		}
		rec.Data, t.Changes, t.Micro = recipe.Data{Size: rec.Data.Size, Channels: rec.Data.Channels, Flip: rec.Data.Flip}, nil, 0
	} else if n.Preset == "" {
		if is := s.Recipe.Clone(); is.Known() { // of diffusers, or of a program: its process, trained as the preset says
			if err := rec.Use(is.Kind()); err != nil {
				return rec, err
			}
			rec.Process, rec.LIM, rec.EDM, rec.Flow = is.Process, is.LIM, is.EDM, is.Flow
			if is.Kind() == recipe.DLPM {
				rec.Train.Loss = diffusion.DefaultLoss(is.Process.Alpha)
			}
		}
		rec.Network, rec.Preset = s.Recipe.Network.Clone(), ""
	}
	rec.Train.From = n.model.ID
	return rec, nil
}

// fits returns an error unless the data of rec are of the kind that the model of From,
// whose network rec has, is for.
func (n *newRun) fits(rec recipe.Recipe) error {
	if n.model == nil || n.Preset != "" {
		return nil
	}
	if was, is := n.model.Recipe.Data.Shape, rec.Data.Shape; len(was) != len(is) {
		return fmt.Errorf("Start.From %s: a model of samples of %v, the data (Start.Data %s) are of %v: images and points have no network in common; give data of its kind, or leave Start.From out",
			source.Printable(n.From), was, source.Printable(rec.Data.Spec), is)
	} else if n.model.Recipe.Known() && len(was) == 1 && was[0] != is[0] { // before settings of each column are held to their number
		if w, own := n.model.Recipe.Data.Window, rec.Data.Window; w != own {
			return fmt.Errorf("Start.From %s: a model of %s, the run's are of %s: give setting window %d", source.Printable(n.From), rowsOf(w), rowsOf(own), w)
		}
		return fmt.Errorf("Start.From %s: columns of points: %d, here %d (setting columns chooses %[2]d of a table)", source.Printable(n.From), was[0]/max(n.model.Recipe.Data.Window, 1), is[0]/max(rec.Data.Window, 1))
	}
	if err := data.InOrder(n.model.Recipe.Data.Columns, rec.Data.Columns); err != nil {
		return fmt.Errorf("Start.From %s: Start.Data %s: %w", source.Printable(n.From), source.Printable(rec.Data.Spec), err)
	}
	return nil
}

// otherNames says that a table's columns have other names than those which the model of
// From was trained on: it takes them by their places.
func (n *newRun) otherNames(rec recipe.Recipe) []string {
	if n.model == nil || n.Preset != "" || !n.model.Recipe.Known() {
		return nil
	}
	was, is := n.model.Recipe.Data.Columns, rec.Data.Columns
	if was == nil || is == nil || slices.Equal(was, is) {
		return nil
	}
	return []string{fmt.Sprintf("the model of -from was trained on the columns %s: it takes %s by their places, as other names of those", source.Names(was), source.Names(is))}
}

// rowsOf says what a sample of a window is, 0 for none.
func rowsOf(window int) string {
	if window == 0 {
		return "samples of one row"
	}
	return fmt.Sprintf("windows of %d rows", window)
}

// fromPoints reports whether the run starts from a model that knows its points by a
// recipe.
func (n *newRun) fromPoints(set *data.Set) bool {
	return n.model != nil && n.model.Recipe.Known() && !set.Images() && len(n.model.Recipe.Data.Shape) == 1
}

// scale is Scale for the run: one that starts from a model keeps the scaling of its
// points, by which its weights know them, unless the values say another.
func (n *newRun) scale(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	if s := rec.Data.Scaling; set.Images() && s != nil && s.Kind != recipe.None {
		return nil, fmt.Errorf("setting standardize %s: images are not scaled, but points; leave it out", s.Kind)
	}
	if !n.fromPoints(set) {
		return Scale(rec, set)
	}
	if !n.given("transform") { // bend keeps it: values far out are in reach
		rec.Data.Transform = slices.Clone(n.model.Recipe.Data.Transform)
	}
	of := n.model.Recipe.Data.Scaling
	kind := recipe.None
	if of != nil {
		kind = of.Kind
	}
	if n.given("standardize") {
		if notes, err = Scale(rec, set); err == nil && (of != nil || rec.Data.Scaling != nil) {
			notes = append(notes, fmt.Sprintf("the model of -from knows its points by another scaling (%s): without -standardize the run keeps that", kind))
		}
		return notes, err
	}
	rec.Data.Scaling = nil
	switch {
	case of == nil:
		return []string{"columns are not scaled, as the model of -from has none scaled (-standardize)"}, nil
	case len(of.Center) != set.Per():
		return Scale(rec, set) // StartFrom says what differs
	}
	s := *of
	s.Center, s.Scale = slices.Clone(s.Center), slices.Clone(s.Scale)
	rec.Data.Scaling = &s
	return []string{fmt.Sprintf("columns scaled as the model of -from has them scaled (%s), not measured anew (-standardize)", kind)}, nil
}

// bend is Bend for the run: one that starts from a model keeps the transforms of its
// columns, unless the values say others.
func (n *newRun) bend(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	if !n.fromPoints(set) {
		return Bend(rec, set)
	}
	of := n.model.Recipe.Data.Transform
	if n.given("transform") {
		if notes, err = Bend(rec, set); err == nil && !slices.Equal(of, rec.Data.Transform) {
			notes = append(notes, fmt.Sprintf("the model of -from knows its points by another transform (%s): without -transform the run keeps that", kindsOf(of)))
		}
		return notes, err
	}
	if of == nil || len(of) != set.Per() { // StartFrom says what differs
		rec.Data.Transform = nil
		return nil, nil
	}
	return []string{fmt.Sprintf("columns bent as the model of -from has them bent (%s), not measured anew (-transform)", kindsOf(of))}, Reach(set, rec.Data)
}

// condition is Condition for the run: one that starts from a model keeps the scaling of
// the conditions, by which its weights know them.
func (n *newRun) condition(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	if n.model != nil && n.model.Recipe.Known() && !n.given("standardize") {
		of := n.model.Recipe.Data.Given
		if is := rec.Data.Given; of != nil && is != nil && of.Scaling != nil && of.Len() == is.Len() {
			if err := data.InOrder(of.Columns, is.Columns); err != nil {
				return nil, fmt.Errorf("Start.From %s: setting given: %w", source.Printable(n.From), err)
			}
			is.Scaling = of.Clone().Scaling
			return []string{"conditions scaled as the model of -from has them scaled, not measured anew (-standardize)"}, nil
		}
	}
	return Condition(rec, set)
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
