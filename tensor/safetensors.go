package tensor

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
)

// DType names how numbers are stored in a file.
type DType string

// The types that can be read as float32; F32, F16 and BF16 can be written.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	F64  DType = "F64"
)

// Size returns the bytes of one number of a type that safetensors files may
// hold, 0 for an unknown type.
func (d DType) Size() int {
	switch d {
	case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2":
		return 1
	case F16, BF16, "I16", "U16":
		return 2
	case F32, "I32", "U32":
		return 4
	case F64, "I64", "U64":
		return 8
	}
	return 0
}

// An Entry is one tensor of a file.
type Entry struct {
	Name   string // its key in the header
	DType  DType  // of the stored numbers
	Shape  []int  // row-major
	lo, hi int64  // bytes from the start of the data
}

// Len returns the number of elements.
func (e *Entry) Len() int {
	n, _ := Elements(e.Shape...) // checked when the file was opened
	return n
}

// Safetensors is an open safetensors file: 8 bytes of header length, a JSON
// header, the numbers. See https://github.com/huggingface/safetensors
type Safetensors struct {
	Metadata map[string]string // the texts under __metadata__
	Entries  []Entry           // in the order of their data

	r    io.ReaderAt
	base int64
	sums map[string]string // nil: none in the file
}

// maxHeader is the largest header that the format allows.
const maxHeader = 100 << 20

// IsSafetensors reports whether a file that starts with head (9 bytes or
// more) and has size bytes looks like safetensors.
func IsSafetensors(head []byte, size int64) bool {
	if len(head) < 9 || head[8] != '{' {
		return false
	}
	n := binary.LittleEndian.Uint64(head)
	return n <= maxHeader && int64(n)+8 <= size
}

// OpenSafetensors reads and checks the header of a file of size bytes. All
// bounds are checked before memory is taken, so a hostile header costs no
// more than its own length.
func OpenSafetensors(r io.ReaderAt, size int64) (*Safetensors, error) {
	var head [8]byte
	if size < 8 {
		return nil, fmt.Errorf("safetensors: %d bytes are too few for a header", size)
	}
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("safetensors: header length: %w", err)
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("safetensors: header of %d bytes in a file of %d; not a safetensors file, or cut off", n, size)
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil {
		return nil, fmt.Errorf("safetensors: header: %w", err)
	}
	f := &Safetensors{r: r, base: 8 + int64(n)}
	if err := f.parse(header); err != nil {
		return nil, fmt.Errorf("safetensors: header: %w", err)
	}
	if err := f.check(size - f.base); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	if err := f.takeSums(); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return f, nil
}

// parse reads the JSON token by token: a map would hide a name that appears
// twice.
func (f *Safetensors) parse(header []byte) error {
	d := json.NewDecoder(bytes.NewReader(header))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok || seen[name] {
			return fmt.Errorf("the name %q appears twice", t)
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := d.Decode(&f.Metadata); err != nil {
				return fmt.Errorf("__metadata__: %w", err)
			}
			continue
		}
		var e struct {
			DType   DType   `json:"dtype"`
			Shape   []int   `json:"shape"`
			Offsets []int64 `json:"data_offsets"`
		}
		if err := d.Decode(&e); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		if e.Shape == nil {
			return fmt.Errorf("%q: no shape", name)
		}
		if len(e.Offsets) != 2 {
			return fmt.Errorf("%q: %d data_offsets, want 2", name, len(e.Offsets))
		}
		f.Entries = append(f.Entries, Entry{name, e.DType, e.Shape, e.Offsets[0], e.Offsets[1]})
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if rest, _ := io.ReadAll(d.Buffered()); len(bytes.TrimSpace(rest)) > 0 || len(bytes.TrimSpace(header[d.InputOffset():])) > 0 {
		return fmt.Errorf("something follows the JSON object")
	}
	return nil
}

// check sorts the entries and checks that they tile the data without gaps.
func (f *Safetensors) check(size int64) error {
	slices.SortFunc(f.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi), cmp.Compare(a.Name, b.Name))
	})
	at := int64(0)
	for _, e := range f.Entries {
		width := int64(e.DType.Size())
		if width == 0 {
			return fmt.Errorf("%q: unknown type %q", e.Name, e.DType)
		}
		if e.lo != at || e.hi < e.lo || e.hi > size {
			return fmt.Errorf("%q: bytes %d to %d; want a start of %d and an end of at most %d", e.Name, e.lo, e.hi, at, size)
		}
		n := (e.hi - e.lo) / width
		if m, ok := Elements(e.Shape...); (e.hi-e.lo)%width != 0 || !ok || int64(m) != n {
			return fmt.Errorf("%q: %d bytes for shape %v of %s", e.Name, e.hi-e.lo, e.Shape, e.DType)
		}
		at = e.hi
	}
	if at != size {
		return fmt.Errorf("%d bytes of data, the header names %d", size, at)
	}
	return nil
}

// Find returns the entry of that name, or nil.
func (f *Safetensors) Find(name string) *Entry {
	for i := range f.Entries {
		if f.Entries[i].Name == name {
			return &f.Entries[i]
		}
	}
	return nil
}

// Float32s reads an entry of type F32, F16, BF16 or F64. It returns an error also
// if its bytes are not those that the file's checksum is of.
func (f *Safetensors) Float32s(e *Entry) ([]float32, error) { return f.Float32sIn(&Buffer{}, e) }

// A Buffer is memory for reading entries one after the other (Safetensors.Float32sIn):
// it grows to the largest of them. The zero value is ready for use.
type Buffer struct {
	raw    []byte
	values []float32
}

// Float32sIn is Float32s with the result in b, where the next call overwrites it.
func (f *Safetensors) Float32sIn(b *Buffer, e *Entry) ([]float32, error) {
	b.raw = slices.Grow(b.raw[:0], int(e.hi-e.lo))
	raw := b.raw[:e.hi-e.lo]
	if _, err := f.r.ReadAt(raw, f.base+e.lo); err != nil && len(raw) > 0 {
		return nil, fmt.Errorf("safetensors: %s: %w", e.Name, err)
	}
	if err := f.compare(e.Name, e.Name, sum(e.DType, e.Shape, raw)); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	out, err := decode(b.values, e.DType, raw)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", e.Name, err)
	}
	b.values = out
	return out, nil
}

// pieceValues is how many values Pieces reads at a time.
const pieceValues = 1 << 14

// Pieces is Float32sIn in the memory of a piece: it calls use for all values in order, some
// at a time, of which x[0] is value at, until use returns an error, which it
// returns. Whether the bytes are those that the file's checksum is of is known after the last.
func (f *Safetensors) Pieces(b *Buffer, e *Entry, use func(at int, x []float32) error) error {
	w := int64(max(e.DType.Size(), 1))
	crc := head(e.DType, e.Shape)
	for lo := e.lo; lo < e.hi; {
		n := min(pieceValues*w, e.hi-lo)
		b.raw = slices.Grow(b.raw[:0], int(n))
		raw := b.raw[:n]
		if _, err := f.r.ReadAt(raw, f.base+lo); err != nil {
			return fmt.Errorf("safetensors: %s: %w", e.Name, err)
		}
		crc = crc32.Update(crc, castagnoli, raw)
		out, err := decode(b.values, e.DType, raw)
		if err != nil {
			return fmt.Errorf("safetensors: %s: %w", e.Name, err)
		}
		b.values = out
		if err := use(int((lo-e.lo)/w), out); err != nil {
			return err
		}
		lo += n
	}
	if err := f.compare(e.Name, e.Name, fmt.Sprintf("%08x", crc)); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	return nil
}

// Decode returns the little-endian numbers of raw as float32.
func Decode(d DType, raw []byte) ([]float32, error) { return decode(nil, d, raw) }

// decode is Decode in the memory of buf, if that is enough.
func decode(buf []float32, d DType, raw []byte) ([]float32, error) {
	le := binary.LittleEndian
	w := d.Size()
	if w == 0 || len(raw)%w != 0 {
		return nil, fmt.Errorf("%d bytes of type %q", len(raw), d)
	}
	out := slices.Grow(buf[:0], len(raw)/w)[:len(raw)/w]
	switch d {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
		}
	case F16:
		for i := range out {
			out[i] = FromF16(le.Uint16(raw[2*i:]))
		}
	case BF16:
		for i := range out {
			out[i] = FromBF16(le.Uint16(raw[2*i:]))
		}
	case F64:
		for i := range out {
			out[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	default:
		return nil, fmt.Errorf("type %s does not hold real numbers that can be used here; want F32, F16, BF16 or F64", d)
	}
	return out, nil
}
