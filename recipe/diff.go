package recipe

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// A Difference is one setting that two recipes have different values of.
type Difference struct {
	Field   string // as in the JSON, such as train.rate.lr
	Was, Is any    // JSON values; nil: not there
}

// String is the field with both values.
func (d Difference) String() string {
	text := func(v any) string {
		if v == nil {
			return "none"
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
	return fmt.Sprintf("%s from %s to %s", d.Field, text(d.Was), text(d.Is))
}

// Diff lists what differs between two recipes, ordered by name.
func Diff(was, is Recipe) []Difference {
	return appendDiff(nil, "", tree(was), tree(is))
}

// tree returns the recipe as encoding/json reads it without a type.
func tree(r Recipe) (v any) {
	if err := json.Unmarshal(r.JSON(), &v); err != nil {
		panic(fmt.Sprintf("recipe: %v", err)) // JSON wrote it
	}
	return v
}

func appendDiff(out []Difference, field string, was, is any) []Difference {
	a, old := was.(map[string]any)
	b, now := is.(map[string]any)
	if !old && !now || !old && was != nil || !now && is != nil {
		if !reflect.DeepEqual(was, is) {
			out = append(out, Difference{field, was, is})
		}
		return out
	}
	names := maps.Clone(a)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		path := name
		if field != "" {
			path = field + "." + name
		}
		out = appendDiff(out, path, a[name], b[name])
	}
	return out
}
