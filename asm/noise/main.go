// Command noise writes the amd64 kernels of simd's cipher and variates. The
// formulas are those of simd/noise_generic.go, noise_stable_generic.go,
// noise_table.go, noise64_generic.go and gamma64.go, operation by operation.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
)

func main() {
	emit.Main("noise", map[string]func(*build.Context){
		"avx512":         func(c *build.Context) { singles(c, true) },
		"avx2":           func(c *build.Context) { singles(c, false) },
		"avx512-float64": func(c *build.Context) { doubles(c, true) },
		"avx2-float64":   func(c *build.Context) { doubles(c, false) },
	})
}
