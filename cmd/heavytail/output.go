package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
	"heavytail/internal/imageio"
	"heavytail/internal/npy"
	"heavytail/recipe"
)

// An output writes samples in one form.
type output interface {
	write(ctx context.Context, d *drawn) error
}

// outputFor chooses the form by the path, and checks that it can be written
// before anything is computed.
func outputFor(path string) (output, error) {
	st, err := os.Stat(path)
	isDir := err == nil && st.IsDir()
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(os.PathSeparator)) || isDir {
		if err == nil && !isDir {
			return nil, cli.Usage("-o %s: that is a file; choose another folder", path)
		}
		return folder{path}, nil
	}
	if err := folderOf("-o", path); err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		return picture{path}, nil
	case ".gif":
		return film{path}, nil
	case ".npy":
		return numbers{path}, nil
	case ".csv":
		return rows{path}, nil
	}
	return nil, cli.Usage("-o %s: want a name that ends in .png, .gif, .npy or .csv, or a folder (end it with /)", path)
}

// folderOf returns an error unless the folder that a flag's file would lie in is there.
func folderOf(flag, path string) error {
	dir := filepath.Dir(path)
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %s: there is no folder %s; make it first", flag, path, dir)
	case err != nil:
		return fmt.Errorf("%s: %w", flag, err)
	case !st.IsDir():
		return fmt.Errorf("%s %s: %s is a file; name a folder", flag, path, dir)
	}
	return nil
}

// unwritten says what the output of a command that was interrupted holds.
func unwritten(path string) string {
	_, err := os.Stat(path)
	switch {
	case path == "-":
		return "what went to the standard output is a part"
	case atomicfile.Through(path):
		return "what went to " + path + " is a part"
	case err == nil:
		return path + " is as it was"
	}
	return path + " was not written"
}

func folderExists(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// cells is what a picture is filled with: a grid of images or a plot of points.
type cells struct {
	grid *imageio.Grid
	xy   []float64 // the first one or two columns of the points
	of   *drawn
}

func newCells(of *drawn) (*cells, error) {
	c := &cells{of: of}
	if !of.images() {
		c.xy = make([]float64, c.columns()*of.n)
		return c, nil
	}
	s := of.shape
	var err error
	c.grid, err = imageio.NewGrid(of.n, s[0], s[1], s[2], of.grid)
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
		names = append(names, recipe.Data{Columns: c.of.columns}.ColumnName(k))
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
	return size.X, size.Y, c.of.shape[2]
}

func (c *cells) image(axes []imageio.Axis) image.Image {
	if c.grid != nil {
		return c.grid.Image()
	}
	return imageio.Scatter(c.xy, axes, plotSize)
}

// picture is one PNG: a grid, or a plot of the first two columns.
type picture struct{ path string }

func (p picture) write(ctx context.Context, of *drawn) error {
	c, err := newCells(of)
	if err != nil {
		return err
	}
	w, h, channels := c.size()
	return atomicfile.WriteSized(p.path, imageio.LeastPNG(w, h, channels, of.recipe.text()), func(w io.Writer) error {
		if err := of.stream64(ctx, c.put); err != nil {
			return err
		}
		return imageio.WritePNG(w, c.image(c.axes()), of.recipe.text())
	})
}

// film is a GIF of the way from noise to sample: the noise, the estimates of the
// samples as they become better, the samples.
type film struct{ path string }

func (f film) write(ctx context.Context, of *drawn) error {
	if of.film == nil {
		return cli.Usage("-o %s: the parts hold no frames of a film: -frames with -shard keeps them", f.path)
	}
	all := make([]*cells, of.frames)
	for k := range all {
		var err error
		if all[k], err = newCells(of); err != nil {
			return err
		}
	}
	w, h, _ := all[0].size()
	return atomicfile.WriteSized(f.path, imageio.LeastFilm(of.frames, w, h), func(w io.Writer) error {
		if err := of.film(ctx, func(k, first int, x []float64) error { return all[k].put(first, x) }); err != nil {
			return err
		}
		var out imageio.Film
		axes := all[of.frames-1].axes()
		for k, c := range all {
			delay := 8
			if k == of.frames-1 {
				delay = 200
			}
			out.Add(c.image(axes), delay)
		}
		return out.Write(w)
	})
}

// numbers is an .npy file, written as the batches come: float32, or float64 of
// points that training scaled, which may need its digits.
type numbers struct{ path string }

func (n numbers) write(ctx context.Context, of *drawn) error {
	size := int64(of.n) * int64(of.per()) * 4
	if of.wide {
		size *= 2
	}
	return atomicfile.WriteSized(n.path, size, func(w io.Writer) error { return writeNumbers(ctx, w, of) })
}

// writeNumbers writes samples as an .npy file.
func writeNumbers(ctx context.Context, w io.Writer, of *drawn) error {
	shape := append([]int{of.n}, of.shape...)
	if of.wide {
		if err := npy.WriteHeader64(w, shape...); err != nil {
			return err
		}
		return of.stream64(ctx, func(_ int, x []float64) error { return npy.WriteValues(w, x) })
	}
	if err := npy.WriteHeader(w, shape...); err != nil {
		return err
	}
	return of.stream(ctx, func(_ int, x []float32) error { return npy.WriteValues(w, x) })
}

// folder is one PNG per sample, named by its seed, so that the parts of a job
// array can write to one folder.
type folder struct{ path string }

func (f folder) write(ctx context.Context, of *drawn) error {
	if !of.images() {
		return cli.Usage("-o %s: the samples are points, not pictures; write them to a .csv, .npy or .png file", f.path)
	}
	if err := f.room(of); err != nil {
		return fmt.Errorf("-o %s: %w", f.path, err)
	}
	if err := os.MkdirAll(f.path, 0o777); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	s, d := of.shape, of.per()
	done := 0
	err := of.stream(ctx, func(first int, x []float32) error {
		for i := range len(x) / d {
			seed := of.seed(first + i)
			one := of.recipe
			one.Seeds = formatSeeds([]uint64{seed})
			img := imageio.Image(x[i*d:(i+1)*d], s[0], s[1], s[2])
			path := filepath.Join(f.path, fmt.Sprintf("%06d.png", seed))
			if err := atomicfile.Write(path, func(w io.Writer) error { return imageio.WritePNG(w, img, one.text()) }); err != nil {
				return err
			}
			done++
		}
		return nil
	})
	return cli.Left(err, "%d of %s are in %s", done, cli.Counted(of.n, "picture"), f.path)
}

// room returns an error if the disk has no room for the pictures, whatever they show.
func (f folder) room(of *drawn) error {
	s, one := of.shape, of.recipe
	one.Seeds = ""
	each := imageio.LeastPNG(s[1], s[0], s[2], one.text())
	err := atomicfile.Room(f.path, each*int64(of.n))
	if err == nil {
		return nil
	}
	// A seed given twice makes one picture, and a picture that is there makes room.
	seeds := make([]uint64, of.n)
	for i := range seeds {
		seeds[i] = of.seed(i)
	}
	slices.Sort(seeds)
	seeds = slices.Compact(seeds)
	size := each * int64(len(seeds))
	there, _ := os.ReadDir(f.path) // none in a folder that will be made
	for _, e := range there {
		name, png := strings.CutSuffix(e.Name(), ".png")
		seed, err := strconv.ParseUint(name, 10, 64)
		if _, ok := slices.BinarySearch(seeds, seed); !png || err != nil || !ok {
			continue
		}
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() {
			size -= st.Size()
		} else {
			size -= each // elsewhere
		}
	}
	return atomicfile.Room(f.path, size)
}
