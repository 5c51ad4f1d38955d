package stable

import (
	"math"

	"heavytail/simd"
)

// Sample sets dst to the vectors off, off+1, … of the stream, d values each, in
// float32: √A·L·G + δ with √A by Key.Positive's map, relative error 5e-7, and
// G by that of Key.Normal. Any cut of vectors into calls gives the same bits at
// every instruction set. Values beyond the largest float32 become it. A stream
// holds 2^34/d vectors less 256. (Key.SubGaussian has one vector to a sample
// instead, and A in float64.)
//
// The combination costs (d+1)/2 multiplications a value.
func (e *Elliptical) Sample(dst []float32, s Key, off int) {
	one := &simd.NoiseParams{Scale: 1}
	normals, roots := s.philox(tagEllipse), s.philox(tagEllipseRoot)
	var op simd.NoiseOp
	var q simd.NoiseParams
	if e.alpha < 2 {
		op, q = positiveParams(e.alpha/2, Root)
	}
	e.planes.fill("Sample", dst, off, 1,
		func(plane []float32, at int) { simd.Noise(plane, simd.NoiseNormal, &normals, uint64(at), one) },
		func(root []float32, at int) {
			if e.alpha == 2 {
				simd.Fill(root, math.Sqrt2)
				return
			}
			simd.Noise(root, op, &roots, uint64(at), &q)
			simd.Scale(root, root, math.Sqrt2)
			hold(root)
		},
		func(plane, root []float32) { simd.Mul(plane, plane, root) })
}
