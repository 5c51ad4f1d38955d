package recipe

import (
	"fmt"
	"slices"
	"strings"

	"heavytail/internal/parse"
)

// dataSettings say how the data are read, and with what the run begins.
func dataSettings() []Setting {
	type R = Recipe
	all := []Setting{
		field("size", "scale images to `N`×N pixels (0: as they are, or the preset's)", parse.Int, func(r *R) *int { return &r.Data.Size }),
		field("channels", "read images as grey (`1`) or colour (3) (0: as they are, or the preset's)", parse.Int, func(r *R) *int { return &r.Data.Channels }),
		field("long-tail", "thin the classes out: the last keeps this `share` of the first (0: all)", parse.Float, func(r *R) *float64 { return &r.Data.LongTail }),
		field("points", "toy sets: `number` of points (0: 32000)", parse.Int, func(r *R) *int { return &r.Data.Points }),
		field("columns", "tables: `list` of columns to read, by name or by number from 0 (empty: all that hold numbers)", parse.List(parse.Text), func(r *R) *[]string { return &r.Data.Select }),
		givenSetting(),
		field("window", "tables: rows that follow each other and are `L` times of one sample (0: each row is a sample)", parse.Int, func(r *R) *int { return &r.Data.Window }),
		field("held", "tables: `share` of the rows, the last ones, that are not trained on (0: none)", parse.Float, func(r *R) *float64 { return &r.Data.Held }),
		field("separator", "tables: what parts the cells, comma, semicolon, tab, space, bar or colon (empty: found)", parse.Text, func(r *R) *string { return &r.Data.Separator }),
		field("decimal", "tables: what stands before fractions, `point` or comma (empty: found)", parse.Text, func(r *R) *string { return &r.Data.Decimal }),
		field("background", "pictures: what lies behind transparent ones, `color` white, black or #rrggbb (empty: white)", parse.Text, func(r *R) *string { return &r.Data.Background }),
		field("range", "arrays of images: the values of black and white, such as `0,255` (empty: found)", parse.List(parse.Float), func(r *R) *[]float64 { return &r.Data.Range }),
		field("missing", "tables: rows with an empty cell, NA or NaN, `drop` them or make them an error (empty: drop)", parse.Text, func(r *R) *string { return &r.Data.Missing }),
		own("process", "`process` of noise: "+strings.Join(Kinds(), ", ")+" (empty: the preset's, dlpm)", "", parse.Text,
			func(r *R, kind string) error { return r.Use(kind) }, func(r R, kind string) bool { return r.Kind() == kind }),
		field("seed", "`seed` of the start weights, the order and the noise", parse.Uint, func(r *R) *uint64 { return &r.Train.Seed }),
	}
	for i := range all {
		all[i].Reading = true
	}
	return all
}

// givenSetting names the conditions, which have no scaling until train.Condition
// measures it.
func givenSetting() Setting {
	return own("given", "tables: `list` of columns that are conditions, by name or by number from 0: the model draws the others given their values (empty: none)", "", parse.List(parse.Text),
		func(r *Recipe, names []string) error {
			if r.Data.Given = nil; len(names) > 0 {
				r.Data.Given = &Given{Select: names}
			}
			return nil
		},
		func(r Recipe, names []string) bool {
			if r.Data.Given == nil {
				return len(names) == 0
			}
			return slices.Equal(names, r.Data.Given.Select)
		})
}

// scalingSettings say what the network sees of the data.
func scalingSettings() []Setting {
	return []Setting{standardizeSetting(), transformSetting(), field("flip", "mirror half of the images", parse.Bool, func(r *Recipe) *bool { return &r.Data.Flip })}
}

// standardizeSetting leaves a scaling that has no numbers until train.Scale measures
// them.
func standardizeSetting() Setting {
	help := "points: scale every column by median and half interquartile range (`robust`), mean and deviation (std) or not (none); " +
		"samples come back in the units of the data (default of toy sets and of -preset 2d: none)"
	return own("standardize", help, Robust, func(text string) (string, error) {
		if !slices.Contains(Scalings(), text) {
			return text, fmt.Errorf("want %s", strings.Join(Scalings(), ", "))
		}
		return text, nil
	}, func(r *Recipe, kind string) error {
		r.Data.Scaling = &Scaling{Kind: kind}
		return nil
	}, func(r Recipe, kind string) bool {
		if s := r.Data.Scaling; s != nil {
			return s.Kind == kind
		}
		return kind == None
	})
}

// transformSetting leaves transforms that have no numbers, and maybe one for all
// columns, until train.Bend settles it.
func transformSetting() Setting {
	help := "points: draw in the tails of every column, once scaled, by sign·ln(1+|y|) (softlog: with -process flow Log-FM), arsinh (asinh) or to Gaussian tails from those of its tail indices (ttf), a `list` for one per column; " +
		"undone in samples; heavytail tail says which columns need it"
	return own("transform", help, None, func(text string) ([]string, error) {
		kinds := strings.Split(text, ",")
		for i, kind := range kinds {
			if kinds[i] = strings.TrimSpace(kind); !slices.Contains(Transforms(), kinds[i]) {
				return nil, fmt.Errorf("want %s, or one of these for each column", strings.Join(Transforms(), ", "))
			}
		}
		return kinds, nil
	}, func(r *Recipe, kinds []string) error {
		r.Data.Transform = nil
		for _, kind := range kinds {
			r.Data.Transform = append(r.Data.Transform, Transform{Kind: kind})
		}
		return nil
	}, func(r Recipe, kinds []string) bool {
		if len(r.Data.Transform) == 0 {
			return !slices.ContainsFunc(kinds, func(kind string) bool { return kind != None })
		}
		if len(kinds) != 1 && len(kinds)*max(r.Data.Window, 1) != len(r.Data.Transform) {
			return false
		}
		for c, t := range r.Data.Transform {
			if t.Kind != kinds[c%len(kinds)] {
				return false
			}
		}
		return true
	})
}
