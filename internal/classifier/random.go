package classifier

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
	"heavytail/kernels"
	"heavytail/stable"
	"heavytail/tensor"
)

// Random is an extractor of images of any size and number of channels: two
// layers of 3×3 convolutions with fixed random weights at each of up to three
// scales, of which the mean and the logarithm of the standard deviation of every
// channel over the image are the features: a logarithm, so that what blur takes
// away counts as much as what noise adds. Nothing is learnt, so nothing favours one kind of
// picture; what it sees is the texture at each scale: edges, noise, blur,
// colours and how they go together, not objects. Any number of goroutines may
// use one.
type Random struct {
	dev     tensor.Device
	h, w, c int
	layers  [2]layer
	scales  int
}

// A layer is one convolution of the random network.
type layer struct{ w, b *tensor.Tensor }

const (
	randomName   = "heavytail/random-features-1"
	randomSeed   = 20260101 // any number; it is part of the name's meaning
	randomFirst  = 8        // channels of the first convolution
	randomSecond = 16
	randomScales = 3
	randomLeast  = 4 // pixels of a side at the coarsest scale
	// randomFloor is added to deviations: about two of 256 levels, below which
	// texture is not seen.
	randomFloor = 1.0 / 64
)

// NewRandom returns the extractor of images of h×w pixels and c channels, which
// runs on at most threads goroutines (0: all processors).
func NewRandom(h, w, c, threads int) (*Random, error) {
	if h < 1 || w < 1 || c < 1 {
		return nil, fmt.Errorf("extractor %s: images of %d×%d pixels and %d channels; want positive sizes", randomName, h, w, c)
	}
	r := &Random{dev: kernels.New(threads), h: h, w: w, c: c, scales: 1}
	for r.scales < randomScales && min(h, w)>>r.scales >= randomLeast {
		r.scales++
	}
	r.layers = [2]layer{r.layer(0, c, randomFirst), r.layer(1, randomFirst, randomSecond)}
	return r, nil
}

// layer draws a convolution of in to out channels: every kernel has the norm 1,
// and that of every second one the sum 0, so that half of the channels see
// differences only.
func (r *Random) layer(step uint32, in, out int) layer {
	n := 9 * in
	g := make([]float32, n*out)
	stable.Key{Seed: randomSeed, Step: step}.Normal(g, 0)
	b := make([]float32, out)
	stable.Key{Seed: randomSeed, Step: step, Sample: 1}.Normal(b, 0)
	for o := range out {
		mean, norm := 0.0, 0.0
		if o%2 == 1 {
			for i := range n {
				mean += float64(g[i*out+o]) / float64(n)
			}
		}
		for i := range n {
			v := float64(g[i*out+o]) - mean
			norm += float64(v * v)
		}
		norm = math.Sqrt(norm)
		for i := range n {
			g[i*out+o] = float32((float64(g[i*out+o]) - mean) / norm)
		}
		b[o] *= 0.5 // SiLU bends within ±1
	}
	l := layer{r.dev.New(3, 3, in, out), r.dev.New(out)}
	r.dev.Upload(l.w, g)
	r.dev.Upload(l.b, b)
	return l
}

// Name returns the extractor's name.
func (r *Random) Name() string { return randomName }

// Dim returns the number of features of an image.
func (r *Random) Dim() int { return r.scales * 2 * (randomFirst + randomSecond) }

// Features returns the features of images (channels last, values in [−1,1], one
// after the other): Dim values for each. They do not depend on the other images
// nor on the number of threads. It panics unless images holds whole images.
func (r *Random) Features(images []float32) []float32 {
	per := r.h * r.w * r.c
	if len(images)%per != 0 {
		panic(fmt.Sprintf("classifier: Features: %d values are not images of [%d %d %d]", len(images), r.h, r.w, r.c))
	}
	n := len(images) / per
	out := make([]float32, 0, n*r.Dim())
	batch := max(1, min(extractBatch, (1<<22)/(r.h*r.w*randomSecond))) // a few megabytes at a time
	for lo := 0; lo < n; lo += batch {
		hi := min(lo+batch, n)
		out = append(out, r.some(images[lo*per:hi*per], hi-lo)...)
	}
	return out
}

// some returns the features of n images.
func (r *Random) some(x []float32, n int) []float32 {
	out, h, w, at := make([]float32, n*r.Dim()), r.h, r.w, 0
	for s := range r.scales {
		if s > 0 {
			x = halve(x, n, h, w, r.c)
			h, w = h/2, w/2
		}
		y := r.dev.New(n, h, w, r.c)
		r.dev.Upload(y, x)
		for _, l := range r.layers {
			k := l.b.Len()
			next := r.dev.New(n, h, w, k)
			r.dev.Conv2D(next, y, l.w, l.b, nil, tensor.ConvOpt{})
			r.dev.SiLU(next, next)
			moments(out[at:], r.Dim(), r.dev, next, k)
			at += 2 * k
			y = next
		}
	}
	return out
}

// moments writes the mean and the logarithm of the standard deviation of each of
// the k channels of x over every image, to the start of every row of dim values.
func moments(out []float32, dim int, dev tensor.Device, x *tensor.Tensor, k int) {
	v := make([]float32, x.Len())
	dev.Download(v, x)
	per := len(v) / x.Dim(0)
	for i := range x.Dim(0) {
		for c := range k {
			sum, squares := 0.0, 0.0
			for j := c; j < per; j += k {
				sum += float64(v[i*per+j])
			}
			mean := sum / float64(per/k)
			for j := c; j < per; j += k {
				d := float64(v[i*per+j]) - mean
				squares += float64(d * d)
			}
			out[i*dim+c] = float32(mean)
			out[i*dim+k+c] = float32(dmath.Log(math.Sqrt(squares/float64(per/k)) + randomFloor))
		}
	}
}

// halve returns n images of half the size: the means of 2×2 pixels. A last odd
// row or column is left out.
func halve(x []float32, n, h, w, c int) []float32 {
	out := make([]float32, 0, n*(h/2)*(w/2)*c)
	for i := range n {
		for y := range h / 2 {
			for p := range w / 2 {
				at := ((i*h+2*y)*w + 2*p) * c
				for k := range c {
					out = append(out, ((x[at+k]+x[at+c+k])+(x[at+w*c+k]+x[at+w*c+c+k]))*0.25)
				}
			}
		}
	}
	return out
}
