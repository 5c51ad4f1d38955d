package train

import (
	"context"
	"fmt"

	"heavytail/data"
	"heavytail/internal/source"
	"heavytail/recipe"
)

// Reading returns the options o completed so that other data are read as those were that
// a model of d was trained on: of tables the same columns and windows, with o.HeldOut
// the rows that were held out; of arrays of images the same values for black and white.
// It returns an error for data that cannot have the model's conditions.
func Reading(d recipe.Data, spec string, o data.Options) (data.Options, error) {
	kind := data.KindOf(spec)
	if kind == "csv" {
		o.Columns, o.Given, o.Window = d.Select, d.Given.Names(), d.Window
		if o.HeldOut {
			o.Held = d.Held
		}
	} else if names := d.Given.Names(); names != nil {
		return o, fmt.Errorf("the samples of the model are given %s: give a table with these columns too", source.Names(names))
	}
	if kind == "npy" && o.Range == nil && len(d.Shape) == 3 {
		o.Range = d.Range
	}
	return o, nil
}

// OtherRows says of data that are read with o.HeldOut, as Reading has it, that their table
// is not the one that a model of d was trained on, where the others of its rows are not
// those of the training: these rows may then be any. The note is empty if there is
// nothing to say. It reads the other rows, of which it returns the error.
func OtherRows(ctx context.Context, spec string, o data.Options, d recipe.Data) (note string, err error) {
	if !o.HeldOut || d.Sum == "" {
		return "", nil
	}
	o.HeldOut = false
	set, err := data.Open(ctx, spec, o)
	if err != nil {
		return "", err
	}
	if sum := set.Sum(); sum != d.Sum {
		note = fmt.Sprintf("%s: -held-out: this is not the table of the training: without its last rows it has the sum %s, the data of the recipe have %s; what the model was not trained on may be other rows than these", spec, sum, d.Sum)
	}
	return note, nil
}
