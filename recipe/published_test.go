package recipe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the papers' presets are made of, as their codes have it and down to the
// last field of the recipe: the configurations 2d_data.yml, mnist.yml, cifar10.yml
// and cifar10_lt.yml of the DLPM code, and the defaults of train.py of the EDM
// code with its networks DDPM++ and NCSN++.
const (
	dlpmUNet = `{"unet": {"in_channels": %d, "out_channels": %[1]d, "model_channels": %d, "channel_mult": [1, 2, 2, 2],
		"num_res_blocks": 2, "attention_ds": %s, "num_heads": 4, "time_scale": 1, "image_size": 32}}`
	dlpmProcess = `{"alpha": 1.8, "isotropic": true, "scale": "preserving", "steps": %d, "clamp_a": %d, "clamp_eps": %d}`
	adamW       = `"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": %v, "seed": 0`
	songNet     = `{"song": {"image_size": 32, "in_channels": 3, "out_channels": 3, "augment_dim": 9, "model_channels": 128, "channel_mult": [2, 2, 2],
		"channel_mult_emb": 4, "num_blocks": 4, "attn_resolutions": [16], "num_heads": 1, "dropout": 0.13, "embedding_type": %q,
		"channel_mult_noise": %d, "encoder_type": %q, "resample_filter": %s, "skip_scale": 0.7071067811865476, "time_scale": 1}}`
	// 200 million images; the rate rises over ten million; half-life half a million.
	songTrain = `{"steps": 390625, "batch": 512, "rate": {"kind": "constant", "lr": 1e-3, "warmup": 19531}, "loss": {"kind": "squared"}, "ema": [0.99929], `
	colour    = `"data": {"spec": "", "samples": 0, "shape": null, "size": 32, "channels": 3, "flip": true%s}`
)

// TestPublishedPresets holds every field: one that is missing in the table, or a
// new one that a paper's preset sets, is a difference too.
func TestPublishedPresets(t *testing.T) {
	decay := fmt.Sprintf(adamW, 0.01)
	stepped := `"rate": {"kind": "step", "lr": 2e-4, "every": 1000, "gamma": 0.99}, "loss": {"kind": "root"}, "clip": 5, "ema": [0.9999], `
	papers := map[string]string{
		"2d": `"network": {"mlp": {"dim": 2, "units": 64, "blocks": 4, "time_emb": 32, "time_scale": 0}},
			"process": {"alpha": 1.8, "isotropic": true, "scale": "preserving", "steps": 100},
			"data": {"spec": "", "samples": 0, "shape": null},
			"train": {"steps": 640, "batch": 1024, "rate": {"kind": "constant", "lr": 5e-3}, "loss": {"kind": "root"}, ` + decay + `}`,
		"mnist": `"network": ` + fmt.Sprintf(dlpmUNet, 1, 32, "[2, 4]") + `, "process": ` + fmt.Sprintf(dlpmProcess, 1000, 20, 200) + `,
			"data": {"spec": "", "samples": 0, "shape": null, "size": 32, "channels": 1},
			"train": {"steps": 211500, "batch": 256, "rate": {"kind": "step", "lr": 5e-4, "every": 400, "gamma": 0.99}, "loss": {"kind": "root"}, "ema": [0.99], ` + decay + `}`,
		"cifar10": `"network": ` + fmt.Sprintf(dlpmUNet, 3, 128, "[4, 8, 16]") + `, "process": ` + fmt.Sprintf(dlpmProcess, 4000, 10, 50) + `,
			` + fmt.Sprintf(colour, "") + `, "train": {"steps": 312800, "batch": 64, ` + stepped + decay + `}`,
		"cifar10_lt": `"network": ` + fmt.Sprintf(dlpmUNet, 3, 128, "[16]") + `, "process": ` + fmt.Sprintf(dlpmProcess, 4000, 20, 200) + `,
			` + fmt.Sprintf(colour, `, "long_tail": 0.01`) + `, "train": {"steps": 388000, "batch": 64, ` + stepped + decay + `}`,
		"cifar10-ddpmpp": `"network": ` + fmt.Sprintf(songNet, "positional", 1, "standard", "[1, 1]") + `, "edm": {}, ` + fmt.Sprintf(colour, "") + `,
			"train": ` + songTrain + fmt.Sprintf(adamW, 0) + `}`,
		"cifar10-ncsnpp": `"network": ` + fmt.Sprintf(songNet, "fourier", 2, "residual", "[1, 3, 3, 1]") + `, "edm": {}, ` + fmt.Sprintf(colour, "") + `,
			"train": ` + songTrain + fmt.Sprintf(adamW, 0) + `}`,
	}
	for name, want := range papers {
		r, err := Preset(name)
		require.NoError(t, err)
		require.JSONEq(t, fmt.Sprintf(`{"format": 1, "preset": %q, %s}`, name, want), string(r.JSON()), name)
	}
	for _, name := range Presets() {
		if own := name == "toy" || strings.HasPrefix(name, "fashion"); !own {
			require.Contains(t, papers, name, "a paper's preset that is not in the table")
		}
	}
}
