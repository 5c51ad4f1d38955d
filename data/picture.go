package data

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"heavytail/internal/imageio"
	"heavytail/internal/machine"
	"heavytail/internal/source"
)

// Values are samples of one file.
type Values struct {
	X     []float64 // one sample after the other
	Sum   string    // SHA-256 of the file in hexadecimal
	Notes []string  // how they were made of it, where that does not go without saying

	Columns []string // names of the columns of a table that has some
}

// ReadValues reads samples of the given shape from one file: a PNG or JPEG, of
// values in [−1,1], or all samples of an .npy or .csv file, of that shape exactly. A
// picture of another size is one sample, scaled, or, where it is a grid as the
// program writes it, the samples of its cells. The file is opened once: it may be a
// pipe. columns are the names of the model's columns, nil if it has none: a table
// with the same in another order is an error.
func ReadValues(ctx context.Context, path string, shape []int, columns []string) (v Values, err error) {
	if ctx == nil {
		panic("data: ReadValues with a nil context: use context.Background()")
	}
	f, err := source.Open(ctx, path)
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return v, fmt.Errorf("%s: %w", path, e.Err)
	} else if err != nil {
		return v, err
	}
	defer f.Close()
	whole, size, err := f.At(machine.Memory()/4, func(head []byte) error { return fits(head, form(path)) })
	if err != nil {
		return v, err
	}
	all := func() io.Reader { return stoppable{ctx, io.NewSectionReader(whole, 0, size)} }
	h := sha256.New()
	if _, err = io.Copy(h, all()); err == nil {
		err = v.read(ctx, all, whole, size, form(path), shape, columns)
	}
	if err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	v.Sum = hex.EncodeToString(h.Sum(nil))
	return v, nil
}

// ReadMask reads where samples of the given shape are kept: where the mask in a file that
// ReadValues takes is dark, 0 and below. A picture says it for all channels of a pixel. A
// table has a column for each of points, by the names in columns (nil: none) in their
// order. The mask of points has no numbers but 0, or −1 as of dark pixels, which is kept,
// and 1, which is drawn.
func ReadMask(ctx context.Context, path string, shape []int, columns []string) (known []bool, mask Values, err error) {
	one := shape
	if len(shape) == 3 && IsPicture(path) {
		one = []int{shape[0], shape[1], 1}
	}
	if mask, err = ReadValues(ctx, path, one, columns); err != nil {
		return nil, mask, err
	}
	points := len(shape) == 1
	for i, v := range mask.X {
		if points && v != 0 && v != 1 && v != -1 {
			return nil, mask, fmt.Errorf("%s: %v in row %d of values: a mask of points has 0 where the value is kept and 1 where it is drawn", path, v, i/shape[0]+1)
		}
		for range shape[len(shape)-1] / one[len(one)-1] {
			known = append(known, !(v > 0))
		}
	}
	return known, mask, nil
}

// fits returns an error if a file that begins with head is none of the form.
func fits(head []byte, form string) error {
	kind := source.Kind(head)
	switch {
	case kind == source.Gzip:
		return nil
	case isTable(form):
		return noTable(bufio.NewReader(bytes.NewReader(head)))
	case form == ".npy" && kind != source.Array && kind != source.Zip:
		return errors.New("no array of numbers (.npy)")
	case form != ".npy" && kind != source.PNG && kind != source.JPEG:
		return errors.New("no picture; want PNG or JPEG")
	}
	return nil
}

func isTable(form string) bool { return form == ".csv" || form == ".tsv" }

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

// read reads what ReadValues does from a file, given as a reader of all of it and by
// its bytes.
func (v *Values) read(ctx context.Context, all func() io.Reader, whole io.ReaderAt, size int64, ext string, shape []int, columns []string) error {
	var s *Set
	var err error
	switch ext {
	case ".csv", ".tsv":
		s, err = readCSV(all(), Options{Rules: Rules, Missing: "error", empty: "give a number, as each row is one sample: any, where Edit.Mask marks the value as one to be drawn"})
	case ".npy": // values of arrays are those of samples, in [−1,1] already
		s, err = readArrays(ctx, all(), func() (io.ReaderAt, int64, error) { return whole, size, nil }, "", Options{})
	default:
		return v.picture(all(), shape)
	}
	if err == nil && s.Len() == 0 {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		return err
	}
	if !slices.Equal(s.Shape, shape) {
		return fmt.Errorf("samples of %v; the model's are %v", s.Shape, shape)
	}
	if err := InOrder(columns, s.Columns); err != nil {
		return err
	}
	v.X, v.Notes, v.Columns = make([]float64, s.Len()*s.Per()), s.Notes, s.Columns
	for i := range s.Len() {
		s.Float64(v.X[i*s.Per():], i)
	}
	return nil
}

// picture reads one picture as a sample, or as the samples of a grid.
func (v *Values) picture(r io.Reader, shape []int) error {
	if len(shape) != 3 {
		return fmt.Errorf("the model's samples are points of %d values; give an .npy or .csv file", shape[0])
	}
	h, w, c := shape[0], shape[1], shape[2]
	if c != 1 && c != 3 {
		return fmt.Errorf("the model's samples have %d channels, a picture 1 or 3; give an .npy file", c)
	}
	o := Options{Rules: Rules, Size: w}
	img, err := decode(func() (io.ReadCloser, error) { return io.NopCloser(r), nil }, o)
	if err != nil {
		return err
	}
	pix, ih, iw := img.pixels(c, [3]byte{255, 255, 255})
	cells := [][]byte{pix}
	if ih != h || iw != w {
		if cells = imageio.Cells(pix, ih, iw, c, h, w); cells != nil {
			v.note("its %d×%d pixels are a grid with black lines, as sample writes it, of %d×%d pixels each: pictures in it: %d", ih, iw, h, w, len(cells))
		} else {
			v.note("its %d×%d pixels are scaled to %d×%d%s", ih, iw, h, w, stretched(ih, iw, h, w))
			if pix, err = o.scaled(pix, ih, iw, c, h, w); err != nil {
				return err
			}
			cells = [][]byte{pix}
		}
	}
	for _, pix := range cells {
		for _, b := range pix {
			v.X = append(v.X, float64(levels[b]))
		}
	}
	return nil
}

// scaled returns a picture of ih×iw pixels of c bytes at h×w.
func (o Options) scaled(pix []byte, ih, iw, c, h, w int) ([]byte, error) {
	if ih == h && iw == w {
		return pix, nil
	}
	if err := o.scales(ih, iw, c); err != nil {
		return nil, err
	}
	out := make([]byte, h*w*c)
	newResizer(ih, iw, c, h, w, weigh).run(out, pix)
	return out, nil
}

// FromImage returns a picture as one sample of the given shape, [height, width,
// channels] with 1 channel (grey) or 3, channels last, values in [−1,1]: as ReadValues
// reads it of a file, scaled to the size and, where something shines through, on white.
// Image of the samples in package heavytail is the way back. It panics if the picture
// is nil; an error says that the shape is none of pictures, or that there are no pixels
// or too many.
func FromImage(img image.Image, shape []int) ([]float32, error) {
	if img == nil {
		panic("data: FromImage of a nil picture")
	}
	if len(shape) != 3 || shape[0] < 1 || shape[1] < 1 || shape[0] > maxSide || shape[1] > maxSide || shape[2] != 1 && shape[2] != 3 {
		return nil, fmt.Errorf("data: a picture as a sample of shape %v; want height, width and 1 or 3 channels", shape)
	}
	h, w, c := shape[0], shape[1], shape[2]
	ih, iw := img.Bounds().Dy(), img.Bounds().Dx()
	if ih < 1 || iw < 1 || ih > maxSide || iw > maxSide || iw > maxPixels/ih {
		return nil, fmt.Errorf("data: picture of %d×%d pixels; want at most %d a side and %d in all", iw, ih, maxSide, maxPixels)
	}
	pix, _, _ := decoded{Image: img}.pixels(c, [3]byte{255, 255, 255})
	pix, err := Options{Rules: Rules, Size: w}.scaled(pix, ih, iw, c, h, w)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	x := make([]float32, len(pix))
	for i, b := range pix {
		x[i] = levels[b]
	}
	return x, nil
}

// stretched says what scaling does to a picture of another shape.
func stretched(ih, iw, h, w int) string {
	if is, was := float64(w)/float64(h), float64(iw)/float64(ih); is > 1.1*was || was > 1.1*is {
		return ", which stretches it: cut it to that shape first if that is not meant"
	}
	return ""
}

func (v *Values) note(format string, args ...any) {
	v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
}
