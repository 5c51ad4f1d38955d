package ptx

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/internal/dmath"
	"heavytail/tensor"
)

// filter runs the kernel of a resampling, or of its gradient, from x [N,h,w,C] in
// rows of pitch to y [N,oh,ow,C].
func (g *gpu) filter(k *emu.Kernel, y, x uint64, N, C, h, w, oh, ow, pitchY, pitchX int, opt tensor.ResampleOpt, seed int64) error {
	var f [4]float32
	half := flag(opt.Up || opt.Stride == 2)
	n := copy(f[:], opt.Taps)
	count := N * oh * ow * C
	l := launch(up(count, 256), 1, 256, 0, seed)
	l.Params = pack(g.t, k, y, x, count, C, h, w, oh, ow, pitchY, pitchX, half, opt.Pad, n, f[0], f[1], f[2], f[3])
	_, err := k.Run(&g.m, l)
	return err
}

var resampleNames = map[bool]string{false: "resample_gather", true: "resample_spread"}

// Filters of one to four taps that halve, double and keep the size, with outputs
// that no tap, or only some, meet; and their gradients.
func TestResample(t *testing.T) {
	taps := []float32{0.4, -1.1, 0.3, 0.7}
	for i, opt := range []tensor.ResampleOpt{
		{Taps: taps[:2], Stride: 2}, {Taps: taps, Stride: 2, Pad: 1}, {Taps: taps[:1], Up: true}, {Taps: taps, Up: true, Pad: 1},
		{Taps: taps[:3], Pad: 1}, {Taps: taps[1:2], Pad: 2}, {Taps: taps[:3], Stride: 2, Pad: 3}, {Taps: taps[:2], Up: true, Pad: 0},
	} {
		const N, h, w, C = 2, 5, 4, 3
		oh, ow := opt.Out(h), opt.Out(w)
		pitch := C + i%2
		x, dy := odd(random(N*h*w*pitch, 1)), random(N*oh*ow*pitch, 2)
		views := func(x []float32, h, w int) (*tensor.Tensor, []float32) {
			return onCPU(x, N, h, w, pitch).Columns(0, C), x
		}
		tx, _ := views(x, h, w)
		y, _ := views(make([]float32, N*oh*ow*pitch), oh, ow)
		tdy, _ := views(dy, oh, ow)
		dx, _ := views(make([]float32, N*h*w*pitch), h, w)
		cpu.Resample(y, tx, opt)
		cpu.ResampleBackward(dx, tdy, opt)
		g := &gpu{t: t}
		pY, pDX := g.put(make([]float32, N*oh*ow*pitch)), g.put(make([]float32, N*h*w*pitch))
		kernels := parsed(t, "resample").Kernels
		require.NoError(t, g.filter(kernels[resampleNames[opt.Up]], pY, g.put(x), N, C, h, w, oh, ow, pitch, pitch, opt, int64(i)))
		require.NoError(t, g.filter(kernels[resampleNames[!opt.Up]], pDX, g.put(dy), N, C, oh, ow, h, w, pitch, pitch, opt, int64(i)))
		got, _ := views(g.floats(pY, N*oh*ow*pitch), oh, ow)
		same(t, values(cpu, y), values(cpu, got), "y %+v", opt)
		got, _ = views(g.floats(pDX, N*h*w*pitch), h, w)
		same(t, values(cpu, dx), values(cpu, got), "dx %+v", opt)
	}
}

func tryResample(spread bool) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		const h, C = 6, 5
		opt := tensor.ResampleOpt{Taps: []float32{0.4, -1.1, 0.3, 0.7}, Stride: 2, Pad: 1}
		if spread {
			opt = tensor.ResampleOpt{Taps: opt.Taps, Up: true, Pad: 1}
		}
		o := opt.Out(h)
		x, y := random(h*h*C, 1), cpu.New(1, o, o, C)
		cpu.Resample(y, onCPU(x, 1, h, h, C), opt)
		c := g.room(o * o * C)
		if err := g.filter(k, c, g.put(x), 1, C, h, h, o, o, C, C, opt, seed); err != nil {
			return err
		}
		return wrong(g, c, y.Data()[:o*o*C])
	}
}

// wrong compares a result bit by bit; a NaN is as good as another.
func wrong(g *gpu, at uint64, want []float32) error {
	for i, v := range g.floats(at, len(want)) {
		if w := want[i]; math.Float32bits(v) != math.Float32bits(w) && (w == w || v == v) {
			return fmt.Errorf("element %d is wrong", i)
		}
	}
	return nil
}

// timesteps runs the kernel on times.
func (g *gpu) timesteps(k *emu.Kernel, at uint64, pitch int, times []float32, d int, opt tensor.TimeOpt) error {
	half := d / 2
	freq := make([]float64, half)
	for i := range freq {
		freq[i] = dmath.Exp(-9.210340371976184 * float64(i) / float64(half-opt.Shift))
	}
	n := len(times) * half
	l := launch(up(n, 256), 1, 256, 0, 1)
	l.Params = pack(g.t, k, at, pitch, g.put(times), g.put(freq), n, half, opt.Scale, flag(opt.SinFirst))
	_, err := k.Run(&g.m, l)
	return err
}

// Embeddings of times in both orders, shifted and not, of angles of every size and
// sign, and of angles half a period apart, where rounding decides.
func TestTimestepEmbedding(t *testing.T) {
	times := []float32{0, 1, 999, -3.7, 1e7, float32(math.NaN()), math.Pi, -math.Pi, 1e-30, float32(math.Inf(1))}
	for x := float32(1); x < 30; x *= 1.3 {
		times = append(times, x, -x)
	}
	for _, opt := range []tensor.TimeOpt{{Scale: 1}, {Scale: 1000, SinFirst: true, Shift: 1}, {Scale: -0.25, Shift: 1}} {
		const d, pitch = 18, 20
		y := cpu.New(len(times), d)
		cpu.TimestepEmbedding(y, times, opt)
		g := &gpu{t: t}
		at := g.put(make([]float32, len(times)*pitch))
		require.NoError(t, g.timesteps(parsed(t, "timestep").Kernels["timestep"], at, pitch, times, d, opt))
		got := onCPU(g.floats(at, len(times)*pitch), len(times), pitch).Columns(0, d)
		same(t, values(cpu, y), values(cpu, got), "%+v", opt)
	}
}

func tryTimestep(g *gpu, k *emu.Kernel, _ int64) error {
	times, opt := []float32{3, 700, -12}, tensor.TimeOpt{Scale: 1}
	y, c := cpu.New(3, 16), g.room(48)
	cpu.TimestepEmbedding(y, times, opt)
	if err := g.timesteps(k, c, 16, times, 16, opt); err != nil {
		return err
	}
	return wrong(g, c, y.Data()[:48])
}
