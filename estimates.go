package heavytail

import "heavytail/diffusion"

// estimates holds the latest x̂_0 of a batch, for Step instead of the states. nil:
// Step has the states.
type estimates struct {
	x      []float32
	edit   *diffusion.Edit
	shown  int // how often show was called
	change diffusion.Change
}

// newEstimates returns nil unless they are asked for.
func (o Options) newEstimates(n int) *estimates {
	if !o.Estimates || o.Step == nil && o.Step64 == nil {
		return nil
	}
	e := &estimates{x: make([]float32, n)}
	e.change = func(j int, x0 float64) float64 {
		e.x[j] = float32(x0)
		return x0
	}
	return e
}

// begin is for the next batch; it returns what the sampler's estimates go through.
func (e *estimates) begin(edit *diffusion.Edit) diffusion.Change {
	if e == nil {
		return nil
	}
	e.edit, e.shown = edit, 0
	return e.change
}

// show returns what Step gets where the states are x: x itself at the start and
// at the end.
func (e *estimates) show(left int, x []float32) []float32 {
	if e == nil {
		return x
	}
	if e.shown++; e.shown == 1 || left == 0 {
		return x
	}
	y := e.x[:len(x)]
	if e.edit != nil && len(e.edit.Known) > 0 { // the sampler makes these right after us
		for j := range y {
			if e.edit.Known[j%len(e.edit.Known)] {
				y[j] = e.edit.Image[j%len(e.edit.Image)]
			}
		}
	}
	return y
}
