package tensor

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// halfValue decodes a half by its definition.
func halfValue(h uint16) float64 {
	e, m := int(h>>10&31), float64(h&1023)
	v := math.Ldexp(1+m/1024, e-15)
	switch e {
	case 0:
		v = math.Ldexp(m, -24)
	case 31:
		v = math.Inf(1)
		if m != 0 {
			v = math.NaN()
		}
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return v
}

// Every half comes back, and everything between two neighbours goes to the
// nearer one, ties to the even one.
func TestF16(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		v := halfValue(h)
		got := FromF16(h)
		if v != v {
			require.True(t, got != got)
			require.True(t, halfValue(ToF16(got)) != halfValue(ToF16(got)))
			continue
		}
		require.Equal(t, math.Float64bits(v), math.Float64bits(float64(got)), "%#x", h)
		require.Equal(t, h, ToF16(got))
		if h&0x7fff >= 0x7bff {
			continue
		}
		up := halfValue(h + 1)
		mid := float32((v + up) / 2) // exact
		even := h + h&1
		require.Equal(t, even, ToF16(mid), "tie above %#x", h)
		require.Equal(t, h, ToF16(math.Nextafter32(mid, float32(v))), "below the tie above %#x", h)
		require.Equal(t, h+1, ToF16(math.Nextafter32(mid, float32(up))), "above the tie above %#x", h)
	}
	require.Equal(t, uint16(0x7bff), ToF16(65519.996))
	require.Equal(t, uint16(0x7c00), ToF16(65520))
	require.Equal(t, uint16(0xfc00), ToF16(-math.MaxFloat32))
	require.Equal(t, uint16(0x8000), ToF16(-1e-30))
}

func TestBF16(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		v := FromBF16(h)
		if v != v {
			b := FromBF16(ToBF16(v))
			require.True(t, b != b)
			continue
		}
		require.Equal(t, h, ToBF16(v))
		if h&0x7fff >= 0x7f7f {
			continue
		}
		tie := math.Float32frombits(uint32(h)<<16 | 0x8000)
		require.Equal(t, h+h&1, ToBF16(tie))
		require.Equal(t, h, ToBF16(math.Float32frombits(uint32(h)<<16|0x7fff)))
		require.Equal(t, h+1, ToBF16(math.Float32frombits(uint32(h)<<16|0x8001)))
	}
	require.Equal(t, uint16(0x7f80), ToBF16(math.MaxFloat32))
}
