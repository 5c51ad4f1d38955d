package train

import (
	"fmt"

	"heavytail/data"
	"heavytail/recipe"
)

// Reach returns an error that names the first point of a set which float32, in
// which networks work, does not hold as d scales and bends it. Files hold float64.
func Reach(set *data.Set, d recipe.Data) error {
	if set == nil {
		panic("train: Reach without a set")
	}
	if set.Images() {
		return nil // their range brought them to [−1, 1], or near
	}
	wide, z := make([]float64, set.Per()), make([]float32, set.Per())
	for i := range set.Len() {
		set.Float64(wide, i)
		if d.Converted() {
			d.ToNetwork(z, wide)
		} else {
			set.Get(z, i, false)
		}
		for c, v := range z {
			if v-v == 0 {
				continue
			}
			unit := ""
			if d.Scaling != nil {
				unit = fmt.Sprintf(" in units of %.4g, by which the column is scaled", d.Scaling.Scale[c])
			}
			return fmt.Errorf("%s: %v is beyond float32%s; have the columns scaled by their own size (setting standardize robust), or drawn in (setting transform softlog), or remove the row", set.PlaceOf(i, c), wide[c], unit)
		}
	}
	return nil
}
