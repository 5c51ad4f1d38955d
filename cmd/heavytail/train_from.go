package main

import (
	"heavytail/internal/recipe"
	"heavytail/internal/train"
)

// start returns the settings that a new run begins with: of a preset or, with
// -from and no -preset, of the model, whose network fits its weights.
func (r *trainRequest) start(preset string) (recipe.Recipe, error) {
	rec, err := recipe.Preset(preset)
	if err != nil {
		return rec, usage("-preset: %w", err)
	}
	if r.from == "" {
		return rec, nil
	}
	if r.source, err = train.OpenSource(r.from); err != nil {
		return rec, usage("-from: %w", err)
	}
	if s := r.source; r.preset == "" && s.Whole {
		rec = s.Recipe.Clone()
		t := &rec.Train
		if t.Rate.Total == t.Steps { // of the model's length, not this run's
			t.Rate.Total = 0
		}
		rec.Data, t.Changes, t.Micro = recipe.Data{Size: rec.Data.Size, Channels: rec.Data.Channels, Flip: rec.Data.Flip}, nil, 0
	} else if r.preset == "" {
		rec.Network, rec.Preset = s.Recipe.Network.Clone(), ""
	}
	rec.Train.From = r.source.ID
	return rec, nil
}
