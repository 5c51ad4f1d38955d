//go:build amd64.v3 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package simd

// fuses says that this build's compiler made one instruction, rounded once, of
// each product and sum in FMA and in blockFused. It does so on these
// architectures, but the language lets it do otherwise: init looks. Until then
// FMA computes the same another way.
var fuses bool

func init() {
	fuses = true
	fuses = fusesHere()
}

// fusesHere runs FMA and every multiply-add of blockFused on a case that shows
// whether it is rounded once: (1+ε)(1−ε) − 1 is −ε², or 0 if the product is
// rounded first.
func fusesHere() bool {
	const eps = 0x1p-20
	a, b := []float32{1 + eps}, []float32{1 - eps, 1 - eps, 1 - eps, 1 - eps}
	one := [blockCols]float32{-1, -1, -1, -1}
	sum := [blockRows][blockCols]float32{one, one}
	blockFused(&sum, a, a, b, 1, 1, 1)
	for _, row := range sum {
		for _, v := range row {
			if v != -eps*eps {
				return false
			}
		}
	}
	return FMA(a[0], b[0], -1) == -eps*eps
}
