package ptx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/simd"
	"heavytail/tensor"
)

// upForm is the convolution of x, doubled, by w in the form of simd.WinoUp, + bias + res:
// transforms of pixels and of products by package simd, sums of taps by conv.UpTaps and
// for every point a chain over the channels ascending.
func upForm(x, w *tensor.Tensor, bias []float32, res *tensor.Tensor) []float32 {
	n, h, wd, c, o := x.Dim(0), x.Dim(1), x.Dim(2), x.Cols(), w.Cols()
	in := simd.WinoIn{X: x.Data(), Zero: make([]float32, c), C: c, Pitch: (c + 15) &^ 15}
	out := simd.WinoOut{C: make([]float32, n*4*h*wd*o)}
	for t := range n * conv.Tiles(h, wd, conv.Up) {
		tile := t % conv.Tiles(h, wd, conv.Up)
		py, qy := conv.TileAt(tile/conv.Along(wd, conv.Up), conv.Up)
		px, qx := conv.TileAt(tile%conv.Along(wd, conv.Up), conv.Up)
		image := t / conv.Tiles(h, wd, conv.Up)
		in.Off = append(in.Off, places(image, py, px, 3, h, wd, x.Pitch())...)
		out.COff = append(out.COff, places(image, qy, qx, 4, 2*h, 2*wd, o)...)
		if res != nil {
			out.ROff = append(out.ROff, places(image, qy, qx, 4, 2*h, 2*wd, res.Pitch())...)
		}
		in.N++
	}
	in.V = make([]float32, in.N*conv.UpMats*in.Pitch)
	in.Run(simd.WinoUp)

	y, u := out.C, upTaps(w.Data(), c*o)
	out.N, out.M = in.N, make([]float32, in.N*conv.UpMats*simd.TileCols)
	for first := 0; first < o; first += simd.TileCols {
		out.Cols = min(simd.TileCols, o-first)
		for i := range in.N * conv.UpMats * out.Cols {
			k, row := i%out.Cols, i/out.Cols
			sum := float32(0)
			for ch, v := range in.V[row*in.Pitch:][:c] {
				sum = simd.FMA(v, u[row%conv.UpMats][ch*o+first+k], sum)
			}
			out.M[row*simd.TileCols+k] = sum
		}
		out.C = y[first:]
		if bias != nil {
			out.Bias = bias[first:]
		}
		if res != nil {
			out.Res = res.Data()[first:]
		}
		out.Run(simd.WinoUp)
	}
	return y
}

// places are where the pixels of a square of an image lie that begins at (y, x), −1 for
// those outside.
func places(image, y, x, side, h, w, pitch int) (off []int32) {
	for i := range side * side {
		r, s, at := y+i/side, x+i%side, int32(-1)
		if r >= 0 && r < h && s >= 0 && s < w {
			at = int32(((image*h+r)*w + s) * pitch)
		}
		off = append(off, at)
	}
	return off
}

// upTaps are the sums of taps, nine matrices of so many elements at w: down the columns,
// then along the rows, in ascending order.
func upTaps(w []float32, elements int) (u [conv.UpMats][]float32) {
	for i := range u {
		top, bottom := conv.UpTaps(i / 5)
		left, right := conv.UpTaps(i % 5)
		for e := range elements {
			var sum float32
			for s := left; s < right; s++ {
				column := w[(3*top+s)*elements+e]
				for r := top + 1; r < bottom; r++ {
					column += w[(3*r+s)*elements+e]
				}
				if s > left {
					column = sum + column
				}
				sum = column
			}
			u[i] = append(u[i], sum)
		}
	}
	return u
}

// The form of an upsampled convolution: images of even and odd sides and of one column,
// any channels at any pitch, with bias and residual, all tiles at once and in pieces.
func TestWinogradUp(t *testing.T) {
	taps3, double := cpu.New(3, 3, 1, 1), tensor.ConvOpt{Up: true}
	for i, c := range []struct{ n, h, w, c, o, gap int }{
		{2, 4, 6, 8, 12, 0}, {3, 5, 4, 9, 5, 3}, {1, 7, 9, 16, 33, 1}, {2, 26, 1, 8, 4, 4}, {3, 13, 12, 8, 8, 0}, {1, 1, 27, 12, 36, 0},
	} {
		what := fmt.Sprintf("%+v", c)
		require.Equal(t, conv.Up, conv.Winograd(c.h, c.w, c.c, taps3, double), what)
		g := &gpu{t: t}
		s := g.stream(int64(i))
		s.Cache = (i + 1) % 2 // 1: as few tiles at a time as there may be
		x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
		w := random(9*c.c*c.o, 2)
		var bias []float32
		var res plan.Image
		var rt *tensor.Tensor
		at := uint64(0)
		if i != 1 {
			bias = random(c.o, 3)
			res, rt = g.image(c.n, 2*c.h, 2*c.w, c.o, c.gap, 4)
			at = g.put(bias)
		}
		want := upForm(xt, onCPU(w, 3, 3, c.c, c.o), bias, rt)
		y, got := g.space(c.n, 2*c.h, 2*c.w, c.o, c.gap)
		u := g.room(conv.UpMats * c.c * c.o)
		s.WinogradTaps(conv.Up, u, g.put(w), c.c, c.o, false)
		pieces := ran["winoup_in"]
		s.Winograd(conv.Up, y, x, u, at, res, g.room(s.WinogradRoom(conv.Up, y, x)))
		if i == 4 {
			require.Greater(t, ran["winoup_in"], pieces+1, what)
		}
		same(t, want, got(), "%s", what)
	}
}

// tryWinogradUp runs one image.
func tryWinogradUp(g *gpu, k *emu.Kernel, seed int64) error {
	const h, w, c, o = 5, 4, 8, 4
	x, xt := g.image(1, h, w, c, 0, 1)
	res, rt := g.image(1, 2*h, 2*w, o, 0, 3)
	taps := random(9*c*o, 2)
	want := onCPU(upForm(xt, onCPU(taps, 3, 3, c, o), nil, rt), 1, 2*h, 2*w, o)
	y, got := g.space(1, 2*h, 2*w, o, 0)
	return g.compare(k, seed, want, got, func(s *plan.Stream) {
		u := g.room(conv.UpMats * c * o)
		s.WinogradTaps(conv.Up, u, g.put(taps), c, o, false)
		s.Winograd(conv.Up, y, x, u, 0, res, g.room(s.WinogradRoom(conv.Up, y, x)))
	})
}

// upMutants break the kernels of upsampled convolutions.
var upMutants = []mutant{
	{"a row below the last is read", "winoup_in", "winoup_in", tryWinogradUp, nth("setp.lt.and.u32", "setp.le.and.u32", 8)},
	{"a column behind the last is read", "winoup_in", "winoup_in", tryWinogradUp, nth("setp.lt.and.u32", "setp.le.and.u32", 2)},
	{"tiles four pixels apart", "winoup_in", "winoup_in", tryWinogradUp, each(`mul\.lo\.u32 (%r\d+), (%r\d+), 2;`, "mul.lo.u32 $1, $2, 4;")},
	{"pixels from the tile's own on", "winoup_in", "winoup_in", tryWinogradUp, each(`sub\.s32 (%r\d+), (%r\d+), 1;`, "sub.s32 $1, $2, 0;")},
	{"a difference to the pixel itself", "winoup_in", "winoup_in", tryWinogradUp, nth("sub.rn.f32", "add.rn.f32", 5)},
	{"two taps for three", "winoup_taps", "winoup_taps", tryWinogradUp, each(`(add\.rn\.f32 (%f\d+), %f\d+, %f\d+;\s+)add\.rn\.f32 (%f\d+), %f\d+, %f\d+;(\s+add)`, "${1}mov.f32 $3, $2;$4")},
	{"rows in reverse order", "winoup_taps", "winoup_taps", tryWinogradUp, each(`setp\.ne\.u32`, "setp.eq.u32")},
	{"outputs beyond the image", "winoup_out", "winoup_out", tryWinogradUp, each(`setp\.lt\.and\.u32`, "setp.le.and.u32")},
	{"outputs from the tile's own on", "winoup_out", "winoup_out", tryWinogradUp, each(`sub\.s32 (%r\d+), (%r\d+), 1;`, "sub.s32 $1, $2, 0;")},
	{"tiles two outputs apart", "winoup_out", "winoup_out", tryWinogradUp, each(`mul\.lo\.u32 (%r\d+), (%r\d+), 4;`, "mul.lo.u32 $1, $2, 2;")},
	{"a difference with the other sign", "winoup_out", "winoup_out", tryWinogradUp, nth("add.rn.f32", "sub.rn.f32", 0)},
}
