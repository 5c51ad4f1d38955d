package output

import (
	"context"
	"errors"
	"image"
	"io"

	"heavytail/internal/atomicfile"
	"heavytail/internal/imageio"
	"heavytail/recipe"
)

// cells is what a picture is filled with: a grid of images or a plot of points.
type cells struct {
	grid *imageio.Grid
	xy   []float64 // the first one or two columns of the points
	of   *Samples
}

func newCells(of *Samples) (*cells, error) {
	c := &cells{of: of}
	if !of.Images() {
		c.xy = make([]float64, c.columns()*of.N)
		return c, nil
	}
	s := of.Shape
	var err error
	c.grid, err = imageio.NewGrid(of.N, s[0], s[1], s[2], of.Cols)
	return c, err
}

// columns returns how many columns of points are shown.
func (c *cells) columns() int { return min(c.of.per(), 2) }

// put draws the samples first, first+1, ….
func (c *cells) put(first int, x []float64) error {
	d, k := c.of.per(), c.columns()
	var row []float32
	for i := range len(x) / d {
		one := x[i*d : (i+1)*d]
		if c.grid == nil {
			copy(c.xy[k*(first+i):k*(first+i+1)], one)
			continue
		}
		row = row[:0]
		for _, v := range one {
			row = append(row, float32(v))
		}
		c.grid.Put(first+i, row)
	}
	return nil
}

// axes returns those of a plot of the points, in the units of the data.
func (c *cells) axes() []imageio.Axis {
	if c.grid != nil {
		return nil
	}
	var names []string
	for k := range c.columns() {
		names = append(names, recipe.Data{Columns: c.of.Columns}.ColumnName(k))
	}
	return imageio.Axes(c.xy, names)
}

// plotSize is the width and height in pixels of a plot of points.
const plotSize = 512

// size returns the width and height of the picture in pixels, and the bytes of each.
func (c *cells) size() (w, h, channels int) {
	if c.grid == nil {
		return plotSize, plotSize, 1
	}
	size := c.grid.Image().Bounds().Size()
	return size.X, size.Y, c.of.Shape[2]
}

func (c *cells) image(axes []imageio.Axis) image.Image {
	if c.grid != nil {
		return c.grid.Image()
	}
	return imageio.Scatter(c.xy, axes, plotSize)
}

// picture is one PNG: a grid, or a plot of the first two columns.
type picture struct{ path string }

func (picture) check(*Samples) error { return nil }

func (p picture) write(ctx context.Context, of *Samples) error {
	c, err := newCells(of)
	if err != nil {
		return err
	}
	w, h, channels := c.size()
	return atomicfile.WriteSized(p.path, imageio.LeastPNG(w, h, channels, of.Recipe.text()), func(w io.Writer) error {
		if err := of.stream64(ctx, 0, of.N, c.put); err != nil {
			return err
		}
		return imageio.WritePNG(w, c.image(c.axes()), of.Recipe.text())
	})
}

// film is a GIF of the way from noise to sample: the noise, the estimates of the
// samples as they become better, the samples.
type film struct{ path string }

func (film) check(of *Samples) error {
	if of.film == nil {
		return errors.New("the parts hold no frames of a film: Samples.Frames with output.Share keeps them")
	}
	return nil
}

func (f film) write(ctx context.Context, of *Samples) error {
	all := make([]*cells, of.Frames)
	for k := range all {
		var err error
		if all[k], err = newCells(of); err != nil {
			return err
		}
	}
	w, h, _ := all[0].size()
	return atomicfile.WriteSized(f.path, imageio.LeastFilm(of.Frames, w, h), func(w io.Writer) error {
		if err := of.film(ctx, 0, of.N, func(k, first int, x []float64) error { return all[k].put(first, x) }); err != nil {
			return err
		}
		var out imageio.Film
		axes := all[of.Frames-1].axes()
		for k, c := range all {
			delay := 8
			if k == of.Frames-1 {
				delay = 200
			}
			out.Add(c.image(axes), delay)
		}
		return out.Write(w)
	})
}
