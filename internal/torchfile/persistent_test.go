package torchfile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// snapshot is a small one of nn/testdata/edm_pickle.py: a network without numbers,
// and one beside it with a tensor.
func snapshot(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "nn", "testdata", "edm", "dhariwal.pkl"))
	require.NoError(t, err)
	return b
}

func TestPlainPickle(t *testing.T) {
	raw := snapshot(t)
	require.True(t, IsTorch(raw[:16]))
	f, err := open(raw)
	require.NoError(t, err)
	net := get(t, f.Root, "ema").(*Object)
	require.Equal(t, "EDMPrecond", net.Class)
	require.Equal(t, 0.5, get(t, net.State, "sigma_data"))
	pipe := get(t, f.Root, "augment_pipe").(*Object)
	require.Equal(t, []float32{1, 1, 1}, floats(t, f, get(t, pipe.State, "_buffers"), "Hz_geom"))
	require.EqualValues(t, 12, f.Bytes())
	require.Equal(t, int64(8), get(t, get(t, f.Root, "dataset_kwargs"), "resolution"))
	for n := range raw { // cut off anywhere
		_, err := open(raw[:n])
		require.Error(t, err, n)
	}
	_, err = open(append(bytes.Clone(raw), 0))
	require.ErrorContains(t, err, "after the pickle's end")
}

// Headers of safetensors can begin as pickles do.
func TestNoPickle(t *testing.T) {
	for _, n := range []uint64{0x0480, 0x950480, 0x7d0380, 0x717d0380} {
		head := append(binary.LittleEndian.AppendUint64(nil, n), `{"a":{"d`...)
		require.False(t, n != 0x717d0380 && isPickle(head), "%x", n)
	}
}

// The names of plain pickles are no names of checkpoints.
func TestObjectsOnlyInPlainPickles(t *testing.T) {
	for g := range objectNames {
		at := strings.LastIndex(string(g), ".")
		_, _, err := unpickle([]byte("\x80\x02c"+string(g[:at])+"\n"+string(g[at+1:])+"\n."), nil)
		require.ErrorContains(t, err, "not on the list")
	}
	_, _, err := unpickle([]byte("\x80\x02C\x01a."), nil)
	require.ErrorContains(t, err, "not allowed")
}

// A storage that is used very often is read as often as the limit on work allows.
func TestHostileStorages(t *testing.T) {
	raw := snapshot(t)
	at := bytes.Index(raw, []byte(legacyMagic))
	inner := raw[at : at+int(raw[at-1])]
	if raw[at-2] != 'C' {
		inner = raw[at : at+int(binary.LittleEndian.Uint32(raw[at-4:]))]
	}
	hostile := "\x80\x02}q\x00B" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(inner)))) + string(inner) + "q\x000" +
		strings.Repeat("ctorch.storage\n_load_from_bytes\nh\x00\x85R0", 100_000) + "N."
	start := time.Now()
	_, err := open([]byte(hostile))
	require.ErrorContains(t, err, "in all")
	require.Less(t, time.Since(start), 5*time.Second) // a tenth of a second alone; machines are busy
}
