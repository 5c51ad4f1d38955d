package main

import (
	"flag"
	"fmt"
	"io"
	"reflect"
	"strings"

	"heavytail/recipe"
)

// printHelp writes a command's page: its flags, each with its default, and its
// examples. A default that the sentence tells is not repeated.
func (c command) printHelp(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(w, "usage: heavytail %s [flags] %s\n\n%s\n", c.name, c.args, c.summary)
	title := "\nflags:\n"
	fs.VisitAll(func(f *flag.Flag) {
		kind, text := flag.UnquoteUsage(f)
		if kind != "" {
			kind = " " + kind
		}
		fmt.Fprintf(w, "%s  -%s%s\n    \t%s%s\n", title, f.Name, kind, text, defaultText(f))
		title = ""
	})
	fmt.Fprintf(w, "\nexamples:\n%s", c.help)
}

// defaultText is what the help adds about a flag's default.
func defaultText(f *flag.Flag) string {
	switch {
	case f.DefValue == "" || f.DefValue == "0" && strings.Contains(f.Usage, "(0: "):
		return ""
	case f.DefValue == "false":
		return " (off)"
	}
	return fmt.Sprintf(" (default %s)", f.DefValue)
}

// defaultOf writes the value that a setting has in new trainings: that of the
// default recipe of images and that of points, or, if these have no such field,
// that of the first process that has it.
func defaultOf[T any](field func(*recipe.Recipe) *T) string {
	var said []string
	for _, by := range []struct{ preset, what string }{{"fashion", "images"}, {"toy", "points"}} {
		r, err := recipe.Preset(by.preset)
		if err != nil {
			panic("heavytail: " + err.Error()) // they are this project's
		}
		for _, kind := range append([]string{r.Kind()}, recipe.Kinds()...) {
			if r.Use(kind) != nil {
				continue
			}
			if p := field(&r); p != nil && flagText(*p) != "" {
				said = append(said, flagText(*p)+" for "+by.what)
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

// flagText writes a value as its flag takes it.
func flagText(v any) string {
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
