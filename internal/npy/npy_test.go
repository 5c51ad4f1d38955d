package npy

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func file(header string, data ...byte) []byte {
	b := append([]byte(magic+"\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(header)))
	return append(append(b, header...), data...)
}

// Float64 arrays keep their values through NumPy's header of 8-byte floats.
func TestWriteFloat64(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteHeader64(&b, 2))
	require.NoError(t, WriteValues(&b, []float64{0.1, -1e300}))
	h, err := ReadHeader(&b)
	require.NoError(t, err)
	require.Equal(t, Header{Order: binary.LittleEndian, Kind: 'f', Size: 8, Shape: []int{2}}, h)
	require.Equal(t, math.Float64bits(0.1), binary.LittleEndian.Uint64(b.Next(8)))
	require.Equal(t, math.Float64bits(-1e300), binary.LittleEndian.Uint64(b.Next(8)))
	require.Zero(t, b.Len())
}

func TestRoundTrip(t *testing.T) {
	for _, shape := range [][]int{{6}, {2, 3}, {1, 2, 3, 1}, {0, 4}, {}} {
		n := Header{Shape: shape}.Len()
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(i) - 2.5
		}
		var b bytes.Buffer
		require.NoError(t, Write(&b, data, shape...))
		require.Zero(t, (b.Len()-4*n)%64, "header alignment")
		a, err := Read(bytes.NewReader(b.Bytes()), 1<<20)
		require.NoError(t, err)
		require.Equal(t, append([]int(nil), shape...), append([]int(nil), a.Shape...))
		require.Equal(t, append([]float32{}, data...), append([]float32{}, a.F32...))
	}
}

func TestTypes(t *testing.T) {
	for descr, c := range map[string]struct {
		data []byte
		want float32
	}{
		"<f2": {[]byte{0x00, 0xc1}, -2.5}, ">f2": {[]byte{0x00, 0x01}, 1.0 / (1 << 24)},
		"<f8": {[]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 1.5}, ">i2": {[]byte{0xff, 0xfe}, -2},
		"|i1": {[]byte{0x80}, -128}, "<u2": {[]byte{0xff, 0xff}, 65535}, "|b1": {[]byte{1}, 1},
		">f4": {[]byte{0x3f, 0xc0, 0, 0}, 1.5}, "<i8": {[]byte{0xfd, 255, 255, 255, 255, 255, 255, 255}, -3},
	} {
		a, err := Read(bytes.NewReader(file("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (1,), }\n", c.data...)), 1<<20)
		require.NoError(t, err, descr)
		if a.F64 != nil {
			a.F32 = []float32{float32(a.F64[0])}
		}
		require.Equal(t, []float32{c.want}, a.F32, descr)
	}
	require.True(t, math.IsInf(float64(half(0x7c00)), 1))
	require.True(t, math.IsNaN(float64(half(0x7e00))))
	a, err := Read(bytes.NewReader(file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", 1, 2, 3)), 1<<20)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3}, a.U8)
}

// What float32 cannot hold keeps its digits.
func TestWideTypesStayFloat64(t *testing.T) {
	for descr, c := range map[string]struct {
		data []byte
		want float64
	}{
		"<f8": {binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e9+0.25)), 1e9 + 0.25},
		">i8": {binary.BigEndian.AppendUint64(nil, 1<<53-1), 1<<53 - 1},
		"<i4": {binary.LittleEndian.AppendUint32(nil, math.MaxUint32-1<<24), -(1<<24 + 1)},
		"<u4": {binary.LittleEndian.AppendUint32(nil, math.MaxUint32), math.MaxUint32},
	} {
		a, err := Read(bytes.NewReader(file("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (1,), }\n", c.data...)), 1<<20)
		require.NoError(t, err, descr)
		require.Equal(t, []float64{c.want}, a.F64, descr)
	}
}

// Arrays whose first index runs fastest are put in the other order. The file
// is NumPy's, of the transpose of a 2×500 array: its values lie as two columns
// of 500.
func TestFortranOrder(t *testing.T) {
	raw, err := os.ReadFile("testdata/fortran.npy")
	require.NoError(t, err)
	a, err := Read(bytes.NewReader(raw), 16000)
	require.NoError(t, err)
	require.Equal(t, []int{500, 2}, a.Shape)
	for i, v := range a.F64 {
		want := binary.LittleEndian.Uint64(raw[128+8*(i%2*500+i/2):])
		require.Equal(t, want, math.Float64bits(v), "%d", i)
	}
	_, err = Read(bytes.NewReader(raw), 15999)
	require.ErrorContains(t, err, "limit", "the copy in the other order counts")
	a, err = Read(bytes.NewReader(file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2)}", seq(12)...)), 1<<10)
	require.NoError(t, err)
	// Element (i, j, k) lies at i + 2j + 6k.
	require.Equal(t, []byte{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}, a.U8)
}

func seq(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestHostile(t *testing.T) {
	for want, b := range map[string][]byte{
		"not an .npy":       []byte("PNG"),
		"ends within its h": []byte(magic + "\x01\x00\xff\x00{"),
		"header of":         []byte(magic + "\x02\x00\xff\xff\xff\xff"),
		"version 9":         []byte(magic + "\x09\x00\xff\xff\xff\xff"),
		"fortran_order":     file("{'descr': '<f4', 'fortran_order': Perhaps, 'shape': (1,)}"),
		"type":              file("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
		"without \"shape\"": file("{'descr': '<f4', 'fortran_order': False}"),
		"more than the":     file("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,)}"),
		"elements":          file("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,1000000,1000000,1000000)}"),
		"ends within its d": file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 0, 0, 0, 0),
		"goes on":           file("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", 1, 2, 3),
		"want a tuple":      file("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,)}", 1, 2, 3),
	} {
		_, err := Read(bytes.NewReader(b), 1<<20)
		require.ErrorContains(t, err, want)
		require.False(t, strings.Contains(err.Error(), "\n"))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", 0, 0, 0, 0))
	f.Add(file("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2)}", 0, 0, 0, 0))
	f.Add([]byte(magic + "\x03\x00\x04\x00\x00\x00{'a'"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Read(bytes.NewReader(b), 1<<16)
		if err != nil {
			return
		}
		if n := (Header{Shape: a.Shape}).Len(); n != len(a.U8)+len(a.F32)+len(a.F64) {
			t.Fatalf("shape %v with %d values", a.Shape, len(a.U8)+len(a.F32)+len(a.F64))
		}
	})
}
