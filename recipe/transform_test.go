package recipe

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/diffusion"
	"heavytail/internal/dmath"
	"heavytail/stable"
)

// transforms are one of each kind, TTF's with light, usual and absurd tails.
func transforms() []Transform {
	out := []Transform{{Kind: None}, {Kind: SoftLog}, {Kind: Asinh}}
	for _, l := range [][2]float64{{0, 0}, {1e-9, 0.05}, {0.25, 1. / 3}, {1, 2}, {maxLambda, 0.5}} {
		out = append(out, Transform{TTF, l[0], l[1]})
	}
	return out
}

// wide returns values of every size and both signs: subnormals, 1e300, and between.
func wide() (x []float64) {
	for e := -1074; e <= 996; e += 3 { // 2^996 is 7e299
		x = append(x, math.Ldexp(1, e), -math.Ldexp(1+float64((e+2000)*37%64)/64, e))
	}
	return append(x, 0, 5e-324, -5e-324, 1e-310, -1e-310, 2e-308, 0.5, 1, -1, 1e300, -1e300)
}

// TestTransformsUndoThemselves: y is bent and back to the rounding of z, which y feels
// by its condition, the relative change of y by that of z: at most 1 + ln(1+y) of
// SoftLog and Asinh, 2(1 + ln(1+λy)) of TTF. A map takes no more than four functions
// and products of at most 2 ulp (LogErfcInv), each 2⁻⁵² of z: eight such units of z and
// as many of y. What lies in the subnormals has an absolute unit, of which each of the
// two maps rounds to one, twice for TTF.
func TestTransformsUndoThemselves(t *testing.T) {
	for _, tr := range transforms() {
		for _, y := range wide() {
			z := tr.Bend(y)
			require.Equal(t, math.Signbit(y), math.Signbit(z), "%v of %v", tr, y)
			condition := 1.0
			if a := math.Abs(y); tr.Kind != None {
				condition = 2 * (1 + dmath.Log1p(a)) // λ > 1 adds ln λ ≤ 2.4 to it
				if l := tr.lambda(y); l > 1 {
					condition += 2 * dmath.Log(l)
				}
			}
			bound := 0x1p-52*8*(condition+1)*math.Abs(y) + 4*5e-324
			require.InDelta(t, y, tr.Unbend(z), bound, "%v of %v, bent to %v", tr, y, z)
		}
	}
}

// TestLogSlope: e^LogSlope is the difference quotient of Bend. Over h = y/10⁴ that is off
// by h²·z”'/6z', of the order 10⁻⁸, and by the rounding of z, 10⁻¹⁶·z/(h·z') < 10⁻⁹ here. TTF's slope is the difference of
// two numbers of the size of z²/2, each with its rounding.
func TestLogSlope(t *testing.T) {
	for _, tr := range transforms() {
		for _, y := range []float64{1e-3, -0.3, 2, -2, 50, -1e6, 1e6, 1e10} {
			h := y * 1e-4
			slope := (tr.Bend(y+h) - tr.Bend(y-h)) / (2 * h)
			z := tr.Bend(y)
			require.InDelta(t, math.Log(slope), tr.LogSlope(y), 1e-7+2*0x1p-52*z*z, "%v at %v", tr, y)
		}
		require.InDelta(t, tr.LogSlope(1e-9), tr.LogSlope(0), 1e-8, tr) // the slope has no jump
	}
	d := Data{Scaling: &Scaling{Kind: Robust, Center: []float64{5, 0}, Scale: []float64{4, 0}}, Transform: []Transform{{Kind: SoftLog}, {Kind: None}}}
	z, slope := d.Standard(0, 17) // y = 3
	require.InDelta(t, math.Log(4), z, 1e-15)
	require.InDelta(t, -math.Log(16), slope, 1e-15)
	_, slope = d.Standard(1, 0)
	require.True(t, math.IsInf(slope, 1))
}

// TestTransformsKeepStates: what the network made, a float32, is what it sees of the
// sample that it stands for.
func TestTransformsKeepStates(t *testing.T) {
	for _, tr := range transforms() {
		d := Data{Shape: []int{1}, Transform: []Transform{tr}}
		for z := float32(1e-30); z < 36; z *= 1.37 {
			x, back := make([]float64, 2), make([]float32, 2)
			d.FromNetwork(x, []float32{z, -z})
			d.ToNetwork(back, x)
			if !math.IsInf(x[0], 0) && !math.IsInf(x[1], 0) {
				require.Equal(t, []float32{z, -z}, back, "%v", tr)
			}
		}
	}
}

// TestTransformsAreTheirFormulas in double precision, where these are good.
func TestTransformsAreTheirFormulas(t *testing.T) {
	for y := 0.01; y < 1e6; y *= 1.7 {
		require.InEpsilon(t, math.Log(1+y), Transform{Kind: SoftLog}.Bend(y), 1e-12)
		require.InEpsilon(t, math.Asinh(-y), Transform{Kind: Asinh}.Bend(-y), 1e-12)
		for _, l := range []float64{0.1, 0.5, 2} {
			tr := Transform{TTF, 0, l}
			z := tr.Bend(y)
			require.InEpsilon(t, math.Pow(1+l*y, -1/l), math.Erfc(z/math.Sqrt2), 1e-11, "λ %v, y %v", l, y)
			require.InEpsilon(t, (math.Pow(math.Erfc(1/math.Sqrt2), -l)-1)/l, tr.Unbend(1), 1e-14)
		}
		if y < 600 {
			require.InEpsilon(t, math.Exp(-y), math.Erfc(-Transform{Kind: TTF}.Bend(-y)/math.Sqrt2), 1e-11, "exponential, y %v", y)
		}
	}
	// Far out, where erfc itself is 0: −ln erfc(t) = t² + ln(t√π) + O(t⁻²).
	z := Transform{TTF, 0, 0.5}.Bend(1e300)
	s := z * z / 2
	require.InEpsilon(t, 2*math.Log(0.5e300), s+math.Log(math.Sqrt(s*math.Pi)), 1e-6)
}

func studentColumn(n int, nu float64) []float64 {
	x := make([]float64, n)
	stable.Key{Seed: 5}.StudentT(x, nu, 0)
	return x
}

// TestTransformedTailsAreLight: the extremes of Student's law have no second, or no
// fourth, moment, their index with all its interval being below twice ν; bent, they
// have all to the fourth.
func TestTransformedTailsAreLight(t *testing.T) {
	const n = 10000
	for _, nu := range []float64{1.5, 3} {
		p := columnOf(studentColumn(n, nu)...)
		s, _, err := MeasureScaling(Robust, p)
		require.NoError(t, err)
		for _, kind := range []string{None, SoftLog, Asinh, TTF} {
			d := Data{Shape: []int{1}, Scaling: s}
			d.Transform, _, err = MeasureTransform([]string{kind}, s, p)
			require.NoError(t, err)
			z, x := make([]float32, n), make([]float64, n)
			for i := range x {
				p.Row(x[i:i+1], i)
			}
			d.ToNetwork(z, x)
			for i, v := range z {
				x[i] = float64(v)
			}
			f, err := stable.TailIndex(x)
			require.NoError(t, err)
			t.Logf("nu %v, %s: index %.3g %.3g, %v", nu, kind, f.Alpha, f.Interval, d.Transform)
			if kind == None {
				require.Less(t, f.Interval.Hi, 2*nu, "%v", f)
			} else {
				require.Greater(t, f.Interval.Lo, 4.0, "%s of nu %v: %v", kind, nu, f)
			}
		}
	}
}

// TestGaussianSamplesHaveTheTails: with the exact denoiser of a standard Gaussian,
// D(x; σ) = x/(1+σ²), EDM's samples are such Gaussians, and TTF makes of them the law
// that its λ stand for: of each side P(|y| > u) = ½(1 + λu)^(−1/λ), within what a
// binomial number of n varies in 4.5 deviations (once in 10⁵), and far out its index is
// 1/λ, within 4.5 deviations too.
// The sampler's own deviation, d of 1, moves the logarithm of P(|Z| > z) by d·z² at
// most; at 0.1 % and z = 3.9, 1.5 %.
func TestGaussianSamplesHaveTheTails(t *testing.T) {
	const n = 20000
	exact := func(_ context.Context, D, x, sigma []float64) error {
		for i, v := range x {
			D[i] = v / (1 + sigma[i]*sigma[i])
		}
		return nil
	}
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	s := diffusion.EDMSampler{Process: diffusion.EDM{SigmaData: []float64{1}}, Steps: 60}
	z, err := s.Sample(t.Context(), exact, seeds, 1)
	require.NoError(t, err)
	d := Data{Shape: []int{1}, Transform: []Transform{{TTF, 0.25, 0.6}}}
	y := make([]float64, n)
	d.FromNetwork(y, z)
	for _, side := range []struct{ sign, lambda float64 }{{-1, 0.25}, {1, 0.6}} {
		for _, p := range []float64{0.4, 0.1, 0.01, 1e-3, 1e-4} {
			u := (math.Pow(2*p, -side.lambda) - 1) / side.lambda
			count := 0.0
			for _, v := range y {
				if side.sign*v > u {
					count++
				}
			}
			require.InDelta(t, p, count/n, 4.5*math.Sqrt(p/n)+0.015*p, "λ %v, at %v", side.lambda, u)
		}
		// ln(1+λy) is exponential of mean λ, beyond any u.
		sum, k, from := 0.0, 0.0, 10.0
		for _, v := range y {
			if v *= side.sign; v > from {
				sum += dmath.Log1p(side.lambda*v) - dmath.Log1p(side.lambda*from)
				k++
			}
		}
		require.InEpsilon(t, side.lambda, sum/k, 4.5/math.Sqrt(k)+0.015, "of %v extremes", k)
	}
}

// TestMeasureTransform: λ are the reciprocal indices of either side; what has no tail
// gets the exponential law's.
func TestMeasureTransform(t *testing.T) {
	x := studentColumn(9000, 3)
	for i, v := range x { // the tail below has the index 3, the one above 1.5
		if v > 0 {
			x[i] = v * v
		}
	}
	rows := make([][]float64, len(x))
	for i, v := range x {
		rows[i] = []float64{v, float64(i % 3), 7}
	}
	p := table(rows...)
	s, _, err := MeasureScaling(Robust, p)
	require.NoError(t, err)
	got, notes, err := MeasureTransform([]string{TTF}, s, p)
	require.NoError(t, err)
	require.InEpsilon(t, 1/3., got[0].Lower, 0.25)
	require.InEpsilon(t, 1/1.5, got[0].Upper, 0.25)
	require.Equal(t, []Transform{{Kind: TTF}, {Kind: TTF}}, got[1:])
	require.Len(t, notes, 4)
	require.Contains(t, notes[3], "above: the outermost 3000 values all equal 2")
	require.Contains(t, notes[1], "none (exponential)")

	got, _, err = MeasureTransform([]string{SoftLog, None, Asinh}, nil, p)
	require.NoError(t, err)
	require.Equal(t, []Transform{{Kind: SoftLog}, {Kind: None}, {Kind: Asinh}}, got)
	got, _, err = MeasureTransform([]string{None}, nil, p)
	require.NoError(t, err)
	require.Nil(t, got)
	_, _, err = MeasureTransform([]string{SoftLog, None}, nil, p)
	require.ErrorContains(t, err, "2 columns for data of 3")
	_, _, err = MeasureTransform([]string{"log"}, nil, p)
	require.ErrorContains(t, err, "softlog")

	// One value that decides is told, and why equal values leave no index.
	one := append(studentColumn(2000, 8), 1e6)
	for name, c := range map[string]struct {
		x    []float64
		want []string
	}{
		"an outlier": {one, []string{"the index rests on one value, 1e+06: without it it is"}},
		"clipped":    {clipped(studentColumn(4000, 2), 9), []string{"below: the outermost", "above: the outermost", "values all equal 9, a bound"}},
		"far":        {scaledBy(one, 0x1p900), []string{"rests on one value, 8.45271e+276"}},
		"heavy":      {studentColumn(2000, 1.2), nil},
	} {
		_, notes, err := MeasureTransform([]string{TTF}, nil, columnOf(c.x...))
		require.NoError(t, err)
		text := strings.Join(notes, "\n")
		for _, w := range c.want {
			require.Contains(t, text, w, name)
		}
		if c.want == nil {
			require.Len(t, notes, 1, name)
		}
	}

	far := columnOf(0, 1, 2, 3, 4, 1e300)
	far.Bent = func(int) bool { return true }
	_, _, err = MeasureScaling(Robust, far)
	require.NoError(t, err, "a value that a transform draws in")
}

func clipped(x []float64, at float64) []float64 {
	for i, v := range x {
		x[i] = min(max(v, -at), at)
	}
	return x
}

func scaledBy(x []float64, by float64) []float64 {
	out := slices.Clone(x)
	for i := range out {
		out[i] *= by
	}
	return out
}

func TestTransformInRecipes(t *testing.T) {
	good := fitted(t, "toy", 2)
	require.NotContains(t, string(good.JSON()), "transform", "a recipe without one is what it was")
	good.Data.Transform = []Transform{{Kind: SoftLog}, {TTF, 0.25, 0.5}}
	text := string(good.JSON())
	back, err := Parse([]byte(text))
	require.NoError(t, err)
	require.Equal(t, text, string(back.JSON()))
	clone := good.Clone()
	clone.Data.Transform[0].Kind = None
	require.Equal(t, SoftLog, good.Data.Transform[0].Kind, "a copy")
	for from, to := range map[string]string{`"softlog"`: `"log"`, `"lower":0.25`: `"lower":-0.25`, `"upper":0.5`: `"upper":11`, `{"kind":"softlog"},`: ``, `{"kind":"softlog"}`: `{"kind":"softlog","lower":1}`} {
		require.Contains(t, text, from)
		_, err := Parse([]byte(strings.Replace(text, from, to, 1)))
		require.ErrorContains(t, err, "transform", fmt.Sprint(from, to))
	}
	images := fitted(t, "fashion", 28, 28, 1)
	images.Data.Transform = slices.Repeat([]Transform{{Kind: Asinh}}, 28)
	require.ErrorContains(t, images.Validate(), "points")
}
