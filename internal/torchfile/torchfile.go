// Package torchfile reads and writes the checkpoint files of PyTorch (.pt,
// .pth): a pickle that describes tensors, and raw numbers for each storage, in a
// zip archive or, before version 1.6, one after the other; and plain pickles of
// networks, as NVIDIA's codes write them (.pkl). The pickle is not run
// as a program: only plain values and the names that
// torch.load(weights_only=True) accepts get through, nothing is called, and
// every length is checked before memory is taken.
package torchfile

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	mem "heavytail/internal/machine" // machine is the one that runs pickles
	"heavytail/tensor"
)

// A Tensor is a view of a storage of a file.
type Tensor struct {
	DType   tensor.DType
	Shape   []int
	strides []int
	offset  int
	storage *storage
}

// A storage holds numbers of a file, or, if base is set, those of base from
// element skip on.
type storage struct {
	dtype tensor.DType
	key   string
	n     int // elements
	base  *storage
	skip  int
	cache []float32
}

// A File is an open checkpoint. It may be used by one goroutine at a time.
type File struct {
	Root any // the pickled value

	form     form
	size     int64
	storages map[string]*storage
}

// A form is where a file keeps its storages.
type form interface {
	// claim returns an error unless there is a storage of that key and size, as far
	// as it is known when a tensor of it is met.
	claim(key string, bytes int64) error
	// bytes returns the numbers of a storage in the order of the file's machine.
	bytes(key string) ([]byte, error)
	// foreign reports whether that order is big-endian.
	foreign() bool
	// total returns the bytes of all storages.
	total() int64
}

// IsTorch reports whether a file that starts with head (16 bytes or more) is a
// zip archive, as PyTorch writes since version 1.6, of the form before, or a plain
// pickle.
func IsTorch(head []byte) bool {
	return len(head) >= 4 && string(head[:4]) == zipMagic || len(head) >= len(legacyMagic) && string(head[:len(legacyMagic)]) == legacyMagic || isPickle(head)
}

// Open reads the structure of a checkpoint of size bytes; numbers are read
// later.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{size: size, storages: map[string]*storage{}}
	head := make([]byte, len(legacyMagic))
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("torch checkpoint: %w", err)
	}
	switch {
	case string(head[:n]) == legacyMagic:
		err = f.openLegacy(r, size)
	case isPickle(head[:n]):
		err = f.openPickle(r, size)
	default:
		err = f.openZip(r, size)
	}
	if err != nil {
		return nil, fmt.Errorf("torch checkpoint: %w", err)
	}
	return f, nil
}

// Bytes returns the bytes of all storages: more than the file's where it is
// compressed.
func (f *File) Bytes() int64 { return f.form.total() }

// load resolves ('storage', type, key, location, elements) and, in legacy files,
// what part of it a view is.
func (f *File) load(id Tuple) (any, error) {
	if len(id) < 5 || id[0] != "storage" {
		return nil, errors.New("a persistent id that is not a storage")
	}
	g, _ := id[1].(global)
	d, known := storageTypes[g]
	key, named := id[2].(string)
	n, counted := id[4].(int64)
	if !known || !named || !counted || n < 0 || n > maxElements || len(key) > maxName {
		return nil, errors.New("a storage that is not described as expected")
	}
	s := f.storages[key]
	switch {
	case s == nil:
		if err := f.form.claim(key, n*width(d)); err != nil {
			return nil, err
		}
		s = &storage{dtype: d, key: key, n: int(n)}
		f.storages[key] = s
	case s.dtype != d:
		return nil, fmt.Errorf("storage %q has two types", key)
	case int64(s.n) != n:
		return nil, fmt.Errorf("storage %q has two sizes, %d and %d", key, s.n, n)
	}
	if len(id) < 6 || id[5] == nil {
		return s, nil
	}
	v, _ := id[5].(Tuple) // (key, offset, elements)
	if len(v) == 3 {
		off, ok := v[1].(int64)
		m, ok2 := v[2].(int64)
		if ok && ok2 && off >= 0 && m >= 0 && off <= n && m <= n-off {
			return &storage{dtype: d, key: key, n: int(m), base: s, skip: int(off)}, nil
		}
	}
	return nil, fmt.Errorf("a view of storage %q that is not described as expected", key)
}

// maxElements bounds the numbers of one storage, so that no product overflows and
// an int holds them.
const maxElements = min(1<<40, math.MaxInt/16)

// rebuild makes a view from (storage, offset, size, stride, …).
func rebuild(args Tuple) (*Tensor, error) {
	wrong := errors.New("a tensor that is not described as expected")
	if len(args) < 4 {
		return nil, wrong
	}
	s, ok := args[0].(*storage)
	off, ok2 := args[1].(int64)
	size, ok3 := args[2].(Tuple)
	stride, ok4 := args[3].(Tuple)
	if !ok || !ok2 || !ok3 || !ok4 || off < 0 || off > int64(s.n) || len(size) != len(stride) || len(size) > 8 {
		return nil, wrong
	}
	t := &Tensor{DType: s.dtype, offset: int(off), storage: s}
	last, total := off, int64(1)
	empty := slices.Contains(size, any(int64(0)))
	for i := range size {
		n, ok := size[i].(int64)
		st, ok2 := stride[i].(int64)
		if !ok || !ok2 || n < 0 || st < 0 || n > math.MaxInt32 || st > 0 && n > 1 && n-1 > int64(s.n)/st && !empty {
			return nil, wrong
		}
		t.Shape, t.strides = append(t.Shape, int(n)), append(t.strides, int(st))
		if empty {
			continue
		}
		if n > int64(s.n)/total { // also refuses views that repeat elements
			return nil, fmt.Errorf("a tensor of shape %v in a storage of %d numbers", size, s.n)
		}
		last += (n - 1) * st
		total *= n
	}
	if !empty && last >= int64(s.n) {
		return nil, fmt.Errorf("a tensor that ends at element %d of a storage of %d", last, s.n)
	}
	return t, nil
}

// numbers returns the values of a whole storage.
func (f *File) numbers(s *storage) ([]float32, error) {
	if s.cache != nil {
		return s.cache, nil
	}
	if need := int64(s.n) * (width(s.dtype) + 4); need > mem.Memory() {
		return nil, fmt.Errorf("storage %q takes %d bytes to read; this process may use %d", s.key, need, mem.Memory())
	}
	raw, err := f.form.bytes(s.key)
	if err != nil {
		return nil, err
	}
	if w := order(s.dtype); f.form.foreign() && w > 1 {
		for i := 0; i+w <= len(raw); i += w {
			slices.Reverse(raw[i : i+w])
		}
	}
	s.cache, err = tensor.Decode(s.dtype, raw)
	return s.cache, err
}

// Float32s reads a tensor of type F32, F16, BF16 or F64.
func (f *File) Float32s(t *Tensor) ([]float32, error) {
	s, skip := t.storage, t.offset
	if s.base != nil {
		s, skip = s.base, skip+s.skip
	}
	all, err := f.numbers(s)
	if err != nil {
		return nil, fmt.Errorf("torch checkpoint: %w", err)
	}
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	out := make([]float32, n)
	index := make([]int, len(t.Shape))
	for i := range out {
		at := skip
		for d, k := range index {
			at += k * t.strides[d]
		}
		out[i] = all[at]
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < t.Shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out, nil
}
