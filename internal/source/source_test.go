package source

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKind(t *testing.T) {
	for head, want := range map[string]string{
		"": Empty, "a,b\n1,2": Text, "BM25,3\n1,2": Text, "BM\x36\x00\x00\x00\x00\x00": "a BMP picture", "GIF89a\x00\x01": "a GIF picture", "\x93NUMPY\x01\x00": "an array of numbers (.npy)",
		"\x00\x00\x08\x03\x00\x00": "an array of MNIST's form (IDX)", "PK\x03\x04\x14\x00": Zip, "\x1f\x8b\x08\x00": Gzip,
		"\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":": "a file of safetensors", "größ\xc3": Text, "gr\xf6\xdfe": "", "\x01\x02\x03": "", "\x00\x00\x00\x00\x00\x00\x00\x00\x00": Zeros, "\xff\xfea\x00": "",
	} {
		require.Equal(t, want, Kind([]byte(head)), "%q", head)
	}
}

func TestRegular(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	_, err := Regular(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, path+": ")
	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	f, err := Regular(path)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = Regular(dir)
	require.ErrorContains(t, err, "is a folder")
	_, err = Open(t.Context(), dir)
	require.ErrorContains(t, err, "is a folder")
	open, err := Open(t.Context(), path)
	require.NoError(t, err)
	require.True(t, open.Regular())
	r, size, err := open.At(0, nil)
	require.NoError(t, err)
	require.EqualValues(t, 4, size)
	b := make([]byte, 4)
	_, err = r.ReadAt(b, 0)
	require.NoError(t, err)
	require.Equal(t, "text", string(b))
	require.NoError(t, open.Close())
}
