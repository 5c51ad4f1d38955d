package diffusion

import (
	"math"

	"heavytail/simd"
	"heavytail/stable"
)

// noise returns the law of the multipliers A of p: clamped by ClampA, ε itself
// unclamped.
func (p DLPM) noise() stable.Noise {
	return stable.Noise{Alpha: p.Alpha, Isotropic: p.Isotropic, ClampA: p.ClampA}
}

// multipliers returns how many A a sample of d elements has per step: one, or d
// without Isotropic. At α = 2 every A is 2, so one is enough.
func (p DLPM) multipliers(d int) int {
	if p.Isotropic || p.Alpha == 2 {
		return 1
	}
	return d
}

// fillMultipliers sets a to the multipliers at s: the sample's single one, or
// those of the elements off, off+1, ….
func fillMultipliers(a []float64, n stable.Noise, s stable.Key, off int) {
	if n.Isotropic || n.Alpha == 2 {
		a[0] = n.A(s)
		return
	}
	var buf [256]float32
	for i := 0; i < len(a); i += len(buf) {
		b := buf[:min(len(buf), len(a)-i)]
		n.Multipliers(b, s, off+i)
		for j, v := range b {
			a[i+j] = float64(v)
		}
	}
}

// scaleByRoots multiplies x by √v, v being one number for all or one for each.
func scaleByRoots(x []float32, v []float64) {
	if len(v) == 1 {
		simd.Scale(x, x, float32(math.Sqrt(v[0])))
		return
	}
	for j := range x {
		x[j] *= float32(math.Sqrt(v[j]))
	}
}
