package main

import (
	"fmt"
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
