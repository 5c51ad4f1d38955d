package ptx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/plan"
	"heavytail/internal/conv"
	"heavytail/tensor"
)

// Winograd's forms, where the CPU takes them: forwards with bias and residual, and
// the gradient at the input.
func TestWinograd(t *testing.T) {
	taps3, normalized := cpu.New(3, 3, 1, 1), tensor.ConvOpt{Normalized: true}
	for i, c := range []struct{ n, h, w, c, o, gap, form int }{
		{2, 7, 6, 8, 12, 0, 2}, {7, 9, 8, 8, 5, 3, 2}, {1, 3, 13, 13, 8, 1, 2},
		{1, 14, 15, 32, 36, 0, 4}, {2, 15, 14, 32, 33, 2, 4}, {1, 9, 13, 52, 50, 4, 4},
	} {
		what := fmt.Sprintf("%+v", c)
		require.Equal(t, c.form, conv.Winograd(c.h, c.w, c.c, taps3, normalized), what)
		g, opt := &gpu{t: t}, normalized
		s := g.stream(int64(i))
		s.Cache = i % 2 // 1: as few tiles at a time as there may be
		x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
		w, bias := random(9*c.c*c.o, 2), random(c.o, 3)
		wt := onCPU(w, 3, 3, c.c, c.o)
		res, rt := g.image(c.n, c.h, c.w, c.o, c.gap, 4)
		want := cpu.New(c.n, c.h, c.w, c.o)
		cpu.Conv2D(want, xt, wt, onCPU(bias, c.o), rt, opt)
		y, got := g.space(c.n, c.h, c.w, c.o, c.gap)
		points := (c.form + 2) * (c.form + 2)
		u, taps := g.room(points*c.c*c.o), g.put(w)
		s.WinogradTaps(c.form, u, taps, c.c, c.o, false)
		s.Winograd(c.form, y, x, u, g.put(bias), res, g.room(s.WinogradRoom(c.form, y, x)))
		same(t, dense(want), got(), "%s", what)

		if c.form = conv.Winograd(c.h, c.w, c.o, taps3, normalized); c.form == 0 {
			continue
		}
		back := cpu.New(c.n, c.h, c.w, c.c)
		cpu.Conv2DBackward(back, cpu.New(3, 3, c.c, c.o), nil, rt, xt, wt, opt)
		turned, u := g.room(9*c.c*c.o), g.room((c.form+2)*(c.form+2)*c.c*c.o)
		s.Transpose(turned, taps, 9, c.c, c.o)
		s.WinogradTaps(c.form, u, turned, c.o, c.c, true)
		dx, gotX := g.space(c.n, c.h, c.w, c.c, c.gap)
		s.Winograd(c.form, dx, res, u, 0, plan.Image{}, g.room(s.WinogradRoom(c.form, dx, res)))
		same(t, dense(back), gotX(), "gradient %s", what)
	}
}

// The gradient of a weight in Winograd's forms goes on from what it held, of any sizes
// and at any pitch, in groups of images and of an image's tiles.
func TestWinogradWeights(t *testing.T) {
	normalized := tensor.ConvOpt{Normalized: true}
	for i, c := range []struct{ n, h, w, c, o, gap, cache, form int }{
		{11, 6, 6, 9, 5, 0, 0, 2}, {11, 6, 6, 8, 4, 1, 50 << 10, 2}, {2, 7, 9, 36, 33, 4, 0, 2}, {2, 6, 7, 10, 68, 0, 1, 2},
		{2, 14, 15, 9, 20, 3, 0, 4}, {3, 15, 14, 8, 1, 0, 1, 4}, {1, 66, 65, 8, 3, 0, 1, 4},
	} {
		what := fmt.Sprintf("%+v", c)
		dw := random(9*c.c*c.o, 3)
		want := onCPU(dw, 3, 3, c.c, c.o)
		require.Equal(t, c.form, conv.WinogradWeight(c.h, c.w, want, normalized), what)
		for seed := range int64(2) {
			g := &gpu{t: t}
			x, xt := g.image(c.n, c.h, c.w, c.c, c.gap, 1)
			dy, dyt := g.image(c.n, c.h, c.w, c.o, c.gap, 2)
			if seed == 0 {
				cpu.Conv2DBackward(nil, want, nil, dyt, xt, cpu.New(3, 3, c.c, c.o), normalized)
			} else if i > 1 {
				break // some shapes in several orders
			}
			s, at := g.stream(int64(i)+5*seed), g.put(dw)
			s.Cache = c.cache
			s.WinogradWeights(c.form, at, dy, x, g.room(s.WinogradWeightsRoom(c.form, dy, x)))
			same(t, dense(want), g.floats(at, len(dw)), "%s", what)
		}
	}
}
