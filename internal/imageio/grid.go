// Package imageio turns samples into pictures: single images, grids, scatter
// plots, animations, and the recipe that a PNG carries.
package imageio

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Byte maps a value of [−1,1] to 0…255, rounded to the nearest; what lies
// outside is clamped, NaN is 0.
func Byte(v float32) byte {
	f := math.Floor((float64(v)+1)*127.5 + 0.5)
	if !(f > 0) {
		return 0
	}
	return byte(min(f, 255))
}

// canvas is an image.Gray or image.NRGBA of known channels.
type canvas struct {
	image.Image
	pix    []byte
	stride int
	c      int // channels of the samples: 1 or 3
}

func newCanvas(w, h, c int) canvas {
	r := image.Rect(0, 0, w, h)
	if c == 1 {
		m := image.NewGray(r)
		return canvas{m, m.Pix, m.Stride, c}
	}
	m := image.NewNRGBA(r)
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	return canvas{m, m.Pix, m.Stride, c}
}

// put draws a sample of h×w pixels, channels last, with its corner at (x0,y0).
func (m canvas) put(x []float32, h, w, x0, y0 int) {
	step := 1
	if m.c == 3 {
		step = 4
	}
	for y := range h {
		row := m.pix[(y0+y)*m.stride+x0*step:]
		for i := range w {
			for k := range m.c {
				row[i*step+k] = Byte(x[(y*w+i)*m.c+k])
			}
		}
	}
}

func checkShape(h, w, c int) {
	if h < 1 || w < 1 || c != 1 && c != 3 {
		panic(fmt.Sprintf("imageio: sample of %d×%d with %d channels; want 1 or 3", h, w, c))
	}
}

// Image returns one sample of h×w pixels and c channels (1 grey, 3 colour),
// channels last, values in [−1,1], as a picture. It panics if x is too short.
func Image(x []float32, h, w, c int) image.Image {
	checkShape(h, w, c)
	m := newCanvas(w, h, c)
	m.put(x, h, w, 0, 0)
	return m.Image
}

// gap is the width in pixels of the black lines between the cells of a grid.
const gap = 2

// A Grid is a picture of many samples in rows and columns, filled as they come.
type Grid struct {
	canvas
	n, h, w, cols int
}

// NewGrid makes a grid for n samples of h×w pixels; cols ≤ 0 makes it about
// square. It returns an error if the picture would have more than 2^28 pixels.
func NewGrid(n, h, w, c, cols int) (*Grid, error) {
	checkShape(h, w, c)
	if cols <= 0 {
		cols = int(math.Ceil(math.Sqrt(float64(n))))
	}
	cols = max(min(cols, n), 1)
	rows := max((n+cols-1)/cols, 1)
	gw, gh := cols*(w+gap)+gap, rows*(h+gap)+gap
	if gw > (1<<28)/gh {
		return nil, fmt.Errorf("a grid of %d samples would have %d×%d pixels; write single pictures to a folder instead", n, gw, gh)
	}
	return &Grid{newCanvas(gw, gh, c), n, h, w, cols}, nil
}

// Put draws sample i.
func (g *Grid) Put(i int, x []float32) {
	g.put(x, g.h, g.w, gap+i%g.cols*(g.w+gap), gap+i/g.cols*(g.h+gap))
}

// Image returns the picture; later calls of Put change it.
func (g *Grid) Image() image.Image { return g.canvas.Image }

// Scatter returns a square picture of size pixels with a dot per point
// (x[2i], x[2i+1]), both axes from −limit to limit, the second upwards. Where
// more points fall the dot is darker. Points outside are left out.
func Scatter(x []float32, size int, limit float64) image.Image {
	m := image.NewGray(image.Rect(0, 0, size, size))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	place := func(v float64) int {
		f := (v + limit) / (2 * limit) * float64(size)
		if !(f >= 0 && f < float64(size)) {
			return -1
		}
		return int(f)
	}
	for i := 0; i+1 < len(x); i += 2 {
		px, py := place(float64(x[i])), place(-float64(x[i+1]))
		if px < 0 || py < 0 {
			continue
		}
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				if p := image.Pt(px+dx, py+dy); p.In(m.Rect) {
					v := m.GrayAt(p.X, p.Y).Y
					m.SetGray(p.X, p.Y, color.Gray{Y: v - v/6})
				}
			}
		}
	}
	return m
}

// Limit returns an axis limit for a scatter plot that shows all but the
// outermost 1 % of x: the 99 % quantile of |x|, a tenth more.
func Limit(x []float32) float64 {
	if len(x) == 0 {
		return 1
	}
	abs := make([]float64, 0, len(x))
	for _, v := range x {
		if a := math.Abs(float64(v)); a == a {
			abs = append(abs, a)
		}
	}
	return max(quantile(abs, 0.99)*1.1, 1e-6)
}
