package main

import (
	"fmt"
	"slices"
	"strings"

	"heavytail"
)

// methodsWith lists the methods that have a setting, by the name of its field.
func methodsWith(setting string) []string {
	var out []string
	for _, m := range heavytail.Methods() {
		if slices.Contains(m.Settings(), setting) {
			out = append(out, m.Name)
		}
	}
	return out
}

// owners names the methods that have a setting.
func owners(setting string) string { return strings.Join(methodsWith(setting), ", ") }

// methodsHelp says in a line which methods there are, for which models.
func methodsHelp() string {
	var parts, defaults []string
	models := ""
	for _, m := range heavytail.Methods() {
		text := m.Name
		if m.About != "" {
			text += " (" + m.About + ")"
		}
		if len(m.DefaultOf()) > 0 {
			defaults = append(defaults, m.Name)
		}
		if m.Models() != models {
			models = m.Models()
			parts = append(parts, "of "+models+" models "+text)
			continue
		}
		parts[len(parts)-1] += ", " + text
	}
	return strings.Join(parts, "; ") + " (empty: " + strings.Join(defaults, ", ") + ")"
}

// stepsHelp says in a line how many steps the methods make where none are given.
func stepsHelp() string {
	var parts []string
	for _, m := range heavytail.Methods() {
		parts = append(parts, fmt.Sprintf("%s %d", m.Name, m.Steps(heavytail.Recipe{})))
	}
	return strings.Join(parts, ", ")
}
