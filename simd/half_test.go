package simd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// f16Value is the value of the bits h by the definition of binary16.
func f16Value(h uint16) float64 {
	s, e, m := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 != 0 {
		s = -1
	}
	switch {
	case e == 31 && m == 0:
		return math.Inf(int(s))
	case e == 31:
		return math.NaN()
	case e == 0:
		return s * m * 0x1p-24
	}
	return s * math.Ldexp(1024+m, e-25)
}

func TestF16EveryValue(t *testing.T) {
	src, x := make([]uint16, 1<<16), make([]float32, 1<<16)
	for i := range src {
		src[i] = uint16(i)
	}
	F16ToF32(x, src)
	back := make([]uint16, 1<<16)
	F32ToF16(back, x)
	for i, v := range x {
		if want := f16Value(src[i]); want != want {
			require.True(t, v != v && f16Value(back[i]) != f16Value(back[i]), "%x", i)
		} else if float64(v) != want || math.Signbit(float64(v)) != math.Signbit(want) || back[i] != src[i] {
			t.Fatalf("%04x: %v, want %v; back %04x", i, v, want, back[i])
		}
	}
}

// Between two neighbours the nearer one is taken, half way the even one.
func TestF16Rounds(t *testing.T) { checkHalves(t, 0x7c00, f16Value, F32ToF16) }

func TestBF16Rounds(t *testing.T) {
	checkHalves(t, 0x7f80, func(h uint16) float64 { return float64(math.Float32frombits(uint32(h) << 16)) }, F32ToBF16)
}

func checkHalves(t *testing.T, inf uint16, value func(uint16) float64, round func([]uint16, []float32)) {
	for h := range inf {
		a, b := value(h), value(h+1)
		if h+1 == inf { // the value that infinity would have
			b = a + (a - value(h-1))
		}
		mid := float32((a + b) / 2)
		if float64(mid) != (a+b)/2 {
			continue // between subnormal float32
		}
		even := h + h&1
		x := []float32{float32(a), math.Nextafter32(mid, 0), mid, math.Nextafter32(mid, math.MaxFloat32)}
		got := make([]uint16, 4)
		round(got, x)
		require.Equal(t, []uint16{h, h, even, h + 1}, got, "%04x", h)
		for i := range x {
			x[i] = -x[i]
		}
		round(got, x)
		require.Equal(t, []uint16{h | 1<<15, h | 1<<15, even | 1<<15, (h + 1) | 1<<15}, got, "-%04x", h)
	}
}

func TestBF16EveryValue(t *testing.T) {
	src, x, back := make([]uint16, 1<<16), make([]float32, 1<<16), make([]uint16, 1<<16)
	for i := range src {
		src[i] = uint16(i)
	}
	BF16ToF32(x, src)
	F32ToBF16(back, x)
	for i, v := range x {
		require.Equal(t, uint32(i)<<16, math.Float32bits(v))
		if v == v {
			require.Equal(t, src[i], back[i])
		} else {
			require.Equal(t, src[i]|0x40, back[i])
		}
	}
	nan := math.Float32frombits(0x7f800001) // its payload lies in the low bits
	F32ToBF16(back[:1], []float32{nan})
	require.Equal(t, uint16(0x7fc0), back[0])
	F32ToF16(back[:3], []float32{nan, 1e9, 65520})
	require.Equal(t, []uint16{0x7e00, 0x7c00, 0x7c00}, back[:3])
	F32ToF16(back[:2], []float32{65519.996, 0x1p-25})
	require.Equal(t, []uint16{0x7bff, 0}, back[:2])
}
