package main

import (
	"fmt"
	"reflect"
	"strings"

	"heavytail/recipe"
)

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
