package eval

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"

	"heavytail/data"
	"heavytail/internal/npy"
	"heavytail/internal/source"
)

// An array is a data.Dataset of the rows of an .npy file, of which it holds a part.
type array struct {
	in    io.ReaderAt
	begin int64 // of the first value
	n     int
	size  int // bytes of a value
	per   int // values of a row
	buf   []byte
	first int // row of buf
	rows  int // in buf
	err   error
}

// Len implements data.Dataset.
func (f *array) Len() int { return f.n }

// Sample implements data.Dataset. What cannot be read, of a file that somebody cuts off
// meanwhile, is not a number.
func (f *array) Sample(dst []float64, i int) int {
	row := f.per * f.size
	if i < f.first || i >= f.first+f.rows {
		f.first, f.rows = i, min(f.n-i, len(f.buf)/row)
		if _, err := f.in.ReadAt(f.buf[:f.rows*row], f.begin+int64(i)*int64(row)); err != nil {
			f.err, f.rows = err, 0
			for j := range dst {
				dst[j] = math.NaN()
			}
			return -1
		}
	}
	at := (i - f.first) * row
	npy.AppendFloats(dst[:0], f.buf[at:at+row], f.size)
	return -1
}

// OpenArray returns the set of an .npy file of floating-point points, or of images
// between −1 and 1, the samples of which are read when they are asked for. It returns nil
// for every other file, which package data reads whole; what is wrong with one it tells.
// The file stays open.
func OpenArray(ctx context.Context, path string) (*data.Set, error) {
	if ctx == nil {
		panic("eval: OpenArray with a nil context: use context.Background()")
	}
	f, err := source.Regular(path)
	if err != nil {
		return nil, nil
	}
	set, err := openArray(ctx, f)
	if set == nil || err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return set, nil
}

func openArray(ctx context.Context, f *os.File) (*data.Set, error) {
	h, err := npy.ReadHeader(f)
	if err != nil || h.Kind != 'f' || h.Size < 4 || h.Fortran || h.Order != binary.LittleEndian || len(h.Shape) == 0 || h.Len() == 0 {
		return nil, nil
	}
	shape := h.Shape[1:]
	if len(shape) == 0 {
		shape = []int{1}
	}
	images := len(shape) == 3
	if len(shape) == 2 || images && shape[2] != 1 && shape[2] != 3 {
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
	rows := &array{in: f, begin: begin, n: h.Shape[0], size: h.Size, per: per, buf: make([]byte, max(1<<18, per*h.Size))}
	set, err := data.From(rows, shape, nil)
	return set, errors.Join(rows.err, err)
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
