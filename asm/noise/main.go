// Command noise writes the amd64 kernels of simd's Philox and noise families.
// The formulas are those of simd/noise_generic.go, operation by operation.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
)

func main() {
	emit.Main("noise", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { (&gen{Context: c, wide: true}).all() },
		"avx2":   func(c *build.Context) { (&gen{Context: c}).all() },
	})
}
