package torchfile

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/tensor"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

func open(b []byte) (*File, error) { return Open(bytes.NewReader(b), int64(len(b))) }

func get(t testing.TB, d any, key string) any {
	t.Helper()
	v, ok := d.(*Dict).Get(key)
	require.True(t, ok, key)
	return v
}

func floats(t testing.TB, f *File, d any, key string) []float32 {
	t.Helper()
	x, err := f.Float32s(get(t, d, key).(*Tensor))
	require.NoError(t, err)
	return x
}

func TestOpenDLPMCheckpoint(t *testing.T) {
	raw := load(t, "small_dlpm.pt")
	require.True(t, IsTorch(raw))
	f, err := open(raw)
	require.NoError(t, err)
	require.EqualValues(t, 70000, get(t, f.Root, "steps"))
	require.EqualValues(t, int64(1<<40), get(t, f.Root, "big"))
	require.EqualValues(t, -5, get(t, f.Root, "neg"))
	require.EqualValues(t, "hé", get(t, f.Root, "note"))
	require.EqualValues(t, 0.25, get(t, f.Root, "f"))
	require.Equal(t, true, get(t, f.Root, "yes"))
	require.Nil(t, get(t, f.Root, "learning_schedule"))
	model := get(t, f.Root, "model_parameters")
	w := get(t, model, "1.weight").(*Tensor)
	require.Equal(t, []int{2, 1, 3, 3}, w.Shape)
	ema := get(t, f.Root, "ema_models").(*List).Items[0]
	require.Equal(t, floats(t, f, model, "1.weight"), floats(t, f, ema, "1.weight"))
	state := get(t, get(t, f.Root, "optimizer"), "state").(*Dict)
	_, ok := state.Get(int64(0))
	require.True(t, ok)
}

func TestOpenTypesAndViews(t *testing.T) {
	f, err := open(load(t, "types.pt"))
	require.NoError(t, err)
	require.Equal(t, []float32{1, -2, 0.5}, floats(t, f, f.Root, "half"))
	require.Equal(t, []float32{1, 3.140625}, floats(t, f, f.Root, "bf"))
	require.Equal(t, []float32{8, 14, 20, 9, 15, 21, 10, 16, 22, 11, 17, 23}, floats(t, f, f.Root, "view"))
	require.Equal(t, []float32{7}, floats(t, f, f.Root, "scalar"))
	require.Equal(t, []float32{1.5}, floats(t, f, f.Root, "d"))
	require.Equal(t, []float32{1, 1}, floats(t, f, f.Root, "p"))
	_, err = f.Float32s(get(t, f.Root, "i").(*Tensor))
	require.ErrorContains(t, err, "I64")
}

func TestOpenRunsNothing(t *testing.T) {
	_, err := open(load(t, "evil.pt"))
	require.ErrorContains(t, err, `"posix.system"`)
}

func TestWriteRoundTrip(t *testing.T) {
	item := func(name string, d tensor.DType, shape []int, x ...float32) tensor.Item {
		return tensor.Item{Name: name, DType: d, Shape: shape, Data: func() []float32 { return x }}
	}
	root := NewDict(
		Pair{"model_parameters", NewDict(Pair{"w", item("w", tensor.F32, []int{2, 3}, 1, 2, 3, 4, 5, 6)}, Pair{"h", item("h", tensor.F16, []int{1}, 0.5)})},
		Pair{"ema_models", &List{Items: []any{NewDict(Pair{"w", item("w", tensor.BF16, nil, 2)})}}},
		Pair{"steps", int64(-3)}, Pair{"x", 1.5}, Pair{"n", nil}, Pair{"t", Tuple{true, "s"}},
	)
	var a, b bytes.Buffer
	require.NoError(t, Write(&a, root))
	require.NoError(t, Write(&b, root))
	require.Equal(t, a.Bytes(), b.Bytes())
	f, err := open(a.Bytes())
	require.NoError(t, err)
	m := get(t, f.Root, "model_parameters")
	require.Equal(t, []float32{1, 2, 3, 4, 5, 6}, floats(t, f, m, "w"))
	require.Equal(t, []int{2, 3}, get(t, m, "w").(*Tensor).Shape)
	require.Equal(t, []float32{0.5}, floats(t, f, m, "h"))
	require.Equal(t, []float32{2}, floats(t, f, get(t, f.Root, "ema_models").(*List).Items[0], "w"))
	require.EqualValues(t, -3, get(t, f.Root, "steps"))
	require.EqualValues(t, 1.5, get(t, f.Root, "x"))
	require.Equal(t, Tuple{true, "s"}, get(t, f.Root, "t"))
	if dir := os.Getenv("HEAVYTAIL_KEEP"); dir != "" { // for a look with torch.load
		require.NoError(t, os.WriteFile(dir+"/written.pt", a.Bytes(), 0o644))
	}
}

// archive makes a checkpoint of a pickle and storages.
func archive(t testing.TB, pickle string, data map[string]int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	require.NoError(t, store(z, "data.pkl", []byte(pickle)))
	for k, n := range data {
		require.NoError(t, store(z, "data/"+k, make([]byte, n)))
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

const (
	storage0 = "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ" // four numbers
	rebuilt  = "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage0
)

func TestOpenHostile(t *testing.T) {
	cases := []struct{ pickle, want string }{
		{"", "cut off"},
		{"\x80\x02", "cut off"},
		{"\x80\x09N.", "protocol 9"},
		{".", "stack is empty"},
		{"\x80\x02(.", "stack is empty"},
		{"\x80\x02X\xff\xff\xff\x7fa.", "a length of"},
		{"\x80\x02h\x05.", "memo 5"},
		{"\x80\x02cos\nsystem\nU\x04true\x85R.", `"os.system"`},
		{"\x80\x02cbuiltins\neval\n.", `"builtins.eval"`},
		{"\x80\x04\x8c\x02os\x8c\x06system\x93.", `"os.system"`},
		{"\x80\x02c" + strings.Repeat("a", 300) + "\nb\n.", "without an end"},
		{"\x80\x02" + strings.Repeat("(", 5000) + ".", "nested too deeply"},
		{"\x80\x02(K\x01tR.", "stack is empty"},
		{"\x80\x02K\x01)R.", "not a function"},
		{"\x80\x02i", "not allowed"},
		{"\x80\x02]K\x01K\x01s.", "not a dictionary"},
		{"\x80\x02}(K\x01u.", "not a dictionary"},
		{"\x80\x02ctorch\nFloatStorage\n)R.", "wrong arguments"},
		{"\x80\x02K\x01Q.", "not a tuple"},
		{"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x017U\x03cpuK\x04tQ.", "missing"},
		{"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x05tQ.", "has 16 bytes, want 20"},
		{"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ\xff\xff\xff\xfftQ.", "not described"},
		{rebuilt + "K\x01K\x04\x85K\x01\x85tR.", "ends at element 4"},
		{rebuilt + "K\x00K\x02K\x03\x86K\x03K\x01\x86tR.", "of shape"},
		{rebuilt + "K\x00K\x04\x85K\x02\x85tR.", "not described"},
		{rebuilt + "K\x00K\x02K\x04\x86K\x00K\x01\x86tR.", "of shape"},
		{rebuilt + "K\x00J\xff\xff\xff\xff\x85K\x01\x85tR.", "not described"},
		{rebuilt + "K\x09)" + ")tR.", "not described"},
		{rebuilt + "K\x00K\x04\x85)tR.", "not described"},
	}
	for _, c := range cases {
		_, err := open(archive(t, c.pickle, map[string]int{"0": 16}))
		require.ErrorContains(t, err, c.want, "%q", c.pickle)
	}
	_, err := open([]byte("PK\x03\x04"))
	require.Error(t, err)
}

// FuzzTorchFile: no input may panic, and what opens must read.
func FuzzTorchFile(f *testing.F) {
	for _, name := range []string{"small_dlpm.pt", "types.pt", "evil.pt", "legacy.pt", "allowed.pt"} {
		f.Add(load(f, name))
	}
	f.Add(snapshot(f))
	f.Fuzz(func(t *testing.T, b []byte) { walk(open(b)) })
}

// FuzzPickle feeds the pickle machine directly; the zip's checksums hide it
// from FuzzTorchFile.
func FuzzPickle(f *testing.F) {
	for _, name := range []string{"small_dlpm.pt", "types.pt", "evil.pt", "allowed.pt"} {
		b := load(f, name)
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		require.NoError(f, err)
		raw, err := (&zipped{size: int64(len(b))}).read(z.File[0], maxPickle)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(rebuilt + "K\x00K\x02K\x02\x86K\x02K\x01\x86tR."))
	f.Fuzz(func(t *testing.T, b []byte) { walk(open(archive(t, string(b), map[string]int{"0": 16}))) })
}

// walk reads every tensor that hangs directly below the root.
func walk(f *File, err error) {
	if err != nil {
		return
	}
	read := func(v any) {
		if x, ok := v.(*Tensor); ok {
			_, _ = f.Float32s(x)
		}
	}
	read(f.Root)
	if d, ok := f.Root.(*Dict); ok {
		for _, p := range d.Pairs {
			read(p.Value)
		}
	}
}
