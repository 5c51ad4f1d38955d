package simd

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// exactFMA returns a·b + c, computed without any rounding and then rounded
// once by math/big.
func exactFMA(a, b, c float32) float32 {
	x, y, z := float64(a), float64(b), float64(c)
	if s := math.FMA(x, y, z); math.IsNaN(s) || math.IsInf(s, 0) || s == 0 {
		// A sum that is 0 in float64 is exactly 0: products do not underflow
		// there. Then only the sign matters.
		return float32(s)
	}
	const prec = 1024 // more than the distance of any two bits of the terms
	p := new(big.Float).SetPrec(prec).Mul(big.NewFloat(x), big.NewFloat(y))
	r, _ := new(big.Float).SetPrec(prec).Add(p, big.NewFloat(z)).Float32()
	return r
}

// fmaDiffers returns an error for the first case where f is not a correctly
// rounded fused multiply-add.
func fmaDiffers(f func(a, b, c float32) float32, cases [][3]float32) error {
	for _, v := range cases {
		want, got := exactFMA(v[0], v[1], v[2]), f(v[0], v[1], v[2])
		if math.Float32bits(want) != math.Float32bits(got) && !(want != want && got != got) {
			return fmt.Errorf("fma(%x, %x, %x) = %x, want %x", v[0], v[1], v[2], got, want)
		}
	}
	return nil
}

// fmaCases returns ordinary, extreme and nearly tied cases.
func fmaCases(n int) [][3]float32 {
	r := numtest.NewRand(1)
	nan, inf, top := float32(math.NaN()), float32(math.Inf(1)), float32(math.MaxFloat32)
	out := [][3]float32{
		{inf, 1, 0}, {1, 1, -inf}, {-inf, 1, inf}, {inf, 0, 1}, {top, top, -inf}, {nan, 1, 1}, {1, 1, nan}, {0, inf, nan},
		{0, -1, 0}, {0, -1, float32(math.Copysign(0, -1))}, {1, 1, -1}, {1e-30, -1e-30, 0}, {1e-30, 1e-30, float32(math.Copysign(0, -1))},
		// On both sides of the middle between the largest float32 and 2¹²⁸, and on it.
		{0x1p100, 8, top}, {0x1.fffffep99, 8, top}, {0x1.000002p100, 8, top},
		{0x1.000002p100, 0x1.fffffcp2, top}, {0x1.000002p100, -0x1.fffffcp2, -top}, {0x1.000002p52, 0x1.fffffep50, top},
	}
	wild := r.Wild(make([]float32, 3*n), true)
	for i := range n {
		out = append(out, [3]float32(wild[3*i:]))
	}
	for range n {
		// (1+i·2⁻²³)(1−j·2⁻²³) is near 1 with bits down to 2⁻⁴⁶. Scaled to half a
		// unit of c's last place it makes a tie in float32 but for bits that
		// float64 has no room for.
		u := r.Uint64()
		i, j := float64(u%8), float64(u>>3%8)
		mantissa := 1 + float64(u>>40&(1<<23-1))/(1<<23)
		half, c := int(u>>6%100)-50, 0.0
		if u>>23%4 == 0 { // a subnormal sum: the last place is 2⁻¹⁴⁹
			half = -150
			c = math.Ldexp(mantissa, -127-int(u>>25%8))
		} else {
			c = math.Ldexp(mantissa, half+24)
		}
		if u>>20%2 == 0 {
			c = -c
		}
		a := math.Ldexp(1+i/(1<<23), half/2)
		if u>>21%2 == 0 {
			a = -a
		}
		out = append(out, [3]float32{float32(a), float32(math.Ldexp(1-j/(1<<23), half-half/2)), float32(c)})
	}
	return out
}

func TestFMAIsRoundedOnce(t *testing.T) {
	n := 300_000
	if testing.Short() {
		n = 20_000
	}
	require.NoError(t, fmaDiffers(FMA, fmaCases(n)))
}

// The cases must tell a fused multiply-add from what is nearly one.
func TestFMACheckerRejectsRoundingTwice(t *testing.T) {
	cases := fmaCases(20_000)
	require.Error(t, fmaDiffers(func(a, b, c float32) float32 { return float32(a*b) + c }, cases))
	require.Error(t, fmaDiffers(func(a, b, c float32) float32 {
		return float32(math.FMA(float64(a), float64(b), float64(c)))
	}, cases))
	subnormal := func(a, b, c float32) float32 { // mends ties but not subnormal results
		p := float64(a) * float64(b)
		s := p + float64(c)
		if math.Float64bits(s)&(1<<29-1) != 1<<28 {
			return float32(s)
		}
		return float32(fmaOdd(p, float64(c), s))
	}
	require.Error(t, fmaDiffers(subnormal, cases))
}

func FuzzFMA(f *testing.F) {
	f.Add(uint32(0x3f800001), uint32(0x3f7ffffe), uint32(0x4c000000))
	f.Add(uint32(1), uint32(0x3f000000), uint32(0x80000001))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		v := [3]float32{math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)}
		if err := fmaDiffers(FMA, [][3]float32{v}); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkFMA(b *testing.B) {
	s := float32(0)
	for b.Loop() {
		s = FMA(0.999, s, 0.25)
	}
	_ = s
}
