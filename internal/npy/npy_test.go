package npy

import (
	"bytes"
	"encoding/binary"
	"math"
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
		require.Equal(t, []float32{c.want}, a.F32, descr)
	}
	require.True(t, math.IsInf(float64(half(0x7c00)), 1))
	require.True(t, math.IsNaN(float64(half(0x7e00))))
	a, err := Read(bytes.NewReader(file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", 1, 2, 3)), 1<<20)
	require.NoError(t, err)
	require.Equal(t, []byte{1, 2, 3}, a.U8)
}

func TestHostile(t *testing.T) {
	for want, b := range map[string][]byte{
		"not an .npy":       []byte("PNG"),
		"ends within its h": []byte(magic + "\x01\x00\xff\x00{"),
		"header of":         []byte(magic + "\x02\x00\xff\xff\xff\xff"),
		"version 9":         []byte(magic + "\x09\x00\xff\xff\xff\xff"),
		"Fortran":           file("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}"),
		"type":              file("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
		"without \"shape\"": file("{'descr': '<f4', 'fortran_order': False}"),
		"larger than":       file("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,)}"),
		"2^40":              file("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,1000000,1000000,1000000)}"),
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
		if n := (Header{Shape: a.Shape}).Len(); n != len(a.U8)+len(a.F32) {
			t.Fatalf("shape %v with %d values", a.Shape, len(a.U8)+len(a.F32))
		}
	})
}
