package torchfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// legacyMagic is how files from before PyTorch 1.6 begin, and those of
// torch.save(…, _use_new_zipfile_serialization=False): the pickle of 0x1950a86a20f9469cfc6c.
const legacyMagic = "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

// legacyProtocol is the version that follows it.
const legacyProtocol = 1001

// legacy is the form before the archives: five pickles (magic, version, the
// machine's sizes, the value, the keys of its storages), then of each storage,
// in the order of the keys, the number of elements (8 bytes) and the elements,
// all little-endian whatever the machine was.
type legacy struct {
	r     io.ReaderAt
	size  int64
	parts map[string]part
	sum   int64
}

// part is where the numbers of a storage are.
type part struct{ at, n int64 }

func (f *File) openLegacy(r io.ReaderAt, size int64) error {
	l := &legacy{r: r, size: size, parts: map[string]part{}}
	f.form = l
	in := make([]byte, min(size, maxPickle))
	if _, err := r.ReadAt(in, 0); err != nil && err != io.EOF {
		return err
	}
	return f.readLegacy(l, in, maxSteps)
}

// readLegacy reads the pickles of a file that begins with in, each of at most that
// many operations.
func (f *File) readLegacy(l *legacy, in []byte, steps int) error {
	at := len(legacyMagic)
	next := func() (any, error) {
		m := &machine{in: in[at:], memo: map[uint32]any{}, load: f.load}
		v, n, err := m.run(steps)
		at += n
		return v, err
	}
	if v, err := next(); err != nil || v != int64(legacyProtocol) {
		return fmt.Errorf("a legacy file of version %v; want %d: %v", plain(v), legacyProtocol, err)
	}
	if _, err := next(); err != nil {
		return err
	}
	var err error
	if f.Root, err = next(); err != nil {
		return err
	}
	keys, err := next()
	if err != nil {
		return err
	}
	list, ok := keys.(*List)
	if !ok {
		return errors.New("the keys of the storages are not a list")
	}
	return f.locate(l, list.Items, int64(at))
}

// plain returns v if it is a number, for messages.
func plain(v any) any {
	if n, ok := v.(int64); ok {
		return n
	}
	return "?"
}

// locate finds the storages, which begin at byte at.
func (f *File) locate(l *legacy, keys []any, at int64) error {
	for _, k := range keys {
		key, _ := k.(string)
		s := f.storages[key]
		if s == nil {
			return errors.New("a key of a storage that no tensor has")
		}
		var count [8]byte
		if _, err := l.r.ReadAt(count[:], at); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = errors.New("the file is cut off")
			}
			return fmt.Errorf("storage %q: %w", key, err)
		}
		at += 8
		n := int64(s.n) * width(s.dtype)
		if c := binary.LittleEndian.Uint64(count[:]); c != uint64(s.n) || n > l.size-at {
			return fmt.Errorf("storage %q has %d elements in the last %d bytes, want %d", key, c, l.size-at, s.n)
		}
		if _, twice := l.parts[key]; twice {
			return fmt.Errorf("storage %q is there twice", key)
		}
		l.parts[key] = part{at, n}
		at += n
		l.sum += n
	}
	for key := range f.storages {
		if _, ok := l.parts[key]; !ok {
			return fmt.Errorf("storage %q is missing from the file", key)
		}
	}
	return nil
}

// claim is settled by locate: the storages come after the pickles.
func (l *legacy) claim(_ string, n int64) error {
	if n > l.size {
		return fmt.Errorf("a storage of %d bytes in a file of %d", n, l.size)
	}
	return nil
}

func (l *legacy) bytes(key string) ([]byte, error) {
	p := l.parts[key]
	out := make([]byte, p.n)
	if _, err := l.r.ReadAt(out, p.at); err != nil && p.n > 0 {
		return nil, fmt.Errorf("storage %q: %w", key, err)
	}
	return out, nil
}

func (l *legacy) foreign() bool { return false }
func (l *legacy) total() int64  { return l.sum }
