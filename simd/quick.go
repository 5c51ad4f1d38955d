package simd

// The functions below are those of internal/dmath/quick.go, element by element
// with the same bits: float64 with errors of 1 or 2 ulp (see there) on limited
// domains, for quadratures and likelihoods. Outside its domain a function returns
// anything.

// ExpF64 sets dst_i = e^x_i; x_i beyond ±700 count as ±700. dst may be x.
func ExpF64(dst, x []float64) {
	must2("ExpF64", len(dst), len(x))
	expF64(dst, x)
}

// Expm1F64 sets dst_i = e^x_i − 1 for −700 ≤ x_i ≤ 700. dst may be x.
func Expm1F64(dst, x []float64) {
	must2("Expm1F64", len(dst), len(x))
	expm1F64(dst, x)
}

// ExpNegF64 sets e_i = e^−x_i and c_i = 1 − e^−x_i for x_i ≥ 0, each with its
// own relative precision; beyond 700 they are 0 and 1. e or c (not both) may be x.
func ExpNegF64(e, c, x []float64) {
	must3("ExpNegF64", len(e), len(c), len(x))
	expNegF64(e, c, x)
}

// LogF64 sets dst_i = ln x_i for finite x_i ≥ 2^−1022. dst may be x.
func LogF64(dst, x []float64) {
	must2("LogF64", len(dst), len(x))
	logF64(dst, x)
}

// Log1pF64 sets dst_i = ln(1 + x_i) for finite x_i > −1; sums 1 + x_i below
// 2^−1022 count as that. dst may be x.
func Log1pF64(dst, x []float64) {
	must2("Log1pF64", len(dst), len(x))
	log1pF64(dst, x)
}

// SinF64 sets dst_i = sin x_i for 0 ≤ x_i ≤ π/2. dst may be x.
func SinF64(dst, x []float64) {
	must2("SinF64", len(dst), len(x))
	sinF64(dst, x)
}

// SinCosF64 sets s_i = sin x_i and c_i = cos x_i for 0 ≤ x_i ≤ π/2, each with
// its own relative precision. s or c (not both) may be x.
func SinCosF64(s, c, x []float64) {
	must3("SinCosF64", len(s), len(c), len(x))
	sinCosF64(s, c, x)
}
