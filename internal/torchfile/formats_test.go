package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What torch.load(weights_only=True) reads is read, whether it is used or not;
// testdata/README.md tells how the files were made.
func TestOpenEverythingAllowed(t *testing.T) {
	for _, name := range []string{"allowed.pt", "legacy.pt"} {
		raw := load(t, name)
		require.True(t, IsTorch(raw[:16]), name)
		f, err := open(raw)
		require.NoError(t, err, name)
		w := floats(t, f, f.Root, "w")
		require.Len(t, w, 24)
		require.Equal(t, []int{2, 3, 4}, get(t, f.Root, "w").(*Tensor).Shape)
		require.EqualValues(t, 23, w[23])
		require.Equal(t, []float32{4, 6, 16, 18, 8, 10, 20, 22}, floats(t, f, f.Root, "view"))
		require.Equal(t, []float32{1, -2, 0.5}, floats(t, f, f.Root, "half"))
		require.Equal(t, []float32{1, 1}, floats(t, f, f.Root, "param"))
		require.Equal(t, []float32{3, 4}, floats(t, f, f.Root, "attr"))
		require.Empty(t, floats(t, f, f.Root, "empty"))
		require.Equal(t, global("torch.bfloat16"), get(t, f.Root, "dtype"))
		_, err = f.Float32s(get(t, f.Root, "c").(*Tensor))
		require.Error(t, err)
	}
}

// repacked returns an archive with every member as edit leaves it.
func repacked(t *testing.T, raw []byte, method uint16, edit func(name string, b []byte) []byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, m := range in.File {
		r, err := m.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.Name, Method: method})
		require.NoError(t, err)
		_, err = w.Write(edit(m.Name, b))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestOpenDeflatedAndBigEndian(t *testing.T) {
	raw := load(t, "allowed.pt")
	want, err := open(raw)
	require.NoError(t, err)
	swapped := func(name string, b []byte) []byte {
		if strings.HasSuffix(name, "byteorder") {
			return []byte("big")
		}
		w := 0
		for _, p := range want.Root.(*Dict).Pairs {
			if x, ok := p.Value.(*Tensor); ok && strings.HasSuffix(name, "data/"+x.storage.key) {
				w = x.DType.Size()
			}
		}
		for i := 0; w > 1 && i < len(b); i += w {
			slices.Reverse(b[i : i+w])
		}
		return b
	}
	for _, b := range [][]byte{
		repacked(t, raw, zip.Deflate, func(_ string, b []byte) []byte { return b }),
		repacked(t, raw, zip.Store, swapped), repacked(t, raw, zip.Deflate, swapped),
	} {
		f, err := open(b)
		require.NoError(t, err)
		for _, key := range []string{"w", "view", "half", "param", "attr"} {
			require.Equal(t, floats(t, want, want.Root, key), floats(t, f, f.Root, key), key)
		}
	}
	_, err = open(repacked(t, raw, zip.Store, func(name string, b []byte) []byte {
		if strings.HasSuffix(name, "byteorder") {
			return []byte("pdp")
		}
		return b
	}))
	require.ErrorContains(t, err, `byte order "pdp"`)
}

func TestLegacyHostile(t *testing.T) {
	raw := load(t, "legacy.pt")
	for n := range len(raw) { // cut off anywhere
		_, err := open(raw[:n])
		require.Error(t, err, n)
	}
	count := bytes.LastIndex(raw, []byte("\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x3f")) // of the storage of w: 24 elements, 0, 1, …
	require.Positive(t, count)
	for _, wrong := range []uint64{23, 1 << 62} {
		b := bytes.Clone(raw)
		binary.LittleEndian.PutUint64(b[count:], wrong)
		_, err := open(b)
		require.ErrorContains(t, err, "want 24")
	}
	_, err := open(bytes.Replace(raw, []byte("\x80\x02M\xe9\x03."), []byte("\x80\x02M\xea\x03."), 1))
	require.ErrorContains(t, err, "version 1002")
}

// An archive may claim anything: memory is taken for what is there.
func TestArchiveThatLies(t *testing.T) {
	claim := func(packed int, n uint64, method uint16) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		require.NoError(t, store(z, "data.pkl", []byte("\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu\x8a\x08"+
			string(binary.LittleEndian.AppendUint64(nil, n/4))+"tQ.")))
		w, err := z.CreateRaw(&zip.FileHeader{Name: "archive/data/0", Method: method, CRC32: crc32.ChecksumIEEE(make([]byte, packed)),
			CompressedSize64: uint64(packed), UncompressedSize64: n})
		require.NoError(t, err)
		_, err = w.Write(make([]byte, packed))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	_, err := open(claim(100, 100, zip.Store))
	require.NoError(t, err)
	for _, b := range [][]byte{claim(100, 1<<40, zip.Deflate), claim(100, 1<<40, zip.Store), claim(100, 1<<63, zip.Deflate), claim(100, 100, 99)} {
		_, err := open(b)
		require.Error(t, err)
	}
	var b bytes.Buffer // 64 MiB of zeros in 64 KiB
	z := zip.NewWriter(&b)
	w, err := z.Create("archive/data.pkl")
	require.NoError(t, err)
	for range 64 {
		_, err = w.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	_, err = open(b.Bytes())
	require.ErrorContains(t, err, "at most")
}

// Values that are large and used very often: before, a key of 32 MB used 100,000
// times took minutes.
func TestHostileWork(t *testing.T) {
	long := func(n int) string {
		return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) + strings.Repeat("k", n)
	}
	for name, pickle := range map[string]string{
		"key":         "\x80\x02" + long(30<<20) + "q\x000}" + strings.Repeat("h\x00Ns", 100_000) + ".",
		"key by list": "\x80\x02" + long(30<<20) + "q\x000](" + strings.Repeat("h\x00N\x86", 100_000) + "eq\x010ccollections\nOrderedDict\n(h\x01tR.",
		"list":        "\x80\x02](" + strings.Repeat("N)\x86", 100_000) + "eq\x010" + strings.Repeat("ccollections\nOrderedDict\n(h\x01tR0", 100_000) + "N.",
		"name":        "\x80\x04" + long(30<<20) + "q\x000" + strings.Repeat("h\x00h\x00\x930", 100_000) + "N.",
		"storage": "\x80\x02" + long(30<<20) + "q\x000" +
			strings.Repeat("(U\x07storagectorch\nFloatStorage\nh\x00U\x03cpuK\x04tQ0", 100_000) + "N.",
	} {
		start := time.Now()
		_, _, err := unpickle([]byte(pickle), func(id Tuple) (any, error) { return (&File{storages: map[string]*storage{}}).load(id) })
		t.Logf("%s: %v, %v", name, time.Since(start), err)
		require.Less(t, time.Since(start), 5*time.Second, "%s", name) // a tenth of a second alone; machines are busy
	}
}
