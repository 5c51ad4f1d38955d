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
	"heavytail/internal/jobs"
	"heavytail/recipe"
)

// What the flags of reading say, in every command that has them.
const (
	columnsHelp    = "tables: `list` of columns to read, by name or by number from 0 (empty: all that hold numbers)"
	separatorHelp  = "tables: what parts the cells, comma, semicolon, tab, space, bar or colon (empty: found)"
	decimalHelp    = "tables: what stands before fractions, `point` or comma (empty: found)"
	backgroundHelp = "pictures: what lies behind transparent ones, `color` white, black or #rrggbb (empty: white)"
	rangeHelp      = "arrays of images: the values of black and white, such as `0,255` (empty: found)"
	missingHelp    = "tables: rows with an empty cell, NA or NaN, `drop` them or make them an error (empty: drop)"
)

// dataFlags defines the settings of a recipe that say how its data are read.
func dataFlags(c *catalogue) {
	type R = recipe.Recipe
	define(c, "size", "scale images to `N`×N pixels (0: as they are, or the preset's)", parseInt, func(r *R) *int { return &r.Data.Size })
	define(c, "channels", "read images as grey (`1`) or colour (3) (0: as they are, or the preset's)", parseInt, func(r *R) *int { return &r.Data.Channels })
	define(c, "long-tail", "thin the classes out: the last keeps this `share` of the first (0: all)", parseFloat, func(r *R) *float64 { return &r.Data.LongTail })
	define(c, "points", "toy sets: `number` of points (0: 32000)", parseInt, func(r *R) *int { return &r.Data.Points })
	define(c, "columns", columnsHelp, list(parseText), func(r *R) *[]string { return &r.Data.Select })
	givenFlag(c)
	define(c, "window", "tables: rows that follow each other and are `L` times of one sample (0: each row is a sample)", parseInt, func(r *R) *int { return &r.Data.Window })
	define(c, "held", "tables: `share` of the rows, the last ones, that are not trained on (0: none)", parseFloat, func(r *R) *float64 { return &r.Data.Held })
	define(c, "separator", separatorHelp, parseText, func(r *R) *string { return &r.Data.Separator })
	define(c, "decimal", decimalHelp, parseText, func(r *R) *string { return &r.Data.Decimal })
	define(c, "background", backgroundHelp, parseText, func(r *R) *string { return &r.Data.Background })
	define(c, "range", rangeHelp, list(parseFloat), func(r *R) *[]float64 { return &r.Data.Range })
	define(c, "missing", missingHelp, parseText, func(r *R) *string { return &r.Data.Missing })
}

// readFlags defines the same for a command without a recipe.
func readFlags(fs *flag.FlagSet, o *data.Options) {
	fs.StringVar(&o.Separator, "separator", "", separatorHelp)
	fs.StringVar(&o.Decimal, "decimal", "", decimalHelp)
	fs.StringVar(&o.Background, "background", "", backgroundHelp)
	fs.Func("range", rangeHelp, func(text string) (err error) {
		o.Range, err = list(parseFloat)(text)
		return err
	})
	fs.StringVar(&o.Missing, "missing", "", missingHelp)
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
	if jobs.IsFolder(path) {
		return "parts:" + path
	}
	if folderExists(path) {
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
