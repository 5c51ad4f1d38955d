package train

import (
	"fmt"
	"slices"

	"heavytail/data"
	"heavytail/recipe"
)

// selected returns the columns that are asked for as conditions.
func selected(g *recipe.Given) []string {
	if g == nil {
		return nil
	}
	return g.Select
}

// describeGiven notes in d what the conditions of set are called.
func describeGiven(d *recipe.Data, set *data.Set) {
	if len(set.Given) == 0 {
		d.Given = nil
		return
	}
	if d.Given == nil { // a set that its program read
		d.Given = &recipe.Given{Select: slices.Clone(set.Given)}
	}
	d.Given.Columns = fewNames(set, slices.Clone(set.Given), "conditions")
}

// Condition measures the scaling of the conditions of r's points, after Scale: of the
// columns' kind, by median and half the interquartile range where they are not scaled.
// It returns what to say about it, and an error that names a condition which is
// constant or a value of one that no scaling brings into reach.
func Condition(r *recipe.Recipe, set *data.Set) (notes []string, err error) {
	needBoth("Condition", r, set)
	g := r.Data.Given
	if g == nil {
		return nil, nil
	}
	kind := recipe.Robust
	if s := r.Data.Scaling; s != nil {
		kind = s.Kind
	}
	name := func(c int) string { return fmt.Sprintf("condition %q", set.Given[c]) }
	p := recipe.Points{Len: set.Len(), Dim: len(set.Given), Row: set.Conditions, Name: name, Place: set.Place, Bent: func(int) bool { return true }}
	if g.Scaling, notes, err = recipe.MeasureScaling(kind, p); err != nil {
		return nil, fmt.Errorf("Start.Data %s: %w", r.Data.Spec, err)
	}
	for c, s := range g.Scaling.Scale {
		if s == 0 {
			return nil, fmt.Errorf("setting given %s: the column is constant, so that it says nothing of the samples: leave it out", set.Given[c])
		}
	}
	said := ""
	for c := range min(len(set.Given), 8) {
		said += fmt.Sprintf(", %q", set.Given[c])
	}
	if more := len(set.Given) - 8; more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	return append([]string{"samples are drawn given" + said[1:] + " (-given)"}, notes...), nil
}

// conditions returns the conditions of samples of the set for previews of its model:
// rows of n of them, spread over it; nil if there are none.
func conditions(set *data.Set, n int) []float64 {
	k := len(set.Given)
	if k == 0 {
		return nil
	}
	x := make([]float64, n*k)
	for i := range n {
		set.Conditions(x[i*k:], i*set.Len()/n)
	}
	return x
}
