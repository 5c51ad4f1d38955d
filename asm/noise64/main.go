// Command noise64 writes the amd64 kernels of simd's float64 variates. The
// formulas are those of simd/noise64_generic.go and simd/gamma64_generic.go,
// operation by operation.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
)

func main() {
	emit.Main("noise64", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { (&gen{Context: c, wide: true}).all() },
		"avx2":   func(c *build.Context) { (&gen{Context: c}).all() },
	})
}
