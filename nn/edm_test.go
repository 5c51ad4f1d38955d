package nn

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
)

func edmFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "edm", name))
	require.NoError(t, err)
	return b
}

// Snapshots of the EDM code open by what they hold, with the weights whose outputs
// that code printed.
func TestEDMPickle(t *testing.T) {
	for i, name := range []string{"ddpmpp.pkl", "ncsnpp.pkl"} {
		c, err := openBytes(edmFile(t, name))
		require.NoError(t, err, name)
		want := songGolden(goldenSongs[i].ncsnpp)
		want.Song.Dropout = 0.13 // its blocks tell
		require.Equal(t, want, c.Config)
		net, err := c.Net(kernels.New(1), "")
		require.NoError(t, err)
		goldenSongs[i].check(t, net)
	}
}

// edited returns a file in which the first number of that name, a float64 of a
// pickle, is another.
func edited(t *testing.T, b []byte, name string, was, is float64) []byte {
	t.Helper()
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte(name))
	require.Positive(t, at, name)
	old := append([]byte{'G'}, binary.BigEndian.AppendUint64(nil, math.Float64bits(was))...)
	n := bytes.Index(b[at:], old)
	require.True(t, n > 0 && n < 100, "%s: %d", name, n)
	binary.BigEndian.PutUint64(b[at+n+1:], math.Float64bits(is))
	return b
}

// What we do not compute as that code does is refused by its name, with the page that
// tells what to do.
func TestEDMPickleRefuses(t *testing.T) {
	good := edmFile(t, "ddpmpp.pkl")
	for _, c := range []struct {
		file []byte
		want string
	}{
		{edmFile(t, "dhariwal.pkl"), "is a DhariwalUNet, not a SongUNet"},
		{edmFile(t, "vp.pkl"), "is a VPPrecond of the code"},
		{edited(t, good, "sigma_data", 0.5, 1), "sigma_data of the EDMPrecond is 1"},
		{edited(t, good, "eps", 1e-6, 1e-5), "eps of the GroupNorm model.enc.8x8_block0.norm0 is 1e-05"},
		{bytes.Replace(good, []byte("\x8c\x09GroupNorm"), []byte("\x8c\x09LayerNorm"), 1), "norm0 is a LayerNorm, which a SongUNet does not have"},
	} {
		_, err := openBytes(c.file)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, "docs/edm.md")
	}
	_, err := openBytes(bytes.Replace(good, []byte("torch_utils.persistence"), []byte("torch_utils.persistancy"), 1))
	require.ErrorContains(t, err, `"torch_utils.persistancy._reconstruct_persistent_obj"`)
	require.ErrorContains(t, err, "docs/edm.md")
	for n := 16; n < len(good); n += 1 + n/40 {
		_, err := openBytes(good[:n])
		require.Error(t, err, n)
	}
}
