// Command noise writes the amd64 kernels of simd's cipher and variates.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"heavytail/asm/internal/defs"
	"heavytail/asm/internal/emit"
	"heavytail/asm/internal/formula"
	"heavytail/asm/internal/lanes"
)

// A gen writes the kernels of one level and type. Values have a register for each
// vector in flight: the chains of dependent operations are long, and so they
// overlap.
type gen struct {
	*lanes.Machine
	name string
}

// vecs are the registers of a value.
type vecs = formula.Value

func main() {
	emit.Main("noise", map[string]func(*build.Context){
		"avx512":         func(c *build.Context) { singles(c, true) },
		"avx2":           func(c *build.Context) { singles(c, false) },
		"avx512-float64": func(c *build.Context) { doubles(c, true) },
		"avx2-float64":   func(c *build.Context) { doubles(c, false) },
	})
}

// level is a if wide, else b.
func (g *gen) level(a, b int) int {
	if g.Wide {
		return a
	}
	return b
}

// singles adds every kernel of the level for float32, and the cipher.
func singles(c *build.Context, wide bool) {
	g := &gen{lanes.New(c, wide, "noise"), "noise"}
	g.Fields = defs.NoiseFields
	ways := g.level(4, 2)
	g.words()
	g.families(formula.Noise{Machine: g}.Families(), ways, ways, ways/2)
	for _, terms := range []int{8, 10} {
		g.tabular(terms, ways)
	}
}

// doubles adds every kernel of the level for float64.
func doubles(c *build.Context, wide bool) {
	g := &gen{lanes.New(c, wide, "noise64"), "noise64"}
	g.Double, g.Fields = true, defs.Noise64Fields
	g.families(formula.Noise64{Machine: g}.Families(), 4, 2, g.level(2, 1))
	g.gammaKernel(false)
	g.gammaKernel(true)
}

// families adds kernels, with as many vectors in flight for one variate of each word
// and pairs of vectors for others; those of heavy ones are what registers hold.
func (g *gen) families(list []formula.Family, words, pairs, heavy int) {
	for _, f := range list {
		switch {
		case f.Words != nil:
			g.kernel(f.Name, words, f.Words)
		case f.Two:
			g.kernel(f.Name, 2*pairs, func(w vecs) vecs {
				out := f.Pairs(g.alternate(w))
				return g.unpack(out[0], out[1])
			})
		default:
			ways := pairs
			if f.Heavy {
				ways = heavy
			}
			g.kernel(f.Name, 2*ways, func(w vecs) vecs { return g.inOrder(f.Pairs(g.alternate(w))[0]) })
		}
	}
}
