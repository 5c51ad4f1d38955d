package data

import (
	"errors"
	"fmt"
	"strings"

	"heavytail/internal/machine"
)

// An OptionError is the error of Open, and of what reads by Options elsewhere, for a
// mistake in them: a field, which the text names, is impossible or does not fit the data.
// It is a value, which errors.As finds.
type OptionError struct{ err error }

// Error implements error.
func (e OptionError) Error() string {
	if e.err == nil {
		return "data: a field of Options is impossible"
	}
	return e.err.Error()
}

// Unwrap returns what the text was made of, nil where the text is all.
func (e OptionError) Unwrap() error { return errors.Unwrap(e.err) }

// FlagError is the name that OptionError had until 0.5.0.
type FlagError = OptionError

func optionError(format string, args ...any) error { return OptionError{fmt.Errorf(format, args...)} }

// Options say how to read a set; the zero value reads it as it is.
type Options struct {
	Size     int     // images: scale to Size×Size pixels (0: keep)
	Channels int     // images: 1 grey, 3 colour (0: as the files)
	LongTail float64 // keep n·LongTail^(c/(K−1)) of class c, n the largest (0: all)
	Seed     uint64  // toy sets
	N        int     // toy sets: number of points (0: 32000)
	MaxBytes int64   // refuse sets that need more memory (0: half of what the process may use)

	// Rules is the version of the rules by which files are read: 0, the newest, or
	// FirstRules, those of version 0.1.0, for runs that were started with it.
	Rules      int
	Columns    []string  // tables: the columns to read, by name or by number from 0 (nil: all)
	Given      []string  // tables: the columns that are conditions and not of the points, likewise (nil: none)
	Window     int       // tables: rows of a sample (0: one)
	Held       float64   // tables: the share of the rows, the last ones, that are not read (0: none)
	HeldOut    bool      // tables: read those and not the others
	Separator  string    // tables: comma, semicolon, tab, space, bar or colon (empty: found)
	Decimal    string    // tables: point or comma (empty: found)
	Background string    // pictures: what is behind transparent ones, white (also empty; by rules 0 black), black or #rrggbb
	Range      []float64 // arrays of images: the values of black and white (nil: found)
	quote      byte      // tables: of quoted cells, found; 0: "
	empty      string    // tables: what to do about a cell without value, where that is an error; empty: leave the row out
	Missing    string    // tables: rows with cells without value are an error or, by drop or empty, left out
}

// Rules are the rules of this version. Since 1, tables are read in all their
// dialects, the range of arrays of images is found, folders of pictures leave out
// hidden folders and are colour if one picture is, and photographs are turned
// upright.
const Rules = 1

// FirstRules asks for the rules of version 0.1.0, which a recipe calls 0.
const FirstRules = -1

// RulesOf returns the rules that a new run reads spec by: 0 where no version of
// this program has changed them.
func RulesOf(spec string) int {
	switch kind, _, _ := strings.Cut(spec, ":"); kind {
	case "csv", "images", "npy":
		return Rules
	}
	return 0
}

// maxBytes leaves half of the memory to the copies of slices that grow.
func (o Options) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return machine.Memory() / 2
}

// maxTable is maxBytes for values that arrive between the texts of cells, which
// are garbage of about the same size until it is collected.
func (o Options) maxTable() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return o.maxBytes() / 2
}

// maxSize bounds the size in pixels, so that no product of sizes wraps around.
const maxSize = 1 << 16

// check returns an error for options that are impossible, or not of that kind of data.
func (o Options) check(spec, kind string) error {
	if o.Rules < FirstRules || o.Rules > Rules {
		return optionError("data %q: Options.Rules %d; want %d, 0 for the newest, or FirstRules", spec, o.Rules, Rules)
	}
	if o.MaxBytes < 0 {
		return optionError("data %q: Options.MaxBytes %d; want a number of bytes, or 0 for half of what the process may use", spec, o.MaxBytes)
	}
	if o.Size < 0 || o.Size > maxSize {
		return optionError("data %q: Options.Size %d; want 1 to %d pixels, or 0 for those of the images", spec, o.Size, maxSize)
	}
	if o.Channels != 0 && o.Channels != 1 && o.Channels != 3 {
		return optionError("data %q: Options.Channels %d; want 1 (grey) or 3 (colour), or 0 for those of the images", spec, o.Channels)
	}
	if kind != "csv" && o.Separator+o.Decimal+o.Missing != "" {
		return optionError("data %q: Options.Separator, Options.Decimal and Options.Missing are for tables, csv:FILE; leave them out", spec)
	}
	if kind != "csv" && (len(o.Given) > 0 || o.Window != 0 || o.Held != 0 || o.HeldOut) {
		return optionError("data %q: Options.Given, Options.Window, Options.Held and Options.HeldOut are for tables, csv:FILE; leave them out", spec)
	}
	if kind != "images" && o.Background != "" {
		return optionError("data %q: Options.Background is for pictures, images:DIR or images:FILE.zip; leave it out", spec)
	}
	if kind != "npy" && o.Range != nil {
		return optionError("data %q: Options.Range is for arrays of images, npy:FILE; leave it out", spec)
	}
	return nil
}
