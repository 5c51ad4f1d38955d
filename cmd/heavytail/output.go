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
)

// An output draws the samples of a request and writes them in one form.
type output interface {
	write(ctx context.Context, r *sampleRequest) error
}

// outputFor chooses the form by the path, and checks that it can be written
// before anything is computed.
func outputFor(r *sampleRequest) (output, error) {
	path := r.out
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
	r    *sampleRequest
}

func newCells(r *sampleRequest) (*cells, error) {
	c := &cells{r: r}
	if !r.images() {
		c.xy = make([]float64, c.columns()*r.options.N)
		return c, nil
	}
	s := r.loaded.SampleShape(r.options)
	var err error
	c.grid, err = imageio.NewGrid(r.options.N, s[0], s[1], s[2], r.columns)
	return c, err
}

// columns returns how many columns of points are shown.
func (c *cells) columns() int { return min(c.r.per(), 2) }

// put draws the samples first, first+1, ….
func (c *cells) put(first int, x []float64) error {
	d, k := c.r.per(), c.columns()
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
		names = append(names, c.r.loaded.Recipe().Data.ColumnName(k))
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
	return size.X, size.Y, c.r.loaded.SampleShape(c.r.options)[2]
}

func (c *cells) image(axes []imageio.Axis) image.Image {
	if c.grid != nil {
		return c.grid.Image()
	}
	return imageio.Scatter(c.xy, axes, plotSize)
}

// picture is one PNG: a grid, or a plot of the first two columns.
type picture struct{ path string }

func (p picture) write(ctx context.Context, r *sampleRequest) error {
	c, err := newCells(r)
	if err != nil {
		return err
	}
	w, h, channels := c.size()
	return atomicfile.WriteSized(p.path, imageio.LeastPNG(w, h, channels, r.text()), func(w io.Writer) error {
		if err := r.loaded.Stream64(ctx, r.options, c.put); err != nil {
			return err
		}
		return imageio.WritePNG(w, c.image(c.axes()), r.text())
	})
}

// film is a GIF of the way from noise to sample: the noise, the estimates of the
// samples as they become better, the samples.
type film struct{ path string }

func (f film) write(ctx context.Context, r *sampleRequest) error {
	moves := r.loaded.Moves(r.options)
	frames := min(r.frames, moves+1)
	r.options.Estimates = true
	// Frame k shows what is known with at[k] steps to go, the last one the samples.
	index := make(map[int]int, frames)
	all := make([]*cells, frames)
	for k := range all {
		var err error
		if all[k], err = newCells(r); err != nil {
			return err
		}
		index[moves*(frames-1-k)/max(frames-1, 1)] = k
	}
	show := r.options.Step64
	r.options.Step64 = func(first, left int, x []float64) error {
		if show != nil {
			if err := show(first, left, x); err != nil {
				return err
			}
		}
		if k, ok := index[left]; ok {
			return all[k].put(first, x)
		}
		return nil
	}
	w, h, _ := all[0].size()
	return atomicfile.WriteSized(f.path, imageio.LeastFilm(frames, w, h), func(w io.Writer) error {
		if err := r.loaded.Stream64(ctx, r.options, func(int, []float64) error { return nil }); err != nil {
			return err
		}
		var out imageio.Film
		axes := all[frames-1].axes()
		for k, c := range all {
			delay := 8
			if k == frames-1 {
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

func (n numbers) write(ctx context.Context, r *sampleRequest) error {
	shape := append([]int{r.options.N}, r.loaded.SampleShape(r.options)...)
	size := int64(r.options.N) * int64(r.per()) * 4
	if r.loaded.Scaled() {
		size *= 2
	}
	return atomicfile.WriteSized(n.path, size, func(w io.Writer) error {
		if r.loaded.Scaled() {
			if err := npy.WriteHeader64(w, shape...); err != nil {
				return err
			}
			return r.loaded.Stream64(ctx, r.options, func(_ int, x []float64) error { return npy.WriteValues(w, x) })
		}
		if err := npy.WriteHeader(w, shape...); err != nil {
			return err
		}
		return r.loaded.Stream(ctx, r.options, func(_ int, x []float32) error { return npy.WriteValues(w, x) })
	})
}

// folder is one PNG per sample, named by its seed, so that the parts of a job
// array can write to one folder.
type folder struct{ path string }

func (f folder) write(ctx context.Context, r *sampleRequest) error {
	if !r.images() {
		return cli.Usage("-o %s: the samples are points, not pictures; write them to a .csv, .npy or .png file", f.path)
	}
	if err := f.room(r); err != nil {
		return fmt.Errorf("-o %s: %w", f.path, err)
	}
	if err := os.MkdirAll(f.path, 0o777); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	s, d := r.loaded.SampleShape(r.options), r.per()
	done := 0
	err := r.loaded.Stream(ctx, r.options, func(first int, x []float32) error {
		for i := range len(x) / d {
			seed := r.options.SeedOf(first + i)
			one := *r
			one.recipe.Seeds = formatSeeds([]uint64{seed})
			img := imageio.Image(x[i*d:(i+1)*d], s[0], s[1], s[2])
			path := filepath.Join(f.path, fmt.Sprintf("%06d.png", seed))
			if err := atomicfile.Write(path, func(w io.Writer) error { return imageio.WritePNG(w, img, one.text()) }); err != nil {
				return err
			}
			done++
		}
		return nil
	})
	return cli.Left(err, "%d of %s are in %s", done, cli.Counted(r.options.N, "picture"), f.path)
}

// room returns an error if the disk has no room for the pictures, whatever they show.
func (f folder) room(r *sampleRequest) error {
	s, one := r.loaded.SampleShape(r.options), *r
	one.recipe.Seeds = ""
	each := imageio.LeastPNG(s[1], s[0], s[2], one.text())
	err := atomicfile.Room(f.path, each*int64(r.options.N))
	if err == nil {
		return nil
	}
	// A seed given twice makes one picture, and a picture that is there makes room.
	seeds := make([]uint64, r.options.N)
	for i := range seeds {
		seeds[i] = r.options.SeedOf(i)
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
