package simd

import (
	"math"
	"math/bits"
	"testing"
)

// The conversion of a word to float32 rounds once, on processors of 32 bits too,
// where Go's of a 64-bit integer rounds twice: uniform variates and the rows of
// tables begin with it. Of 386 about 10⁹ words were tried; here all ties of the
// rounding and their neighbours.
func TestWordsRoundOnce(t *testing.T) {
	for s := 1; s <= 8; s++ { // bits that float32 has not
		for k := uint32(0); k < 1<<10; k++ {
			m := 1<<23 | k*0x1fff
			for _, rest := range []uint32{0, 1, 1<<s>>1 - 1, 1 << s >> 1, 1<<s>>1 + 1, 1<<s - 1} {
				w := m<<s | rest&(1<<s-1)
				want := w >> s
				if half := uint32(1) << s >> 1; w&(1<<s-1) > half || w&(1<<s-1) == half && want&1 == 1 {
					want++
				}
				if got := float32(w); float64(got) != math.Ldexp(float64(want), s) || bits.Len32(w) != 24+s {
					t.Fatalf("float32(%#x) is %v, want %v", w, got, math.Ldexp(float64(want), s))
				}
			}
		}
	}
}
