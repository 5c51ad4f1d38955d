package output

import (
	"context"
	"fmt"
	"path/filepath"

	"heavytail"
	"heavytail/data"
)

// An Edit says of what files samples are made, and in a Recipe of what they were made:
// the image-to-image and inpainting of the command sample.
type Edit struct {
	// Init is what they start from: a picture, an array or a table that data.ReadValues
	// takes, of one sample for all or of one for each.
	Init       string  `json:"init,omitempty"`
	InitSHA256 string  `json:"init_sha256,omitempty"` // of the file
	Strength   float64 `json:"strength,omitempty"`    // part of the way to noise; 0: 0.6, with a mask 1
	// Mask is bright where Init is painted anew, likewise one for all or one for each; the
	// rest is kept exactly.
	Mask       string `json:"mask,omitempty"`
	MaskSHA256 string `json:"mask_sha256,omitempty"` // of the file
	// Resample is how often every step but the last is made, as diffusion.Edit.Resample;
	// 0: once, with a mask 5 times where the method can.
	Resample int `json:"resample,omitempty"`
}

// maskResample is what a mask is filled with: one visit of every step leaves
// the filling next to blind for what surrounds it.
const maskResample = 5

// Check looks for mistakes that need no model and no file.
func (e *Edit) Check() error {
	switch {
	case e.Init == "" && (e.Strength != 0 || e.Mask != ""):
		return fmt.Errorf("Edit.Strength and Edit.Mask change an image: name it with Edit.Init")
	case !(e.Strength >= 0 && e.Strength <= 1):
		return fmt.Errorf("Edit.Strength %v: want a value above 0 (the image) up to 1 (noise alone)", e.Strength)
	case e.Resample < 0:
		return fmt.Errorf("Edit.Resample %d: want 1 or more", e.Resample)
	case e.Resample == 1 && e.Mask == "":
		return fmt.Errorf("Edit.Resample 1 is what is done without it: leave it out")
	}
	return nil
}

// Load reads the files and sets by them the fields Edit and Image64 of the options o for
// the model m; with fit also N, to as many samples as there are in Init where there are
// several. It returns e as a Recipe has it, and what a person should know of how files
// were read.
func (e Edit) Load(ctx context.Context, m *heavytail.Model, o *heavytail.Options, fit bool) (as *Edit, notes []string, err error) {
	if err := e.Check(); err != nil {
		return nil, nil, err
	}
	if e.Init == "" {
		if e.Resample == 0 {
			return nil, nil, nil
		}
		o.Edit = &heavytail.Edit{Resample: e.Resample}
		return &e, nil, nil
	}
	if e.Strength == 0 {
		if e.Strength = 0.6; e.Mask != "" {
			e.Strength = 1
		}
	}
	o.Edit = &heavytail.Edit{Strength: e.Strength, Resample: e.Resample}
	shape := m.SampleShape(*o)
	image, err := data.ReadValues(ctx, e.Init, shape, m.Recipe().Data.Columns)
	if err != nil {
		return nil, nil, fmt.Errorf("Edit.Init %w", err)
	}
	for _, note := range image.Notes {
		notes = append(notes, "-init "+e.Init+": "+note)
	}
	o.Image64 = image.X
	n := len(image.X) / product(shape)
	if n != 1 && fit {
		o.N = n
	}
	draws := max(o.N, 1)
	if o.Seeds != nil {
		draws = len(o.Seeds)
	}
	if n != 1 && n != draws {
		return nil, notes, fmt.Errorf("Edit.Init %s: %d samples in it, %d to draw: give one for all, or Options.N %d", e.Init, n, draws, n)
	}
	if e.Mask != "" {
		columns := m.Recipe().Data.Columns
		if columns == nil {
			columns = image.Columns
		}
		more, err := e.mask(ctx, m, o, shape, columns, draws)
		if notes = append(notes, more...); err != nil {
			return nil, notes, err
		}
	}
	e.Init, e.InitSHA256, e.Resample = filepath.Base(e.Init), image.Sum, o.Edit.Resample
	return &e, notes, nil
}

// mask reads the file of the mask, of columns in this order, for so many samples.
func (e *Edit) mask(ctx context.Context, m *heavytail.Model, o *heavytail.Options, shape []int, columns []string, draws int) (notes []string, err error) {
	known, mask, err := data.ReadMask(ctx, e.Mask, shape, columns)
	if err != nil {
		return nil, fmt.Errorf("Edit.Mask %w", err)
	}
	for _, note := range mask.Notes {
		notes = append(notes, "-mask "+e.Mask+": "+note)
	}
	if n := len(known) / product(shape); n != 1 && n != draws {
		return notes, fmt.Errorf("Edit.Mask %s: %d masks in it for the samples to draw, %d: give one for all, or one for each", e.Mask, n, draws)
	}
	o.Edit.Known, e.MaskSHA256, e.Mask = known, mask.Sum, filepath.Base(e.Mask)
	if o.Edit.Resample == 0 {
		o.Edit.Resample = maskResample
		if _, err := m.Resolve(*o); err != nil {
			o.Edit.Resample = 1 // the method cannot, or there is a mistake to be reported
		}
	}
	return notes, nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
