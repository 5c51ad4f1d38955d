package main

import (
	"flag"
	"strings"

	"heavytail/data"
	"heavytail/internal/parse"
	"heavytail/output"
	"heavytail/recipe"
)

// readFlags defines the settings that say how data are read, in a command without a
// recipe.
func readFlags(fs *flag.FlagSet, o *data.Options) {
	for name, text := range map[string]*string{"separator": &o.Separator, "decimal": &o.Decimal, "background": &o.Background, "missing": &o.Missing} {
		fs.StringVar(text, name, "", recipe.SettingOf(name).Help)
	}
	fs.Func("range", recipe.SettingOf("range").Help, func(text string) (err error) {
		o.Range, err = parse.List(parse.Float)(text)
		return err
	})
}

// tell prints what is worth knowing of how a set was read.
func tell(e env, set *data.Set) {
	for _, note := range set.Notes {
		say(e, []string{set.Name + ": " + note})
	}
}

// isTable reports whether a specification names a table, whose columns have
// names and are chosen where it is read.
func isTable(spec string) bool { return data.KindOf(spec) == "csv" }

// specOf returns the specification that a name alone, if it is one, stands for.
func specOf(name string) string {
	if spec := data.SpecOf(name); !output.IsParts(name) || !strings.HasPrefix(spec, "images:") {
		return spec
	}
	return "parts:" + name
}
