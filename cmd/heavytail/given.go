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
	"heavytail/internal/parse"
	"heavytail/internal/source"
)

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
		return nil, cli.Usage("this model draws its samples given %s: say -given %s", source.Names(names), givenExample(names))
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
			return nil, cli.Usage("-given: %.60q begins with no condition and its value: want all of %s, such as %s", text, source.Names(names), givenExample(names))
		}
		value, rest, more := strings.Cut(after, ",")
		v, err := parse.Float(strings.TrimSpace(value))
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
		return nil, cli.Usage("-given: condition %s has no value: want all of %s", names[c], source.Names(names))
	}
	return x, nil
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
