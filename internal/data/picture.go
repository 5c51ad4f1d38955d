package data

import (
	"context"
	"fmt"
	"os"
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
		s, err := Open(ctx, ext[1:]+":"+path, Options{})
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
	img, err := decode(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	pix, b := pixels(img, c), img.Bounds()
	if b.Dy() != h || b.Dx() != w {
		scaled := make([]byte, h*w*c)
		newResizer(b.Dy(), b.Dx(), c, h, w).run(scaled, pix)
		pix = scaled
	}
	out := make([]float64, len(pix))
	for j, v := range pix {
		out[j] = float64(levels[v])
	}
	return out, nil
}
