package ptx

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/internal/dmath"
	"heavytail/simd"
	"heavytail/stable"
)

// exponent are Expo, ExpoHi and ExpoLo of a power, as package stable forms them.
func exponent(num, den float64) (q simd.Noise64Params) {
	q.Expo = num / den
	q.ExpoHi = math.Float64frombits(math.Float64bits(q.Expo) &^ (1<<12 - 1))
	q.ExpoLo = (q.Expo - q.ExpoHi) + math.FMA(-q.Expo, den, num)/den
	return q
}

func symmetric64(alpha float64) (string, simd.Noise64Op, simd.Noise64Params, []any) {
	q := exponent(1-alpha, alpha)
	q.Bias, q.A, q.K = q.Expo*0.5287663729448977, -alpha, alpha/2
	name, op := "symmetric64_low", simd.Noise64SymmetricLow
	if alpha > 1 {
		name, op, q.A, q.K = "symmetric64_high", simd.Noise64SymmetricHigh, alpha-1, 1-alpha/2
	}
	return name, op, q, []any{q.A, q.K, q.ExpoHi, q.Expo, q.ExpoLo, q.Bias}
}

func skewed64(alpha, beta float64, s0 bool) (string, simd.Noise64Op, simd.Noise64Params, []any) {
	q := exponent(1-alpha, alpha)
	q.Eps, q.HalfEps, q.InvAlpha = 1-alpha, (1-alpha)/2, 1/alpha
	cot, kappa := math.Inf(1), 2/math.Pi
	q.InvSin = 2 / math.Pi
	if q.Eps != 0 {
		cot = 1 / math.Tan(math.Pi*q.HalfEps)
		kappa, q.InvSin = q.Eps*cot, q.Eps/math.Sin(math.Pi*q.HalfEps)
	}
	if math.Abs(q.Eps) >= 0x1p-12 {
		q.InvEps = 1 / q.Eps
	}
	q.Bp, q.Bm, q.Kp = (1+beta)*kappa, (1-beta)*kappa, beta*kappa
	q.Lo, q.Hi = math.Inf(-1), math.Inf(1)
	name, op, end := "skewed64_s0", simd.Noise64SkewedS0, -beta*cot
	if !s0 {
		name, op, end, q.Kp = "skewed64_s1", simd.Noise64SkewedS1, 0, beta*cot
	}
	q.Km = -q.Kp
	if alpha < 1 && beta == 1 {
		q.Lo = end
	} else if alpha < 1 && beta == -1 {
		q.Hi = end
	}
	return name, op, q, []any{q.ExpoHi, q.Expo, q.ExpoLo, q.Bias, q.Eps, q.HalfEps, q.InvSin, q.Bp, q.Bm, q.Kp, q.Km, q.InvAlpha, q.InvEps, q.Lo, q.Hi}
}

func student64(nu float64) (string, simd.Noise64Op, simd.Noise64Params, []any) {
	q := exponent(-1, nu)
	q.Nu = nu
	return "student64", simd.Noise64StudentT, q, []any{q.ExpoHi, q.Expo, q.ExpoLo, q.Bias, q.Nu}
}

// Every float64 family gives the bits of simd.Noise64.
func TestNoise64(t *testing.T) {
	const blocks, first = 400, 1 << 31
	p := simd.NewPhilox(0x123456789abcdef0, 3, 5, 7)
	seen := map[string]bool{}
	check := func(name string, op simd.Noise64Op, q simd.Noise64Params, extra []any) {
		t.Helper()
		per := 1
		for _, n := range gen.Noises {
			if n.Name == name {
				per = n.Per
			}
		}
		seen[name] = true
		g := &gpu{t: t}
		at := g.m.Alloc(8 * per * blocks)
		params := append([]any{at, blocks, uint32(first), uint32(0x9abcdef0), uint32(0x12345678), 3, 5, 7}, extra...)
		g.run(name, name, launch(up(blocks, 256), 1, 256, 0, 5), params...)
		want := make([]float64, per*blocks)
		simd.Noise64(want, op, &p, first*uint64(per), &q)
		same64(t, want, g.doubles(at, len(want)), "%s %+v", name, q)
	}
	check("uniform64", simd.Noise64Uniform, simd.Noise64Params{}, nil)
	check("exponential64", simd.Noise64Exponential, simd.Noise64Params{}, nil)
	check("normal64", simd.Noise64Normal, simd.Noise64Params{}, nil)
	for _, alpha := range []float64{0.3, 1, 1.5, 2} {
		check(symmetric64(alpha))
	}
	for _, l := range [][2]float64{{0.4, 0.5}, {0.8, 1}, {0.8, -1}, {1, 0.7}, {1.0001, -0.3}, {1.6, 1}, {2, 0}} {
		check(skewed64(l[0], l[1], true))
		if l[0] != 1 {
			check(skewed64(l[0], l[1], false))
		}
	}
	for _, nu := range []float64{0.02, 0.7, 3, 1e9} {
		check(student64(nu))
	}
	for _, n := range gen.Noises {
		require.True(t, seen[n.Name] || !n.Wide, "no test of %s", n.Name)
	}
}

// Skewed variates in S0 next to α = 1 are those of float64, rounded.
func TestSkewedS0(t *testing.T) {
	for _, l := range [][2]float64{{0.5, 1}, {1, 0.7}, {1.0001, -0.3}, {1.5, 0}} {
		const blocks, first = 400, 9
		_, op, q, extra := skewed64(l[0], l[1], true)
		p := simd.NewPhilox(0x123456789abcdef0, 3, 5, 7)
		wide, want := make([]float64, blocks), make([]float32, blocks)
		simd.Noise64(wide, op, &p, first, &q)
		for i, x := range wide {
			want[i] = float32(max(min(x, math.MaxFloat32), -math.MaxFloat32))
		}
		g := &gpu{t: t}
		at := g.room(blocks)
		g.run("skewed_s0", "skewed_s0", launch(up(blocks, 256), 1, 256, 0, 5),
			append([]any{at, blocks, first, uint32(0x9abcdef0), uint32(0x12345678), 3, 5, 7}, extra...)...)
		same(t, want, g.floats(at, blocks), "%v", l)
	}
}

// gammas runs the kernel.
func (g *gpu) gammas(k *emu.Kernel, at uint64, n int, first uint32, q simd.Gamma64Params, seed int64) error {
	l := launch(up(n, 256), 1, 256, 0, seed)
	l.Params = pack(g.t, k, at, n, first, uint32(0x9abcdef0), uint32(0x12345678), 3, 5, 7, q.D, q.C, q.Shape, q.Mul, q.Div, q.Tol)
	_, err := k.Run(&g.m, l)
	return err
}

// Gamma variates of shapes below and above 1, and of one so small that boosts are
// left open.
func TestGamma64(t *testing.T) {
	p := simd.NewPhilox(0x123456789abcdef0, 3, 5, 7)
	for i, shape := range []float64{0.002, 0.3, 1, 2.5, 1e6} {
		const n, first = 700, 1<<26 - 800
		q := simd.NewGamma64Params(shape)
		if i > 2 {
			q.Mul, q.Div = 2, 2*shape
		}
		if i == 1 {
			q.Tol = 0.05 // so wide that attempts are left open
		}
		want := make([]float64, n)
		open := simd.Gamma64(want, &p, first, &q)
		require.Equal(t, i < 2, open > 0, "shape %v: %d open", shape, open)
		g := &gpu{t: t}
		at := g.m.Alloc(8 * n)
		require.NoError(t, g.gammas(parsed(t, "gamma64").Kernels["gamma64"], at, n, first, q, int64(i)))
		same64(t, want, g.doubles(at, n), "shape %v", shape)
	}
}

func tryGamma(g *gpu, k *emu.Kernel, seed int64) error {
	const n = 400
	p := simd.NewPhilox(0x123456789abcdef0, 3, 5, 7)
	q := simd.NewGamma64Params(0.8)
	want, at := make([]float64, n), g.m.Alloc(8*n)
	simd.Gamma64(want, &p, 0, &q)
	if err := g.gammas(k, at, n, 0, q, seed); err != nil {
		return err
	}
	for i, v := range g.doubles(at, n) {
		if v != want[i] {
			return fmt.Errorf("variate %d is %v, want %v", i, v, want[i])
		}
	}
	return nil
}

// Tags of package stable.
const (
	tagNormal     = 4
	tagPositive   = 7
	tagMultiplier = 8
)

// isotropic fills n rows of d in rows of pitch with isotropic noise of samples
// from one on, whose number crosses 2³².
func (g *gpu) isotropic(n, d, pitch int, alpha, most, limit float64) uint64 {
	const seed, sample, step = 0x123456789abcdef0, uint64(1<<32 - 2), 9
	key := []any{uint32(seed & 0xffffffff), uint32(seed >> 32), step, sample}
	root, at := g.room(n), g.put(make([]float32, n*pitch))
	a := alpha / 2
	g.run("isotropic", "multipliers", launch(up(n, 256), 1, 256, 0, 1),
		append(append([]any{root, n}, key...), tagMultiplier, a, 1-a, (1-a)/a, most)...)
	blocks := up(d, 4)
	g.run("isotropic", "normal_rows", launch(up(blocks, 256), n, 256, 0, 1),
		append(append([]any{at, n}, key...), tagNormal, d, pitch, blocks, root, float32(limit))...)
	return at
}

// Isotropic noise of package stable, clamped and not, of sizes that are no
// multiple of a block, down to tail indices at which A overflows.
func TestIsotropic(t *testing.T) {
	const n, d, pitch = 40, 7, 9
	for _, alpha := range []float64{0.02, 0.5, 1, 1.3, 1.95} {
		for _, clamp := range [][2]float64{{}, {3, 0}, {0, 1.5}, {50, 8}} {
			law := stable.Noise{Alpha: alpha, Isotropic: true, ClampA: clamp[0], ClampEps: clamp[1]}
			most, limit := math.Inf(1), float64(math.MaxFloat32)
			if clamp[0] > 0 {
				most = clamp[0]
			}
			if clamp[1] > 0 {
				limit = clamp[1]
			}
			g := &gpu{t: t}
			got := onCPU(g.floats(g.isotropic(n, d, pitch, alpha, most, limit), n*pitch), n, pitch)
			want := make([]float32, n*d)
			for j := range n {
				law.Fill(want[j*d:][:d], stable.Key{Seed: 0x123456789abcdef0, Sample: 1<<32 - 2 + uint64(j), Step: 9})
			}
			same(t, want, values(cpu, got.Columns(0, d)), "%+v", law)
			same(t, make([]float32, 2*n), values(cpu, got.Columns(d, pitch)), "beside, %+v", law)
		}
	}
}

// Noise with one multiplier for each element: normals, roots and their product.
func TestNoiseProduct(t *testing.T) {
	const n = 1024
	for _, alpha := range []float64{0.1, 0.8, 1.7} {
		for _, clamp := range [][2]float64{{}, {3, 1.5}} {
			law := stable.Noise{Alpha: alpha, ClampA: clamp[0], ClampEps: clamp[1]}
			root, limit := float32(math.Inf(1)), float32(math.MaxFloat32)
			if clamp[0] > 0 {
				root, limit = float32(math.Sqrt(clamp[0])), float32(clamp[1])
			}
			want := make([]float32, n)
			law.Fill(want, stable.Key{Seed: 77, Sample: 5, Step: 3})
			g := &gpu{t: t}
			normal, roots, at := g.room(n), g.room(n), g.room(n)
			key := func(tag int) []any { return []any{0, 77, 0, 3, 5, tag << 24} }
			g.run("normal", "normal", launch(1, 1, 256, 0, 1), append(append([]any{normal, n / 4}, key(tagNormal)...), float32(1))...)
			p := positive(alpha/2, 1)
			g.run(p.name, p.name, launch(2, 1, 256, 0, 1), append(append([]any{roots, n / 2}, key(tagPositive)...), p.extra(g)...)...)
			g.run("noise_product", "noise_product_4", launch(1, 1, 256, 0, 1), at, n, normal, n, roots, n, n/4, n/4, root, limit)
			same(t, want, g.floats(at, n), "%+v", law)
		}
	}
}

// The elementary functions of float64 are those of internal/dmath, over the whole
// of the ranges that kernels use.
func TestPowers(t *testing.T) {
	var x, y []float32
	for i := range 400 {
		x = append(x, float32(dmath.Exp(float64(i-200)*0.43)))
		y = append(y, 0)
	}
	x = append(x, 1, math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, float32(math.Sqrt2/2), float32(math.Sqrt2), 0, float32(math.Inf(1)))
	y = append(y, make([]float32, 8)...)
	for _, p := range []float64{-7.5, -1, 0.01, 0.5, 2, 3.3, 7.9} {
		n := len(x)
		want := make([]float32, n)
		for i, v := range x {
			want[i] = float32(dmath.Pow(float64(v), p))
		}
		g := &gpu{t: t}
		at := g.room(n)
		// 1·|x|^p is the gradient of |x|^(p+1)/(p+1)
		g.run("loss_pnorm_backward", "loss_pnorm_backward_4", launch(1, 1, 256, 0, 1), at, n, g.put(x), n, g.put(y), n, n/4, n/4, g.put([]float64{1}), 1, p)
		got := g.floats(at, n)
		want[n-2], got[n-2] = 0, 0 // the gradient at 0 is 0
		same(t, want, got, "p = %v", p)
	}
}
