package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/device"
)

// What no disk has room for is refused before the first sample, and leaves nothing, in
// every form of output; what there is room for to the byte is written.
func TestOutputsThatDoNotFit(t *testing.T) {
	dir := trained(t)
	begun := false
	write := func(model, out string, seeds string, room int64) error {
		t.Helper()
		t.Setenv("HEAVYTAIL_DISK", strconv.FormatInt(room, 10))
		r := &sampleRequest{model: filepath.Join(dir, model, "model.safetensors"), out: filepath.Join(dir, out), seeds: seeds, n: 64, frames: 3}
		r.options.Batch, r.options.Steps = 32, 2
		if out == "pictures" {
			r.out += "/"
		}
		require.NoError(t, r.check())
		o, err := outputFor(r.out)
		require.NoError(t, err)
		devices, err := r.device.openAll(1)
		require.NoError(t, err)
		defer device.Close(devices...)
		require.NoError(t, r.load(t.Context(), devices))
		require.NoError(t, r.resolve())
		begun = false
		r.options.Step64 = func(int, int, []float64) error { begun = true; return nil }
		return o.write(t.Context(), r.drawn())
	}
	before := listing(t, dir)
	for _, c := range []struct {
		model, out string
		least      int64 // bytes that are too few
	}{
		{"toy", "x.csv", 64*2*2 - 1}, {"toy", "x.npy", 64*2*4 - 1}, {"toy", "x.png", 512 * 513 / 1032}, {"toy", "x.gif", 3 * 512 * 512 / 4096 * 3 / 2},
		{"run", "x.npy", 64*8*8*4 - 1}, {"run", "x.png", 300}, {"run", "x.gif", 14 + 3*12 - 1}, {"run", "pictures", 64 * 200},
	} {
		err := write(c.model, c.out, "", c.least)
		require.ErrorContains(t, err, "the disk has room for", "%s %s", c.model, c.out)
		require.False(t, begun, "%s %s", c.model, c.out)
		require.Equal(t, before, listing(t, dir), "%s %s", c.model, c.out)
	}
	for _, c := range [][2]string{{"toy", "x.csv"}, {"toy", "x.npy"}, {"toy", "x.png"}, {"toy", "x.gif"}, {"run", "x.npy"}, {"run", "x.png"}, {"run", "x.gif"}} {
		require.NoError(t, write(c[0], c[1], "", 1<<40), "%v", c)
		require.True(t, begun, "%v", c)
		st, err := os.Stat(filepath.Join(dir, c[1]))
		require.NoError(t, err)
		require.NoError(t, write(c[0], c[1], "", st.Size()), "%v of %d bytes", c, st.Size())
	}
	// A folder has one picture of a seed that is given twice, and the new ones in place of the old.
	require.NoError(t, write("run", "pictures", "7", 1<<40))
	st, err := os.Stat(filepath.Join(dir, "pictures/000007.png"))
	require.NoError(t, err)
	require.NoError(t, write("run", "pictures", "7,8,7,8,7,8", st.Size()))
	require.Error(t, write("run", "pictures", "0-63", st.Size()))
	require.False(t, begun)
	require.NoError(t, write("run", "pictures", "0-63", 1<<40))
	require.NoError(t, write("run", "pictures", "0-63", 1), "what is there gives way")
}
