package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"heavytail"
	"heavytail/data"
	"heavytail/internal/cli"
	"heavytail/output"
)

// defaultResample is what a mask is filled with: one visit of every step leaves
// the filling next to blind for what surrounds it.
const defaultResample = 5

// editFlags defines the flags that start from an image or keep parts of it.
func (r *sampleRequest) editFlags(fs *flag.FlagSet) {
	fs.StringVar(&r.edit.Init, "init", "", "`image` to start from, or with -mask to keep parts of: .png, .jpg, a grid that sample wrote, or samples in .npy or .csv; several give as many samples (empty: start from noise)")
	fs.Float64Var(&r.edit.Strength, "strength", 0, "part of the way to noise that -init goes, near 0 (the image) to 1 (noise alone) (0: 0.6, with -mask 1)")
	fs.StringVar(&r.edit.Mask, "mask", "", "`image`, bright where that of -init is to be painted anew; the rest of it is kept exactly (empty: none)")
	fs.IntVar(&r.edit.Resample, "resample", 0, owners("Resample")+": visits of every step but the last, going back by a step of noise in between; with -mask they fit the filling to what is kept (0: 1, with -mask 5 where the method can)")
	fs.Float64Var(&r.options.Guidance, "guidance", 1, "classifier-free guidance: above 1, samples more typical of their class and less varied, in twice the time")
	sizeFlag(fs, &r.options.Height, &r.options.Width, "`N or HxW`: pixels of the samples, if not those of the training images (empty: those)")
}

// sizeFlag defines the flag -size, of one number or two.
func sizeFlag(fs *flag.FlagSet, height, width *int, usage string) {
	fs.Func("size", usage, func(text string) error {
		h, w, both := strings.Cut(text, "x")
		if !both {
			w = h
		}
		var err [2]error
		*height, err[0] = strconv.Atoi(h)
		*width, err[1] = strconv.Atoi(w)
		if err[0] != nil || err[1] != nil || *height < 1 || *width < 1 {
			return fmt.Errorf("want pixels such as 32 or 32x64")
		}
		return nil
	})
}

// checkEdit looks for mistakes that need no model and no file.
func checkEdit(e output.Edit) error {
	switch {
	case e.Init == "" && (e.Strength != 0 || e.Mask != ""):
		return cli.Usage("-strength and -mask change an image: name it with -init")
	case !(e.Strength >= 0 && e.Strength <= 1):
		return cli.Usage("-strength %v: want a value above 0 (the image) up to 1 (noise alone)", e.Strength)
	case e.Resample < 0:
		return cli.Usage("-resample %d: want 1 or more", e.Resample)
	case e.Resample == 1 && e.Mask == "":
		return cli.Usage("-resample 1 is what is done without it: leave it out")
	}
	return nil
}

// loadEdit reads the files and sets the options.
func (r *sampleRequest) loadEdit(ctx context.Context, e env) error {
	d := &r.edit
	if d.Init == "" {
		if d.Resample != 0 {
			r.options.Edit = &heavytail.Edit{Resample: d.Resample}
		}
		return nil
	}
	o := &heavytail.Edit{Strength: d.Strength, Resample: d.Resample}
	r.options.Edit = o
	if o.Strength == 0 {
		if o.Strength = 0.6; d.Mask != "" {
			o.Strength = 1
		}
	}
	shape := r.loaded.SampleShape(r.options)
	image, err := data.ReadValues(ctx, d.Init, shape, r.loaded.Recipe().Data.Columns)
	if err != nil {
		return fmt.Errorf("-init %w", err)
	}
	r.options.Image64, d.InitSHA256 = image.X, image.Sum
	tellOf(e, "-init "+d.Init, image)
	n := len(image.X) / r.per()
	if n != 1 && !r.nGiven && r.seeds == "" {
		r.options.N = n
	}
	if n != 1 && n != r.options.N {
		return cli.Usage("-init %s: %d samples in it, %d to draw: give one for all, or -n %d", d.Init, n, r.options.N, n)
	}
	if d.Mask != "" {
		if err := r.loadMask(ctx, e, shape); err != nil {
			return err
		}
	}
	d.Init, d.Strength, d.Resample = filepath.Base(d.Init), o.Strength, o.Resample
	return nil
}

// loadMask reads the file of -mask and sets the options.
func (r *sampleRequest) loadMask(ctx context.Context, e env, shape []int) error {
	d, o := &r.edit, r.options.Edit
	known, mask, err := data.ReadMask(ctx, d.Mask, shape)
	if err != nil {
		return fmt.Errorf("-mask %w", err)
	}
	tellOf(e, "-mask "+d.Mask, mask)
	if n := len(known) / r.per(); n != 1 && n != r.options.N {
		return cli.Usage("-mask %s: %d masks in it for the samples to draw, %d: give one for all, or one for each", d.Mask, n, r.options.N)
	}
	o.Known, d.MaskSHA256, d.Mask = known, mask.Sum, filepath.Base(d.Mask)
	if o.Resample == 0 {
		o.Resample = defaultResample
		if _, err := r.loaded.Resolve(r.options); err != nil {
			o.Resample = 1 // the method cannot, or there is a mistake to be reported
		}
	}
	return nil
}

// tellOf prints what is worth knowing of how the values of a file were read.
func tellOf(e env, file string, v data.Values) {
	for _, note := range v.Notes {
		fmt.Fprintf(e.Stderr, "%s: %s\n", file, cli.Singular(note))
	}
}

// givenHelp is the help of -given where samples are drawn.
const givenHelp = "of a model with conditions: their values, `NAME=VALUE` and more after commas (empty: of a model without)"

// loadGiven sets the conditions of the samples: of -given NAME=VALUE, or of a table,
// whose rows are then as many samples as there are if nothing else says how many.
func (r *sampleRequest) loadGiven(ctx context.Context, e env) (err error) {
	names := r.loaded.Given()
	if names == nil || strings.Contains(r.given, "=") || r.given == "" {
		r.options.Given, err = givenOf(r.loaded, r.given)
		r.recipe.Given = r.given
		return err
	}
	v, err := data.ReadConditions(ctx, r.given, names)
	if errors.Is(err, os.ErrNotExist) && filepath.Ext(r.given) == "" {
		_, err = r.loaded.ParseGiven(r.given)
		return cli.Usage("%w, or a table of them, which is not there", err)
	}
	if err != nil {
		return fmt.Errorf("-given %s: %w", r.given, err)
	}
	tellOf(e, r.given, v)
	r.options.Given, r.recipe.Given, r.recipe.GivenSHA256 = v.X, filepath.Base(r.given), v.Sum
	if !r.nGiven && r.options.Seeds == nil {
		r.options.N = len(v.X) / len(names)
	}
	return nil
}
