package train

import (
	"fmt"
	"math"
	"slices"

	"heavytail/recipe"
)

// Diverged is the error of a step whose loss or gradient is not finite. The
// weights are those before the step.
type Diverged struct {
	Step int    // from 1
	What string // the loss or the gradient
	// Place is where in the data a value lies that is to blame, empty if none is;
	// Value is that value, and Others the median size of those in its place in all
	// samples, both as the file of the data has them.
	Place         string
	Value, Others float64
	// Unscaled is the size that half of the samples reach where that is to blame:
	// the data are large and nothing scales them. 0 otherwise.
	Unscaled float64

	clamps bool // the process has a bound on its heavy-tailed factor
}

// Error says what happened and what to do.
func (d *Diverged) Error() string {
	if d.Place != "" {
		return fmt.Sprintf("step %d: %s is not finite: %s of the data holds %.6g, and half of the others no more than %.3g in size: correct it or take it out, and start anew",
			d.Step, d.What, d.Place, d.Value, d.Others)
	}
	if d.Unscaled > 0 {
		return fmt.Sprintf("step %d: %s is not finite: half of the samples hold values of %.3g and more, and nothing scales them to the 1 or so that a network is for: start anew with setting standardize robust",
			d.Step, d.What, d.Unscaled)
	}
	clamp := ""
	if d.clamps {
		clamp = " or bound the noise (setting clamp-a)"
	}
	return fmt.Sprintf("step %d: %s is not finite: lower the learning rate (setting lr), clip the gradient (setting clip)%s", d.Step, d.What, clamp)
}

// TooLarge is how many times larger than the median size of its column a value must be
// for Diverged to name it as the cause: data with tails as heavy as 1/x have such a
// value once in 10⁹, and squares in float32 overflow from 10¹⁹ on.
const TooLarge = 1e9

// unscaled is the size from which data that nothing scales are to blame: no rate and
// no clip helps where the very first gradient overflows. With the steepest loss,
// exponent 8, the square of a gradient of the first layer is of the order of the
// 16th power of the data, which float32 holds to 256.
const unscaled = 256

// diverged looks for the cause among the samples. Those of the present step do not
// do: a value may spoil the weights in one step and the loss in a later one.
func (t *Trainer) diverged(what string) error {
	kind := t.Recipe.Kind()
	d := &Diverged{Step: t.Opt.Step + 1, What: what, clamps: kind == recipe.DLPM || kind == recipe.LIM}
	largest := make([]float64, t.set.Len())
	worst, at, value := 0, 0, -1.0
	for i := range largest {
		for j, v := range t.seen(i) {
			a := math.Abs(float64(v))
			if largest[i] = max(largest[i], a); a > value {
				worst, at, value = i, j, a
			}
		}
	}
	slices.Sort(largest)
	if median := largest[len(largest)/2]; value <= TooLarge*median || median == 0 && value <= TooLarge {
		if t.Recipe.Data.Scaling == nil && median > unscaled {
			d.Unscaled = median
		}
		return d
	}
	d.Place, d.Value = t.set.PlaceOf(worst, at), t.told(worst, at)
	for i := range largest {
		largest[i] = math.Abs(t.told(i, at))
	}
	slices.Sort(largest)
	d.Others = largest[len(largest)/2]
	return d
}

// told returns value j of sample i as its file has it.
func (t *Trainer) told(i, j int) float64 {
	t.set.Float64(t.buf.wide, i)
	return t.set.Told(t.buf.wide[j])
}

// seen returns sample i as the network is given it, in memory of the next call.
func (t *Trainer) seen(i int) []float32 {
	x := t.buf.x0[:t.set.Per()]
	t.set.Get(x, i, false)
	if d := &t.Recipe.Data; d.Converted() {
		t.set.Float64(t.buf.wide, i)
		d.ToNetwork(x, t.buf.wide)
	}
	return x
}
