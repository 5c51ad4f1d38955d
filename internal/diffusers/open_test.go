package diffusers

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"heavytail/recipe"
)

// files returns a folder of testdata in memory.
func files(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	dir := os.DirFS("testdata/" + name)
	require.NoError(t, fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(p) == "golden.json" {
			return err
		}
		b, err := fs.ReadFile(dir, p)
		out[p] = &fstest.MapFile{Data: b, Mode: 0o644}
		return err
	}))
	return out
}

// zipped returns the files as an archive, below a folder if there is one.
func zipped(t testing.TB, of fstest.MapFS, below string, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, f := range of {
		m, err := w.CreateHeader(&zip.FileHeader{Name: below + name, Method: method})
		require.NoError(t, err)
		_, err = m.Write(f.Data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// edit returns a copy of the folder with keys of one of its JSON files set; nil removes.
func edit(t testing.TB, of fstest.MapFS, name string, keys map[string]any) fstest.MapFS {
	t.Helper()
	out := maps.Clone(of)
	all := map[string]any{}
	require.NoError(t, json.Unmarshal(of[name].Data, &all))
	for k, v := range keys {
		if all[k] = v; v == remove {
			delete(all, k)
		}
	}
	b, err := json.Marshal(all)
	require.NoError(t, err)
	out[name] = &fstest.MapFile{Data: b, Mode: 0o644}
	return out
}

const remove = "remove this key"

func open(fsys fs.FS) error {
	m, err := Open(fsys)
	if err == nil {
		err = m.Close()
	}
	return err
}

// TestOpen: every form of a folder opens, with a recipe that is known and not trained;
// an archive of it, packed or not, below a folder or not, has the same weights.
func TestOpen(t *testing.T) {
	for _, name := range configurations {
		m, err := Open(os.DirFS("testdata/" + name))
		if name == "fourier" {
			require.ErrorContains(t, err, "fourier")
			continue
		}
		require.NoError(t, err, name)
		r, err := recipe.Of(m.Recipe, m.Config)
		require.NoError(t, err, name)
		require.True(t, r.Known() && !r.Trained(), name)
		require.NoError(t, m.Close())
		for i, below := range []string{"", "model/"} {
			z := zipped(t, files(t, name), below, []uint16{zip.Store, zip.Deflate}[i])
			c, err := Checkpoint(bytes.NewReader(z), int64(len(z)))
			require.NoError(t, err, name)
			require.Equal(t, m.Recipe, c.Recipe)
		}
	}
	require.False(t, Is(os.DirFS("testdata")), "a folder of several")
	require.ErrorIs(t, open(fstest.MapFS{}), ErrNone)
	sum := func(name string) string {
		m, err := Open(os.DirFS("testdata/" + name))
		require.NoError(t, err)
		defer m.Close()
		s, err := m.Sum(t.Context())
		require.NoError(t, err)
		return s
	}
	require.Equal(t, sum("shift"), sum("shift"))
	require.NotEqual(t, sum("shift"), sum("ddpm"))
}

// TestRefused: what is not supported, or contradicts itself, is refused by its name.
func TestRefused(t *testing.T) {
	const config, schedule = "config.json", "scheduler_config.json"
	for _, c := range []struct {
		of, file string
		keys     map[string]any
		want     []string
	}{
		{"ddpm", config, map[string]any{"_class_name": "UNet2DConditionModel"}, []string{"_class_name", "UNet2DConditionModel", "UNet2DModel"}},
		{"ddpm", config, map[string]any{"_class_name": remove}, []string{"_class_name"}},
		{"ddpm", config, map[string]any{"down_block_types": []string{"SkipDownBlock2D", "DownBlock2D", "DownBlock2D"}}, []string{"down_block_types[0]", "SkipDownBlock2D"}},
		{"ddpm", config, map[string]any{"up_block_types": []string{"UpBlock2D", "UpBlock2D", "KUpBlock2D"}}, []string{"up_block_types[2]", "KUpBlock2D"}},
		{"ddpm", config, map[string]any{"mid_block_type": "UNetMidBlock2DCrossAttn"}, []string{"mid_block_type", "UNetMidBlock2DCrossAttn"}},
		{"ddpm", config, map[string]any{"act_fn": "mish"}, []string{"act_fn", "mish"}},
		{"ddpm", config, map[string]any{"class_embed_type": "identity"}, []string{"class_embed_type", "identity"}},
		{"ddpm", config, map[string]any{"class_embed_type": "timestep"}, []string{"num_class_embeds"}},
		{"ddpm", config, map[string]any{"resnet_time_scale_shift": "spatial"}, []string{"resnet_time_scale_shift", "spatial"}},
		{"ddpm", config, map[string]any{"time_embedding_type": "rotary"}, []string{"time_embedding_type", "rotary"}},
		{"ddpm", config, map[string]any{"downsample_padding": 2}, []string{"downsample_padding is 2"}},
		{"ddpm", config, map[string]any{"freq_shift": 0.5}, []string{"freq_shift is 0.5"}},
		{"ddpm", config, map[string]any{"norm_num_groups": nil}, []string{"norm_num_groups is null"}},
		{"ddpm", config, map[string]any{"norm_num_groups": 3}, []string{"norm_num_groups", "conv1.weight", "3 groups"}[:1]},
		{"ddpm", config, map[string]any{"attention_head_dim": 3}, []string{"attention_head_dim is 3"}},
		{"ddpm", config, map[string]any{"out_channels": 6}, []string{"6 channels of 3"}},
		{"ddpm", config, map[string]any{"in_channels": 4, "out_channels": 4}, []string{"4 channels"}},
		{"ddpm", config, map[string]any{"sample_size": 9}, []string{"9×9"}},
		{"ddpm", config, map[string]any{"sample_size": []int{8, 8, 8}}, []string{"sample_size"}},
		{"ddpm", config, map[string]any{"layers_per_block": 1e9}, []string{"layers_per_block"}},
		{"ddpm", config, map[string]any{"layers_per_block": 1e12}, []string{"layers_per_block is 1e+12, which is too large"}},
		{"ddpm", config, map[string]any{"block_out_channels": []int{1 << 29, 4, 8}}, []string{"block_out_channels[0]"}},
		{"ddpm", config, map[string]any{"block_out_channels": "x"}, []string{"block_out_channels is a JSON string"}},
		{"ddpm", schedule, map[string]any{"beta_end": []int{1}}, []string{"beta_end is a JSON array"}},
		{"ddpm", config, map[string]any{"block_out_channels": []int{4, 8}}, []string{"3 down_block_types"}},
		{"ddpm", config, map[string]any{"block_out_channels": []int{8, 8, 8}}, []string{"has shape"}},
		{"ddpm", config, map[string]any{"layers_per_block": 3}, []string{"lack"}},
		{"ddpm", config, map[string]any{"add_attention": false}, []string{"belongs to no layer"}},
		{"learned", "unet/config.json", map[string]any{"num_train_timesteps": 10}, []string{"num_train_timesteps is 20"}},
		{"ddpm", schedule, map[string]any{"_class_name": "PNDMScheduler"}, []string{"PNDMScheduler"}},
		{"ddpm", schedule, map[string]any{"trained_betas": []float64{0.1}}, []string{"trained_betas"}},
		{"ddpm", schedule, map[string]any{"variance_type": "learned_range"}, []string{"variance_type", "learned_range"}},
		{"ddpm", schedule, map[string]any{"rescale_betas_zero_snr": true}, []string{"rescale_betas_zero_snr"}},
		{"ddpm", schedule, map[string]any{"thresholding": true}, []string{"thresholding"}},
		{"ddpm", schedule, map[string]any{"clip_sample_range": 3}, []string{"clip_sample_range is 3"}},
		{"ddpm", schedule, map[string]any{"beta_schedule": "laplace"}, []string{"laplace"}},
		{"ddpm", schedule, map[string]any{"prediction_type": "flow"}, []string{"flow"}},
		{"ddpm", schedule, map[string]any{"timestep_spacing": "karras"}, []string{"karras"}},
		{"ddpm", schedule, map[string]any{"beta_end": 1.5}, []string{"1.5"}},
		{"ddpm", schedule, map[string]any{"num_train_timesteps": 1e7}, []string{"num_train_timesteps"}},
		{"ddpm", schedule, map[string]any{"steps_offset": 1000}, []string{"offset is 1000"}},
		{"shift", schedule, map[string]any{"set_alpha_to_one": false}, []string{"set_alpha_to_one"}},
		{"shift", schedule, map[string]any{"beta_schedule": "sigmoid"}, []string{"sigmoid"}},
		{"heads", "model_index.json", map[string]any{"unet": []string{"diffusers", "UNet3DModel"}}, []string{"UNet3DModel"}},
		{"heads", "model_index.json", map[string]any{"vqvae": []string{"diffusers", "VQModel"}}, []string{"vqvae", "VQModel"}},
	} {
		err := open(edit(t, files(t, c.of), c.file, c.keys))
		require.Error(t, err, "%v", c.keys)
		for _, want := range c.want {
			require.ErrorContains(t, err, want, "%v", c.keys)
		}
		require.Less(t, len(err.Error()), 400, "%v", err)
	}
}

// TestHostileFolders: contradictions, huge counts, bombs and ways out of the folder are
// errors, with no more memory than the network has.
func TestHostileFolders(t *testing.T) {
	const index = "diffusion_pytorch_model.safetensors.index.json"
	bomb := files(t, "ddpm")
	bomb["diffusion_pytorch_model.safetensors"] = &fstest.MapFile{Data: make([]byte, 64<<20), Mode: 0o644}
	z := zipped(t, bomb, "", zip.Deflate)
	require.Less(t, len(z), 1<<20)
	_, err := Checkpoint(bytes.NewReader(z), int64(len(z)))
	require.ErrorContains(t, err, "at most")

	shards := func(m map[string]string) fstest.MapFS {
		return edit(t, files(t, "shift"), index, map[string]any{"weight_map": m})
	}
	for _, name := range []string{"../shift/diffusion_pytorch_model-00001-of-00009.safetensors", "/etc/passwd", `..\x`, "a/b", "", ".", ".."} {
		require.ErrorContains(t, open(shards(map[string]string{"conv_in.weight": name})), "want a file of the same folder", name)
	}
	require.ErrorContains(t, open(shards(nil)), "in weight_map is 0")
	require.ErrorContains(t, open(shards(map[string]string{"conv_in.weight": "none.safetensors"})), "none.safetensors")
	require.ErrorContains(t, open(shards(map[string]string{"nothing.weight": "diffusion_pytorch_model-00001-of-00009.safetensors"})), "nothing.weight")
	require.ErrorContains(t, open(shards(map[string]string{"conv_in.weight": "diffusion_pytorch_model-00001-of-00009.safetensors"})), "lack")
	require.ErrorContains(t, open(shards(map[string]string{"conv_in.weight": "config.json"})), "config.json")

	twice := files(t, "shift")
	first := "diffusion_pytorch_model-00001-of-00009.safetensors"
	twice["diffusion_pytorch_model-00002-of-00009.safetensors"] = twice[first]
	require.Error(t, open(twice))

	without := files(t, "ddpm")
	delete(without, "scheduler_config.json")
	require.ErrorContains(t, open(without), "scheduler_config.json")
	delete(without, "diffusion_pytorch_model.safetensors")
	without["scheduler_config.json"] = files(t, "ddpm")["scheduler_config.json"]
	require.ErrorContains(t, open(without), "there are no weights")
	long := files(t, "ddpm")
	long["config.json"] = &fstest.MapFile{Data: []byte(strings.Repeat(" ", maxConfig+1)), Mode: 0o644}
	require.ErrorContains(t, open(long), "at most")
	long["config.json"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	require.Error(t, open(long))
}
