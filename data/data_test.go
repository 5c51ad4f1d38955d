package data

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"heavytail/internal/npy"
)

func idx(data []byte, dims ...uint32) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	p := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
	require.NoError(t, os.WriteFile(p, b, 0o644))
	return p
}

func seq(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestIDX(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "train-images-idx3-ubyte.gz", zipped(idx(seq(24), 2, 3, 4)))
	write(t, dir, "train-labels-idx1-ubyte.gz", zipped(idx([]byte{7, 1}, 2)))
	s, err := Open(t.Context(), "idx:"+dir, Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []int{3, 4, 1}, s.Shape)
	require.Equal(t, 2, s.Len())
	require.Equal(t, 8, s.NumClasses())
	x := make([]float32, 12)
	require.Equal(t, 1, s.Get(x, 1, false))
	require.InDelta(t, 2*12.0/255-1, x[0], 1e-7)
	s.Get(x, 1, true)
	require.InDelta(t, 2*15.0/255-1, x[0], 1e-7, "mirrored")
	require.InDelta(t, 2*16.0/255-1, x[7], 1e-7)

	plain := write(t, dir, "other", idx(seq(24), 2, 3, 4))
	s, err = Open(t.Context(), "idx:"+plain, Options{Rules: FirstRules, Channels: 3})
	require.NoError(t, err)
	require.Equal(t, []int{3, 4, 3}, s.Shape)
	require.Nil(t, s.Labels)
}

func TestFashionMNISTIfThere(t *testing.T) {
	const dir = "/usr/share/datasets/fashion-mnist"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the package dataset-fashion-mnist is not installed")
	}
	s, err := Open(t.Context(), "idx:"+dir, Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, 60000, s.Len())
	require.Equal(t, []int{28, 28, 1}, s.Shape)
	require.Equal(t, 10, s.NumClasses())
}

func TestIDXHostile(t *testing.T) {
	for want, b := range map[string][]byte{
		"not an IDX":     []byte("PK\x03\x04"),
		"type 0xd":       {0, 0, 13, 1, 0, 0, 0, 0},
		"9 dimensions":   {0, 0, 8, 9},
		"its header":     {0, 0, 8, 3, 0, 0, 0, 1},
		"more than":      idx(nil, 1<<31, 1<<31),
		"within its":     idx(seq(3), 2, 2),
		"after the data": idx(seq(5), 2, 2),
		"damaged gzip":   {0x1f, 0x8b, 9},
	} {
		_, _, err := ReadIDX(bytes.NewReader(b), 1<<24)
		require.ErrorContains(t, err, want)
	}
	bomb := zipped(idx(make([]byte, 1<<24), 1<<10))
	_, _, err := ReadIDX(bytes.NewReader(bomb), 1<<24)
	require.ErrorContains(t, err, "after the data", "a bomb is not inflated beyond its header's word")
	cut := zipped(idx(seq(100), 100))
	_, _, err = ReadIDX(bytes.NewReader(cut[:len(cut)-9]), 1<<24)
	require.Error(t, err)
}

// A reading that is stopped says so wherever it was, and not that the file is cut.
func TestIDXReadingIsStopped(t *testing.T) {
	stop := errors.New("reading was stopped")
	b := idx(seq(100), 100)
	for k := range len(b) + 1 {
		_, _, err := ReadIDX(io.MultiReader(bytes.NewReader(b[:k]), iotest.ErrReader(stop)), 1<<24)
		require.ErrorIs(t, err, stop, k)
		require.Equal(t, stop.Error(), err.Error(), k)
	}
}

func TestHeaderAloneTakesNoMemory(t *testing.T) {
	b := idx(nil, 1<<30)
	before := allocated()
	_, _, err := ReadIDX(bytes.NewReader(b), 1<<32)
	after := allocated()
	require.Error(t, err)
	require.Less(t, after-before, uint64(4<<20))
}

func picture(w, h int, grey bool, v byte) image.Image {
	if grey {
		m := image.NewGray(image.Rect(0, 0, w, h))
		for i := range m.Pix {
			m.Pix[i] = v
		}
		return m
	}
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.NRGBA{v, 0, 255 - v, 255})
		}
	}
	return m
}

func encoded(t *testing.T, m image.Image, jpg bool) []byte {
	var b bytes.Buffer
	if jpg {
		require.NoError(t, jpeg.Encode(&b, m, nil))
	} else {
		require.NoError(t, png.Encode(&b, m))
	}
	return b.Bytes()
}

func TestImageFolderAndZip(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{
		"cat/2.png": encoded(t, picture(4, 4, true, 50), false), "cat/1.JPG": encoded(t, picture(4, 4, true, 200), true),
		"dog/1.png": encoded(t, picture(8, 6, false, 100), false), "notes.txt": []byte("x"),
	}
	var zb bytes.Buffer
	zw := zip.NewWriter(&zb)
	for name, b := range files {
		write(t, dir, name, b)
		w, err := zw.Create(name)
		require.NoError(t, err)
		_, err = w.Write(b)
		require.NoError(t, err)
	}
	require.NoError(t, zw.Close())
	archive := write(t, t.TempDir(), "a.zip", zb.Bytes())
	for _, from := range []string{dir, archive} {
		s, err := Open(t.Context(), "images:"+from, Options{Rules: FirstRules, Size: 4})
		require.NoError(t, err)
		require.Equal(t, []int{4, 4, 1}, s.Shape)
		require.Equal(t, []int{0, 0, 1}, s.Labels)
		require.Equal(t, []string{"cat", "dog"}, s.Classes)
		require.EqualValues(t, 50, s.bytes[16])
		require.EqualValues(t, 48, s.bytes[32]) // 0.299·100 + 0.114·155
		_, err = Open(t.Context(), "images:"+from, Options{Rules: FirstRules})
		require.ErrorContains(t, err, "dog/1.png: 6×8 pixels")
		_, err = Open(t.Context(), "images:"+from, Options{Rules: FirstRules, Size: 4, MaxBytes: 20})
		require.ErrorContains(t, err, "limit")
		s, err = Open(t.Context(), "images:"+from, Options{Rules: FirstRules, Size: 2, Channels: 3})
		require.NoError(t, err)
		require.Equal(t, []int{2, 2, 3}, s.Shape)
		require.Equal(t, []byte{100, 0, 155}, s.bytes[24:27])
	}
	bad := t.TempDir()
	write(t, bad, "a.png", []byte("not a picture"))
	_, err := Open(t.Context(), "images:"+bad, Options{Rules: FirstRules})
	require.ErrorContains(t, err, "a.png")
	_, err = Open(t.Context(), "images:"+t.TempDir(), Options{Rules: FirstRules})
	require.ErrorContains(t, err, "no .png")
}

func TestResizeKeepsConstantsAndMeans(t *testing.T) {
	for _, n := range []int{1, 3, 7, 28, 32, 56} {
		src := bytes.Repeat([]byte{173}, 28*20)
		dst := make([]byte, n*n)
		newResizer(28, 20, 1, n, n, weigh).run(dst, src)
		require.Equal(t, bytes.Repeat([]byte{173}, n*n), dst)
	}
	src := seq(256)
	dst := make([]byte, 16)
	newResizer(16, 16, 1, 4, 4, weigh).run(dst, src)
	sum := 0
	for _, v := range dst {
		sum += int(v)
	}
	require.InDelta(t, 127.5, float64(sum)/16, 1)
	// Doubling two pixels: the values of a triangle filter by hand.
	dst = make([]byte, 4)
	newResizer(1, 2, 1, 1, 4, weigh).run(dst, []byte{0, 200})
	require.Equal(t, []byte{0, 50, 150, 200}, dst)
}

func TestNPY(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	require.NoError(t, npy.Write(&b, []float32{1, 2, 3, 4, 5, 6}, 3, 2))
	s, err := Open(t.Context(), "npy:"+write(t, dir, "p.npy", b.Bytes()), Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []int{2}, s.Shape)
	require.Equal(t, 3, s.Len())
	b.Reset()
	require.NoError(t, npy.Write(&b, []float32{1, 2, 3}, 3))
	s, err = Open(t.Context(), "npy:"+write(t, dir, "l.npy", b.Bytes()), Options{Rules: FirstRules})
	require.NoError(t, err)
	require.Equal(t, []int{1}, s.Shape)
	require.Equal(t, 3, s.Len())
	b.Reset()
	require.NoError(t, npy.Write(&b, make([]float32, 2*4*4*3), 2, 4, 4, 3))
	s, err = Open(t.Context(), "npy:"+write(t, dir, "i.npy", b.Bytes()), Options{Rules: FirstRules})
	require.NoError(t, err)
	require.True(t, s.Images())
	b.Reset()
	require.NoError(t, npy.Write(&b, []float32{1, float32(math.NaN())}, 1, 2))
	_, err = Open(t.Context(), "npy:"+write(t, dir, "n.npy", b.Bytes()), Options{Rules: FirstRules})
	require.ErrorContains(t, err, "not finite")
}

func TestOpenSaysWhatItWants(t *testing.T) {
	for _, spec := range []string{"", "idx", "idx:", "http://x"} {
		_, err := Open(t.Context(), spec, Options{Rules: FirstRules})
		require.ErrorContains(t, err, "want idx:DIR")
	}
	_, err := Open(t.Context(), "toy:moons", Options{Rules: FirstRules})
	require.ErrorContains(t, err, "checkerboard, gmm_2")
	_, err = Open(t.Context(), "toy:rings", Options{Rules: FirstRules, Size: 8})
	require.ErrorContains(t, err, "for images, these are points")
	_, err = Open(t.Context(), "idx:/no/such/folder", Options{Rules: FirstRules})
	require.ErrorContains(t, err, "train-images-idx3-ubyte")
}

func TestLongTailIsThePapers(t *testing.T) {
	require.Equal(t, []int{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}, tailCounts(5000, 0.01, 10))
	dir := t.TempDir()
	write(t, dir, "train-images-idx3-ubyte", idx(seq(8), 8, 1, 1))
	write(t, dir, "train-labels-idx1-ubyte", idx([]byte{1, 0, 1, 0, 1, 0, 0, 1}, 8))
	s, err := Open(t.Context(), "idx:"+dir, Options{Rules: FirstRules, LongTail: 0.5})
	require.NoError(t, err)
	require.Equal(t, []int{1, 0, 1, 0, 0, 0}, s.Labels)
	require.Equal(t, []byte{0, 1, 2, 3, 5, 6}, s.bytes)
	_, err = Open(t.Context(), "idx:"+dir, Options{Rules: FirstRules, LongTail: 2})
	require.ErrorContains(t, err, "ratio")
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(seq(4), 1, 2, 2))
	f.Add(zipped(idx(seq(4), 4)))
	f.Fuzz(func(t *testing.T, b []byte) {
		shape, data, err := ReadIDX(bytes.NewReader(b), 1<<16)
		if err != nil {
			return
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		if n != len(data) {
			t.Fatalf("shape %v with %d bytes", shape, len(data))
		}
	})
}

func FuzzSpec(f *testing.F) {
	f.Add("toy:rings")
	f.Add("idx:")
	f.Fuzz(func(t *testing.T, spec string) {
		if s, err := Open(t.Context(), spec, Options{Rules: FirstRules, N: 10, MaxBytes: 1 << 20}); err == nil && s.Len() == 0 {
			t.Fatal("empty set")
		}
	})
}

func TestFromPoints(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	s, err := FromPoints(x, 2)
	require.NoError(t, err)
	require.Equal(t, 3, s.Len())
	require.Equal(t, []int{2}, s.Shape)
	row := make([]float32, 2)
	require.Equal(t, -1, s.Get(row, 1, true))
	require.Equal(t, []float32{3, 4}, row)
	for want, bad := range map[string][]float32{"whole rows": x[:5], "at least one": nil, "point 1": {1, 2, 3, float32(math.NaN())}} {
		_, err := FromPoints(bad, 2)
		require.ErrorContains(t, err, want)
	}
	_, err = FromPoints(x, 0)
	require.Error(t, err)
}

func TestMoments(t *testing.T) {
	s, err := FromPoints([]float32{1, 10, 3, 30}, 2)
	require.NoError(t, err)
	mean, std := s.Moments()
	require.Equal(t, []float64{2, 20}, mean)
	require.Equal(t, []float64{1, 10}, std)
	mean, std = Random(500, []int{4, 4, 3}, 2).Moments() // uniform on [−1,1], 8000 values a channel
	for c := range 3 {
		require.InDelta(t, 0, mean[c], 5*0.577/89)
		require.InDelta(t, 0.577, std[c], 0.02)
	}
}

// Sizes and channels that no picture has are an error of every kind of data.
func TestImpossibleSizes(t *testing.T) {
	for _, o := range []Options{{Size: -1}, {Size: 1<<16 + 1}, {Channels: 2}, {Channels: -1}, {Channels: 4}} {
		for _, spec := range []string{"toy:rings", "images:nowhere", "npy:nowhere", "idx:nowhere", "csv:nowhere"} {
			_, err := Open(t.Context(), spec, o)
			require.ErrorAs(t, err, &OptionError{}, "%s %+v", spec, o)
		}
	}
}

// Whatever is impossible in Options is an OptionError, by its older name too.
func TestImpossibleOptions(t *testing.T) {
	for _, o := range []Options{{Rules: 2}, {Rules: -2}, {MaxBytes: -1}, {N: -1}, {LongTail: 0.1}, {LongTail: math.NaN()}} {
		_, err := Open(t.Context(), "toy:rings", o)
		require.ErrorAs(t, err, &OptionError{}, "%+v", o)
		require.ErrorAs(t, err, &FlagError{}, "%+v", o)
		require.Contains(t, err.Error(), "Options.")
	}
	require.Equal(t, "data: a field of Options is impossible", OptionError{}.Error())
	require.NoError(t, OptionError{}.Unwrap())
}

// Scaling a set that was read whole is bounded by the memory before any is taken,
// as that of single files, and ends with its context.
func TestScalingOfSetsIsBounded(t *testing.T) {
	dir := t.TempDir()
	images := []byte{0, 0, 8, 3, 0, 0, 0, 50, 0, 0, 0, 8, 0, 0, 0, 8}
	write(t, dir, "train-images-idx3-ubyte", append(images, make([]byte, 50*64)...))
	spec := "idx:" + dir
	s, err := Open(t.Context(), spec, Options{Rules: FirstRules, Size: 16, Channels: 3, MaxBytes: 50 * 16 * 16 * 3})
	require.NoError(t, err)
	require.Equal(t, []int{16, 16, 3}, s.Shape)
	for _, o := range []Options{{Size: 17, Channels: 3, MaxBytes: 50 * 16 * 16 * 3}, {Channels: 3, MaxBytes: 5000}, {Size: 1 << 16}, {Size: 1 << 16, MaxBytes: 1 << 30}} {
		if o.MaxBytes == 0 {
			o.MaxBytes = 1 << 33 // 50·2^32 bytes do not fit
		}
		_, err = Open(t.Context(), spec, o)
		require.ErrorContains(t, err, "use a smaller Options.Size", "%+v", o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.convert(ctx, Options{Size: 8}), context.Canceled)
}
