package data

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"heavytail/internal/npy"
	"heavytail/internal/source"
)

// openNPY reads points [N] or [N, D], or images [N, H, W], [N, H, W, C] or
// [N, C, H, W], from an .npy file or the arrays of an .npz.
func openNPY(ctx context.Context, arg string, o Options) (*Set, error) {
	path, member := arg, ""
	if i := strings.LastIndex(strings.ToLower(arg), ".npz:"); i >= 0 {
		path, member = arg[:i+4], arg[i+5:]
	}
	f, err := source.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// An .npz is read in any order, which a pipe is not.
	s, err := readArrays(ctx, f, func() (io.ReaderAt, int64, error) { return f.At(0, func([]byte) error { return nil }) }, member, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	return s, nil
}

// readArrays reads an .npy from r or, if r begins like a zip, an .npz from what at
// returns.
func readArrays(ctx context.Context, r io.Reader, at func() (io.ReaderAt, int64, error), member string, o Options) (*Set, error) {
	br, err := inflated(r)
	if err != nil {
		return nil, err
	}
	if head, _ := br.Peek(4); bytes.Equal(head, []byte("PK\x03\x04")) {
		whole, size, err := at()
		if err != nil {
			return nil, err
		}
		return openNPZ(ctx, whole, size, member, o)
	}
	s, err := readNPY(br, o)
	if err != nil {
		return nil, err
	}
	return s, s.takeRange(o)
}

// readNPY reads one array of samples; images are not scaled yet.
func readNPY(r io.Reader, o Options) (*Set, error) {
	a, err := npy.Read(r, o.maxBytes())
	if err != nil {
		return nil, err
	}
	s := &Set{bytes: a.U8, floats: a.F32, wide: a.F64}
	switch d := a.Shape; {
	case len(d) == 1, len(d) == 2:
		if s.Shape = d[1:]; len(d) == 1 {
			s.Shape = []int{1}
		}
		s.points()
	case len(d) == 3 && d[1] == 1: // the papers' [N, 1, D]
		s.Shape = d[2:]
		s.points()
	case len(d) == 3:
		s.Shape = []int{d[1], d[2], 1}
	case len(d) == 4 && (d[3] == 1 || d[3] == 3):
		s.Shape = d[1:]
	case len(d) == 4 && (d[1] == 1 || d[1] == 3):
		s.channelsLast(d[1:])
	default:
		return nil, fmt.Errorf("array of shape %v; want points [N] or [N, D], or images [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3", d)
	}
	if s.Per() == 0 {
		return nil, fmt.Errorf("array of shape %v: there is nothing in a sample", a.Shape)
	}
	if i := s.unfit(o); i >= 0 {
		return nil, fmt.Errorf("%s has a value that is not finite, or beyond float32; remove it", s.PlaceOf(i/s.Per(), i%s.Per()))
	}
	return s, nil
}

// channelsLast turns images of shape [C, H, W] into [H, W, C].
func (s *Set) channelsLast(d []int) {
	s.Shape = []int{d[1], d[2], d[0]}
	lastAxis(s.bytes, d)
	lastAxis(s.floats, d)
	lastAxis(s.wide, d)
	s.note("the array is taken as [samples, channels, height, width]")
}

// lastAxis puts the first axis of each block of shape d last, in place.
func lastAxis[T any](x []T, d []int) {
	C, n := d[0], d[1]*d[2]
	block := make([]T, C*n)
	for ; len(x) > 0; x = x[C*n:] {
		for c := range C {
			for i := range n {
				block[i*C+c] = x[c*n+i]
			}
		}
		copy(x, block)
	}
}

// points makes the values float64.
func (s *Set) points() {
	if s.wide == nil {
		s.wide = make([]float64, 0, len(s.bytes)+len(s.floats))
		for _, v := range s.bytes {
			s.wide = append(s.wide, float64(v))
		}
		for _, v := range s.floats {
			s.wide = append(s.wide, float64(v))
		}
		s.bytes, s.floats = nil, nil
	}
}

// unfit returns the place of a value that is not finite or, in an image and by the
// first rules, not as a float32; −1 if there is none.
func (s *Set) unfit(o Options) int {
	if o.Rules == 0 || s.Images() {
		return max(notFinite(s.floats), notFinite(s.wide))
	}
	return slices.IndexFunc(s.wide, func(v float64) bool { return v-v != 0 })
}

// notFinite returns the place of the first value that is not finite as a
// float32, −1 if there is none.
func notFinite[T float32 | float64](x []T) int {
	for i, v := range x {
		if f := float32(v); f-f != 0 {
			return i
		}
	}
	return -1
}

// Arrays of an .npz that are samples and classes, by their usual names.
var (
	sampleNames = []string{"x_train", "train_images", "images", "x", "data", "samples", "arr_0"}
	classNames  = map[string]string{"x_train": "y_train", "train_images": "train_labels", "images": "labels", "x": "y", "data": "labels", "samples": "labels", "arr_0": "arr_1"}
)

// openNPZ reads the array called member of an .npz, which is a zip of .npy files,
// or the only one, or that of a usual name with its classes.
func openNPZ(ctx context.Context, r io.ReaderAt, size int64, member string, o Options) (*Set, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	arrays := map[string]*zip.File{}
	var names []string
	for _, m := range z.File {
		if name, ok := strings.CutSuffix(m.Name, ".npy"); ok {
			arrays[name] = m
			names = append(names, name)
		}
	}
	if member == "" && len(names) == 1 {
		member = names[0]
	}
	for _, name := range sampleNames {
		if member == "" && arrays[name] != nil {
			member = name
		}
	}
	if len(names) == 0 {
		return nil, errors.New("there is no array in it; want an .npz of NumPy, a zip of .npy files")
	}
	if arrays[member] == nil {
		slices.Sort(names)
		return nil, fmt.Errorf("want one of its arrays, %s, and not %.40q: name it after a colon, npy:FILE.npz:NAME", list(names), member)
	}
	var s *Set
	if err := readMember(ctx, arrays[member], func(r io.Reader) (err error) {
		if s, err = readNPY(r, o); err == nil {
			err = s.takeRange(o)
		}
		return err
	}); err != nil {
		return nil, err
	}
	classes := classNames[member]
	if arrays[classes] == nil {
		return s, nil
	}
	err = readMember(ctx, arrays[classes], func(r io.Reader) error {
		a, err := npy.Read(r, o.maxBytes())
		if err != nil {
			return err
		}
		return s.takeClasses(a)
	})
	if err == nil {
		s.note("array %q holds the samples, %q their classes", member, classes)
	}
	return s, err
}

// readMember passes a file of a zip to read.
func readMember(ctx context.Context, m *zip.File, read func(io.Reader) error) error {
	r, err := m.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	defer r.Close()
	if err := read(bufio.NewReader(stoppable{ctx, r})); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	return nil
}

// takeClasses sets the labels from an array of whole numbers, [N] or [N, 1].
func (s *Set) takeClasses(a *npy.Array) error {
	if n := (npy.Header{Shape: a.Shape}).Len(); n != s.Len() || len(a.Shape) == 0 || a.Shape[0] != n {
		return fmt.Errorf("classes of shape %v for %d samples; want one per sample", a.Shape, s.Len())
	}
	add := func(v float64) error {
		if !(v >= 0 && v < maxClasses) || v != math.Trunc(v) {
			return fmt.Errorf("class %v of sample %d; want a whole number from 0 to %d", v, len(s.Labels), maxClasses-1)
		}
		s.Labels = append(s.Labels, int(v))
		return nil
	}
	for _, v := range a.U8 {
		_ = add(float64(v)) // a byte is a class
	}
	for _, v := range a.F32 {
		if err := add(float64(v)); err != nil {
			return err
		}
	}
	for _, v := range a.F64 {
		if err := add(v); err != nil {
			return err
		}
	}
	return nil
}
