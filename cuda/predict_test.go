package cuda_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda"
	"heavytail/cuda/cudatest"
	"heavytail/cuda/emu"
	"heavytail/nn"
	"heavytail/stable"
	"heavytail/tensor"
)

// What an H100 SXM can do at most: NVIDIA's numbers. docs/cuda.md has the formula.
const (
	sms       = 132
	clockHz   = 1.98e9
	dramBytes = 3.35e12
	l2Bytes   = 5.5e12
)

// A pipe cost: instructions issued, and cycles of a scheduler's pipes for a warp.
type cost struct{ issue, fma, alu, f64, xu, tensor float64 }

// costOf says what a warp instruction of PTX becomes on capability 9.0: the rates are
// those of the CUDA programming guide, the expansions of division and root are
// counted in what ptxas makes of them, on the path that ordinary numbers take.
func costOf(op string) cost {
	is := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(op, w) })
	}
	wide := strings.HasSuffix(op, "64")
	switch {
	case is("div.rn.f32", "sqrt.rn.f32"):
		return cost{issue: 10, fma: 6, alu: 2, xu: 8}
	case is("div.rn.f64", "sqrt.rn.f64"):
		return cost{issue: 16, f64: 20, alu: 4, xu: 8}
	case is("div.", "rem."):
		return cost{issue: 22, fma: 16, alu: 20, xu: 8}
	case is("ex2", "lg2", "rcp", "rsqrt"):
		return cost{issue: 1, xu: 8}
	case is("cvt") && strings.Contains(op, "64"):
		return cost{issue: 1, xu: 8}
	case is("fma.rn.f64", "add.rn.f64", "sub.rn.f64", "mul.rn.f64", "setp") && strings.HasSuffix(op, "f64"):
		return cost{issue: 1, f64: 2}
	case is("fma.rn.f32", "add.rn.f32", "sub.rn.f32", "mul.rn.f32"):
		return cost{issue: 1, fma: 1}
	case is("mul.", "mad."):
		return cost{issue: 1, fma: 2}
	case is("mma."): // 512 multiply-adds of bfloat16 a cycle, of which mma.sync is said to reach 62 %
		return cost{issue: 1, tensor: 4 / 0.62}
	case is("ld.", "st.", "cp.async", "shfl", "bar", "bra", "ret", "ldmatrix"):
		return cost{issue: 1}
	case is("mov", "cvta"):
		return cost{} // mostly renamed away
	case wide:
		return cost{issue: 2, alu: 4}
	}
	return cost{issue: 1, alu: 2}
}

// reuses says that blocks read the same operands, which the second-level cache holds;
// others take theirs from memory.
func reuses(entry string) bool {
	return slices.ContainsFunc([]string{"sgemm", "sconv", "sany", "wgrad", "attention", "mma"}, func(p string) bool { return strings.HasPrefix(entry, p) })
}

// seconds is the least time of a launch on the GPU, whose blocks are like one. The warps
// of a processor's blocks are on as many of its four schedulers as there are warps.
func seconds(entry string, grid [3]uint32, st *emu.Stats) float64 {
	var c cost
	shuffles := 0.0
	for op, n := range st.Issued {
		k, n := costOf(op), float64(n)
		c = cost{c.issue + n*k.issue, c.fma + n*k.fma, c.alu + n*k.alu, c.f64 + n*k.f64, c.xu + n*k.xu, c.tensor + n*k.tensor}
		if strings.HasPrefix(op, "shfl") {
			shuffles += n
		}
	}
	sectors := float64(st.GlobalSectors)
	moved := float64(st.SharedWavefronts) + sectors/4 + shuffles
	all := int(grid[0] * grid[1] * grid[2])
	rounds := (all + sms - 1) / sms
	busy := float64(min(4, rounds*st.Warps))
	cycles := max(max(c.issue, c.fma, c.alu, c.f64, c.xu, c.tensor)/busy, moved)
	rate := dramBytes
	if reuses(entry) {
		rate = l2Bytes
	}
	return max(float64(rounds)*cycles/clockHz, float64(all)*sectors*32/rate)
}

// A prediction is the sum of the least times of what was launched.
type prediction struct {
	seconds  float64
	launches int
	by       map[string]float64
}

// predict runs f on a device that samples its launches.
func predict(t *testing.T, m cuda.Mode, f func(d *cuda.Device) func()) prediction {
	t.Helper()
	p := prediction{by: map[string]float64{}}
	on := false
	drv := cudatest.New(cudatest.Config{Memory: 16 << 30, Seed: 1, Processors: sms, Sampled: func(entry string, grid [3]uint32, st *emu.Stats) {
		if !on {
			return
		}
		s := seconds(entry, grid, st)
		p.seconds += s
		p.launches++
		p.by[entry] += s
	}})
	d, err := cuda.New(drv, cuda.Options{Mode: m})
	require.NoError(t, err)
	defer d.Close()
	run := f(d)
	run() // makes what is kept: weights in other orders
	on = true
	run()
	require.NoError(t, d.Sync())
	return p
}

// The predictions of docs/cuda.md; those of networks, which take minutes, with
// HEAVYTAIL_EXHAUSTIVE only. What is checked is that the formula agrees with what is
// known without it: a product cannot beat the multipliers' peak, and is to come
// within the share of its instructions that multiply; a copy moves at memory's speed.
func TestPredictions(t *testing.T) {
	const depth = 512
	product := predict(t, cuda.Exact, func(d *cuda.Device) func() {
		y, x, w := d.New(4096, 4096), d.New(4096, depth), d.New(depth, 4096)
		return func() { d.Linear(y, x, w, nil) }
	})
	tflops := 2 * 4096.0 * 4096 * depth / product.seconds / 1e12
	t.Logf("product of 4096, 4096 and 512: %.3g ms, %.3g TFLOP/s, %d launches", product.seconds*1e3, tflops, product.launches)
	require.Less(t, tflops, sms*128*2*clockHz/1e12)
	require.Greater(t, tflops, 45.0)

	const n = 1 << 20
	add := predict(t, cuda.Exact, func(d *cuda.Device) func() {
		y, x := d.New(n), d.New(n)
		return func() { d.Add(y, x, x) }
	})
	t.Logf("sum of 2^20: %.3g µs", add.seconds*1e6)
	require.InEpsilon(t, 12*n/dramBytes, add.seconds, 0.02)
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") == "" {
		return
	}
	t.Run("kernels", predictKernels)
	for _, c := range []struct {
		name  string
		batch int
		train bool
		mode  cuda.Mode
	}{{"mnist", 1, false, cuda.Exact}, {"mnist", 64, false, cuda.Exact}, {"cifar10_lt", 1, false, cuda.Exact}, {"cifar10_lt", 64, false, cuda.Exact},
		{"mnist", 64, true, cuda.Exact}, {"mnist", 64, true, cuda.BF16}, {"mnist", 64, true, cuda.TF32}} {
		t.Run(fmt.Sprintf("%s %d %v %v", c.name, c.batch, c.train, c.mode), func(t *testing.T) { predictNet(t, c.name, c.batch, c.train, c.mode) })
	}
}

func predictKernels(t *testing.T) {
	print := func(name string, p prediction) { t.Logf("| %s | %.4g |%s", name, p.seconds*1e6, p.shares()) }
	print("GroupNorm and SiLU, 128 channels at 32²", predict(t, cuda.Exact, func(d *cuda.Device) func() {
		x, y, g, b, st := d.New(64, 32, 32, 128), d.New(64, 32, 32, 128), d.New(128), d.New(128), d.New(64, 256)
		return func() { d.GroupNorm(y, x, g, b, nil, st, tensor.NormOpt{Groups: 32, Eps: 1e-5, SiLU: true}) }
	}))
	for _, tokens := range []int{64, 256} {
		print(fmt.Sprintf("attention, 4 heads of 64, %d tokens", tokens), predict(t, cuda.Exact, func(d *cuda.Device) func() {
			y, qkv := d.New(64, tokens, 256), d.New(64, tokens, 768)
			return func() { d.Attention(y, qkv, 4) }
		}))
	}
	for _, f := range []struct {
		name   string
		family stable.Family
	}{{"normal", stable.NormalFamily(1)}, {"symmetric stable, α 1.7", stable.SymmetricFamily(1.7)}} {
		const n = 1 << 24
		p := predict(t, cuda.Exact, func(d *cuda.Device) func() {
			x := d.New(n)
			return func() { d.Noise(x, stable.Key{Seed: 1}, f.family, 0) }
		})
		t.Logf("| 2^24 variates, %s | %.4g | %.4g G/s", f.name, p.seconds*1e6, n/p.seconds/1e9)
	}
	for _, s := range []struct{ h, c int }{{4, 256}, {8, 256}, {16, 256}} {
		print(fmt.Sprintf("upsampled conv 3×3, %d→%d at %d²", s.c, s.c, s.h), predict(t, cuda.Exact, func(d *cuda.Device) func() {
			x, y, w, b := d.New(64, s.h, s.h, s.c), d.New(64, 2*s.h, 2*s.h, s.c), d.New(3, 3, s.c, s.c), d.New(s.c)
			return func() { d.Conv2D(y, x, w, b, nil, tensor.ConvOpt{Up: true}) }
		}))
	}
	for _, s := range []struct{ h, c, o, k, stride int }{{32, 128, 128, 3, 1}, {16, 256, 256, 3, 1}, {8, 256, 256, 3, 1}, {32, 128, 128, 3, 2}, {32, 384, 128, 1, 1}} {
		for _, normalized := range []bool{false, true} {
			if normalized && (s.k != 3 || s.stride != 1) {
				continue
			}
			opt := tensor.ConvOpt{Stride: s.stride, Normalized: normalized}
			out, name := s.h/s.stride, fmt.Sprintf("conv %d×%d/%d, %d→%d at %d², normalised %v", s.k, s.k, s.stride, s.c, s.o, s.h, normalized)
			print(name, predict(t, cuda.Exact, func(d *cuda.Device) func() {
				x, y, w, b := d.New(64, s.h, s.h, s.c), d.New(64, out, out, s.o), d.New(s.k, s.k, s.c, s.o), d.New(s.o)
				return func() { d.Conv2D(y, x, w, b, nil, opt) }
			}))
			print(name+", backward", predict(t, cuda.Exact, func(d *cuda.Device) func() {
				x, y, w := d.New(64, s.h, s.h, s.c), d.New(64, out, out, s.o), d.New(s.k, s.k, s.c, s.o)
				dx, dw, db := d.New(64, s.h, s.h, s.c), d.New(s.k, s.k, s.c, s.o), d.New(s.o)
				return func() { d.Conv2DBackward(dx, dw, db, y, x, w, opt) }
			}))
		}
	}
}

func predictNet(t *testing.T, name string, batch int, training bool, m cuda.Mode) {
	cfg, err := nn.Preset(name)
	require.NoError(t, err)
	p := predict(t, m, func(d *cuda.Device) func() {
		net, err := nn.New(d, cfg)
		require.NoError(t, err)
		shape := net.SampleShape()
		if shape[0] == 0 {
			shape[0], shape[1] = 32, 32
		}
		ws, err := net.NewWorkspace(batch, shape[0], shape[1], training)
		require.NoError(t, err)
		x, times := d.New(append([]int{batch}, shape...)...), make([]float32, batch)
		if !training {
			return func() { net.Forward(ws, x, times, nil) }
		}
		opt := nn.NewAdamW(net.Params())
		return func() {
			net.Params().ZeroGrad()
			net.Forward(ws, x, times, nil)
			net.Backward(ws, x)
			_, _ = opt.Update(1e-3, 1) // gradients of samples of blocks are no gradients
		}
	})
	t.Logf("| %s, batch %d, training %v, %v | %d | %.4g ms |%s", name, batch, training, m, p.launches, p.seconds*1e3, p.shares())
}

// shares lists the kernels that take most, in µs.
func (p prediction) shares() string {
	kinds := slices.SortedFunc(maps.Keys(p.by), func(a, b string) int { return cmp.Compare(p.by[b], p.by[a]) })
	var s strings.Builder
	for _, k := range kinds[:min(12, len(kinds))] {
		fmt.Fprintf(&s, " %s %.4g", k, p.by[k]*1e6)
	}
	return s.String()
}
