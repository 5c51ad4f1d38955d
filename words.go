package heavytail

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/parse"
	"heavytail/internal/source"
)

// ParseClasses reads classes of the model with commas between them, by number or name,
// or none, for Options.Classes; nil for an empty text.
func (m *Model) ParseClasses(text string) ([]int, error) {
	n := m.must("ParseClasses").Classes()
	if text == "" {
		return nil, nil
	}
	if n == 0 {
		return nil, fmt.Errorf("%s: this model knows no classes: leave it out", text)
	}
	names, words := m.ClassNames(), strings.Split(text, ",")
	if slices.Contains(names, text) { // a name may hold a comma
		words = []string{text}
	}
	var out []int
	for _, word := range words {
		if !slices.Contains(names, word) {
			word = strings.TrimSpace(word)
		}
		k := slices.Index(names, word)
		switch i, err := strconv.Atoi(word); {
		case word == "none":
			k = Unconditional
		case k >= 0:
		case err == nil && i >= 0 && i < n:
			k = i
		default:
			return nil, fmt.Errorf("%q: want 0 to %d%s, or none", word, n-1, source.OrNames(names))
		}
		out = append(out, k)
	}
	return out, nil
}

// ParseGiven reads NAME=VALUE,NAME=VALUE as one row of the model's conditions, for
// Options.Given; nil for an empty text if the model has none.
func (m *Model) ParseGiven(text string) ([]float64, error) {
	names := m.must("ParseGiven").Given()
	switch {
	case names == nil && text == "":
		return nil, nil
	case names == nil:
		return nil, fmt.Errorf("Options.Given %s: this model has no conditions: leave it out", text)
	case text == "":
		return nil, fmt.Errorf("this model draws its samples given %s: say Options.Given %s", source.Names(names), givenExample(names))
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
			return nil, fmt.Errorf("Options.Given: %.60q begins with no condition and its value: want all of %s, such as %s", text, source.Names(names), givenExample(names))
		}
		value, rest, more := strings.Cut(after, ",")
		v, err := parse.Float(strings.TrimSpace(value))
		switch {
		case err != nil:
			return nil, fmt.Errorf("Options.Given: %s=%.40s: %w", names[c], value, err)
		case said[c]:
			return nil, fmt.Errorf("Options.Given: condition %s is there twice", names[c])
		case more && rest == "":
			return nil, fmt.Errorf("Options.Given: it ends after a comma")
		}
		x[c], said[c], text = v, true, rest
	}
	if c := slices.Index(said, false); c >= 0 {
		return nil, fmt.Errorf("Options.Given: condition %s has no value: want all of %s", names[c], source.Names(names))
	}
	return x, nil
}

// givenExample is what ParseGiven reads.
func givenExample(names []string) string {
	var out []string
	for _, n := range names[:min(len(names), 3)] {
		out = append(out, source.Printable(n)+"=1")
	}
	return strings.Join(out, ",")
}
