package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"heavytail/internal/machine"
	"heavytail/internal/source"
)

// ReadValues reads samples of the given shape from one file: a PNG or JPEG,
// scaled to the shape and of values in [−1,1], or all samples of an .npy or .csv
// file, of that shape exactly. It returns the values one sample after the other,
// and the SHA-256 of the file in hexadecimal. The file is opened once: it may be a
// pipe. columns are the names of the model's columns, nil if it has none: a table
// with the same in another order is an error.
func ReadValues(ctx context.Context, path string, shape []int, columns []string) (x []float64, sum string, err error) {
	f, err := source.Open(ctx, path)
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return nil, "", fmt.Errorf("%s: %w", path, e.Err)
	} else if err != nil {
		return nil, "", err
	}
	defer f.Close()
	whole, size, err := f.At(machine.Memory() / 4)
	if err != nil {
		return nil, "", err
	}
	all := func() io.Reader { return stoppable{ctx, io.NewSectionReader(whole, 0, size)} }
	h := sha256.New()
	if _, err = io.Copy(h, all()); err == nil {
		x, err = values(ctx, all, whole, size, form(path), shape, columns)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return x, hex.EncodeToString(h.Sum(nil)), nil
}

// form returns the ending of a name, less that of gzip, in lower case.
func form(path string) string { return strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz"))) }

// IsPicture reports whether ReadValues takes the file at path for a picture.
func IsPicture(path string) bool {
	switch form(path) {
	case ".csv", ".tsv", ".npy":
		return false
	}
	return true
}

// values reads what ReadValues does from a file, given as a reader of all of it
// and by its bytes.
func values(ctx context.Context, all func() io.Reader, whole io.ReaderAt, size int64, ext string, shape []int, columns []string) ([]float64, error) {
	var s *Set
	var err error
	switch ext {
	case ".csv", ".tsv":
		s, err = readCSV(all(), Options{Rules: Rules})
	case ".npy": // values of arrays are those of samples, in [−1,1] already
		s, err = readArrays(ctx, all(), func() (io.ReaderAt, int64, error) { return whole, size, nil }, "", Options{})
	default:
		return pictureValues(all(), shape)
	}
	if err == nil && s.Len() == 0 {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		return nil, err
	}
	if !slices.Equal(s.Shape, shape) {
		return nil, fmt.Errorf("samples of %v; the model's are %v", s.Shape, shape)
	}
	if err := InOrder(columns, s.Columns); err != nil {
		return nil, err
	}
	out := make([]float64, s.Len()*s.Per())
	for i := range s.Len() {
		s.Float64(out[i*s.Per():], i)
	}
	return out, nil
}

// pictureValues reads one picture as a sample.
func pictureValues(r io.Reader, shape []int) ([]float64, error) {
	if len(shape) != 3 {
		return nil, fmt.Errorf("the model's samples are points of %d values; give an .npy or .csv file", shape[0])
	}
	h, w, c := shape[0], shape[1], shape[2]
	if c != 1 && c != 3 {
		return nil, fmt.Errorf("the model's samples have %d channels, a picture 1 or 3; give an .npy file", c)
	}
	o := Options{Rules: Rules, Size: w}
	img, err := decode(func() (io.ReadCloser, error) { return io.NopCloser(r), nil }, o)
	if err != nil {
		return nil, err
	}
	pix, ih, iw := img.pixels(c, [3]byte{255, 255, 255})
	if ih != h || iw != w {
		if err := o.scales(ih, iw, c); err != nil {
			return nil, err
		}
		scaled := make([]byte, h*w*c)
		newResizer(ih, iw, c, h, w, weigh).run(scaled, pix)
		pix = scaled
	}
	out := make([]float64, len(pix))
	for j, v := range pix {
		out[j] = float64(levels[v])
	}
	return out, nil
}
