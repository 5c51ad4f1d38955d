package tensor

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func items() []Item {
	give := func(x ...float32) func() []float32 { return func() []float32 { return x } }
	return []Item{
		{"b", F32, []int{2, 2}, give(1, -2, 3.5, 1e-40)},
		{"a", F16, []int{3}, give(1, 0.333333, float32(math.Inf(-1)))},
		{"c", BF16, []int{1, 2}, give(1, 3.14159)},
		{"scalar", F32, nil, give(7)},
		{"empty", F32, []int{0, 3}, give()},
	}
}

func write(t testing.TB, meta map[string]string, items []Item) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteSafetensors(&b, meta, items))
	return b.Bytes()
}

func open(b []byte) (*Safetensors, error) {
	return OpenSafetensors(bytes.NewReader(b), int64(len(b)))
}

func TestSafetensorsRoundTrip(t *testing.T) {
	meta := map[string]string{"z": "1", "a": "q\"<\n"}
	raw := write(t, meta, items())
	require.Equal(t, raw, write(t, meta, items()))
	require.True(t, IsSafetensors(raw[:9], int64(len(raw))))
	f, err := open(raw)
	require.NoError(t, err)
	require.Equal(t, meta, f.Metadata)
	require.Len(t, f.Entries, 5)
	got := map[string][]float32{}
	for i := range f.Entries {
		e := &f.Entries[i]
		got[e.Name], err = f.Float32s(e)
		require.NoError(t, err)
		require.Len(t, got[e.Name], e.Len())
	}
	require.Equal(t, []float32{1, -2, 3.5, 1e-40}, got["b"])
	require.Equal(t, []float32{1, FromF16(ToF16(0.333333)), FromF16(0xfc00)}, got["a"])
	require.Equal(t, []float32{1, 3.140625}, got["c"])
	require.Equal(t, []float32{7}, got["scalar"])
	require.Nil(t, f.Find("d"))
}

func TestWriteSafetensorsRefuses(t *testing.T) {
	var b bytes.Buffer
	one := func() []float32 { return []float32{1} }
	require.ErrorContains(t, WriteSafetensors(&b, nil, []Item{{"a", F32, []int{1}, one}, {"a", F32, []int{1}, one}}), "twice")
	require.ErrorContains(t, WriteSafetensors(&b, nil, []Item{{"a", F32, []int{2}, one}}), "1 values for shape [2]")
	require.ErrorContains(t, WriteSafetensors(&b, nil, []Item{{"a", "I64", []int{1}, one}}), "cannot be written")
	require.ErrorContains(t, WriteSafetensors(&b, nil, []Item{{"", F32, []int{1}, one}}), "twice")
	require.Zero(t, b.Len(), "something was written")
	large := func() []float32 { return []float32{1, -65520} } // 65520 is half way to the next after 65504
	require.ErrorContains(t, WriteSafetensors(&b, nil, []Item{{"a", F16, []int{2}, large}}), "a: value 1 is -65520, beyond the range of F16 (65504); store it as BF16")
	largest := func() []float32 { return []float32{math.MaxFloat32} }
	require.ErrorContains(t, WriteSafetensors(&b, nil, []Item{{"a", BF16, []int{1}, largest}}), "store it as F32")
}

// Every byte of a file that another one can take the place of unseen is one of
// the header's that says nothing.
func TestSafetensorsSeeDamage(t *testing.T) {
	meta := map[string]string{"k": "value", "other": "{}"}
	good := write(t, meta, items())
	read := func(b []byte) (out []any, err error) {
		f, err := open(b)
		if err != nil {
			return nil, err
		}
		out = append(out, f.Metadata["k"], f.Metadata["other"]) // the name of the checksums may be another one now
		for i := range f.Entries {
			x, err := f.Float32s(&f.Entries[i])
			if err != nil {
				return nil, err
			}
			out = append(out, f.Entries[i].Name, f.Entries[i].Shape, x)
		}
		return out, nil
	}
	want, err := read(good)
	require.NoError(t, err)
	data := 8 + int(binary.LittleEndian.Uint64(good))
	seen := 0
	for i := range good {
		for _, bit := range []byte{1, 2, 16, 128} {
			b := bytes.Clone(good)
			b[i] ^= bit
			got, err := read(b)
			if err != nil {
				seen++
				continue
			}
			require.Less(t, i, data, "byte %d of the data", i)
			require.Equal(t, want, got, "byte %d, %q for %q", i, b[i], good[i]) // white space, case of a field's name
		}
	}
	require.Greater(t, seen, 4*len(good)*9/10)
	b := bytes.Clone(good)
	b[len(b)-1] ^= 1
	_, err = read(b)
	require.ErrorContains(t, err, "damaged")
	b = bytes.Replace(good, []byte(`value`), []byte(`velue`), 1)
	_, err = read(b)
	require.ErrorContains(t, err, "the metadata: checksum")
}

// Files without checksums are read as they are.
func TestSafetensorsWithoutChecksums(t *testing.T) {
	f, err := open(raw(`{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	require.NoError(t, err)
	x, err := f.Float32s(&f.Entries[0])
	require.NoError(t, err)
	require.Equal(t, []float32{0}, x)
	for _, sums := range []string{"null", "[]", "x", "{}"} {
		text, err := json.Marshal(sums)
		require.NoError(t, err)
		_, err = open(raw(`{"__metadata__":{"heavytail.crc32c":`+string(text)+`}}`, 0))
		require.ErrorContains(t, err, "checksum", sums)
	}
}

func BenchmarkSafetensorsRead(b *testing.B) {
	data := make([]float32, 1<<20)
	for _, with := range []bool{true, false} {
		name := "checksums"
		file := write(b, nil, []Item{{"a", F32, []int{len(data)}, func() []float32 { return data }}})
		f, err := open(file)
		require.NoError(b, err)
		if !with {
			name, f.sums = "none", nil
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(data)))
			for b.Loop() {
				if _, err := f.Float32s(&f.Entries[0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// raw makes a file from a header text and a number of data bytes.
func raw(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestSafetensorsHostile(t *testing.T) {
	cases := []struct {
		file []byte
		want string
	}{
		{nil, "too few"},
		{[]byte("short"), "too few"},
		{binary.LittleEndian.AppendUint64(nil, 1<<63), "not a safetensors file"},
		{append(binary.LittleEndian.AppendUint64(nil, maxHeader+1), '{'), "not a safetensors file"},
		{raw("[]", 0), "not a JSON object"},
		{raw("{}{}", 0), "follows"},
		{raw("{} x", 0), "follows"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "twice"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "bytes 0 to 4"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "bytes 4 to 8"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 8), "8 bytes of data"},
		{raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "for shape"},
		{raw(`{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}`, 16), "shape"}, // no int of 32 bits: the JSON reader names it
		{raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4), "for shape"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}}`, 4), "bytes 0 to 400"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}}`, 4), "bytes 0 to -4"},
		{raw(`{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4), "unknown type"},
		{raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4), "data_offsets"},
		{raw(`{"__metadata__":{"a":1}}`, 0), "__metadata__"},
		{raw(`{"a":`, 0), "EOF"},
	}
	for _, c := range cases {
		_, err := open(c.file)
		require.ErrorContains(t, err, c.want, "%q", c.file)
	}
}

// FuzzSafetensors: no input may panic, and what opens must read.
func FuzzSafetensors(f *testing.F) {
	f.Add(write(f, map[string]string{"k": "v"}, items()))
	f.Add(raw(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`, 8))
	f.Add(raw(`{}`, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := open(b)
		if err != nil {
			return
		}
		for i := range s.Entries {
			e := &s.Entries[i]
			x, err := s.Float32s(e)
			if err == nil && len(x) != e.Len() {
				t.Fatalf("%d values for %v", len(x), e.Shape)
			}
		}
	})
}

// Pieces gives the values of Float32s in order, ends with the error of its caller, and
// sees damage in every piece.
func TestPieces(t *testing.T) {
	x := make([]float32, 2*pieceValues+5)
	for i := range x {
		x[i] = float32(i % 2000) // F16 holds them
	}
	for _, d := range []DType{F32, F16, BF16} {
		raw := write(t, nil, []Item{{"w", d, []int{len(x)}, func() []float32 { return x }}, {"none", d, []int{0}, func() []float32 { return nil }}})
		f, err := open(raw)
		require.NoError(t, err)
		e := f.Find("w")
		want, err := f.Float32s(e)
		require.NoError(t, err)
		var b Buffer
		var got []float32
		collect := func(at int, x []float32) error {
			require.Len(t, got, at)
			got = append(got, x...)
			return nil
		}
		require.NoError(t, f.Pieces(&b, e, collect))
		require.Equal(t, want, got)
		require.LessOrEqual(t, cap(b.values), 2*pieceValues, "the memory of a piece")
		require.NoError(t, f.Pieces(&b, f.Find("none"), func(int, []float32) error { panic("called") }))
		calls := 0
		require.ErrorIs(t, f.Pieces(&b, e, func(int, []float32) error { calls++; return io.ErrNoProgress }), io.ErrNoProgress)
		require.Equal(t, 1, calls)
		for _, at := range []int{0, pieceValues, 2*pieceValues + 4} {
			damaged := bytes.Clone(raw)
			damaged[int(f.base+e.lo)+at*d.Size()] ^= 1
			g, err := open(damaged)
			require.NoError(t, err)
			require.ErrorContains(t, g.Pieces(&b, g.Find("w"), func(int, []float32) error { return nil }), "damaged", "%s, value %d", d, at)
		}
		short := &Safetensors{r: bytes.NewReader(raw[:len(raw)-9]), base: f.base, sums: f.sums}
		require.Error(t, short.Pieces(&b, e, func(int, []float32) error { return nil }))
	}
}
