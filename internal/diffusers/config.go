package diffusers

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"heavytail/nn"
)

const className = "UNet2DModel"

// A networkConfig is config.json. Keys that are not here are ignored, as diffusers
// does; null is told apart from a key that is not there.
type networkConfig struct {
	Class      *string         `json:"_class_name"`
	SampleSize json.RawMessage `json:"sample_size"`
	In         *float64        `json:"in_channels"`
	Out        *float64        `json:"out_channels"`
	Center     *bool           `json:"center_input_sample"`
	Embedding  *string         `json:"time_embedding_type"`
	EmbDim     *float64        `json:"time_embedding_dim"`
	FreqShift  *float64        `json:"freq_shift"`
	Flip       *bool           `json:"flip_sin_to_cos"`
	Down       []string        `json:"down_block_types"`
	Mid        *string         `json:"mid_block_type"`
	Up         []string        `json:"up_block_types"`
	Channels   []float64       `json:"block_out_channels"`
	Layers     *float64        `json:"layers_per_block"`
	MidScale   *float64        `json:"mid_block_scale_factor"`
	Padding    *float64        `json:"downsample_padding"`
	DownType   *string         `json:"downsample_type"`
	UpType     *string         `json:"upsample_type"`
	Dropout    *float64        `json:"dropout"`
	Act        *string         `json:"act_fn"`
	HeadDim    *float64        `json:"attention_head_dim"`
	Groups     *float64        `json:"norm_num_groups"`
	MidGroups  *float64        `json:"attn_norm_num_groups"`
	Eps        *float64        `json:"norm_eps"`
	TimeShift  *string         `json:"resnet_time_scale_shift"`
	Attention  *bool           `json:"add_attention"`
	Classes    *string         `json:"class_embed_type"`
	NumClasses *float64        `json:"num_class_embeds"`
	Times      *float64        `json:"num_train_timesteps"`
}

// networkDefaults are what UNet2DModel takes for keys that are not there.
func networkDefaults() networkConfig {
	return networkConfig{
		In: new(3.0), Out: new(3.0), Center: new(false), Embedding: new("positional"), FreqShift: new(0.0), Flip: new(true),
		Down: []string{"DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"}, Mid: new("UNetMidBlock2D"),
		Up: []string{"AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"}, Channels: []float64{224, 448, 672, 896},
		Layers: new(2.0), MidScale: new(1.0), Padding: new(1.0), DownType: new("conv"), UpType: new("conv"), Dropout: new(0.0), Act: new("silu"),
		HeadDim: new(8.0), Groups: new(32.0), Eps: new(1e-5), TimeShift: new("default"), Attention: new(true),
	}
}

// decode reads JSON; its error names the key and not our types.
func decode(text []byte, to any) error {
	err := json.Unmarshal(text, to)
	if of := (*json.UnmarshalTypeError)(nil); errors.As(err, &of) {
		if of.Field == "" {
			return fmt.Errorf("a JSON %s; want an object", of.Value)
		}
		return fmt.Errorf("%s is a JSON %s, which is not supported", of.Field, of.Value)
	}
	return err
}

// A reader takes values and keeps the first error.
type reader struct{ err error }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// value returns *v, an error if it is null.
func value[T any](r *reader, name string, v *T) (x T) {
	if v == nil {
		r.fail("%s is null, which is not supported", name)
		return x
	}
	return *v
}

// whole returns an integer, which may be written as 8.0.
func (r *reader) whole(name string, v *float64) int {
	x := value(r, name, v)
	switch {
	case x != math.Trunc(x):
		r.fail("%s is %v; want a whole number", name, x)
		return 0
	case math.Abs(x) > 1<<30:
		r.fail("%s is %v, which is too large", name, x)
		return 0
	}
	return int(x)
}

// optional is whole for what may be null, which is 0; 0 itself is refused.
func (r *reader) optional(name string, v *float64) int {
	if v == nil {
		return 0
	}
	x := r.whole(name, v)
	if x < 1 {
		r.fail("%s is %d; want at least 1, or null", name, x)
	}
	return x
}

// network returns the network that config.json describes, and the shape of its samples.
func network(text []byte) (cfg nn.Config, shape []int, err error) {
	raw := networkDefaults()
	if err := decode(text, &raw); err != nil {
		return cfg, nil, err
	}
	r := &reader{}
	if class := value(r, "_class_name", raw.Class); class != className {
		return cfg, nil, fmt.Errorf("_class_name is %s, which is not supported; want %s", quoted(class), className)
	}
	u := &nn.UNet2DConfig{
		InChannels: r.whole("in_channels", raw.In), OutChannels: r.whole("out_channels", raw.Out), Center: value(r, "center_input_sample", raw.Center),
		Embedding: value(r, "time_embedding_type", raw.Embedding), EmbDim: r.optional("time_embedding_dim", raw.EmbDim),
		Down: raw.Down, Up: raw.Up, MidScale: value(r, "mid_block_scale_factor", raw.MidScale), MidGroups: r.optional("attn_norm_num_groups", raw.MidGroups),
		Layers: r.whole("layers_per_block", raw.Layers), DownPadding: r.whole("downsample_padding", raw.Padding), DownType: value(r, "downsample_type", raw.DownType), UpType: value(r, "upsample_type", raw.UpType),
		Dropout: value(r, "dropout", raw.Dropout), HeadDim: r.optional("attention_head_dim", raw.HeadDim), Groups: r.whole("norm_num_groups", raw.Groups), Eps: value(r, "norm_eps", raw.Eps),
		TimeShift: value(r, "resnet_time_scale_shift", raw.TimeShift), NumClasses: r.optional("num_class_embeds", raw.NumClasses),
	}
	for _, c := range raw.Channels {
		u.Channels = append(u.Channels, r.whole("block_out_channels", &c))
	}
	if raw.Mid != nil {
		u.Mid, u.MidAttention = *raw.Mid, value(r, "add_attention", raw.Attention)
	}
	if act := value(r, "act_fn", raw.Act); act != "silu" && act != "swish" {
		r.fail("act_fn is %s, which is not supported; want silu", quoted(act))
	}
	if raw.Classes != nil {
		u.ClassEmbedding = *raw.Classes
	}
	switch u.Embedding {
	case "positional":
		u.FreqShift, u.CosFirst = r.whole("freq_shift", raw.FreqShift), value(r, "flip_sin_to_cos", raw.Flip)
	case "learned":
		u.Times = r.whole("num_train_timesteps", raw.Times)
	}
	if u.EmbDim == 0 && len(u.Channels) > 0 {
		u.EmbDim = 4 * u.Channels[0]
	}
	shape = r.shape(raw.SampleSize, u)
	if r.err != nil {
		return cfg, nil, r.err
	}
	cfg.UNet2D = u
	return cfg, shape, cfg.Validate()
}

// shape returns that of a sample: of sample_size, one number or height and width; where
// there is none, 32×32 or what the levels need.
func (r *reader) shape(size json.RawMessage, u *nn.UNet2DConfig) []int {
	var one float64
	var two []float64
	switch {
	case len(size) == 0 || string(size) == "null":
		side := max(32, 1<<(min(max(len(u.Channels), 1), 10)-1))
		return []int{side, side, u.InChannels}
	case json.Unmarshal(size, &one) == nil:
		u.ImageSize = r.optional("sample_size", &one)
		return []int{u.ImageSize, u.ImageSize, u.InChannels}
	case json.Unmarshal(size, &two) == nil && len(two) == 2:
		h, w := r.optional("sample_size", &two[0]), r.optional("sample_size", &two[1])
		if h == w {
			u.ImageSize = h
		}
		return []int{h, w, u.InChannels}
	}
	r.fail("sample_size is %.60s; want a number of pixels, or height and width", size)
	return nil
}
