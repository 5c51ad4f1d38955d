package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/cli"
	"heavytail/internal/parse"
)

// editFlags defines the flags that start from an image or keep parts of it.
func (r *sampleRequest) editFlags(fs *flag.FlagSet) {
	fs.StringVar(&r.edit.Init, "init", "", "`image` to start from, or with -mask to keep parts of: .png, .jpg, a grid that sample wrote, or samples in .npy or, of points, .csv; several give as many samples (empty: start from noise)")
	fs.Float64Var(&r.edit.Strength, "strength", 0, "part of the way to noise that -init goes, near 0 (the image) to 1 (noise alone) (0: 0.6, with -mask 1)")
	fs.StringVar(&r.edit.Mask, "mask", "", "`image`, bright where that of -init is to be painted anew, or, of points, a table of 1 where a value of the table of -init is to be drawn and 0 where it is kept; what is kept is so exactly (empty: none)")
	fs.IntVar(&r.edit.Resample, "resample", 0, strings.Join(heavytail.MethodsWith("Resample"), ", ")+": visits of every step but the last, going back by a step of noise in between; with -mask they fit the filling to what is kept (0: 1, with -mask 5 where the method can)")
	sizeFlag(fs, &r.options.Height, &r.options.Width, "`N or HxW`: pixels of the samples, if not those of the training images (empty: those)")
}

// sizeFlag defines the flag -size, of one number or two.
func sizeFlag(fs *flag.FlagSet, height, width *int, usage string) {
	fs.Func("size", usage, func(text string) (err error) {
		*height, *width, err = parse.Size(text)
		return err
	})
}

// loadEdit reads the files of -init and -mask and sets the options.
func (r *sampleRequest) loadEdit(ctx context.Context, e env) error {
	as, notes, err := r.edit.Load(ctx, r.loaded, &r.options, !r.given["n"] && r.seeds == "")
	say(e, notes)
	if err != nil {
		return err
	}
	r.recipe.Edit = as
	return nil
}

// givenHelp is the help of -given where samples are drawn.
const givenHelp = "of a model with conditions: their values, `NAME=VALUE` and more after commas (empty: of a model without)"

// loadGiven sets the conditions of the samples: of -given NAME=VALUE, or of a table,
// whose rows are then as many samples as there are if nothing else says how many.
func (r *sampleRequest) loadGiven(ctx context.Context, e env) (err error) {
	names := r.loaded.Given()
	if names == nil || strings.Contains(r.conditions, "=") || r.conditions == "" {
		r.options.Given, err = givenOf(r.loaded, r.conditions)
		r.recipe.Given = r.conditions
		return err
	}
	v, err := data.ReadConditions(ctx, r.conditions, names)
	if errors.Is(err, os.ErrNotExist) && filepath.Ext(r.conditions) == "" {
		return cli.Usage("-given %s: want %s=1, or a table of them, which is not there", r.conditions, strings.Join(names[:min(len(names), 3)], "=1,"))
	}
	if err != nil {
		return fmt.Errorf("-given %s: %w", r.conditions, err)
	}
	for _, note := range v.Notes {
		say(e, []string{r.conditions + ": " + note})
	}
	r.options.Given, r.recipe.Given, r.recipe.GivenSHA256 = v.X, filepath.Base(r.conditions), v.Sum
	if !r.given["n"] && r.options.Seeds == nil {
		r.options.N = len(v.X) / len(names)
	}
	return nil
}
