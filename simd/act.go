package simd

// The errors below are the largest over all 2³² inputs, in units in the last
// place of the exact value, as TestUlp measures with HEAVYTAIL_EXHAUSTIVE=1.

// Exp sets dst_i = e^x_i. dst may be x. Error below 1.02 ulp; results under
// 2^−126 underflow gradually, e^x > MaxFloat32 is +Inf, NaN stays NaN.
func Exp(dst, x []float32) {
	must2("Exp", len(dst), len(x))
	exp(dst, x)
}

// Log sets dst_i = log x_i. dst may be x. Error below 0.8 ulp, subnormal x
// included; log 0 = −Inf, log +Inf = +Inf, NaN for x < 0 and NaN.
func Log(dst, x []float32) {
	must2("Log", len(dst), len(x))
	log(dst, x)
}

// SinCos sets s_i = sin x_i and c_i = cos x_i. s or c (not both) may be x.
// Error below 2.1 ulp. The domain is |x| ≤ 2²¹; outside it both are NaN.
func SinCos(s, c, x []float32) {
	must3("SinCos", len(s), len(c), len(x))
	sinCos(s, c, x)
}

// Sigmoid sets dst_i = 1/(1 + e^−x_i). dst may be x. Error below 2.5 ulp;
// results under 2^−126 underflow gradually; NaN stays NaN.
func Sigmoid(dst, x []float32) {
	must2("Sigmoid", len(dst), len(x))
	sigmoid(dst, x)
}

// Tanh sets dst_i = tanh x_i. dst may be x. Error below 2.7 ulp; NaN stays NaN.
func Tanh(dst, x []float32) {
	must2("Tanh", len(dst), len(x))
	tanh(dst, x)
}

// SiLU sets dst_i = x_i/(1 + e^−x_i). dst may be x. Error below 2.5 ulp;
// silu(−Inf) = −0; results under 2^−126 underflow gradually; NaN stays NaN.
func SiLU(dst, x []float32) {
	must2("SiLU", len(dst), len(x))
	silu(dst, x)
}

// SiLUBackward sets dx_i = dy_i·silu'(x_i), silu' = s·(1 + x·(1−s)) with
// s = sigmoid(x). dx may be dy or x. The error of the derivative is
// below 2.2e−7, and below 6.5 ulp where x is ¼ or more from its zero at −1.278
// (every 263rd input measured).
func SiLUBackward(dx, dy, x []float32) {
	must3("SiLUBackward", len(dx), len(dy), len(x))
	siluBackward(dx, dy, x)
}
