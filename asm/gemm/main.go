// Command gemm writes the micro-kernels of matrix products: runs of tiles
// with indirect rows, as simd.Tiles describes them.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"heavytail/asm/internal/emit"
)

func main() {
	emit.Main("gemm", map[string]func(*build.Context){"avx512": avx512, "avx2": avx2})
}

// avx512 writes tiles of 12, 8 and 4 rows by two or one vectors of 16. The
// variants for fewer columns load and store under masks, which takes a load the
// place of a multiply-add.
func avx512(c *build.Context) {
	for _, rows := range []int{12, 8, 4} {
		for _, vecs := range []int{2, 1} {
			for _, masked := range []bool{false, true} {
				(&kernel{Context: c, isa: "AVX512", rows: rows, vecs: vecs, lanes: 16, masked: masked}).tiles()
			}
		}
	}
	for _, rows := range []int{12, 8, 4} {
		(&columns{kernel: kernel{Context: c, isa: "AVX512", rows: rows, vecs: 2, lanes: 16}}).tiles()
	}
	(&columns{kernel: kernel{Context: c, isa: "AVX512", rows: 12, vecs: 2, lanes: 16}, max: true}).tiles()
	peak(c, "AVX512", 16)
}

// avx2 writes tiles of 6 and 4 rows by two vectors of 8: parts of the same
// tiles. The variants for fewer than 16 columns load and store under masks.
func avx2(c *build.Context) {
	masks := c.StaticGlobal("tailMasks")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 {
		v := uint32(0)
		if i < 16 {
			v = 1<<32 - 1
		}
		c.AddDatum(4*i, operand.U32(v))
	}
	for _, rows := range []int{6, 4} {
		for _, masked := range []bool{false, true} {
			(&kernel{Context: c, isa: "AVX2", rows: rows, vecs: 2, lanes: 8, masked: masked, masks: masks}).tiles()
		}
	}
	for _, rows := range []int{6, 4} {
		(&columns{kernel: kernel{Context: c, isa: "AVX2", rows: rows, vecs: 2, lanes: 8}}).tiles()
	}
	(&columns{kernel: kernel{Context: c, isa: "AVX2", rows: 6, vecs: 2, lanes: 8}, max: true}).tiles()
	peak(c, "AVX2", 8)
}

// peak writes a loop of n × 16 independent multiply-adds of whole vectors.
func peak(c *build.Context, isa string, lanes int) {
	c.Function("peak" + isa)
	c.Attributes(nosplit)
	c.SignatureExpr("func(n int)")
	c.Doc("peak" + isa + " executes n·16 independent multiply-adds of " + lanesText(lanes) + ", n ≥ 1.")
	n := c.Load(c.Param("n"), reg.RAX)
	k := &kernel{Context: c, lanes: lanes}
	for i := range 16 {
		k.clear(i)
	}
	c.Label("loop")
	for i := range 16 {
		c.VFMADD231PS(k.reg(i), k.reg(i), k.reg(i))
	}
	c.DECQ(n)
	c.JNZ(operand.LabelRef("loop"))
	c.VZEROUPPER()
	c.RET()
}
