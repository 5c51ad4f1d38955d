package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"heavytail/data"
	"heavytail/internal/cli"
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
func tell(w io.Writer, set *data.Set) {
	for _, note := range set.Notes {
		fmt.Fprintf(w, "%s: %s\n", set.Name, cli.Singular(note))
	}
}

// isTable reports whether a specification names a table, whose columns have
// names and are chosen where it is read.
func isTable(spec string) bool { return kindOf(spec) == "csv" }

func kindOf(spec string) string {
	kind, _, _ := strings.Cut(spec, ":")
	return kind
}

// specOf returns the specification that a name alone, if it is one, stands for.
func specOf(spec string) string {
	if _, err := os.Stat(spec); err == nil || !strings.Contains(spec, ":") {
		return guess(spec)
	}
	return spec
}

// guess puts the kind of data before the name of a file or folder, if its ending
// or what is in it says which.
func guess(path string) string {
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz"))) {
	case ".csv", ".tsv", ".txt", ".dat", ".xlsx", ".xls", ".ods": // of spreadsheets, to be told that they are no text
		return "csv:" + path
	case ".npy", ".npz":
		return "npy:" + path
	case ".zip":
		return "images:" + path
	}
	if m, _ := filepath.Glob(filepath.Join(path, "*idx3-ubyte*")); len(m) > 0 || strings.Contains(filepath.Base(path), "idx3-ubyte") {
		return "idx:" + path
	}
	if output.IsParts(path) {
		return "parts:" + path
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return "images:" + path
	}
	return path
}

// columnNames splits the list of -columns.
func columnNames(text string) []string {
	if text == "" {
		return nil
	}
	var out []string
	for _, name := range strings.Split(text, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out
}
