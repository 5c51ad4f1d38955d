package ptx

import (
	"math"
	"testing"

	"heavytail/cuda/gen"
	"heavytail/tensor"
)

// Flash attention against float64. Powers are rounded to bfloat16 before they
// are multiplied with the values: that errs by 2⁻⁸ of Σ p·|v| at most. What float32
// adds to that, in the scores and the sums, is below an eighth of it: the scores
// here are below 50.
func TestFlash(t *testing.T) {
	for i, s := range [][3]int{{1, 130, 2}, {2, 49, 1}, {1, 64, 1}} {
		N, T, H := s[0], s[1], s[2]
		x := random(N*T*3*H*64, 9)
		raw := half(x)
		for i, h := range raw {
			x[i] = tensor.FromBF16(h)
		}
		want, size := attention64(x, N, T, H)
		for seed := range int64(3 - min(i, 2)) {
			g := &gpu{t: t}
			at := g.room(len(want))
			l := launch(up(T, 64), N*H, 128, gen.FlashShared, seed)
			l.Count = true
			st := g.run("mma_flash_64", "mma_flash_64", l, at, g.put(raw), T, H, 3*H*64, H*64)
			for i, v := range g.floats(at, len(want)) {
				if !(math.Abs(float64(v)-want[i]) <= 0x1.2p-8*size[i]) {
					t.Fatalf("%v seed %d element %d: %v, want %v", s, seed, i, v, want[i])
				}
			}
			clean(t, "mma_flash_64", "mma_flash_64", st)
		}
	}
}

// attention64 is attention in float64 for heads of 64, and Σ p·|v|.
func attention64(x []float32, N, T, H int) (y, size []float64) {
	y, size = make([]float64, N*T*H*64), make([]float64, N*T*H*64)
	p := make([]float64, T)
	for n := range N {
		for h := range H {
			at := func(i, part, e int) float64 { return float64(x[((n*T+i)*H+h)*192+part*64+e]) }
			for i := range T {
				top, sum := math.Inf(-1), 0.0
				for j := range T {
					p[j] = 0
					for e := range 64 {
						p[j] += at(i, 0, e) * at(j, 1, e) / 8
					}
					top = max(top, p[j])
				}
				for j := range p {
					p[j] = math.Exp(p[j] - top)
					sum += p[j]
				}
				for e := range 64 {
					o := ((n*T+i)*H+h)*64 + e
					for j := range p {
						y[o] += p[j] / sum * at(j, 2, e)
						size[o] += p[j] / sum * math.Abs(at(j, 2, e))
					}
				}
			}
		}
	}
	return y, size
}
