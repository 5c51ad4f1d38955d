package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/modelfile"
	"heavytail/recipe"
)

// A SongUNet trains, goes on after a stop, becomes a PyTorch file and back, and
// samples, by EDM and by other processes.
func TestSongUNetByFlags(t *testing.T) {
	dir := t.TempDir()
	images(t, dir, 10)
	train := append(strings.Fields("train -preset fashion-song -data npy:images.npy -steps 3 -out song"), smallNet...)
	ok(t, dir, train...)
	ok(t, dir, append(train, "-resume")...)
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "song/model.safetensors").stdout), &i))
	require.Equal(t, recipe.EDM, i.Recipe.Kind())
	require.Equal(t, []int{8, 2}, []int{i.Recipe.Network.Song.ModelChannels, len(i.Recipe.Network.Song.ChannelMult)})
	sample := func(model string) []byte {
		ok(t, dir, "sample", "-model", model, "-n", "2", "-steps", "3", "-o", "x.npy")
		b, err := os.ReadFile(filepath.Join(dir, "x.npy"))
		require.NoError(t, err)
		return b
	}
	want := sample("song/model.safetensors")
	ok(t, dir, "convert", "song/model.safetensors", "song.pt")
	require.Equal(t, want, sample("song.pt"))

	dlpm := append(strings.Fields("train -preset fashion-song -process dlpm -T 20 -data npy:images.npy -steps 2 -out dlpm"), smallNet...)
	ok(t, dir, dlpm...)
	sample("dlpm/model.safetensors")
}
