package heavytail

import "heavytail/recipe"

// checkGiven returns an error, of the field Given, unless x is whole rows of finite
// conditions of the recipe's model: any number or, if rows is not 0, one of them or one
// for each of so many points.
func checkGiven(x []float64, rows int, r recipe.Recipe) error {
	const field = "Given"
	k := r.Data.Given.Len()
	names := r.Data.Given.Names()
	switch {
	case k == 0 && len(x) > 0:
		return impossible(field, len(x), "none: the model has no conditions", "%d values of conditions: this model has none, leave them out", len(x))
	case k == 0:
		return nil
	case len(x) == 0:
		return impossible(field, 0, "values of the conditions", "this model draws its samples given %q: say the values of these conditions", names)
	case len(x)%k != 0:
		return impossible(field, len(x), "whole rows of conditions", "%d values of conditions; want rows of %d, of %q", len(x), k, names)
	}
	z := make([]float32, k)
	for i, v := range x {
		if i%k == 0 {
			r.Data.Given.ToNetwork(z, x[i:i+k])
		}
		if seen := z[i%k]; seen-seen != 0 {
			return impossible(field, v, "finite values", "condition %q of row %d is %v; want a finite value, not beyond float64 in units of its scale", names[i%k], i/k, v)
		}
	}
	if rows > 0 && len(x) != k && len(x) != rows*k {
		return impossible(field, len(x), "one row, or one for each point", "%d rows of conditions for %d points; want one for all, or one for each", len(x)/k, rows)
	}
	return nil
}

// conditions returns those of n samples from first on as the network sees them, in dst,
// which it lengthens; nil if there are none. Row i % rows is that of sample i.
func (o Options) conditions(dst []float32, r recipe.Recipe, first, n int) []float32 {
	k := r.Data.Given.Len()
	if k == 0 || len(o.Given) == 0 {
		return nil
	}
	if cap(dst) < n*k {
		dst = make([]float32, n*k)
	}
	dst = dst[:n*k]
	rows := len(o.Given) / k
	for i := range n {
		at := (first + i) % rows * k
		r.Data.Given.ToNetwork(dst[i*k:(i+1)*k], o.Given[at:at+k])
	}
	return dst
}
