// Package torchfile reads and writes the checkpoint files of PyTorch (.pt,
// .pth): a zip archive of a pickle that describes tensors and one member of
// raw numbers for each storage. The pickle is not run as a program: only
// plain values and the names on a short allow-list are accepted, and every
// length is checked before memory is taken.
package torchfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

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

type storage struct {
	dtype tensor.DType
	key   string
	n     int // elements
	cache []float32
}

// A File is an open checkpoint. It may be used by one goroutine at a time.
type File struct {
	Root any // the pickled value

	members  map[string]*zip.File
	prefix   string
	size     int64
	storages map[string]*storage
}

// IsTorch reports whether a file that starts with head (4 bytes or more) is a
// zip archive, as PyTorch writes since version 1.6.
func IsTorch(head []byte) bool { return len(head) >= 4 && string(head[:4]) == "PK\x03\x04" }

// Open reads the structure of a checkpoint of size bytes; numbers are read
// later.
func Open(r io.ReaderAt, size int64) (*File, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("torch checkpoint: %w", err)
	}
	f := &File{members: map[string]*zip.File{}, size: size, storages: map[string]*storage{}}
	var pkl *zip.File
	for _, m := range z.File {
		if f.members[m.Name] != nil {
			return nil, fmt.Errorf("torch checkpoint: two members are named %q", m.Name)
		}
		f.members[m.Name] = m
		if dir, ok := strings.CutSuffix(m.Name, "data.pkl"); ok && (dir == "" || strings.HasSuffix(dir, "/")) && pkl == nil {
			pkl, f.prefix = m, dir
		}
	}
	if pkl == nil {
		return nil, errors.New("torch checkpoint: a zip archive without data.pkl; not written by torch.save")
	}
	raw, err := f.read(pkl, maxPickle)
	if err != nil {
		return nil, fmt.Errorf("torch checkpoint: %w", err)
	}
	if order := f.members[f.prefix+"byteorder"]; order != nil {
		if b, err := f.read(order, 16); err != nil || string(b) != "little" {
			return nil, fmt.Errorf("torch checkpoint: byte order %q; want little", b)
		}
	}
	if f.Root, err = unpickle(raw, f.load); err != nil {
		return nil, fmt.Errorf("torch checkpoint: %w", err)
	}
	return f, nil
}

// read returns a member. Only members stored without compression are read, as
// torch.save writes them, so that none can unpack to more than the file.
func (f *File) read(m *zip.File, limit int64) ([]byte, error) {
	n := int64(m.UncompressedSize64)
	if m.Method != zip.Store || n < 0 || n > f.size {
		return nil, fmt.Errorf("%s: compressed, or larger than the file", m.Name)
	}
	if n > limit {
		return nil, fmt.Errorf("%s: %d bytes; at most %d are read", m.Name, n, limit)
	}
	r, err := m.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	defer r.Close()
	out := make([]byte, n)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF { // also checks the CRC
		return nil, fmt.Errorf("%s: damaged: %v", m.Name, err)
	}
	return out, nil
}

// storageTypes maps the pickled types to those of package tensor.
var storageTypes = map[global]tensor.DType{
	"torch.FloatStorage": tensor.F32, "torch.HalfStorage": tensor.F16, "torch.BFloat16Storage": tensor.BF16,
	"torch.DoubleStorage": tensor.F64, "torch.LongStorage": "I64", "torch.IntStorage": "I32",
	"torch.ShortStorage": "I16", "torch.CharStorage": "I8", "torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
}

const (
	orderedDict      = global("collections.OrderedDict")
	rebuildTensor    = global("torch._utils._rebuild_tensor_v2")
	rebuildParameter = global("torch._utils._rebuild_parameter")
)

func (m *machine) allow(module, name string) global {
	g := global(module + "." + name)
	if _, ok := storageTypes[g]; !ok && g != orderedDict && g != rebuildTensor && g != rebuildParameter {
		m.fail("the file refers to %q, which is not on the list of what a checkpoint may contain; save a plain state_dict instead", string(g))
	}
	return g
}

func (m *machine) reduce(f global, args Tuple) any {
	switch f {
	case orderedDict:
		d := &Dict{}
		if len(args) > 0 {
			l, ok := args[0].(*List)
			if !ok {
				m.fail("OrderedDict of something that is not a list")
			}
			for _, it := range l.Items {
				var key, value any
				switch p := it.(type) {
				case Tuple:
					if len(p) == 2 {
						key, value = p[0], p[1]
					}
				case *List:
					if len(p.Items) == 2 {
						key, value = p.Items[0], p.Items[1]
					}
				}
				d.set(key, value)
			}
		}
		return d
	case rebuildParameter:
		if len(args) > 0 {
			if t, ok := args[0].(*Tensor); ok {
				return t
			}
		}
	case rebuildTensor:
		t, err := rebuild(args)
		if err != nil {
			m.fail("%v", err)
		}
		return t
	}
	m.fail("a call of %s with wrong arguments", string(f))
	return nil
}

// load resolves ('storage', type, key, location, elements).
func (f *File) load(id Tuple) (any, error) {
	if len(id) < 5 || id[0] != "storage" {
		return nil, errors.New("a persistent id that is not a storage")
	}
	g, _ := id[1].(global)
	d, known := storageTypes[g]
	key, named := id[2].(string)
	n, counted := id[4].(int64)
	if !known || !named || !counted || n < 0 {
		return nil, errors.New("a storage that is not described as expected")
	}
	m := f.members[f.prefix+"data/"+key]
	if m == nil {
		return nil, fmt.Errorf("storage %q is missing from the file", key)
	}
	if n > f.size || int64(m.UncompressedSize64) != n*int64(d.Size()) || n*int64(d.Size()) > f.size {
		return nil, fmt.Errorf("storage %q has %d bytes, want %d numbers of type %s", key, m.UncompressedSize64, n, d)
	}
	if s := f.storages[key]; s != nil {
		if s.dtype != d {
			return nil, fmt.Errorf("storage %q has two types", key)
		}
		return s, nil
	}
	s := &storage{dtype: d, key: key, n: int(n)}
	f.storages[key] = s
	return s, nil
}

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
	last, total, empty := off, int64(1), false
	for i := range size {
		n, ok := size[i].(int64)
		st, ok2 := stride[i].(int64)
		if !ok || !ok2 || n < 0 || st < 0 || n > math.MaxInt32 || (st > 0 && n > 1 && n-1 > int64(s.n)/st) {
			return nil, wrong
		}
		t.Shape, t.strides = append(t.Shape, int(n)), append(t.strides, int(st))
		empty = empty || n == 0
		last += max(n-1, 0) * st
		total *= max(n, 1)
		if total > int64(s.n) && !empty || total > math.MaxInt32*64 { // also refuses views that repeat elements
			return nil, fmt.Errorf("a tensor of shape %v in a storage of %d numbers", size, s.n)
		}
	}
	if !empty && last >= int64(s.n) {
		return nil, fmt.Errorf("a tensor that ends at element %d of a storage of %d", last, s.n)
	}
	return t, nil
}

// Float32s reads a tensor of type F32, F16, BF16 or F64.
func (f *File) Float32s(t *Tensor) ([]float32, error) {
	s := t.storage
	if s.cache == nil {
		raw, err := f.read(f.members[f.prefix+"data/"+s.key], f.size)
		if err != nil {
			return nil, fmt.Errorf("torch checkpoint: %w", err)
		}
		if s.cache, err = tensor.Decode(s.dtype, raw); err != nil {
			return nil, fmt.Errorf("torch checkpoint: %w", err)
		}
	}
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	out := make([]float32, n)
	index := make([]int, len(t.Shape))
	for i := range out {
		at := t.offset
		for d, k := range index {
			at += k * t.strides[d]
		}
		out[i] = s.cache[at]
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < t.Shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out, nil
}
