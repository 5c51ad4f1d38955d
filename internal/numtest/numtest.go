// Package numtest holds what the tests of the kernels share.
package numtest

import (
	"fmt"
	"math"
	"testing"

	"heavytail/internal/isa"
)

// EachLevel runs f as a subtest at every level this machine has, Generic
// included, and restores the level afterwards.
func EachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, l := range isa.Available() {
		t.Run(l.String(), func(t *testing.T) {
			defer isa.Force(l)()
			f(t)
		})
	}
}

// SameBits fails unless got and want are equal bit by bit, NaN payloads aside.
func SameBits(t *testing.T, want, got []float32, msg string) {
	t.Helper()
	if err := bits(want, got); err != nil {
		t.Fatalf("%s: %v", msg, err)
	}
}

func bits(want, got []float32) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if math.Float32bits(w) != math.Float32bits(g) && !(w != w && g != g) {
			return fmt.Errorf("element %d: %x (%v), want %x (%v)", i, math.Float32bits(g), g, math.Float32bits(w), w)
		}
	}
	return nil
}

// Within fails unless |got−want| ≤ abs + rel·|want| for every element; NaN fails.
func Within(t *testing.T, want []float64, got []float32, abs, rel float64, msg string) {
	t.Helper()
	if err := within(want, got, abs, rel); err != nil {
		t.Fatalf("%s: %v", msg, err)
	}
}

func within(want []float64, got []float32, abs, rel float64) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d values, want %d", len(got), len(want))
	}
	worst, at := 0.0, -1
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		if !(d <= abs+rel*math.Abs(w)) && !(d <= worst) {
			worst, at = d, i
		}
	}
	if at >= 0 {
		return fmt.Errorf("element %d: got %v, want %v, off by %g (allowed %g + %g·|want|)", at, got[at], want[at], worst, abs, rel)
	}
	return nil
}

// Lengths returns every length 0…n and a few larger odd ones.
func Lengths(n int) []int {
	var out []int
	for i := range n + 1 {
		out = append(out, i)
	}
	return append(out, 2*n+1, 4*n+3, 1000, 4097)
}

// A Rand is a small deterministic generator for test inputs.
type Rand struct{ s uint64 }

// NewRand seeds a Rand.
func NewRand(seed uint64) *Rand { return &Rand{seed*0x9E3779B97F4A7C15 + 1} }

// Uint64 returns the next 64 bits (splitmix64).
func (r *Rand) Uint64() uint64 {
	r.s += 0x9E3779B97F4A7C15
	z := r.s
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Float64 returns a uniform value in [−1, 1).
func (r *Rand) Float64() float64 { return float64(int64(r.Uint64())>>10) / (1 << 53) }

// Fill sets x to uniform values in [−scale, scale).
func (r *Rand) Fill(x []float32, scale float64) []float32 {
	for i := range x {
		x[i] = float32(r.Float64() * scale)
	}
	return x
}

// Wild sets x to values over a wide range of exponents with zeros of both
// signs, subnormals and, if special, infinities and NaN.
func (r *Rand) Wild(x []float32, special bool) []float32 {
	edge := []float32{0, float32(math.Copysign(0, -1)), 1e-40, -1e-42, 1, -1, math.MaxFloat32, 1.17549435e-38}
	if special {
		edge = append(edge, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	}
	for i := range x {
		u := r.Uint64()
		if u%8 == 0 {
			x[i] = edge[u/8%uint64(len(edge))]
			continue
		}
		x[i] = float32(math.Ldexp(r.Float64(), int(u>>8%60)-30))
	}
	return x
}
