// Package imageio turns samples into pictures: single images, grids, scatter
// plots, animations, and the recipe that a PNG carries.
package imageio

import (
	"bytes"
	"fmt"
	"image"
	"math"
)

// Byte maps a value of [−1,1] to 0…255, rounded to the nearest; what lies
// outside is clamped, NaN is 0.
func Byte(v float32) byte {
	f := math.Floor(float64((float64(v)+1)*127.5) + 0.5)
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

// Cells is the way back from Grid.Image: it cuts a picture of H×W pixels of c bytes
// into the h×w pixels of its cells, row by row, less empty ones at the end of the
// last row. It returns nil if the picture is no grid of such cells, which has
// nothing but black between and around them.
func Cells(pix []byte, H, W, c, h, w int) [][]byte {
	rows, cols := (H-gap)/(h+gap), (W-gap)/(w+gap)
	if rows < 1 || cols < 1 || H != rows*(h+gap)+gap || W != cols*(w+gap)+gap {
		return nil
	}
	cells, bright := make([][]byte, rows*cols), make([]bool, rows*cols)
	for y := range H {
		for x := range W {
			p := pix[(y*W+x)*c:][:c]
			black := bytes.Count(p, []byte{0}) == c
			if y%(h+gap) < gap || x%(w+gap) < gap {
				if !black {
					return nil
				}
				continue
			}
			k := y/(h+gap)*cols + x/(w+gap)
			cells[k] = append(cells[k], p...)
			bright[k] = bright[k] || !black
		}
	}
	n := len(cells)
	for ; n > (rows-1)*cols+1 && !bright[n-1]; n-- {
	}
	return cells[:n]
}
