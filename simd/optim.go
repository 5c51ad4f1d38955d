package simd

// AdamW holds the constants of one step, rounded to float32.
type AdamW struct {
	Grad         float32 // factor of the gradient
	Beta1, Beta2 float32
	C1, C2       float32 // 1−β1, 1−β2
	Decay        float32 // 1 − LR·WeightDecay
	Step         float32 // LR/(1−β1^t)
	ISqrt        float32 // 1/√(1−β2^t)
	Eps          float32
}

// Apply makes one step on p with gradient g and moments m, v:
//
//	g' = Grad·g
//	m = fma(β1, m, C1·g')
//	v = fma(β2, v, (C2·g')·g')
//	p = fma(−Step, m/fma(√v, ISqrt, Eps), Decay·p)
//
// It panics if the lengths differ.
func (k *AdamW) Apply(p, g, m, v []float32) {
	must3("AdamW", len(p), len(g), len(m))
	must2("AdamW", len(p), len(v))
	adamw(p, g, m, v, k)
}
