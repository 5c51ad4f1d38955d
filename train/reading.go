package train

import (
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
