package train

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"heavytail/data"
	"heavytail/recipe"
)

// Prepare settles r, the settings of a preset or of a program, for set: what the
// data are is noted in r, the network takes their shape and classes, points are
// scaled (Scale) and bent (Bend), their conditions scaled (Condition), what the process takes from the data is measured (Measure), and a
// learning rate that falls ends with the run. r is new: what was measured on one set
// does not become that of another. It returns what a person should know
// of the data, and an error if no training can be made of both. It panics if r or set is nil.
func Prepare(r *recipe.Recipe, set *data.Set) (notes []string, err error) {
	needBoth("Prepare", r, set)
	if r.Data.Spec = set.Name; r.Data.Rules == 0 {
		r.Data.Rules = data.RulesOf(set.Name)
	}
	describe(r, set)
	if err := r.Fit(); err != nil {
		return nil, err
	}
	notes = set.Notes
	for _, settle := range []func(*recipe.Recipe, *data.Set) ([]string, error){Scale, Bend, Condition, Measure} {
		more, err := settle(r, set)
		if err != nil {
			return nil, err
		}
		notes = append(slices.Clip(notes), more...)
	}
	r.EndRate(false)
	if !r.Trained() {
		return notes, errNoTrain
	}
	return notes, r.Validate()
}

// readOptions are the options by which a recipe's data are read.
func readOptions(r *recipe.Recipe) data.Options {
	d := &r.Data
	rules := d.Rules
	if rules == 0 {
		rules = data.FirstRules
	}
	return data.Options{Size: d.Size, Channels: d.Channels, LongTail: d.LongTail, N: d.Points, Seed: r.Train.Seed,
		Rules: rules, Columns: d.Select, Given: selected(d.Given), Window: d.Window, Held: d.Held, Separator: d.Separator, Decimal: d.Decimal, Missing: d.Missing, Background: d.Background, Range: d.Range}
}

// Open reads the data that r names, by r's settings, and notes in r what they are.
func Open(ctx context.Context, r *recipe.Recipe) (*data.Set, error) {
	if r == nil {
		panic("train: Open without a recipe")
	}
	set, err := data.Open(ctx, r.Data.Spec, readOptions(r))
	if err != nil {
		return nil, err
	}
	describe(r, set)
	return set, nil
}

// describe notes in r what the data are.
func describe(r *recipe.Recipe, set *data.Set) {
	d := &r.Data
	d.Range, d.Sum, d.Window = set.Range, set.Sum(), set.Window
	describeGiven(d, set)
	d.Samples, d.Shape, d.Classes, d.Names, d.Columns = set.Len(), slices.Clone(set.Shape), set.NumClasses(), fewNames(set, set.Classes, "classes"), fewNames(set, set.Columns, "columns")
}

// needBoth panics for a function that was called without a recipe or without a set.
func needBoth(name string, r *recipe.Recipe, set *data.Set) {
	if r == nil || set == nil {
		panic("train: " + name + " without a recipe or without a set")
	}
}

// namesBytes bounds what names take of a recipe, which is at most 1 MiB.
const namesBytes = 1 << 18

// fewNames returns the names, nil if they are too long for a recipe, which the set
// then notes.
func fewNames(set *data.Set, names []string, of string) []string {
	n := 0
	for _, s := range names {
		n += 8 + 6*len(s) // quoted, every byte escaped at worst
	}
	if n > namesBytes {
		set.Notes = append(set.Notes, fmt.Sprintf("the names of the %s take more than %d KiB: the model keeps their numbers only", of, namesBytes>>10))
		return nil
	}
	return names
}

// Scale measures the scaling of points that r asks for by the Kind of its
// Data.Scaling and returns what to say about it. Where r asks for none (nil), data
// of one's own are scaled; what the papers trained on keeps its units: their preset,
// and the toy sets. It returns an error that names the value which no scaling brings
// into reach of float32.
func Scale(r *recipe.Recipe, set *data.Set) (notes []string, err error) {
	needBoth("Scale", r, set)
	d := &r.Data
	kind := recipe.None
	switch {
	case d.Scaling != nil:
		kind = d.Scaling.Kind
	case !set.Images() && r.Preset == "toy" && !strings.HasPrefix(d.Spec, "toy:"):
		kind = recipe.Robust
	}
	d.Scaling = nil
	if kind == recipe.None && d.Transform != nil {
		return nil, nil // Bend looks whether values are in reach
	}
	if kind == recipe.None {
		return nil, Reach(set, *d)
	}
	if set.Images() {
		return nil, fmt.Errorf("setting standardize %s: images are not scaled, but points; leave it out", kind)
	}
	p := pointsOf(set)
	p.Bent = func(c int) bool { return bends(d.Transform, c) }
	d.Scaling, notes, err = recipe.MeasureScaling(kind, p)
	if err != nil {
		return nil, fmt.Errorf("Start.Data %s: %w, give setting transform softlog, which draws such values in, or setting standardize none", d.Spec, err)
	}
	d.Scaling.Repeat(set.Window)
	notes = append(notes, farOut(set, d)...)
	how := "median and half interquartile range"
	if kind == recipe.Std {
		how = "mean and standard deviation"
		notes = append(notes, swamped(set, d.Scaling.Scale, "standard deviation, by which it is scaled,")...)
	}
	return append([]string{"columns scaled by " + how + " (-standardize)"}, notes...), nil
}

// bends reports whether column c has one of the transforms t: one of each column, or
// one for all, as who asks for them may give them.
func bends(t []recipe.Transform, c int) bool {
	if len(t) == 1 {
		c = 0
	}
	return c < len(t) && t[c].Kind != recipe.None
}

// Bend settles the transforms of points that r asks for by the Kind of its
// Data.Transform, one for all columns or one for each, after Scale: it measures the
// tails that recipe.TTF follows, and returns what to say about it. It returns an error
// if there are not as many transforms as columns, or if the data are images and r asks
// for others than recipe.None, or if it finds a value that is beyond float32 even so,
// which it names.
func Bend(r *recipe.Recipe, set *data.Set) (notes []string, err error) {
	needBoth("Bend", r, set)
	d := &r.Data
	if d.Transform == nil {
		return nil, nil
	}
	var kinds, said []string
	for _, t := range d.Transform {
		kinds = append(kinds, t.Kind)
	}
	for _, kind := range recipe.Transforms() {
		if kind != recipe.None && slices.Contains(kinds, kind) {
			said = append(said, kind)
		}
	}
	switch {
	case set.Images() && said == nil:
		d.Transform = nil
		return nil, nil
	case set.Images():
		return nil, fmt.Errorf("setting transform %s: images are not transformed, but points; leave it out", strings.Join(kinds, ","))
	}
	if d.Transform, notes, err = recipe.MeasureTransform(kinds, d.Scaling, pointsOf(set)); err != nil {
		return nil, fmt.Errorf("setting transform %s: %w", strings.Join(kinds, ","), err)
	}
	if set.Window > 0 && d.Transform != nil {
		d.Transform = slices.Repeat(d.Transform, set.Window)
	}
	if said != nil {
		notes = append([]string{"columns bent by " + strings.Join(said, ", ") + " (-transform): samples come back in the units of the data"}, notes...)
	}
	return notes, Reach(set, *d)
}
