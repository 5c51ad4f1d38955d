package simd

import "math"

// adamwGeneric: one step of AdamW.Apply. The assembly reads k from its first field on.
//
//simd:kernel p g m v k=&k.Grad
func adamwGeneric(p, g, m, v []float32, k *AdamW) {
	for i, gi := range g {
		gi *= k.Grad
		mi := FMA(k.Beta1, m[i], float32(k.C1*gi))
		vi := FMA(k.Beta2, v[i], float32(float32(k.C2*gi)*gi))
		m[i], v[i] = mi, vi
		// The square root of a float32 rounded to float64 and then to float32
		// is the float32 square root.
		d := FMA(float32(math.Sqrt(float64(vi))), k.ISqrt, k.Eps)
		p[i] = FMA(-k.Step, mi/d, float32(k.Decay*p[i]))
	}
}
