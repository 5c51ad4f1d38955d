// Command quick writes the elementary functions on float64 of package simd for
// amd64.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

func main() {
	emit.Main("quick", map[string]func(*build.Context){
		"avx512": func(c *build.Context) { all(c, true) },
		"avx2":   func(c *build.Context) { all(c, false) },
	})
}

func all(c *build.Context, wide bool) {
	m := lanes.New(c, wide, "quick")
	m.Double = true
	m.Maps(formula.Quicks)
}
