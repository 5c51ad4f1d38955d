package data

import (
	"context"
	"fmt"

	"heavytail/internal/dmath"
)

// powFrac returns r^(a/b) in float64, the same bits on every machine.
func powFrac(r float64, a, b int) float64 { return dmath.Pow(r, float64(a)/float64(b)) }

// convert brings images to o's channels and size. It returns an error if they take
// too much memory then, before any is taken, or ctx ends.
func (s *Set) convert(ctx context.Context, o Options) error {
	h, w, c := s.Shape[0], s.Shape[1], s.Shape[2]
	oh, ow, oc, each := h, w, c, 4
	if o.Size > 0 {
		oh, ow = o.Size, o.Size
	}
	if o.Channels > 0 {
		oc = o.Channels
	}
	if s.bytes != nil {
		each = 1
	}
	if need := float64(s.Len()) * float64(oh) * float64(ow) * float64(oc) * float64(each); (oh != h || ow != w || oc != c) && need > float64(o.maxBytes()) {
		return fmt.Errorf("%d images of %d×%d pixels and %d channels take %.0f MiB, more than the limit of %d MiB; use a smaller Options.Size", s.Len(), oh, ow, oc, need/(1<<20), o.maxBytes()>>20)
	}
	if oc != c {
		s.bytes, s.floats = recolour(s.bytes, c, oc, luma), recolour(s.floats, c, oc, lumaFloat)
	}
	if oh != h || ow != w {
		s.bytes, s.floats = resized(ctx, s.bytes, h, w, oc, o.Size, weigh), resized(ctx, s.floats, h, w, oc, o.Size, weighFloat)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s.Shape = []int{oh, ow, oc}
	return nil
}

// recolour makes colour of grey by repetition, or grey of colour; nil stays nil.
func recolour[T byte | float32](x []T, from, to int, grey func(r, g, b T) T) []T {
	if x == nil {
		return nil
	}
	n := len(x) / from
	out := make([]T, 0, n*to)
	for i := range n {
		if from == 1 {
			out = append(out, x[i], x[i], x[i])
		} else {
			out = append(out, grey(x[3*i], x[3*i+1], x[3*i+2]))
		}
	}
	return out
}

// Weights of ITU-R 601, in units of 2^-16.
const lumaR, lumaG, lumaB = 19595, 38470, 7471

func luma(r, g, b byte) byte {
	return byte((lumaR*int(r) + lumaG*int(g) + lumaB*int(b) + 1<<15) >> 16)
}

// lumaFloat is luma without rounding to bytes: the products are exact in float64.
func lumaFloat(r, g, b float32) float32 {
	return float32((float64(lumaR*float64(r)) + float64(lumaG*float64(g)) + float64(lumaB*float64(b))) / (1 << 16))
}

// resized scales images of h×w pixels to n×n, until ctx ends; nil stays nil.
func resized[T byte | float32](ctx context.Context, x []T, h, w, c, n int, weigh weigher[T]) []T {
	if x == nil {
		return nil
	}
	count := len(x) / (h * w * c)
	out := make([]T, count*n*n*c)
	r := newResizer(h, w, c, n, n, weigh)
	for i := 0; i < count && ctx.Err() == nil; i++ {
		r.run(out[i*n*n*c:], x[i*h*w*c:])
	}
	return out
}

// A resizer scales images with a triangle filter whose width grows with the
// reduction, so that nothing aliases: first along rows, then along columns,
// in integers, or in float64 where products are exact, so every machine gives the
// same bits.
type resizer[T byte | float32] struct {
	h, w, c, oh, ow int
	across, down    []taps
	mid             []T
	weigh           weigher[T]
}

// A weigher returns the sum of x[0], x[stride], … by the weights.
type weigher[T byte | float32] func(w []int64, x []T, stride int) T

// taps are the weights of the inputs lo, lo+1, … of one output, in units of
// 2^-22.
type taps struct {
	lo int
	w  []int64
}

const tapBits = 22

func newResizer[T byte | float32](h, w, c, oh, ow int, weigh weigher[T]) *resizer[T] {
	return &resizer[T]{h: h, w: w, c: c, oh: oh, ow: ow, across: filter(w, ow), down: filter(h, oh), mid: make([]T, h*ow*c), weigh: weigh}
}

// filter returns the taps that make out values of in.
func filter(in, out int) []taps {
	scale := float64(in) / float64(out)
	reach := max(scale, 1)
	all := make([]taps, out)
	for i := range all {
		centre := float64((float64(i) + 0.5) * scale)
		lo, hi := max(int(centre-reach+0.5), 0), min(int(centre+reach+0.5), in)
		raw, sum := make([]float64, hi-lo), 0.0
		for j := range raw {
			d := (float64(lo+j) + 0.5 - centre) / reach
			raw[j] = max(1-max(d, -d), 0)
			sum += raw[j]
		}
		all[i] = taps{lo, make([]int64, hi-lo)}
		for j, v := range raw {
			all[i].w[j] = int64(float64(v/sum*(1<<tapBits)) + 0.5)
		}
	}
	return all
}

// run scales src to dst.
func (r *resizer[T]) run(dst, src []T) {
	for y := range r.h {
		r.pass(r.mid[y*r.ow*r.c:], src[y*r.w*r.c:], r.across, r.c)
	}
	r.pass(dst, r.mid, r.down, r.ow*r.c)
}

// pass filters along one axis: output i, lane k at dst[i·lanes+k] sums inputs
// at src[j·lanes+k].
func (r *resizer[T]) pass(dst, src []T, f []taps, lanes int) {
	for i, t := range f {
		for k := range lanes {
			dst[i*lanes+k] = r.weigh(t.w, src[t.lo*lanes+k:], lanes)
		}
	}
}

func weigh(w []int64, x []byte, stride int) byte {
	sum := int64(1) << (tapBits - 1)
	for j, v := range w {
		sum += v * int64(x[j*stride])
	}
	return byte(min(max(sum>>tapBits, 0), 255))
}

// weighFloat divides by the sum of the weights, which rounding took from 1, so that
// black and white stay what they are.
func weighFloat(w []int64, x []float32, stride int) float32 {
	sum, all := 0.0, 0.0
	for j, v := range w {
		sum += float64(float64(v) * float64(x[j*stride]))
		all += float64(v)
	}
	return float32(sum / all)
}
