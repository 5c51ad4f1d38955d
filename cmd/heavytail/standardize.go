package main

import (
	"fmt"
	"strings"

	"heavytail/data"
	"heavytail/recipe"
	"heavytail/train"
)

// standardizeFlag defines -standardize. The scaling it leaves in the recipe has no
// numbers until standardize measures them.
func standardizeFlag(c *catalogue) {
	v := &scalar[string]{text: recipe.Robust, parse: func(text string) (string, error) {
		for _, kind := range recipe.Scalings() {
			if text == kind {
				return text, nil
			}
		}
		return text, fmt.Errorf("want %s", strings.Join(recipe.Scalings(), ", "))
	}}
	help := "points: scale every column by median and half interquartile range (`robust`), mean and deviation (std) or not (none); " +
		"samples come back in the units of the data (default of toy sets and of -preset 2d: none)"
	c.add("standardize", help, v, func(r *recipe.Recipe) error {
		r.Data.Scaling = &recipe.Scaling{Kind: v.v}
		return nil
	})
	c.held(func(r recipe.Recipe) bool {
		if s := r.Data.Scaling; s != nil {
			return s.Kind == v.v
		}
		return v.v == recipe.None
	})
}

// standardize measures the scaling of points and returns what to say about it.
// Where no flag chose one, data of one's own are scaled; what the papers trained
// on keeps its units: their preset, and the toy sets.
func standardize(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	d := &rec.Data
	kind := recipe.None
	switch {
	case d.Scaling != nil:
		kind = d.Scaling.Kind
	case !set.Images() && rec.Preset == "toy" && !strings.HasPrefix(d.Spec, "toy:"):
		kind = recipe.Robust
	}
	d.Scaling = nil
	if kind == recipe.None {
		return nil, train.Reach(set, *d)
	}
	if set.Images() {
		return nil, usage("-standardize %s: images are not scaled, but points; leave it out", kind)
	}
	d.Scaling, notes, err = recipe.MeasureScaling(kind, pointsOf(set))
	if err != nil {
		return nil, fmt.Errorf("-data %s: %w, or give -standardize none", d.Spec, err)
	}
	notes = append(notes, farOut(set, d.Scaling)...)
	how := "median and half interquartile range"
	if kind == recipe.Std {
		how = "mean and standard deviation"
		notes = append(notes, swamped(set, d.Scaling.Scale, "standard deviation, by which it is scaled,")...)
	}
	return append([]string{"columns scaled by " + how + " (-standardize)"}, notes...), nil
}
