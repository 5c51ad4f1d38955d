//go:build amd64.v3 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package simd

// fuses says that this build's compiler made one instruction, rounded once, of
// each product and sum in FMA and blockFused, fusesLanes that it did so in
// lanes.fmaFused. It may on these architectures, but the language lets it do
// otherwise, and on amd64 it prefers to multiply by an operand in memory: init
// looks. Until then the same is computed another way.
var fuses, fusesLanes bool

func init() {
	fuses = true
	fuses = fusesHere()
	fusesLanes = fusesLanesHere()
}

// What is rounded once gives −ε² for (1+ε)(1−ε) − 1, what rounds the product
// first gives 0.
const eps = 0x1p-20

// fusesHere runs FMA and every multiply-add of blockFused on that.
func fusesHere() bool {
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

func fusesLanesHere() bool {
	l := lanes{1 - eps}
	l.fmaFused(1+eps, &l, &lanes{-1})
	return l[0] == -eps*eps
}
