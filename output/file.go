package output

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/npy"
)

// A File is where samples go, in the form that its name asks for.
type File struct {
	Path string // as given to To
	form
}

// A form writes samples.
type form interface {
	// check returns an error for samples of another kind.
	check(s *Samples) error
	write(ctx context.Context, s *Samples) error
}

// To returns the file of a path: by its ending .png, a grid of images or a plot of the
// first two columns of points; .gif, a film of the way from noise to sample; .npy, an
// array [number, shape…] of float32, of Samples.Wide float64; .csv, a table of points;
// and of a folder, or a path that ends in a slash, one PNG for each sample, named by its
// seed. It returns an error if the path has none of these forms, or cannot be written.
func To(path string) (*File, error) {
	st, err := os.Stat(path)
	isDir := err == nil && st.IsDir()
	if strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(os.PathSeparator)) || isDir {
		if err == nil && !isDir {
			return nil, fmt.Errorf("%s: that is a file; choose another folder", path)
		}
		return &File{path, folder{path}}, nil
	}
	if err := atomicfile.Possible(path); err != nil {
		return nil, err
	}
	f := &File{Path: path}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		f.form = picture{path}
	case ".gif":
		f.form = film{path}
	case ".npy":
		f.form = array{path}
	case ".csv":
		f.form = table{path}
	default:
		return nil, fmt.Errorf("%s: want a name that ends in .png, .gif, .npy or .csv, or a folder (end it with /)", path)
	}
	return f, nil
}

// Check returns an error, which begins with the path, if the file cannot hold these
// samples: images in a table, points in single pictures, a film of parts without frames,
// or more pictures than the disk has room for.
func (f *File) Check(s *Samples) error {
	if err := f.check(s); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

// Write draws the samples and writes the file, or the folder's files: each whole or not
// at all. Before it begins it returns Check's error, and one if the disk has no room for
// what the file takes at least.
func (f *File) Write(ctx context.Context, s *Samples) error {
	if ctx == nil {
		panic("output: File.Write with a nil context: use context.Background()")
	}
	if err := f.Check(s); err != nil {
		return err
	}
	return f.write(ctx, s)
}

// array is an .npy file, written as the batches come: float32, or float64 of
// points that training scaled, which may need its digits.
type array struct{ path string }

func (array) check(*Samples) error { return nil }

func (a array) write(ctx context.Context, s *Samples) error {
	return atomicfile.WriteSized(a.path, s.bytes(), func(w io.Writer) error { return s.WriteArray(ctx, w) })
}

// bytes returns the size of all values.
func (s *Samples) bytes() int64 {
	n := int64(s.N) * int64(s.per()) * 4
	if s.Wide {
		n *= 2
	}
	return n
}

// WriteArray writes the samples to w as an .npy file.
func (s *Samples) WriteArray(ctx context.Context, w io.Writer) error {
	shape := append([]int{s.N}, s.Shape...)
	if s.Wide {
		if err := npy.WriteHeader64(w, shape...); err != nil {
			return err
		}
		return s.stream64(ctx, 0, s.N, func(_ int, x []float64) error { return npy.WriteValues(w, x) })
	}
	if err := npy.WriteHeader(w, shape...); err != nil {
		return err
	}
	return s.stream(ctx, 0, s.N, func(_ int, x []float32) error { return npy.WriteValues(w, x) })
}
