package diffusion

import "math"

// A sampler visits the levels of its own Grid and tells a network the times that the
// network had for them in training, on the process's.

// on returns p with the levels of a grid, its own where there is none.
func (p DLPM) on(grid Grid) DLPM {
	if grid != "" {
		p.Grid = grid
	}
	return p
}

// otherGrid tells whether a grid is another than the process's.
func (p DLPM) otherGrid(grid Grid) bool {
	return grid != "" && (grid == Quadratic) != (p.Grid == Quadratic)
}

// checkGrid returns an error unless a sampler may visit the levels of a grid.
func (p DLPM) checkGrid(name string, grid Grid) error {
	switch {
	case grid != "" && grid != Linear && grid != Quadratic:
		return impossible(name, "Grid", grid, `use "linear" or "quadratic", or leave it out`)
	case p.otherGrid(grid) && (p.IntegerTime || p.Scale == Given):
		return impossible(name, "Grid", grid, "use none: the network knows the levels of its training only")
	}
	return nil
}

// timeOn is Time of step t of T on a grid: the inverse, on the process's, of the time
// that the step has there.
func (p DLPM) timeOn(grid Grid, t, T int) float32 {
	if !p.otherGrid(grid) {
		return p.Time(t, T)
	}
	q := p.on(grid)
	q.Steps = T
	u := q.tau(t)
	if p.Scale == Exploding { // whose levels are those of u/τ_{T−1}, T being training's there
		u = u / q.tau(T-1) * p.tau(p.Steps-1)
	}
	if p.Grid == Quadratic {
		u = math.Sqrt(u)
	}
	return float32(u)
}

// stepOn is the inverse of timeOn.
func (p DLPM) stepOn(grid Grid, time float32, T int) int {
	u := float64(time)
	switch {
	case p.Scale == Given:
		return p.levelOf(time, T-1)
	case p.IntegerTime:
		return int(math.Round(u))
	case !p.otherGrid(grid):
		return int(math.Round(u * float64(T)))
	}
	if p.Grid == Quadratic {
		u *= u
	}
	q := p.on(grid)
	q.Steps = T
	if p.Scale == Exploding {
		u = u / p.tau(p.Steps-1) * q.tau(T-1)
	}
	if q.Grid == Quadratic {
		u = math.Sqrt(u)
	}
	return int(math.Round(u * float64(T)))
}
