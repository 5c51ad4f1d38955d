package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"heavytail/data"
	"heavytail/internal/cli"
	"heavytail/internal/npy"
	"heavytail/internal/source"
)

// generated are the samples that eval compares with real ones, of which it takes some
// that are spread evenly over them.
type generated struct {
	n       int
	shape   []int
	columns []string
	spread  func(n int) (samples, error)
}

// openGenerated opens samples beside those of set. A folder of parts and an .npy file of
// numbers as sample writes them are not loaded: what is compared of them is read from
// its place.
func (o evalOptions) openGenerated(ctx context.Context, e env, spec, real string, set *data.Set) (*generated, error) {
	kind, path, _ := strings.Cut(specOf(spec), ":")
	plain := o.size == 0 && o.channels == 0
	switch {
	case kind == "parts":
		return partsGenerated(ctx, path)
	case kind == "npy" && plain:
		if g, err := npyGenerated(ctx, path, set.Images()); g != nil || err != nil {
			return g, err
		}
	}
	gen, err := o.open(ctx, e, spec, real)
	if err != nil {
		return nil, err
	}
	return &generated{gen.Len(), gen.Shape, gen.Columns, func(n int) (samples, error) {
		y, _ := spread(gen, n)
		return y, nil
	}}, nil
}

// partsGenerated are the samples of a folder of parts, all of which must be there.
func partsGenerated(ctx context.Context, dir string) (*generated, error) {
	f, err := openParts(ctx, dir)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(f.Shape)
	if len(shape) == 0 {
		shape = []int{1}
	}
	return &generated{f.N, shape, f.Columns, func(n int) (samples, error) {
		var x []float64
		err := f.Rows(ctx, places(f.N, n), func(row []float64) error {
			x = append(x, row...)
			return nil
		})
		return samplesOf(x, len(shape) == 3), err
	}}, nil
}

// samplesOf are values as eval compares them.
func samplesOf(x []float64, images bool) samples {
	if !images {
		return samples{points: x}
	}
	pixels := make([]float32, len(x))
	for i, v := range x {
		pixels[i] = float32(v)
	}
	round8(pixels)
	return samples{pixels: pixels}
}

// places are n numbers spread evenly over those of so many samples.
func places(of, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = int(float64(i) * (float64(of) / float64(n)))
	}
	return out
}

// npyGenerated are the samples of an .npy file of floating-point points, or of images
// between −1 and 1. It returns nil for every other file, which package data reads whole;
// what is wrong with one it tells.
func npyGenerated(ctx context.Context, path string, images bool) (*generated, error) {
	f, err := source.Regular(path)
	if err != nil {
		return nil, nil
	}
	defer f.Close()
	h, err := npy.ReadHeader(f)
	if err != nil || h.Kind != 'f' || h.Size < 4 || h.Fortran || h.Order != binary.LittleEndian || len(h.Shape) == 0 || h.Len() == 0 {
		return nil, nil
	}
	shape := h.Shape[1:]
	if len(shape) == 0 {
		shape = []int{1}
	}
	if images != (len(shape) == 3) || len(shape) == 2 || images && shape[2] != 1 && shape[2] != 3 {
		return nil, nil
	}
	begin, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil || st.Size() != begin+int64(h.Len())*int64(h.Size) {
		return nil, err
	}
	if ok, err := plainValues(ctx, f, h.Size, images); !ok || err != nil {
		return nil, err
	}
	per := h.Len() / h.Shape[0]
	return &generated{h.Shape[0], shape, nil, func(n int) (samples, error) {
		f, err := os.Open(path)
		if err != nil {
			return samples{}, err
		}
		defer f.Close()
		var x []float64
		row := make([]byte, per*h.Size)
		for _, i := range places(h.Shape[0], n) {
			if _, err := f.ReadAt(row, begin+int64(i)*int64(len(row))); err != nil {
				return samples{}, fmt.Errorf("%s: %w", path, err)
			}
			x = npy.AppendFloats(x, row, h.Size)
		}
		return samplesOf(x, images), nil
	}}, nil
}

// plainValues reports whether all numbers of a file, of so many bytes each, are finite
// and, of images, lie in [−1,1] and not all above 0, which says what black and white are.
func plainValues(ctx context.Context, r io.Reader, size int, images bool) (bool, error) {
	in, buf := bufio.NewReaderSize(r, 1<<20), make([]byte, 1<<16)
	lo, hi := math.Inf(1), math.Inf(-1)
	var x []float64
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := io.ReadFull(in, buf)
		x = npy.AppendFloats(x[:0], buf[:n], size)
		for _, v := range x {
			if v-v != 0 {
				return false, nil
			}
			lo, hi = min(lo, v), max(hi, v)
		}
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return !images || lo < 0 && lo >= -1 && hi <= 1, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// notReal returns a mistake on the command line where the real samples are parts.
func notReal(spec string) error {
	if kind, path, _ := strings.Cut(specOf(spec), ":"); kind == "parts" {
		return cli.Usage("%s: a folder of parts, which GENERATED may be: heavytail merge %s -o FILE makes a file of it", spec, path)
	}
	return nil
}
