package heavytail

import (
	"fmt"
	"image"
	"slices"

	"heavytail/internal/imageio"
)

// Images are samples, as Sample returns them; the zero Images and nil hold none.
// Samples of a model of points have values only.
type Images struct {
	shape []int
	data  []float32
	wide  []float64 // the same in float64, where that says more
}

// ImagesOf returns samples of the given shape, [height, width, channels] of images,
// [dimensions] of points, that lie one after the other in x, as Stream, Options.Step
// and samplers of package diffusion have them: the way from values to pictures. x is
// not copied. It panics if it is not whole samples; data.FromImage is the way back.
func ImagesOf(shape []int, x []float32) *Images {
	per := 1
	for _, d := range shape {
		if d < 1 || per > len(x)/d && len(x) > 0 {
			per = 0
			break
		}
		per *= d
	}
	if len(shape) == 0 || per == 0 || len(x)%per != 0 {
		panic(fmt.Sprintf("heavytail: ImagesOf: %d values are no samples of shape %v", len(x), shape))
	}
	return &Images{shape: slices.Clone(shape), data: x}
}

// append64 adds values of samples that were scaled.
func (s *Images) append64(x []float64) {
	s.wide = append(s.wide, x...)
	for _, v := range x {
		s.data = append(s.data, float32(v))
	}
}

// of returns s, an empty one for nil.
func (s *Images) of() *Images {
	if s == nil {
		return &Images{}
	}
	return s
}

func (s *Images) per() int {
	n := 1
	for _, d := range s.shape {
		n *= d
	}
	return n
}

// Len returns the number of samples.
func (s *Images) Len() int { return len(s.of().data) / s.of().per() }

// Shape returns [number, height, width, channels], or [number, dimensions].
func (s *Images) Shape() []int { return append([]int{s.Len()}, s.of().shape...) }

// Float32 returns all values, row-major in the order of Shape, images in
// [−1,1], points in the units of the data. The slice is not a copy.
func (s *Images) Float32() []float32 { return s.of().data }

// Float64 returns a copy of all values as Float32 does, of points that were scaled
// with the digits that float32 has not.
func (s *Images) Float64() []float64 {
	s = s.of()
	if s.wide != nil {
		return slices.Clone(s.wide)
	}
	out := make([]float64, len(s.data))
	for i, v := range s.data {
		out[i] = float64(v)
	}
	return out
}

// Image returns sample i as a picture. It panics if the samples are not
// images or there is no sample i.
func (s *Images) Image(i int) image.Image {
	h, w, c := s.size()
	if n := s.Len(); i < 0 || i >= n {
		panic(fmt.Sprintf("heavytail: Image(%d) of %d samples, numbered from 0", i, n))
	}
	return imageio.Image(s.data[i*s.per():(i+1)*s.per()], h, w, c)
}

// Grid returns all samples as one picture with cols columns (0: about
// square). It panics if the samples are not images.
func (s *Images) Grid(cols int) image.Image {
	h, w, c := s.size()
	g, err := imageio.NewGrid(s.Len(), h, w, c, cols)
	if err != nil {
		panic("heavytail: Grid: " + err.Error())
	}
	for i := range s.Len() {
		g.Put(i, s.data[i*s.per():(i+1)*s.per()])
	}
	return g.Image()
}

func (s *Images) size() (h, w, c int) {
	if shape := s.of().shape; len(shape) != 3 {
		panic(fmt.Sprintf("heavytail: samples of shape %v are not images; use Float32", shape))
	}
	return s.shape[0], s.shape[1], s.shape[2]
}
