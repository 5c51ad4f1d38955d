package recipe

import (
	"fmt"
	"slices"
)

// A Given says which columns of a table are conditions: the model is of the law of the
// other columns given these. The network sees arsinh((v − center)/scale) of a condition
// v: near the middle its place in units of its scale, and far out its logarithm, as
// conditions may have heavy tails, too.
type Given struct {
	Select  []string `json:"select"`            // the columns asked for, by name or number
	Columns []string `json:"columns,omitempty"` // their names, as the file has them
	Scaling *Scaling `json:"scaling,omitempty"` // of each; nil until it is measured
}

// Len returns the number of conditions, 0 of nil.
func (g *Given) Len() int {
	if g == nil {
		return 0
	}
	return len(g.Select)
}

// Names returns what the conditions are called: as the file has them, or by number.
func (g *Given) Names() []string {
	if g == nil {
		return nil
	}
	if g.Columns != nil {
		return slices.Clone(g.Columns)
	}
	return slices.Clone(g.Select)
}

// ToNetwork sets dst to what the network sees of whole rows of conditions x.
func (g *Given) ToNetwork(dst []float32, x []float64) {
	d := g.Len()
	for i, v := range x {
		c := i % d
		if s := g.Scaling; s != nil {
			v = (v - s.Center[c]) / s.Scale[c]
		}
		dst[i] = float32(Transform{Kind: Asinh}.Bend(v))
	}
}

// Clone returns a copy that shares no memory with g, nil of nil.
func (g *Given) Clone() *Given {
	if g == nil {
		return nil
	}
	return &Given{Select: slices.Clone(g.Select), Columns: slices.Clone(g.Columns), Scaling: g.Scaling.clone()}
}

// maxGiven bounds the number of conditions.
const maxGiven = 4096

func (g *Given) validate() error {
	if g == nil {
		return nil
	}
	n := len(g.Select)
	if n < 1 || n > maxGiven {
		return fmt.Errorf("%d conditions; want 1 to %d, or no given", n, maxGiven)
	}
	if g.Columns != nil && len(g.Columns) != n {
		return fmt.Errorf("%d conditions with %d names; want one of each, or none", n, len(g.Columns))
	}
	if err := g.Scaling.validate([]int{n}); err != nil {
		return fmt.Errorf("conditions: %w", err)
	}
	if g.Scaling != nil {
		for c, v := range g.Scaling.Scale {
			if v == 0 {
				return fmt.Errorf("condition %q is constant: it says nothing of the samples", g.Names()[c])
			}
		}
	}
	return nil
}
