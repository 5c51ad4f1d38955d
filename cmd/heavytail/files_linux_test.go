package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/modelfile"
	"heavytail/nn"
	"heavytail/output"
	"heavytail/recipe"
	"heavytail/tensor"
)

// Files that are mostly holes say that they are 10 GB; they are refused by their
// first bytes, without reading on.
func TestSparseModels(t *testing.T) {
	dir := t.TempDir()
	const size = 10 << 30
	header := func(text string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	}
	net, err := json.Marshal(`{"network":{"mlp":{"dim":1,"hidden":[16384,16384,16384,16384,16384,16384,16384,16384,16384,16384,16384]}}}`)
	require.NoError(t, err)
	tensors := `"a":{"dtype":"F32","shape":[1024,2621440],"data_offsets":[0,10737418240]}`
	large := `{"__metadata__":{"heavytail":` + string(net) + `},` // a network of those 10 GB
	at := int64(0)
	var parts []string
	for i, shape := range append([][2]int{{16384, 2}}, append(make([][2]int, 10), [2]int{1, 16384})...) {
		if shape[0] == 0 {
			shape = [2]int{16384, 16384}
		}
		for _, p := range []struct {
			name  string
			shape []int
		}{{"weight", shape[:]}, {"bias", shape[:1]}} {
			n := int64(4 * p.shape[0])
			if len(p.shape) == 2 {
				n *= int64(p.shape[1])
			}
			text, err := json.Marshal(map[string]any{"dtype": "F32", "shape": p.shape, "data_offsets": []int64{at, at + n}})
			require.NoError(t, err)
			parts = append(parts, `"layers.`+string(rune('0'+i/10))+string(rune('0'+i%10))+"."+p.name+`":`+string(text))
			at += n
		}
	}
	for i := range parts { // layers.00 to layers.0
		parts[i] = strings.Replace(parts[i], "layers.0", "layers.", 1)
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("x/data.pkl")
	require.NoError(t, err)
	_, err = w.Write([]byte("\x80\x02}."))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, c := range map[string]struct {
		head  []byte
		size  int64
		wants string
	}{
		"zeros.safetensors": {nil, size, "neither safetensors nor a PyTorch"},
		"one.safetensors":   {header("{" + tensors + "}"), size, "not those of a network known here"},
		"cut.safetensors":   {header("{" + tensors + "}"), 1 << 20, "want a start of 0"},
		"large.safetensors": {header(large + strings.Join(parts, ",") + "}"), at, "this process may use"},
		"zeros.pt":          {[]byte("PK\x03\x04"), size, "zip"},
		"archive.pt":        {archive.Bytes(), size, "zip"},
		"legacy.pt":         {[]byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."), size, "pickle"},
	} {
		if say := map[string]string{"one.safetensors": "10737418240 bytes for shape", "large.safetensors": "more than there is"}[name]; say != "" && math.MaxInt == math.MaxInt32 {
			c.wants = say // it is more than there are addresses
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, c.head, 0o644))
		n := c.size
		if c.head != nil && strings.HasSuffix(name, ".safetensors") && name != "cut.safetensors" {
			n += int64(len(c.head))
		}
		require.NoError(t, os.Truncate(path, n))
		for _, args := range [][]string{{"sample", "-model", path, "-o", filepath.Join(dir, "x.npy")}, {"info", path}, {"convert", path, filepath.Join(dir, "y.pt")}} {
			p := process(dir, args...)
			p.Env = append(p.Env, "HEAVYTAIL_MEMORY=8000000000")
			var errs bytes.Buffer
			p.Stderr = &errs
			start := time.Now()
			require.Error(t, p.Run())
			require.Equal(t, 2, p.ProcessState.ExitCode(), "%s: %s", args, errs.String())
			require.Contains(t, errs.String(), c.wants, "%s", args)
			peak := int64(p.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
			require.Less(t, peak, int64(256<<20), "%s took %v", args, time.Since(start)) // 32 MB of a legacy file are looked at
		}
	}
}

// A model comes through a pipe as well.
func TestModelFromPipe(t *testing.T) {
	dir := trained(t)
	ok(t, dir, "sample", "-model", "run/model.safetensors", "-n", "2", "-steps", "2", "-o", "a.npy")
	piped := func(name, file string) {
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, name), 0o600))
		go func() {
			b, _ := os.ReadFile(filepath.Join(dir, file))
			f, err := openWriter(filepath.Join(dir, name))
			if err == nil {
				_, _ = f.Write(b)
				_ = f.Close()
			}
		}()
	}
	piped("pipe", "run/model.safetensors")
	ok(t, dir, "sample", "-model", "pipe", "-n", "2", "-steps", "2", "-o", "b.npy")
	a, err := os.ReadFile(filepath.Join(dir, "a.npy"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "b.npy"))
	require.NoError(t, err)
	require.Equal(t, a, b)
	r := heavytailIn(t, dir, "sample", "-model", "run")
	require.Contains(t, r.stderr, "run/model.safetensors")

	// So does a picture, which is opened once: its sum is that of the file.
	var with [2]output.Recipe
	ok(t, dir, "sample", "-n", "1", "-steps", "2", "-o", "init.png")
	piped("init", "init.png")
	for i, init := range []string{"init.png", "init"} {
		ok(t, dir, "sample", "-init", init, "-n", "1", "-steps", "2", "-o", "c.png")
		require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "c.png").stdout), &with[i]))
		with[i].Edit.Init = ""
	}
	require.NotEmpty(t, with[0].Edit.InitSHA256)
	require.Equal(t, with[0], with[1])
}

// Names that would rename the terminal's window, hide what comes before them or
// turn the direction of writing are shown, not done.
func TestNamesAreShownNotDone(t *testing.T) {
	dir := t.TempDir()
	const evil = "a\x1b]0;owned\x07\x1b[2K\r\u009b31m\u202eb\U000e0041é"
	r, err := recipe.Preset("fashion")
	require.NoError(t, err)
	r.Data = recipe.Data{Spec: evil, Samples: 9, Shape: []int{4, 4, 1}, Classes: 2, Names: []string{evil, "plain"}}
	require.NoError(t, r.Fit())
	u := r.Network.UNet
	u.ModelChannels, u.ChannelMult, u.NumResBlocks, u.NumHeads = 4, []int{1}, 1, 1
	r.Train.Rate.Total = r.Train.Steps
	require.NoError(t, r.Validate())
	net, err := nn.New(kernels.New(1), r.Network)
	require.NoError(t, err)
	write := func(name string, f func(w io.Writer) error) {
		var b bytes.Buffer
		require.NoError(t, f(&b))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644))
	}
	write("m.safetensors", func(w io.Writer) error {
		return (&nn.State{Net: net, Recipe: r.JSON(), EMA: []*nn.EMA{nn.NewEMA(net.Params(), 0.9)}}).Write(w, tensor.F32)
	})
	write("t.safetensors", func(w io.Writer) error {
		one := func() []float32 { return []float32{1} }
		return tensor.WriteSafetensors(w, nil, []tensor.Item{{Name: evil + ".x", DType: tensor.F32, Shape: []int{1}, Data: one}, {Name: evil + "._orig_mod.x", DType: tensor.F32, Shape: []int{1}, Data: one}})
	})
	clean := func(out string) {
		t.Helper()
		for _, c := range out {
			if c != '\n' && c != '\t' && !strconv.IsPrint(c) {
				t.Fatalf("%q", out)
			}
		}
	}
	for _, args := range [][]string{{"info", "m.safetensors"}, {"info", "-json", "m.safetensors"}, {"info", "t.safetensors"}, {"sample", "-model", "m.safetensors", "-class", "x"},
		{"sample", "-model", evil}, {"nonsense" + evil}, {"eval", "toy:" + evil, "toy:x"}, {"tail", "csv:" + evil}} {
		r := heavytailIn(t, dir, args...)
		clean(r.stdout)
		clean(r.stderr)
		require.Contains(t, strings.ReplaceAll(r.stdout+r.stderr, `\x1b`, `\u001b`), `\u001b]0;owned`, "%s", args) // %q writes \x1b
	}
	var i modelfile.Info
	require.NoError(t, json.Unmarshal([]byte(ok(t, dir, "info", "-json", "m.safetensors").stdout), &i))
	require.Equal(t, evil, i.Recipe.Data.Names[0], "the JSON says something else")
}
