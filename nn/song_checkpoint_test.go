package nn

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/torchfile"
	"heavytail/kernels"
	"heavytail/tensor"
)

// songDict writes a state_dict as PyTorch has it, the names beginning with
// prefix instead of "model.", tensors changed by edit.
func songDict(t *testing.T, net *Net, prefix string, torch bool, edit func(it *tensor.Item) (keep bool)) []byte {
	t.Helper()
	p := net.Params()
	var all, items []tensor.Item
	for _, q := range p.List {
		all = append(all, p.item("", p.Flat, q, tensor.F32))
	}
	var pairs []torchfile.Pair
	for _, it := range append(all, p.bufferItems("")...) {
		it.Name = prefix + strings.TrimPrefix(it.Name, "model.")
		if edit == nil || edit(&it) {
			items = append(items, it)
			pairs = append(pairs, torchfile.Pair{Key: it.Name, Value: it})
		}
	}
	return written(t, func(b *bytes.Buffer) error {
		if torch {
			return torchfile.Write(b, torchfile.NewDict(pairs...))
		}
		return tensor.WriteSafetensors(b, nil, items)
	})
}

// songDictConfig is what a state_dict shows of a network.
func songDictConfig(ncsnpp bool) Config {
	c := smallSong(ncsnpp)
	c.NumHeads, c.Dropout, c.Magnitude = 1, 0, false
	return Config{Song: c}
}

// TestSongStateDict: a network and its preconditioner's state_dict in either
// format give back configuration, weights and frequencies.
func TestSongStateDict(t *testing.T) {
	for _, ncsnpp := range []bool{false, true} {
		cfg := songDictConfig(ncsnpp)
		want := build(t, kernels.New(1), cfg)
		b := newBatch(want, 2, 3)
		for i, prefix := range []string{"model.", "", "model.", ""} {
			raw := songDict(t, want, prefix, i < 2, nil)
			c, err := openBytes(raw)
			require.NoError(t, err)
			require.Equal(t, cfg, c.Config)
			net, err := c.Net(kernels.New(1), "")
			require.NoError(t, err)
			numtest.SameBits(t, pass(want, workspace(t, want, 2, false), b, false),
				pass(net, workspace(t, net, 2, false), b, false), fmt.Sprint("output of a file with prefix ", prefix))
		}
	}
}

// TestSongBuffers: the filters are optional but must be right; frequencies are
// needed and kept in float32.
func TestSongBuffers(t *testing.T) {
	net := build(t, kernels.New(1), songDictConfig(true))
	load := func(edit func(it *tensor.Item) bool) error {
		c, err := openBytes(songDict(t, net, "model.", true, edit))
		if err != nil {
			return err
		}
		_, err = c.Net(kernels.New(1), "")
		return err
	}
	require.NoError(t, load(func(it *tensor.Item) bool { return !strings.HasSuffix(it.Name, "down.skip.resample_filter") }))
	require.ErrorContains(t, load(func(it *tensor.Item) bool {
		if strings.HasSuffix(it.Name, "up.conv0.resample_filter") {
			it.Data = func() []float32 { return make([]float32, 16) }
		}
		return true
	}), "the network's filter gives")
	require.ErrorContains(t, load(func(it *tensor.Item) bool {
		if strings.HasSuffix(it.Name, "freqs") {
			it.Shape = []int{len(it.Data()), 1}
		}
		return true
	}), "freqs has shape")

	p := net.Params()
	p.Init(4)
	require.NotEqual(t, float32(0.5), p.Buffers[0].Data[0])
	c, err := openBytes(file(t, &State{Net: net}, tensor.BF16))
	require.NoError(t, err)
	require.Equal(t, tensor.BF16, c.DType)
	got, err := c.Net(kernels.New(1), "")
	require.NoError(t, err)
	numtest.SameBits(t, p.Buffers[0].Data, got.Params().Buffers[0].Data, "frequencies in a file of BF16")
	numtest.SameBits(t, p.Buffers[0].Data, got.Clone().Params().Buffers[0].Data, "frequencies of a clone")
}

// TestSongNames compares a few names, shapes and their order with the lists of
// the EDM code; the counts of TestSongCounts cover the rest.
func TestSongNames(t *testing.T) {
	cfg, err := Preset("cifar10-ncsnpp")
	require.NoError(t, err)
	p, _ := describe(cfg)
	var names []string
	shapes := map[string]string{}
	for _, q := range p.List {
		names = append(names, q.Name)
		shapes[q.Name] = fmt.Sprint(q.Shape)
	}
	for _, b := range p.Buffers {
		shapes[b.Name] = fmt.Sprint(b.Shape)
	}
	require.Equal(t, []string{"model.map_augment.weight", "model.map_layer0.weight", "model.map_layer0.bias", "model.map_layer1.weight",
		"model.map_layer1.bias", "model.enc.32x32_conv.weight", "model.enc.32x32_conv.bias", "model.enc.32x32_block0.norm0.weight"}, names[:8])
	require.Equal(t, []string{"model.dec.32x32_aux_norm.weight", "model.dec.32x32_aux_norm.bias",
		"model.dec.32x32_aux_conv.weight", "model.dec.32x32_aux_conv.bias"}, names[len(names)-4:])
	for name, shape := range map[string]string{
		"model.map_noise.freqs": "[128]", "model.map_augment.weight": "[256 9]", "model.enc.32x32_conv.weight": "[128 3 3 3]",
		"model.enc.16x16_down.conv0.resample_filter": "[1 1 4 4]", "model.enc.16x16_down.skip.resample_filter": "[1 1 4 4]",
		"model.enc.16x16_aux_residual.weight": "[256 3 3 3]", "model.enc.8x8_aux_residual.resample_filter": "[1 1 4 4]",
		"model.enc.16x16_block3.qkv.weight": "[768 256 1 1]", "model.dec.8x8_in0.proj.bias": "[256]",
		"model.dec.16x16_block4.norm2.weight": "[256]", "model.dec.32x32_up.affine.weight": "[256 512]",
	} {
		require.Equal(t, shape, shapes[name], name)
	}
	for _, none := range []string{"model.enc.32x32_block0.qkv.weight", "model.dec.16x16_block3.qkv.weight", "model.dec.8x8_in1.qkv.weight",
		"model.enc.32x32_block1.skip.weight", "model.enc.32x32_block0.conv0.resample_filter"} {
		require.Empty(t, shapes[none], none)
	}
	// q, k and v of a channel follow each other there; here the channels of q come first.
	q := p.Find("model.dec.8x8_in0.qkv.bias")
	require.Equal(t, []int{0, 3, 765, 1, 2}, []int{q.row(0), q.row(1), q.row(255), q.row(256), q.row(512)})
}

func TestSongConfigErrors(t *testing.T) {
	bad := func(change func(c *SongConfig), want string) {
		c := smallSong(false)
		change(c)
		require.ErrorContains(t, Config{Song: c}.Validate(), want)
	}
	bad(func(c *SongConfig) { c.ImageSize = 10 }, "3 levels need multiples of 4")
	bad(func(c *SongConfig) { c.Filter = []int{1, 2, 1} }, "resample_filter")
	bad(func(c *SongConfig) { c.Embedding = "" }, "positional or fourier")
	bad(func(c *SongConfig) { c.Encoder = "skip" }, "standard or residual")
	bad(func(c *SongConfig) { c.SkipScale = 0 }, "skip_scale")
	bad(func(c *SongConfig) { c.NumHeads = 3 }, "num_heads 3")
	bad(func(c *SongConfig) { c.ModelChannels = 9 }, "even")
	bad(func(c *SongConfig) { c.ModelChannels = 132 }, "groups do not divide")
	require.ErrorContains(t, Config{Song: smallSong(true), MLP: &MLPConfig{}}.Validate(), "exactly one")
}

func TestExtraPanics(t *testing.T) {
	net := build(t, kernels.New(1), Config{Song: smallSong(false)})
	b := newBatch(net, 2, 1)
	ws := workspace(t, net, 2, false)
	out := make([]float32, len(b.x))
	require.PanicsWithValue(t, "nn: Predict: 3 values of conditions, 0 of augmentation for 2 samples; want 64 and 2 per sample, or nil", func() {
		net.PredictWith(ws, out, b.x, b.t, b.labels, Extra{Cond: make([]float32, 3)})
	})
}

// TestExtra: zeros are what a nil field means, and each field reaches the
// output of its own sample only.
func TestExtra(t *testing.T) {
	for name, cfg := range smallNets() {
		net := build(t, kernels.New(1), cfg)
		if net.CondChannels()+net.Conditions() == 0 {
			continue
		}
		b := newBatch(net, 2, 1)
		at := func(e Extra) []float32 {
			b.extra = e
			return pass(net, workspace(t, net, 2, false), b, false)
		}
		zero := Extra{make([]float32, 2*b.sizes[0]), make([]float32, 2*b.sizes[1])}
		base, half := at(Extra{}), len(b.x)/2
		numtest.SameBits(t, base, at(zero), name)
		for _, x := range [][]float32{zero.Cond, zero.Augment} {
			if len(x) > 0 {
				x[len(x)-1] = 1
				got := at(zero)
				numtest.SameBits(t, base[:half], got[:half], name+": the other sample")
				require.NotEqual(t, base[half:], got[half:], name)
				x[len(x)-1] = 0
			}
		}
	}
}
