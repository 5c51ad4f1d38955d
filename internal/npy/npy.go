// Package npy reads and writes NumPy's .npy files: one array of numbers with
// its shape. Reading takes memory as the data arrive, never on the word of a
// header.
package npy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const magic = "\x93NUMPY"

// maxHeader bounds the text of a header; NumPy's own limit is 10,000.
const maxHeader = 1 << 16

// maxElements bounds the number of elements of an array, below what an int of
// this processor counts.
const maxElements = min(1<<40, math.MaxInt)

// A Header says what an .npy file holds.
type Header struct {
	Order binary.ByteOrder // little or big endian
	Kind  byte             // 'f' float, 'i' signed, 'u' unsigned, 'b' boolean
	Size  int              // bytes of one number
	Shape []int
	// Fortran says that the first index runs fastest in the file; else it is
	// the last, row-major.
	Fortran bool
}

// Len returns the number of elements.
func (h Header) Len() int {
	n := 1
	for _, d := range h.Shape {
		n *= d
	}
	return n
}

// An Array is a whole file, row-major. Exactly one of the three slices is set: U8
// for unsigned bytes, F64 for what float32 does not hold exactly (float64 and
// integers of 4 and 8 bytes), F32 for the rest.
type Array struct {
	Shape []int
	U8    []byte
	F32   []float32
	F64   []float64
}

// ReadHeader reads the header and leaves r at the first number. It returns an
// error for anything but an array of numbers with at most maxElements elements.
func ReadHeader(r io.Reader) (Header, error) {
	var pre [8]byte
	if _, err := io.ReadFull(r, pre[:]); err != nil && !ended(err) {
		return Header{}, err
	} else if err != nil || string(pre[:6]) != magic {
		return Header{}, errors.New("not an .npy file (it does not begin with \\x93NUMPY)")
	}
	var n int
	switch pre[6] {
	case 1:
		var b [2]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return Header{}, short(err)
		}
		n = int(binary.LittleEndian.Uint16(b[:]))
	case 2, 3:
		var b [4]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return Header{}, short(err)
		}
		v := binary.LittleEndian.Uint32(b[:])
		if v > maxHeader {
			return Header{}, fmt.Errorf("header of %d bytes; want at most %d", v, maxHeader)
		}
		n = int(v)
	default:
		return Header{}, fmt.Errorf("format version %d.%d; want 1 to 3", pre[6], pre[7])
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return Header{}, short(err)
	}
	return parse(string(text))
}

// ended reports whether err is the end of a file.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// short returns what to say of an error within the header.
func short(err error) error {
	if ended(err) {
		return errors.New("the file ends within its header")
	}
	return err
}

// parse reads the Python dict of a header.
func parse(text string) (Header, error) {
	var h Header
	descr, err := field(text, "descr")
	if err != nil {
		return h, err
	}
	if err := h.setType(strings.Trim(descr, `'"`)); err != nil {
		return h, err
	}
	order, err := field(text, "fortran_order")
	if err != nil {
		return h, err
	}
	if order != "False" && order != "True" {
		return h, fmt.Errorf("header with a damaged \"fortran_order\": %.80q", text)
	}
	h.Fortran = order == "True"
	shape, err := field(text, "shape")
	if err != nil {
		return h, err
	}
	return h, h.setShape(shape)
}

// field returns the value of key in the text of a Python dict of scalars,
// strings and flat tuples.
func field(text, key string) (string, error) {
	_, rest, ok := strings.Cut(text, "'"+key+"'")
	if !ok {
		return "", fmt.Errorf("header without %q: %.80q", key, text)
	}
	rest = strings.TrimLeft(rest, " \t")
	if !strings.HasPrefix(rest, ":") {
		return "", fmt.Errorf("header with a damaged %q: %.80q", key, text)
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	end := strings.IndexAny(rest, ",}")
	if strings.HasPrefix(rest, "(") {
		end = strings.IndexByte(rest, ')') + 1
	}
	if end <= 0 {
		return "", fmt.Errorf("header with a damaged %q: %.80q", key, text)
	}
	return strings.TrimSpace(rest[:end]), nil
}

func (h *Header) setType(descr string) error {
	bad := fmt.Errorf("numbers of type %.20q; want floats, integers or booleans such as <f4 or |u1", descr)
	if len(descr) != 3 {
		return bad
	}
	h.Kind, h.Size = descr[1], int(descr[2]-'0')
	switch descr[0] {
	case '<', '|', '=':
		h.Order = binary.LittleEndian
	case '>':
		h.Order = binary.BigEndian
	default:
		return bad
	}
	switch descr[1:] {
	case "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1":
		return nil
	}
	return bad
}

func (h *Header) setShape(text string) error {
	bad := fmt.Errorf("shape %.80q; want a tuple of sizes", text)
	if !strings.HasPrefix(text, "(") {
		return bad
	}
	total := 1
	for _, s := range strings.Split(strings.Trim(text, "()"), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil || d < 0 || d > maxElements || len(h.Shape) >= 32 {
			return bad
		}
		if d > 0 && total > maxElements/d {
			return fmt.Errorf("shape %.80q has more than %d elements", text, maxElements)
		}
		total *= d
		h.Shape = append(h.Shape, d)
	}
	return nil
}

// Read reads a whole file. It returns an error if the values take more than
// maxBytes of memory, or if the data are shorter or longer than the header says.
func Read(r io.Reader, maxBytes int64) (*Array, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	h, err := ReadHeader(br)
	if err != nil {
		return nil, err
	}
	a := &Array{Shape: h.Shape}
	switch {
	case h.Kind == 'u' && h.Size == 1:
		a.U8, err = read(br, h, maxBytes, func(b []byte) byte { return b[0] })
	case h.Size == 8 || h.Size == 4 && h.Kind != 'f':
		a.F64, err = read(br, h, maxBytes, h.number)
	default:
		a.F32, err = read(br, h, maxBytes, func(b []byte) float32 { return float32(h.number(b)) })
	}
	if err != nil {
		return nil, err
	}
	if _, err := br.ReadByte(); err != io.EOF {
		if err != nil {
			return nil, fmt.Errorf("after the data that its header names (%v): %w", h.Shape, err)
		}
		return nil, fmt.Errorf("the file goes on after the data that its header names (%v)", h.Shape)
	}
	return a, nil
}

// read reads the numbers of h, in row-major order.
func read[T any](r io.Reader, h Header, maxBytes int64, number func([]byte) T) ([]T, error) {
	n := h.Len()
	need := int64(binary.Size(*new(T)))
	if h.Fortran {
		need *= 2 // for the copy in the other order
	}
	if int64(n) > maxBytes/need {
		return nil, fmt.Errorf("array %v of %d-byte numbers takes more than the limit of %d MiB", h.Shape, h.Size, maxBytes>>20)
	}
	var out []T
	buf := make([]byte, 1<<15)
	for len(out) < n {
		part := buf[:min(len(buf), (n-len(out))*h.Size)]
		if _, err := io.ReadFull(r, part); err != nil {
			if !ended(err) {
				return nil, err
			}
			return nil, fmt.Errorf("the file ends within its data: header says %v", h.Shape)
		}
		for ; len(part) > 0; part = part[h.Size:] {
			out = append(out, number(part))
		}
	}
	if h.Fortran && n > 0 {
		out = rowMajor(out, h.Shape)
	}
	return out, nil
}

// rowMajor returns the values of x, whose first index runs fastest, with the
// last running fastest.
func rowMajor[T any](x []T, shape []int) []T {
	out := make([]T, 0, len(x))
	step := make([]int, len(shape)) // in x, of each index
	for i, s := 0, 1; i < len(shape); i++ {
		step[i] = s
		s *= shape[i]
	}
	at, place := make([]int, len(shape)), 0
	for range x {
		out = append(out, x[place])
		for i := len(shape) - 1; i >= 0; i-- {
			place += step[i]
			if at[i]++; at[i] < shape[i] {
				break
			}
			place -= step[i] * shape[i]
			at[i] = 0
		}
	}
	return out
}

// number returns the number that b begins with.
func (h *Header) number(b []byte) float64 {
	var u uint64
	switch h.Size {
	case 1:
		u = uint64(b[0])
	case 2:
		u = uint64(h.Order.Uint16(b))
	case 4:
		u = uint64(h.Order.Uint32(b))
	case 8:
		u = h.Order.Uint64(b)
	}
	switch h.Kind {
	case 'f':
		switch h.Size {
		case 2:
			return float64(half(uint16(u)))
		case 4:
			return float64(math.Float32frombits(uint32(u)))
		}
		return math.Float64frombits(u)
	case 'i':
		s := 64 - 8*h.Size
		return float64(int64(u<<s) >> s)
	}
	return float64(u)
}

// half converts an IEEE binary16 to float32, exactly.
func half(h uint16) float32 {
	sign, e, m := uint32(h>>15)<<31, int(h>>10&31), uint32(h&1023)
	switch {
	case e == 31:
		return math.Float32frombits(sign | 0xff<<23 | m<<13)
	case e == 0:
		v := float32(m) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | uint32(e+112)<<23 | m<<13)
}

// WriteHeader writes the header of a little-endian float32 array; the numbers
// must follow. It is aligned to 64 bytes as NumPy's.
func WriteHeader(w io.Writer, shape ...int) error { return writeHeader(w, "<f4", shape) }

// WriteHeader64 is WriteHeader for float64.
func WriteHeader64(w io.Writer, shape ...int) error { return writeHeader(w, "<f8", shape) }

func writeHeader(w io.Writer, descr string, shape []int) error {
	var dims strings.Builder
	for i, d := range shape {
		if i > 0 {
			dims.WriteString(", ")
		}
		dims.WriteString(strconv.Itoa(d))
	}
	if len(shape) == 1 {
		dims.WriteByte(',')
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims.String())
	pad := 63 - (len(magic)+4+len(text))%64
	var b bytes.Buffer
	b.WriteString(magic + "\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(text)+pad+1)))
	b.WriteString(text + strings.Repeat(" ", pad) + "\n")
	_, err := w.Write(b.Bytes())
	return err
}

// WriteValues writes numbers after a header of their type.
func WriteValues[T float32 | float64](w io.Writer, data []T) error {
	var buf [1 << 14]byte
	size := binary.Size(T(0))
	for len(data) > 0 {
		n := min(len(data), len(buf)/size)
		if _, err := binary.Encode(buf[:], binary.LittleEndian, data[:n]); err != nil {
			return err
		}
		if _, err := w.Write(buf[:n*size]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Write writes a whole float32 array.
func Write(w io.Writer, data []float32, shape ...int) error {
	if err := WriteHeader(w, shape...); err != nil {
		return err
	}
	return WriteValues(w, data)
}
