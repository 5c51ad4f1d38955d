package conv

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Along one axis every output of a doubled image belongs to one tile, whose needed points
// are those that it is made of; the taps of these are the ones through which the output
// sees the tile's pixels, each once.
func TestUpTiles(t *testing.T) {
	for n := 1; n <= 17; n++ {
		seen := map[int]int{}
		for i, needed := range UpNeeded(n) {
			pixel, first := TileAt(i, Up)
			want := uint8(0)
			for r := range 4 {
				out := first + r
				if out < 0 || out >= 2*n {
					continue
				}
				seen[out]++
				point := r + r/2
				want |= 1<<2 | 1<<point
				got := map[int]int{} // taps of each pixel: all of the middle one, less those of the other
				count := func(pixel, sign, point int) {
					lo, hi := UpTaps(point)
					for tap := lo; tap < hi; tap++ {
						got[3*pixel+tap] += sign
					}
				}
				count(pixel+1, 1, 2)
				count(pixel+1, -1, point)
				count(pixel+2*(r/2), 1, point)
				for tap := range 3 { // output y sees doubled pixels y−1, y and y+1
					got[3*((out+tap-1+2)/2-1)+tap]--
				}
				for at, times := range got {
					require.Zero(t, times, fmt.Sprintf("%d pixels, output %d: pixel %d, tap %d", n, out, at/3, at%3))
				}
			}
			require.Equal(t, want, needed)
		}
		require.Len(t, seen, 2*n)
		for out, times := range seen {
			require.Equal(t, 1, times, out)
		}
	}
}
