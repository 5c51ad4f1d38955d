package main

import (
	"fmt"
	"slices"
	"strings"

	"heavytail/recipe"
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

// transformFlag defines -transform. What it leaves in the recipe has no numbers, and
// maybe one transform for all columns, until train.Bend settles it.
func transformFlag(c *catalogue) {
	v := &scalar[[]string]{text: recipe.None, parse: func(text string) ([]string, error) {
		kinds := strings.Split(text, ",")
		for i, kind := range kinds {
			if kinds[i] = strings.TrimSpace(kind); !slices.Contains(recipe.Transforms(), kinds[i]) {
				return nil, fmt.Errorf("want %s, or one of these for each column", strings.Join(recipe.Transforms(), ", "))
			}
		}
		return kinds, nil
	}}
	help := "points: draw in the tails of every column, once scaled, by sign·ln(1+|y|) (softlog: with -process flow Log-FM), arsinh (asinh) or to Gaussian tails from those of its tail indices (ttf), a `list` for one per column; " +
		"undone in samples; heavytail tail says which columns need it"
	c.add("transform", help, v, func(r *recipe.Recipe) error {
		r.Data.Transform = nil
		for _, kind := range v.v {
			r.Data.Transform = append(r.Data.Transform, recipe.Transform{Kind: kind})
		}
		return nil
	})
	c.held(func(r recipe.Recipe) bool {
		if len(r.Data.Transform) == 0 {
			return !slices.ContainsFunc(v.v, func(kind string) bool { return kind != recipe.None })
		}
		if len(v.v) != 1 && len(v.v)*max(r.Data.Window, 1) != len(r.Data.Transform) {
			return false
		}
		for c, t := range r.Data.Transform {
			if t.Kind != v.v[c%len(v.v)] {
				return false
			}
		}
		return true
	})
}
