package data

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"heavytail/internal/dmath"
	"heavytail/internal/source"
	"heavytail/stable"
)

// A toy makes point i of n.
type toy func(r points, i, n int) (x, y float64)

// toys are the two-dimensional sets of the papers, with the means of the
// grids centred on the origin (the reference shifts by n/2, which is not the
// centre), and rings and checkerboard of our own.
var toys = map[string]toy{
	"gmm_grid":     gmmGrid,
	"sas_grid":     sasGrid,
	"gmm_2":        gmm2,
	"swiss_roll":   swissRoll,
	"rings":        rings,
	"checkerboard": checkerboard,
}

// Toys lists the names of the toy sets, sorted.
func Toys() []string { return slices.Sorted(maps.Keys(toys)) }

// toyPoints is the published number of points.
const toyPoints = 32000

func openToy(ctx context.Context, name string, o Options) (*Set, error) {
	make2 := toys[name]
	if make2 == nil {
		return nil, fmt.Errorf("toy set %q; there are %s", name, strings.Join(Toys(), ", "))
	}
	n := o.N
	if n == 0 {
		n = toyPoints
	}
	if n < 1 || int64(n) > o.maxBytes()/8 {
		return nil, optionError("toy set of %d points; want 1 to %d (data.Options.N)", n, o.maxBytes()/8)
	}
	s := &Set{Shape: []int{2}, floats: make([]float32, 0, 2*n)}
	for i := range n {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, source.Stopped(ctx)
		}
		x, y := make2(points{o.Seed}, i, n)
		s.floats = append(s.floats, float32(x), float32(y))
	}
	if name == "swiss_roll" {
		standardise(s.floats)
	}
	return s, nil
}

// points draws the numbers of point i: functions of (seed, i, k) alone.
type points struct{ seed uint64 }

// toyStep keys the noise of toy sets apart from that of training and sampling.
const toyStep = 0x746f79 // "toy"

// uniform returns a number in (0,1); k tells several for one point apart.
func (r points) uniform(i, k int) float64 {
	return (float64(mix(r.seed^mix(uint64(i)^mix(uint64(k)+0x746f79)))>>11) + 0.5) / (1 << 53)
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// normal returns two standard normal numbers (Box and Muller).
func (r points) normal(i int) (float64, float64) {
	m := math.Sqrt(-2 * dmath.Log(r.uniform(i, 100)))
	u := 2 * r.uniform(i, 101)
	return m * dmath.CosPi(u), m * dmath.SinPi(u)
}

// pick returns an index with probabilities w.
func (r points) pick(i int, w []float64) int {
	u := r.uniform(i, 0)
	for k, p := range w[:len(w)-1] {
		if u -= p; u < 0 {
			return k
		}
	}
	return len(w) - 1
}

// gridWeights are the published weights of the nine modes; mode k lies at
// (k/3 − 1, k%3 − 1).
var gridWeights = []float64{.01, .1, .3, .2, .02, .15, .02, .15, .05}

// gmmGrid: Gaussians of standard deviation 0.1 around the nine modes.
func gmmGrid(r points, i, _ int) (float64, float64) {
	k := r.pick(i, gridWeights)
	a, b := r.normal(i)
	return float64(k/3-1) + float64(0.1*a), float64(k%3-1) + float64(0.1*b)
}

// sasGrid: isotropic α-stable noise, α = 1.7 and scale 0.05, around the nine
// modes, their shares exact.
func sasGrid(r points, i, n int) (float64, float64) {
	var e [2]float32
	stable.Noise{Alpha: 1.7, Isotropic: true}.Fill(e[:], stable.Key{Seed: mix(r.seed ^ mix(uint64(i))), Step: toyStep})
	u, k := (float64(i)+0.5)/float64(n), 0
	for k < len(gridWeights)-1 && u >= gridWeights[k] {
		u -= gridWeights[k]
		k++
	}
	return float64(k/3-1) + float64(0.05*float64(e[0])), float64(k%3-1) + float64(0.05*float64(e[1]))
}

// gmm2: two Gaussians of standard deviation 0.1 at (±3, 0).
func gmm2(r points, i, _ int) (float64, float64) {
	a, b := r.normal(i)
	mean := 3.0
	if r.uniform(i, 0) < 0.5 {
		mean = -3
	}
	return mean + float64(0.1*a), 0.1 * b
}

// swissRoll: t·(cos t, sin t), t = 1.5π(1+2u), plus noise of standard
// deviation 0.1; standardised afterwards.
func swissRoll(r points, i, _ int) (float64, float64) {
	u := 1.5 * (1 + float64(2*r.uniform(i, 0))) // t in units of π
	t := u * math.Pi
	a, b := r.normal(i)
	return float64(t*dmath.CosPi(u)) + float64(0.1*a), float64(t*dmath.SinPi(u)) + float64(0.1*b)
}

// rings: four circles of radius ¼, ½, ¾ and 1, points spread evenly along
// them, with radial noise of standard deviation 0.02.
func rings(r points, i, _ int) (float64, float64) {
	k := r.pick(i, []float64{.1, .2, .3, .4})
	a, _ := r.normal(i)
	radius := float64(float64(k+1)/4) + float64(0.02*a)
	u := 2 * r.uniform(i, 1)
	return radius * dmath.CosPi(u), radius * dmath.SinPi(u)
}

// checkerboard: uniform on the dark squares of a 4×4 board over [−1,1]².
func checkerboard(r points, i, _ int) (float64, float64) {
	u := float64(r.uniform(i, 0) * 8)
	k := int(u)
	row, col := k/2, k%2*2
	if row%2 == 1 {
		col++
	}
	return float64((float64(col)+u-float64(k))/2) - 1, float64((float64(row)+r.uniform(i, 1))/2) - 1
}

// standardise subtracts the mean of all numbers and divides by their standard
// deviation.
func standardise(x []float32) {
	sum, sq := 0.0, 0.0
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		sq += float64(d * d)
	}
	std := max(math.Sqrt(sq/float64(len(x))), 1e-12)
	for i, v := range x {
		x[i] = float32((float64(v) - mean) / std)
	}
}
