package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/cli"
	"heavytail/internal/source"
	"heavytail/recipe"
	"heavytail/train"
)

// givenFlag defines -given of train. The conditions that it leaves in the recipe have
// no scaling until train.Condition measures it.
func givenFlag(c *catalogue) {
	v := &scalar[[]string]{parse: list(parseText)}
	c.add("given", "tables: `list` of columns that are conditions, by name or by number from 0: the model draws the others given their values (empty: none)", v, func(r *recipe.Recipe) error {
		if r.Data.Given = nil; len(v.v) > 0 {
			r.Data.Given = &recipe.Given{Select: v.v}
		}
		return nil
	})
	c.held(func(r recipe.Recipe) bool {
		if r.Data.Given == nil {
			return len(v.v) == 0
		}
		return slices.Equal(v.v, r.Data.Given.Select)
	})
}

// condition settles the conditions of a run: one that starts from a model keeps their
// scaling, by which its weights know them.
func (r *trainRequest) condition(rec *recipe.Recipe, set *data.Set) (notes []string, err error) {
	if r.source != nil && r.source.Whole && !r.given["standardize"] {
		of := r.source.Recipe.Data.Given
		if is := rec.Data.Given; of != nil && is != nil && of.Scaling != nil && of.Len() == is.Len() {
			if err := data.InOrder(of.Columns, is.Columns); err != nil {
				return nil, fmt.Errorf("-from %s: -given: %w", source.Printable(r.from), err)
			}
			is.Scaling = of.Clone().Scaling
			return []string{"conditions scaled as the model of -from has them scaled, not measured anew (-standardize)"}, nil
		}
	}
	return flagged(train.Condition(rec, set))
}

// givenHelp is the help of -given where samples are drawn.
const givenHelp = "of a model with conditions: their values, `NAME=VALUE` and more after commas (empty: of a model without)"

// parseGiven reads NAME=VALUE,NAME=VALUE as one row of the model's conditions.
func parseGiven(m *heavytail.Model, text string) ([]float64, error) {
	names := m.Given()
	switch {
	case names == nil && text == "":
		return nil, nil
	case names == nil:
		return nil, cli.Usage("-given %s: this model has no conditions: leave it out", text)
	case text == "":
		return nil, cli.Usage("this model draws its samples given %s: say -given %s", nameWords(names), givenExample(names))
	}
	x, said := make([]float64, len(names)), make([]bool, len(names))
	for text != "" {
		after := ""
		c := slices.IndexFunc(names, func(name string) bool {
			rest, begins := strings.CutPrefix(strings.TrimLeft(text, " "), name)
			value, is := strings.CutPrefix(strings.TrimLeft(rest, " "), "=")
			after = value
			return begins && is
		})
		if c < 0 {
			return nil, cli.Usage("-given: %.60q begins with no condition and its value: want all of %s, such as %s", text, nameWords(names), givenExample(names))
		}
		value, rest, more := strings.Cut(after, ",")
		v, err := parseFloat(strings.TrimSpace(value))
		switch {
		case err != nil:
			return nil, cli.Usage("-given: %s=%.40s: %w", names[c], value, err)
		case said[c]:
			return nil, cli.Usage("-given: condition %s is there twice", names[c])
		case more && rest == "":
			return nil, cli.Usage("-given: it ends after a comma")
		}
		x[c], said[c], text = v, true, rest
	}
	if c := slices.Index(said, false); c >= 0 {
		return nil, cli.Usage("-given: condition %s has no value: want all of %s", names[c], nameWords(names))
	}
	return x, nil
}

// nameWords lists at most 20 names for a sentence.
func nameWords(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), 20)] {
		out = append(out, source.Printable(n))
	}
	if len(names) > 20 {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// givenExample is what -given would be.
func givenExample(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), 3)] {
		out = append(out, source.Printable(n)+"=1")
	}
	return strings.Join(out, ",")
}

// loadGiven sets the conditions of the samples: of -given NAME=VALUE, or of a table,
// whose rows are then as many samples as there are if nothing else says how many.
func (r *sampleRequest) loadGiven(ctx context.Context, e env) error {
	names := r.loaded.Given()
	if names == nil || strings.Contains(r.given, "=") || r.given == "" {
		x, err := parseGiven(r.loaded, r.given)
		r.options.Given, r.recipe.Given = x, r.given
		return err
	}
	x, notes, err := data.ReadConditions(ctx, r.given, names)
	if errors.Is(err, os.ErrNotExist) && filepath.Ext(r.given) == "" {
		return cli.Usage("-given %s: want %s, or a table of them, which is not there", r.given, givenExample(names))
	}
	if err != nil {
		return fmt.Errorf("-given %s: %w", r.given, err)
	}
	for _, note := range notes {
		fmt.Fprintf(e.Stderr, "%s: %s\n", r.given, cli.Singular(note))
	}
	f, err := source.Open(ctx, r.given)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	r.options.Given = x
	r.recipe.Given, r.recipe.GivenSHA256 = filepath.Base(r.given), hex.EncodeToString(h.Sum(nil))
	if !r.nGiven && r.options.Seeds == nil {
		r.options.N = len(x) / len(names)
	}
	return nil
}

// givenOf returns the conditions of the samples of a set at the places, nil if there
// are none.
func givenOf(set *data.Set, places []int) []float64 {
	k := len(set.Given)
	if k == 0 {
		return nil
	}
	x := make([]float64, k*len(places))
	for i, at := range places {
		set.Conditions(x[i*k:], at)
	}
	return x
}
