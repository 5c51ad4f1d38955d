package dmath

import (
	"errors"
	"fmt"
	"math"
	"os"
	"testing"

	"heavytail/internal/numtest"
)

// sameFMA returns an error if f and math.FMA differ for x, y and z; all NaN are one.
func sameFMA(f func(x, y, z float64) float64, x, y, z float64) error {
	want, got := math.FMA(x, y, z), f(x, y, z)
	if math.Float64bits(want) != math.Float64bits(got) && !(want != want && got != got) {
		return fmt.Errorf("FMA(%x, %x, %x) = %x, want %x", x, y, z, got, want)
	}
	return nil
}

// fmaArguments returns a source of hard cases: factors of few or of many digits,
// just above and below a power of 2, of every size or within the bounds of
// fmaSplit and next to them; a sum that is at any distance, that cancels the
// product but for some units of the last place, or that puts the result on a tie
// and next to one.
func fmaArguments(seed uint64) func() (x, y, z float64) {
	r := numtest.NewRand(seed)
	mantissa := func() uint64 {
		m := r.Uint64() >> 12
		u := r.Uint64()
		switch k := u >> 8 % 53; u & 7 {
		case 0: // few digits
			m = m >> k << k
		case 1: // just above a power of 2
			m = m >> 20 >> (k % 32)
		case 2: // just below one
			m = (1<<52 - 1) - m>>20>>(k%32)
		case 3: // few digits, and the last ones
			m = m>>k<<k ^ u>>60
		}
		return m
	}
	number := func(low, n int) float64 {
		u := r.Uint64()
		return math.Float64frombits(u<<63 | uint64(low+int(u>>1)%n)<<52 | mantissa())
	}
	edges := []int{1023 - 451, 1023 - 450, 1023 + 450, 1023 + 451}
	return func() (x, y, z float64) {
		u := r.Uint64()
		switch u & 15 {
		case 0: // all sizes, subnormal, infinite and NaN ones too
			return number(0, 2048), number(0, 2048), number(0, 2048)
		case 1: // the bounds, and products that are small or large
			x, y = number(edges[u>>4&3], 1), number([]int{0, 50, 1023, 1900}[u>>6&3], 120)
		case 2: // products whose last digits are below 2^−1074, and those just above
			x, y = number(1023-560, 150), number(1023-560, 150)
		default:
			x, y = number(1023-60, 120), number(1023-60, 120)
		}
		p := x * y
		at := int(math.Float64bits(p)>>52) & 0x7ff
		switch u >> 8 & 3 {
		case 0: // any distance at which digits meet, and some more
			z = number(min(max(at-115, 0), 2047-230), 230)
		case 1: // the product cancels
			z = -p
			if u>>10&3 != 0 {
				z = math.Float64frombits(math.Float64bits(z) + u>>12&7 - 3)
			}
		default: // a sum of which the product is about half a unit of the last place
			z = number(min(max(at+50+int(u>>10&7), 0), 2047), 1)
			if u>>13&1 != 0 { // exactly that but for its last digits
				x = math.Float64frombits(math.Float64bits(x)>>52<<52 + u>>16&7)
				y = math.Float64frombits(math.Float64bits(y)>>52<<52 - u>>20&7)
			}
		}
		return x, y, z
	}
}

// TestFMA holds fmaSplit to math.FMA, bit by bit, and FMA to both.
func TestFMA(t *testing.T) {
	n := 1_000_000
	switch {
	case os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "":
		n = 300_000_000
	case testing.Short():
		n = 100_000
	}
	next := fmaArguments(1)
	for i := range n {
		x, y, z := next()
		err := sameFMA(fmaSplit, x, y, z)
		if err == nil && i < 1000 {
			err = sameFMA(FMA, x, y, z)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestFMASpecial does so for all triples of special values and their neighbours.
func TestFMASpecial(t *testing.T) {
	var special []float64
	for _, v := range []float64{0, 0x1p-1074, 0x1p-1022, 0x1p-450, 0x1.8p-450, 0x1p-27, 1, 0x1.8p0, 0x1p52, 0x1p451, 0x1.8p451, 0x1p511, math.MaxFloat64, inf, nan} {
		for _, w := range []float64{math.Nextafter(v, -inf), v, math.Nextafter(v, inf)} {
			special = append(special, w, -w)
		}
	}
	for _, x := range special {
		for _, y := range special {
			for _, z := range special {
				if err := errors.Join(sameFMA(fmaSplit, x, y, z), sameFMA(FMA, x, y, z)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestFMACases makes sure that the arguments above tell apart what is nearly an
// fma, at exponents of every day.
func TestFMACases(t *testing.T) {
	for name, f := range map[string]func(x, y, z float64) float64{
		"rounded twice": func(x, y, z float64) float64 { return float64(x*y) + z },
		"without the last comparison": func(x, y, z float64) float64 {
			p := float64(x * y)
			s, t := twoSum(p, z)
			return s + (t + math.FMA(x, y, -p))
		},
	} {
		next, seen := fmaArguments(1), 0
		for range 100_000 {
			x, y, z := next()
			if min(math.Abs(x), math.Abs(y)) > 0x1p-300 && max(math.Abs(x), math.Abs(y)) < 0x1p300 && sameFMA(f, x, y, z) != nil {
				seen++
			}
		}
		if seen < 10 {
			t.Errorf("an fma %s: only %d cases see it", name, seen)
		}
	}
}

func BenchmarkFMA(b *testing.B) {
	s := 0.5
	b.Run("FMA", func(b *testing.B) {
		for b.Loop() {
			s = FMA(s, 0.9123, 0.321)
		}
	})
	b.Run("split", func(b *testing.B) {
		for b.Loop() {
			s = fmaSplit(s, 0.9123, 0.321)
		}
	})
	b.Run("math", func(b *testing.B) {
		for b.Loop() {
			s = math.FMA(s, 0.9123, 0.321)
		}
	})
}
