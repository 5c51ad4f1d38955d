package eval

import (
	"context"
	"fmt"
	"slices"

	"heavytail/diffusion/metrics"
)

// Pictures are images that are read when they are asked for: from a file, one batch after
// the other, rather than held in memory.
type Pictures interface {
	// Len returns the number of images.
	Len() int
	// Each passes all images to f in their order, values in [−1,1], one or more whole
	// images at a time, which f does not keep. It returns f's first error, ctx's, or its
	// own, and passes the same images whenever it is called.
	Each(ctx context.Context, f func(images []float32) error) error
}

// slice is images in memory.
type slice struct {
	x []float32
	d int // values of an image
}

func (s slice) Len() int { return len(s.x) / s.d }

func (s slice) Each(_ context.Context, f func([]float32) error) error { return f(s.x) }

// ImagesFrom is Images of images that are read as they are needed, with the same
// results: twice each, and never more than a batch is held. What is kept of them is their
// features, the pixels of Options.Pairs images, and how often each value of a pixel is
// there.
func ImagesFrom(ctx context.Context, real, gen Pictures, shape []int, o Options) (*Scores, error) {
	if len(shape) != 3 {
		panic(fmt.Sprintf("eval: Images of shape %v; want [height width channels]", shape))
	}
	d := shape[0] * shape[1] * shape[2]
	r, err := o.begin(ctx, "Images", real.Len()*d, gen.Len()*d, d)
	if err != nil {
		return nil, err
	}
	return r, o.images(ctx, r, shape, d, real, gen)
}

// batch is how many images are held at a time.
const batch = 64

// each passes the images of s to f, batch of them at a time, of d values each.
func each(ctx context.Context, s Pictures, d int, f func(x []float32)) error {
	buf, seen := make([]float32, 0, batch*d), 0
	err := s.Each(ctx, func(x []float32) error {
		if len(x)%d != 0 {
			panic(fmt.Sprintf("eval: Pictures passed %d values; want whole images of %d", len(x), d))
		}
		seen += len(x)
		for len(x) > 0 {
			n := min(cap(buf)-len(buf), len(x))
			buf, x = append(buf, x[:n]...), x[n:]
			if len(buf) == cap(buf) {
				f(buf)
				buf = buf[:0]
			}
		}
		return ctx.Err()
	})
	if err == nil && seen != s.Len()*d {
		err = fmt.Errorf("eval: Pictures of %d images passed %d values of %d each", s.Len(), seen, d)
	}
	if err == nil && len(buf) > 0 {
		f(buf)
	}
	return err
}

// A seen is what is kept of images.
type seen struct {
	features metrics.Features
	few      []float32 // pixels of some images
	tally    metrics.Tally
	moments  *metrics.Moments
}

// look reads the images of s, of which few are kept.
func look(ctx context.Context, s Pictures, d, few int, e metrics.Extractor) (*seen, error) {
	n := s.Len()
	out := &seen{features: metrics.Features{Extractor: e.Name(), Dim: e.Dim(), X: make([]float32, 0, n*e.Dim())},
		few: make([]float32, 0, few*d), moments: metrics.NewMoments(n * d)}
	at, next := 0, 0 // images passed, and kept
	err := each(ctx, s, d, func(x []float32) {
		out.features.X = append(out.features.X, e.Features(x)...)
		out.tally.Add(x)
		out.moments.Mean(x)
		for ; next < few && thinned(next, n, few) < at+len(x)/d; next++ {
			i := thinned(next, n, few) - at
			out.few = append(out.few, x[i*d:(i+1)*d]...)
		}
		at += len(x) / d
	})
	if err == nil {
		err = each(ctx, s, d, out.moments.About)
	}
	return out, err
}

// streamed are Pictures of a function.
type streamed struct {
	n    int
	each func(ctx context.Context, f func([]float32) error) error
}

func (s streamed) Len() int { return s.n }

func (s streamed) Each(ctx context.Context, f func([]float32) error) error { return s.each(ctx, f) }

// levels are images of 256 levels, of per values each.
func levels(x []byte, per int) Pictures {
	return streamed{len(x) / per, func(ctx context.Context, f func([]float32) error) error {
		image := make([]float32, per)
		for of := range slices.Chunk(x, per) {
			for i, v := range of {
				image[i] = level(v)
			}
			if err := f(image); err != nil {
				return err
			}
		}
		return ctx.Err()
	}}
}

// level returns the value of one of 256 levels, as those of files are.
func level(v byte) float32 { return float32(float64(2*int(v)-255) / 255) }
