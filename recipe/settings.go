package recipe

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// A Setting is one value of a recipe by its name, as text: what the command train has
// as a flag of that name, and what a program takes from a file or a form. Settings
// lists them.
type Setting struct {
	Name    string // as the flag and the key of Values
	Help    string // what it is; what stands in back quotes is a word for its value
	Default string // the value in new trainings, as text
	Bool    bool   // true or false: a flag of its own says true
	Reading bool   // it says how the data are read, which is before the others are set

	parse func(text string) (change, error)
}

// A change is a value that was read.
type change struct {
	set func(*Recipe) error
	// holds reports whether a finished recipe has the value already, of settings that a
	// recipe does not hold as they are; nil: set then changes nothing.
	holds func(Recipe) bool
}

// Settings returns all settings, in the order in which Values sets them: those of the
// data, then those that may depend on what the data are.
func Settings() []Setting { return append([]Setting(nil), settings()...) }

// settings makes them once: their defaults take every preset and process.
var settings = sync.OnceValue(func() (all []Setting) {
	for _, part := range [][]Setting{dataSettings(), scalingSettings(), processSettings(), trainSettings(), networkSettings()} {
		all = append(all, part...)
	}
	return all
})

// SettingOf returns the setting of a name. It panics if there is none: Values.Check has
// an error for names from outside.
func SettingOf(name string) Setting {
	for _, s := range settings() {
		if s.Name == name {
			return s
		}
	}
	panic("recipe: there is no setting " + name)
}

// Check returns an error, which says what is wanted, if text is no value of the setting.
func (s Setting) Check(text string) error {
	_, err := s.parse(text)
	return err
}

// Set gives r the value that text says. The error of a setting that this recipe has not
// says which process or network has it.
func (s Setting) Set(r *Recipe, text string) error {
	c, err := s.parse(text)
	if err == nil {
		err = c.set(r)
	}
	return err
}

// Holds reports, of the few settings that Set would measure or choose anew, such as
// process and transform, whether r, the recipe of a run, has the value that text says
// already. Of all others it is false: for them compare r, by Diff, with a copy on which
// Set was called.
func (s Setting) Holds(r Recipe, text string) bool {
	c, err := s.parse(text)
	return err == nil && c.holds != nil && c.holds(r)
}

// Values are settings by their names, as text.
type Values map[string]string

// Check returns an error that names a setting which does not exist, or the first whose
// text cannot be read as a value. Whether a number is in its range depends on the others,
// and Recipe.Validate says it.
func (v Values) Check() error {
	seen := 0
	for _, s := range settings() {
		text, is := v[s.Name]
		if !is {
			continue
		}
		seen++
		if err := s.Check(text); err != nil {
			return fmt.Errorf("setting %s %s: %w", s.Name, text, err)
		}
	}
	if seen == len(v) {
		return nil
	}
	known := map[string]bool{}
	var names []string
	for _, s := range settings() {
		known[s.Name] = true
		names = append(names, s.Name)
	}
	for name := range v {
		if !known[name] {
			return fmt.Errorf("there is no setting %q: want %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// Read changes r by the settings that say how its data are read.
func (v Values) Read(r *Recipe) error { return v.set(r, true) }

// Set changes r, which fits its data (Fit), by the other settings. The error names the
// setting as the command has it.
func (v Values) Set(r *Recipe) error { return v.set(r, false) }

func (v Values) set(r *Recipe, reading bool) error {
	for _, s := range settings() {
		if text, is := v[s.Name]; is && s.Reading == reading {
			if err := s.Set(r, text); err != nil {
				return fmt.Errorf("setting %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// setting is one that gives the field at the value that is parsed. Of a field that is
// nil there is none in this recipe: missing says why.
func setting[T any](name, help string, parse func(string) (T, error), at func(*Recipe) *T, missing func(r *Recipe) error) Setting {
	_, isBool := any(*new(T)).(bool)
	return Setting{Name: name, Help: help, Default: defaultOf(at), Bool: isBool, parse: func(text string) (c change, err error) {
		v, err := parse(text)
		c.set = func(r *Recipe) error {
			p := at(r)
			if p == nil {
				return missing(r)
			}
			*p = v
			return nil
		}
		return c, err
	}}
}

// field is a setting that every recipe has.
func field[T any](name, help string, parse func(string) (T, error), at func(*Recipe) *T) Setting {
	return setting(name, help, parse, at, nil)
}

// own is a setting that does more than giving a field its value.
func own[T any](name, help, byDefault string, parse func(string) (T, error), set func(*Recipe, T) error, holds func(Recipe, T) bool) Setting {
	_, isBool := any(*new(T)).(bool)
	return Setting{Name: name, Help: help, Default: byDefault, Bool: isBool, parse: func(text string) (c change, err error) {
		v, err := parse(text)
		c.set = func(r *Recipe) error { return set(r, v) }
		if holds != nil {
			c.holds = func(r Recipe) bool { return holds(r, v) }
		}
		return c, err
	}}
}

// defaultOf writes the value that a setting has in new trainings: that of the
// default recipe of images and that of points, or, if these have no such field,
// that of the first process that has it.
func defaultOf[T any](at func(*Recipe) *T) string {
	var said []string
	for _, by := range []struct{ preset, what string }{{"fashion", "images"}, {"toy", "points"}} {
		r, err := Preset(by.preset)
		if err != nil {
			panic("recipe: " + err.Error()) // they are this project's
		}
		for _, kind := range append([]string{r.Kind()}, Kinds()...) {
			if r.Use(kind) != nil {
				continue
			}
			if p := at(&r); p != nil && valueText(*p) != "" {
				said = append(said, valueText(*p)+" for "+by.what)
				break
			}
		}
	}
	if len(said) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(said[0], " for ")
	if last, _, _ := strings.Cut(said[len(said)-1], " for "); len(said) == 2 && first == last {
		return first
	}
	return strings.Join(said, ", ")
}

// valueText writes a value as a setting takes it.
func valueText(v any) string {
	x := reflect.ValueOf(v)
	if x.Kind() != reflect.Slice {
		return fmt.Sprint(v)
	}
	if x.Len() == 0 {
		return ""
	}
	parts := make([]string, x.Len())
	for i := range parts {
		parts[i] = fmt.Sprint(x.Index(i))
	}
	return strings.Join(parts, ",")
}
