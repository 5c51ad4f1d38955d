package kernels

import (
	"math"

	"heavytail/internal/dmath"
	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// AdamW makes one step on p (and the moments m, v) from the gradient g, as
// simd.AdamW states it; the constants are computed in float64 and rounded
// once. It panics unless all are dense and of equal length and Step ≥ 1.
func (c *CPU) AdamW(p, g, m, v *tensor.Tensor, opt tensor.AdamWOpt) {
	shapes.AdamW(p, g, m, v, opt.Step)
	j := flatPool.Get()
	j.op, j.adam = opAdamW, AdamWConstants(opt)
	j.set(p, g, nil)
	j.m, j.v = m.Data(), v.Data()
	j.run(c.width())
	p.Touch()
	m.Touch()
	v.Touch()
}

// AdamWConstants returns the constants of a step as every device uses them: formed
// in float64 and rounded once.
func AdamWConstants(o tensor.AdamWOpt) simd.AdamW {
	t := float64(o.Step)
	return simd.AdamW{
		Grad:  float32(o.GradScale),
		Beta1: float32(o.Beta1), C1: float32(1 - o.Beta1),
		Beta2: float32(o.Beta2), C2: float32(1 - o.Beta2),
		Decay: float32(1 - float64(o.LR*o.WeightDecay)),
		Step:  float32(o.LR / (1 - dmath.Pow(o.Beta1, t))),
		ISqrt: float32(1 / math.Sqrt(1-dmath.Pow(o.Beta2, t))),
		Eps:   float32(o.Eps),
	}
}

// Lerp sets dst = fma(mu, dst, (1−mu)·src), 1−mu computed in float64. It
// panics unless both are dense and of equal length.
func (c *CPU) Lerp(dst, src *tensor.Tensor, mu float64) {
	shapes.Flat("Lerp", dst, dst.Len())
	shapes.Flat("Lerp", src, dst.Len())
	c.runFlat(opLerp, dst, src, nil, float32(mu), float32(1-mu))
}

// sumChunk is the number of elements whose sum of squares is one entry of the
// list that SumSq adds up.
const sumChunk = 16 * simd.SumBlock

type sumSqJob struct {
	x    []float32
	sums []float64
}

var sumSqPool par.Pool[sumSqJob]

// Do sums one chunk.
func (j *sumSqJob) Do(part int) {
	lo := part * sumChunk
	j.sums[part] = simd.SumSq(j.x[lo:min(lo+sumChunk, len(j.x))])
}

// SumSq returns Σ x² of a dense tensor: simd.SumSq of chunks of 65536
// elements, added in float64 in ascending order.
func (c *CPU) SumSq(x *tensor.Tensor) float64 {
	shapes.Flat("SumSq", x, x.Len())
	j := sumSqPool.Get()
	j.x = x.Data()[:x.Len()]
	parts := (len(j.x) + sumChunk - 1) / sumChunk
	if cap(j.sums) < parts {
		j.sums = make([]float64, parts)
	}
	j.sums = j.sums[:parts]
	par.Run(c.width(), parts, j)
	s := 0.0
	for _, v := range j.sums {
		s += v
	}
	j.x = nil
	sumSqPool.Put(j)
	return s
}
