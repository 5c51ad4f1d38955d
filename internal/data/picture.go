package data

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// ReadValues reads samples of the given shape from one file: a PNG or JPEG,
// scaled to the shape and of values in [−1,1], or all samples of an .npy or .csv
// file, of that shape exactly. It returns the values one sample after the other.
func ReadValues(ctx context.Context, path string, shape []int) ([]float64, error) {
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".npy", ".csv":
		o := Options{}
		if ext == ".csv" { // values of arrays are those of samples, in [−1,1] already
			o.Rules = Rules
		}
		s, err := Open(ctx, ext[1:]+":"+path, o)
		if err != nil {
			return nil, err
		}
		if fmt.Sprint(s.Shape) != fmt.Sprint(shape) {
			return nil, fmt.Errorf("%s: samples of %v; the model's are %v", path, s.Shape, shape)
		}
		out := make([]float64, s.Len()*s.Per())
		for i := range s.Len() {
			s.Float64(out[i*s.Per():], i)
		}
		return out, nil
	}
	if len(shape) != 3 {
		return nil, fmt.Errorf("%s: the model's samples are points of %d values; give an .npy or .csv file", path, shape[0])
	}
	h, w, c := shape[0], shape[1], shape[2]
	if c != 1 && c != 3 {
		return nil, fmt.Errorf("%s: the model's samples have %d channels, a picture 1 or 3; give an .npy file", path, c)
	}
	o := Options{Rules: Rules, Size: w}
	img, err := decode(func() (io.ReadCloser, error) { return openFile(ctx, path) }, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	pix, ih, iw := img.pixels(c, [3]byte{255, 255, 255})
	if ih != h || iw != w {
		if err := o.scales(ih, iw, c); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		scaled := make([]byte, h*w*c)
		newResizer(ih, iw, c, h, w).run(scaled, pix)
		pix = scaled
	}
	out := make([]float64, len(pix))
	for j, v := range pix {
		out[j] = float64(levels[v])
	}
	return out, nil
}
