package simd

// What expPartsFMA and sigPartsFMA compute, by way of float64, as FMA, without a
// call for each and with one look for ties at the end: anyTie(may) says that a
// result may differ from theirs. Values that are rounded to float32 are kept in
// float64.

// The constants of the reduction as FMA takes them.
const (
	log2e32 = float64(float32(log2e))
	ln2Hi32 = float64(float32(ln2Hi))
	ln2Lo32 = float64(float32(ln2Lo))
	exp32C0 = float64(float32(expC0))
	exp32C1 = float64(float32(expC1))
	exp32C2 = float64(float32(expC2))
	exp32C3 = float64(float32(expC3))
	exp32C4 = float64(float32(expC4))
)

// fmaLook returns FMA(a, b, c) unless anyTie(may).
func fmaLook(a, b, c float64, may int64) (float64, int64) {
	s := float64(a*b) + c
	return float64(float32(s)), may | below(s)
}

// fmaFew is fmaLook for sums that often have few digits.
func fmaFew(a, b, c float64, may int64) (float64, int64) {
	s, tie := sumTie(float64(a*b), c)
	return float64(float32(s)), may | tie | -tie // negative unless 0
}

// expPartsExact returns n and t of expPartsFMA.
func expPartsExact(x float64) (n, t float32, may int64) {
	u, may := fmaLook(x, log2e32, magic, 0)
	k := u - magic                        // exact in float32, too: an integer below 2²³
	r, may := fmaFew(k, -ln2Hi32, x, may) // cancels
	r, may = fmaFew(k, -ln2Lo32, r, may)  // 0 for small x
	q, may := expm1Exact(r, may)
	return float32(k), float32(q), may
}

// sigPartsExact returns m and t of sigPartsFMA.
func sigPartsExact(x float64) (m, t float32, may int64) {
	u, may := fmaLook(x, log2e32, magic, 0)
	k := u - magic
	r, may := fmaFew(k, ln2Hi32, -x, may)
	r, may = fmaFew(k, ln2Lo32, r, may)
	q, may := expm1Exact(r, may)
	return float32(k), float32(q), may
}

// expm1Exact returns expm1 of r.
func expm1Exact(r float64, may int64) (float64, int64) {
	q, may := fmaLook(exp32C4, r, exp32C3, may)
	q, may = fmaLook(q, r, exp32C2, may)
	q, may = fmaLook(q, r, exp32C1, may)
	q, may = fmaLook(q, r, exp32C0, may)
	return fmaLook(float64(float32(r*r)), q, r, may)
}
