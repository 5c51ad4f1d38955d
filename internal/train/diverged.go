package train

import (
	"fmt"
	"math"
	"slices"

	"heavytail/internal/recipe"
)

// Diverged is the error of a step whose loss or gradient is not finite. The
// weights are those before the step.
type Diverged struct {
	Step int    // from 1
	What string // the loss or the gradient
	// Row is the sample of the step, from 1, whose values are to blame, 0 if none
	// is; Value is the largest of them and Others the median of the largest of
	// the step's samples, as the network is given them.
	Row           int
	Value, Others float64

	clamps bool // the process has a bound on its heavy-tailed factor
}

func (d *Diverged) Error() string {
	if d.Row > 0 {
		return fmt.Sprintf("step %d: %s is not finite: row %d of the data (counted without a header) holds %.3g where others hold %.3g: correct it or take it out, and start anew",
			d.Step, d.What, d.Row, d.Value, d.Others)
	}
	clamp := ""
	if d.clamps {
		clamp = " or bound the noise (-clamp-a)"
	}
	return fmt.Sprintf("step %d: %s is not finite: lower the learning rate (-lr), clip the gradient (-clip)%s", d.Step, d.What, clamp)
}

// tooLarge is how many times larger than the median of its step a value must be
// to be blamed: α-stable data of index 1 pass it once in 10⁹ values, and float32
// squares overflow from 10¹⁹ on.
const tooLarge = 1e9

// diverged looks for the cause among the samples of the present step.
func (t *Trainer) diverged(what string) error {
	kind := t.Recipe.Kind()
	d := &Diverged{Step: t.Opt.Step + 1, What: what, clamps: kind == recipe.DLPM || kind == recipe.LIM}
	batch := t.Recipe.Train.Batch
	first := uint64(t.Opt.Step) * uint64(batch)
	x := t.buf.x0[:t.set.Per()]
	largest := make([]float64, batch)
	for i := range largest {
		t.sample(x, 0, 1, first+uint64(i))
		for _, v := range x {
			largest[i] = max(largest[i], math.Abs(float64(v))) // NaN if one is
		}
	}
	worst := 0
	for i, v := range largest {
		if v != v || v > largest[worst] {
			worst = i
		}
	}
	value := largest[worst]
	slices.Sort(largest)
	if median := largest[batch/2]; !(value <= tooLarge*median) && (median > 0 || value > tooLarge) {
		d.Row, d.Value, d.Others = t.order.at(first+uint64(worst))+1, value, median
	}
	return d
}
