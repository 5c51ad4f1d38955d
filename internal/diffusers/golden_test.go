package diffusers

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/kernels"
	"heavytail/nn"
)

// configurations are the folders that testdata/make.py made with diffusers.
var configurations = []string{"ddpm", "heads", "fourier", "resnet", "shift", "classes", "timestep", "learned"}

// A goldenPass is one forward pass of diffusers.
type goldenPass struct {
	X, T, Y    []float32
	Labels     []int
	Parameters int
}

func load(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(path))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

// TestForward compares networks with diffusers' own output: with eight configurations
// that have every form of every layer, the names of before 0.15, shards, a PyTorch file and
// one of 16 bits among them.
func TestForward(t *testing.T) {
	for _, name := range configurations {
		t.Run(name, func(t *testing.T) {
			var want goldenPass
			load(t, "testdata/"+name+"/golden.json", &want)
			f, err := find(os.DirFS("testdata/" + name))
			require.NoError(t, err)
			defer f.Close()
			cfg, shape, err := f.network()
			require.NoError(t, err)
			c, err := f.checkpoint(cfg, nil)
			require.NoError(t, err)
			net, err := c.Net(kernels.New(2), "")
			require.NoError(t, err)
			count := net.Params().Count()
			for _, b := range net.Params().Buffers {
				count += len(b.Data)
			}
			require.Equal(t, want.Parameters, count)
			ws, err := net.NewWorkspace(len(want.T), shape[0], shape[1], false)
			require.NoError(t, err)
			got := make([]float32, len(want.Y))
			require.NoError(t, net.Predict(ws, got, want.X, want.T, want.Labels))
			worst := 0.0
			for i, y := range want.Y {
				worst = max(worst, math.Abs(float64(got[i]-y)))
			}
			t.Logf("largest difference %.2g", worst)
			require.Less(t, worst, 1e-5)
		})
	}
}

// TestPublishedNames: the network of google/ddpm-cifar10-32 has the tensors of that model.
func TestPublishedNames(t *testing.T) {
	cfg, _, err := network([]byte(`{"_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", "act_fn": "silu", "attention_head_dim": null,
		"block_out_channels": [128, 256, 256, 256], "center_input_sample": false, "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
		"downsample_padding": 0, "flip_sin_to_cos": false, "freq_shift": 1, "in_channels": 3, "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-06,
		"norm_num_groups": 32, "out_channels": 3, "sample_size": 32, "time_embedding_type": "positional", "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"]}`))
	require.NoError(t, err)
	b, err := os.ReadFile("testdata/ddpm_cifar10_names.txt")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	names, count := published(t, cfg)
	require.Equal(t, lines[0], strconv.Itoa(count))
	require.ElementsMatch(t, lines[1:], names)
}

// published returns names and shapes of a network's tensors as diffusers writes them, and
// how many numbers these hold.
func published(t *testing.T, cfg nn.Config) (names []string, count int) {
	net, err := nn.New(kernels.New(1), cfg)
	require.NoError(t, err)
	for _, q := range net.Params().List {
		shape, all := slices.Clone(q.Shape), []string{q.Name}
		if strings.Contains(q.Name, ".to_qkv.") { // one of three
			shape[0] /= 3
			all = nil
			for _, part := range []string{".to_q.", ".to_k.", ".to_v."} {
				all = append(all, strings.Replace(q.Name, ".to_qkv.", part, 1))
			}
		}
		for _, name := range all {
			names = append(names, name+" "+strings.ReplaceAll(fmt.Sprint(shape), " ", ", "))
		}
	}
	return names, net.Params().Count()
}

// TestPublishedSize: of a model that somebody trained and published with diffusers 0.11.1
// (ddpm-butterflies-128), the two configurations and the number of bytes of the weights are
// at hand, not the weights: both are read, and the network has exactly the tensors that
// take so many bytes, by the names of attention that this version wrote.
func TestPublishedSize(t *testing.T) {
	const size = 454741132 // unet/diffusion_pytorch_model.safetensors
	cfg, shape, err := network([]byte(`{"_class_name": "UNet2DModel", "_diffusers_version": "0.11.1", "act_fn": "silu", "add_attention": true, "attention_head_dim": 8,
		"block_out_channels": [128, 128, 256, 256, 512, 512], "center_input_sample": false,
		"down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"],
		"downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 3, "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-05,
		"norm_num_groups": 32, "out_channels": 3, "resnet_time_scale_shift": "default", "sample_size": 128, "time_embedding_type": "positional",
		"up_block_types": ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"]}`))
	require.NoError(t, err)
	require.Equal(t, []int{128, 128, 3}, shape)
	_, err = scheduler([]byte(`{"_class_name": "DDPMScheduler", "_diffusers_version": "0.11.1", "beta_end": 0.02, "beta_schedule": "linear", "beta_start": 0.0001,
		"clip_sample": true, "num_train_timesteps": 1000, "prediction_type": "epsilon", "trained_betas": null, "variance_type": "fixed_small"}`))
	require.NoError(t, err)
	lines, _ := published(t, cfg)
	shapes := map[string]string{}
	old := strings.NewReplacer(".to_q.", ".query.", ".to_k.", ".key.", ".to_v.", ".value.", ".to_out.0.", ".proj_attn.")
	for _, line := range lines {
		name, shape, _ := strings.Cut(line, " ")
		shapes[old.Replace(name)] = strings.ReplaceAll(shape, " ", "")
	}
	// The header as the library writes it: its entry, the tensors by name, spaces up to a multiple of 8.
	header, at := `{"__metadata__":{"format":"pt"}`, 0
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		var dims []int
		require.NoError(t, json.Unmarshal([]byte(shapes[name]), &dims))
		n := 4
		for _, d := range dims {
			n *= d
		}
		header += fmt.Sprintf(`,"%s":{"dtype":"F32","shape":%s,"data_offsets":[%d,%d]}`, name, shapes[name], at, at+n)
		at += n
	}
	header += "}"
	require.Equal(t, size, 8+(len(header)+7)/8*8+at)
}
