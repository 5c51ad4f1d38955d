package torchfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	mem "heavytail/internal/machine"
)

// An Object is an instance of a class in a plain pickle: of one that the file
// brings the source of (torch_utils.persistence of NVIDIA's codes) or of a list
// of modules of PyTorch. Of either only the attributes are taken; no code of the
// file is looked at.
type Object struct {
	Class string // without the module, which the file names or brings
	State *Dict  // attributes: _parameters, _buffers, _modules, …
}

// The names of a plain pickle beyond those of torch.load: how persistent objects,
// storages outside of torch.save, dictionaries with attributes and numpy's
// numbers are written.
const (
	reconstruct = global("torch_utils.persistence._reconstruct_persistent_obj")
	fromBytes   = global("torch.storage._load_from_bytes")
	easyDict    = global("dnnlib.util.EasyDict")
	npDType     = global("numpy.dtype")
	npScalar    = global("numpy.core.multiarray.scalar")
	npScalar2   = global("numpy._core.multiarray.scalar") // since numpy 2
)

var objectNames = map[global]bool{reconstruct: true, fromBytes: true, easyDict: true, npDType: true, npScalar: true, npScalar2: true}

// containers are the classes of PyTorch that hold modules, without numbers of
// their own.
var containers = map[global]string{
	"torch.nn.modules.container.ModuleDict": "ModuleDict", "torch.nn.modules.container.ModuleList": "ModuleList",
	"torch.nn.modules.container.Sequential": "Sequential",
}

// isPickle reports whether a file that starts with head is a plain pickle, as
// pickle.dump writes a dictionary or an object: of protocol 4 or 5, which begins
// with the length of a frame, or of protocol 2 or 3 with a dictionary.
func isPickle(head []byte) bool {
	if len(head) < 12 || head[0] != 0x80 {
		return false
	}
	switch head[1] {
	case 2, 3:
		return head[2] == '}' && head[3] == 'q'
	case 4, 5:
		return head[2] == 0x95 && binary.LittleEndian.Uint64(head[3:]) < 1<<40
	}
	return false
}

// pickled is the form of plain pickles: storages are files of the old form
// inside of them, and stay where they are.
type pickled struct {
	parts map[string][]byte
	sum   int64
}

func (f *File) openPickle(r io.ReaderAt, size int64) error {
	if size > mem.Memory() {
		return fmt.Errorf("a pickle of %d bytes; this process may use %d", size, mem.Memory())
	}
	in := make([]byte, size)
	if _, err := r.ReadAt(in, 0); err != nil && err != io.EOF {
		return err
	}
	p := &pickled{parts: map[string][]byte{}}
	f.form = p
	m := &machine{in: in, memo: map[uint32]any{}}
	m.load = func(Tuple) (any, error) { return nil, errors.New("a persistent id in a plain pickle") }
	m.storage = func(b []byte) (*storage, error) { return f.inner(p, b) }
	var n int
	var err error
	if f.Root, n, err = m.run(maxSteps); err != nil {
		return err
	}
	if n != len(in) {
		return fmt.Errorf("%d bytes after the pickle's end", len(in)-n)
	}
	return nil
}

// innerSteps bounds the operations of each pickle of a storage: PyTorch writes 30.
const innerSteps = 200

// inner notes the storage of a file of the old form inside of a pickle.
func (f *File) inner(p *pickled, b []byte) (*storage, error) {
	if !bytes.HasPrefix(b, []byte(legacyMagic)) {
		return nil, errors.New("a storage that is not in PyTorch's old form")
	}
	one := &File{size: int64(len(b)), storages: map[string]*storage{}}
	l := &legacy{r: bytes.NewReader(b), size: one.size, parts: map[string]part{}}
	one.form = l
	if err := one.readLegacy(l, b, innerSteps); err != nil {
		return nil, err
	}
	s, ok := one.Root.(*storage)
	if !ok || s.base != nil {
		return nil, errors.New("a storage that is not described as expected")
	}
	at := l.parts[s.key]
	key := strconv.Itoa(len(p.parts))
	p.parts[key] = b[at.at:][:at.n]
	p.sum += at.n
	out := &storage{dtype: s.dtype, key: key, n: s.n}
	f.storages[key] = out
	return out, nil
}

func (p *pickled) claim(string, int64) error        { return errors.New("a storage outside of the pickle") }
func (p *pickled) bytes(key string) ([]byte, error) { return p.parts[key], nil }
func (p *pickled) foreign() bool                    { return false }
func (p *pickled) total() int64                     { return p.sum }

// object returns what the function f makes of args where it is one of plain
// pickles.
func (m *machine) object(f global, args Tuple) (any, bool) {
	if m.storage == nil || !objectNames[f] {
		return nil, false
	}
	switch f {
	case reconstruct:
		return m.persistent(args), true
	case fromBytes:
		if b, ok := first(args).([]byte); ok {
			m.work(innerSteps)
			s, err := m.storage(b)
			if err != nil {
				m.fail("%v", err)
			}
			return s, true
		}
	case npDType:
		name, _ := first(args).(string)
		return &Opaque{string(npDType) + " " + name[:min(len(name), 8)]}, true
	case npScalar, npScalar2:
		return scalarOf(args), true
	}
	m.fail("a call of %s with wrong arguments", string(f))
	return nil, false
}

func first(args Tuple) any {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

// persistent makes an object of ({type: "class", class_name, state, …},).
func (m *machine) persistent(args Tuple) *Object {
	meta, ok := first(args).(*Dict)
	if !ok || len(args) != 1 {
		m.fail("a persistent object that is not described as expected")
	}
	kind, _ := meta.Get("type")
	class, _ := meta.Get("class_name")
	state, _ := meta.Get("state")
	name, named := class.(string)
	attributes, is := state.(*Dict)
	if kind != any("class") || !named || !is || len(name) > maxName {
		m.fail("a persistent object that is not described as expected")
	}
	return &Object{Class: name, State: attributes}
}

// scalarOf returns the value of a number of numpy, from its type and its bytes, if
// it is one of float64.
func scalarOf(args Tuple) any {
	if len(args) == 2 {
		d, ok := args[0].(*Opaque)
		b, ok2 := args[1].([]byte)
		if ok && ok2 && len(b) == 8 && d.Kind == string(npDType)+" f8" {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	return &Opaque{string(npScalar)}
}

// made returns a new object of the class f of a plain pickle.
func (m *machine) made(f global) (any, bool) {
	if m.storage == nil {
		return nil, false
	}
	if f == easyDict {
		return &Dict{}, true
	}
	if name, ok := containers[f]; ok {
		return &Object{Class: name}, true
	}
	return nil, false
}

// attribute gives an object its attributes, once.
func (m *machine) attribute(o *Object, state any) {
	d, ok := state.(*Dict)
	if !ok || o.State != nil {
		m.fail("attributes of a %s that are not described as expected", o.Class)
	}
	o.State = d
}
