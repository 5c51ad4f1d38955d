package eval

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

	"heavytail/data"
	"heavytail/internal/npy"
	"heavytail/internal/source"
	"heavytail/output"
)

// Generated are the samples that stand beside real ones, of which some are taken that
// are spread evenly over them.
type Generated struct {
	N       int      // how many there are
	Shape   []int    // of one
	Columns []string // names of a point's values, nil: none
	take    func(n int) (Samples, error)
}

// OfSet are the samples of a set.
func OfSet(set *data.Set) *Generated {
	return &Generated{set.Len(), set.Shape, set.Columns, func(n int) (Samples, error) {
		y, _ := spread(set, n)
		return y, nil
	}}
}

// OfParts are the samples of a folder of parts, which output.Open opened: only those that
// are compared are read. It panics if s is of another origin.
func OfParts(ctx context.Context, s *output.Samples) *Generated {
	if s.Parts == 0 {
		panic("eval: OfParts of samples that are not those of a folder")
	}
	shape := slices.Clone(s.Shape)
	if len(shape) == 0 {
		shape = []int{1}
	}
	return &Generated{s.N, shape, s.Columns, func(n int) (Samples, error) {
		var x []float64
		err := s.Rows(ctx, places(s.N, n), func(row []float64) error {
			x = append(x, row...)
			return nil
		})
		return samplesOf(x, len(shape) == 3), err
	}}
}

// OfArray are the samples of an .npy file of floating-point points, or of images
// between −1 and 1, of which it reads only what is compared. It returns nil for every
// other file, which package data reads whole; what is wrong with one it tells.
func OfArray(ctx context.Context, path string, images bool) (*Generated, error) {
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
	return &Generated{h.Shape[0], shape, nil, func(n int) (Samples, error) {
		f, err := os.Open(path)
		if err != nil {
			return Samples{}, err
		}
		defer f.Close()
		var x []float64
		row := make([]byte, per*h.Size)
		for _, i := range places(h.Shape[0], n) {
			if _, err := f.ReadAt(row, begin+int64(i)*int64(len(row))); err != nil {
				return Samples{}, fmt.Errorf("%s: %w", path, err)
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
